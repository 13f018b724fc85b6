//! The poll-style driver: joins the pure rules with rings, journal, mempool and ledger. One call of [`Driver::turn`]
//! takes in what has arrived, lets the rules react, and says when it wants to be called again.
//!
//! Owns the order decide → durable → sign → send → count (D-BEFORE-SEND). Never blocks, reads a clock or a disk.

mod bodies;
mod budget;
mod building;
mod casting;
mod catchup;
mod checks;
mod committing;
mod conduct;
mod fetching;
mod inbound;
mod outbox;
mod progress;
mod responses;
mod rousing;
mod serving;
mod sharing;
mod showing;
mod syncing;
mod timers;

pub use outbox::DriverRings;

use crate::effect::{Effect, Event, Halt, NullifyReason};
use crate::input::Input;
use crate::record::Record;
use crate::replica::{RecoveryError, Replica, ReplicaConfig, Tip};
use crate::verify::Verifier;
use bodies::BlockStore;
use budget::Budgets;
use building::Building;
use casting::Casting;
use catchup::Catchup;
use checks::PendingChecks;
use committing::Committing;
use conduct::Conducts;
use fetching::Fetching;
use minuet_core::certificate::CertificateKind;
use minuet_core::codec::CodecError;
use minuet_core::evidence::Evidence;
use minuet_core::messages::{JournalRecord, LedgerReply, LedgerRequest, MempoolReply, PeerEvent};
use minuet_core::rejection::RejectReason;
use minuet_core::spans;
use minuet_core::statement::StatementKey;
use minuet_core::status::NodeStatus;
use minuet_core::views::ViewWriter;
use minuet_core::wire::Recipients;
use minuet_core::{Digest, PeerId, TimeMs};
use outbox::Outboxes;
use progress::Progress;
use rousing::Rousing;
use serving::Serving;
use sharing::Sharing;
use showing::Showing;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use thiserror::Error;
use timers::Timers;

/// Frames taken from one lane in one turn.
const DRAIN_FRAMES: usize = 512;
/// Bodies, requests and responses taken in one turn.
const DRAIN_BULK: usize = 16;
/// The ledger's ring was full at the end: the next look.
const END_RETRY_US: u64 = 1_000;

/// The time, as the thread (or the simulator) reads it before a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic microseconds since any fixed moment.
    pub mono_us: u64,
    /// The wall clock.
    pub wall: TimeMs,
}

/// Why the node must stop. Each has an exit code of its own in the node.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Fatal {
    /// D-FAIL-STOP.
    #[error("the consensus journal failed: {0}; nothing is signed any more")]
    Journal(String),
    /// R8 or D-OWN-SIG.
    #[error("{}", describe_halt(.0))]
    Halt(Halt),
    /// S-ROOT: a quorum finalized a block whose execution gives something else here.
    #[error(
        "block {digest} is final, but executing it here gives another result: this node's state or program is wrong"
    )]
    StateMismatch {
        /// The block.
        digest: Digest,
    },
    /// The journal's records make no sense.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The journal's records do not decode.
    #[error("the consensus journal holds a record that cannot be read: {0}")]
    Record(#[from] CodecError),
}

fn describe_halt(halt: &Halt) -> String {
    match halt {
        Halt::ConflictingFinalization { finalized, certificate } => format!(
            "SAFETY: a finalization of block {} in view {} does not extend the final block {finalized}; more than f \
             validators are faulty. This node stops and never reorganizes",
            certificate.digest, certificate.view
        ),
        Halt::OwnSignature { view, .. } => format!(
            "a signature of this validator's key in view {view} is not in its journal: the same key runs elsewhere, or \
             the data directory is an old copy. This node stops signing; make sure that the key runs once only"
        ),
    }
}

/// Everything that a driver is made with.
pub struct DriverConfig {
    /// For the rules.
    pub replica: ReplicaConfig,
    /// Checks signatures.
    pub verifier: Verifier,
    /// Signs as this validator; `None` for an observer.
    pub key: Option<Box<dyn StatementKey>>,
    /// Bytes of transactions in a block at most.
    pub max_block_bytes: usize,
    /// How long M votes wait for L of them before they are checked, in microseconds.
    pub linger_us: u64,
    /// Vital signs.
    pub status: Arc<NodeStatus>,
    /// What is shown of each view; `None` where nobody looks.
    pub views: Option<ViewWriter>,
}

