//! The trace of what a node received: every signed message from its peers as a JSON line (`minuet node --trace-received
//! FILE`), and the check of many nodes' traces (`minuet trace check`).
//!
//! Owns: the form of the lines, the thread that writes them, what a set of traces says about each key. Never does: take
//! part in consensus, hold it up, or believe a signature that it has not checked.
//!
//! Invariants:
//! - What a running node received is in its file, or the file says that it is incomplete.
//! - A line is written as a whole; only a kill can cut one off, and the next start ends it.

mod book;
mod check;
mod line;
mod reader;
mod writer;

pub use book::{Book, Report};
pub use check::{read_on, run};
pub use reader::Tail;
pub use writer::{TraceThread, open};
