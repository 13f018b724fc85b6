//! All validators together: a state is one number of [`Table`] for each, and the statements that follow from it.

use crate::local::{Deed, MAX_OTHERS, Move, Reason, Said};
use crate::oracle::{Check, Thresholds};
use crate::table::{Facts, Table};
use crate::world::{Proof, World};
use minuet_consensus::mutation;
use stateright::{Model, Property};
use std::sync::atomic::{AtomicBool, Ordering};

/// Honest validators at most.
pub const MAX_HONEST: usize = MAX_OTHERS + 1;
/// Blocks at most.
const MAX_BLOCKS: usize = 32;
/// Views at most.
const MAX_VIEWS: usize = 8;

/// A state of the network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// The honest validators, as many as the world has roles; those alike in ascending order.
    pub nodes: [u32; MAX_HONEST],
    /// What was ever broken, as bits of [`Check::bit`].
    pub broken: u32,
}

/// Something happens to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its place in [`Network::nodes`].
    pub place: usize,
    /// What.
    pub what: Move,
}

/// One step with all that it did.
#[derive(Clone, Debug)]
pub struct Step {
    /// After it.
    pub network: Network,
    /// For each place now, the place before.
    pub from: [usize; MAX_HONEST],
    /// By the validator that moved.
    pub deeds: Vec<Deed>,
}

/// Who said what, counted. Byzantine validators have said everything.
struct Statements {
    votes: [usize; MAX_BLOCKS],
    nullifies: [usize; MAX_VIEWS],
}

/// The search.
#[derive(Debug)]
pub struct Search {
    /// What does not change.
    pub world: World,
    /// What was met of single validators.
    pub table: Table,
    seen: [AtomicBool; Check::ALL.len()],
}

type AllFacts = [Facts; MAX_HONEST];

impl Search {
    /// Over this world.
    ///
    /// # Panics
    /// When it has more validators than a state has places.
    #[must_use]
    pub fn new(world: World) -> Self {
        assert!(world.roles.len() <= MAX_HONEST, "at most {MAX_HONEST} honest validators");
        Self { world, table: Table::default(), seen: std::array::from_fn(|_| AtomicBool::new(false)) }
    }

    const fn byzantine(&self) -> usize {
        self.world.options.byzantine.len()
    }

    fn honest(&self) -> usize {
        self.world.roles.len()
    }

    fn all_facts(&self, network: &Network) -> AllFacts {
        let mut facts = [Facts::default(); MAX_HONEST];
        for (place, fact) in facts.iter_mut().take(self.honest()).enumerate() {
            *fact = self.table.facts(network.nodes[place]);
        }
        facts
    }

    fn statements(&self, facts: &AllFacts) -> Statements {
        let mut statements = Statements { votes: [0; MAX_BLOCKS], nullifies: [0; MAX_VIEWS] };
        for fact in &facts[..self.honest()] {
            for number in 0..self.world.blocks.len() {
                statements.votes[number] += usize::from(fact.voted & (1 << number) != 0);
            }
            for view in 1..=usize::from(self.world.options.views) {
                statements.nullifies[view] += usize::from(fact.nullified & (1 << view) != 0);
            }
        }
        statements
    }

    /// The proofs that can be.
    pub fn proofs(&self) -> impl Iterator<Item = Proof> {
        let blocks = u8::try_from(self.world.blocks.len()).unwrap_or(u8::MAX);
        let of_blocks = (0..blocks).flat_map(|number| [Proof::Notarization(number), Proof::Finalization(number)]);
        (1..=self.world.options.views).map(Proof::Nullification).chain(of_blocks)
    }

    /// Whether this proof can be made for this validator, and if its own signature must be in it.
    fn available(&self, statements: &Statements, fact: &Facts, proof: Proof) -> Option<bool> {
        let (total, own) = match proof {
            Proof::Nullification(view) => (statements.nullifies[usize::from(view)], fact.nullified & (1 << view) != 0),
            Proof::Notarization(number) | Proof::Finalization(number) => {
                (statements.votes[usize::from(number)], fact.voted & (1 << number) != 0)
            }
        };
        let needed = self.world.needed(proof);
        if total - usize::from(own) >= needed {
            return Some(false);
        }
        (total >= needed).then_some(true)
    }

