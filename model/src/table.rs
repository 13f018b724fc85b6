//! Every state of one validator that was met, once, with what each move leads to: the rules run once for each, however
//! many networks the state stands in.
//!
//! Two validators are in one state if nothing that can still happen tells them apart ([`key`]).

use crate::local::{Deed, Local, Move, small};
use crate::world::World;
use minuet_consensus::mutation;
use minuet_consensus::replica::{Replica, ViewState};
use minuet_core::View;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// What the network must know of a validator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// It has stopped.
    pub stopped: bool,
    /// Its view.
    pub view: u8,
    /// The view of its newest final block.
    pub tip: u8,
    /// Blocks that it ever voted for.
    pub voted: u32,
    /// Views that it ever nullified.
    pub nullified: u32,
    /// Blocks that it ever took for final.
    pub finalized: u32,
    /// Those of them with a finalization of their own.
    pub sealed: u32,
    /// Blocks whose notarization it holds.
    pub notarized: u32,
    /// Views whose nullification it holds.
    pub left: u32,
    /// Blocks whose finalization it holds.
    pub final_proofs: u32,
    /// Views above the final one in which it has had its say.
    pub decided: u32,
    /// It voted in its view.
    pub is_bound: bool,
    /// It nullified its view.
    pub is_out: bool,
    /// It has a block to propose.
    pub may_propose: bool,
    /// It leads a view to come, or leads this one and has not had its say: it matters what it learns of.
    pub chooses: bool,
}

/// What a move leads to.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The state after it.
    pub next: u32,
    /// What was done.
    pub deeds: Vec<Deed>,
}

#[derive(Debug, Default)]
struct Rows {
    locals: Vec<Arc<Local>>,
    facts: Vec<Facts>,
    numbers: HashMap<Box<[u64]>, u32>,
    outcomes: HashMap<(u32, Move), Arc<Outcome>>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Table(RwLock<Rows>);

impl Table {
    /// The number of a state; a new one if nothing like it was met.
    ///
    /// # Panics
    /// When another thread panicked, or there are more than 2³² states.
    pub fn number(&self, world: &World, local: Local) -> u32 {
        // Without restarts the journal does not matter.
        let remembered = if world.options.crashes { local.remembered(world) } else { Some(local.replica.clone()) };
        let spent = is_spent_for_good(world, &local, remembered.as_ref());
        let facts = facts(world, &local, spent);
        let key = key(world, &local, remembered.as_ref(), spent);
        let mut rows = self.0.write().expect("no search thread panics");
        if let Some(number) = rows.numbers.get(&key) {
            return *number;
        }
        let number = u32::try_from(rows.locals.len()).expect("fewer states of one validator");
        rows.facts.push(facts);
        rows.locals.push(Arc::new(local));
        rows.numbers.insert(key, number);
        number
    }

    /// What is known of a state.
    ///
    /// # Panics
    /// When another thread panicked.
    pub fn facts(&self, number: u32) -> Facts {
        self.0.read().expect("no search thread panics").facts[number as usize]
    }

    /// A state.
    ///
    /// # Panics
    /// When another thread panicked.
    pub fn local(&self, number: u32) -> Arc<Local> {
        self.0.read().expect("no search thread panics").locals[number as usize].clone()
    }

    /// States met.
    ///
    /// # Panics
    /// When another thread panicked.
    pub fn len(&self) -> usize {
        self.0.read().expect("no search thread panics").locals.len()
    }

