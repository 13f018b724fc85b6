//! How long the measurements take: all of it, or a quick look.

use std::time::Duration;

/// A quick look takes a tenth of the time.
const QUICK_PART: u32 = 10;

/// Scales durations and sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    is_quick: bool,
}

impl Effort {
    /// All of it, or a quick look.
    #[must_use]
    pub const fn new(is_quick: bool) -> Self {
        Self { is_quick }
    }

    /// So long, or a tenth of it.
    #[must_use]
    pub fn span(self, milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds) / if self.is_quick { QUICK_PART } else { 1 }
    }

    /// So many, or a tenth of them.
    #[must_use]
    pub fn count(self, full: u32) -> u32 {
        if self.is_quick { full.div_ceil(QUICK_PART) } else { full }
    }
}