    fn is_held(&self, fact: &Facts, proof: Proof) -> bool {
        match proof {
            Proof::Nullification(view) => fact.left & (1 << view) != 0,
            Proof::Notarization(number) => fact.notarized & (1 << number) != 0,
            Proof::Finalization(number) => fact.final_proofs & (1 << number) != 0,
        }
    }

    fn moves(&self, facts: &AllFacts, statements: &Statements, place: usize, moves: &mut Vec<Move>) {
        let (world, fact) = (&self.world, &facts[place]);
        if fact.view <= world.options.views {
            moves.push(Move::Timeout);
            if fact.may_propose {
                moves.push(Move::Propose);
            }
            if !fact.is_bound {
                moves.extend(self.proposals(facts, fact.view).map(Move::Proposal));
            } else if !fact.is_out {
                moves.push(Move::Evidence(self.said(facts, place)));
            }
        }
        for proof in self.proofs().filter(|proof| world.view_of(*proof) > fact.tip && !self.is_held(fact, *proof)) {
            if let Some(with_me) = self.available(statements, fact, proof) {
                moves.push(Move::Proof(proof, with_me));
            }
        }
        if world.options.crashes {
            moves.push(Move::Restart(true));
            if fact.tip > 0 {
                moves.push(Move::Restart(false));
            }
        }
        if world.options.wide {
            self.wide_moves(statements, fact, moves);
        }
    }

    fn wide_moves(&self, statements: &Statements, fact: &Facts, moves: &mut Vec<Move>) {
        moves.extend([Move::Stuck, Move::FarAhead]);
        for proof in self.proofs() {
            let said = match proof {
                Proof::Nullification(view) => statements.nullifies[usize::from(view)],
                Proof::Notarization(number) => statements.votes[usize::from(number)],
                Proof::Finalization(_) => continue,
            };
            let is_open = self.world.view_of(proof) > fact.tip && !self.is_held(fact, proof);
            if let (true, Ok(others)) = (is_open && said + self.byzantine() >= 2, u8::try_from(said)) {
                moves.push(Move::Forged(proof, others));
            }
        }
    }

    /// Blocks of a view that somebody can propose: a Byzantine leader at any time, an honest one once it did.
    fn proposals(&self, facts: &AllFacts, view: u8) -> impl Iterator<Item = u8> {
        let leader = (0..self.honest()).find(|place| self.world.roles[*place].leads == view);
        let made = leader.map_or(0, |place| facts[place].voted);
        let numbered = (0u8..).zip(&self.world.blocks);
        numbered
            .filter(move |(number, block)| block.view == view && (block.faulty || made & (1 << number) != 0))
            .map(|(number, _)| number)
    }

    fn said(&self, facts: &AllFacts, place: usize) -> Said {
        let view = facts[place].view;
        let of_view = self.world.blocks_of(view);
        let others = (0..self.honest()).filter(|other| *other != place);
        let mut said = Said::default();
        for (slot, other) in said.iter_mut().zip(others) {
            *slot = (facts[other].nullified >> view) & 1 | (facts[other].voted & of_view) << 1;
        }
        said.sort_unstable_by(|a, b| b.cmp(a));
        said
    }

    /// One step; `None` if it changes nothing.
    pub fn step(&self, network: &Network, action: Action) -> Option<Step> {
        let Action { place, what } = action;
        let outcome = self.table.outcome(&self.world, network.nodes[place], what);
        let keeps_early = self.world.options.wide && matches!(what, Move::Proposal(_));
        let counts = keeps_early || matches!(what, Move::Proof(..) | Move::Restart(_));
        if outcome.deeds.is_empty() && (!counts || outcome.next == network.nodes[place]) {
            return None;
        }
        let mut next = network.clone();
        next.nodes[place] = outcome.next;
        let before = self.all_facts(network);
        for deed in &outcome.deeds {
            next.broken |= self.broken_by(*deed, &before, place);
        }
        self.spread(&mut next);
        next.broken |= self.forks(&self.all_facts(&next));
        if next.broken == network.broken && self.only_ends(what, &outcome.deeds) {
            return None;
        }
        let from = self.sort(&mut next);
        Some(Step { network: next, from, deeds: outcome.deeds.clone() })
    }

