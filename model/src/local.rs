//! One honest validator: the production rules, its journal, and what it has ever said.
//!
//! A move is what happens to it at once: an event, the rules' reaction, and the journal's records durable before anything
//! is said (D-BEFORE-SEND). A crash in between is a move that did not happen, or one that did, with a restart after it.

use crate::oracle::{Check, Thresholds};
use crate::world::{FORGED, GENUINE, Proof, Role, SIGNED, World, signed};
use minuet_consensus::effect::{Effect, Ground, Halt};
use minuet_consensus::input::{Input, Timer};
use minuet_consensus::journaling::Journaling;
use minuet_consensus::record::Record;
use minuet_consensus::replica::{Replica, Tip};
use minuet_consensus::verify::{Authenticated, Verified};
use minuet_consensus::wire::Proposal;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{Digest, ValidatorIndex, View};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Other honest validators whose statements one move can bring.
pub const MAX_OTHERS: usize = 5;
/// B-VOTES, restated.
const VIEWS_AHEAD: u64 = 64;
/// Far beyond it.
const FAR_AHEAD: u64 = 1_000_000;

/// What the others have said of the current view: for each, bit 0 for a nullify and bit b+1 for a vote for block b.
pub type Said = [u32; MAX_OTHERS];

/// What can happen to a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// R4's timer goes off.
    Timeout,
    /// R10's timer goes off.
    Stuck,
    /// The block that it asked for is made.
    Propose,
    /// The leader's proposal comes.
    Proposal(u8),
    /// A proof comes, its own signature in it or not.
    Proof(Proof, bool),
    /// All statements of others that contradict its vote come.
    Evidence(Said),
    /// It stops and starts from its journal; the newest final block was stored or was not.
    Restart(bool),
    /// Genuine statements of so many others, and one with a Byzantine validator's wrong signature.
    Forged(Proof, u8),
    /// A Byzantine validator speaks of a view far ahead.
    FarAhead,
}

/// Why a vote was cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// R1.
    Proposed,
    /// R2.
    Validated,
    /// R3.
    Certified,
}

/// What a validator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// It voted for this block.
    Voted(u8, Reason),
    /// It nullified this view; whether it had voted there.
    Nullified(u8, bool),
    /// This block is final for it.
    Finalized(u8),
    /// It stopped for a signature of its own key that it does not know (D-OWN-SIG).
    Stopped,
    /// It broke an invariant.
    Broke(Check),
}

/// One honest validator.
#[derive(Clone, Debug)]
pub struct Local {
    /// Who.
    pub role: Role,
    /// The production rules.
    pub replica: Replica,
    journaling: Journaling,
    records: Vec<Record>,
    /// Blocks that it ever voted for, restarts or not.
    pub voted: u32,
    /// Views that it ever nullified.
    pub nullified: u32,
    /// Blocks that it ever took for final.
    pub finalized: u32,
    /// Those of them with a finalization of their own; the others are their ancestors.
    pub sealed: u32,
    /// The block that it asked for: for this view, on this parent.
    pub build: Option<(View, Digest)>,
    /// It has stopped.
    pub stopped: bool,
    repeated: bool,
}

impl Local {
    /// A validator that starts for the first time.
    ///
    /// # Panics
    /// When the rules cannot start at genesis.
    #[must_use]
    pub fn new(world: &World, role: Role) -> Self {
        let recovered = Replica::recover(world.config(role.me), world.genesis_tip(), Vec::new());
        let mut local = Self {
            role,
            replica: recovered.expect("no records contradict each other").replica,
            journaling: Journaling::default(),
            records: Vec::new(),
            voted: 0,
            nullified: 0,
            finalized: 0,
            sealed: 0,
            build: None,
            stopped: false,
            repeated: false,
        };
        local.start(world, &mut Vec::new());
        local
    }

    fn start(&mut self, world: &World, deeds: &mut Vec<Deed>) {
        self.feed(world, Input::Start, deeds);
        for block in &world.blocks {
            self.feed(world, Input::Header(block.header.clone()), deeds);
        }
    }

