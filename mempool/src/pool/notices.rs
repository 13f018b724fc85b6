//! What the ledger says: blocks that were executed, blocks that became final.

use super::Pool;
use super::dropped::DropReason;
use minuet_core::messages::StateNotice;
use minuet_core::{Address, U256};

impl Pool {
    /// Takes in what the ledger says. Losing branches need nothing done: their transactions never left.
    pub fn apply(&mut self, notice: StateNotice) {
        match notice {
            StateNotice::Executed { digest, parent, height, transactions } => {
                self.branches.execute(digest, parent, height, transactions);
            }
            StateNotice::Finalized { header, blocks, accounts } => {
                self.branches.finalize(&blocks);
                for (address, nonce, balance) in accounts {
                    self.settle(&address, nonce, balance);
                }
                self.branches.prune(header.height());
            }
        }
    }

    /// Reads the account's finalized state again.
    pub(super) fn refresh(&mut self, address: &Address) {
        if let Some(fresh) = self.read_account(address) {
            self.settle(address, fresh.nonce, fresh.balance);
        }
    }

    /// Moves an account to a finalized state: transactions below its nonce go, and from the highest nonce down those that
    /// it cannot pay any more.
    fn settle(&mut self, address: &Address, nonce: u64, balance: U256) {
        self.advance(address, nonce, balance);
        if self.overdraft(address).is_some() {
            // The notice may be older than the state: what it says is missing may have come in since.
            if let Some(fresh) = self.read_account(address) {
                self.advance(address, fresh.nonce, fresh.balance);
            }
        }
        while let Some((highest, reason)) = self.overdraft(address) {
            self.take(address, highest, Some(reason));
        }
        self.update_lists(address);
    }

    fn advance(&mut self, address: &Address, nonce: u64, balance: U256) {
        // The state that was read at first sight may be newer than this notice: a nonce never moves backwards.
        let Some(account) = self.accounts.get(address).filter(|account| nonce >= account.nonce) else { return };
        let passed: Vec<_> =
            account.entries.range(..nonce).map(|(nonce, entry)| (*nonce, entry.transaction.hash())).collect();
        for (nonce, hash) in passed {
            let reason = (!self.branches.is_settling(&hash)).then_some(DropReason::NonceUsed { nonce });
            self.take(address, nonce, reason);
        }
        if let Some(account) = self.accounts.get_mut(address) {
            account.settle(nonce, balance);
        }
    }

    fn overdraft(&self, address: &Address) -> Option<(u64, DropReason)> {
        let account = self.accounts.get(address).filter(|account| account.cost > account.balance)?;
        let (&highest, _) = account.entries.last_key_value()?;
        Some((highest, DropReason::CannotPay { balance: account.balance, needed: account.cost }))
    }
}
