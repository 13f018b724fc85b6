//! The pool log as the driver uses it: what is read back at the start, what is written before an answer.

use crate::Pool;
use crate::log::{OpenedLog, PoolLog, PoolLogError, log_bytes};
use minuet_core::Bytes;
use minuet_core::file::Directory;
use minuet_core::mempool_errors::AdmissionError;
use minuet_core::transaction::Transaction;
use std::collections::VecDeque;

/// The log, and what is left of it to be admitted again.
#[derive(Debug)]
pub(super) struct Memory<D: Directory> {
    log: Option<PoolLog<D>>,
    replay: VecDeque<Bytes>,
    admitted: u64,
    stale: u64,
}

impl<D: Directory> Memory<D> {
    /// `None` remembers nothing.
    pub(super) fn new(opened: Option<OpenedLog<D>>) -> Self {
        let (log, replay) = match opened {
            Some((log, replay)) => (Some(log), replay.into()),
            None => (None, VecDeque::new()),
        };
        Self { log, replay, admitted: 0, stale: 0 }
    }

    pub(super) fn is_replaying(&self) -> bool {
        !self.replay.is_empty()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.log.as_ref().map_or(0, PoolLog::bytes)
    }

    /// The next accepted transactions of an earlier life, in the order in which they came.
    pub(super) fn next(&mut self, limit: usize) -> impl Iterator<Item = Bytes> {
        let count = limit.min(self.replay.len());
        self.replay.drain(..count)
    }

    /// What became of them.
    pub(super) fn count(&mut self, admitted: u64, stale: u64) {
        self.admitted += admitted;
        self.stale += stale;
        if self.replay.is_empty() && admitted + stale > 0 {
            let (admitted, stale) = (self.admitted, self.stale);
            tracing::info!(
                waiting = admitted,
                stale,
                "transactions of the pool log wait again; the stale ones became final or lost their place"
            );
        }
    }

    /// Whether a client's transaction may enter: what waits must fit into half of the log.
    pub(super) fn check_room(&self, pool: &Pool, transaction: &Transaction) -> Result<(), AdmissionError> {
        let has_room = |log: &PoolLog<D>| log.has_room(live_bytes(pool), transaction.encoded_length());
        if self.log.as_ref().is_none_or(has_room) { Ok(()) } else { Err(AdmissionError::PoolFull) }
    }

    /// To be written before this turn's answers.
    pub(super) fn stage(&mut self, transaction: &Transaction) {
        if let Some(log) = &mut self.log {
            log.stage(transaction);
        }
    }

    /// Writes all of it. There is nothing to write while the log is still being read back.
    pub(super) fn commit(&mut self, pool: &Pool) -> Result<(), PoolLogError> {
        match &mut self.log {
            Some(log) => log.commit(pool.own(), live_bytes(pool)),
            None => Ok(()),
        }
    }
}

fn live_bytes(pool: &Pool) -> u64 {
    let (count, bytes) = pool.own_size();
    log_bytes(count, bytes)
}
