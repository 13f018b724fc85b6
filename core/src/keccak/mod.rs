//! keccak256 of many messages at once: on processors with AVX2 four of them share each instruction, with AVX-512 eight
//! (decision 0018). Elsewhere they are hashed one after the other, to the same end.

#[cfg(target_arch = "x86_64")]
mod lanes;
pub mod ordered;

use crate::{B256, keccak256};
use std::cell::Cell;

#[cfg(target_arch = "x86_64")]
use lanes::{Eight, Four};

/// What one permutation takes in, in bytes: keccak256's rate.
#[cfg(any(target_arch = "x86_64", test))]
const RATE: usize = 136;

/// Messages in memory at a time: enough to fill all lanes with messages of one length, and in all no more than the
/// processor's nearest caches hold.
const TOGETHER: usize = 64;

/// Memory for messages that a thread keeps for the next time, in bytes.
const KEPT: usize = 64 << 10;

thread_local! {
    static MESSAGES: Cell<Messages> = const { Cell::new(Messages::new()) };
}

/// keccak256 of what `put` appends for each item, in their order.
#[must_use]
pub fn hash_each<T>(items: &[T], put: impl Fn(&T, &mut Vec<u8>)) -> Vec<B256> {
    let mut hashes = Vec::with_capacity(items.len());
    let mut messages = MESSAGES.take();
    for batch in items.chunks(TOGETHER) {
        messages.clear();
        batch.iter().for_each(|item| messages.push(|out| put(item, out)));
        hashes.extend(messages.hashes());
    }
    if messages.bytes.capacity() <= KEPT {
        MESSAGES.set(messages);
    }
    hashes
}

/// Messages one behind the other, waiting for their hashes. Emptied and filled again, it keeps its memory.
#[derive(Debug, Default)]
struct Messages {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Messages {
    const fn new() -> Self {
        Self { bytes: Vec::new(), ends: Vec::new() }
    }

    /// Adds the message that `write` appends.
    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        assert!(self.bytes.len() >= start, "a message was taken away instead of added");
        self.ends.push(self.bytes.len());
    }

    const fn len(&self) -> usize {
        self.ends.len()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// The message at a place below [`Messages::len`].
    fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }

    /// keccak256 of each message, in their order.
    fn hashes(&self) -> Vec<B256> {
        #[cfg(target_arch = "x86_64")]
        if self.len() > 1 {
            if let Some(eight) = Eight::new() {
                return self.hashes_in_groups(|messages| eight.hash(messages));
            }
            if let Some(four) = Four::new() {
                return self.hashes_in_groups(|messages| four.hash(messages));
            }
        }
        (0..self.len()).map(|index| keccak256(self.get(index))).collect()
    }

    /// `hash` takes `N` messages at once.
    #[cfg(target_arch = "x86_64")]
    fn hashes_in_groups<const N: usize>(&self, hash: impl Fn([&[u8]; N]) -> [B256; N]) -> Vec<B256> {
        // Those that take equally many permutations share them: a lane that is done early idles.
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by_key(|&index| self.get(index).len() / RATE);
        let mut hashes = vec![B256::ZERO; self.len()];
        for group in order.chunks(N) {
            match *group {
                [only] => hashes[only] = keccak256(self.get(only)),
                _ => {
                    let found = hash(std::array::from_fn(|lane| self.get(group[lane.min(group.len() - 1)])));
                    group.iter().zip(found).for_each(|(&index, hash)| hashes[index] = hash);
                }
            }
        }
        hashes
    }
}

#[cfg(test)]
mod tests;
