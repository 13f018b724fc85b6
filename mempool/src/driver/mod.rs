//! The pool between its rings: what one turn does, in which order and how much of it.
//!
//! Notices come first, so that everything else sees the newest state; consensus is answered before signatures are
//! checked, because a batch of them takes milliseconds, and once more when they have been.

mod answers;
mod frames;
mod gossip;
mod intake;
#[cfg(test)]
mod tests;

use crate::{ChainRules, MempoolConfig, Pool};
use answers::Answers;
use gossip::Gossip;
use intake::{Batch, ReplyTo, Verdict};
use minuet_core::account::StateReader;
use minuet_core::messages::{
    Admitted, GossipCommand, MempoolReply, MempoolRequest, NetworkCommand, PeerEvent, StateNotice, Submission,
    TransactionFrame,
};
use minuet_core::ring::{Receiver, Sender};
use minuet_core::status::NodeStatus;
use minuet_core::wire::Offence;
use minuet_core::{Address, PeerId};
use std::sync::Arc;
use std::time::Instant;

/// Notices, peer events and requests that one turn takes in, of each.
const TURN_MESSAGES: usize = 1024;

/// The rings of the mempool's thread. All receivers ring one doorbell, the thread's own.
#[derive(Debug)]
pub struct MempoolRings {
    /// From the ledger.
    pub notices: Receiver<StateNotice>,
    /// From p2p.
    pub peer_events: Receiver<PeerEvent>,
    /// From consensus.
    pub requests: Receiver<MempoolRequest>,
    /// From the API.
    pub submissions: Receiver<Submission>,
    /// From p2p.
    pub frames: Receiver<TransactionFrame>,
    /// To consensus.
    pub replies: Sender<MempoolReply>,
    /// To p2p.
    pub gossip: Sender<GossipCommand>,
    /// To the ledger.
    pub admitted: Sender<Admitted>,
}

/// The mempool service, polled.
#[derive(Debug)]
pub struct MempoolDriver {
    rings: MempoolRings,
    status: Arc<NodeStatus>,
    pool: Pool,
    gossip: Gossip,
    answers: Answers,
    /// Senders whose transactions came in or were handed on in this turn.
    changed: Vec<Address>,
    signatures_checked: u64,
}

impl MempoolDriver {
    /// An empty pool between these rings.
    #[must_use]
    pub fn new(
        config: MempoolConfig,
        rules: ChainRules,
        state: Arc<dyn StateReader>,
        rings: MempoolRings,
        status: Arc<NodeStatus>,
    ) -> Self {
        let gossip = Gossip::new(&config);
        let pool = Pool::new(config, rules, state);
        let (answers, changed) = (Answers::default(), Vec::new());
        Self { rings, status, pool, gossip, answers, changed, signatures_checked: 0 }
    }

    /// Does a bounded amount of work; returns when to be called again even if no ring rings. `now` is of a monotonic
    /// clock and never before that of the turn before.
    pub fn turn(&mut self, now: Instant) -> Option<Instant> {
        for notice in self.rings.notices.drain(TURN_MESSAGES) {
            self.answers.note(&notice);
            self.pool.apply(notice);
        }
        self.meet_peers(now);
        for request in self.rings.requests.drain(TURN_MESSAGES) {
            self.answers.ask(request);
        }
        self.answers.give(&self.pool, &self.gossip, &[], &mut self.rings.replies);

        let batch = self.take_in();
        self.admit(batch);

        let sent = self.gossip.flush(now, &mut self.pool, &mut self.rings.gossip);
        self.changed.extend(sent);
        self.gossip.reoffer(now, &mut self.pool, &mut self.rings.gossip);
        self.answers.give(&self.pool, &self.gossip, &self.changed, &mut self.rings.replies);
        self.changed.clear();
        self.publish();
        self.gossip.deadline(&self.pool)
    }

    /// Whether a turn has something to do: what the thread asks before it parks.
    #[must_use]
    pub fn has_work(&self) -> bool {
        let rings = &self.rings;
        let is_quiet = rings.notices.is_empty()
            && rings.peer_events.is_empty()
            && rings.requests.is_empty()
            && rings.submissions.is_empty()
            && rings.frames.is_empty();
        !is_quiet || self.is_finished()
    }

