//! The transaction pool: what may enter, who goes first, and what a block on a given branch gets.
//!
//! Owns: admission, nonce order per sender, priority, replacement, eviction, selection for a parent, transaction gossip
//! and its frame format (an RLP list of envelopes), the pool log and its format.
//! Never does: execute, read a clock or open a socket in [`Pool`] and [`MempoolDriver`]; only [`spawn`] has a thread.
//!
//! Invariants:
//! - A transaction in the pool has a checked signature; its hash was computed here.
//! - Transactions leave a sender from the highest nonce down, or from the lowest up when they become final; selection
//!   never skips a nonce. Priority orders senders, never one sender's own transactions.
//! - A transaction leaves the pool only when it is final, replaced, evicted or unpayable, so the transactions of a branch
//!   that lost need not come back: they never left.
//! - What a client is told is accepted stands in the pool log before it is told, if the node keeps one.
//! - Everything is bounded by [`MempoolConfig`] or by the number of unfinalized blocks.

mod config;
mod driver;
mod log;
mod pool;
#[cfg(test)]
mod testing;
mod thread;

pub use config::{ChainRules, MempoolConfig, SignatureCheck};
pub use driver::frames::unpack as unpack_frame;
pub use driver::{MempoolDriver, MempoolRings};
pub use log::{OpenedLog, PoolLog, PoolLogError};
pub use pool::{Examined, Origin, Overlay, Pool, SelectLimits};
pub use thread::spawn;
