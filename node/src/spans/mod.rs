//! The moments of transfers and views (`minuet_core::spans`) on their way from where they happen into a file
//! (`minuet node --spans FILE`).
//!
//! Owns: the recording layer of `tracing`, its clock, the thread that writes, the form of the lines. Never does: hold up
//! whoever tells of a moment, or allocate for it.
//!
//! Invariants:
//! - All times of one machine are of one clock, the system's monotonic one, so that moments of several processes compare.
//! - What does not fit into the queue is counted, and the file says how many were lost.

mod layer;
mod line;
#[cfg(test)]
mod tests;
mod writer;

pub use layer::SpanLayer;
pub use line::{Line, Moment, read};
pub use writer::open;
