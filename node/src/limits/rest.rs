//! What the disk takes of validators that share it and come from rest: each has a journal and a database of its own, wakes the
//! disk after a pause, as a chain does (decision 0021), and writes in the same moment as all others when an empty block comes.
//! The production journal and ledger.

use super::clock::{micros, percentile};
use super::effort::Effort;
use super::records::vote;
use super::workload::{Workload, finalization};
use crate::exit::{Exit, Failure};
use minuet_core::{B256, View};
use minuet_execution::{Ledger, LedgerOptions, Workers};
use minuet_storage::{Journal, JournalConfig, RealDirectory, RocksConfig, RocksStore};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::mpsc::{self, RecvError};
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

/// Above so many it is not measured: no machine has as many databases open.
const MOST_VALIDATORS: usize = 16;
const ROUNDS: u32 = 30;
/// Between two rounds: disk, processor and caches come to rest.
const PAUSE: Duration = Duration::from_millis(80);

/// From waking the disk to the first record.
const LEAD: Duration = Duration::from_micros(1_500);

/// Medians over all rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestCosts {
    /// One's record, while the others wait: that of the leader.
    pub lone_record_us: f64,
    /// The slowest one's record when all write theirs.
    pub records_us: f64,
    /// The slowest one's final empty block when all store it, synced.
    pub stores_us: f64,
}

/// Of one validator in one round, in microseconds; 0 for what it did not do.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    lone_record_us: f64,
    record_us: f64,
    store_us: f64,
}

/// Measures; `None` for more validators than that.
///
/// # Errors
/// When the disk refuses, or the system gives no thread.
pub fn measure(
    path: impl Fn(&str) -> PathBuf,
    validators: usize,
    effort: Effort,
) -> Result<Option<RestCosts>, Failure> {
    if validators > MOST_VALIDATORS {
        return Ok(None);
    }
    let all = (0..validators).map(|number| {
        let [journal, database] = ["journal", "database"].map(|what| path(&format!("rest-{what}-{number}")));
        Validator::new(number == 0, &journal, &database)
    });
    let all = all.collect::<Result<Vec<_>, _>>()?;
    let (barrier, rounds) = (Barrier::new(validators), effort.count(ROUNDS));
    let outcomes = std::thread::scope(|scope| {
        let (mut threads, mut starts) = (Vec::new(), Vec::new());
        for validator in all {
            let (start, begins) = mpsc::channel();
            let barrier = &barrier;
            // One that is missing would leave the others at the barrier for ever, so nobody goes there before all are here.
            let run = move || match begins.recv() {
                Ok(()) => validator.run(rounds, barrier),
                Err(RecvError) => Ok(Vec::new()),
            };
            let thread = Builder::new().name("limits-rest".to_owned()).spawn_scoped(scope, run);
            threads.push(thread.map_err(|error| Failure::new(Exit::Generic, format!("no thread: {error}")))?);
            starts.push(start);
        }
        // Whoever has ended already says why below.
        starts.iter().for_each(|start| start.send(()).unwrap_or_default());
        let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| bug("a thread panicked")));
        joined.map(|outcome| outcome.and_then(|rounds| rounds)).collect::<Result<Vec<_>, Failure>>()
    })?;
    let slowest = |of: fn(&Round) -> f64| {
        let of_round =
            |round: usize| outcomes.iter().filter_map(|rounds| rounds.get(round)).map(of).fold(0.0, f64::max);
        percentile(&mut (0..rounds as usize).map(of_round).collect::<Vec<_>>(), 50)
    };
    Ok(Some(RestCosts {
        lone_record_us: slowest(|round| round.lone_record_us),
        records_us: slowest(|round| round.record_us),
        stores_us: slowest(|round| round.store_us),
    }))
}

/// What all do at the same time.
type Step = fn(&mut Validator, &mut Round) -> Result<(), Failure>;

struct Validator {
    is_leader: bool,
    view: View,
    workload: Workload,
    journal: Journal<RealDirectory>,
    ledger: Ledger,
}

