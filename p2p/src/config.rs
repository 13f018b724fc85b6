//! What the network service is told at its start: local settings, who it is, and why it may refuse to start.

use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::genesis::Genesis;
use minuet_core::wire::PROTOCOL_VERSION;
use minuet_core::{B256, Digest, PeerId};
use std::net::{Ipv4Addr, SocketAddr};

/// A node that may connect. Nobody else may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerEntry {
    /// How the services name it: the validator's index.
    pub peer: PeerId,
    /// Where it is dialled; `None` if it is only waited for.
    pub address: Option<SocketAddr>,
    /// Its network key.
    pub key: Ed25519PublicKey,
}

/// Local settings. Every default suits a committee on one machine as well as one across continents.
#[derive(Clone, Debug)]
pub struct P2pConfig {
    /// UDP. Port 0 lets the system choose (tests).
    pub listen_address: SocketAddr,
    /// All other validators; an entry with this node's own id is skipped.
    pub peers: Vec<PeerEntry>,
    /// First pause between two attempts to connect, in milliseconds; doubles with jitter.
    pub reconnect_min_ms: u64,
    /// Longest pause between two attempts, in milliseconds.
    pub reconnect_max_ms: u64,
    /// How long the higher index leaves the dialling to the lower one, in milliseconds.
    pub dial_head_start_ms: u64,
    /// TLS and handshake together, in milliseconds.
    pub handshake_timeout_ms: u64,
    /// A connection that is silent for so long is dead, in milliseconds.
    pub idle_timeout_ms: u64,
    /// A quiet connection says so every so many milliseconds; well below `idle_timeout_ms`.
    pub keep_alive_ms: u64,
    /// Bytes a second that one peer may send on the certificates lane, on the votes lane and on the headers lane each;
    /// beyond it is read later, and going on like that is an offence: an honest peer needs a small part of it.
    pub consensus_bytes_per_second: u64,
    /// As before, on the bodies lane.
    pub bodies_bytes_per_second: u64,
    /// Bytes a second that one peer may send on the transactions lane; beyond it is read later.
    pub transactions_bytes_per_second: u64,
    /// Bytes a second that one peer may send on the sync lane; beyond it is read later.
    pub sync_bytes_per_second: u64,
    /// Bytes that may wait for one peer on each consensus lane; beyond it the peer is too slow and is disconnected.
    pub consensus_queue_bytes: usize,
    /// Bytes that may wait for one peer on the transactions lane and on the sync lane; beyond it the newest is dropped.
    pub droppable_queue_bytes: usize,
    /// First ban, in milliseconds; doubles with every further one.
    pub ban_ms: u64,
    /// Longest ban, in milliseconds.
    pub ban_max_ms: u64,
    /// Nodes that only follow and are let in at a time; with 0 only keys of the committee get beyond TLS.
    pub max_followers: usize,
}

impl Default for P2pConfig {
    fn default() -> Self {
        Self {
            listen_address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 9000)),
            peers: Vec::new(),
            reconnect_min_ms: 100,
            reconnect_max_ms: 3_000,
            dial_head_start_ms: 300,
            handshake_timeout_ms: 3_000,
            idle_timeout_ms: 2_000,
            keep_alive_ms: 500,
            consensus_bytes_per_second: 512 << 10,
            bodies_bytes_per_second: 16 << 20,
            transactions_bytes_per_second: 8 << 20,
            sync_bytes_per_second: 32 << 20,
            consensus_queue_bytes: 16 << 20,
            droppable_queue_bytes: 8 << 20,
            ban_ms: 60_000,
            ban_max_ms: 600_000,
            max_followers: 0,
        }
    }
}

