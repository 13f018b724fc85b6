//! The search moves whole quorums and whole evidence. Here every statement is given to the rules one by one, in random
//! order, and each state on the way must stand for one that the search has reached.

use minuet_consensus::input::{Input, Timer};
use minuet_consensus::verify::{Authenticated, Verified};
use minuet_core::View;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::statement::{SignedStatement, Statement};
use minuet_model::local::{Deed, Local, Move};
use minuet_model::network::{MAX_HONEST, Network, Search};
use minuet_model::world::{Options, Proof, World, signed};
use stateright::Model;
use std::collections::HashSet;

const RUNS: u64 = 400;
const EVENTS: usize = 150;

/// Splitmix64: a run follows from its number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).expect("fewer sides")
    }
}

fn reached(search: &Search) -> HashSet<Network> {
    let mut open = search.init_states();
    let mut reached: HashSet<Network> = open.iter().cloned().collect();
    let mut actions = Vec::new();
    while let Some(network) = open.pop() {
        search.actions(&network, &mut actions);
        for action in actions.drain(..) {
            if let Some(next) = search.next_state(&network, action)
                && reached.insert(next.clone())
            {
                open.push(next);
            }
        }
    }
    reached
}

/// A statement by somebody else, under the index by which the validator at `place` knows its signer.
fn any_statement(search: &Search, locals: &[Local], place: usize, dice: &mut Dice) -> Option<SignedStatement> {
    let world = &search.world;
    let mut said = Vec::new();
    let of = |number: usize| {
        let header = &world.blocks[number].header;
        Statement::Notarize { view: header.view(), digest: header.digest() }
    };
    let indexes: Vec<u16> = world.others(locals[place].role.me).collect();
    let others = locals.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, local)| local);
    for (other, index) in others.zip(indexes) {
        let votes = (0..world.blocks.len()).filter(|number| other.voted & (1 << number) != 0).map(of);
        let views = (1..=world.options.views).filter(|view| other.nullified & (1 << view) != 0);
        let nullifies = views.map(|view| Statement::Nullify { view: View(view.into()) });
        said.extend(votes.chain(nullifies).map(|statement| signed(statement, index)));
    }
    let byzantine = world.options.byzantine[0];
    said.extend((0..world.blocks.len()).map(|number| signed(of(number), byzantine)));
    let views = 1..=world.options.views;
    said.extend(views.map(|view| signed(Statement::Nullify { view: View(view.into()) }, byzantine)));
    let place = dice.roll(said.len());
    said.get(place).copied()
}

/// Where enough statements have come one by one, the driver makes a proof of them.
fn gather(search: &Search, local: &mut Local) {
    let world = &search.world;
    for proof in search.proofs() {
        let certificate = world.certificate(proof, local.role.me, false);
        let Some(state) = local.replica.views().get(&certificate.view) else { continue };
        let needed = if certificate.kind == CertificateKind::Finalization { 5 } else { 3 };
        if state.tally.count(&certificate.statement()) >= needed && !state.holds(&certificate) {
            take_proof(world, local, certificate);
        }
    }
}

/// A proof of the last view without a vote for it only ends what can be said: the search does not go on from there.
fn take_proof(world: &World, local: &mut Local, certificate: Certificate) {
    let is_last = certificate.view == View(world.options.views.into());
    let mut next = local.clone();
    let deeds = next.take(world, Input::Certificate(Verified::own(certificate)));
    if !is_last || deeds.iter().any(|deed| matches!(deed, Deed::Voted(..))) {
        *local = next;
    }
}

/// A proof that some validator holds, passed on.
fn pass_on(search: &Search, locals: &mut [Local], place: usize, dice: &mut Dice) {
    let proofs: Vec<Proof> = search.proofs().collect();
    let proof = proofs[dice.roll(proofs.len())];
    let certificate = search.world.certificate(proof, locals[place].role.me, false);
    let is_held = locals.iter().filter_map(|local| local.replica.views().get(&certificate.view)).any(|state| {
        let is_this = state.finalization.as_ref().is_none_or(|proof| proof.digest == certificate.digest);
        state.holds(&certificate) && (is_this || certificate.kind != CertificateKind::Finalization)
    });
    if is_held && certificate.view > locals[place].replica.tip().header.view() {
        take_proof(&search.world, &mut locals[place], certificate);
    }
}

fn event(search: &Search, locals: &mut [Local], dice: &mut Dice) {
    let world = &search.world;
    let place = dice.roll(locals.len());
    let view = locals[place].replica.view();
    let is_searched = view.0 <= u64::from(world.options.views);
    match dice.roll(20) {
        0 if is_searched => _ = locals[place].take(world, Input::Timeout(Timer::Nullify(view))),
        1 if world.options.crashes => locals[place] = locals[place].after(world, Move::Restart(dice.roll(2) == 0)).0,
        2..=3 => pass_on(search, locals, place, dice),
        4..=7 if is_searched => {
            let number = dice.roll(world.blocks.len());
            let block = &world.blocks[number];
            let is_made = block.faulty || locals.iter().any(|local| local.voted & (1 << number) != 0);
            if View(block.view.into()) == view && is_made {
                let number = u8::try_from(number).expect("few blocks");
                let (next, deeds) = locals[place].after(world, Move::Proposal(number));
                // One that changes nothing might as well come later.
                if !deeds.is_empty() {
                    locals[place] = next;
                }
            }
        }
        8 if is_searched && locals[place].build.is_some_and(|(of, _)| of == view) => {
            let (next, deeds) = locals[place].after(world, Move::Propose);
            // One that comes too late changes nothing.
            if !deeds.is_empty() {
                locals[place] = next;
            }
        }
        _ => {
            let Some(statement) = any_statement(search, locals, place, dice) else { return };
            let straight = Authenticated::from_peer(statement, statement.signer, statement.signer.peer());
            locals[place].take(world, Input::Statement(straight.expect("its own connection")));
            gather(search, &mut locals[place]);
        }
    }
}

fn stays_within(byzantine: u16, crashes: bool) {
    let search = Search::new(World::new(Options { crashes, ..Options::new(2, byzantine) }));
    let reached = reached(&search);
    let mut met = HashSet::new();
    for run in 0..RUNS {
        let mut dice = Dice(run);
        let world = &search.world;
        let mut locals: Vec<Local> = world.roles.iter().map(|role| Local::new(world, *role)).collect();
        for number in 0..EVENTS {
            event(&search, &mut locals, &mut dice);
            let mut nodes = [u32::MAX; MAX_HONEST];
            for (node, local) in nodes.iter_mut().zip(&locals) {
                *node = search.table.number(world, local.clone());
            }
            let network = search.settled(Network { nodes, broken: 0 });
            assert!(reached.contains(&network), "validator {byzantine}, run {run}: event {number} leads outside");
            met.insert(network);
        }
    }
    println!("validator {byzantine}: {} of {} states met", met.len(), reached.len());
    assert!(met.len() > 500, "the runs became shorter");
}

#[test]
fn statement_by_statement_nothing_is_reached_that_the_search_has_not_seen() {
    stays_within(0, true);
    stays_within(1, false);
}