    /// Whether nothing was met.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a move leads to.
    ///
    /// # Panics
    /// When another thread panicked.
    pub fn outcome(&self, world: &World, number: u32, what: Move) -> Arc<Outcome> {
        if let Some(outcome) = self.0.read().expect("no search thread panics").outcomes.get(&(number, what)) {
            return outcome.clone();
        }
        let local = self.local(number);
        let (next, deeds) = mutation::with(world.options.mutation, || local.after(world, what));
        let next = self.number(world, next);
        let outcome = Arc::new(Outcome { next, deeds });
        let mut rows = self.0.write().expect("no search thread panics");
        rows.outcomes.entry((number, what)).or_insert(outcome).clone()
    }
}

fn facts(world: &World, local: &Local, spent: bool) -> Facts {
    let replica = &local.replica;
    // What one that is spent holds of the last view matters no more.
    let last = if spent { world.options.views - 1 } else { world.options.views };
    let mut facts = Facts {
        stopped: local.stopped,
        view: if spent { world.options.views + 1 } else { small(replica.view()) },
        tip: small(replica.tip().header.view()),
        voted: local.voted,
        nullified: local.nullified,
        finalized: local.finalized,
        sealed: local.sealed,
        may_propose: local.build.is_some_and(|(view, _)| view == replica.view()),
        chooses: chooses(world, local),
        ..Facts::default()
    };
    // One that has stopped holds nothing any more.
    let last = if local.stopped { 0 } else { last };
    for (view, state) in replica.views().range(..=View(last.into())) {
        let bit = 1 << small(*view);
        let numbers = state.notarizations.keys().filter_map(|digest| world.number_of(digest));
        facts.notarized |= numbers.fold(0, |bits, number| bits | 1 << number);
        let last = state.finalization.as_ref().and_then(|proof| world.number_of(&proof.digest));
        facts.final_proofs |= last.map_or(0, |number| 1 << number);
        facts.left |= if state.nullification.is_some() { bit } else { 0 };
        facts.decided |= if state.is_undecided() { 0 } else { bit };
        if *view == replica.view() {
            facts.is_bound = state.own_notarized.is_some();
            facts.is_out = state.own_nullified;
        }
    }
    facts
}

/// R1: what it builds on follows from what it has learned of.
fn chooses(world: &World, local: &Local) -> bool {
    let led = local.role.leads;
    let said = local.voted & world.blocks_of(led) != 0 || local.nullified & (1 << led) != 0;
    led != 0 && led <= world.options.views && !said && small(local.replica.tip().header.view()) < led
}

/// Everything that can still matter. Left out are: counts towards certificates and evidence, because these come as moves
/// of their own; R13's and R14's memory, because no view is led twice; and what the journal says of proofs that would
/// come again at once after a restart.
fn key(world: &World, local: &Local, remembered: Option<&Replica>, spent: bool) -> Box<[u64]> {
    let chooses = chooses(world, local);
    let mut words = vec![
        u64::from(local.role.me) << 32 | u64::from(local.role.leads) << 8 | u64::from(local.stopped),
        u64::from(local.sealed) << 32 | u64::from(local.voted),
        u64::from(local.nullified) << 32 | u64::from(local.finalized),
    ];
    if local.stopped {
        return words.into();
    }
    let replica = &local.replica;
    if spent {
        words.push(block_code(world, Some(&replica.tip().header.digest())));
        for view in 1..u64::from(world.options.views) {
            words.push(replica.views().get(&View(view)).map_or(0, |state| held_code(world, state)));
        }
        return words.into();
    }
    let building = local.build.filter(|(view, _)| *view == replica.view()).map(|(_, parent)| parent);
    words.push(building.map_or(0, |parent| 1 + block_code(world, Some(&parent))));
    push_replica(world, replica, &mut words, |_| true);
    match remembered {
        None => words.push(u64::MAX),
        Some(after) => {
            words.push(u64::from(after.entry_proof().is_some()));
            push_replica(world, after, &mut words, |state| chooses || state.is_undecided());
        }
    }
    words.into()
}

/// Whether a validator can say nothing more, also after a restart. Of such ones it only matters what they said and what
/// they hold of views before the last: the rest only decides what they could still say.
fn is_spent_for_good(world: &World, local: &Local, remembered: Option<&Replica>) -> bool {
    // With a broken rule nothing is taken for granted.
    let is_whole = world.options.mutation.is_none() && !local.stopped;
    is_whole && is_spent(world, &local.replica) && remembered.is_some_and(|replica| is_spent(world, replica))
}

/// The proofs that are held of a view.
fn held_code(world: &World, state: &ViewState) -> u64 {
    let held = state.notarizations.keys().filter_map(|digest| world.number_of(digest));
    let proofs = held.fold(0u64, |bits, number| bits | 1 << number);
    let last = block_code(world, state.finalization.as_ref().map(|proof| &proof.digest));
    proofs | last << 32 | u64::from(state.nullification.is_some()) << 50
}

/// Whether a validator can say nothing more in the views that are searched.
fn is_spent(world: &World, replica: &Replica) -> bool {
    let (last, tip) = (View(world.options.views.into()), replica.tip().header.view());
    let state = |view: u64| replica.views().get(&View(view));
    let has_said = (tip.0 + 1..=last.0).all(|view| state(view).is_some_and(|state| !state.is_undecided()));
    has_said && (replica.view() > last || state(last.0).is_none_or(|state| state.own_nullified))
}

/// 0 for none or genesis, then the blocks.
fn block_code(world: &World, digest: Option<&minuet_core::Digest>) -> u64 {
    digest.and_then(|digest| world.number_of(digest)).map_or(0, |number| u64::from(number) + 1)
}

fn push_replica(world: &World, replica: &Replica, words: &mut Vec<u64>, proofs_matter: impl Fn(&ViewState) -> bool) {
    let far = replica.views().range(View(u64::from(world.options.views) + 2)..).count();
    words.push(replica.view().0 << 32 | block_code(world, Some(&replica.tip().header.digest())) << 16 | far as u64);
    for view in 1..=u64::from(world.options.views) + 1 {
        let Some(state) = replica.views().get(&View(view)) else {
            words.push(0);
            continue;
        };
        let mut proofs = 0;
        let mut nullified = false;
        if proofs_matter(state) {
            let held = state.notarizations.keys().filter_map(|digest| world.number_of(digest));
            proofs = held.fold(0u64, |bits, number| bits | 1 << number);
            nullified = state.nullification.is_some();
        }
        let last = state.finalization.as_ref().map(|proof| &proof.digest);
        let waiting = state.proposal.as_ref().filter(|_| state.is_undecided());
        let flags = u64::from(nullified)
            | u64::from(state.own_nullified) << 1
            | u64::from(state.is_undecided() && state.proposal_refused) << 2
            | u64::from(state.is_undecided() && state.building) << 3;
        words.push(
            proofs
                | block_code(world, last) << 32
                | block_code(world, waiting) << 38
                | block_code(world, state.own_notarized.as_ref()) << 44
                | flags << 50,
        );
    }
}
