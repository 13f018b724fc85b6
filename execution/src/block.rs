//! A block on its parent's state: transactions in, changed accounts, receipts and roots out.

use crate::Workers;
use crate::state::{self, AccountChange, WorkingState};
use crate::transfer::{self, BlockContext, TransferError};
use crate::trie::StateTrie;
use minuet_core::account::EMPTY_ROOT_HASH;
use minuet_core::block::{MAX_BLOCK_TRANSACTIONS, MAX_BODY_BYTES};
use minuet_core::header::BlockHeader;
use minuet_core::messages::TransactionMark;
use minuet_core::receipt::{Receipt, receipts_root};
use minuet_core::transaction::{TRANSFER_GAS, Transaction, TransactionError};
use minuet_core::{B256, Height};
use std::sync::{Arc, OnceLock};
use thiserror::Error;

/// Why a block can never be valid.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InvalidBlock {
    /// Not one above its parent.
    #[error("height {found} on a parent of height {parent}")]
    Height {
        /// In the header.
        found: Height,
        /// The parent's.
        parent: Height,
    },
    /// Not the chain's block gas limit.
    #[error("gas limit {found} is not the chain's {expected}")]
    GasLimit {
        /// In the header.
        found: u64,
        /// From the genesis.
        expected: u64,
    },
    /// More transactions or bytes than a body may have.
    #[error("{0}")]
    BodyTooLarge(String),
    /// An envelope that no chain state makes valid.
    #[error("transaction {index}: {error}")]
    Transaction {
        /// Place in the block.
        index: usize,
        /// What is wrong.
        error: TransactionError,
    },
    /// A transaction that does not execute at its place.
    #[error("transaction {index}: {error}")]
    Execution {
        /// Place in the block.
        index: usize,
        /// What is wrong.
        error: TransferError,
    },
    /// The transactions' gas limits exceed the block's.
    #[error("transaction {index}: the gas limits up to here exceed the block's {limit}")]
    BlockGas {
        /// Place in the block.
        index: usize,
        /// Of the block.
        limit: u64,
    },
    /// The header's gas is not what execution used.
    #[error("gas used is {executed}, the header says {claimed}")]
    GasUsed {
        /// By execution.
        executed: u64,
        /// In the header.
        claimed: u64,
    },
    /// The header's root is not that of execution.
    #[error("{which} root is {executed}, the header says {claimed}")]
    Root {
        /// `state` or `receipts`.
        which: &'static str,
        /// By execution.
        executed: B256,
        /// In the header.
        claimed: B256,
    },
}

/// What executing a block's transactions gives.
#[derive(Clone, Debug)]
pub struct Execution {
    /// Those that were executed, in order.
    pub transactions: Arc<[Arc<Transaction>]>,
    /// One each.
    pub marks: Arc<[TransactionMark]>,
    /// One each.
    pub receipts: Arc<[Receipt]>,
    /// Root over the receipts.
    pub receipts_root: B256,
    /// By all.
    pub gas_used: u64,
    /// By ascending address.
    pub changes: Arc<[AccountChange]>,
    /// The whole state afterwards.
    pub state: StateTrie,
    /// Root of that state.
    pub state_root: B256,
}

impl Execution {
    /// A block without transactions leaves everything as it was.
    #[must_use]
    pub fn empty(parent_state: &StateTrie, parent_root: B256) -> Self {
        Self {
            transactions: Arc::new([]),
            marks: Arc::new([]),
            receipts: Arc::new([]),
            receipts_root: EMPTY_ROOT_HASH,
            gas_used: 0,
            changes: Arc::new([]),
            state: parent_state.clone(),
            state_root: parent_root,
        }
    }

    /// Compares with what a header claims.
    ///
    /// # Errors
    /// The first difference: gas, receipts root, state root.
    pub fn compare(&self, header: &BlockHeader) -> Result<(), InvalidBlock> {
        let claimed = header.ethereum();
        if claimed.gas_used != self.gas_used {
            return Err(InvalidBlock::GasUsed { executed: self.gas_used, claimed: claimed.gas_used });
        }
        let roots =
            [("receipts", self.receipts_root, claimed.receipts_root), ("state", self.state_root, claimed.state_root)];
        match roots.into_iter().find(|(_, executed, claimed)| executed != claimed) {
            Some((which, executed, claimed)) => Err(InvalidBlock::Root { which, executed, claimed }),
            None => Ok(()),
        }
    }
}

/// Executes transactions one after the other and adds up what they take of the block.
#[derive(Debug)]
pub struct Executor<'a> {
    parent_state: &'a StateTrie,
    parent_root: B256,
    context: BlockContext,
    gas_limit: u64,
    state: WorkingState<'a>,
    transactions: Vec<Arc<Transaction>>,
    marks: Vec<TransactionMark>,
    receipts: Vec<Receipt>,
    gas_reserved: u64,
    gas_used: u64,
    body_payload: usize,
}

