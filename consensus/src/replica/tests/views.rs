//! R1, R9 to R14: what is built on, restarts, pace, skipping.

use super::lone::Lone;
use super::net::{Message, Net, Node, straight};
use crate::effect::Effect;
use crate::fixture::{DELTA_US, EMPTY_DELAY_US, Fixture, digest, notarize, nullify, v};
use crate::input::{Input, Timer};
use crate::record::{Own, Record};
use crate::replica::{FUTURE_VIEWS, KEPT_VIEWS, MAX_DEPTH, Replica};
use crate::verify::Verified;
use minuet_core::View;
use minuet_core::bls::BlsSignature;
use minuet_core::certificate::{Certificate, CertificateKind};

#[test]
fn any_higher_proof_is_climbed_and_skipped_views_are_asked_for() {
    let mut lone = Lone::new();
    lone.nullified(5);
    assert_eq!(lone.replica().view(), View(6));
    assert!(lone.asked(&Message::WantProof(View(4))), "as leader of view 6 it needs the gap");
    for view in [4, 3, 2] {
        assert!(lone.0.node(0).builds.is_empty());
        lone.nullified(view);
    }
    lone.nullified(1);
    assert_eq!(lone.0.node(0).builds.first().map(|build| build.1), Some(lone.0.fixture.genesis.digest()));
}

#[test]
fn a_replica_that_does_not_lead_asks_for_skipped_views_too() {
    let mut lone = Lone::new();
    lone.nullified(4);
    assert!(lone.asked(&Message::WantProof(View(3))));
}

#[test]
fn the_parent_is_the_highest_notarized_block_and_of_several_the_least() {
    let mut lone = Lone::new();
    let (one, two) = (lone.first(0), lone.first(1));
    let least = one.digest().min(two.digest());
    lone.notarized(1, one.digest().max(two.digest()));
    lone.notarized(1, least);
    lone.nullified(2);
    let parent = lone.replica().parent_for(View(3)).expect("proofs are here");
    assert_eq!((parent.digest, parent.gap.len()), (least, 1));
    assert_eq!(lone.replica().parent_for(View(5)).map(|parent| parent.digest), Err(View(4)));
}

#[test]
fn a_leader_proposes_once_also_across_a_restart() {
    let mut lone = Lone::of(1);
    assert_eq!(lone.0.node(1).builds.len(), 1);
    let proposed = lone.0.votes[&(1, View(1))];
    lone.0.restart(1);
    assert!(lone.0.node(1).builds.is_empty(), "no second block is asked for");
    let repeated = lone.0.queue.iter().filter_map(|envelope| match &envelope.message {
        Message::Proposal(header, _) => Some(header.digest()),
        _ => None,
    });
    assert!(repeated.clone().count() >= 10 && repeated.into_iter().all(|digest| digest == proposed));
}

#[test]
fn a_restart_remembers_view_votes_and_entry_proof() {
    let mut lone = Lone::new();
    let first = lone.first(0);
    lone.propose(&first);
    lone.notarized(1, first.digest());
    lone.0.time_out();
    lone.0.restart(0);
    let replica = lone.replica();
    assert_eq!(replica.view(), View(2));
    assert!(replica.has_decided(View(1), Own::Notarize(first.digest())));
    assert!(replica.has_decided(View(2), Own::Nullify));
    assert_eq!(replica.entry_proof().map(|proof| proof.digest), Some(first.digest()));
    assert!(!replica.may_sign(View(2), Own::Notarize(digest(1))));
    assert!(!replica.may_sign(View(1), Own::Notarize(digest(1))));
    assert!(replica.header(&first.digest()).is_some(), "D-BODY");
}

