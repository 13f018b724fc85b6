//! What observers may know: counters as atomics and a list of peers that is refreshed every second.

use minuet_core::PeerId;
use minuet_core::ed25519::Ed25519PublicKey;
use minuet_core::wire::Lane;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts upwards; read by anybody.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Since start.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }
}

/// One lane over all peers. Bytes are those of frames, headers included.
#[derive(Debug, Default)]
pub struct LaneStats {
    /// Frames received.
    pub frames_in: Counter,
    /// Bytes received.
    pub bytes_in: Counter,
    /// Frames handed to a connection.
    pub frames_out: Counter,
    /// Bytes handed to a connection.
    pub bytes_out: Counter,
    /// Frames not sent: queue full (droppable lanes only) or addressee not connected.
    pub dropped_out: Counter,
    /// Times that reading waited because a peer was over its budget.
    pub throttled: Counter,
    /// Times that reading waited for room in a ring.
    pub held: Counter,
}

/// Why something of a peer was refused, or a peer altogether.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reject {
    /// A frame of a kind that does not exist.
    UnknownKind,
    /// A frame on a lane that is not its kind's.
    WrongLane,
    /// A frame longer than its kind allows.
    Oversized,
    /// A lane that ended, within a frame or not.
    LaneEnded,
    /// More lanes than there are.
    ExtraStream,
    /// Transactions that found the mempool's ring full.
    MempoolFull,
    /// A handshake that is no handshake, or too slow.
    Handshake,
    /// Another protocol version.
    WrongVersion,
    /// Another genesis or chain id.
    WrongGenesis,
    /// A key that is nobody's, or not that of the index it claims.
    UnknownKey,
    /// The link to this peer exists already.
    Duplicate,
    /// A banned peer.
    Banned,
    /// A peer that does not take what it is sent.
    TooSlow,
    /// A connection beyond what is handled at once.
    Busy,
    /// A peer that goes on sending more than a lane takes.
    Flood,
    /// A follower beyond those that have a place.
    NoRoom,
    /// A follower that sends more than requests.
    NotAllowed,
}

impl Reject {
    /// All reasons.
    pub const ALL: [Self; 17] = [
        Self::UnknownKind,
        Self::WrongLane,
        Self::Oversized,
        Self::LaneEnded,
        Self::ExtraStream,
        Self::MempoolFull,
        Self::Handshake,
        Self::WrongVersion,
        Self::WrongGenesis,
        Self::UnknownKey,
        Self::Duplicate,
        Self::Banned,
        Self::TooSlow,
        Self::Busy,
        Self::Flood,
        Self::NoRoom,
        Self::NotAllowed,
    ];

    /// For metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownKind => "unknown_kind",
            Self::WrongLane => "wrong_lane",
            Self::Oversized => "oversized",
            Self::LaneEnded => "lane_ended",
            Self::ExtraStream => "extra_stream",
            Self::MempoolFull => "mempool_full",
            Self::Handshake => "handshake",
            Self::WrongVersion => "wrong_version",
            Self::WrongGenesis => "wrong_genesis",
            Self::UnknownKey => "unknown_key",
            Self::Duplicate => "duplicate",
            Self::Banned => "banned",
            Self::TooSlow => "too_slow",
            Self::Busy => "busy",
            Self::Flood => "flood",
            Self::NoRoom => "no_room",
            Self::NotAllowed => "not_allowed",
        }
    }
}

/// A peer as the service sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Who.
    pub peer: PeerId,
    /// Its network key.
    pub key: Ed25519PublicKey,
    /// Whether it only follows.
    pub follower: bool,
    /// Where it is connected from, else where it is dialled.
    pub address: Option<SocketAddr>,
    /// Whether its handshake is done.
    pub connected: bool,
    /// Smoothed round trip in microseconds; 0 while not connected.
    pub rtt_us: u64,
    /// Since when it is connected, in Unix milliseconds; 0 while not connected.
    pub since_ms: u64,
    /// Frame bytes received over the connection of now.
    pub bytes_in: u64,
    /// Frame bytes sent over the connection of now.
    pub bytes_out: u64,
    /// Bans so far.
    pub bans: u32,
    /// How much longer it is banned; 0 if it is not.
    pub banned_for_ms: u64,
    /// Points of its offences since the last ban, as of the last one; 100 are a ban.
    pub score: u64,
    /// Why the last connection ended or did not come about, in words.
    pub last_error: Option<String>,
}

/// Shared with observers.
#[derive(Debug, Default)]
pub struct P2pStats {
    lanes: [LaneStats; Lane::ALL.len()],
    rejects: [Counter; Reject::ALL.len()],
    /// Handshakes done.
    pub connections: Counter,
    /// Attempts to connect that failed.
    pub failed_dials: Counter,
    /// Bans spoken.
    pub bans: Counter,
    peers: Mutex<Vec<PeerInfo>>,
    last_refusal: Mutex<Option<String>>,
}

impl P2pStats {
    /// A lane's counters.
    #[must_use]
    pub const fn lane(&self, lane: Lane) -> &LaneStats {
        &self.lanes[lane as usize]
    }

    /// How often something was refused for this reason.
    #[must_use]
    pub fn rejected(&self, reason: Reject) -> u64 {
        self.rejects[reason as usize].get()
    }

    /// All configured peers and the followers that have a place, in order of their ids, at most a second old.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerInfo> {
        crate::lock(&self.peers).clone()
    }

    /// The newest reason for which a connection did not come about, either way, with the address.
    #[must_use]
    pub fn last_refusal(&self) -> Option<String> {
        crate::lock(&self.last_refusal).clone()
    }

    pub(crate) fn set_last_refusal(&self, text: String) {
        *crate::lock(&self.last_refusal) = Some(text);
    }

    pub(crate) fn reject(&self, reason: Reject) {
        self.rejects[reason as usize].add(1);
    }

    pub(crate) fn set_peers(&self, peers: Vec<PeerInfo>) {
        *crate::lock(&self.peers) = peers;
    }
}
