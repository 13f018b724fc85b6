//! decide → durable → sign → send → count, in this order and only here (D-BEFORE-SEND, docs/protocol.md §3).

use super::{Driver, Fatal};
use crate::effect::Ground;
use crate::input::Input;
use crate::journaling::Journaling;
use crate::mutation::{self, Mutation};
use crate::record::{Own, Record};
use crate::replica::{Replica, ViewState};
use crate::verify::Verified;
use crate::wire::{BodyMessage, MAX_GAP_PROOFS, Proposal};
use minuet_core::bls::BlsSignature;
use minuet_core::certificate::Certificate;
use minuet_core::header::BlockHeader;
use minuet_core::messages::{JournalReply, JournalRequest};
use minuet_core::spans;
use minuet_core::statement::{SignedStatement, Statement, StatementKey};
use minuet_core::wire::{FrameKind, Recipients};
use minuet_core::{Bytes, Digest, PeerId, ValidatorIndex, View};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Views whose own statements are repeated at most (R10).
const MAX_REPEATED_VIEWS: usize = 64;
/// Views between two signing floors.
const FLOOR_EVERY_VIEWS: u64 = 64;

/// What happens once a journal append is durable.
enum Then {
    Say(Statement),
    Propose(Proposal),
    Floor(View),
}

/// The own key and what waits for the journal.
pub(super) struct Casting {
    me: Option<ValidatorIndex>,
    key: Option<Box<dyn StatementKey>>,
    records: Vec<Record>,
    then: Vec<Then>,
    next_ticket: u64,
    in_flight: VecDeque<(u64, Vec<Then>)>,
    journaling: Journaling,
    floor_asked: View,
    /// What the journal held at the start and has not been signed again yet.
    remembered: BTreeMap<View, Vec<Statement>>,
    /// Own signed statements above the final view, for repetition.
    said: BTreeMap<View, Vec<SignedStatement>>,
    /// The own newest proposal, as sent.
    proposed: Option<(View, Digest, Bytes)>,
}

impl Casting {
    /// `replica` as the journal gave it back: everything that it has said is durable.
    pub fn new(key: Option<Box<dyn StatementKey>>, replica: &Replica) -> Self {
        let said = |view: View, state: &ViewState| {
            let notarized = state.own_notarized.map(|digest| Statement::Notarize { view, digest });
            notarized.into_iter().chain(state.own_nullified.then_some(Statement::Nullify { view })).collect()
        };
        let views = replica.views().iter().filter(|(_, state)| !state.is_undecided());
        Self {
            me: replica.me(),
            key,
            remembered: views.map(|(view, state)| (*view, said(*view, state))).collect(),
            records: Vec::new(),
            then: Vec::new(),
            next_ticket: 1,
            in_flight: VecDeque::new(),
            journaling: Journaling::default(),
            floor_asked: View::GENESIS,
            said: BTreeMap::new(),
            proposed: None,
        }
    }

    /// D-FAIL-STOP: forgets the key, so that nothing can be signed any more.
    pub fn stop(&mut self) {
        self.key = None;
        self.in_flight.clear();
        self.then.clear();
    }

    /// Whether there is a key.
    pub const fn can_sign(&self) -> bool {
        self.key.is_some()
    }

    fn sign(&self, statement: Statement, context: &minuet_core::statement::SigningContext) -> Option<SignedStatement> {
        Some(statement.sign(self.me?, self.key.as_deref()?, context))
    }
}

impl Driver {
    pub(super) fn cast(&mut self, statement: Statement, ground: &Ground) {
        let block = (*ground == Ground::Block).then(|| {
            let known = statement.digest().and_then(|digest| self.blocks.proposed(&digest));
            // D-BODY: the rules vote by validation only for what this driver gave them.
            known.expect("a block is validated with its body here")
        });
        if !matches!(statement, Statement::Nullify { .. }) {
            self.showing.own_vote(statement.view(), self.now);
            tracing::trace!(name: spans::DECIDED, target: spans::TARGET, view = statement.view().0);
        }
        let records = self.casting.journaling.statement(&self.replica, statement, ground, block);
        self.casting.records.extend(records);
        self.casting.then.push(Then::Say(statement));
    }

