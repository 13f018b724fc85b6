//! A peer whose every word the test decides: the network service as it is, and behind it, instead of a node, a thread
//! that writes down what comes, sends what the test wants, and answers requests as the test says.

use super::chain::{Chain, N, network_key};
use crate::processes::LIMIT;
use minuet_consensus::wire::{BodyMessage, Proposal, Request, Response};
use minuet_core::PeerId;
use minuet_core::certificate::Certificate;
use minuet_core::messages::{NetworkCommand, PeerEvent, PeerFrame, UrgentCommand};
use minuet_core::ring::{Doorbell, SendError, Waiter};
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::status::NodeStatus;
use minuet_core::wire::{FrameKind, Recipients};
use minuet_p2p::{ConsensusEnds, MempoolEnds, P2pConfig, P2pHandle, P2pIdentity, P2pRings, PeerEntry, bell, spawn};
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// What the node sent.
#[derive(Clone, Debug)]
pub enum Frame {
    Certificate(Certificate),
    Statement(SignedStatement),
    Proposal(Proposal),
    #[allow(dead_code, reason = "shown when a wait fails")]
    Body(BodyMessage),
    Request(Request),
    Response(Response),
}

impl Frame {
    fn read(frame: &PeerFrame) -> Self {
        let bytes = &frame.payload[..];
        let read = match frame.kind {
            FrameKind::Certificate => Certificate::from_bytes(bytes).map(Self::Certificate),
            FrameKind::Statement => SignedStatement::from_bytes(bytes).map(Self::Statement),
            FrameKind::Proposal => Proposal::from_bytes(bytes).map(Self::Proposal),
            FrameKind::Body => BodyMessage::from_bytes(bytes).map(Self::Body),
            FrameKind::Request => Request::from_bytes(bytes).map(Self::Request),
            FrameKind::Response => Response::from_bytes(bytes).map(Self::Response),
            FrameKind::Transactions => unreachable!("they go to the pool"),
        };
        read.expect("a node sends nothing that does not decode")
    }
}

/// What a puppet makes of a request: any payload of any kind, or silence.
pub type Answers = Box<dyn FnMut(&Request) -> Option<(FrameKind, Vec<u8>)> + Send>;

#[derive(Default)]
struct Seen {
    frames: Vec<Frame>,
    /// Connections so far, and whether the last one stands.
    ups: u32,
    is_up: bool,
}

struct Shared {
    seen: Mutex<Seen>,
    more: Condvar,
    outgoing: Mutex<VecDeque<NetworkCommand>>,
    answers: Mutex<Answers>,
    stop: AtomicBool,
    bell: Doorbell,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One scripted peer.
pub struct Puppet {
    pub index: u16,
    node: PeerId,
    handle: P2pHandle,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Puppet {
    /// Waits for validator `node` to dial it.
    pub fn start(chain: &Chain, index: u16, node: u16, reads_slowly: bool) -> Self {
        let entry = |other: u16| {
            let peer = PeerId(u32::from(other));
            PeerEntry { peer, address: None, key: network_key(other).public_key() }
        };
        // A puppet's own limits are never what a test sees.
        let config = P2pConfig {
            listen_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            peers: (0..N).map(entry).collect(),
            consensus_queue_bytes: 1 << 30,
            droppable_queue_bytes: 1 << 30,
            consensus_bytes_per_second: 1 << 30,
            bodies_bytes_per_second: 1 << 30,
            sync_bytes_per_second: if reads_slowly { 1024 } else { 1 << 30 },
            transactions_bytes_per_second: 1 << 30,
            ..P2pConfig::default()
        };
        let identity = P2pIdentity::new(PeerId(u32::from(index)), network_key(index), &chain.genesis);
        let (own, sleeper) = bell();
        let (thread_bell, waiter) = Doorbell::new();
        let (rings, consensus, mempool) = P2pRings::connect(&own, &thread_bell, &thread_bell);
        let handle = spawn(config, identity, rings, sleeper, Arc::new(NodeStatus::default())).unwrap();
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            more: Condvar::new(),
            outgoing: Mutex::default(),
            answers: Mutex::new(Box::new(|_| None)),
            stop: AtomicBool::new(false),
            bell: thread_bell,
        });
        let strings = Strings { node: PeerId(u32::from(node)), consensus, mempool, shared: shared.clone() };
        let thread = std::thread::spawn(move || strings.run(&waiter));
        Self { index, node: PeerId(u32::from(node)), handle, shared, thread: Some(thread) }
    }

    pub fn address(&self) -> SocketAddr {
        self.handle.local_address()
    }

    /// Sends any payload as any kind of frame. What is sent on one lane arrives in this order.
    pub fn send(&self, kind: FrameKind, payload: Vec<u8>) {
        let to = Recipients::One(self.node);
        lock(&self.shared.outgoing).push_back(NetworkCommand::Send { to, kind, payload: payload.into() });
        self.shared.bell.ring();
    }

    pub fn certificate(&self, certificate: &Certificate) {
        self.send(FrameKind::Certificate, certificate.to_bytes());
    }

    pub fn statement(&self, signed: &SignedStatement) {
        self.send(FrameKind::Statement, signed.to_bytes());
    }

    pub fn proposal(&self, proposal: &Proposal) {
        self.send(FrameKind::Proposal, proposal.to_bytes());
    }

    pub fn body(&self, message: &BodyMessage) {
        self.send(FrameKind::Body, message.to_bytes());
    }

    pub fn request(&self, request: Request) {
        self.send(FrameKind::Request, request.to_bytes());
    }

    pub fn response(&self, response: &Response) {
        self.send(FrameKind::Response, response.to_bytes());
    }