impl Validator {
    fn new(is_leader: bool, journal: &Path, database: &Path) -> Result<Self, Failure> {
        let no_directory = |error| Failure::new(Exit::DataDirectory, format!("{}: {error}", journal.display()));
        let directory = RealDirectory::open_or_create(journal).map_err(no_directory)?;
        let (journal, _) = Journal::open(directory, B256::ZERO, JournalConfig::default()).map_err(refused)?;
        let store = RocksStore::open(database, RocksConfig::default()).map_err(refused)?;
        let workload = Workload::new(1, 1)?;
        let options = LedgerOptions { workers: Workers::Inline, ..LedgerOptions::default() };
        let ledger = Ledger::open(store, workload.genesis(), options).map_err(refused)?;
        Ok(Self { is_leader, view: View(0), workload, journal, ledger })
    }

    /// A failure ends the work, not the steps: the others count on this one at the barrier.
    fn run(mut self, rounds: u32, barrier: &Barrier) -> Result<Vec<Round>, Failure> {
        let mut outcome = Ok(Vec::with_capacity(rounds as usize));
        for _ in 0..rounds {
            if self.is_leader {
                sleep(PAUSE);
            }
            let mut round = Round::default();
            for step in [Self::wake as Step, Self::lone_record, Self::record, Self::store] {
                barrier.wait();
                if outcome.is_ok()
                    && let Err(failure) = step(&mut self, &mut round)
                {
                    outcome = Err(failure);
                }
            }
            if let Ok(rounds) = &mut outcome {
                rounds.push(round);
            }
        }
        outcome
    }

    fn wake(&mut self, _: &mut Round) -> Result<(), Failure> {
        let begun = Instant::now();
        self.journal.rouse();
        sleep(LEAD.saturating_sub(begun.elapsed()));
        Ok(())
    }

    fn lone_record(&mut self, round: &mut Round) -> Result<(), Failure> {
        if self.is_leader {
            round.lone_record_us = self.write()?;
        }
        Ok(())
    }

    fn record(&mut self, round: &mut Round) -> Result<(), Failure> {
        round.record_us = self.write()?;
        Ok(())
    }

    fn write(&mut self) -> Result<f64, Failure> {
        self.view = self.view.plus(1);
        let records = vote(self.view).map(|record| record.to_journal());
        let begun = Instant::now();
        self.journal.append(&records).and_then(|()| self.journal.sync()).map_err(refused)?;
        Ok(micros(begun.elapsed()))
    }

    fn store(&mut self, round: &mut Round) -> Result<(), Failure> {
        let parts = self.workload.seal_parts(self.ledger.tip());
        let sealed = self.ledger.seal(&parts, Vec::new());
        let (block, _) = sealed.ok_or_else(|| bug("the tip cannot be built on"))?;
        let finalization = finalization(block.digest(), parts.view);
        let begun = Instant::now();
        self.ledger.commit(&[block.digest()], &finalization).map_err(refused)?;
        round.store_us = micros(begun.elapsed());
        Ok(())
    }
}

fn refused(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Storage, format!("the disk cannot be measured: {error}"))
}

fn bug(reason: &str) -> Failure {
    Failure::new(Exit::Bug, format!("the disk cannot be measured: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validators_on_one_disk_are_measured_and_too_many_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let costs = measure(path, 3, Effort::new(true)).unwrap().unwrap();
        assert!(costs.lone_record_us > 1.0 && costs.records_us > 1.0 && costs.stores_us > 1.0, "{costs:?}");
        assert_eq!(measure(path, MOST_VALIDATORS + 1, Effort::new(true)).unwrap(), None);
    }

    #[test]
    fn a_disk_that_refuses_is_named() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("rest-journal-1"), "no directory").unwrap();
        let failure = measure(|name| directory.path().join(name), 2, Effort::new(true)).unwrap_err();
        assert!(failure.to_string().contains("rest-journal-1"), "{failure}");
    }
}
