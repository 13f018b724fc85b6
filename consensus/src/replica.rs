//! The rules of Minimmit as a pure state machine: inputs in, effects out; no clock, key, channel or thread.
//!
//! Invariants are asserted after every step ([`crate::invariants`]). One statement is decided in one place
//! ([`Replica::may_sign`]); everything that signs passes through it.

mod certify;
mod finalize;
mod notarize;
mod nullify;
mod propose;
mod recover;
mod skip;
mod view_state;

pub use finalize::Gap;
pub use recover::{Recovered, RecoveryError};
pub use view_state::ViewState;

use crate::effect::{Effect, Event};
use crate::header_rules::ChainRules;
use crate::input::{Input, Timer};
use crate::mutation::{self, Mutation};
use crate::tally::Tally;
use minuet_core::certificate::Certificate;
use minuet_core::committee::Quorums;
use minuet_core::header::BlockHeader;
use minuet_core::{Digest, ValidatorIndex, View};
use skip::LeaderHistory;
use std::collections::BTreeMap;
use std::sync::Arc;

/// R12: more notarized but unfinalized blocks than this, and leaders propose only empty ones.
pub const MAX_DEPTH: usize = 64;
/// B-VOTES: views behind the current one whose tallies are kept.
pub const KEPT_VIEWS: u64 = 256;
/// B-VOTES: views ahead of the current one whose statements are taken.
pub const FUTURE_VIEWS: u64 = 64;
/// R12: the slowest pace of empty blocks.
const MAX_EMPTY_DELAY_US: u64 = 2_000_000;

/// Local settings of the rules; they need not agree between validators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// R1: how long a leader waits for a first transaction.
    pub empty_block_delay_us: u64,
    /// R13: Δ at its base.
    pub delta_base_us: u64,
    /// R13: Δ at most.
    pub delta_max_us: u64,
}

/// Everything that a replica is made with.
#[derive(Clone, Debug)]
pub struct ReplicaConfig {
    /// This validator; `None` for an observer, which follows but never signs.
    pub me: Option<ValidatorIndex>,
    /// What headers are held against.
    pub rules: ChainRules,
    /// Waits and time-outs.
    pub timing: Timing,
}

/// What is known of a block that is not final.
#[derive(Clone, Debug)]
struct BlockEntry {
    header: Arc<BlockHeader>,
    /// Outcome of its execution, once known.
    valid: Option<bool>,
}

/// The newest final block.
#[derive(Clone, Debug)]
pub struct Tip {
    /// Its header.
    pub header: Arc<BlockHeader>,
    /// Its finalization; `None` for genesis only.
    pub finalization: Option<Arc<Certificate>>,
}

/// One validator's state.
#[derive(Clone, Debug)]
pub struct Replica {
    config: ReplicaConfig,
    quorums: Quorums,
    view: View,
    /// D-FLOOR: nothing at or below this view is signed.
    floor: View,
    /// The proof by which the current view was entered.
    entry_proof: Option<Arc<Certificate>>,
    tip: Tip,
    /// The highest finalization whose chain is not complete here yet.
    pending_final: Option<Arc<Certificate>>,
    /// What that chain lacks.
    gap: Option<Gap>,
    /// A header or a finalization came since chains were followed last.
    links_changed: bool,
    views: BTreeMap<View, ViewState>,
    blocks: BTreeMap<Digest, BlockEntry>,
    history: Vec<LeaderHistory>,
    delta_us: u64,
    /// The proofs between the current view and its parent are not all here.
    has_gap: bool,
    halted: bool,
}

