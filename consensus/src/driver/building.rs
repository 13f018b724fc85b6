//! R1 for the driver: choose transactions, seal a block, or make an empty one in time (L-ISOLATE).

use super::Driver;
use crate::input::Input;
use minuet_core::block::Block;
use minuet_core::messages::{Branch, LedgerRequest, MempoolRequest};
use minuet_core::spans;
use minuet_core::transaction::{TRANSFER_GAS, Transaction};
use minuet_core::{Digest, ValidatorIndex, View};
use std::sync::Arc;

/// The mempool always gets so long to answer, in microseconds: also a delay of zero must not shut transactions out.
const MIN_SELECTION_US: u64 = 1_000;
/// Assumed cost of a transaction in the ledger before any was measured, in microseconds.
const FIRST_SEAL_US: u64 = 20;
/// A block has at least room for so many transactions, however slow the machine.
const MIN_TRANSACTIONS: u64 = 64;

/// How large a block the ledger seals in time: learned from the blocks that it sealed.
///
/// A block that takes longer than the others wait helps nobody: the leader would give it up for an empty one each time,
/// and nothing would ever be included.
#[derive(Clone, Copy, Debug)]
pub(super) struct SealPace {
    us_per_transaction: u64,
    /// Of the block that is being sealed: since when, and with how many transactions.
    running: Option<(View, u64, u64)>,
}

impl SealPace {
    pub const fn new() -> Self {
        Self { us_per_transaction: FIRST_SEAL_US, running: None }
    }

    /// Transactions that are sealed within `budget_us`.
    fn fitting(self, budget_us: u64) -> u64 {
        (budget_us / self.us_per_transaction.max(1)).max(MIN_TRANSACTIONS)
    }

    /// Moves a quarter of the way to what the block took; small blocks say little about the cost of one transaction.
    fn learn(&mut self, view: View, now_us: u64) {
        let Some((_, since_us, count)) = self.running.take_if(|(running, ..)| *running == view) else { return };
        if count >= MIN_TRANSACTIONS {
            let took_us = now_us.saturating_sub(since_us) / count;
            self.us_per_transaction = (self.us_per_transaction * 3 + took_us) / 4;
        }
    }
}

/// How far the own block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The parent is not executed here yet: an empty block on its header may be all there is time for.
    WaitingForParent,
    /// The mempool answers as soon as it has a transaction.
    Selecting,
    /// The ledger executes the selection.
    Sealing,
    /// Handed to the rules.
    Done,
}

/// The block that this validator makes as leader.
#[derive(Clone, Debug)]
pub(super) struct Building {
    view: View,
    parent: Digest,
    stage: Stage,
    only_empty: bool,
    empty_at_us: u64,
}

impl Building {
    pub const fn deadline_us(&self) -> u64 {
        match self.stage {
            Stage::Done => u64::MAX,
            _ => self.empty_at_us,
        }
    }
}

impl Driver {
    pub(super) fn begin_building(&mut self, view: View, parent: Digest, only_empty: bool, empty_after_us: u64) {
        let empty_at_us = self.now.mono_us.saturating_add(empty_after_us.max(MIN_SELECTION_US));
        tracing::trace!(name: spans::ASKED, target: spans::TARGET, view = view.0);
        self.building = Some(Building { view, parent, stage: Stage::WaitingForParent, only_empty, empty_at_us });
        self.pump_building();
    }

    /// A view began: blocks for earlier ones are not needed, and the leader's reasons to propose are watched (R4).
    pub(super) fn on_enter(&mut self, view: View, leader: ValidatorIndex, parent: Option<Digest>) {
        self.timers.forget_below(view);
        self.expect_record();
        if let Some(building) = self.building.take()
            && building.stage == Stage::Selecting
        {
            self.out.mempool_later(MempoolRequest::Cancel);
        }
        let (false, Some(parent)) = (self.replica.me() == Some(leader), parent) else { return };
        // Far behind, the pool's view of the state is too old to say what the leader could execute.
        if !self.catchup.is_on()
            && let Some(branch) = self.branch(parent)
        {
            self.out.mempool_later(MempoolRequest::Watch { view, branch, leader: leader.peer() });
        }
    }

