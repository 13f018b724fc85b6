//! Where everything that nodes do comes together: the judge, the trace, the hash over all events.

use crate::chain::SENDERS;
use crate::chance::mix;
use crate::node::Watcher;
use crate::oracle::Oracle;
use crate::trace::{Trace, describe};
use minuet_consensus::driver::Driver;
use minuet_core::header::BlockHeader;
use minuet_core::messages::{FinalizedBlock, JournalRecord, NetworkCommand};
use minuet_core::wire::FrameKind;
use minuet_core::{Bytes, ValidatorIndex};
use std::collections::BTreeMap;

pub struct Hub {
    pub oracle: Oracle,
    pub keys: Vec<ValidatorIndex>,
    pub trace: Trace,
    /// Over every event in order.
    pub hash: u64,
    pub now_us: u64,
    pub commands: Vec<(usize, NetworkCommand)>,
    /// By sender: the next nonce of the longest chain.
    pub nonces: [u64; SENDERS],
    pub transactions: u64,
    senders: BTreeMap<minuet_core::Address, usize>,
    highest: u64,
}

impl Hub {
    pub fn new(
        oracle: Oracle,
        keys: Vec<ValidatorIndex>,
        trace: Trace,
        seed: u64,
        senders: Vec<minuet_core::Address>,
    ) -> Self {
        Self {
            oracle,
            keys,
            trace,
            hash: mix(seed),
            now_us: 0,
            commands: Vec::new(),
            nonces: [0; SENDERS],
            transactions: 0,
            senders: senders.into_iter().enumerate().map(|(place, address)| (address, place)).collect(),
            highest: 0,
        }
    }

    /// One event more.
    pub const fn mark(&mut self, what: u64, a: u64, b: u64) {
        self.hash = mix(self.hash ^ mix(self.now_us ^ (what << 56)) ^ a.rotate_left(32) ^ b);
    }

    fn mark_payload(&mut self, slot: usize, payload: &Bytes) {
        let last = payload.len().saturating_sub(8);
        let mut tail = [0; 8];
        tail[..payload.len() - last].copy_from_slice(&payload[last..]);
        self.mark(1, slot as u64, u64::from_le_bytes(tail));
    }

    /// A liar says this.
    pub fn lied(&mut self, slot: usize, kind: FrameKind, payload: &Bytes) {
        self.mark_payload(slot, payload);
        let (now_us, key) = (self.now_us, self.keys[slot]);
        self.oracle.sent(slot, key, kind, payload);
        self.trace.line(now_us, slot, || format!("LIES       {}", describe(kind, payload)));
    }
}

impl Watcher for Hub {
    fn durable(&mut self, slot: usize, records: &[JournalRecord]) {
        self.oracle.durable(slot, self.keys[slot], records);
    }

    fn turned(&mut self, slot: usize, driver: &Driver) {
        self.oracle.turned(slot, self.keys[slot], driver);
    }

    fn completed(&mut self, slot: usize, header: &BlockHeader) {
        self.oracle.shown(slot, self.keys[slot], header);
    }

    fn finalized(&mut self, slot: usize, block: &FinalizedBlock) {
        let key = self.keys[slot];
        let height = block.header.height().0;
        let digest = block.header.digest();
        self.mark(5, height, u64::from_le_bytes(digest[..8].try_into().unwrap_or_default()));
        let now_us = self.now_us;
        self.trace.line(now_us, slot, || format!("final      height {height} view {} {digest}", block.header.view()));
        self.oracle.shown(slot, key, &block.header);
        if height > self.highest && self.oracle.trusts(key) {
            self.highest = height;
            self.transactions += block.transactions.len() as u64;
            for transaction in block.transactions.iter() {
                if let Some(place) = self.senders.get(&transaction.sender()) {
                    self.nonces[*place] = transaction.nonce() + 1;
                }
            }
        }
    }

    fn commanded(&mut self, slot: usize, command: NetworkCommand) {
        if let NetworkCommand::Blame { peer, offence } = &command {
            self.oracle.blamed(self.keys[slot], *peer, *offence);
        }
        if let NetworkCommand::Send { kind, payload, .. } = &command {
            self.mark_payload(slot, payload);
            let (now_us, key) = (self.now_us, self.keys[slot]);
            // A liar's own words are judged as they are twisted.
            self.oracle.sent(slot, key, *kind, payload);
            self.trace.line(now_us, slot, || format!("says       {}", describe(*kind, payload)));
        }
        self.commands.push((slot, command));
    }

    fn journal_failed(&mut self, slot: usize) {
        self.oracle.journal_failed(slot);
    }
}