impl Replica {
    /// Takes one event and appends what is to be done.
    ///
    /// # Panics
    /// When one of its own invariants is broken: a bug, never a peer's doing.
    pub fn step(&mut self, input: Input, out: &mut Vec<Effect>) {
        if self.halted {
            return;
        }
        match input {
            Input::Start => {
                self.enter(self.view, out);
                self.notarize_by_held_certificates(out);
            }
            Input::Timeout(timer) => self.on_timeout(timer, out),
            Input::Proposal(header) => self.on_proposal(header.into_inner()),
            Input::Header(header) => self.learn_header(header),
            Input::Statement(signed) => self.on_statement(signed.get(), false, out),
            Input::Checked(signed) => self.on_statement(signed.get(), true, out),
            Input::Settled { statement, verdicts } => self.on_settled(&statement, &verdicts, out),
            Input::Certificate(certificate) => self.on_certificate(certificate, out),
            Input::FinalChain { headers, finalization } => self.on_final_chain(headers, finalization, out),
            Input::Built { header } => self.on_built(header, out),
            Input::Judged { digest, valid } => self.on_judged(digest, valid),
            Input::Handed(view) => self.on_handed(view, out),
        }
        self.settle(out);
        crate::invariants::check(self);
    }

    /// R9: consumes what is known until nothing changes.
    fn settle(&mut self, out: &mut Vec<Effect>) {
        loop {
            let before = (self.view, self.tip.header.digest());
            self.try_finalize(out);
            self.climb(out);
            self.try_notarize(out);
            self.try_contradiction(out);
            self.try_propose(out);
            if self.halted || before == (self.view, self.tip.header.digest()) {
                break;
            }
        }
        self.fetch_skipped(out);
    }

    /// R9: a jump leaves views without a proof behind; a leader needs them all.
    fn fetch_skipped(&mut self, out: &mut Vec<Effect>) {
        if self.has_gap && self.config.me.is_some() && !self.halted {
            match self.parent_for(self.view) {
                Ok(_) => self.has_gap = false,
                Err(missing) => out.push(Effect::FetchProof(missing)),
            }
        }
    }

    fn on_timeout(&mut self, timer: Timer, out: &mut Vec<Effect>) {
        match timer {
            Timer::Nullify(view) => self.nullify_by_timeout(view, out),
            Timer::Stuck(view) if view == self.view => {
                if !mutation::is(Mutation::NoRebroadcast) {
                    out.push(Effect::Rebroadcast(view));
                }
                self.set_stuck_timer(out);
            }
            Timer::Stuck(_) => {}
        }
    }

    /// A header that is known by its digest; nothing follows from it but the chain's shape.
    fn learn_header(&mut self, header: Arc<BlockHeader>) {
        if header.view() > self.tip.header.view() {
            self.blocks.entry(header.digest()).or_insert(BlockEntry { header, valid: None });
            self.links_changed = true;
        }
    }

    fn on_judged(&mut self, digest: Digest, valid: bool) {
        if let Some(entry) = self.blocks.get_mut(&digest) {
            entry.valid = Some(valid);
        }
    }

    /// The header of a block that is not forgotten, the newest final one included.
    #[must_use]
    pub fn header(&self, digest: &Digest) -> Option<&Arc<BlockHeader>> {
        if self.tip.header.digest() == *digest {
            return Some(&self.tip.header);
        }
        self.blocks.get(digest).map(|entry| &entry.header)
    }

