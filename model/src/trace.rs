//! Ways to a state, for reading.

use crate::local::{Deed, Move, Reason};
use crate::network::{Action, Network, Search};
use crate::oracle::Check;
use crate::world::{Proof, World};

/// Each step in one line. Validators keep one name all the way, although states forget who is who among those alike.
#[must_use]
pub fn lines(search: &Search, path: &[(Network, Option<Action>)]) -> Vec<String> {
    let world = &search.world;
    let mut names: Vec<u16> = world.roles.iter().filter(|role| role.leads != 0).map(|role| role.me).collect();
    let others = (0..world.options.n).filter(|index| !world.options.byzantine.contains(index));
    let followers: Vec<u16> = others.filter(|index| !names.contains(index)).collect();
    names.extend(followers);
    let mut lines = Vec::new();
    let steps = path.iter().filter_map(|(network, action)| Some((network, (*action)?)));
    for (number, (network, action)) in (1..).zip(steps) {
        let Some(step) = search.step(network, action) else { break };
        let deeds: Vec<String> = step.deeds.iter().map(|deed| tell_deed(world, *deed)).collect();
        let done = if deeds.is_empty() { "takes it in".to_owned() } else { deeds.join(", ") };
        let view = search.table.facts(network.nodes[action.place]).view;
        let who = names[action.place];
        lines.push(format!("{number:>3}. validator {who}, view {view}: {}: {done}", tell_move(world, action.what)));
        let broken = step.network.broken & !network.broken;
        for check in Check::ALL.into_iter().filter(|check| broken & check.bit() != 0) {
            lines.push(format!("     {} is broken", check.name()));
        }
        names = (0..names.len()).map(|place| names[step.from[place]]).collect();
    }
    lines
}

/// A block by the letters of its view and its number: `b2.4` is block 4, of view 2.
fn name_block(world: &World, number: u8) -> String {
    let block = world.block(number);
    let parent = block.parent.map_or("genesis".to_owned(), |parent| format!("b{}.{parent}", world.block(parent).view));
    format!("b{}.{number} on {parent}", block.view)
}

fn name_proof(world: &World, proof: Proof) -> String {
    match proof {
        Proof::Nullification(view) => format!("nullification of view {view}"),
        Proof::Notarization(number) => format!("notarization of {}", name_block(world, number)),
        Proof::Finalization(number) => format!("finalization of {}", name_block(world, number)),
    }
}

fn tell_move(world: &World, what: Move) -> String {
    match what {
        Move::Timeout => "time-out".to_owned(),
        Move::Stuck => "the view lasts long".to_owned(),
        Move::Propose => "its block is made".to_owned(),
        Move::Proposal(number) => format!("proposal {}", name_block(world, number)),
        Move::Proof(proof, _) => name_proof(world, proof),
        Move::Evidence(_) => "what contradicts its vote".to_owned(),
        Move::Restart(true) => "restart".to_owned(),
        Move::Restart(false) => "restart, its newest final blocks not stored".to_owned(),
        Move::Forged(proof, _) => format!("statements with a forged one towards the {}", name_proof(world, proof)),
        Move::FarAhead => "a statement of a view far ahead".to_owned(),
    }
}

fn tell_deed(world: &World, deed: Deed) -> String {
    match deed {
        Deed::Voted(number, Reason::Proposed) => format!("proposes {}", name_block(world, number)),
        Deed::Voted(number, Reason::Validated) => format!("votes for {}", name_block(world, number)),
        Deed::Voted(number, Reason::Certified) => format!("votes by certificate for {}", name_block(world, number)),
        Deed::Nullified(view, false) => format!("nullifies view {view}"),
        Deed::Nullified(view, true) => format!("nullifies view {view} after its vote"),
        Deed::Finalized(number) => format!("finalizes {}", name_block(world, number)),
        Deed::Stopped => "stops: a signature of its own that it does not know".to_owned(),
        Deed::Broke(check) => format!("breaks {}", check.name()),
    }
}
