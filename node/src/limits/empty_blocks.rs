//! What an empty block costs its leader to make and everyone to check: the production ledger, in memory.

use super::clock::{cpu_us_of, percentile};
use super::effort::Effort;
use super::workload::{Workload, finalization};
use crate::exit::{Exit, Failure};
use minuet_core::messages::Verdict;
use minuet_execution::{Ledger, LedgerError, LedgerOptions, Workers};
use minuet_storage::MemoryStore;
use std::sync::Arc;

const BLOCKS: u32 = 1_000;

/// Of one empty block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EmptyBlockCosts {
    /// Sealing it.
    pub build_us: f64,
    /// Judging it.
    pub check_us: f64,
    /// Of its header, which is all that travels.
    pub bytes: usize,
}

/// One ledger makes a chain, another one checks it.
///
/// # Errors
/// A ledger that refuses what the other one made: a bug.
pub fn measure(effort: Effort) -> Result<EmptyBlockCosts, Failure> {
    let bug = |error: LedgerError| Failure::new(Exit::Bug, error);
    let workload = Workload::new(1, 1)?;
    let open = || {
        let options = LedgerOptions { workers: Workers::Inline, ..LedgerOptions::default() };
        let opened = Ledger::open(Arc::new(MemoryStore::default()), workload.genesis(), options);
        opened.map_err(|error| Failure::new(Exit::Bug, error))
    };
    let (mut leader, mut other) = (open()?, open()?);
    let (mut builds, mut checks, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..effort.count(BLOCKS) {
        let parts = workload.seal_parts(leader.tip());
        let (sealed, build_us) = cpu_us_of(|| leader.seal(&parts, Vec::new()));
        let (block, _) = sealed.ok_or_else(|| Failure::new(Exit::Bug, "the tip cannot be built on"))?;
        let (judged, check_us) = cpu_us_of(|| other.judge(&block));
        match judged.map_err(bug)?.verdict {
            Verdict::Valid => {}
            verdict => return Err(Failure::new(Exit::Bug, format!("an empty block is judged {verdict:?}"))),
        }
        let finalization = finalization(block.digest(), parts.view);
        leader.commit(&[block.digest()], &finalization).map_err(bug)?;
        other.commit(&[block.digest()], &finalization).map_err(bug)?;
        builds.push(build_us);
        checks.push(check_us);
        bytes = block.header().encode().len();
    }
    Ok(EmptyBlockCosts { build_us: percentile(&mut builds, 50), check_us: percentile(&mut checks, 50), bytes })
}