    /// The current view.
    #[must_use]
    pub const fn view(&self) -> View {
        self.view
    }
    /// The newest final block.
    #[must_use]
    pub const fn tip(&self) -> &Tip {
        &self.tip
    }
    /// This validator, unless it is an observer.
    #[must_use]
    pub const fn me(&self) -> Option<ValidatorIndex> {
        self.config.me
    }
    /// The signing floor.
    #[must_use]
    pub const fn floor(&self) -> View {
        self.floor
    }
    /// The proof by which the current view was entered; `None` in the first view.
    #[must_use]
    pub const fn entry_proof(&self) -> Option<&Arc<Certificate>> {
        self.entry_proof.as_ref()
    }
    /// Δ now, in microseconds.
    #[must_use]
    pub const fn delta_us(&self) -> u64 {
        self.delta_us
    }
    /// The highest finalization whose chain is incomplete here.
    #[must_use]
    pub const fn pending_final(&self) -> Option<&Arc<Certificate>> {
        self.pending_final.as_ref()
    }
    /// What the chain of that finalization lacks here.
    #[must_use]
    pub const fn gap(&self) -> Option<&Gap> {
        self.gap.as_ref()
    }
    /// What is known of the views above the final one.
    #[must_use]
    pub const fn views(&self) -> &BTreeMap<View, ViewState> {
        &self.views
    }
    /// The thresholds.
    #[must_use]
    pub const fn quorums(&self) -> Quorums {
        self.quorums
    }
    /// What headers are held against.
    #[must_use]
    pub const fn rules(&self) -> &ChainRules {
        &self.config.rules
    }
    /// Whether R8 or D-OWN-SIG has stopped this replica.
    #[must_use]
    pub const fn is_halted(&self) -> bool {
        self.halted
    }
    /// Whether a certificate of this kind for this view and digest is already held.
    #[must_use]
    pub fn holds(&self, certificate: &Certificate) -> bool {
        self.views.get(&certificate.view).is_some_and(|state| state.holds(certificate))
    }

    /// D-FLOOR: raises the signing floor; the driver has made it durable.
    pub fn raise_floor(&mut self, floor: View) {
        assert!(floor <= self.tip.header.view(), "the floor stays at or below the last final view");
        self.floor = self.floor.max(floor);
    }

    fn leader(&self, view: View) -> ValidatorIndex {
        self.config.rules.committee.leader(view)
    }

    fn is_in_window(&self, view: View) -> bool {
        // Not the floor: below it nothing is signed, but what others say is followed.
        let lowest = self.tip.header.view().max(self.view.minus(KEPT_VIEWS));
        view > lowest && !self.is_far_ahead(view)
    }

    /// B-VOTES: of such a view nothing is kept that is not proven.
    #[must_use]
    pub fn is_far_ahead(&self, view: View) -> bool {
        view > self.view.plus(FUTURE_VIEWS) && !mutation::is(Mutation::UnboundedFuture)
    }

    /// Whether a proposal is of use: the first of its view, or one that a quorum notarized. The rest would only fill
    /// memory (B-FUTURE).
    #[must_use]
    pub fn wants_proposal(&self, view: View, digest: &Digest) -> bool {
        self.is_in_window(view)
            && self.views.get(&view).is_none_or(|state| {
                state.proposal.is_none_or(|first| first == *digest) || state.notarizations.contains_key(digest)
            })
    }

    /// The state of a view inside the window; `None` outside (B-VOTES, B-FUTURE).
    fn view_state_mut(&mut self, view: View) -> Option<&mut ViewState> {
        if !self.is_in_window(view) {
            return None;
        }
        let n = self.quorums.n();
        Some(self.views.entry(view).or_insert_with(|| ViewState::new(n)))
    }

    /// Like [`Self::view_state_mut`], for verified certificates, which may be from any view above the final one.
    fn proven_state_mut(&mut self, view: View) -> Option<&mut ViewState> {
        if view <= self.tip.header.view() {
            return None;
        }
        let n = self.quorums.n();
        Some(self.views.entry(view).or_insert_with(|| ViewState::new(n)))
    }

    fn report(out: &mut Vec<Effect>, event: Event) {
        out.push(Effect::Report(event));
    }

    /// Moves on past every view that has a proof (R9).
    fn climb(&mut self, out: &mut Vec<Effect>) {
        loop {
            // The last number has no view behind it, whoever proves it.
            let mut views = self.views.range(self.view..View(u64::MAX)).rev();
            let highest = views.find_map(|(view, state)| Some((*view, state.proof()?.clone())));
            let Some((view, proof)) = highest else { return };
            self.leave(&proof);
            self.entry_proof = Some(proof);
            self.enter(view.next(), out);
        }
    }