    fn branch(&self, parent: Digest) -> Option<Branch> {
        let header = self.replica.header(&parent)?;
        let base_fee = self.replica.rules().base_fee(header, self.now.wall.max(header.time()));
        Some(Branch { parent, with_transactions: self.blocks.with_transactions(&parent), base_fee })
    }

    /// Moves the own block on: selection once the parent is executed, an empty block when the time is over.
    pub(super) fn pump_building(&mut self) {
        let Some(building) = self.building.clone() else { return };
        if building.stage == Stage::Done {
            return;
        }
        if self.now.mono_us >= building.empty_at_us {
            return self.build_empty(&building);
        }
        if building.stage == Stage::WaitingForParent
            && !building.only_empty
            && self.blocks.is_executed(&building.parent)
        {
            let Some(branch) = self.branch(building.parent) else { return };
            let fitting = self.seal_pace.fitting(self.replica.delta_us() / 4);
            let max_gas = self.replica.rules().fees.block_gas_limit.min(fitting.saturating_mul(TRANSFER_GAS));
            let (view, max_bytes) = (building.view, self.max_block_bytes);
            self.out.mempool(MempoolRequest::Select { view, branch, max_bytes, max_gas });
            self.set_stage(Stage::Selecting);
        }
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Some(building) = &mut self.building {
            building.stage = stage;
        }
    }

    fn build_empty(&mut self, building: &Building) {
        let (Some(me), Some(parent)) = (self.replica.me(), self.replica.header(&building.parent)) else {
            // The parent lost meanwhile: there is nothing to build on in this view.
            return self.set_stage(Stage::Done);
        };
        if building.stage == Stage::Selecting {
            self.out.mempool_later(MempoolRequest::Cancel);
        }
        let header = Arc::new(self.replica.rules().empty_block(parent, building.view, me, self.now.wall));
        self.set_stage(Stage::Done);
        self.blocks.add_header(&header);
        tracing::trace!(name: spans::BUILT, target: spans::TARGET, view = building.view.0, count = 0u64);
        self.feed(Input::Built { header });
    }

    pub(super) fn on_selected(&mut self, view: View, transactions: Vec<Arc<Transaction>>) {
        let Some(building) = self.building.clone() else { return };
        if building.view != view || building.stage != Stage::Selecting {
            return;
        }
        let (Some(me), Some(parent)) = (self.replica.me(), self.replica.header(&building.parent).cloned()) else {
            return;
        };
        self.rouse();
        let time = self.now.wall.max(parent.time());
        let base_fee = self.replica.rules().base_fee(&parent, time);
        let recipient = self.verifier.committee().get(me).map(|validator| validator.fee_recipient);
        let beneficiary = recipient.unwrap_or_default();
        let count = transactions.len() as u64;
        tracing::trace!(name: spans::SELECTED, target: spans::TARGET, view = view.0, count);
        self.seal_pace.running = Some((view, self.now.mono_us, count));
        self.out.ledger.push(LedgerRequest::Seal {
            view,
            parent,
            proposer: me,
            beneficiary,
            time,
            base_fee,
            transactions,
        });
        self.set_stage(Stage::Sealing);
        // L-ISOLATE: the selection was made to be sealed in a quarter of Δ; after all of Δ an empty block goes out.
        let patience_us = self.now.mono_us.saturating_add(self.replica.delta_us());
        if let Some(building) = &mut self.building {
            building.empty_at_us = patience_us;
        }
    }

    pub(super) fn on_sealed(&mut self, view: View, block: Option<Block>) {
        self.seal_pace.learn(view, self.now.mono_us);
        let Some(block) = block else { return };
        self.blocks.add_executed(&block);
        let wanted = self.building.as_ref().is_some_and(|b| b.view == view && b.stage == Stage::Sealing);
        if wanted {
            self.set_stage(Stage::Done);
            let count = block.body().transactions.len() as u64;
            tracing::trace!(name: spans::BUILT, target: spans::TARGET, view = view.0, count);
            self.feed(Input::Built { header: block.header().clone() });
        }
    }
}