    pub(super) fn propose(
        &mut self,
        header: Arc<BlockHeader>,
        parent_proof: Option<Arc<Certificate>>,
        gap: &[Arc<Certificate>],
    ) {
        let digest = header.digest();
        let proposal = Proposal {
            header,
            parent_proof: parent_proof.map(|proof| (*proof).clone()),
            gap: gap.iter().take(MAX_GAP_PROOFS).map(|proof| (**proof).clone()).collect(),
            // Not signed before it is durable; the journal's copy needs no signature, signing gives the same again.
            signature: BlsSignature([0; 48]).into(),
        };
        self.blocks.add_proposal(proposal.clone());
        self.show_block(&digest);
        self.showing.own_vote(proposal.header.view(), self.now);
        let body = self.blocks.body(&digest).unwrap_or_default();
        let records = self.casting.journaling.proposal(&self.replica, proposal.clone(), body);
        self.casting.records.extend(records);
        self.casting.then.push(Then::Propose(proposal));
        self.status.proposed_blocks.add(1);
    }

    /// One append for everything that was decided in this turn.
    pub(super) fn flush_appends(&mut self) {
        if self.casting.then.is_empty() {
            return;
        }
        self.record_goes();
        let ticket = self.casting.next_ticket;
        self.casting.next_ticket += 1;
        let records = self.casting.records.drain(..).map(|record| record.to_journal()).collect();
        self.casting.in_flight.push_back((ticket, std::mem::take(&mut self.casting.then)));
        self.out.journal.push(JournalRequest::Append { ticket, records });
    }

    pub(super) fn on_journal_reply(&mut self, reply: JournalReply) {
        match reply {
            JournalReply::Failed { reason } => self.fail(Fatal::Journal(reason)),
            JournalReply::Durable { ticket } => {
                while self.casting.in_flight.front().is_some_and(|(waiting, _)| *waiting <= ticket) {
                    let Some((_, then)) = self.casting.in_flight.pop_front() else { return };
                    for action in then {
                        self.act(action);
                    }
                }
            }
        }
    }

    fn act(&mut self, then: Then) {
        match then {
            Then::Floor(view) => {
                self.replica.raise_floor(view);
                self.out.journal.push(JournalRequest::Prune { tag: view.0 });
            }
            Then::Say(statement) => {
                if let Some(signed) = self.sign(statement) {
                    if statement.digest().is_some() {
                        tracing::trace!(name: spans::VOTED, target: spans::TARGET, view = statement.view().0);
                    }
                    self.out.statement(Recipients::All, &signed);
                    self.feed(Input::Checked(Verified::own(signed)));
                }
            }
            Then::Propose(mut proposal) => {
                let (view, digest) = (proposal.header.view(), proposal.header.digest());
                if let Some(signed) = self.sign(Statement::Notarize { view, digest }) {
                    proposal.signature = signed.signature;
                    let payload = Bytes::from(proposal.to_bytes());
                    self.blocks.set_signature(&digest, signed.signature);
                    self.casting.proposed = Some((view, digest, payload.clone()));
                    tracing::trace!(name: spans::PROPOSED, target: spans::TARGET, view = view.0);
                    self.out.proposal(Recipients::All, payload);
                    self.send_body(Recipients::All, &digest);
                    self.feed(Input::Checked(Verified::own(signed)));
                }
            }
        }
    }

    /// The one place that signs. What is signed was decided by the rules and is durable.
    fn sign(&mut self, statement: Statement) -> Option<SignedStatement> {
        let view = statement.view();
        let own = statement.digest().map_or(Own::Nullify, Own::Notarize);
        let is_final = view <= self.replica.tip().header.view();
        assert!(is_final || self.replica.has_decided(view, own), "only what passed the signing gate is signed");
        if self.replica.is_halted() {
            return None;
        }
        let signed = self.casting.sign(statement, self.verifier.context())?;
        let said = self.casting.said.entry(view).or_default();
        if !said.contains(&signed) {
            said.push(signed);
        }
        Some(signed)
    }