    /// Whether consensus and the API are gone and everything that they sent was done.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.rings.requests.is_finished() && self.rings.submissions.is_finished()
    }

    /// The pool.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Signatures checked since start.
    #[must_use]
    pub const fn signatures_checked(&self) -> u64 {
        self.signatures_checked
    }

    fn meet_peers(&mut self, now: Instant) {
        for event in self.rings.peer_events.drain(TURN_MESSAGES) {
            match event {
                PeerEvent::Up(peer) => {
                    self.gossip.greet(now, peer, &mut self.pool, &mut self.rings.gossip);
                    self.answers.look_again();
                }
                PeerEvent::Down(peer) => self.gossip.lose(peer),
            }
        }
    }

    /// Submissions and frames up to their signatures.
    fn take_in(&mut self) -> Batch {
        let limit = self.pool.config().turn_transactions;
        let mut batch = Batch::default();
        let mut submitted = 0;
        while submitted < limit {
            let Some(submission) = self.rings.submissions.try_recv() else { break };
            submitted += 1;
            match submission {
                Submission::Submit { envelope, reply } => {
                    batch.submit(&mut self.pool, &envelope, ReplyTo::Caller(reply));
                }
                Submission::SubmitMany { envelopes, reply } => {
                    submitted += envelopes.len();
                    batch.submit_many(&mut self.pool, &envelopes, reply);
                }
                Submission::Query { hash, reply } => reply(self.pool.status(&hash)),
                Submission::NextNonce { sender, reply } => reply(self.pool.next_nonce(&sender)),
            }
        }
        let mut gossiped = 0;
        while gossiped < limit {
            let Some(TransactionFrame(frame)) = self.rings.frames.try_recv() else { break };
            gossiped += batch.receive(&mut self.pool, &frame);
        }
        batch
    }

    fn admit(&mut self, batch: Batch) {
        let is_inline = self.pool.config().inline_signatures;
        self.changed.extend(&batch.known_senders);
        let mut refused = batch.refused;
        let mut offences = batch.offences;
        let mut groups = batch.groups;
        let checked = intake::check_signatures(batch.candidates, &self.pool.rules().genesis, is_inline);
        self.signatures_checked += checked.signatures;
        let mut admitted = 0;
        for (candidate, verdict) in checked.candidates {
            let outcome = match verdict {
                Verdict::Good => self.pool.insert(Arc::clone(&candidate.transaction), candidate.origin()),
                Verdict::Bad(error) => {
                    offences.extend(candidate.peers.iter().map(|peer| (*peer, intake::offence(&error))));
                    Err(error)
                }
            };
            if outcome.is_ok() {
                admitted += 1;
                self.take_over(&candidate);
            } else {
                refused += 1;
            }
            for reply in candidate.replies {
                groups.answer(reply, outcome.clone());
            }
        }
        groups.finish();
        self.status.admitted.add(admitted);
        self.status.refused.add(refused);
        self.blame(offences);
    }

    /// What follows from a new transaction in the pool.
    fn take_over(&mut self, candidate: &intake::Candidate) {
        let transaction = &candidate.transaction;
        for peer in &candidate.peers {
            self.pool.mark_shared(&transaction.hash(), *peer);
        }
        if !candidate.replies.is_empty() {
            self.gossip.queue(Arc::clone(transaction));
        }
        self.changed.push(transaction.sender());
        self.rings.admitted.send_or_drop(Admitted(Arc::clone(transaction)));
    }

    fn blame(&mut self, offences: Vec<(PeerId, Option<Offence>)>) {
        for (peer, offence) in offences {
            if let Some(offence) = offence {
                tracing::debug!(peer = peer.0, ?offence, "a peer sent transactions that it must not send");
                self.rings.gossip.send_or_drop(GossipCommand(NetworkCommand::Blame { peer, offence }));
            }
        }
    }

    fn publish(&self) {
        let gauge = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.status.pending.set(gauge(self.pool.pending()));
        self.status.queued.set(gauge(self.pool.queued()));
        self.status.pool_bytes.set(gauge(self.pool.bytes()));
    }
}
