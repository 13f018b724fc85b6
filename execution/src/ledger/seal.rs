//! Sealing: an own block from selected transactions.

use super::Ledger;
use crate::block::Executor;
use crate::transfer::BlockContext;
use minuet_core::block::{Block, Body};
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::messages::StateNotice;
use minuet_core::spans;
use minuet_core::transaction::{Transaction, transactions_root};
use minuet_core::{Address, Bytes, TimeMs, ValidatorIndex, View};
use std::sync::Arc;

/// What a proposer decides of a block.
#[derive(Clone, Debug)]
pub struct SealParts {
    /// Of the block.
    pub view: View,
    /// Header of an executed or the newest final block.
    pub parent: Arc<BlockHeader>,
    /// Who proposes.
    pub proposer: ValidatorIndex,
    /// Its fee recipient.
    pub beneficiary: Address,
    /// Of the block.
    pub time: TimeMs,
    /// Of the block, wei per gas.
    pub base_fee: u64,
}

impl Ledger {
    /// Executes transactions, whose signatures have been checked, in order and makes a block of those that fit and
    /// execute. The block is kept as executed. `None` if the parent has not been executed here.
    pub fn seal(
        &mut self,
        parts: &SealParts,
        transactions: Vec<Arc<Transaction>>,
    ) -> Option<(Block, Option<StateNotice>)> {
        self.seal_timed(parts, transactions, &mut || 0)
    }

    /// The same by a clock of microseconds; [`Ledger::take_root_us`] says afterwards what was measured.
    pub fn seal_timed(
        &mut self,
        parts: &SealParts,
        transactions: Vec<Arc<Transaction>>,
        now_us: &mut dyn FnMut() -> u64,
    ) -> Option<(Block, Option<StateNotice>)> {
        let (parent, state) = self.parent(&parts.parent.digest())?;
        if !self.has_room() {
            return None;
        }
        let context = BlockContext { base_fee: parts.base_fee, beneficiary: parts.beneficiary };
        let mut executor = Executor::new(&state, parent.state_root(), context, self.rules.block_gas_limit);
        executor.look_up(&transactions, self.workers);
        for transaction in transactions {
            let hash = transaction.hash();
            if let Err(reason) = executor.push(transaction) {
                tracing::debug!(%hash, %reason, "left out of the own block");
            }
        }
        let (execution, root_us) = executor.finish_timed(self.workers, now_us);
        for transaction in execution.transactions.iter() {
            let (hash, view) = (transaction.hash(), parts.view.0);
            tracing::trace!(name: spans::INCLUDED, target: spans::TARGET, hash = hash.as_slice(), view);
        }
        self.root_us = Some(root_us);
        let envelopes: Vec<Bytes> = execution.transactions.iter().map(|t| t.envelope().clone()).collect();
        let header = BlockHeader::seal(&HeaderParts {
            epoch: parent.epoch(),
            view: parts.view,
            parent_view: parent.view(),
            proposer: parts.proposer,
            parent: parent.digest(),
            height: parent.height().next(),
            time: parts.time,
            beneficiary: parts.beneficiary,
            state_root: execution.state_root,
            transactions_root: transactions_root(&envelopes),
            receipts_root: execution.receipts_root,
            gas_limit: self.rules.block_gas_limit,
            gas_used: execution.gas_used,
            base_fee: parts.base_fee,
        });
        let block = Block::sealed(Arc::new(header), Arc::new(Body { transactions: envelopes }));
        if self.tree.get(&block.digest()).is_some() {
            return Some((block, None));
        }
        let notice = self.keep(block.clone(), execution);
        Some((block, notice))
    }
}
