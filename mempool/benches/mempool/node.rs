//! The pool's driver between its rings, whose far ends are here: what a turn of the mempool's thread costs.

use super::senders::{BATCH, Funds, batch, config, frame, rules, transfers};
use minuet_core::Bytes;
use minuet_core::PeerId;
use minuet_core::messages::{
    Admitted, GossipCommand, MempoolReply, MempoolRequest, PeerEvent, PeerFrame, StateNotice, Submission,
    TransactionFrame,
};
use minuet_core::ring::{Doorbell, Receiver, Sender, ring};
use minuet_core::status::NodeStatus;
use minuet_core::wire::FrameKind;
use minuet_mempool::{MempoolDriver, MempoolRings};
use minuet_storage::MemoryDirectory;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The others of six.
const PEERS: u32 = 5;

/// A driver without a log, in whose pool so many wait.
pub struct Node {
    driver: MempoolDriver<MemoryDirectory>,
    funds: Arc<Funds>,
    notices: Sender<StateNotice>,
    peer_events: Sender<PeerEvent>,
    submissions: Sender<Submission>,
    frames: Sender<TransactionFrame>,
    gossip: Receiver<GossipCommand>,
    admitted: Receiver<Admitted>,
    /// Held, so that the driver is not done.
    _far_ends: (Sender<MempoolRequest>, Receiver<MempoolReply>),
    batch: Vec<Bytes>,
    frame: Bytes,
    /// The driver's time.
    now: Instant,
}

/// From turn to turn, by that time: gossip that comes fast is not held for so long.
const STEP: Duration = Duration::from_millis(200);

impl Node {
    pub fn new(pending: u64) -> Self {
        let bell = Doorbell::silent();
        let (notices, notices_in) = ring(&bell);
        let (peer_events, peer_events_in) = ring(&bell);
        let (requests, requests_in) = ring(&bell);
        let (submissions, submissions_in) = ring(&bell);
        let (frames, frames_in) = ring(&bell);
        let (replies_out, replies) = ring(&bell);
        let (gossip_out, gossip) = ring(&bell);
        let (admitted_out, admitted) = ring(&bell);
        let rings = MempoolRings {
            notices: notices_in,
            peer_events: peer_events_in,
            requests: requests_in,
            submissions: submissions_in,
            frames: frames_in,
            replies: replies_out,
            gossip: gossip_out,
            admitted: admitted_out,
        };
        let funds = Arc::new(Funds::default());
        let status = Arc::new(NodeStatus::default());
        let driver = MempoolDriver::new(config(), rules(), Arc::clone(&funds) as _, rings, status, None);
        let batch = batch();
        let mut node = Self {
            driver,
            funds,
            notices,
            peer_events,
            submissions,
            frames,
            gossip,
            admitted,
            _far_ends: (requests, replies),
            frame: frame(&batch),
            batch,
            now: Instant::now(),
        };
        node.fill(pending);
        node
    }

    /// By gossip, as most of what waits in a node came.
    fn fill(&mut self, pending: u64) {
        for peer in 1..=PEERS {
            self.peer_events.try_send(PeerEvent::Up(PeerId(peer))).expect("there is room");
        }
        for part in transfers(pending).chunks(BATCH as usize) {
            self.send_frame(frame(part));
            self.turn();
        }
        assert_eq!(self.driver.pool().pending() as u64, pending);
    }

    fn send_frame(&mut self, payload: Bytes) {
        let frame = PeerFrame { peer: PeerId(1), kind: FrameKind::Transactions, payload };
        self.frames.try_send(TransactionFrame(frame)).expect("there is room");
    }

    /// How long it took; what it sent is taken away afterwards.
    fn turn(&mut self) -> Duration {
        self.now += STEP;
        let begun = Instant::now();
        self.driver.turn(self.now).expect("there is no log that could fail");
        let elapsed = begun.elapsed();
        self.gossip.drain(usize::MAX).for_each(drop);
        self.admitted.drain(usize::MAX).for_each(drop);
        elapsed
    }

    /// The turn that takes in a batch, which leaves again afterwards.
    fn take_in(&mut self) -> Duration {
        let (before, checked) = (self.driver.pool().pending(), self.driver.signatures_checked());
        let elapsed = self.turn();
        assert_eq!(self.driver.pool().pending(), before + self.batch.len());
        assert_eq!(self.driver.signatures_checked(), checked + BATCH);
        let Self { funds, notices, driver, now, .. } = self;
        funds.while_poor(|notice| {
            notices.try_send(notice).expect("there is room");
            driver.turn(*now).expect("there is no log that could fail");
        });
        self.gossip.drain(usize::MAX).for_each(drop);
        assert_eq!(self.driver.pool().pending(), before);
        elapsed
    }

    /// A client submits the batch.
    pub fn submit(&mut self) -> Duration {
        let accepted = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&accepted);
        let reply = Box::new(move |outcomes: Vec<Result<_, _>>| {
            count.fetch_add(outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64, Relaxed);
        });
        let submission = Submission::SubmitMany { envelopes: self.batch.clone(), reply };
        self.submissions.try_send(submission).expect("there is room");
        let elapsed = self.take_in();
        assert_eq!(accepted.load(Relaxed), BATCH);
        elapsed
    }

    /// A peer sends the batch.
    pub fn receive(&mut self) -> Duration {
        self.send_frame(self.frame.clone());
        self.take_in()
    }
}
