//! Moves opaque frames between validators over QUIC.
//!
//! Owns: the socket, the connections, the handshake, the lanes and their priorities, frame limits (B-FRAME), budgets,
//! bans. Never does: interpret a payload, decide anything about consensus, wait for another thread.
//!
//! Invariants:
//! - A peer is who its key says: both sides prove an Ed25519 key in TLS 1.3, and only keys of the genesis are let in.
//! - Between two nodes lives one connection. Who dialled it and which process it belongs to decide which one stays.
//! - No length that a peer names is allocated before it is checked against its kind's limit.
//! - Frames of consensus are never dropped in silence: reading stops while a ring is full, and a peer that cannot take
//!   what it is sent is disconnected.
//! - `PeerEvent::Up` comes before a connection's first frame, `PeerEvent::Down` follows every `Up`.

mod budget;
pub mod closing;
mod config;
mod connect;
pub mod frame;
pub mod hello;
mod hub;
mod inlets;
mod link;
pub mod loopback;
mod reader;
mod rings;
mod score;
mod service;
mod stats;
pub mod tls;
mod transport;

pub use config::{P2pConfig, P2pError, P2pIdentity, PeerEntry};
pub use rings::{ConsensusEnds, FrameObserver, MempoolEnds, P2pRings, P2pWaiter, bell};
pub use service::{P2pHandle, spawn};
pub use stats::{Counter, LaneStats, P2pStats, PeerInfo, Reject};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic elsewhere does not make the counters and queues behind these locks wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