/// One node's consensus.
pub struct Driver {
    replica: Replica,
    verifier: Verifier,
    now: Now,
    out: Outboxes,
    inbound: outbox::Inboxes,
    /// Validators.
    connected: BTreeSet<PeerId>,
    conducts: Conducts,
    budgets: Budgets,
    /// Nodes that only follow; they are told what is final and answered, and never asked.
    followers: BTreeSet<PeerId>,
    blocks: BlockStore,
    casting: Casting,
    checks: PendingChecks,
    committing: Committing,
    building: Option<Building>,
    seal_pace: building::SealPace,
    fetching: Fetching,
    catchup: Catchup,
    progress: Option<Progress>,
    probed_us: u64,
    serving: Serving,
    sharing: Sharing,
    rousing: Rousing,
    timers: Timers,
    inputs: VecDeque<Input>,
    feeding: bool,
    early: BTreeMap<PeerId, (TimeMs, crate::wire::Proposal)>,
    max_block_bytes: usize,
    status: Arc<NodeStatus>,
    showing: Showing,
    fatal: Option<Fatal>,
}

impl Driver {
    /// Takes up where the journal and the stored chain end.
    ///
    /// # Errors
    /// [`Fatal::Record`] or [`Fatal::Recovery`]: the journal is not usable.
    pub fn new(
        config: DriverConfig,
        tip: Tip,
        journal: &[JournalRecord],
        rings: DriverRings,
        now: Now,
    ) -> Result<Self, Fatal> {
        let records = journal.iter().map(Record::from_journal).collect::<Result<Vec<_>, _>>()?;
        let (me, timing) = (config.replica.me, config.replica.timing);
        let showing = Showing::new(config.views, config.replica.rules.committee.clone());
        let recovered = Replica::recover(config.replica, tip, records)?;
        let (out, inbound) = rings.split();
        let header = recovered.replica.tip().header.clone();
        let mut driver = Self {
            blocks: BlockStore::new(&header),
            casting: Casting::new(config.key, &recovered.replica),
            committing: Committing::new(header.height()),
            replica: recovered.replica,
            verifier: config.verifier,
            now,
            out,
            inbound,
            connected: BTreeSet::new(),
            conducts: Conducts::default(),
            budgets: Budgets::default(),
            followers: BTreeSet::new(),
            checks: PendingChecks::new(config.linger_us),
            building: None,
            seal_pace: building::SealPace::new(),
            fetching: Fetching::default(),
            catchup: Catchup::new(),
            progress: None,
            probed_us: 0,
            serving: Serving::default(),
            sharing: Sharing::new(timing.empty_block_delay_us, timing.delta_base_us),
            rousing: Rousing::new(timing.empty_block_delay_us),
            timers: Timers::new(me.map_or(0, |index| u64::from(index.0))),
            inputs: VecDeque::new(),
            feeding: false,
            early: BTreeMap::new(),
            max_block_bytes: config.max_block_bytes,
            status: config.status,
            showing,
            fatal: None,
        };
        for (proposal, body) in recovered.blocks.into_values() {
            driver.blocks.add_proposal(proposal.clone());
            driver.blocks.add_body(proposal.header.digest(), body);
        }
        driver.feed(Input::Start);
        Ok(driver)
    }

    /// Takes in what has arrived, reacts, and returns the monotonic microsecond at which it has something to do again.
    ///
    /// # Errors
    /// [`Fatal`]: the node must stop. Nothing was or will be signed after the cause.
    pub fn turn(&mut self, now: Now) -> Result<Option<u64>, Fatal> {
        self.now = now;
        self.out.flush();
        if let Some(fatal) = &self.fatal {
            return self.end_with(fatal.clone());
        }
        self.drain_replies();
        // A full outbound ring: take no new work, but go on with what was begun.
        if !self.out.is_congested() {
            // A new connection's slate is clean before its first frame is looked at.
            self.drain_peers();
            self.drain_certificates();
            self.drain_votes();
            self.drain_bulk();
        }
        self.run_checks();
        self.fire_timers();
        self.rouse_if_due();
        self.send_due_certificates();
        self.catch_up();
        self.pump_judging();
        self.pump_commits();
        self.pump_building();
        self.retry_fetches();
        self.flush_appends();
        self.out.flush();
        self.update_status();
        match &self.fatal {
            Some(fatal) => self.end_with(fatal.clone()),
            None => Ok(self.next_deadline_us()),
        }
    }

