//! Journal records as the judge reads them. All validators write the same blocks down: each is read once.

use minuet_consensus::record::Record;
use minuet_core::Bytes;
use minuet_core::messages::JournalRecord;
use std::collections::VecDeque;
use std::sync::Arc;

/// Shorter records are read again sooner than they are found.
const LONG: usize = 160;
/// Records that are remembered: more than all validators write about one view.
const KEPT: usize = 16;

/// The newest long records.
#[derive(Default)]
pub struct Readings(VecDeque<(Bytes, Arc<Record>)>);

fn read(record: &JournalRecord) -> Arc<Record> {
    Arc::new(Record::from_journal(record).expect("written by the driver"))
}

impl Readings {
    /// What a record says.
    pub fn read(&mut self, record: &JournalRecord) -> Arc<Record> {
        let payload = &record.payload;
        if payload.len() < LONG {
            return read(record);
        }
        if let Some((_, known)) = self.0.iter().rev().find(|(bytes, _)| bytes == payload) {
            return Arc::clone(known);
        }
        let new = read(record);
        self.0.push_back((payload.clone(), Arc::clone(&new)));
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
        new
    }
}
