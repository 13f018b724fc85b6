//! The ledger's driver: speaks rings only, reads no clock of its own, never waits.
//!
//! Invariants:
//! - What goes out keeps its order: a block's `Executed` notice is in the mempool's ring before consensus hears of it.
//! - While a notice waits for room, no new request is taken (`HoldBySender`); replies always fit.

use super::{Ledger, LedgerError, SealParts};
use minuet_core::messages::{Admitted, FinalizedBlock, LedgerReply, LedgerRequest, StateNotice};
use minuet_core::ring::{Receiver, SendError, Sender};
use minuet_core::spans;
use minuet_core::status::NodeStatus;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// Requests handled in one turn at most.
const REQUESTS_PER_TURN: usize = 16;
/// Admitted transactions taken before each request at most: as many as their ring holds.
const ADMITTED_PER_DRAIN: usize = 65_536;

/// The ledger's ends of its rings.
#[derive(Debug)]
pub struct LedgerRings {
    /// From consensus.
    pub requests: Receiver<LedgerRequest>,
    /// To consensus.
    pub replies: Sender<LedgerReply>,
    /// From the mempool. Made with a silent bell: it is read before each request and needs nobody awake.
    pub admitted: Receiver<Admitted>,
    /// To the mempool. Made with a room bell, so that a held notice goes out as soon as there is room.
    pub notices: Sender<StateNotice>,
    /// To observers.
    pub events: Sender<FinalizedBlock>,
}

/// What to do after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// There may be more to do: turn again.
    Again,
    /// Nothing to do until a bell rings. The ledger has no deadlines.
    Wait,
    /// Consensus is gone and everything it asked for is done.
    Finished,
}

enum Output {
    Notice(StateNotice),
    Reply(LedgerReply),
}

/// Runs a [`Ledger`] on rings.
pub struct LedgerDriver {
    ledger: Ledger,
    rings: LedgerRings,
    status: Arc<NodeStatus>,
    now_us: Box<dyn FnMut() -> u64 + Send>,
    outbox: VecDeque<Output>,
}

impl fmt::Debug for LedgerDriver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LedgerDriver")
            .field("ledger", &self.ledger)
            .field("rings", &self.rings)
            .finish_non_exhaustive()
    }
}

impl LedgerDriver {
    /// Joins a ledger to its rings. `now_us` gives Unix microseconds: block times of arrival, durations.
    #[must_use]
    pub fn new(
        ledger: Ledger,
        rings: LedgerRings,
        status: Arc<NodeStatus>,
        now_us: Box<dyn FnMut() -> u64 + Send>,
    ) -> Self {
        let driver = Self { ledger, rings, status, now_us, outbox: VecDeque::new() };
        driver.show_tip();
        driver.show_evidence();
        driver
    }

    /// The ledger.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Handles some requests.
    ///
    /// # Errors
    /// The node must stop (D-FAIL-STOP): nothing more may be asked of this driver.
    pub fn turn(&mut self) -> Result<Turn, LedgerError> {
        for _ in 0..REQUESTS_PER_TURN {
            if !self.flush() {
                return Ok(Turn::Wait);
            }
            self.take_admitted();
            match self.rings.requests.try_recv() {
                Some(request) => self.handle(request)?,
                None if self.rings.requests.is_finished() => return Ok(Turn::Finished),
                None => return Ok(Turn::Wait),
            }
        }
        Ok(if self.flush() { Turn::Again } else { Turn::Wait })
    }

    /// Whether a turn would do something; for the thread's last look before it sleeps.
    #[must_use]
    pub fn has_work(&self) -> bool {
        if !self.outbox.is_empty() {
            return self.rings.notices.has_room() || self.rings.notices.is_abandoned();
        }
        !self.rings.requests.is_empty() || self.rings.requests.is_abandoned()
    }

    fn take_admitted(&mut self) {
        for Admitted(transaction) in self.rings.admitted.drain(ADMITTED_PER_DRAIN) {
            self.ledger.admit(transaction);
        }
    }