    fn send_body(&mut self, to: Recipients, digest: &Digest) {
        if let Some(body) = self.blocks.body(digest).filter(|body| !body.transactions.is_empty()) {
            let message = BodyMessage { digest: *digest, body };
            self.out.bulk(to, FrameKind::Body, message.to_bytes().into());
        }
    }

    /// D-FLOOR: now and then a durable floor below which the journal may forget.
    pub(super) fn raise_floor_to(&mut self, stored: View) {
        let due = self.casting.floor_asked.plus(FLOOR_EVERY_VIEWS);
        if self.casting.key.is_some() && stored >= due {
            self.casting.floor_asked = stored;
            self.casting.records.push(Record::Floor(stored));
            self.casting.then.push(Then::Floor(stored));
        }
        let tip = self.replica.tip().header.view();
        self.casting.said.retain(|view, _| *view > tip);
        self.casting.remembered.retain(|view, _| *view > tip);
    }

    /// The own durable statements of a view; after a restart they are signed again, which gives the same bytes. What is
    /// decided but not durable yet is not among them (D-BEFORE-SEND).
    pub(super) fn own_statements(&mut self, view: View) -> Vec<SignedStatement> {
        for statement in self.casting.remembered.remove(&view).unwrap_or_default() {
            if let Some(signed) = self.sign(statement) {
                self.feed(Input::Checked(Verified::own(signed)));
            }
        }
        self.casting.said.get(&view).cloned().unwrap_or_default()
    }

    /// R10: everything that a peer needs to take up this validator's point of view.
    pub(super) fn greet(&mut self, peer: PeerId) {
        self.repeat(Recipients::One(peer));
    }

    /// A node that only follows needs nothing but the newest finalization.
    pub(super) fn greet_follower(&mut self, peer: PeerId) {
        if let Some(finalization) = self.replica.tip().finalization.clone() {
            self.out.certificate(Recipients::One(peer), &finalization);
        }
    }

    pub(super) fn rebroadcast(&mut self, view: View) {
        tracing::debug!(%view, "the view lasts too long: everything is said again");
        self.repeat(Recipients::All);
    }

    fn repeat(&mut self, to: Recipients) {
        if mutation::is(Mutation::NoRebroadcast) {
            return;
        }
        let finalization = self.replica.tip().finalization.clone();
        let entry = self.replica.entry_proof().filter(|proof| Some(*proof) != finalization.as_ref()).cloned();
        for proof in finalization.iter().chain(&entry) {
            self.out.certificate(to, proof);
        }
        // Only views that something was said of: others' statements for future views must not crowd these out.
        let decided = self.replica.views().iter().rev().filter(|(_, state)| !state.is_undecided());
        let views: Vec<View> = decided.take(MAX_REPEATED_VIEWS).map(|(view, _)| *view).collect();
        for view in views {
            for signed in self.own_statements(view) {
                self.out.statement(to, &signed);
            }
        }
        self.repeat_proposal(to);
    }

    /// As leader of the current view: the own proposal with its body, also the one from before a restart.
    fn repeat_proposal(&mut self, to: Recipients) {
        let view = self.replica.view();
        let own = self.replica.views().get(&view).and_then(|state| state.own_proposed);
        let Some(digest) = own else { return };
        let payload = match &self.casting.proposed {
            Some((of, _, payload)) if *of == view => payload.clone(),
            _ => {
                let signed =
                    self.own_statements(view).into_iter().find(|signed| signed.statement.digest() == Some(digest));
                let (Some(signed), Some((mut proposal, _))) = (signed, self.blocks.proposed(&digest)) else { return };
                proposal.signature = signed.signature;
                let payload = Bytes::from(proposal.to_bytes());
                self.casting.proposed = Some((view, digest, payload.clone()));
                payload
            }
        };
        self.out.proposal(to, payload);
        self.send_body(to, &digest);
    }
}
