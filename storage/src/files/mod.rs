//! Core's `Directory` and `File`: on the real disk, and on a simulated one that loses what was not synced.

mod real;
mod simulated;
#[cfg(test)]
mod tests;

pub use real::{RealDirectory, RealFile};
pub use simulated::{Fault, MemoryDirectory, MemoryFile};