    /// The state after a move, and what was done.
    #[must_use]
    pub fn after(&self, world: &World, what: Move) -> (Self, Vec<Deed>) {
        let mut next = self.clone();
        let mut deeds = Vec::new();
        match what {
            Move::Timeout => next.feed(world, Input::Timeout(Timer::Nullify(self.replica.view())), &mut deeds),
            Move::Stuck => next.wait_long(world, &mut deeds),
            Move::Propose => next.propose(world, &mut deeds),
            Move::Proposal(number) => {
                let header = world.block(number).header.clone();
                let leader = header.proposer();
                let straight = Authenticated::from_peer(header, leader, leader.peer());
                next.feed(world, Input::Proposal(straight.expect("its own connection")), &mut deeds);
            }
            Move::Proof(proof, with_me) => next.take_proof(world, proof, with_me, &mut deeds),
            Move::Evidence(said) => next.hear(world, &said, &mut deeds),
            Move::Restart(stored) => next.restart(world, stored, &mut deeds),
            Move::Forged(proof, others) => next.hear_forged(world, proof, others, &mut deeds),
            Move::FarAhead => {
                let statement = Statement::Nullify { view: View(FAR_AHEAD) };
                next.hear_unchecked(world, signed(statement, world.options.byzantine[0]), &mut deeds);
            }
        }
        if !next.stopped {
            next.check(world, &mut deeds);
        }
        (next, deeds)
    }

    /// Gives the rules one event as it is: for runs that are held against those of whole moves.
    pub fn take(&mut self, world: &World, input: Input) -> Vec<Deed> {
        let mut deeds = Vec::new();
        self.feed(world, input, &mut deeds);
        deeds
    }

    fn wait_long(&mut self, world: &World, deeds: &mut Vec<Deed>) {
        self.repeated = false;
        self.feed(world, Input::Timeout(Timer::Stuck(self.replica.view())), deeds);
        if !std::mem::take(&mut self.repeated) {
            deeds.push(Deed::Broke(Check::Stuck));
        }
    }

    fn propose(&mut self, world: &World, deeds: &mut Vec<Deed>) {
        let Some((view, parent)) = self.build.take() else { return };
        let on = world.number_of(&parent);
        let made = world.blocks.iter().find(|block| View(block.view.into()) == view && block.parent == on);
        if let Some(block) = made {
            self.feed(world, Input::Built { header: block.header.clone() }, deeds);
        }
    }

    fn take_proof(&mut self, world: &World, proof: Proof, with_me: bool, deeds: &mut Vec<Deed>) {
        let certificate = world.certificate(proof, self.role.me, with_me);
        let is_new = certificate.view > self.replica.tip().header.view();
        self.feed(world, Input::Certificate(Verified::own(certificate.clone())), deeds);
        let is_above = certificate.view > self.replica.tip().header.view();
        if is_new && is_above && !self.stopped && !self.replica.holds(&certificate) {
            deeds.push(Deed::Broke(Check::Multi));
        }
    }

    fn hear(&mut self, world: &World, said: &Said, deeds: &mut Vec<Deed>) {
        let view = self.replica.view();
        let own = self.replica.views().get(&view).and_then(|state| state.own_notarized);
        let of_byzantine = u32::MAX;
        let honest: Vec<u16> = world.others(self.role.me).collect();
        let all = world.options.byzantine.iter().map(|index| (*index, of_byzantine));
        for (signer, bits) in all.chain(honest.into_iter().zip(said.iter().copied())) {
            if bits & 1 != 0 {
                self.hear_checked(world, signed(Statement::Nullify { view }, signer), deeds);
            }
            for (number, block) in world.blocks.iter().enumerate() {
                let digest = block.header.digest();
                if View(block.view.into()) == view && bits & (2 << number) != 0 && Some(digest) != own {
                    self.hear_checked(world, signed(Statement::Notarize { view, digest }, signer), deeds);
                }
            }
        }
    }

    fn hear_checked(&mut self, world: &World, statement: SignedStatement, deeds: &mut Vec<Deed>) {
        self.feed(world, Input::Checked(Verified::own(statement)), deeds);
    }

    fn hear_unchecked(&mut self, world: &World, statement: SignedStatement, deeds: &mut Vec<Deed>) {
        let straight = Authenticated::from_peer(statement, statement.signer, statement.signer.peer());
        self.feed(world, Input::Statement(straight.expect("its own connection")), deeds);
    }

    fn hear_forged(&mut self, world: &World, proof: Proof, others: u8, deeds: &mut Vec<Deed>) {
        let statement = world.certificate(proof, self.role.me, false).statement();
        let honest: Vec<u16> = world.others(self.role.me).take(others.into()).collect();
        for signer in honest {
            self.hear_unchecked(world, signed(statement, signer), deeds);
        }
        let signer = ValidatorIndex(world.options.byzantine[0]);
        self.hear_unchecked(world, SignedStatement { statement, signer, signature: FORGED }, deeds);
    }

