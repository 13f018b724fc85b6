use super::*;
use crate::fixture::Fixture;
use minuet_core::Bytes;
use minuet_core::block::{Block, Body};
use std::sync::Arc;

const TIP: Height = Height(0);

fn peers(count: u32) -> BTreeSet<PeerId> {
    (1..=count).map(PeerId).collect()
}

fn aiming(goal: u64) -> Catchup {
    let mut catchup = Catchup::new();
    catchup.aim(Some(Height(goal)), TIP);
    catchup
}

/// Blocks of these heights; each body has so many bytes.
fn part(peer: u32, heights: std::ops::RangeInclusive<u64>, bytes: usize) -> Part {
    let fixture = Fixture::new(6);
    let mut parent = fixture.genesis.clone();
    let mut blocks = Vec::new();
    for height in 1..=*heights.end() {
        parent = fixture.block(&parent, height, height);
        if heights.contains(&height) {
            let body = Body { transactions: vec![Bytes::from(vec![0; bytes])] };
            let block = Block::sealed(parent.clone(), Arc::new(body));
            blocks.push(ServedBlock { block, finalization: None });
        }
    }
    Part::new(PeerId(peer), blocks, 0, None)
}

fn froms(asks: &[(PeerId, Height)]) -> Vec<u64> {
    asks.iter().map(|(_, from)| from.0).collect()
}

#[test]
fn windows_cover_the_way_without_overlap_and_no_more_than_a_few_at_a_time() {
    let mut catchup = aiming(100_000);
    let asks = catchup.plan(0, TIP, &peers(5));
    assert_eq!(froms(&asks), [1, 513, 1025, 1537]);
    assert_eq!(asks.iter().map(|(peer, _)| peer).collect::<BTreeSet<_>>().len(), 4);
    assert!(catchup.plan(1, TIP, &peers(5)).is_empty());
}

#[test]
fn one_peer_is_asked_for_two_windows_at_a_time_at_most() {
    let mut catchup = aiming(100_000);
    assert_eq!(froms(&catchup.plan(0, TIP, &peers(1))), [1, 513]);
    assert!(catchup.plan(500_000, TIP, &peers(1)).is_empty());
}

#[test]
fn bytes_that_wait_are_bounded_and_the_next_blocks_are_asked_for_all_the_same() {
    let mut catchup = aiming(100_000);
    catchup.plan(0, TIP, &peers(5));
    for from in [513, 1025, 1537] {
        assert!(matches!(
            catchup.match_answer(catchup.windows[&Height(from)].asked.unwrap(), Height(from)),
            Answer::Wanted(..)
        ));
        catchup.arrived(Height(from), part(2, from..=from + 7, 600 << 10), 1);
    }
    // Fourteen mebibytes wait: not even one answer more fits beside the one that is under way.
    let asks = catchup.plan(2, TIP, &peers(5));
    assert!(asks.is_empty(), "{asks:?}");
    catchup.peer_gone(catchup.windows[&Height(1)].asked.unwrap());
    assert_eq!(froms(&catchup.plan(3, TIP, &peers(5))), [1]);
}

#[test]
fn what_an_answer_lacks_is_asked_for_again() {
    let mut catchup = aiming(1000);
    let asks = catchup.plan(0, TIP, &peers(5));
    let (peer, from) = asks[0];
    assert_eq!(catchup.match_answer(peer, from), Answer::Wanted(Height(1), Height(512)));
    catchup.arrived(from, part(peer.0, 1..=100, 8), 1);
    let again = catchup.plan(2, TIP, &peers(5));
    assert_eq!(froms(&again), [101]);
    assert_ne!(again[0].0, peer, "it had no more");
}

#[test]
fn answers_that_are_cut_short_because_they_are_full_make_the_next_windows_smaller() {
    let mut catchup = aiming(100_000);
    let (peer, from) = catchup.plan(0, TIP, &peers(5))[0];
    catchup.arrived(from, part(peer.0, 1..=64, 16 << 10), 1);
    catchup.plan(2, TIP, &peers(5));
    assert_eq!(catchup.windows[&Height(65)].to, Height(120));
}

#[test]
fn a_silent_peer_is_left_out_for_a_time_and_silence_makes_nobody_more_patient() {
    let mut catchup = aiming(100);
    let asked: BTreeSet<PeerId> = (0..3).map(|turn| catchup.plan(PATIENCE_US * turn, TIP, &peers(3))[0].0).collect();
    assert_eq!(asked, peers(3));
    for turn in 3..20 {
        assert_eq!(catchup.plan(PATIENCE_US * turn, TIP, &peers(3)).len(), 1, "turn {turn}");
    }
}

#[test]
fn answers_that_come_late_are_waited_for_longer_until_they_come_in_time_again() {
    let mut catchup = aiming(MAX_STRIDE * 2);
    let (slow, from) = catchup.plan(0, TIP, &peers(3))[0];
    catchup.plan(PATIENCE_US, TIP, &peers(3));
    assert!(matches!(catchup.match_answer(slow, from), Answer::Wanted(..)), "late, and welcome");
    assert_eq!(catchup.patience_us, 2 * PATIENCE_US);
    catchup.arrived(from, part(slow.0, 1..=1, 8), PATIENCE_US);
    let (peer, from) = catchup.plan(PATIENCE_US, TIP, &peers(3))[0];
    assert_eq!(from, Height(2));
    assert!(catchup.windows[&from].due_us == 3 * PATIENCE_US);
    assert!(matches!(catchup.match_answer(peer, from), Answer::Wanted(..)));
    assert!(catchup.patience_us < 2 * PATIENCE_US);
}