/// The gate stands behind the rules: it refuses by itself what they would never ask for.
#[test]
fn the_signing_gate_refuses_what_contradicts_what_was_said() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    let may = |lone: &Lone, view, own| lone.replica().may_sign(View(view), own);
    assert!(may(&lone, 1, Own::Nullify));
    assert!(!may(&lone, 2, Own::Nullify), "a view that has not begun");
    assert!(!may(&lone, 1, Own::Notarize(digest(9))), "a block that was not validated");
    assert!(!may(&lone, 1, Own::Propose(digest(9))), "a view that another leads");
    assert!(!may(&lone, 0, Own::Nullify), "a final view");
    lone.propose(&block);
    assert!(may(&lone, 1, Own::Notarize(block.digest())), "a repetition");
    assert!(!may(&lone, 1, Own::Notarize(digest(9))), "S-ONE-VOTE");
    assert!(!may(&lone, 1, Own::Nullify), "a nullify after the vote without evidence");
    for signer in [2, 3] {
        lone.says(signer, nullify(1));
    }
    assert!(!may(&lone, 1, Own::Nullify), "f + 1 are not enough");
    lone.nullified(1);
    assert!(!may(&lone, 1, Own::Nullify), "a view that is over");
    lone.0.time_out();
    assert!(may(&lone, 2, Own::Nullify), "a repetition");
    assert!(!may(&lone, 2, Own::Notarize(block.digest())), "S-NO-VOTE-AFTER-NULL");
}

#[test]
fn a_statement_in_the_journal_shows_the_view_to_come_back_to() {
    let fixture = Fixture::new(6);
    let records = vec![Record::Own { view: View(9), own: Own::Nullify }];
    let recovered = Replica::recover(fixture.config(Some(0)), fixture.tip(), records).expect("own records");
    assert_eq!(recovered.replica.view(), View(9), "D-ENTRY");
}

#[test]
fn a_floor_in_the_journal_forbids_everything_at_or_below_it() {
    let fixture = Fixture::new(6);
    let recover = |records| Replica::recover(fixture.config(Some(0)), fixture.tip(), records).expect("a floor").replica;
    let replica = recover(vec![Record::Floor(View(64)), Record::Own { view: View(64), own: Own::Nullify }]);
    assert!(!replica.may_sign(View(64), Own::Nullify), "not even again");
    let replica = recover(vec![Record::Floor(View(64)), Record::Own { view: View(65), own: Own::Nullify }]);
    assert_eq!(replica.view(), View(65));
    assert!(replica.may_sign(View(65), Own::Nullify));
}

#[test]
fn a_floor_far_above_the_stored_chain_invents_no_view_and_breaks_nothing() {
    let fixture = Fixture::new(6);
    for floor in [1, 64, 1 << 40, u64::MAX - 1, u64::MAX] {
        let records = vec![Record::Floor(View(floor)), Record::Floor(View(3))];
        let recovered = Replica::recover(fixture.config(Some(1)), fixture.tip(), records).expect("a floor");
        let mut replica = recovered.replica;
        assert_eq!((replica.view(), replica.floor()), (View(1), View(floor.max(3))), "D-FLOOR");
        let mut effects = Vec::new();
        for input in [Input::Start, Input::Timeout(Timer::Nullify(View(1))), Input::Timeout(Timer::Stuck(View(1)))] {
            replica.step(input, &mut effects);
        }
        let says =
            |effect: &Effect| matches!(effect, Effect::Cast { .. } | Effect::Propose { .. } | Effect::Build { .. });
        assert!(!effects.iter().any(says), "{effects:?}");
    }
}

#[test]
fn a_validator_whose_floor_is_ahead_follows_silently_and_takes_part_again_above_it() {
    const FLOOR: View = View(40);
    let mut net = Net::new(6);
    let tip = net.fixture.tip();
    net.nodes[5] = Node::recover(&net.fixture, 5, tip, vec![Record::Floor(FLOOR)]);
    net.start();
    for _ in 0..100 {
        net.run_to_view(80);
        net.time_out();
    }
    let own = net.votes.keys().chain(&net.nullified).filter(|(who, _)| *who == 5);
    let (below, above): (Vec<&(u16, View)>, Vec<_>) = own.partition(|(_, view)| *view <= FLOOR);
    assert!(below.is_empty(), "{below:?}");
    assert!(above.len() > 20, "it votes again: {above:?}");
    assert!(net.headers.values().any(|header| header.proposer() == v(5) && header.view() > FLOOR), "it leads again");
    assert!(net.node(5).replica.tip().header.view() > View(70));
    assert!(net.nodes.iter().all(|node| node.halt.is_none()));
}

