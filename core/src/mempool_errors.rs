//! Why a transaction is not admitted. Shared, because the pool finds it and the API explains it.

use crate::U256;
use crate::transaction::TransactionError;
use thiserror::Error;

/// A refusal, with what the sender can do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AdmissionError {
    /// It can never be valid here.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// Offers less than the chain's floor.
    #[error("max_fee_per_gas {offered} is below the floor of {floor} wei")]
    FeeTooLow {
        /// By the transaction.
        offered: u128,
        /// Of this chain.
        floor: u64,
    },
    /// More gas than a block has.
    #[error("gas limit {limit} is above the block's {block}")]
    GasLimitTooHigh {
        /// Of the transaction.
        limit: u64,
        /// Of a block.
        block: u64,
    },
    /// Already used.
    #[error("nonce {nonce} is already used: the account's next is {next}")]
    NonceTooLow {
        /// Of the transaction.
        nonce: u64,
        /// Of the account.
        next: u64,
    },
    /// Too far ahead to keep.
    #[error("nonce {nonce} is too far ahead: the account's next is {next}, at most {window} ahead are kept")]
    NonceGap {
        /// Of the transaction.
        nonce: u64,
        /// Of the account.
        next: u64,
        /// Nonces that are kept.
        window: u64,
    },
    /// The account cannot pay.
    #[error(
        "balance {balance} wei is below the {needed} wei that this and the account's waiting transactions can cost"
    )]
    InsufficientBalance {
        /// Of the account.
        balance: U256,
        /// By the transactions.
        needed: U256,
    },
    /// Another transaction with this nonce waits and pays about as much.
    #[error(
        "replacement underpriced: offer at least {needed_fee} max_fee_per_gas and {needed_tip} max_priority_fee_per_gas (+10 %)"
    )]
    Underpriced {
        /// Wei per gas.
        needed_fee: u128,
        /// Wei per gas.
        needed_tip: u128,
    },
    /// One sender's share is used up.
    #[error("the sender already has {limit} waiting transactions: wait until some are final")]
    SenderFull {
        /// Transactions of one sender at most.
        limit: usize,
    },
    /// The pool is full of better-paying transactions.
    #[error("the pool is full: offer a higher max_priority_fee_per_gas or try again later")]
    PoolFull,
    /// The way into the pool is full.
    #[error("the pool is busy: try again in a moment")]
    Busy,
    /// The state could not be read.
    #[error("the node cannot read its state and is stopping")]
    Unavailable,
}