impl<'a> Executor<'a> {
    /// On a parent's state, whose root is known.
    #[must_use]
    pub fn new(parent_state: &'a StateTrie, parent_root: B256, context: BlockContext, gas_limit: u64) -> Self {
        Self {
            parent_state,
            parent_root,
            context,
            gas_limit,
            state: WorkingState::new(parent_state),
            transactions: Vec::new(),
            marks: Vec::new(),
            receipts: Vec::new(),
            gas_reserved: 0,
            gas_used: 0,
            body_payload: 0,
        }
    }

    /// Reads the accounts of transactions that will be pushed, together.
    pub fn look_up(&mut self, transactions: &[Arc<Transaction>], workers: Workers) {
        let accounts = transactions.iter().flat_map(|transaction| [transaction.sender(), transaction.fields().to]);
        self.state.look_up(accounts, workers.for_accounts(2 * transactions.len()));
    }

    /// Executes the next transaction, whose fields, key and signature have been checked.
    ///
    /// # Errors
    /// Why it cannot be the block's next; nothing has changed then.
    pub fn push(&mut self, transaction: Arc<Transaction>) -> Result<(), InvalidBlock> {
        let index = self.transactions.len();
        if index >= MAX_BLOCK_TRANSACTIONS {
            return Err(InvalidBlock::BodyTooLarge(format!("more than {MAX_BLOCK_TRANSACTIONS} transactions")));
        }
        let body_payload = self.body_payload.saturating_add(alloy_rlp::Encodable::length(transaction.envelope()));
        if alloy_rlp::length_of_length(body_payload).saturating_add(body_payload) > MAX_BODY_BYTES {
            return Err(InvalidBlock::BodyTooLarge(format!("more than {MAX_BODY_BYTES} bytes of transactions")));
        }
        let gas_reserved = self.gas_reserved.saturating_add(transaction.fields().gas_limit);
        if gas_reserved > self.gas_limit {
            return Err(InvalidBlock::BlockGas { index, limit: self.gas_limit });
        }
        let outcome = transfer::execute(&mut self.state, &self.context, &transaction)
            .map_err(|error| InvalidBlock::Execution { index, error })?;
        self.body_payload = body_payload;
        self.gas_reserved = gas_reserved;
        // Below the sum of the gas limits, which is below the block's.
        self.gas_used += outcome.gas_used;
        self.receipts.push(Receipt::transfer(self.gas_used));
        self.marks.push(TransactionMark {
            hash: transaction.hash(),
            sender: transaction.sender(),
            nonce: transaction.nonce(),
            spent: outcome.spent,
        });
        self.transactions.push(transaction);
        Ok(())
    }

    /// Computes the roots.
    #[must_use]
    pub fn finish(self, workers: Workers) -> Execution {
        self.finish_timed(workers, &mut || 0).0
    }

    /// The same, and how long the state root took by a clock of microseconds.
    #[must_use]
    pub fn finish_timed(self, workers: Workers, now_us: &mut dyn FnMut() -> u64) -> (Execution, u64) {
        if self.transactions.is_empty() {
            return (Execution::empty(self.parent_state, self.parent_root), 0);
        }
        let changes = self.state.into_changes();
        let workers = workers.for_accounts(changes.len());
        let mut state = state::apply(self.parent_state, &changes, workers);
        let started_us = now_us();
        let state_root = state.root_hash(workers);
        let root_us = now_us().saturating_sub(started_us);
        let execution = Execution {
            state_root,
            state,
            changes: changes.into(),
            receipts_root: root_over(&self.receipts),
            receipts: self.receipts.into(),
            transactions: self.transactions.into(),
            marks: self.marks.into(),
            gas_used: self.gas_used,
        };
        (execution, root_us)
    }
}

/// Roots over the receipts of 0, 1, 2, ... plain transfers, each computed when it is first needed.
static PLAIN_ROOTS: [OnceLock<B256>; 4_096] = [const { OnceLock::new() }; 4_096];

/// The receipts root. What plain transfers leave depends on their number alone, so that blocks of them share it.
fn root_over(receipts: &[Receipt]) -> B256 {
    let is_plain = |(receipt, number): (&Receipt, u64)| {
        receipt.success && receipt.cumulative_gas_used == number * TRANSFER_GAS && receipt.logs.is_empty()
    };
    match PLAIN_ROOTS.get(receipts.len()) {
        Some(known) if receipts.iter().zip(1..).all(is_plain) => *known.get_or_init(|| receipts_root(receipts)),
        _ => receipts_root(receipts),
    }
}

#[cfg(test)]
mod tests;
