//! The JSON that clients get. Names and order are the interface.

use crate::source::PeerLink;
use minuet_core::Digest;
use minuet_core::views::{OwnStatement, Slot, SlotStatus, VoterSet};
use serde::Serialize;

/// `/api/health`
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    pub status: &'static str,
    pub reasons: Vec<String>,
    pub version: String,
    pub chain_id: u64,
    pub genesis: String,
    pub validator: Option<u16>,
    pub role: &'static str,
    pub current_view: u64,
    pub finalized_view: u64,
    pub finalized_height: u64,
    pub finalized_hash: Digest,
    pub known_height: u64,
    pub n: usize,
    pub f: usize,
    pub m: usize,
    pub l: usize,
    pub peers: u64,
    pub uptime_ms: u64,
    pub time_ms: u64,
    pub finality_p50_us: u64,
    pub finality_p99_us: u64,
    pub recent: Vec<(u64, Digest)>,
}

/// `node_status`
#[derive(Clone, Debug, Default, Serialize)]
pub struct NodeVitals {
    pub current_view: u64,
    pub finalized_view: u64,
    pub height: u64,
    pub known_height: u64,
    pub peers: u64,
    pub pending: u64,
    pub queued: u64,
    pub pool_bytes: u64,
    pub tps: f64,
    pub finality_p50_us: u64,
    pub finality_p99_us: u64,
    pub delta_ms: u64,
    pub journal_sync_us: u64,
    pub commit_us: u64,
    pub nullified_views: u64,
    pub equivocations: u64,
    pub low_disk: bool,
    pub uptime_ms: u64,
}

/// `peer_changed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Peer {
    pub peer: u32,
    pub address: String,
    pub connected: bool,
    pub rtt_us: u64,
    pub last_error: String,
}

/// A view's block, as far as it is here.
#[derive(Clone, Debug, Serialize)]
pub struct Proposal {
    pub hash: Digest,
    pub height: u64,
    pub parent_view: u64,
    pub tx_count: Option<u64>,
    pub bytes: Option<u64>,
    pub after_us: u64,
}

/// One view of `/api/state`.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    pub view: u64,
    pub leader: u16,
    pub started_at_ms: u64,
    pub status: &'static str,
    pub proposal: Option<Proposal>,
    pub votes: Vec<u16>,
    pub nullify_votes: Vec<u16>,
    pub own: Option<&'static str>,
    pub m_after_us: Option<u64>,
    pub l_after_us: Option<u64>,
    pub nullified_after_us: Option<u64>,
    pub finalized_after_us: Option<u64>,
    pub latency_us: Option<u64>,
    pub left_after_us: Option<u64>,
}

/// `/api/state`, and the event `snapshot`.
#[derive(Debug, Serialize)]
pub struct State<'a> {
    pub event_id: u64,
    pub health: &'a Health,
    pub node: &'a NodeVitals,
    pub peers: &'a [Peer],
    pub fleet: &'a Option<Fleet>,
    pub slots: Vec<View>,
}

/// `fleet`
#[derive(Clone, Debug, Default, Serialize)]
pub struct Fleet {
    pub alarm: Option<String>,
    pub validators: Vec<FleetValidator>,
}

/// One validator, as its dashboard shows it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FleetValidator {
    pub validator: u16,
    pub url: String,
    pub reachable: bool,
    pub last_seen_ms: Option<u64>,
    pub height: u64,
    pub view: u64,
    pub lag_blocks: u64,
    pub finalized_hash: Option<Digest>,
    pub finality_p50_us: u64,
    pub status: String,
    pub reasons: Vec<String>,
    pub error: Option<String>,
    pub diverged: bool,
}

pub const fn status_word(status: SlotStatus) -> &'static str {
    match status {
        SlotStatus::InProgress => "in_progress",
        SlotStatus::Notarized => "notarized",
        SlotStatus::Finalized => "finalized",
        SlotStatus::Nullified => "nullified",
        SlotStatus::NullifiedLate => "nullified_late",
    }
}

pub fn own_word(own: Option<OwnStatement>) -> Option<&'static str> {
    own.map(|own| match own {
        OwnStatement::Voted => "voted",
        OwnStatement::Timeout => "timeout",
        OwnStatement::Contradiction => "contradiction",
        OwnStatement::Skip => "skip",
    })
}

pub fn indexes(set: &VoterSet) -> Vec<u16> {
    set.iter().map(|validator| validator.0).collect()
}

pub fn proposal(slot: &Slot) -> Option<Proposal> {
    let block = slot.proposal?;
    Some(Proposal {
        hash: slot.block.unwrap_or_default(),
        height: block.height.0,
        parent_view: block.parent_view.0,
        tx_count: block.tx_count,
        bytes: block.bytes,
        after_us: block.after_us,
    })
}

impl From<PeerLink> for Peer {
    fn from(link: PeerLink) -> Self {
        let PeerLink { id, address, connected, rtt_us, last_error } = link;
        Self { peer: id.0, address, connected, rtt_us, last_error }
    }
}

impl From<&Slot> for View {
    fn from(slot: &Slot) -> Self {
        Self {
            view: slot.view.0,
            leader: slot.leader.0,
            started_at_ms: slot.started_at.0,
            status: status_word(slot.status()),
            proposal: proposal(slot),
            votes: indexes(&slot.votes),
            nullify_votes: indexes(&slot.nullify_votes),
            own: own_word(slot.own),
            m_after_us: slot.m_after_us,
            l_after_us: slot.l_after_us,
            nullified_after_us: slot.nullified_after_us,
            finalized_after_us: slot.finalized_after_us,
            latency_us: slot.finality_us().filter(|_| slot.is_entered),
            left_after_us: slot.left_after_us,
        }
    }
}
