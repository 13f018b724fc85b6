//! Answers to peers: from what the rules hold, or from the ledger's store. Bounded; a peer that asks too much waits.

use super::Driver;
use crate::wire::{MAX_RESPONSE_BLOCKS, MAX_RESPONSE_PROOFS, Request, Response, ServedBlock};
use minuet_core::block::MAX_BODY_BYTES;
use minuet_core::messages::{ChainQuery, FinalBlock, LedgerRequest};
use minuet_core::wire::{FrameKind, Recipients};
use minuet_core::{PeerId, View};
use std::collections::BTreeMap;

/// Questions to the ledger under way at most; some a peer: one that catches up asks for the bodies of
/// a whole finalization at once.
const MAX_LEDGER_QUERIES: usize = 64;
const MAX_QUERIES_PER_PEER: usize = 16;
/// The same of one follower and of all of them: they never crowd out a validator.
const MAX_QUERIES_PER_FOLLOWER: usize = 4;
const MAX_FOLLOWER_QUERIES: usize = 16;
/// Bytes that all followers together are answered in a second.
const FOLLOWER_BYTES_PER_SECOND: usize = 8 << 20;

/// Peers' questions that the ledger is answering.
#[derive(Default)]
pub(super) struct Serving {
    next_ticket: u64,
    /// By ticket: who asks, unless the connection is gone since, and whether for a range.
    asked: BTreeMap<u64, (Option<PeerId>, bool)>,
    /// What followers were answered since this moment.
    spent: (u64, usize),
}

impl Serving {
    /// What was asked on a connection that is gone is not answered on the next one: there it would be unrequested. The
    /// ledger is at it all the same, so it goes on to count.
    pub fn peer_gone(&mut self, peer: PeerId) {
        for (asker, _) in self.asked.values_mut().filter(|(asker, _)| *asker == Some(peer)) {
            *asker = None;
        }
    }

    /// What followers were answered in this second, with so many bytes more.
    fn spend(&mut self, now_us: u64, bytes: usize) -> usize {
        let (since_us, spent) = &mut self.spent;
        if now_us.saturating_sub(*since_us) >= 1_000_000 {
            (*since_us, *spent) = (now_us, 0);
        }
        *spent = spent.saturating_add(bytes);
        *spent
    }
}

impl Driver {
    pub(super) fn on_request(&mut self, peer: PeerId, request: Request) {
        if !self.may_ask(peer) {
            return;
        }
        if self.is_follower(peer) && self.serving.spend(self.now.mono_us, 0) >= FOLLOWER_BYTES_PER_SECOND {
            // No offence: whoever hears nothing asks another peer.
            return tracing::debug!(%peer, "followers are answered no more in this second");
        }
        match request {
            Request::Proof(view) => self.serve_proof(peer, view),
            Request::Block(digest) => match self.blocks.block(&digest) {
                Some(block) => self.respond(peer, &Response::Blocks(vec![ServedBlock { block, finalization: None }])),
                None => self.ask_ledger(peer, ChainQuery::Digest(digest)),
            },
            Request::Range(from) => {
                let max_blocks = u32::try_from(MAX_RESPONSE_BLOCKS).unwrap_or(u32::MAX);
                let max_bytes = u32::try_from(MAX_BODY_BYTES / 2).unwrap_or(u32::MAX);
                self.ask_ledger(peer, ChainQuery::Range { from, max_blocks, max_bytes });
            }
        }
    }

    /// R10: a view's proofs, or the own statements of it; of a final view the newest finalization says more.
    fn serve_proof(&mut self, peer: PeerId, view: View) {
        if view <= self.replica.tip().header.view() {
            if let Some(finalization) = self.replica.tip().finalization.clone() {
                self.spend_on(peer, finalization.to_bytes().len());
                self.out.certificate(Recipients::One(peer), &finalization);
            }
            return;
        }
        let Some(state) = self.replica.views().get(&view) else { return };
        let proofs = state.notarizations.values().chain(&state.nullification).chain(&state.finalization);
        let mut certificates: Vec<_> = proofs.take(MAX_RESPONSE_PROOFS).map(|proof| (**proof).clone()).collect();
        certificates.dedup();
        let statements = if certificates.is_empty() { self.own_statements(view) } else { Vec::new() };
        if !certificates.is_empty() || !statements.is_empty() {
            self.respond(peer, &Response::Proofs { certificates, statements });
        }
    }

    fn ask_ledger(&mut self, peer: PeerId, query: ChainQuery) {
        let count = |wanted: &dyn Fn(PeerId) -> bool| {
            self.serving.asked.values().filter(|(asker, _)| asker.is_some_and(wanted)).count()
        };
        let is_full = if self.is_follower(peer) {
            count(&|asker| asker == peer) >= MAX_QUERIES_PER_FOLLOWER
                || count(&|asker| self.is_follower(asker)) >= MAX_FOLLOWER_QUERIES
        } else {
            count(&|asker| asker == peer) >= MAX_QUERIES_PER_PEER
        };
        if is_full || self.serving.asked.len() >= MAX_LEDGER_QUERIES {
            // No offence: whoever hears nothing asks another peer.
            return tracing::debug!(%peer, "too many requests at once");
        }
        let ticket = self.serving.next_ticket;
        self.serving.next_ticket += 1;
        self.serving.asked.insert(ticket, (Some(peer), matches!(query, ChainQuery::Range { .. })));
        self.out.ledger.push(LedgerRequest::Serve { ticket, query });
    }

    pub(super) fn on_served(&mut self, ticket: u64, blocks: Vec<FinalBlock>) {
        let Some((Some(peer), is_range)) = self.serving.asked.remove(&ticket) else { return };
        // Whoever asks for a range is told that there is none, to ask somebody else at once.
        if blocks.is_empty() && !is_range {
            return;
        }
        let served = blocks
            .into_iter()
            .map(|final_block| ServedBlock { block: final_block.block, finalization: final_block.finalization });
        self.respond(peer, &Response::Blocks(served.collect()));
    }

    fn spend_on(&mut self, peer: PeerId, bytes: usize) {
        self.budgets.served(peer, bytes, self.now.mono_us);
        if self.is_follower(peer) {
            self.serving.spend(self.now.mono_us, bytes);
        }
    }

    fn respond(&mut self, peer: PeerId, response: &Response) {
        let payload = response.to_bytes();
        if payload.len() <= FrameKind::Response.max_bytes() {
            self.spend_on(peer, payload.len());
            self.out.bulk(Recipients::One(peer), FrameKind::Response, payload.into());
        }
    }
}