/// Who this node is and which chain it is of.
#[derive(Debug)]
pub struct P2pIdentity {
    /// Its own id: the validator's index, or [`PeerId::FOLLOWER`].
    pub peer: PeerId,
    /// Its network key.
    pub key: Ed25519SecretKey,
    /// Hash over the whole genesis.
    pub genesis_fingerprint: B256,
    /// Digest of block 0.
    pub genesis_digest: Digest,
    /// The chain id.
    pub chain_id: u64,
    /// [`PROTOCOL_VERSION`]; another one only in tests.
    pub protocol_version: u32,
}

impl P2pIdentity {
    /// The identity of validator `peer` of this genesis, or of a node that only follows.
    #[must_use]
    pub fn new(peer: PeerId, key: Ed25519SecretKey, genesis: &Genesis) -> Self {
        Self {
            peer,
            key,
            genesis_fingerprint: genesis.fingerprint(),
            genesis_digest: genesis.digest(),
            chain_id: genesis.chain_id(),
            protocol_version: PROTOCOL_VERSION,
        }
    }
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum P2pError {
    /// The port is taken or the address is not this machine's.
    #[error(
        "p2p cannot listen on UDP {address}: {reason}; stop the program that uses it (a running node?) \
         or choose another listen_address"
    )]
    Bind {
        /// The configured address.
        address: SocketAddr,
        /// From the operating system.
        reason: std::io::Error,
    },
    /// Two peers with one id, or one key twice.
    #[error("p2p.peers: {0}")]
    Peers(String),
    /// Settings that contradict each other.
    #[error("p2p: {0}")]
    Config(&'static str),
    /// The key cannot be used for TLS.
    #[error("p2p: the network key does not work for TLS: {0}")]
    Tls(String),
    /// The operating system gave no thread, event loop or randomness.
    #[error("p2p cannot start: {what}: {reason}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// From the operating system.
        reason: String,
    },
}

impl P2pConfig {
    /// Looks for contradictions.
    pub(crate) fn check(&self, own: PeerId, own_key: &Ed25519PublicKey) -> Result<(), P2pError> {
        let rules = [
            (self.reconnect_min_ms > 0, "reconnect_min_ms must be above 0"),
            (self.reconnect_max_ms >= self.reconnect_min_ms, "reconnect_max_ms must not be below reconnect_min_ms"),
            (self.handshake_timeout_ms > 0, "handshake_timeout_ms must be above 0"),
            (self.keep_alive_ms > 0, "keep_alive_ms must be above 0"),
            (self.keep_alive_ms <= self.idle_timeout_ms / 2, "keep_alive_ms must be at most half of idle_timeout_ms"),
            (self.idle_timeout_ms <= 3_600_000, "idle_timeout_ms must be at most an hour (3600000)"),
            (self.consensus_bytes_per_second >= 1024, "consensus_bytes_per_second must be at least 1024"),
            (self.bodies_bytes_per_second >= 1024, "bodies_bytes_per_second must be at least 1024"),
            (self.transactions_bytes_per_second >= 1024, "transactions_bytes_per_second must be at least 1024"),
            (self.sync_bytes_per_second >= 1024, "sync_bytes_per_second must be at least 1024"),
            (self.ban_max_ms >= self.ban_ms, "ban_max_ms must not be below ban_ms"),
        ];
        if let Some((_, reason)) = rules.into_iter().find(|(good, _)| !good) {
            return Err(P2pError::Config(reason));
        }
        let mut ids = std::collections::BTreeSet::new();
        let mut keys = std::collections::BTreeSet::new();
        for entry in self.peers.iter().filter(|entry| entry.peer != own) {
            if !ids.insert(entry.peer) {
                return Err(P2pError::Peers(format!("peer {} is listed twice", entry.peer)));
            }
            if entry.key == *own_key {
                return Err(P2pError::Peers(format!(
                    "peer {} has this node's own key: every validator needs a key of its own",
                    entry.peer
                )));
            }
            if !keys.insert(entry.key) {
                return Err(P2pError::Peers(format!("peer {} repeats another peer's key", entry.peer)));
            }
        }
        Ok(())
    }
}
