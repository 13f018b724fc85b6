//! R9, R11, L-SYNC: what this node has asked its peers for. Bounded in number; each request goes to one peer at a time,
//! the next one after a while.

use super::Driver;
use crate::replica::Replica;
use crate::wire::Request;
use minuet_core::wire::{FrameKind, Recipients};
use minuet_core::{Digest, PeerId, ValidatorIndex, View};
use std::collections::BTreeMap;

/// Requests under way at most.
const MAX_REQUESTS: usize = 64;
/// Before the next peer is asked.
const RETRY_US: u64 = 150_000;
/// Before a body is asked for that should be on its way.
const BODY_PATIENCE_US: u64 = 50_000;
/// After so many tries a request is given up; the rules ask again if they still need it.
const MAX_TRIES: u32 = 40;
/// From this many views behind on, ranges are asked for instead of single blocks.
const RANGE_FROM_VIEWS: u64 = 8;

/// Ranges that the ledger has not stored yet before no further one is asked for, and the wait before the next look.
const MAX_BACKLOG: usize = 2;
const BACKLOG_PAUSE_US: u64 = 10_000;

struct Fetch {
    tries: u32,
    next_us: u64,
    /// Who should have it, asked first.
    preferred: Vec<PeerId>,
    /// Who is being asked.
    asked: Option<PeerId>,
    /// Proofs of the view that were held when one more was asked for: of one view there can be several.
    held: usize,
}

/// Requests that are not answered yet.
#[derive(Default)]
pub(super) struct Fetching {
    open: BTreeMap<Request, Fetch>,
    turn: usize,
}

impl Fetching {
    fn want(&mut self, request: Request, preferred: Vec<PeerId>, next_us: u64, held: usize) {
        if self.open.len() >= MAX_REQUESTS && !self.open.contains_key(&request) {
            return;
        }
        self.open.entry(request).or_insert(Fetch { tries: 0, next_us, preferred, asked: None, held });
    }

    pub fn have_block(&mut self, digest: &Digest) {
        self.open.remove(&Request::Block(*digest));
    }

    /// Whether this block was asked for.
    pub fn wants_block(&self, digest: &Digest) -> bool {
        self.open.contains_key(&Request::Block(*digest))
    }

    /// The range that this peer was asked for; answered or not, it is over.
    pub fn take_range(&mut self, peer: PeerId) -> bool {
        let range = self.open.iter().find_map(|(request, fetch)| {
            (matches!(request, Request::Range(_)) && fetch.asked == Some(peer)).then_some(*request)
        });
        range.is_some_and(|request| self.open.remove(&request).is_some())
    }

    pub fn peer_gone(&mut self, peer: PeerId) {
        for fetch in self.open.values_mut().filter(|fetch| fetch.asked == Some(peer)) {
            fetch.next_us = 0;
        }
    }

    /// Drops requests whose answer came another way.
    pub fn forget_satisfied(&mut self, replica: &Replica) {
        let tip = replica.tip().header.view();
        self.open.retain(|request, fetch| match request {
            Request::Proof(view) => *view > tip && proofs_of(replica, *view) <= fetch.held,
            Request::Range(height) => *height > replica.tip().header.height(),
            Request::Block(_) => true,
        });
    }

    pub fn next_us(&self) -> Option<u64> {
        self.open.values().map(|fetch| fetch.next_us).min()
    }
}

fn proofs_of(replica: &Replica, view: View) -> usize {
    let state = replica.views().get(&view);
    state.map_or(0, |state| state.notarizations.len() + usize::from(state.nullification.is_some()))
}

impl Driver {
    pub(super) fn fetch_proof(&mut self, view: View) {
        let held = proofs_of(&self.replica, view);
        self.fetching.want(Request::Proof(view), Vec::new(), self.now.mono_us, held);
    }

    pub(super) fn fetch_block(&mut self, digest: Digest, signers: &[ValidatorIndex]) {
        if self.blocks.body(&digest).is_some() && self.replica.header(&digest).is_some() {
            return;
        }
        let preferred: Vec<PeerId> = signers.iter().map(|signer| signer.peer()).collect();
        let behind = self.replica.pending_final().is_some_and(|pending| {
            pending.view.0.saturating_sub(self.replica.tip().header.view().0) >= RANGE_FROM_VIEWS
        });
        if behind && self.blocks.header(&digest).is_none() {
            let from = self.next_height();
            let other_range = self.fetching.open.keys().any(|request| matches!(request, Request::Range(_)));
            if !other_range {
                self.fetching.want(Request::Range(from), preferred, self.now.mono_us, 0);
            }
            return;
        }
        // Behind a known header the body is probably on its way.
        let patience_us = if self.blocks.header(&digest).is_some() { BODY_PATIENCE_US } else { 0 };
        self.fetching.want(Request::Block(digest), preferred, self.now.mono_us.saturating_add(patience_us), 0);
    }

    /// The body should be on its way: ask only if it does not come.
    pub(super) fn fetch_body_later(&mut self, digest: Digest) {
        self.fetching.want(Request::Block(digest), Vec::new(), self.now.mono_us.saturating_add(BODY_PATIENCE_US), 0);
    }

    /// Sends what is due, each to its next peer.
    pub(super) fn retry_fetches(&mut self) {
        if self.fetching.next_us().is_none_or(|next| next > self.now.mono_us) {
            return;
        }
        self.fetching.forget_satisfied(&self.replica);
        let peers: Vec<PeerId> = self.connected.iter().copied().collect();
        let mut sends = Vec::new();
        let busy = self.committing.backlog() > MAX_BACKLOG;
        for (request, fetch) in &mut self.fetching.open {
            if fetch.next_us > self.now.mono_us {
                continue;
            }
            fetch.next_us = self.now.mono_us.saturating_add(RETRY_US);
            if busy && matches!(request, Request::Range(_)) {
                fetch.next_us = self.now.mono_us.saturating_add(BACKLOG_PAUSE_US);
                continue;
            }
            fetch.tries += 1;
            let preferred: Vec<PeerId> = fetch.preferred.iter().filter(|peer| peers.contains(peer)).copied().collect();
            let first = (fetch.tries as usize) <= preferred.len();
            let pool = if first { &preferred } else { &peers };
            if pool.is_empty() {
                continue;
            }
            self.fetching.turn = self.fetching.turn.wrapping_add(1);
            let peer = pool[self.fetching.turn % pool.len()];
            fetch.asked = Some(peer);
            sends.push((peer, *request));
        }
        self.fetching.open.retain(|_, fetch| fetch.tries < MAX_TRIES);
        for (peer, request) in sends {
            tracing::debug!(%peer, ?request, "asked");
            self.conducts.asked(peer);
            self.out.bulk(Recipients::One(peer), FrameKind::Request, request.to_bytes().into());
        }
    }
}