    /// Sends what waits, in order; `false` while the mempool's ring is full.
    fn flush(&mut self) -> bool {
        while let Some(output) = self.outbox.pop_front() {
            match output {
                Output::Notice(notice) => {
                    if let Err(SendError::Full(notice)) = self.rings.notices.try_send(notice) {
                        self.outbox.push_front(Output::Notice(notice));
                        return false;
                    }
                }
                // Whoever is gone needs no answer: the node is stopping.
                Output::Reply(reply) => drop(self.rings.replies.send_fitting(reply)),
            }
        }
        true
    }

    fn handle(&mut self, request: LedgerRequest) -> Result<(), LedgerError> {
        match request {
            LedgerRequest::Judge { block, is_final } => {
                let started_us = (self.now_us)();
                let judgement = self.ledger.judge_timed(&block, is_final, &mut self.now_us)?;
                self.show_execution(started_us);
                self.outbox.extend(judgement.notice.map(Output::Notice));
                self.reply(LedgerReply::Judged { digest: block.digest(), verdict: judgement.verdict });
            }
            LedgerRequest::Seal { view, parent, proposer, beneficiary, time, base_fee, transactions } => {
                let parts = SealParts { view, parent, proposer, beneficiary, time, base_fee };
                let started_us = (self.now_us)();
                let (block, notice) = self.ledger.seal_timed(&parts, transactions, &mut self.now_us).unzip();
                self.show_execution(started_us);
                self.outbox.extend(notice.flatten().map(Output::Notice));
                self.reply(LedgerReply::Sealed { view, block });
            }
            LedgerRequest::Commit { blocks, finalization } => {
                let started_us = (self.now_us)();
                if let Some(finality) = self.ledger.commit(&blocks, &finalization)? {
                    self.announce(finality, started_us);
                }
                let (height, digest) = (self.ledger.tip().height(), self.ledger.tip().digest());
                self.reply(LedgerReply::Committed { height, digest });
            }
            LedgerRequest::KeepEvidence(evidence) => {
                self.ledger.keep_evidence(&evidence)?;
                self.show_evidence();
            }
            LedgerRequest::Serve { ticket, query } => {
                let blocks = self.ledger.serve(query)?;
                self.reply(LedgerReply::Served { ticket, blocks });
            }
        }
        Ok(())
    }

    fn reply(&mut self, reply: LedgerReply) {
        self.outbox.push_back(Output::Reply(reply));
    }

    fn announce(&mut self, finality: super::Finality, started_us: u64) {
        let stored_at_us = (self.now_us)();
        self.outbox.push_back(Output::Notice(finality.notice));
        for mut event in finality.events {
            event.stored_at_us = stored_at_us;
            let (view, count) = (event.header.view().0, event.transactions.len() as u64);
            tracing::trace!(name: spans::STORED, target: spans::TARGET, view, count);
            self.status.finalized_blocks.add(1);
            self.status.finalized_gas.add(event.header.gas_used());
            self.status.finalized_transactions.add(event.transactions.len() as u64);
            self.rings.events.send_or_drop(event);
        }
        let took_us = stored_at_us.saturating_sub(started_us);
        tracing::trace!(name: spans::WRITTEN, target: spans::TARGET, count = took_us);
        self.status.commit_us.set(took_us);
        self.show_tip();
    }

    /// What the request just handled took, if a block was executed for it.
    fn show_execution(&mut self, started_us: u64) {
        if let Some(root_us) = self.ledger.take_root_us() {
            let times = &self.status.times;
            let execution_us = (self.now_us)().saturating_sub(started_us);
            tracing::trace!(name: spans::EXECUTED, target: spans::TARGET, count = execution_us);
            tracing::trace!(name: spans::ROOTED, target: spans::TARGET, count = root_us);
            times.execution.record(execution_us);
            times.state_root.record(root_us);
        }
        self.status.state_root_mismatches.set(self.ledger.mismatches());
    }

    fn show_evidence(&self) {
        self.status.evidence.set(self.ledger.evidence_count() as u64);
    }

    fn show_tip(&self) {
        let tip = self.ledger.tip();
        self.status.height.set(tip.height().0);
        self.status.block_time_ms.set(tip.time().0);
        self.status.base_fee.set(tip.base_fee());
    }
}
