//! `minuet journal`: moving a validator's journal to another directory, looking at one, beginning a new one after a loss.
//!
//! Owns: the export's file, the marker of an exported directory. Never does: leave a journal half made (it gets its name
//! when it is whole and durable), or two directories that both may sign.

mod commands;
mod export_file;
#[cfg(test)]
mod fuzz_tests;
mod install;
pub mod marker;

pub use commands::run;
