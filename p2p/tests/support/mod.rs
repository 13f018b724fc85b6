//! Services on real sockets, driven through their rings; and a peer that writes its bytes by hand.
#![allow(dead_code, reason = "each test file uses a part")]

use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::messages::{BulkCommand, GossipCommand, NetworkCommand, PeerEvent, UrgentCommand};
use minuet_core::ring::{Doorbell, Receiver, RingMessage, Waiter};
use minuet_core::status::NodeStatus;
use minuet_core::wire::{FrameKind, Lane, PROTOCOL_VERSION, Recipients};
use minuet_core::{B256, Bytes, PeerId};
use minuet_p2p::hello::{HELLO_BYTES, Hello};
use minuet_p2p::tls::TlsKey;
use minuet_p2p::{ConsensusEnds, MempoolEnds, P2pConfig, P2pHandle, P2pIdentity, P2pRings, PeerEntry, bell, spawn};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const LONGEST: Duration = Duration::from_secs(20);
pub const CHAIN_ID: u64 = 7;

pub fn secret(index: u32) -> Ed25519SecretKey {
    Ed25519SecretKey::from_bytes(&[u8::try_from(index + 1).unwrap(); 32])
}

pub fn public(index: u32) -> Ed25519PublicKey {
    secret(index).public_key()
}

pub fn identity(index: u32) -> P2pIdentity {
    P2pIdentity {
        peer: PeerId(index),
        key: secret(index),
        genesis_fingerprint: B256::repeat_byte(1),
        genesis_digest: B256::repeat_byte(2),
        chain_id: CHAIN_ID,
        protocol_version: PROTOCOL_VERSION,
    }
}

/// A committee of `n` of which only the named addresses are known.
pub fn config(n: u32, addresses: &[(u32, SocketAddr)]) -> P2pConfig {
    let address = |peer| addresses.iter().find(|(other, _)| *other == peer).map(|(_, address)| *address);
    let entry = |peer| PeerEntry { peer: PeerId(peer), address: address(peer), key: public(peer) };
    P2pConfig {
        listen_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        peers: (0..n).map(entry).collect(),
        ..P2pConfig::default()
    }
}

pub struct Node {
    pub handle: P2pHandle,
    pub consensus: ConsensusEnds,
    pub mempool: MempoolEnds,
    pub status: Arc<NodeStatus>,
    waiter: Waiter,
}

impl Node {
    pub fn start(config: P2pConfig, identity: P2pIdentity) -> Self {
        let (own, sleeper) = bell();
        let (thread_bell, waiter) = Doorbell::new();
        let (rings, consensus, mempool) = P2pRings::connect(&own, &thread_bell, &thread_bell);
        let status = Arc::new(NodeStatus::default());
        let handle = spawn(config, identity, rings, sleeper, Arc::clone(&status)).unwrap();
        Self { handle, consensus, mempool, status, waiter }
    }

    pub fn address(&self) -> SocketAddr {
        self.handle.local_address()
    }

    /// The next message of one ring; panics after [`LONGEST`].
    pub fn next<T: RingMessage>(&mut self, ring: impl Fn(&mut Self) -> &mut Receiver<T>) -> T {
        let deadline = Instant::now() + LONGEST;
        loop {
            if let Some(message) = ring(self).try_recv() {
                return message;
            }
            assert!(Instant::now() < deadline, "nothing on ring {} in time", T::NAME);
            // The bell serves all rings of this node; another one's message may wake this early.
            let wait = Instant::now() + Duration::from_millis(100);
            let Self { consensus, mempool, waiter, .. } = self;
            let full = [consensus.certificates.len(), consensus.consensus.len(), consensus.bulk.len()];
            let counts = (full, consensus.events.len(), mempool.events.len(), mempool.transactions.len());
            waiter.park_until(Some(wait.min(deadline)), || {
                let full = [consensus.certificates.len(), consensus.consensus.len(), consensus.bulk.len()];
                counts != (full, consensus.events.len(), mempool.events.len(), mempool.transactions.len())
            });
        }
    }

    pub fn next_event(&mut self) -> PeerEvent {
        let event = self.next(|node| &mut node.consensus.events);
        assert_eq!(self.next(|node| &mut node.mempool.events), event, "both threads hear the same");
        event
    }

