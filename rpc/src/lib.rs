//! The gRPC interface `minuet.v1`: accounts, final blocks, transactions, the node's state, subscriptions; with the
//! standard health service and reflection.
//!
//! Owns: the thread "minuet-api", the proto file, limits on what strangers may ask, the words of the answers. Never does:
//! decide whether a transaction is good (the pool does), write to the chain, know RocksDB: chain and peers are seen
//! through [`ChainSource`] and [`PeerSource`].
//!
//! Invariants:
//! - What is answered about accounts and blocks is final.
//! - A subscriber gets every block from its start on once and in order, or an error that says where to go on; a waiter
//!   hears of its transaction whether or not the announcement of its block was lost (the store is asked then).
//! - One task owns the sending end of the ring to the pool; a full ring is told to the caller, never waited for.
//! - Memory does not follow a stranger's number: message sizes, calls in flight, waiters, subscriptions, filters and
//!   buffers are bounded.

mod calls;
pub mod client;
mod config;
mod convert;
mod events;
mod finality;
mod health;
mod limits;
mod pool;
mod process;
mod proof;
pub mod proto;
mod refusal;
mod server;
mod services;
mod source;
mod submit;
mod waiters;

pub use calls::{CALL_CODES, CALL_METHODS, CallObserver, EndedCall};
pub use config::{RpcConfig, RpcError};
pub use events::{FinalizedBell, finalized_bell};
pub use refusal::{REASON_KEY, RESUME_KEY, RETRY_KEY};
pub use server::{RpcContext, RpcHandle, spawn};
pub use source::{ChainSource, PeerSource, PeerView, Role};

#[cfg(test)]
mod tests;
