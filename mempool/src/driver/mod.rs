//! The pool between its rings: what one turn does, in which order and how much of it.
//!
//! Notices come first, so that everything else sees the newest state; consensus is answered before signatures are
//! checked, because a batch of them takes milliseconds, and once more when they have been; only a small pool, asked for
//! transactions while gossip is held, takes that in first. A client's transaction is answered and gossiped only when the
//! pool log has it; when the log fails, the driver is done (D-FAIL-STOP).

mod answers;
pub(crate) mod frames;
mod gossip;
mod intake;
mod remembering;
#[cfg(test)]
mod tests;

use crate::log::{OpenedLog, PoolLogError};
use crate::{ChainRules, MempoolConfig, Pool};
use answers::Answers;
use gossip::Gossip;
use intake::{Batch, Candidate, ReplyTo, Verdict};
use minuet_core::account::StateReader;
use minuet_core::file::Directory;
use minuet_core::mempool_errors::AdmissionError;
use minuet_core::messages::{
    Admitted, GossipCommand, MempoolReply, MempoolRequest, NetworkCommand, PeerEvent, StateNotice, Submission,
    TransactionFrame,
};
use minuet_core::ring::{Receiver, Sender};
use minuet_core::spans;
use minuet_core::status::NodeStatus;
use minuet_core::transaction::Transaction;
use minuet_core::wire::Offence;
use minuet_core::{Address, PeerId, TxHash};
use remembering::Memory;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Notices, peer events and requests that one turn takes in, of each.
const TURN_MESSAGES: usize = 1024;

/// From so many gossiped transactions a second on, the next ones wait for company, at most for so long: the more share an
/// equation, the less a signature costs (docs/performance.md), and what a block brings meanwhile is checked with that block.
/// A block that is to be made ends it.
const HOLDS: [(f64, Duration); 2] = [(1_500.0, Duration::from_millis(100)), (200.0, Duration::from_millis(40))];
/// A pool of more than so many makes a block at once; a smaller one takes in first what is held.
const PLENTY: usize = 512;
/// So many waiting frames are not held: the ring must not get full.
const HELD_FRAMES: usize = 160;

/// What somebody is to be told.
type Answer = (ReplyTo, Result<TxHash, AdmissionError>);

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

/// How fast gossip comes, measured over a tenth of a second or more.
#[derive(Debug, Default)]
struct Pace {
    since: Option<Instant>,
    count: u32,
    hold: Option<Duration>,
}

impl Pace {
    const WINDOW: Duration = Duration::from_millis(100);

    /// How long the next ones are held, now that so many more have come.
    fn hold(&mut self, fresh: u32, now: Instant) -> Option<Duration> {
        self.count = self.count.saturating_add(fresh);
        let elapsed = now.saturating_duration_since(*self.since.get_or_insert(now));
        if elapsed >= Self::WINDOW {
            let per_second = f64::from(self.count) / elapsed.as_secs_f64();
            self.hold = HOLDS.iter().find(|(from, _)| per_second >= *from).map(|(_, hold)| *hold);
            (self.since, self.count) = (Some(now), 0);
        }
        self.hold
    }
}

/// The mempool service, polled.
#[derive(Debug)]
pub struct MempoolDriver<D: Directory> {
    rings: MempoolRings,
    status: Arc<NodeStatus>,
    pool: Pool,
    memory: Memory<D>,
    gossip: Gossip,
    answers: Answers,
    /// Senders whose transactions came in or were handed on in this turn.
    changed: Vec<Address>,
    signatures_checked: u64,
    /// Until then gossip waits for more, so that its signatures share an equation; `None` under light load.
    held_until: Option<Instant>,
    pace: Pace,
}

