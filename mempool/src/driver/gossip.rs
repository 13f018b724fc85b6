//! Passing clients' transactions on to the peers.
//!
//! The node that a client gave a transaction to sends it to everybody; nobody sends it further (full mesh). A peer that
//! connects gets what waits here, and what is not in a block after a while is offered again, so that a lost frame costs a
//! delay and not a transaction.

use super::frames::{self, Packed};
use crate::{MempoolConfig, Pool};
use minuet_core::messages::{GossipCommand, NetworkCommand};
use minuet_core::ring::Sender;
use minuet_core::spans;
use minuet_core::transaction::Transaction;
use minuet_core::wire::{FrameKind, Recipients};
use minuet_core::{Address, PeerId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest linger, in base lingers.
const MAX_LINGERS: u32 = 4;

/// What is on its way out.
#[derive(Debug)]
pub(super) struct Gossip {
    /// At light load.
    base_linger: Duration,
    /// Now: it doubles while rounds carry more than one transaction.
    linger: Duration,
    reoffer_after: Duration,
    greeting_bytes: usize,
    outbox: Vec<Arc<Transaction>>,
    outbox_bytes: usize,
    last_flush: Option<Instant>,
    /// Connected peers, each with the first round that it got.
    peers: BTreeMap<PeerId, u64>,
    /// Rounds so far; a round is one sending to all.
    round: u64,
    next_reoffer: Option<Instant>,
    /// Arrivals below this are old enough to be offered again.
    old_below: u64,
    /// Where offering again goes on.
    cursor: u64,
}

impl Gossip {
    pub(super) const fn new(config: &MempoolConfig) -> Self {
        Self {
            base_linger: config.gossip_linger,
            linger: config.gossip_linger,
            reoffer_after: config.reoffer_after,
            greeting_bytes: config.greeting_bytes,
            outbox: Vec::new(),
            outbox_bytes: 0,
            last_flush: None,
            peers: BTreeMap::new(),
            round: 0,
            next_reoffer: None,
            old_below: 0,
            cursor: 0,
        }
    }

    /// A client's transaction was admitted.
    pub(super) fn queue(&mut self, transaction: Arc<Transaction>) {
        self.outbox_bytes += transaction.encoded_length();
        self.outbox.push(transaction);
    }

    /// The first round that a peer got over its present connection; `None` if it is not connected.
    pub(super) fn since(&self, peer: PeerId) -> Option<u64> {
        self.peers.get(&peer).copied()
    }

    pub(super) fn lose(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
    }

    /// A peer is connected: it gets the clients' transactions that wait, oldest first, within the greeting's bytes. Those
    /// in the outbox come with the next round.
    pub(super) fn greet(&mut self, now: Instant, peer: PeerId, pool: &mut Pool, ring: &mut Sender<GossipCommand>) {
        self.peers.insert(peer, self.round + 1);
        self.next_reoffer.get_or_insert(now + self.reoffer_after);
        let mut bytes_left = self.greeting_bytes;
        let waiting: Vec<_> = pool
            .own_from(0)
            .map_while(|(_, transaction)| {
                bytes_left = bytes_left.checked_sub(transaction.encoded_length())?;
                Some(Arc::clone(transaction))
            })
            .collect();
        for packed in frames::pack(waiting) {
            if !send(ring, Recipients::One(peer), &packed) {
                break;
            }
            for transaction in &packed.transactions {
                pool.mark_shared(&transaction.hash(), peer);
            }
        }
    }

    /// Sends the outbox to all: at once after a pause, else when the linger is over or a frame is full. Returns the senders
    /// of what was sent.
    pub(super) fn flush(&mut self, now: Instant, pool: &mut Pool, ring: &mut Sender<GossipCommand>) -> Vec<Address> {
        let lingers = self.flush_due().is_some_and(|due| now < due);
        if self.outbox.is_empty() || (lingers && self.outbox_bytes < FrameKind::Transactions.max_bytes()) {
            return Vec::new();
        }
        self.last_flush = Some(now);
        self.outbox_bytes = 0;
        let outbox = std::mem::take(&mut self.outbox);
        self.linger = match outbox.len() {
            1 => self.base_linger,
            _ => (self.linger * 2).min(self.base_linger * MAX_LINGERS),
        };
        self.send_to_all(outbox, pool, ring)
    }

    /// Once per pause, offers one frame of old transactions that are in no block again, in turn.
    pub(super) fn reoffer(&mut self, now: Instant, pool: &mut Pool, ring: &mut Sender<GossipCommand>) {
        if !pool.has_own() {
            self.next_reoffer = None;
            return;
        }
        if *self.next_reoffer.get_or_insert(now + self.reoffer_after) > now {
            return;
        }
        self.next_reoffer = Some(now + self.reoffer_after);
        let mut bytes_left = FrameKind::Transactions.max_bytes() / 2;
        let old: Vec<_> = pool
            .own_from(self.cursor)
            .take_while(|(arrival, _)| *arrival < self.old_below)
            .map_while(|(arrival, transaction)| {
                bytes_left = bytes_left.checked_sub(transaction.encoded_length())?;
                Some((arrival, Arc::clone(transaction)))
            })
            .collect();
        // What is older than the cursor comes again when the newer ones had their turn.
        self.cursor = old.last().map_or(0, |(arrival, _)| arrival + 1);
        self.old_below = pool.next_arrival();
        self.send_to_all(old.into_iter().map(|(_, transaction)| transaction), pool, ring);
    }

    /// When [`Gossip::flush`] or [`Gossip::reoffer`] has something to do next.
    pub(super) fn deadline(&self, pool: &Pool) -> Option<Instant> {
        let flush = if self.outbox.is_empty() { None } else { self.flush_due() };
        let reoffer = if pool.has_own() { self.next_reoffer } else { None };
        flush.into_iter().chain(reoffer).min()
    }

    fn flush_due(&self) -> Option<Instant> {
        self.last_flush.map(|last| last + self.linger)
    }

    fn send_to_all(
        &mut self,
        transactions: impl IntoIterator<Item = Arc<Transaction>>,
        pool: &mut Pool,
        ring: &mut Sender<GossipCommand>,
    ) -> Vec<Address> {
        if self.peers.is_empty() {
            return Vec::new();
        }
        self.round += 1;
        let mut senders = Vec::new();
        for packed in frames::pack(transactions) {
            for transaction in &packed.transactions {
                tracing::trace!(name: spans::GOSSIPED, target: spans::TARGET, hash = transaction.hash().as_slice());
            }
            // What does not fit into the ring is offered again later.
            if !send(ring, Recipients::All, &packed) {
                break;
            }
            for transaction in &packed.transactions {
                pool.mark_sent(&transaction.hash(), self.round);
                senders.push(transaction.sender());
            }
        }
        senders
    }
}

fn send(ring: &mut Sender<GossipCommand>, to: Recipients, packed: &Packed) -> bool {
    let payload = packed.payload.clone();
    ring.send_or_drop(GossipCommand(NetworkCommand::Send { to, kind: FrameKind::Transactions, payload }))
}