#[test]
fn two_votes_of_one_view_in_a_journal_are_refused() {
    let fixture = Fixture::new(6);
    let vote = |byte| Record::Own { view: View(3), own: Own::Notarize(digest(byte)) };
    assert!(Replica::recover(fixture.config(Some(0)), fixture.tip(), vec![vote(1), vote(2)]).is_err());
}

#[test]
fn more_than_64_notarized_blocks_bring_empty_blocks_at_a_slower_pace() {
    for (extra, only_empty, delay_us) in
        [(0, false, EMPTY_DELAY_US), (6, true, 2 * EMPTY_DELAY_US), (12, true, 2_000_000)]
    {
        let last = u64::try_from(MAX_DEPTH).expect("small") - 5 + extra;
        let mut lone = Lone::new();
        let mut chain = vec![lone.0.fixture.genesis.clone()];
        for view in 1..=last {
            let parent = chain[chain.len() - 1].clone();
            chain.push(lone.block(&parent, view, view));
        }
        for block in chain[1..].iter().rev() {
            lone.notarized(block.view().0, block.digest());
        }
        chain[1..].iter().for_each(|block| lone.0.feed(0, Input::Header(block.clone())));
        let build = lone.0.node(0).builds[0];
        assert_eq!((build.0, build.2, build.3), (View(last + 1), only_empty, delay_us), "{last} blocks");
    }
}

#[test]
fn who_jumped_over_64_notarized_blocks_waits_as_long_as_their_leaders() {
    let mut lone = Lone::new();
    let mut block = lone.0.fixture.genesis.clone();
    let last = u64::try_from(MAX_DEPTH).expect("small") + 12;
    for view in 1..=last {
        block = lone.block(&block, view, view);
    }
    lone.0.feed(0, Input::Header(block.clone()));
    lone.notarized(last, block.digest());
    let timer = Timer::Nullify(View(last + 1));
    assert_eq!(lone.0.node(0).timers[&timer], 2_000_000 + 2 * DELTA_US, "all but one of them were never heard of");
    lone.0.feed(0, Input::Handed(View(last + 1)));
    assert_eq!(
        lone.0.node(0).timers[&timer],
        2_000_000 + 2 * DELTA_US,
        "only empty blocks are proposed, in their time"
    );
}

#[test]
fn delta_grows_by_half_a_nullified_view_and_falls_back_with_finality() {
    let mut lone = Lone::new();
    let mut found = Vec::new();
    for view in 1..=9 {
        if view == 2 {
            // A proposal that came too late to be voted for by a quorum counts as well.
            let genesis = lone.0.fixture.genesis.clone();
            let block = lone.block(&genesis, 2, 0);
            lone.propose(&block);
        }
        lone.nullified(view);
        found.push(lone.replica().delta_us());
    }
    let mut expected = vec![DELTA_US * 3 / 2];
    while expected.len() < 9 {
        let last = expected[expected.len() - 1];
        expected.push((last + last / 2).min(2_000_000));
    }
    assert_eq!(found, expected);
    let genesis = lone.0.fixture.genesis.clone();
    let block = lone.block(&genesis, 10, 0);
    lone.propose(&block);
    lone.finalized(10, block.digest());
    assert_eq!(lone.replica().delta_us(), 2_000_000 * 2 / 3);
}

#[test]
fn a_view_that_was_skipped_does_not_slow_the_others_down() {
    let mut lone = Lone::new();
    for view in 1..=12 {
        lone.nullified(view);
    }
    assert!(lone.has_nullified(13), "the leader of views 1 and 7 is skipped");
    let before = Fixture::new(6).config(None).timing.delta_max_us;
    assert_eq!(lone.replica().delta_us(), before, "at its most after twelve views");
    let genesis = lone.0.fixture.genesis.clone();
    let mut finalizing = Lone::new();
    for view in 1..=7 {
        if view == 1 || view == 7 {
            finalizing.nullified(view);
        } else {
            let parent = finalizing.replica().tip().header.clone();
            let block = finalizing.block(&parent, view, view);
            finalizing.0.feed(0, Input::Header(block.clone()));
            finalizing.finalized(view, block.digest());
        }
    }
    assert_ne!(genesis.digest(), finalizing.replica().tip().header.digest());
    let delta_us = finalizing.replica().delta_us();
    for view in 8..=12 {
        let parent = finalizing.replica().tip().header.clone();
        let block = finalizing.block(&parent, view, view);
        finalizing.0.feed(0, Input::Header(block.clone()));
        finalizing.finalized(view, block.digest());
    }
    assert!(finalizing.has_nullified(13) && delta_us == DELTA_US * 3 / 2);
    finalizing.nullified(13);
    assert_eq!(finalizing.replica().delta_us(), DELTA_US);
}