    /// Whether a move only takes away what could still be said: a proof of the last view without a vote for it. Such a
    /// state is looked at, but the search goes on from the one before, from which the same and more can follow.
    fn only_ends(&self, what: Move, deeds: &[Deed]) -> bool {
        let Move::Proof(proof, _) = what else { return false };
        let says = |deed: &Deed| matches!(deed, Deed::Voted(..) | Deed::Nullified(..));
        self.world.view_of(proof) == self.world.options.views && !deeds.iter().any(says)
    }

    /// The state that stands for this one.
    #[must_use]
    pub fn settled(&self, mut network: Network) -> Network {
        self.spread(&mut network);
        network.broken |= self.forks(&self.all_facts(&network));
        self.sort(&mut network);
        network
    }

    /// Proofs that change nothing that is done reach everybody at once.
    fn spread(&self, network: &mut Network) {
        let facts = self.all_facts(network);
        let statements = self.statements(&facts);
        for (place, known) in facts.iter().enumerate().take(self.honest()) {
            let mut fact = *known;
            if fact.stopped || fact.chooses {
                continue;
            }
            for proof in self.proofs().filter(|proof| !matches!(proof, Proof::Finalization(_))) {
                let view = self.world.view_of(proof);
                let is_past = view < fact.view && view > fact.tip && fact.decided & (1 << view) != 0;
                if !is_past || self.is_held(&fact, proof) {
                    continue;
                }
                let Some(with_me) = self.available(&statements, &fact, proof) else { continue };
                let outcome = self.table.outcome(&self.world, network.nodes[place], Move::Proof(proof, with_me));
                let after = self.table.facts(outcome.next);
                if outcome.deeds.is_empty() && after.view == fact.view {
                    network.nodes[place] = outcome.next;
                    fact = after;
                }
            }
        }
    }

    fn sort(&self, network: &mut Network) -> [usize; MAX_HONEST] {
        let mut order: [usize; MAX_HONEST] = std::array::from_fn(|place| place);
        let first = self.world.roles.iter().take_while(|role| role.leads != 0).count();
        order[first..self.honest()].sort_by_key(|place| network.nodes[*place]);
        let nodes = network.nodes;
        for (place, from) in order.iter().enumerate() {
            network.nodes[place] = nodes[*from];
        }
        order
    }

    fn broken_by(&self, deed: Deed, before: &AllFacts, place: usize) -> u32 {
        let thresholds = Thresholds::of(self.world.options.n.into());
        let bit = |holds: bool, check: Check| if holds { 0 } else { check.bit() };
        match deed {
            Deed::Broke(check) => check.bit(),
            Deed::Nullified(view, true) => {
                let own = before[place].voted & self.world.blocks_of(view);
                let others = (0..self.honest()).filter(|other| *other != place).map(|other| &before[other]);
                let contradicts = |fact: &&Facts| {
                    fact.nullified & (1 << view) != 0 || fact.voted & self.world.blocks_of(view) & !own != 0
                };
                let count = others.filter(contradicts).count() + self.byzantine();
                bit(count >= thresholds.m, Check::NullJustified)
            }
            Deed::Voted(number, Reason::Validated | Reason::Proposed) => {
                let statements = self.statements(before);
                let block = self.world.block(number);
                let has_quorum = |honest: usize| honest + self.byzantine() >= thresholds.m;
                let parent = block.parent.is_none_or(|parent| has_quorum(statements.votes[usize::from(parent)]));
                let low = block.parent.map_or(0, |parent| self.world.block(parent).view);
                let gap = (low + 1..block.view).all(|view| has_quorum(statements.nullifies[usize::from(view)]));
                bit(parent && gap, Check::Parent)
            }
            _ => 0,
        }
    }

