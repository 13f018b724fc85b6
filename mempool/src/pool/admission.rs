//! The way in: cheap checks first, the signature last, and everything that depends on the state once more afterwards.

use super::account::Entry;
use super::dropped::DropReason;
use super::room::Victim;
use super::{Origin, Pool};
use minuet_core::mempool_errors::AdmissionError;
use minuet_core::transaction::Transaction;
use minuet_core::{Bytes, TxHash, U256};
use std::sync::Arc;

/// What is left to do with an envelope after the cheap checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Examined {
    /// It waits here already: nothing.
    Known(TxHash),
    /// Its signature is to be checked.
    New(Arc<Transaction>),
}

impl Pool {
    /// Everything about an envelope but its key and signature: size, type, decoding, chain id, fields, fee floor, gas
    /// limit, then what its sender's account and the pool's room allow.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn examine(&mut self, envelope: &Bytes) -> Result<Examined, AdmissionError> {
        self.examine_decoded(Transaction::decode(envelope)?)
    }

    /// The same of one that has been decoded.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn examine_decoded(&mut self, transaction: Transaction) -> Result<Examined, AdmissionError> {
        transaction.check_fields(self.rules.chain_id)?;
        let fields = transaction.fields();
        let (floor, block) = (self.rules.fees.min_base_fee, self.rules.fees.block_gas_limit);
        if fields.max_fee_per_gas < u128::from(floor) {
            return Err(AdmissionError::FeeTooLow { offered: fields.max_fee_per_gas, floor });
        }
        if fields.gas_limit > block {
            return Err(AdmissionError::GasLimitTooHigh { limit: fields.gas_limit, block });
        }
        if self.contains(&transaction.hash()) {
            return Ok(Examined::Known(transaction.hash()));
        }
        self.place(&transaction)?;
        Ok(Examined::New(Arc::new(transaction)))
    }

    /// Admits a transaction that [`Pool::examine`] let through and whose key and signature have been checked.
    ///
    /// # Errors
    /// When the state or the pool has changed since so that it may not enter any more.
    pub fn insert(&mut self, transaction: Arc<Transaction>, origin: Origin) -> Result<TxHash, AdmissionError> {
        let hash = transaction.hash();
        if self.contains(&hash) {
            return Ok(hash);
        }
        let (sender, nonce) = (transaction.sender(), transaction.nonce());
        let victims = self.place(&transaction)?;
        self.take(&sender, nonce, Some(DropReason::Replaced(hash)));
        let arrival = self.next_arrival;
        self.next_arrival += 1;
        let is_own = origin == Origin::Client;
        let entry = Entry {
            arrival,
            cost: transaction.fields().max_cost().unwrap_or(U256::MAX),
            worth: self.worth(&transaction),
            is_own,
            sent_round: 0,
            shared_with: Vec::new(),
            transaction: Arc::clone(&transaction),
        };
        let Some(account) = self.accounts.get_mut(&sender) else { return Err(AdmissionError::Busy) };
        account.insert(entry);
        self.bytes += transaction.encoded_length();
        self.by_hash.insert(hash, (sender, nonce));
        self.dropped.forget(&hash);
        if is_own {
            self.own.insert(arrival, hash);
            self.own_bytes += transaction.encoded_length();
        }
        if let Origin::Peer(peer) = origin {
            self.mark_shared(&hash, peer);
        }
        self.update_lists(&sender);
        for (address, nonce) in victims {
            self.take(&address, nonce, Some(DropReason::Evicted));
            self.evicted += 1;
            self.update_lists(&address);
        }
        Ok(hash)
    }

    /// The tip at the lowest base fee there can be.
    pub(super) fn worth(&self, transaction: &Transaction) -> u128 {
        transaction.fields().effective_tip(self.rules.fees.min_base_fee).unwrap_or(0)
    }

    /// Whether the sender's account and the pool have a place for it, and who has to go. The account is cached afterwards.
    fn place(&mut self, transaction: &Transaction) -> Result<Vec<Victim>, AdmissionError> {
        let sender = transaction.sender();
        if let Some(account) = self.accounts.get(&sender) {
            match account.check(transaction, &self.config) {
                // Money may have come in by a block whose notice has not been read yet.
                Err(AdmissionError::InsufficientBalance { .. }) => {
                    self.refresh(&sender);
                    let account = self.accounts.get(&sender).ok_or(AdmissionError::Busy)?;
                    account.check(transaction, &self.config)?;
                }
                outcome => outcome?,
            }
        } else {
            let account = self.read_account(&sender).ok_or(AdmissionError::Unavailable)?;
            account.check(transaction, &self.config)?;
            self.accounts.insert(sender, account);
            self.update_lists(&sender);
        }
        self.plan_room(transaction)
    }
}