#[test]
fn the_timer_is_two_delta_from_the_moment_the_leader_had_reason_to_propose() {
    let mut lone = Lone::new();
    assert_eq!(lone.0.node(0).timers[&Timer::Nullify(View(1))], EMPTY_DELAY_US + 2 * DELTA_US);
    lone.0.feed(0, Input::Handed(View(2)));
    assert_eq!(lone.0.node(0).timers[&Timer::Nullify(View(1))], EMPTY_DELAY_US + 2 * DELTA_US);
    lone.0.feed(0, Input::Handed(View(1)));
    assert_eq!(lone.0.node(0).timers[&Timer::Nullify(View(1))], 2 * DELTA_US);
}

#[test]
fn statements_are_kept_inside_the_window_of_views_only() {
    let mut lone = Lone::new();
    lone.says(2, nullify(1 + FUTURE_VIEWS));
    lone.says(2, nullify(2 + FUTURE_VIEWS));
    assert!(lone.replica().views().contains_key(&View(1 + FUTURE_VIEWS)));
    assert!(!lone.replica().views().contains_key(&View(2 + FUTURE_VIEWS)));
    lone.says(2, nullify(2));
    lone.nullified(KEPT_VIEWS + 10);
    assert_eq!(lone.replica().views()[&View(2)].tally.count(&nullify(2)), 0, "older tallies are let go");
    lone.says(3, nullify(3));
    assert!(!lone.replica().views().contains_key(&View(3)));
    assert!(!lone.replica().wants_proposal(View(3), &digest(1)));
}

#[test]
fn two_votes_for_an_unknown_block_make_it_wanted() {
    let mut lone = Lone::new();
    lone.says(2, notarize(1, digest(5)));
    assert!(!lone.asked(&Message::WantBlock(digest(5))));
    lone.says(3, notarize(1, digest(5)));
    assert!(lone.asked(&Message::WantBlock(digest(5))));
}

#[test]
fn late_votes_of_a_past_view_still_make_it_final() {
    let mut lone = Lone::new();
    let first = lone.first(0);
    lone.propose(&first);
    for signer in [1, 2] {
        lone.says(signer, notarize(1, first.digest()));
    }
    lone.nullified(2);
    assert_eq!(lone.replica().view(), View(3));
    for signer in [3, 4] {
        lone.says(signer, notarize(1, first.digest()));
    }
    assert_eq!(lone.0.node(0).chain, [first.digest()], "L-LATE-VOTES");
}

#[test]
fn an_observer_follows_and_never_signs() {
    let fixture = Fixture::new(6);
    let mut replica = Replica::recover(fixture.config(None), fixture.tip(), Vec::new()).expect("no records").replica;
    let mut effects = Vec::new();
    let block = fixture.block(&fixture.genesis, 1, 0);
    let signers = [1, 2, 3, 4, 5].map(v).into_iter();
    let statement = notarize(1, block.digest());
    let kind = CertificateKind::Finalization;
    let proof = Certificate::from_checked(kind, &statement, 6, signers, BlsSignature([1; 48]));
    for input in [
        Input::Start,
        Input::Proposal(straight(block, v(1))),
        Input::Timeout(Timer::Nullify(View(1))),
        Input::Certificate(Verified::own(proof)),
    ] {
        replica.step(input, &mut effects);
    }
    assert_eq!(replica.view(), View(2));
    assert!(effects.iter().any(|effect| matches!(effect, crate::effect::Effect::Commit { .. })));
    assert!(!effects.iter().any(|effect| matches!(effect, crate::effect::Effect::Cast { .. })));
}