    /// From now on requests are answered so.
    pub fn answers(&self, answers: impl FnMut(&Request) -> Option<(FrameKind, Vec<u8>)> + Send + 'static) {
        *lock(&self.shared.answers) = Box::new(answers);
    }

    /// Everything that the node has sent to it so far, in each lane's order.
    pub fn frames(&self) -> Vec<Frame> {
        lock(&self.shared.seen).frames.clone()
    }

    /// The node's own statements so far, those in its proposals not among them.
    pub fn statements(&self) -> Vec<Statement> {
        let frames = self.frames();
        frames
            .into_iter()
            .filter_map(|frame| if let Frame::Statement(s) = frame { Some(s.statement) } else { None })
            .collect()
    }

    /// Waits for a frame of this sort, among all so far and those to come.
    pub fn finds<T>(&self, what: &str, look: impl FnMut(&Frame) -> Option<T>) -> T {
        self.finds_from(0, what, look)
    }

    /// As [`Puppet::finds`], without the first `from` frames.
    pub fn finds_from<T>(&self, from: usize, what: &str, mut look: impl FnMut(&Frame) -> Option<T>) -> T {
        let (deadline, mut next) = (Instant::now() + LIMIT, from);
        let mut seen = lock(&self.shared.seen);
        loop {
            while let Some(frame) = seen.frames.get(next) {
                next += 1;
                if let Some(found) = look(frame) {
                    return found;
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "puppet {} was never sent {what}: {:#?}", self.index, seen.frames);
            seen = self.shared.more.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How many frames it was sent so far: where a later look begins.
    pub fn mark(&self) -> usize {
        lock(&self.shared.seen).frames.len()
    }

    /// How often it was connected.
    pub fn ups(&self) -> u32 {
        lock(&self.shared.seen).ups
    }

    /// Waits until it was connected more often than this, and is.
    pub fn waits_up(&self, before: u32) {
        self.waits("a connection", |seen| seen.is_up && seen.ups > before);
    }

    /// Waits until it is not connected.
    pub fn waits_down(&self) {
        self.waits("the end of its connection", |seen| !seen.is_up);
    }

    pub fn is_up(&self) -> bool {
        lock(&self.shared.seen).is_up
    }

    fn waits(&self, what: &str, mut holds: impl FnMut(&Seen) -> bool) {
        let deadline = Instant::now() + LIMIT;
        let mut seen = lock(&self.shared.seen);
        while !holds(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "puppet {} waited for {what} in vain", self.index);
            seen = self.shared.more.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Puppet {
    /// Cuts its strings; its service begins to say goodbye.
    pub fn release(&mut self) {
        self.shared.stop.store(true, SeqCst);
        self.shared.bell.ring();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; a second one here would abort the whole run.
            let _ = thread.join();
        }
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.release();
    }
}

/// What moves a puppet.
struct Strings {
    node: PeerId,
    consensus: ConsensusEnds,
    mempool: MempoolEnds,
    shared: Arc<Shared>,
}

impl Strings {
    fn run(mut self, waiter: &Waiter) {
        while !self.shared.stop.load(SeqCst) {
            self.take_in();
            self.send_out();
            let Self { consensus, mempool, shared, .. } = &self;
            waiter.park_until(None, || {
                let waits = !lock(&shared.outgoing).is_empty() && consensus.urgent.has_room();
                let full = !consensus.certificates.is_empty() || !consensus.consensus.is_empty();
                let full = full || !consensus.bulk.is_empty() || !mempool.transactions.is_empty();
                let news = !consensus.events.is_empty() || !mempool.events.is_empty();
                waits || full || news || shared.stop.load(SeqCst)
            });
        }
    }

    fn take_in(&mut self) {
        let Self { consensus, mempool, shared, node } = self;
        let mut news = Vec::new();
        while let Some(event) = consensus.events.try_recv() {
            news.push(event);
        }
        while mempool.events.try_recv().is_some() {}
        let mut frames = Vec::new();
        frames.extend(std::iter::from_fn(|| consensus.certificates.try_recv()).map(|frame| frame.0));
        frames.extend(std::iter::from_fn(|| consensus.consensus.try_recv()).map(|frame| frame.0));
        frames.extend(std::iter::from_fn(|| consensus.bulk.try_recv()).map(|frame| frame.0));
        while mempool.transactions.try_recv().is_some() {}
        if news.is_empty() && frames.is_empty() {
            return;
        }
        let frames: Vec<Frame> = frames.iter().map(Frame::read).collect();
        let requests =
            frames.iter().filter_map(|frame| if let Frame::Request(request) = frame { Some(*request) } else { None });
        let requests: Vec<Request> = requests.collect();
        let mut seen = lock(&shared.seen);
        for event in news {
            seen.is_up = matches!(event, PeerEvent::Up(_));
            seen.ups += u32::from(seen.is_up);
        }
        seen.frames.extend(frames);
        drop(seen);
        shared.more.notify_all();
        for request in requests {
            if let Some((kind, payload)) = lock(&shared.answers)(&request) {
                let to = Recipients::One(*node);
                lock(&shared.outgoing).push_back(NetworkCommand::Send { to, kind, payload: payload.into() });
            }
        }
    }

    fn send_out(&mut self) {
        let mut outgoing = lock(&self.shared.outgoing);
        while let Some(command) = outgoing.pop_front() {
            match self.consensus.urgent.try_send(UrgentCommand(command)) {
                Ok(()) => {}
                Err(SendError::Full(command)) => {
                    outgoing.push_front(command.0);
                    return;
                }
                Err(SendError::Disconnected(_)) => return outgoing.clear(),
            }
        }
    }
}
