//! Why a scenario, or the whole report, could not be had.

use std::fmt;

/// In words: what was wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Told to stop: nothing else is begun.
    Stopped,
    /// Anything else.
    Failed(String),
}

impl Trouble {
    /// A failure in words.
    pub fn new(words: impl fmt::Display) -> Self {
        Self::Failed(words.to_string())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => out.write_str("told to stop"),
            Self::Failed(words) => out.write_str(words),
        }
    }
}

impl std::error::Error for Trouble {}