    fn restart(&mut self, world: &World, stored: bool, deeds: &mut Vec<Deed>) {
        let tip = if stored { self.replica.tip().clone() } else { world.genesis_tip() };
        // Through the bytes, as a journal does.
        let records = self.records.iter().map(|record| Record::from_journal(&record.to_journal()).expect("own form"));
        let Ok(recovered) = Replica::recover(world.config(self.role.me), tip.clone(), records.collect()) else {
            self.stopped = true;
            deeds.push(Deed::Broke(Check::Entry));
            return;
        };
        self.replica = recovered.replica;
        self.journaling = Journaling::default();
        self.build = None;
        if !self.is_entry_remembered(&tip) {
            deeds.push(Deed::Broke(Check::Entry));
        }
        self.start(world, deeds);
    }

    /// D-ENTRY: no earlier view than the journal's, and its entry proof is here.
    fn is_entry_remembered(&self, tip: &Tip) -> bool {
        let own = self.records.iter().filter(|record| matches!(record, Record::Own { .. }));
        let newest = own.map(Record::view).max().unwrap_or_default();
        let first = tip.header.view().next();
        self.replica.view() >= newest && (self.replica.view() == first || self.replica.entry_proof().is_some())
    }

    fn feed(&mut self, world: &World, input: Input, deeds: &mut Vec<Deed>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            if self.stopped {
                return;
            }
            let mut effects = Vec::new();
            let replica = &mut self.replica;
            if catch_unwind(AssertUnwindSafe(|| replica.step(input, &mut effects))).is_err() {
                self.stopped = true;
                deeds.push(Deed::Broke(Check::Asserted));
                return;
            }
            for effect in effects {
                self.perform(world, effect, &mut inputs, deeds);
            }
        }
    }

    fn perform(&mut self, world: &World, effect: Effect, inputs: &mut VecDeque<Input>, deeds: &mut Vec<Deed>) {
        match effect {
            Effect::Cast { statement, ground } => {
                let block = (ground == Ground::Block)
                    .then(|| (proposal(world, statement.digest().unwrap_or_default()), Arc::default()));
                let records = self.journaling.statement(&self.replica, statement, &ground, block);
                self.records.extend(records);
                let reason = if ground == Ground::Block { Reason::Validated } else { Reason::Certified };
                self.say(world, statement, reason, inputs, deeds);
            }
            Effect::Propose { header, parent_proof, gap } => {
                let proposal = Proposal {
                    header: header.clone(),
                    parent_proof: parent_proof.map(|proof| (*proof).clone()),
                    gap: gap.iter().map(|proof| (**proof).clone()).collect(),
                    signature: SIGNED,
                };
                let records = self.journaling.proposal(&self.replica, proposal, Arc::default());
                self.records.extend(records);
                let statement = Statement::Notarize { view: header.view(), digest: header.digest() };
                self.say(world, statement, Reason::Proposed, inputs, deeds);
            }
            Effect::Build { view, parent, .. } => self.build = Some((view, parent)),
            Effect::Commit { blocks, .. } => {
                for number in blocks.iter().filter_map(|digest| world.number_of(digest)) {
                    self.finalized |= 1 << number;
                    deeds.push(Deed::Finalized(number));
                }
                let last = blocks.last().and_then(|digest| world.number_of(digest));
                self.sealed |= last.map_or(0, |number| 1 << number);
            }
            Effect::Check { statement, .. } => inputs.extend(self.verdicts(statement, false)),
            Effect::CheckEach(statements) => {
                inputs.extend(statements.into_iter().filter_map(|statement| self.verdicts(statement, true)));
            }
            Effect::Rebroadcast(_) => self.repeated = true,
            Effect::Halt(halt) => {
                self.stopped = true;
                let own = matches!(halt, Halt::OwnSignature { .. });
                deeds.push(if own { Deed::Stopped } else { Deed::Broke(Check::Halt) });
            }
            _ => {}
        }
    }

    /// What a check of signatures says. Where all are good under a quorum there is a proof, which comes as a move of its own.
    fn verdicts(&self, statement: Statement, each: bool) -> Option<Input> {
        let state = self.replica.views().get(&statement.view())?;
        let signatures = state.tally.signatures(&statement);
        let verdicts: Vec<_> = signatures.iter().map(|(signer, signature)| (*signer, *signature != FORGED)).collect();
        (each || verdicts.iter().any(|(_, good)| !good)).then_some(Input::Settled { statement, verdicts })
    }

    fn say(
        &mut self,
        world: &World,
        statement: Statement,
        reason: Reason,
        inputs: &mut VecDeque<Input>,
        deeds: &mut Vec<Deed>,
    ) {
        let view = small(statement.view());
        let votes = self.voted & world.blocks_of(view);
        if let Some(number) = statement.digest().and_then(|digest| world.number_of(&digest)) {
            if votes & !(1 << number) != 0 {
                let check = if reason == Reason::Proposed { Check::OneProposal } else { Check::OneVote };
                deeds.push(Deed::Broke(check));
            }
            if self.nullified & (1 << view) != 0 {
                deeds.push(Deed::Broke(Check::VoteAfterNull));
            }
            self.voted |= 1 << number;
            deeds.push(Deed::Voted(number, reason));
        } else {
            self.nullified |= 1 << view;
            deeds.push(Deed::Nullified(view, votes != 0));
        }
        inputs.push_back(Input::Checked(Verified::own(signed(statement, self.role.me))));
    }

    /// What can be seen of one validator alone.
    fn check(&self, world: &World, deeds: &mut Vec<Deed>) {
        let replica = &self.replica;
        let tip = replica.tip();
        let held = replica
            .views()
            .values()
            .flat_map(|state| state.notarizations.values().chain(&state.nullification).chain(&state.finalization));
        let thresholds = Thresholds::of(world.options.n.into());
        for proof in held.chain(&tip.finalization) {
            let signers = proof.signers.iter().filter(|signer| signer.0 < world.options.n).count();
            let needed = if is_finalization(proof) { thresholds.l } else { thresholds.m };
            if signers < needed {
                deeds.push(Deed::Broke(Check::Quorum));
            }
            if proof.signature != GENUINE {
                deeds.push(Deed::Broke(Check::Certificate));
            }
        }
        if replica.views().values().any(|state| state.has_notarization() && state.is_undecided()) {
            deeds.push(Deed::Broke(Check::VoteOnCertificate));
        }
        let newest = replica.views().last_key_value().map(|(view, _)| view.0);
        if newest.is_some_and(|view| view > replica.view().0 + VIEWS_AHEAD) {
            deeds.push(Deed::Broke(Check::Votes));
        }
        if self.is_vote_overdue(world) {
            deeds.push(Deed::Broke(Check::RetryVerify));
        }
    }

    /// L-RETRY-VERIFY: everything that R2 asks for is here, and there is no vote.
    fn is_vote_overdue(&self, world: &World) -> bool {
        let (replica, view) = (&self.replica, self.replica.view());
        let Some(state) = replica.views().get(&view).filter(|state| state.is_undecided()) else { return false };
        let Some(block) = state.proposal.and_then(|digest| world.number_of(&digest)).map(|b| world.block(b)) else {
            return false;
        };
        let (tip, parent) = (&replica.tip().header, block.header.parent());
        let parent_view = block.header.parent_view();
        let has_parent = tip.digest() == parent
            || replica.views().get(&parent_view).is_some_and(|state| state.notarizations.contains_key(&parent));
        let is_nullified = |view: u64| replica.views().get(&View(view)).is_some_and(|s| s.nullification.is_some());
        has_parent && (parent_view.0 + 1..view.0).all(is_nullified)
    }

    /// What a restart would find, were nothing stored as final.
    #[must_use]
    pub fn remembered(&self, world: &World) -> Option<Replica> {
        let recovered = Replica::recover(world.config(self.role.me), world.genesis_tip(), self.records.clone());
        recovered.ok().map(|recovered| recovered.replica)
    }
}

fn is_finalization(proof: &Certificate) -> bool {
    proof.kind == CertificateKind::Finalization
}

/// As the leader sends it. What it attaches is never journaled in place of what is held.
fn proposal(world: &World, digest: Digest) -> Proposal {
    let number = world.number_of(&digest).expect("nobody votes for a block that cannot be");
    let header = world.block(number).header.clone();
    Proposal { header, parent_proof: None, gap: Vec::new(), signature: SIGNED }
}

/// A view of this search.
#[must_use]
pub fn small(view: View) -> u8 {
    u8::try_from(view.0).unwrap_or(u8::MAX)
}