    /// S-X1, S-X2 and S-AGREE, over what can be proven and over what any honest validator takes for proven.
    fn forks(&self, facts: &AllFacts) -> u32 {
        let facts_of_all = &facts[..self.honest()];
        let statements = self.statements(facts);
        let thresholds = Thresholds::of(self.world.options.n.into());
        let (mut sealed, mut notarized) = (0u32, 0u32);
        for number in 0..self.world.blocks.len() {
            let count = statements.votes[number] + self.byzantine();
            sealed |= u32::from(count >= thresholds.l) << number;
            notarized |= u32::from(count >= thresholds.m && statements.votes[number] > 0) << number;
        }
        let mut left = 0u32;
        for view in 1..=usize::from(self.world.options.views) {
            left |= u32::from(statements.nullifies[view] + self.byzantine() >= thresholds.m) << view;
        }
        let mut last = sealed;
        for fact in facts_of_all {
            last |= fact.finalized;
            sealed |= fact.sealed;
            notarized |= fact.notarized;
            left |= fact.left;
        }
        let mut broken = 0;
        for (number, block) in (0u8..).zip(&self.world.blocks).filter(|(number, _)| last & (1 << number) != 0) {
            // An ancestor may be final in a view that was left, and that has other notarized blocks.
            let is_sealed = sealed & (1 << number) != 0;
            if is_sealed && notarized & self.world.blocks_of(block.view) & !(1 << number) != 0 {
                broken |= Check::OtherNotarization.bit();
            }
            if is_sealed && left & (1 << block.view) != 0 {
                broken |= Check::NullifiedFinal.bit();
            }
            let line = self.ancestors(number);
            let strays = (0u8..).zip(&self.world.blocks).any(|(other, of)| {
                let is_below = of.view <= block.view;
                last & (1 << other) != 0 && is_below && line & (1 << other) == 0
            });
            broken |= if strays { Check::Agree.bit() } else { 0 };
        }
        broken
    }

    /// A block and all that it descends from.
    fn ancestors(&self, number: u8) -> u32 {
        let mut line = 1 << number;
        let mut at = number;
        while let Some(parent) = self.world.block(at).parent {
            line |= 1 << parent;
            at = parent;
        }
        line
    }

    /// False once for each check, at the first state that breaks it: the one with the shortest way to it.
    fn is_whole(&self, network: &Network, check: Check) -> bool {
        network.broken & check.bit() == 0 || self.seen[check as usize].swap(true, Ordering::Relaxed)
    }
}

impl Model for Search {
    type State = Network;
    type Action = Action;

    fn init_states(&self) -> Vec<Network> {
        let mut nodes = [u32::MAX; MAX_HONEST];
        for (node, role) in nodes.iter_mut().zip(&self.world.roles) {
            let local = mutation::with(self.world.options.mutation, || crate::local::Local::new(&self.world, *role));
            *node = self.table.number(&self.world, local);
        }
        vec![Network { nodes, broken: 0 }]
    }

    fn actions(&self, network: &Network, actions: &mut Vec<Action>) {
        let facts = self.all_facts(network);
        let statements = self.statements(&facts);
        let mut moves = Vec::new();
        for place in 0..self.honest() {
            let is_alike = place > 0 && network.nodes[place] == network.nodes[place - 1];
            if facts[place].stopped || is_alike {
                continue;
            }
            self.moves(&facts, &statements, place, &mut moves);
            actions.extend(moves.drain(..).map(|what| Action { place, what }));
        }
    }

    fn next_state(&self, network: &Network, action: Action) -> Option<Network> {
        self.step(network, action).map(|step| step.network)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        macro_rules! never {
            ($($check:ident),*) => {
                vec![$(Property::always(Check::$check.name(), |search: &Self, network| {
                    search.is_whole(network, Check::$check)
                })),*]
            };
        }
        never!(
            Agree,
            OtherNotarization,
            NullifiedFinal,
            Halt,
            Quorum,
            Certificate,
            OneVote,
            OneProposal,
            VoteAfterNull,
            NullJustified,
            Parent,
            Entry,
            VoteOnCertificate,
            Multi,
            RetryVerify,
            Stuck,
            Votes,
            Asserted
        )
    }
}
