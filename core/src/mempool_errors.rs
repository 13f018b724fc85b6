//! Why a transaction is not admitted. Shared, because the pool finds it and the API explains it.

use crate::U256;
use crate::codec::CodecError;
use crate::status::Gauge;
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

/// Every stable word of [`AdmissionError::word`].
pub const REFUSAL_WORDS: [&str; 18] = [
    "transaction_too_long",
    "transaction_malformed",
    "transaction_type_unknown",
    "wrong_chain",
    "sender_key_refused",
    "signature_invalid",
    "gas_limit_too_low",
    "tip_above_fee",
    "fee_too_low",
    "gas_limit_too_high",
    "nonce_too_low",
    "nonce_gap",
    "insufficient_balance",
    "replacement_underpriced",
    "sender_full",
    "pool_full",
    "pool_busy",
    "state_unavailable",
];

impl AdmissionError {
    /// Its place among the words.
    const fn place(&self) -> usize {
        match self {
            Self::Transaction(error) => match error {
                TransactionError::Codec(CodecError::TooLong { .. }) => 0,
                TransactionError::Codec(_) => 1,
                TransactionError::UnknownType { .. } => 2,
                TransactionError::WrongChain { .. } => 3,
                TransactionError::SenderKey(_) => 4,
                TransactionError::Signature => 5,
                TransactionError::GasLimitTooLow { .. } => 6,
                TransactionError::TipAboveFee { .. } => 7,
            },
            Self::FeeTooLow { .. } => 8,
            Self::GasLimitTooHigh { .. } => 9,
            Self::NonceTooLow { .. } => 10,
            Self::NonceGap { .. } => 11,
            Self::InsufficientBalance { .. } => 12,
            Self::Underpriced { .. } => 13,
            Self::SenderFull { .. } => 14,
            Self::PoolFull => 15,
            Self::Busy => 16,
            Self::Unavailable => 17,
        }
    }

    /// The stable word for the API and for metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        REFUSAL_WORDS[self.place()]
    }
}

/// How often each reason applied since the node started.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: [Gauge; REFUSAL_WORDS.len()],
}

impl Refusals {
    /// So many so far, in the order of [`REFUSAL_WORDS`]; 0 for a place that is none.
    #[must_use]
    pub fn at(&self, place: usize) -> u64 {
        self.counts.get(place).map_or(0, Gauge::get)
    }
}

/// Refusals of one turn, before they are shown.
#[derive(Clone, Debug, Default)]
pub struct RefusalTally {
    counts: [u64; REFUSAL_WORDS.len()],
}

impl RefusalTally {
    /// One more.
    pub fn count(&mut self, error: &AdmissionError) {
        self.counts[error.place()] += 1;
    }

    /// Shows them; answers how many there were.
    pub fn add_to(&self, refusals: &Refusals) -> u64 {
        self.counts.iter().zip(&refusals.counts).for_each(|(count, shown)| shown.add(*count));
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_refusal_has_a_word_and_a_count_of_its_own() {
        assert_eq!(REFUSAL_WORDS.iter().collect::<BTreeSet<_>>().len(), REFUSAL_WORDS.len());
        let refusals = Refusals::default();
        let mut tally = RefusalTally::default();
        for _ in 0..2 {
            tally.count(&AdmissionError::PoolFull);
        }
        tally.count(&AdmissionError::Transaction(TransactionError::Signature));
        assert_eq!((tally.add_to(&refusals), tally.add_to(&refusals)), (3, 3));
        let of = |error: AdmissionError| {
            let place = REFUSAL_WORDS.iter().position(|word| *word == error.word()).unwrap();
            refusals.at(place)
        };
        assert_eq!(of(AdmissionError::PoolFull), 4);
        assert_eq!(of(AdmissionError::Transaction(TransactionError::Signature)), 2);
        assert_eq!(of(AdmissionError::Busy), 0);
        assert_eq!(refusals.at(REFUSAL_WORDS.len()), 0);
    }
}
