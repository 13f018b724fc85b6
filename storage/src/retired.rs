//! Which entries readers see no more, as one number a column and kind ([`Store::retire`]).
//!
//! Invariant: the numbers only rise, so an entry that is gone stays gone, and its space may be given back at any time.
//!
//! [`Store::retire`]: minuet_core::store::Store::retire

use minuet_core::store::{Column, NumberedBy};
use std::sync::atomic::{AtomicU64, Ordering};

const COLUMNS: usize = Column::ALL.len();

/// The first number that can be retired, as the beginning of keys and values.
pub const FIRST: [u8; 8] = 1_u64.to_be_bytes();

/// For every column, the number below which entries are gone; 0 and 1 are none.
#[derive(Debug, Default)]
pub struct Retired {
    by_key: [AtomicU64; COLUMNS],
    by_value: [AtomicU64; COLUMNS],
}

impl Retired {
    fn number(&self, column: Column, by: NumberedBy) -> &AtomicU64 {
        match by {
            NumberedBy::Key => &self.by_key[column as usize],
            NumberedBy::Value => &self.by_value[column as usize],
        }
    }

    /// Entries below `until` are gone from now on.
    pub fn raise(&self, column: Column, by: NumberedBy, until: u64) {
        self.number(column, by).fetch_max(until, Ordering::AcqRel);
    }

    /// The number below which entries are gone.
    pub fn until(&self, column: Column, by: NumberedBy) -> u64 {
        self.number(column, by).load(Ordering::Acquire)
    }

    /// Whether an entry is gone.
    pub fn holds(&self, column: Column, key: &[u8], value: &[u8]) -> bool {
        let is_below = |bytes: &[u8], until: u64| until > 1 && bytes >= &FIRST[..] && bytes < &until.to_be_bytes()[..];
        is_below(key, self.until(column, NumberedBy::Key)) || is_below(value, self.until(column, NumberedBy::Value))
    }
}