    /// Skips replaced links until the peer is up or down as wanted.
    pub fn wait_event(&mut self, wanted: PeerEvent) {
        while self.next_event() != wanted {}
    }

    pub fn send(&mut self, to: Recipients, kind: FrameKind, payload: &[u8]) {
        let command = NetworkCommand::Send { to, kind, payload: Bytes::copy_from_slice(payload) };
        match kind.lane() {
            Lane::Certificates | Lane::Votes | Lane::Headers => {
                self.consensus.urgent.try_send(UrgentCommand(command)).unwrap();
            }
            Lane::Bodies | Lane::Sync => self.consensus.bulk_commands.try_send(BulkCommand(command)).unwrap(),
            Lane::Transactions => assert!(self.mempool.gossip.send_or_drop(GossipCommand(command))),
        }
    }
}

/// Waits for a counter or a text, which no ring announces.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LONGEST;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not in time");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Two nodes, 0 and 1, of which 1 knows 0's address; both up.
pub fn pair(change: impl Fn(&mut P2pConfig)) -> (Node, Node) {
    let mut first = config(2, &[]);
    change(&mut first);
    let mut a = Node::start(first, identity(0));
    let mut second = config(2, &[(0, a.address())]);
    change(&mut second);
    let mut b = Node::start(second, identity(1));
    assert_eq!(a.next_event(), PeerEvent::Up(PeerId(1)));
    assert_eq!(b.next_event(), PeerEvent::Up(PeerId(0)));
    (a, b)
}

pub fn hello(from: u32, to: u32) -> Hello {
    Hello {
        version: PROTOCOL_VERSION,
        genesis_fingerprint: B256::repeat_byte(1),
        genesis_digest: B256::repeat_byte(2),
        chain_id: CHAIN_ID,
        sender: PeerId(from),
        recipient: PeerId(to),
        instance: 1,
    }
}

/// A connection with a key of choice, on which the test writes what it likes.
pub struct RawPeer {
    pub runtime: tokio::runtime::Runtime,
    pub endpoint: quinn::Endpoint,
    pub connection: quinn::Connection,
}

impl RawPeer {
    pub fn connect(key: &Ed25519SecretKey, server: u32, address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (endpoint, connection) = runtime.block_on(async {
            let tls = TlsKey::new(key).unwrap().client(public(server)).unwrap();
            let quic = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
            let endpoint = quinn::Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
            let config = quinn::ClientConfig::new(Arc::new(quic));
            let connection = endpoint.connect_with(config, address, "minuet").unwrap().await.unwrap();
            (endpoint, connection)
        });
        Self { runtime, endpoint, connection }
    }

    /// Says `bytes` on the first stream and hears the answer; `None` if the connection is closed instead.
    pub fn greet(&self, bytes: &[u8]) -> Option<[u8; HELLO_BYTES]> {
        self.runtime.block_on(async {
            let (mut send, mut recv) = self.connection.open_bi().await.ok()?;
            send.write_all(bytes).await.ok()?;
            let mut answer = [0; HELLO_BYTES];
            recv.read_exact(&mut answer).await.ok()?;
            Some(answer)
        })
    }

    /// Opens lanes up to this one and writes on it.
    pub fn write(&self, lane: Lane, bytes: &[u8]) -> Vec<quinn::SendStream> {
        self.runtime.block_on(async {
            let mut lanes = Vec::new();
            for _ in 0..=lane as usize {
                lanes.push(self.connection.open_uni().await.unwrap());
            }
            lanes[lane as usize].write_all(bytes).await.unwrap();
            lanes
        })
    }

    /// Code and text with which the other side closed.
    pub fn closed(&self) -> (u64, String) {
        let error = self
            .runtime
            .block_on(async { tokio::time::timeout(LONGEST, self.connection.closed()).await.expect("closed in time") });
        match error {
            quinn::ConnectionError::ApplicationClosed(close) => {
                (close.error_code.into_inner(), String::from_utf8_lossy(&close.reason).into_owned())
            }
            other => (u64::MAX, other.to_string()),
        }
    }
}
