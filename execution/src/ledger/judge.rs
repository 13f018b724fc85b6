//! Judging: somebody else's block on its parent's state.

use super::{Judgement, Ledger, LedgerError};
use crate::Workers;
use crate::block::{Execution, Executor, InvalidBlock};
use crate::transfer::BlockContext;
use crate::trie::StateTrie;
use minuet_core::Bytes;
use minuet_core::block::{Block, MAX_BLOCK_TRANSACTIONS};
use minuet_core::ed25519;
use minuet_core::header::BlockHeader;
use minuet_core::messages::Verdict;
use minuet_core::transaction::{Transaction, TransactionError};
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;
use std::sync::Arc;

/// Transactions that a worker decodes at a time, where there are several workers.
const PART: usize = 256;

impl Ledger {
    /// Executes a block on its parent and compares gas and roots with its header. The body's root must have been compared
    /// with the header's ([`Block::new`] does).
    ///
    /// # Errors
    /// A failing store.
    pub fn judge(&mut self, block: &Block) -> Result<Judgement, LedgerError> {
        self.judge_timed(block, false, &mut || 0)
    }

    /// The same by a clock of microseconds; [`Ledger::take_root_us`] says afterwards what was measured. One that is final by the
    /// rules is executed even if no other one would be kept.
    ///
    /// # Errors
    /// As [`Ledger::judge`].
    pub fn judge_timed(
        &mut self,
        block: &Block,
        is_final: bool,
        now_us: &mut dyn FnMut() -> u64,
    ) -> Result<Judgement, LedgerError> {
        let verdict = |verdict| Ok(Judgement { verdict, notice: None });
        let header = block.header();
        let digest = header.digest();
        if self.tree.get(&digest).is_some() {
            return verdict(Verdict::Valid);
        }
        if let Some(reason) = self.invalid.get(&digest) {
            return verdict(Verdict::Invalid(reason.clone()));
        }
        if header.height() <= self.tip.height() && self.reader.height_of(&digest)?.is_some() {
            return verdict(Verdict::Valid);
        }
        let Some((parent, state)) = self.parent(&header.parent()) else { return verdict(Verdict::MissingParent) };
        if !is_final && !self.has_room() {
            tracing::warn!(blocks = self.tree.len(), "too many unfinalized blocks: none is judged until one is final");
            return verdict(Verdict::MissingParent);
        }
        match self.execute(block, &parent, &state, now_us) {
            Ok(execution) => {
                let notice = self.keep(block.clone(), execution);
                Ok(Judgement { verdict: Verdict::Valid, notice })
            }
            Err(error) => {
                if matches!(error, InvalidBlock::GasUsed { .. } | InvalidBlock::Root { .. }) {
                    self.mismatches += 1;
                }
                let reason = error.to_string();
                self.remember_invalid(digest, reason.clone());
                verdict(Verdict::Invalid(reason))
            }
        }
    }

    /// Whether one more executed block may be kept.
    pub(super) fn has_room(&self) -> bool {
        self.tree.len() < self.most_unfinalized
    }

    fn execute(
        &mut self,
        block: &Block,
        parent: &BlockHeader,
        state: &StateTrie,
        now_us: &mut dyn FnMut() -> u64,
    ) -> Result<Execution, InvalidBlock> {
        let header = block.header();
        if header.height() != parent.height().next() {
            return Err(InvalidBlock::Height { found: header.height(), parent: parent.height() });
        }
        let (found, expected) = (header.ethereum().gas_limit, self.rules.block_gas_limit);
        if found != expected {
            return Err(InvalidBlock::GasLimit { found, expected });
        }
        let context = BlockContext { base_fee: header.base_fee(), beneficiary: header.ethereum().beneficiary };
        let mut executor = Executor::new(state, parent.state_root(), context, found);
        let transactions = self.checked_transactions(block)?;
        executor.look_up(&transactions, self.workers);
        for transaction in transactions {
            executor.push(transaction)?;
        }
        let (execution, root_us) = executor.finish_timed(self.workers, now_us);
        self.root_us = Some(root_us);
        execution.compare(header)?;
        Ok(execution)
    }

    /// The block's transactions, decoded; fields, key and signature are checked unless known from admission. The part of
    /// judging that needs no state.
    ///
    /// # Errors
    /// The first transaction that no state makes valid, or too many of them.
    pub fn checked_transactions(&mut self, block: &Block) -> Result<Vec<Arc<Transaction>>, InvalidBlock> {
        let envelopes = &block.body().transactions;
        if envelopes.len() > MAX_BLOCK_TRANSACTIONS {
            return Err(InvalidBlock::BodyTooLarge(format!("more than {MAX_BLOCK_TRANSACTIONS} transactions")));
        }
        let known: Vec<_> = envelopes.iter().map(|envelope| self.admitted.get(envelope).map(Arc::clone)).collect();
        let is_unknown = |(envelope, known): (&Bytes, &Option<_>)| known.is_none().then(|| envelope.clone());
        let unknown: Vec<Bytes> = envelopes.iter().zip(&known).filter_map(is_unknown).collect();
        let mut decoded = self.in_parts(&unknown, Transaction::decode_all).into_iter();
        let mut transactions = Vec::with_capacity(envelopes.len());
        let mut unknown = Vec::with_capacity(unknown.len());
        for (index, known) in known.into_iter().enumerate() {
            let Some(known) = known else {
                let transaction = decoded.next().expect("as many as are not known");
                let checked = transaction.and_then(|transaction| {
                    transaction.check_fields(self.rules.chain_id)?;
                    transaction.check_sender_key()?;
                    Ok(transaction)
                });
                unknown.push(index);
                transactions.push(Arc::new(checked.map_err(|error| InvalidBlock::Transaction { index, error })?));
                continue;
            };
            transactions.push(known);
        }
        let to_check: Vec<&Transaction> = unknown.iter().map(|&index| &*transactions[index]).collect();
        let items = self.in_parts(&to_check, |part| Transaction::signature_items(part, &self.rules.genesis));
        self.signatures_checked += items.len() as u64;
        let verdicts = match self.workers {
            Workers::Inline => ed25519::verify_batch_inline(&items),
            Workers::Rayon => ed25519::verify_batch(&items),
        };
        match unknown.iter().zip(verdicts).find(|(_, good)| !good) {
            Some((&index, _)) => Err(InvalidBlock::Transaction { index, error: TransactionError::Signature }),
            None => Ok(transactions),
        }
    }

    /// What `work` gives for all of these, part by part, the parts at once if there are workers and enough to do.
    fn in_parts<T: Sync, R: Send>(&self, items: &[T], work: impl Fn(&[T]) -> Vec<R> + Send + Sync) -> Vec<R> {
        match self.workers {
            Workers::Rayon if items.len() > PART => items.par_chunks(PART).flat_map_iter(work).collect(),
            _ => work(items),
        }
    }
}
