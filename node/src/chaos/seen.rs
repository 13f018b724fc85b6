//! Everything that any node has shown as final, held against what was shown before, and against the chains that the
//! nodes have in the end. Pure; the tests of processes use this file too.

use minuet_core::B256;
use minuet_rpc::proto::BlockEvent;
use std::collections::{BTreeMap, BTreeSet};

/// A final block, as a node shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its hash.
    pub hash: B256,
    /// Its view.
    pub view: u64,
}

/// Everything that any node has shown, held against what was shown before.
#[derive(Debug, Default)]
pub struct Seen {
    blocks: BTreeMap<u64, Shown>,
    /// By node: the highest block that it showed.
    newest: BTreeMap<u16, u64>,
    /// What must not be.
    pub violations: Vec<String>,
}

#[allow(dead_code, reason = "each of its users needs a part")]
impl Seen {
    /// A node shows a block as final.
    pub fn shows(&mut self, node: u16, height: u64, shown: Shown) {
        let newest = self.newest.entry(node).or_default();
        *newest = height.max(*newest);
        let before = *self.blocks.entry(height).or_insert(shown);
        if before != shown {
            self.violations.push(format!("validator {node} shows {shown:?} at height {height}; {before:?} was final"));
        }
        let below = self.blocks.range(..height).next_back().is_some_and(|(_, block)| block.view >= shown.view);
        let above = self.blocks.range(height + 1..).next().is_some_and(|(_, block)| block.view <= shown.view);
        if below || above {
            self.violations.push(format!("validator {node}: view {} of height {height} is out of order", shown.view));
        }
    }

    /// A node answers, again or for the first time, and this is its newest block (D-ACK).
    pub fn answers(&mut self, node: u16, height: u64, shown: Shown) {
        let newest = self.newest(node);
        if height < newest {
            self.violations.push(format!("validator {node} showed height {newest} as final and now has {height} only"));
        }
        if height > 0 {
            self.shows(node, height, shown);
        }
    }

    /// The highest block that a node showed.
    #[must_use]
    pub fn newest(&self, node: u16) -> u64 {
        self.newest.get(&node).copied().unwrap_or_default()
    }

    /// The highest block that any node showed.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.blocks.last_key_value().map_or(0, |(height, _)| *height)
    }

    /// The view of that block.
    #[must_use]
    pub fn highest_view(&self) -> u64 {
        self.blocks.last_key_value().map_or(0, |(_, shown)| shown.view)
    }

    /// By height.
    #[must_use]
    pub const fn blocks(&self) -> &BTreeMap<u64, Shown> {
        &self.blocks
    }

    /// A node has lost its data or has older ones: that it has less is no loss of others.
    pub fn forgives(&mut self, node: u16) {
        self.newest.remove(&node);
    }
}

/// A final block as a node reads it back from its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The block.
    pub shown: Shown,
    /// Its transactions.
    pub transactions: Vec<B256>,
}

impl Found {
    /// From a stream with the hashes of transactions.
    #[must_use]
    pub fn of(event: &BlockEvent) -> Self {
        let shown = Shown { hash: hash(&event.hash), view: event.view };
        Self { shown, transactions: event.transaction_hashes.iter().map(|bytes| hash(bytes)).collect() }
    }
}

/// What is wrong with the chains of some nodes, from height 1 on, beside what was shown.
#[must_use]
pub fn in_chains(chains: &BTreeMap<u16, Vec<Found>>, seen: &Seen) -> Vec<String> {
    let mut wrong = seen.violations.clone();
    let Some((first, reference)) = chains.first_key_value() else { return wrong };
    for (height, shown) in seen.blocks() {
        let place = usize::try_from(height.saturating_sub(1)).unwrap_or(usize::MAX);
        if reference.get(place).is_none_or(|found| found.shown != *shown) {
            wrong.push(format!("height {height} was shown as final and is not in the chain of validator {first}"));
        }
    }
    let mut transactions = BTreeSet::new();
    let mut view = 0;
    for (height, found) in (1..).zip(reference) {
        if found.shown.view <= view {
            wrong.push(format!("height {height} is of view {}, as high as the one below", found.shown.view));
        }
        view = found.shown.view;
        for transaction in found.transactions.iter().filter(|hash| !transactions.insert(**hash)) {
            wrong.push(format!("transaction {transaction} is final a second time at height {height}"));
        }
    }
    for (node, chain) in chains.iter().filter(|(_, chain)| *chain != reference) {
        let height = chain.iter().zip(reference).position(|(one, other)| one != other).unwrap_or(chain.len()) + 1;
        wrong.push(format!("validators {first} and {node} differ at height {height}"));
    }
    wrong
}

/// A hash of an answer; zero, which is no block's, if it has another length.
#[must_use]
pub fn hash(bytes: &[u8]) -> B256 {
    B256::try_from(bytes).unwrap_or_default()
}
