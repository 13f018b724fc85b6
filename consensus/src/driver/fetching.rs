//! R9, R11: the single proofs and blocks that this node has asked its peers for. Bounded in number; each request goes to
//! one peer at a time, the next one after a while. Far behind, [`super::catchup`] asks for ranges instead.

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

/// Questions for single blocks that are remembered with whom they went to.
const MAX_ASKED: usize = 1024;

/// Requests that are not answered yet.
#[derive(Default)]
pub(super) struct Fetching {
    open: BTreeMap<Request, Fetch>,
    /// How often each peer was asked for a block and has not answered: a late answer must not pass for that to a range.
    asked: BTreeMap<(PeerId, Digest), u32>,
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

    fn note_asked(&mut self, peer: PeerId, digest: Digest) {
        *self.asked.entry((peer, digest)).or_insert(0) += 1;
        if self.asked.len() > MAX_ASKED {
            self.asked.pop_first();
        }
    }

    /// Takes a peer's answer to a question for this block; false if none is open.
    pub fn is_answer(&mut self, peer: PeerId, digest: &Digest) -> bool {
        let Some(open) = self.asked.get_mut(&(peer, *digest)) else { return false };
        *open -= 1;
        if *open == 0 {
            self.asked.remove(&(peer, *digest));
        }
        true
    }

    pub fn peer_gone(&mut self, peer: PeerId) {
        self.asked.retain(|(asked, _), _| *asked != peer);
        for fetch in self.open.values_mut().filter(|fetch| fetch.asked == Some(peer)) {
            fetch.next_us = 0;
        }
    }

    /// Drops requests whose answer came another way.
    pub fn forget_satisfied(&mut self, replica: &Replica) {
        let tip = replica.tip().header.view();
        self.open.retain(|request, fetch| match request {
            Request::Proof(view) => *view > tip && proofs_of(replica, *view) <= fetch.held,
            Request::Block(_) | Request::Range(_) => true,
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
        let is_known = self.blocks.header(&digest).is_some();
        if !is_known && self.comes_in_a_range(&digest) {
            return;
        }
        // Behind a known header the body is probably on its way.
        let patience_us = if is_known { BODY_PATIENCE_US } else { 0 };
        self.fetch_block_after(digest, signers, patience_us);
    }

    pub(super) fn fetch_block_after(&mut self, digest: Digest, signers: &[ValidatorIndex], patience_us: u64) {
        let preferred: Vec<PeerId> = signers.iter().map(|signer| signer.peer()).collect();
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
        for (request, fetch) in &mut self.fetching.open {
            if fetch.next_us > self.now.mono_us {
                continue;
            }
            fetch.next_us = self.now.mono_us.saturating_add(RETRY_US);
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
            if let Request::Block(digest) = request {
                self.fetching.note_asked(peer, digest);
            }
            self.out.bulk(Recipients::One(peer), FrameKind::Request, request.to_bytes().into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId(3);

    #[test]
    fn each_question_for_a_block_is_answered_once_by_whom_it_was_put_to() {
        let digest = Digest::repeat_byte(7);
        let mut fetching = Fetching::default();
        (0..2).for_each(|_| fetching.note_asked(PEER, digest));
        assert!(!fetching.is_answer(PeerId(4), &digest));
        assert!(fetching.is_answer(PEER, &digest) && fetching.is_answer(PEER, &digest));
        assert!(!fetching.is_answer(PEER, &digest));
        fetching.note_asked(PEER, digest);
        fetching.peer_gone(PEER);
        assert!(!fetching.is_answer(PEER, &digest), "a new connection owes nothing");
    }
}