    fn enter(&mut self, view: View, out: &mut Vec<Effect>) {
        assert!(view >= self.view, "views only rise (D-ENTRY)");
        // B-VOTES: older views become final through a descendant, or by a certificate.
        for (_, state) in self.views.range_mut(self.view.minus(KEPT_VIEWS)..=view.minus(KEPT_VIEWS)) {
            state.tally = Tally::new(0);
        }
        self.view = view;
        let leader = self.leader(view);
        Self::report(out, Event::EnteredView { view, leader });
        let parent = self.parent_for(view).ok().map(|parent| parent.digest);
        self.has_gap = parent.is_none();
        out.push(Effect::Enter { view, leader, parent });
        self.set_entry_timers(out);
        self.skip_on_entry(out);
    }

    fn set_entry_timers(&mut self, out: &mut Vec<Effect>) {
        let wait_us = self.empty_delay_us().saturating_add(self.delta_us.saturating_mul(2));
        out.push(Effect::SetTimer { timer: Timer::Nullify(self.view), after_us: wait_us });
        self.set_stuck_timer(out);
    }

    fn set_stuck_timer(&self, out: &mut Vec<Effect>) {
        let wait_us = self.empty_delay_us().saturating_add(self.delta_us.saturating_mul(3));
        out.push(Effect::SetTimer { timer: Timer::Stuck(self.view), after_us: wait_us });
    }

    /// R12: the pace of empty blocks, slower while too many blocks wait for finality.
    fn empty_delay_us(&self) -> u64 {
        let base = self.config.timing.empty_block_delay_us;
        let excess = self.depth().saturating_sub(MAX_DEPTH);
        if excess == 0 {
            return base;
        }
        let doublings = u32::try_from(excess.min(16)).unwrap_or(16);
        base.max(1_000).saturating_mul(1 << doublings).min(MAX_EMPTY_DELAY_US.max(base))
    }

    /// How many blocks wait for finality (R12): by the height of the highest notarized one, since who jumped over views
    /// never hears of every notarization, and all must come to one number for their timers to fit the leader's pace.
    fn depth(&self) -> usize {
        let notarized = self.views.values().flat_map(|state| state.notarizations.keys());
        let highest = notarized.filter_map(|digest| self.header(digest)).map(|header| header.height().0).max();
        match highest {
            Some(height) => usize::try_from(height.saturating_sub(self.tip.header.height().0)).unwrap_or(usize::MAX),
            None => self.views.values().filter(|state| state.has_notarization()).count(),
        }
    }

    /// R12: leaders propose only empty blocks, at the slower pace.
    fn is_too_deep(&self) -> bool {
        self.depth() > MAX_DEPTH
    }

    /// R13 and R14: what the end of the current view says of its leader and of Δ.
    fn leave(&mut self, proof: &Arc<Certificate>) {
        let view = self.view;
        let leader = self.leader(view);
        let state = self.views.get(&view);
        let proposed = state.is_some_and(|state| state.proposal.is_some() || state.has_notarization());
        let skipped = state.is_some_and(|state| state.skipped);
        if proof.view != view {
            return;
        }
        if proof.is_notarization() || proposed {
            self.history[leader.as_usize()].proposed();
        } else {
            self.history[leader.as_usize()].missed(skipped);
        }
        // Also, and above all, if there was a proposal: it came or was executed too late for this Δ.
        if !proof.is_notarization() && !skipped {
            let grown = self.delta_us.saturating_add(self.delta_us / 2);
            self.delta_us = grown.min(self.config.timing.delta_max_us.max(self.config.timing.delta_base_us));
        }
    }

    /// Something current came straight from this validator (R14).
    fn heard(&mut self, from: ValidatorIndex) {
        if let Some(history) = self.history.get_mut(from.as_usize()) {
            history.heard();
        }
    }
}

#[cfg(test)]
mod tests;
