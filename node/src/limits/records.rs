//! What it takes until a vote's record is on the disk: the production journal, a group at a time.

use super::clock::{cpu_us_of, micros, percentile};
use super::effort::Effort;
use super::workload::finalization;
use crate::exit::{Exit, Failure};
use minuet_consensus::record::{Own, Record};
use minuet_core::{B256, Digest, View};
use minuet_storage::{Journal, JournalConfig, JournalError, RealDirectory};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Records written at most, and for how long at most.
const RECORDS: u32 = 2_000;
const SPAN_MS: u64 = 4_000;
/// Before any counts.
const WARM_UP: usize = 10;

/// Of one record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordCosts {
    /// From the call until it is durable: median.
    pub p50_us: f64,
    /// The same of one in a hundred.
    pub p99_us: f64,
    /// Of the processor.
    pub cpu_us: f64,
}

/// Writes records into a new journal in this directory.
///
/// # Errors
/// When the disk refuses.
pub fn measure(dir: &Path, effort: Effort) -> Result<RecordCosts, Failure> {
    let failed = |error: JournalError| Failure::new(Exit::Storage, format!("the journal cannot be measured: {error}"));
    let no_directory = |error| Failure::new(Exit::DataDirectory, format!("{}: {error}", dir.display()));
    let directory = RealDirectory::open_or_create(dir).map_err(no_directory)?;
    let (mut journal, _) = Journal::open(directory, B256::ZERO, JournalConfig::default()).map_err(failed)?;
    let (mut waits, mut cpus) = (Vec::new(), Vec::new());
    let (count, until) = (effort.count(RECORDS), Instant::now() + effort.span(SPAN_MS));
    for view in 1..=u64::from(count) {
        let records = vote(View(view)).map(|record| record.to_journal());
        let begun = Instant::now();
        let (outcome, cpu_us) = cpu_us_of(|| journal.append(&records).and_then(|()| journal.sync()));
        waits.push(micros(begun.elapsed()));
        cpus.push(cpu_us);
        outcome.map_err(failed)?;
        if Instant::now() >= until {
            break;
        }
    }
    let skipped = WARM_UP.min(waits.len() / 2);
    let waits = &mut waits[skipped..];
    Ok(RecordCosts {
        p50_us: percentile(waits, 50),
        p99_us: percentile(waits, 99),
        cpu_us: percentile(&mut cpus[skipped..], 50),
    })
}

/// How a view was entered, and the vote in it.
pub(super) fn vote(view: View) -> [Record; 2] {
    let entry = finalization(Digest::repeat_byte(2), view);
    [Record::Certificate(Arc::new(entry)), Record::Own { view, own: Own::Notarize(Digest::repeat_byte(1)) }]
}