    /// The end, once the ledger has been given what it is to keep: evidence is never lost for a full ring.
    fn end_with(&self, fatal: Fatal) -> Result<Option<u64>, Fatal> {
        if self.out.ledger.is_holding() && !self.is_abandoned() {
            return Ok(Some(self.now.mono_us.saturating_add(END_RETRY_US)));
        }
        Err(fatal)
    }

    /// Whether a turn would find something: for the thread's last look before it sleeps.
    pub fn has_work(&self) -> bool {
        if self.fatal.is_some() {
            return self.out.could_flush();
        }
        let replies = self.inbound.has_replies() || self.out.could_flush();
        replies || (!self.out.is_congested() && self.inbound.has_frames())
    }

    /// Whether the services that feed this one are gone: time to stop.
    pub fn is_abandoned(&self) -> bool {
        self.inbound.is_abandoned()
    }

    /// The rules' state, for tests and status.
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }

    fn feed(&mut self, input: Input) {
        self.inputs.push_back(input);
        if self.feeding {
            return;
        }
        self.feeding = true;
        let mut effects = Vec::new();
        while let Some(input) = self.inputs.pop_front() {
            self.showing.input(&input, self.now);
            self.replica.step(input, &mut effects);
            for effect in effects.drain(..) {
                self.perform(effect);
            }
        }
        self.feeding = false;
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Cast { statement, ground } => self.cast(statement, &ground),
            Effect::Propose { header, parent_proof, gap } => self.propose(header, parent_proof, &gap),
            Effect::Share(certificate) => self.share(certificate),
            Effect::SetTimer { timer, after_us } => self.timers.set(timer, self.now.mono_us, after_us),
            Effect::Enter { view, leader, parent } => self.on_enter(view, leader, parent),
            Effect::Build { view, parent, only_empty, empty_after_us } => {
                self.begin_building(view, parent, only_empty, empty_after_us);
            }
            Effect::Judge(digest) => self.want_judged(digest),
            Effect::Check { kind, statement } => self.checks.quorum(statement, kind, self.now.mono_us),
            Effect::CheckEach(statements) => self.checks.each(statements),
            Effect::CheckConflicts(pairs) => self.checks.conflicts(&pairs),
            Effect::Commit { blocks, finalization } => {
                self.show_certificate(&finalization);
                if !self.followers.is_empty() {
                    self.out.certificate(Recipients::Followers, &finalization);
                }
                self.blocks.mark_final(&blocks);
                self.committing.push(blocks, finalization);
            }
            Effect::FetchProof(view) => self.fetch_proof(view),
            Effect::FetchBlock { digest, signers } => self.fetch_block(digest, &signers),
            Effect::Rebroadcast(view) => self.rebroadcast(view),
            Effect::Report(event) => self.on_event(&event),
            Effect::Halt(halt) => self.halt(halt),
        }
    }

    /// R8, D-OWN-SIG: what proves it is kept.
    fn halt(&mut self, halt: Halt) {
        let evidence = match &halt {
            Halt::ConflictingFinalization { certificate, .. } => Some(Evidence::ConflictingFinalization {
                finalized: self.replica.tip().finalization.as_deref().cloned(),
                certificate: (**certificate).clone(),
            }),
            Halt::OwnSignature { certificate, .. } => self
                .replica
                .me()
                .map(|validator| Evidence::OwnSignature { validator, certificate: (**certificate).clone() }),
        };
        if let Some(evidence) = evidence {
            self.keep(evidence);
        }
        self.fail(Fatal::Halt(halt));
    }

    fn keep(&mut self, evidence: Evidence) {
        self.out.ledger.push(LedgerRequest::KeepEvidence(Box::new(evidence)));
    }

    fn fail(&mut self, fatal: Fatal) {
        tracing::error!(%fatal, "stopping");
        self.casting.stop();
        self.fatal.get_or_insert(fatal);
    }

    fn drain_replies(&mut self) {
        while let Some(reply) = self.inbound.journal.try_recv() {
            self.on_journal_reply(reply);
        }
        while let Some(reply) = self.inbound.ledger.try_recv() {
            match reply {
                LedgerReply::Judged { digest, verdict } => self.on_judged(digest, verdict),
                LedgerReply::Sealed { view, block } => self.on_sealed(view, block),
                LedgerReply::Committed { height, digest } => self.on_committed(height, digest),
                LedgerReply::Served { ticket, blocks } => self.on_served(ticket, blocks),
            }
        }
        while let Some(reply) = self.inbound.mempool.try_recv() {
            match reply {
                MempoolReply::Selected { view, transactions } => self.on_selected(view, transactions),
                MempoolReply::Handed { view } => {
                    self.rouse();
                    self.feed(Input::Handed(view));
                }
            }
        }
    }

    fn drain_peers(&mut self) {
        while let Some(event) = self.inbound.peers.try_recv() {
            match event {
                PeerEvent::Up(peer) if self.is_follower(peer) => {
                    self.conducts.forget(peer);
                    self.followers.insert(peer);
                    self.greet_follower(peer);
                }
                PeerEvent::Down(peer) if self.is_follower(peer) => {
                    self.followers.remove(&peer);
                    self.serving.peer_gone(peer);
                }
                PeerEvent::Up(peer) => {
                    self.connected.insert(peer);
                    self.conducts.forget(peer);
                    self.greet(peer);
                }
                PeerEvent::Down(peer) => {
                    self.connected.remove(&peer);
                    self.fetching.peer_gone(peer);
                    self.serving.peer_gone(peer);
                    self.catchup.peer_gone(peer);
                    self.sharing.forget(peer);
                    self.blocks.peer_gone(peer);
                }
            }
        }
    }

    /// Validators have the numbers below n.
    fn is_follower(&self, peer: PeerId) -> bool {
        usize::try_from(peer.0).is_ok_and(|peer| peer >= self.verifier.committee().n())
    }

    fn on_event(&mut self, event: &Event) {
        match event {
            Event::EnteredView { view, leader } => {
                self.showing.entered(*view, self.now);
                tracing::trace!(name: spans::ENTERED, target: spans::TARGET, view = view.0);
                tracing::debug!(%view, %leader, "entered view");
            }
            Event::Nullified { view, reason } => {
                self.showing.own_nullify(*view, *reason, self.now);
                let counts = &self.status.nullifications;
                match reason {
                    NullifyReason::Timeout => counts.timeout.add(1),
                    NullifyReason::Contradiction => counts.contradiction.add(1),
                    NullifyReason::Skip => counts.skip.add(1),
                }
                tracing::debug!(%view, ?reason, "nullified");
            }
            Event::Certified(certificate) => {
                self.show_certificate(certificate);
                let view = certificate.view.0;
                if certificate.is_notarization() {
                    tracing::trace!(name: spans::NOTARIZED, target: spans::TARGET, view);
                }
                if certificate.kind == CertificateKind::Finalization {
                    tracing::trace!(name: spans::FINALIZED, target: spans::TARGET, view);
                }
                if !certificate.is_notarization() {
                    self.status.nullified_views.add(1);
                }
                tracing::debug!(view = %certificate.view, kind = ?certificate.kind, "certificate");
            }
            Event::InvalidProposal { digest, proposer, reason } => {
                tracing::warn!(%digest, %proposer, reason, "invalid proposal");
                self.reject(proposer.peer(), RejectReason::InvalidProposal);
            }
            Event::Equivocation([first, second]) => {
                self.status.equivocations.add(1);
                tracing::error!(signer = %first.signer, ?first, ?second, "EQUIVOCATION: two votes of one key in one view");
                self.keep(Evidence::Equivocation([*first, *second]));
            }
        }
    }

    fn update_status(&self) {
        let status = &self.status;
        status.view.set(self.replica.view().0);
        status.finalized_view.set(self.blocks.stored_view().0);
        status.delta_ms.set(self.replica.delta_us() / 1000);
        let known = self.known_height().0;
        status.known_height.set(known.max(status.known_height.get()));
    }
}

#[cfg(test)]
mod tests;
