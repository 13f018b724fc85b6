//! The accounts that send: keys, next nonces, and the drawing of recipients.

use crate::devkeys::DevSeed;
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::transaction::{EmptyList, TRANSFER_GAS, Transaction, UnsignedTransaction, address_of};
use minuet_core::{Address, Bytes, Digest, U256};
use std::collections::VecDeque;

/// Wei of one transfer.
const VALUE_WEI: u64 = 1_000;

/// What is the same in all transfers of a run.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    /// In every transaction.
    pub chain_id: u64,
    /// In every signature.
    pub genesis: Digest,
    /// Wei per gas at most.
    pub max_fee_per_gas: u128,
}

struct Account {
    key: Ed25519SecretKey,
    address: Address,
    first_nonce: u64,
    next_nonce: u64,
    /// Nonces whose transfer was refused: they must be filled before later ones can become final.
    gaps: VecDeque<u64>,
}

/// All senders and recipients.
pub struct Senders {
    chain: Chain,
    accounts: Vec<Account>,
    recipients: Vec<Address>,
    random: u64,
}

impl Senders {
    /// Derives `senders` keys and `recipients` addresses.
    #[must_use]
    pub fn new(seed: &DevSeed, senders: u32, recipients: u32, chain: Chain, random: u64) -> Self {
        let account = |index| {
            let key = seed.sender(index);
            let address = address_of(&key.public_key());
            Account { key, address, first_nonce: 0, next_nonce: 0, gaps: VecDeque::new() }
        };
        Self {
            chain,
            accounts: (0..senders).map(account).collect(),
            recipients: (0..recipients).map(|index| seed.recipient(index)).collect(),
            random,
        }
    }

    /// How many send.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// A sender's address.
    #[must_use]
    pub fn address(&self, sender: usize) -> Address {
        self.accounts[sender].address
    }

    /// What the chain says before the run.
    pub fn set_nonce(&mut self, sender: usize, nonce: u64) {
        (self.accounts[sender].first_nonce, self.accounts[sender].next_nonce) = (nonce, nonce);
    }

    /// The nonce before the run.
    #[must_use]
    pub fn first_nonce(&self, sender: usize) -> u64 {
        self.accounts[sender].first_nonce
    }

    /// A nonce that no transfer carries any more.
    pub fn free_nonce(&mut self, sender: usize, nonce: u64) {
        self.accounts[sender].gaps.push_back(nonce);
    }

    /// Signs the next transfer of each sender, in their order, to a recipient drawn by lot.
    pub fn sign_each(&mut self, senders: &[usize]) -> Vec<Transaction> {
        let unsigned = senders.iter().map(|sender| self.next_of(*sender)).collect();
        let keys: Vec<_> = senders.iter().map(|sender| &self.accounts[*sender].key).collect();
        UnsignedTransaction::sign_each(unsigned, &keys, &self.chain.genesis)
    }

    fn next_of(&mut self, sender: usize) -> UnsignedTransaction {
        let draw = self.draw();
        let place = usize::try_from(draw % self.recipients.len().max(1) as u64).unwrap_or(0);
        let account = &mut self.accounts[sender];
        let nonce = account.gaps.pop_front().unwrap_or_else(|| {
            let nonce = account.next_nonce;
            account.next_nonce = nonce.saturating_add(1);
            nonce
        });
        UnsignedTransaction {
            chain_id: self.chain.chain_id,
            nonce,
            max_priority_fee_per_gas: 0,
            max_fee_per_gas: self.chain.max_fee_per_gas,
            gas_limit: TRANSFER_GAS,
            to: self.recipients.get(place).copied().unwrap_or_default(),
            value: U256::from(VALUE_WEI),
            data: Bytes::new(),
            access_list: EmptyList,
            public_key: account.key.public_key(),
        }
    }

    /// SplitMix64: the same seed draws the same recipients.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn senders() -> Senders {
        let chain = Chain { chain_id: 7, genesis: Digest::repeat_byte(3), max_fee_per_gas: 10 };
        Senders::new(&DevSeed::new(Zeroizing::new([5; 32])), 2, 100, chain, 1)
    }

    #[test]
    fn transfers_are_valid_and_their_nonces_follow_each_other_and_fill_gaps_first() {
        let mut senders = senders();
        senders.set_nonce(1, 40);
        for (transfer, expected) in senders.sign_each(&[1, 1]).into_iter().zip([40, 41]) {
            assert_eq!(transfer.nonce(), expected);
            assert_eq!(transfer.sender(), senders.address(1));
            transfer.check_fields(7).unwrap();
            transfer.check_signature(&Digest::repeat_byte(3)).unwrap();
        }
        senders.free_nonce(1, 40);
        let nonces: Vec<u64> = senders.sign_each(&[1, 0, 1]).iter().map(Transaction::nonce).collect();
        assert_eq!(nonces, [40, 0, 42]);
    }

    #[test]
    fn the_same_seed_draws_the_same_recipients() {
        let (mut one, mut two) = (senders(), senders());
        let draw =
            |senders: &mut Senders| senders.sign_each(&[0; 50]).iter().map(|made| made.fields().to).collect::<Vec<_>>();
        let drawn = draw(&mut one);
        assert_eq!(drawn, draw(&mut two));
        assert!(drawn.iter().collect::<std::collections::BTreeSet<_>>().len() > 20);
    }
}