impl<D: Directory> MempoolDriver<D> {
    /// An empty pool between these rings, with an opened pool log and what that held, if one is to be kept.
    #[must_use]
    pub fn new(
        config: MempoolConfig,
        rules: ChainRules,
        state: Arc<dyn StateReader>,
        rings: MempoolRings,
        status: Arc<NodeStatus>,
        log: Option<OpenedLog<D>>,
    ) -> Self {
        let memory = Memory::new(log);
        let gossip = Gossip::new(&config);
        let pool = Pool::new(config, rules, state);
        let (answers, changed) = (Answers::default(), Vec::new());
        let (signatures_checked, held_until, pace) = (0, None, Pace::default());
        let driver =
            Self { rings, status, pool, memory, gossip, answers, changed, signatures_checked, held_until, pace };
        driver.publish();
        driver
    }

    /// Does a bounded amount of work; returns when to be called again even if no ring rings. `now` is of a monotonic
    /// clock and never before that of the turn before.
    ///
    /// # Errors
    /// When the pool log cannot be written: what was to be answered then never is, and the node must stop.
    pub fn turn(&mut self, now: Instant) -> Result<Option<Instant>, PoolLogError> {
        for notice in self.rings.notices.drain(TURN_MESSAGES) {
            self.answers.note(&notice);
            self.pool.apply(notice);
        }
        self.meet_peers(now);
        for request in self.rings.requests.drain(TURN_MESSAGES) {
            self.answers.ask(request);
        }
        let is_short = self.held_until.is_some() && self.pool.pending() < PLENTY && !self.rings.frames.is_empty();
        if !(self.answers.is_selecting() && is_short) {
            self.answers.give(&self.pool, &self.gossip, &[], &mut self.rings.replies);
        }

        let batch = self.take_in(now);
        self.admit(batch)?;

        let sent = self.gossip.flush(now, &mut self.pool, &mut self.rings.gossip);
        self.changed.extend(sent);
        self.gossip.reoffer(now, &mut self.pool, &mut self.rings.gossip);
        self.answers.give(&self.pool, &self.gossip, &self.changed, &mut self.rings.replies);
        self.changed.clear();
        self.publish();
        let held_until = self.held_until.filter(|_| !self.rings.frames.is_empty());
        Ok(self.gossip.deadline(&self.pool).into_iter().chain(held_until).min())
    }

    /// Whether a turn has something to do: what the thread asks before it parks.
    #[must_use]
    pub fn has_work(&self) -> bool {
        let rings = &self.rings;
        let is_quiet = rings.notices.is_empty()
            && rings.peer_events.is_empty()
            && rings.requests.is_empty()
            && rings.submissions.is_empty()
            && (rings.frames.is_empty() || self.holds_gossip());
        !is_quiet || self.memory.is_replaying() || self.is_finished()
    }

