//! When a block is final on *every* live node: the announcements of all nodes, merged by height.
//!
//! Invariants: a block is given out once, in order of height, when the last live node has it; a node that died is waited
//! for no longer; two nodes with different blocks at one height are a fork and are reported, never merged. That holds
//! for the last blocks given out too: a node that comes late must announce the same.

use minuet_core::B256;
use minuet_rpc::proto::BlockEvent;
use std::collections::BTreeMap;

/// A block that all live nodes have stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalBlock {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: Vec<u8>,
    /// The view that it was proposed in.
    pub view: u64,
    /// Transactions in it.
    pub transactions: u32,
    /// Their hashes, if one of the nodes was asked for them.
    pub hashes: Option<Vec<B256>>,
    /// From the proposer's clock to stored on the last node, if all nodes said when.
    pub finality_us: Option<u64>,
}

/// Blocks given out that late announcements are held against.
const REMEMBERED_BLOCKS: usize = 8192;

#[derive(Debug, Default)]
struct Waiting {
    hash: Vec<u8>,
    view: u64,
    time_ms: u64,
    transactions: u32,
    hashes: Option<Vec<B256>>,
    latest_us: u64,
    timed: bool,
    seen: Vec<bool>,
}

/// Merges the announcements of a fixed list of nodes.
#[derive(Debug)]
pub struct Merger {
    /// From which height on a node is waited for; `None` while it is not connected.
    live_from: Vec<Option<u64>>,
    waiting: BTreeMap<u64, Waiting>,
    given: u64,
    /// Hashes of the newest blocks given out, consecutive or nearly so.
    remembered: BTreeMap<u64, Vec<u8>>,
    fork: Option<String>,
}

impl Merger {
    /// For `nodes` nodes, none of them connected yet.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        Self {
            live_from: vec![None; nodes],
            waiting: BTreeMap::new(),
            given: 0,
            remembered: BTreeMap::new(),
            fork: None,
        }
    }

    /// A node has answered: it is waited for from the block after `height` on.
    pub fn joined(&mut self, node: usize, height: u64) {
        self.live_from[node] = Some(height.saturating_add(1));
    }

    /// A node has died or cannot be heard any more.
    pub fn left(&mut self, node: usize) -> Vec<FinalBlock> {
        self.live_from[node] = None;
        self.take_ready()
    }

    /// How many nodes are waited for.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live_from.iter().flatten().count()
    }

    /// The highest block that was given out.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.given
    }

    /// Two nodes' different blocks at one height, if that was ever seen.
    #[must_use]
    pub fn fork(&self) -> Option<&str> {
        self.fork.as_deref()
    }

    /// Takes a node's announcement; answers the blocks that all live nodes have now.
    pub fn announced(&mut self, node: usize, event: BlockEvent) -> Vec<FinalBlock> {
        if event.height <= self.given {
            if self.remembered.get(&event.height).is_some_and(|hash| hash[..] != event.hash[..]) {
                self.report_fork(node, event.height);
            }
            return Vec::new();
        }
        let nodes = self.live_from.len();
        let entry = self.waiting.entry(event.height).or_insert_with(|| Waiting {
            hash: event.hash.to_vec(),
            view: event.view,
            time_ms: event.time_ms,
            transactions: event.transaction_count,
            timed: true,
            seen: vec![false; nodes],
            ..Waiting::default()
        });
        if entry.hash[..] != event.hash[..] {
            self.report_fork(node, event.height);
            return Vec::new();
        }
        entry.seen[node] = true;
        match event.stored_at_us {
            Some(stored) => entry.latest_us = entry.latest_us.max(stored),
            None => entry.timed = false,
        }
        let complete = u32::try_from(event.transaction_hashes.len()) == Ok(event.transaction_count);
        if entry.hashes.is_none() && complete {
            let hashes = event.transaction_hashes.iter().filter_map(|hash| B256::try_from(&hash[..]).ok());
            entry.hashes = Some(hashes.collect());
        }
        self.take_ready()
    }

    fn report_fork(&mut self, node: usize, height: u64) {
        self.fork = Some(format!("height {height}: node {node} has another block than an earlier node"));
    }

    fn take_ready(&mut self) -> Vec<FinalBlock> {
        let mut ready = Vec::new();
        while let Some(first) = self.waiting.first_entry() {
            let height = *first.key();
            let needed = self.live_from.iter().enumerate().filter(|(_, from)| from.is_some_and(|from| from <= height));
            let mut nodes = 0;
            let all = needed.inspect(|_| nodes += 1).all(|(node, _)| first.get().seen[node]);
            if !all || nodes == 0 {
                break;
            }
            let entry = first.remove();
            self.given = height;
            self.remembered.insert(height, entry.hash.clone());
            if self.remembered.len() > REMEMBERED_BLOCKS {
                self.remembered.pop_first();
            }
            let finality_us = entry.latest_us.saturating_sub(entry.time_ms.saturating_mul(1000));
            ready.push(FinalBlock {
                height,
                hash: entry.hash,
                view: entry.view,
                transactions: entry.transactions,
                hashes: entry.hashes,
                finality_us: (entry.timed && entry.latest_us > 0).then_some(finality_us),
            });
        }
        ready
    }
}

