use super::net::{Envelope, Message, Net, forged, signed};
use crate::input::Timer;
use minuet_core::header::BlockHeader;
use minuet_core::statement::Statement;
use minuet_core::{Digest, View};
use proptest::prelude::*;
use std::sync::Arc;

/// Validator 5 is the actor; the others are honest.
const ACTOR: u16 = 5;
const EVENTS: u32 = 600;

/// Splitmix64: the whole schedule follows from the seed that proptest prints.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).expect("fewer sides")
    }

    fn honest(&mut self) -> u16 {
        u16::try_from(self.roll(usize::from(ACTOR))).expect("few validators")
    }
}

/// What the faulty validator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Actor {
    Honest,
    Silent,
    /// Votes for everything, nullifies everything, forges, proposes two blocks.
    Equivocating,
}

fn send(net: &mut Net, to: u16, message: Message) {
    net.queue.push_back(Envelope { from: ACTOR, to, message });
}

/// A block of a view that the actor leads, on any notarized parent that somebody knows.
fn actors_block(
    net: &mut Net,
    dice: &mut Dice,
    to: u16,
) -> Option<(Arc<BlockHeader>, Vec<minuet_core::certificate::Certificate>)> {
    let replica = &net.node(to).replica;
    let ahead = (0..6).map(|views| replica.view().plus(views));
    let view = ahead.into_iter().find(|view| net.fixture.leader(view.0).0 == ACTOR)?;
    let parent = replica.parent_for(replica.view()).ok()?;
    let proofs = parent.proof.iter().chain(&parent.gap).map(|proof| (**proof).clone()).collect();
    let header = net.headers.get(&parent.digest)?.clone();
    let twin = u64::try_from(dice.roll(3)).expect("small");
    let block = net.fixture.block(&header, view.0, 1000 * view.0 + twin);
    net.headers.insert(block.digest(), block.clone());
    Some((block, proofs))
}

fn act(net: &mut Net, dice: &mut Dice) {
    let to = dice.honest();
    let view = net.node(to).replica.view();
    let view = View((view.0 + dice.roll(4) as u64).saturating_sub(2).max(1));
    let known: Vec<Digest> = net.headers.values().filter(|h| h.view() == view).map(|h| h.digest()).collect();
    match dice.roll(5) {
        0 => send(net, to, Message::Statement(signed(Statement::Nullify { view }, ACTOR))),
        1 => send(net, to, Message::Statement(forged(Statement::Nullify { view }, ACTOR))),
        2 if !known.is_empty() => {
            let digest = known[dice.roll(known.len())];
            let statement = Statement::Notarize { view, digest };
            let vote = if dice.roll(5) == 0 { forged(statement, ACTOR) } else { signed(statement, ACTOR) };
            send(net, to, Message::Statement(vote));
        }
        _ => {
            if let Some((block, proofs)) = actors_block(net, dice, to) {
                send(net, to, Message::Proposal(block, proofs));
            }
        }
    }
}

fn shuffle_on(net: &mut Net, dice: &mut Dice, actor: Actor) {
    let envelope = (!net.queue.is_empty()).then(|| dice.roll(net.queue.len().min(40)));
    match (dice.roll(100), envelope) {
        (0..=69, Some(place)) => {
            let envelope = net.queue.remove(place).expect("there is one");
            net.deliver(envelope);
        }
        (70..=76, Some(place)) => drop(net.queue.remove(place)),
        (77..=82, Some(place)) => net.queue.push_back(net.queue[place].clone()),
        (83..=84, _) => net.restart(dice.honest()),
        (85..=88, _) => {
            let me = dice.honest();
            let timers: Vec<Timer> = net.node(me).timers.keys().copied().collect();
            if !timers.is_empty() {
                net.fire(me, timers[dice.roll(timers.len())]);
            }
        }
        _ if actor == Actor::Equivocating => act(net, dice),
        _ => {}
    }
}

fn run(seed: u64, actor: Actor) -> Net {
    let mut dice = Dice(seed);
    let mut net = Net::new(6);
    net.nodes[usize::from(ACTOR)].dead = actor != Actor::Honest;
    net.start();
    for _ in 0..EVENTS {
        shuffle_on(&mut net, &mut dice, actor);
    }
    net
}

/// From any state, once messages arrive and timers run, blocks become final again (L-STUCK, R10).
fn heal(mut net: Net) {
    let before = net.finalized.len();
    for _ in 0..40 {
        for _ in 0..3000 {
            let Some(envelope) = net.queue.pop_front() else { break };
            net.deliver(envelope);
        }
        let least = net.nodes[..usize::from(ACTOR)].iter().map(|node| node.stored.header.height().0).min();
        if least.is_some_and(|height| height > before as u64 + 3) {
            return;
        }
        if net.queue.is_empty() {
            net.unstick();
            for me in 0..ACTOR {
                let view = net.node(me).replica.view();
                if net.queue.len() < 200 {
                    net.fire(me, Timer::Nullify(view));
                }
            }
        }
    }
    let views: Vec<_> = net.nodes.iter().map(|node| (node.replica.view(), node.stored.header.height())).collect();
    panic!("nothing becomes final any more: {views:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    /// S-AGREE, S-ONE-VOTE, S-NO-VOTE-AFTER-NULL, S-ONE-PROPOSAL are asserted by the harness at every statement.
    #[test]
    fn no_schedule_with_an_equivocating_validator_and_restarts_breaks_safety(seed: u64) {
        let net = run(seed, Actor::Equivocating);
        prop_assert!(net.nodes.iter().all(|node| node.halt.is_none()));
    }

    #[test]
    fn any_schedule_with_a_silent_validator_heals(seed: u64) {
        heal(run(seed, Actor::Silent));
    }

    #[test]
    fn any_schedule_with_an_equivocating_validator_heals_once_it_falls_silent(seed: u64) {
        heal(run(seed, Actor::Equivocating));
    }

    #[test]
    fn any_schedule_of_honest_validators_heals(seed: u64) {
        heal(run(seed, Actor::Honest));
    }

    #[test]
    fn a_restart_decides_as_if_it_had_not_happened(seed: u64) {
        let mut net = run(seed, Actor::Equivocating);
        for me in 0..ACTOR {
            let said: Vec<_> = decisions(&net, me);
            let view = net.node(me).replica.view();
            net.restart(me);
            let after = decisions(&net, me);
            prop_assert!(said.iter().all(|decision| after.contains(decision)));
            prop_assert!(net.node(me).replica.view() <= view.next());
        }
    }
}

fn decisions(net: &Net, me: u16) -> Vec<(View, Option<Digest>, bool)> {
    let views = net.node(me).replica.views().iter().filter(|(_, state)| !state.is_undecided());
    views.map(|(view, state)| (*view, state.own_notarized, state.own_nullified)).collect()
}