    /// Whether gossip may wait: it does not if the ring gets full or a block is to be made of nothing.
    fn holds_gossip(&self) -> bool {
        self.held_until.is_some() && self.rings.frames.len() < HELD_FRAMES && !self.answers.is_selecting()
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

    /// Submissions and frames up to their signatures; before any of them, what earlier lives accepted: nobody who asks is
    /// told that such a transaction is unknown, and none is crowded out.
    fn take_in(&mut self, now: Instant) -> Batch {
        let limit = self.pool.config().turn_transactions;
        let mut batch = Batch::default();
        for envelope in self.memory.next(limit) {
            batch.replay(&mut self.pool, &envelope);
        }
        if batch.is_replay() {
            return batch;
        }
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
        self.held_until = self.held_until.filter(|until| now < *until && self.holds_gossip());
        if self.held_until.is_none() {
            let own = batch.candidates.len();
            let mut gossiped = 0;
            while gossiped < limit {
                let Some(TransactionFrame(frame)) = self.rings.frames.try_recv() else { break };
                gossiped += batch.receive(&mut self.pool, &frame);
            }
            let fresh = u32::try_from(batch.candidates.len() - own).unwrap_or(u32::MAX);
            self.held_until = self.pace.hold(fresh, now).map(|hold| now + hold);
        }
        batch
    }

    fn admit(&mut self, batch: Batch) -> Result<(), PoolLogError> {
        let check = self.pool.config().signatures;
        self.changed.extend(&batch.known_senders);
        let (mut refused, mut stale) = (batch.refused, batch.stale);
        let (mut offences, mut groups) = (batch.offences, batch.groups);
        let (known, again) = self.meet_again(batch.known, &batch.replayed);
        let checked = intake::check_signatures(batch.candidates, &self.pool.rules().genesis, check);
        self.signatures_checked += checked.signatures;
        let mut admitted = Vec::new();
        let mut answers = known;
        let mut replayed = again;
        for (candidate, verdict) in checked.candidates {
            let outcome = match verdict {
                Verdict::Good => self.insert(&candidate),
                Verdict::Bad(error) => {
                    offences.extend(candidate.peers.iter().map(|peer| (*peer, intake::offence(&error))));
                    Err(error)
                }
            };
            match (&outcome, candidate.is_replayed) {
                (Ok(_), true) => replayed += 1,
                (Err(_), true) => stale += 1,
                (Ok(_), false) => {}
                (Err(error), false) => refused.count(error),
            }
            let Candidate { transaction, replies, peers, is_replayed, .. } = candidate;
            let is_own = is_replayed || !replies.is_empty();
            answers.extend(replies.into_iter().map(|reply| (reply, outcome.clone())));
            if outcome.is_ok() {
                admitted.push((transaction, peers, is_own));
            }
        }
        self.memory.count(replayed, stale);
        // Before anybody hears that it was accepted.
        self.memory.commit(&self.pool)?;
        self.status.admitted.add(u64::try_from(admitted.len()).unwrap_or(u64::MAX));
        self.status.refused.add(refused.add_to(&self.status.refusals));
        for (transaction, peers, is_own) in admitted {
            self.take_over(&transaction, &peers, is_own);
        }
        for (reply, outcome) in answers {
            groups.answer(reply, outcome);
        }
        groups.finish();
        self.blame(offences);
        Ok(())
    }

    /// What waits already and came once more, from a client or the pool log: from now on this node answers for it.
    /// Returns the answers, and how many were of the log.
    fn meet_again(&mut self, known: Vec<(TxHash, ReplyTo)>, replayed: &[TxHash]) -> (Vec<Answer>, u64) {
        for hash in replayed {
            self.pool.adopt(hash);
        }
        let answers = known.into_iter().map(|(hash, reply)| (reply, self.answer_for(&hash)));
        (answers.collect(), u64::try_from(replayed.len()).unwrap_or(u64::MAX))
    }

    fn answer_for(&mut self, hash: &TxHash) -> Result<TxHash, AdmissionError> {
        match self.pool.find(hash) {
            Some((_, true)) => {}
            Some((transaction, false)) => {
                let transaction = Arc::clone(transaction);
                self.memory.check_room(&self.pool, &transaction)?;
                self.memory.stage(&transaction);
                self.pool.adopt(hash);
            }
            // It left since it was looked at: final, or in nobody's way any more.
            None => return Err(AdmissionError::Busy),
        }
        Ok(*hash)
    }

    /// A client's transaction enters only if the log has room for it; it is written with the others of this turn.
    fn insert(&mut self, candidate: &Candidate) -> Result<TxHash, AdmissionError> {
        let transaction = &candidate.transaction;
        if candidate.is_own() {
            self.memory.check_room(&self.pool, transaction)?;
        }
        let hash = self.pool.insert(Arc::clone(transaction), candidate.origin())?;
        if candidate.is_own() && !candidate.is_replayed {
            self.memory.stage(transaction);
        }
        Ok(hash)
    }

    /// What follows from a new transaction in the pool.
    fn take_over(&mut self, transaction: &Arc<Transaction>, peers: &[PeerId], is_own: bool) {
        tracing::trace!(name: spans::ADMITTED, target: spans::TARGET, hash = transaction.hash().as_slice());
        for peer in peers {
            self.pool.mark_shared(&transaction.hash(), *peer);
        }
        if is_own {
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
        self.status.pool_log_bytes.set(self.memory.bytes());
        self.status.evicted.set(self.pool.evicted());
    }
}
