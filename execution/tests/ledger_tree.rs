//! Random trees of blocks: whatever branch becomes final, a second ledger agrees on every block, the stored accounts
//! have the tip's root, and no wei is lost or made.

mod support;

use minuet_core::block::Block;
use minuet_core::header::BlockHeader;
use minuet_core::messages::Verdict;
use minuet_core::store::{Column, Store};
use minuet_core::transaction::UnsignedTransaction;
use minuet_core::{Digest, Height, U256};
use minuet_execution::chain::format;
use minuet_execution::trie::trie_key;
use minuet_execution::{Ledger, Workers};
use proptest::prelude::*;
use std::sync::Arc;
use support::*;

#[derive(Clone, Debug)]
enum Step {
    /// A block on the tip or an unfinalized block, with transfers (sender, recipient, value).
    Block {
        parent: usize,
        transfers: Vec<(u32, u32, u128)>,
    },
    /// An unfinalized block becomes final.
    Finalize(usize),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let transfers = proptest::collection::vec((0u32..4, 0u32..8, 0u128..RICH / 3), 0..6);
    let step = prop_oneof![
        8 => (any::<usize>(), transfers).prop_map(|(parent, transfers)| Step::Block { parent, transfers }),
        2 => any::<usize>().prop_map(Step::Finalize),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..25)
}

struct World {
    genesis: minuet_core::genesis::Genesis,
    store: Arc<TestStore>,
    first: Ledger,
    second: Ledger,
    unfinalized: Vec<Block>,
    view: u64,
}

impl World {
    fn block(&mut self, parent: usize, transfers: &[(u32, u32, u128)]) {
        let at = parent % (self.unfinalized.len() + 1);
        let parent: Arc<BlockHeader> = match self.unfinalized.get(at) {
            Some(block) => Arc::clone(block.header()),
            None => Arc::clone(self.first.tip()),
        };
        self.view += 1;
        let state = match self.first.unfinalized().get(&parent.digest()) {
            Some(executed) => executed.execution.state.clone(),
            None => self.first.state().clone(),
        };
        let mut nonces: Vec<u64> =
            (0..4).map(|s| state.get(&trie_key(&address(s))).map_or(0, |account| account.nonce)).collect();
        let transactions = transfers.iter().map(|(sender, to, value)| {
            let nonce = &mut nonces[*sender as usize];
            let transfer: UnsignedTransaction = unsigned(*nonce, address(*to), *value);
            *nonce += 1;
            Arc::new(transfer.sign(&key(*sender), &self.genesis.digest()))
        });
        let transactions = transactions.collect();
        let block = seal(&mut self.first, &parent, self.view, transactions);
        assert_eq!(verdict(&mut self.second, &block), Verdict::Valid);
        self.unfinalized.push(block);
    }

    fn finalize(&mut self, which: usize) {
        if self.unfinalized.is_empty() {
            return;
        }
        let newest = self.unfinalized[which % self.unfinalized.len()].clone();
        let mut chain = vec![newest.clone()];
        while let Some(parent) = self.unfinalized.iter().find(|b| b.digest() == chain[0].header().parent()) {
            chain.insert(0, parent.clone());
        }
        let digests: Vec<Digest> = chain.iter().map(Block::digest).collect();
        for ledger in [&mut self.first, &mut self.second] {
            ledger.commit(&digests, &finalization(newest.digest())).unwrap().unwrap();
        }
        let left = self.first.unfinalized();
        self.unfinalized.retain(|block| left.get(&block.digest()).is_some());
        assert_eq!(left.len(), self.unfinalized.len());
    }

    /// The first ledger stops and opens its store again; unfinalized blocks are judged again, parents first.
    fn restart(&mut self) {
        let tip = self.first.tip().digest();
        self.first = open(&self.store, &self.genesis);
        assert_eq!(self.first.tip().digest(), tip);
        for block in &self.unfinalized {
            assert_eq!(verdict(&mut self.first, block), Verdict::Valid);
        }
    }

    fn check(&self) {
        let (tip, other) = (self.first.tip(), self.second.tip());
        assert_eq!(tip.digest(), other.digest());
        assert_eq!(self.first.state().clone().root_hash(Workers::Inline), tip.state_root());
        let accounts = self.store.scan(Column::Accounts, &[], None, usize::MAX).unwrap();
        let balances = accounts.iter().map(|(_, value)| format::decode_account(value).unwrap().balance);
        let held = balances.fold(U256::ZERO, |sum, balance| sum + balance);
        let headers = (0..=tip.height().0).map(|h| self.first.reader().header(Height(h)).unwrap().unwrap());
        let burned =
            headers.map(|h| U256::from(h.gas_used()) * U256::from(h.base_fee())).fold(U256::ZERO, |a, b| a + b);
        assert_eq!(held + burned, U256::from(RICH) * U256::from(10));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_branch_executes_alike_and_what_is_final_survives(steps in steps()) {
        let (genesis, store) = (genesis(), Arc::new(TestStore::default()));
        let (first, second) = (open(&store, &genesis), open(&Arc::default(), &genesis));
        let mut world = World { genesis, store, first, second, unfinalized: vec![], view: 0 };
        for step in steps {
            match step {
                Step::Block { parent, transfers } => world.block(parent, &transfers),
                Step::Finalize(which) => world.finalize(which),
                Step::Restart => world.restart(),
            }
        }
        world.restart();
        world.check();
    }
}
