//! The chain as it is stored: formats, opening, and reading from any thread.

pub mod format;
mod open;
pub(crate) mod prune;
mod reader;

pub use open::{OpenedChain, begin, open};
pub use reader::{ChainReader, FinalTransaction};