/// The `percent`-th percentile (nearest rank) of microseconds, in milliseconds; 0 without samples. Sorts in place.
#[must_use]
pub fn percentile_ms(samples: &mut [u64], percent: usize) -> f64 {
    samples.sort_unstable();
    let rank = (samples.len() * percent).div_ceil(100).max(1) - 1;
    samples.get(rank).map_or(0.0, |micros| (*micros as f64 / 10.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(height: u64, block: u8, stored_at_us: u64) -> BlockEvent {
        BlockEvent {
            height,
            hash: vec![block; 32].into(),
            time_ms: 1000,
            stored_at_us: Some(stored_at_us),
            ..BlockEvent::default()
        }
    }

    fn heights(blocks: &[FinalBlock]) -> Vec<u64> {
        blocks.iter().map(|block| block.height).collect()
    }

    #[test]
    fn a_block_counts_when_the_last_live_node_has_it_and_by_that_nodes_time() {
        let mut merger = Merger::new(2);
        merger.joined(0, 0);
        merger.joined(1, 0);
        assert!(merger.announced(0, event(1, 1, 1_004_000)).is_empty());
        let ready = merger.announced(1, event(1, 1, 1_007_000));
        assert_eq!(ready[0].finality_us, Some(7_000));
        assert!(merger.announced(1, event(1, 1, 1_009_000)).is_empty());
    }

    #[test]
    fn blocks_come_in_order_even_if_a_later_one_is_complete_first() {
        let mut merger = Merger::new(2);
        merger.joined(0, 0);
        merger.joined(1, 0);
        assert!(merger.announced(0, event(1, 1, 1)).is_empty());
        assert!(merger.announced(0, event(2, 2, 1)).is_empty());
        assert_eq!(heights(&merger.announced(1, event(1, 1, 1))), [1]);
        assert_eq!(heights(&merger.announced(1, event(2, 2, 1))), [2]);
    }

    #[test]
    fn a_dead_node_is_waited_for_no_longer_and_one_that_returns_only_from_then_on() {
        let mut merger = Merger::new(2);
        merger.joined(0, 0);
        merger.joined(1, 0);
        merger.announced(0, event(1, 1, 1));
        assert_eq!(heights(&merger.left(1)), [1]);
        assert_eq!(heights(&merger.announced(0, event(2, 2, 1))), [2]);
        merger.joined(1, 3);
        assert_eq!(heights(&merger.announced(0, event(3, 3, 1))), [3]);
        assert!(merger.announced(0, event(4, 4, 1)).is_empty());
        assert_eq!(heights(&merger.announced(1, event(4, 4, 1))), [4]);
    }

    #[test]
    fn two_blocks_at_one_height_are_a_fork() {
        let mut merger = Merger::new(2);
        merger.joined(0, 0);
        merger.joined(1, 0);
        merger.announced(0, event(1, 1, 1));
        assert!(merger.announced(1, event(1, 9, 1)).is_empty());
        assert!(merger.fork().unwrap().contains("height 1"));
    }

    #[test]
    fn a_node_that_comes_late_with_another_block_is_a_fork_too() {
        let mut merger = Merger::new(2);
        merger.joined(0, 0);
        assert_eq!(heights(&merger.announced(0, event(1, 1, 1))), [1]);
        merger.announced(1, event(1, 1, 1));
        assert_eq!(merger.fork(), None);
        merger.announced(1, event(1, 9, 1));
        assert!(merger.fork().unwrap().contains("height 1: node 1"));
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let mut samples: Vec<u64> = (1..=100).rev().map(|ms| ms * 1000).collect();
        assert_eq!(percentile_ms(&mut samples, 50), 50.0);
        assert_eq!(percentile_ms(&mut samples, 99), 99.0);
        assert_eq!(percentile_ms(&mut samples, 100), 100.0);
        assert_eq!(percentile_ms(&mut [], 50), 0.0);
        assert_eq!(percentile_ms(&mut [7_000], 99), 7.0);
    }
}