#[test]
fn nobody_makes_it_wait_for_ever_by_answers_that_come_late() {
    let mut catchup = aiming(100);
    let mut now_us = 0;
    for _ in 0..20 {
        let (slow, from) = catchup.plan(now_us, TIP, &peers(2))[0];
        now_us = catchup.next_us().unwrap();
        assert_eq!(catchup.plan(now_us, TIP, &peers(2)).len(), 1);
        assert!(matches!(catchup.match_answer(slow, from), Answer::Wanted(..)));
        let next_us = catchup.next_us().unwrap();
        assert!(next_us - now_us <= MAX_PATIENCE_US);
        now_us = next_us;
    }
    assert_eq!(catchup.patience_us, MAX_PATIENCE_US);
}

#[test]
fn a_liar_is_asked_only_when_nobody_else_is_there() {
    let mut catchup = aiming(100);
    let (liar, from) = catchup.plan(0, TIP, &peers(2))[0];
    catchup.distrust(liar, 0);
    let (other, _) = catchup.plan(1, TIP, &peers(2))[0];
    assert_ne!(other, liar);
    catchup.peer_gone(other);
    let asks = catchup.plan(2, TIP, &BTreeSet::from([liar]));
    assert_eq!(asks, [(liar, from)]);
}

#[test]
fn what_lies_below_the_tip_is_forgotten_also_in_part() {
    let mut catchup = aiming(1000);
    let (peer, from) = catchup.plan(0, TIP, &peers(5))[0];
    let mut arrived = part(peer.0, 1..=100, 8);
    arrived.proven = 60;
    catchup.arrived(from, arrived, 1);
    catchup.aim(Some(Height(1000)), Height(40));
    let rest = &catchup.parts[&Height(41)];
    assert_eq!((rest.blocks.len(), rest.proven), (60, 20));
    catchup.aim(Some(Height(1000)), Height(700));
    assert!(catchup.parts.is_empty() && catchup.windows.keys().all(|from| from.0 > 700));
    catchup.aim(None, Height(1000));
    assert!(catchup.windows.is_empty() && catchup.next_us().is_none());
}

#[test]
fn a_range_is_taken_up_to_the_missing_header_although_those_above_it_came_another_way() {
    let mut catchup = aiming(20);
    assert_eq!(froms(&catchup.plan(0, TIP, &peers(1))), [1]);
    let fixture = Fixture::new(6);
    let whole = part(1, 1..=20, 10);
    let missing = whole.blocks[11].block.digest();
    catchup.arrived(Height(1), whole, 0);
    // The goal has come down, as the missing header has.
    catchup.aim(Some(Height(12)), TIP);
    let taken = catchup.take_next(TIP, fixture.genesis.digest(), Some(missing));
    assert!(matches!(taken, Next::Chain(blocks, None) if blocks.len() == 12));
}

#[test]
fn blocks_in_the_place_of_a_known_one_are_forgotten_and_asked_for_anew() {
    let mut catchup = aiming(20);
    catchup.plan(0, TIP, &peers(1));
    let (whole, other) = (part(1, 1..=20, 10), part(1, 1..=19, 10).blocks[18].block.digest());
    let right = whole.blocks[19].block.digest();
    catchup.arrived(Height(1), whole, 0);
    assert_eq!(catchup.drop_mismatch(Height(20), right), None);
    assert_eq!(catchup.drop_mismatch(Height(20), other), Some(PeerId(1)));
    assert_eq!(froms(&catchup.plan(0, TIP, &peers(1))), [1]);
}

#[test]
fn a_goal_that_sinks_shortens_what_is_under_way_and_asks_nobody_anew() {
    let mut catchup = aiming(100);
    let asks = catchup.plan(0, TIP, &peers(3));
    assert_eq!(froms(&asks), [1]);
    for goal in [99, 60, 20] {
        catchup.aim(Some(Height(goal)), TIP);
        assert!(catchup.plan(1, TIP, &peers(3)).is_empty(), "goal {goal}");
    }
    assert_eq!(catchup.match_answer(asks[0].0, Height(1)), Answer::Wanted(Height(1), Height(20)));
}

#[test]
fn a_peer_that_was_asked_twice_for_a_range_may_answer_twice_and_no_more() {
    let mut catchup = aiming(100);
    let peer = catchup.plan(0, TIP, &peers(1))[0].0;
    // Given up, and wanted again.
    catchup.aim(None, TIP);
    catchup.aim(Some(Height(100)), TIP);
    assert_eq!(catchup.plan(1, TIP, &peers(1)), [(peer, Height(1))]);
    assert!(matches!(catchup.match_answer(peer, Height(1)), Answer::Wanted(..)));
    assert!(matches!(catchup.match_answer(peer, Height(1)), Answer::Wanted(..)));
    assert_eq!(catchup.match_answer(peer, Height(1)), Answer::Unrequested);
}
