use super::net::{Message, Net, forged, signed, straight};
use crate::effect::{Event, Halt, NullifyReason};
use crate::fixture::{DELTA_US, EMPTY_DELAY_US, Fixture, digest, notarize, nullify, v};
use crate::input::{Input, Timer};
use crate::record::{Own, Record};
use crate::replica::{FUTURE_VIEWS, KEPT_VIEWS, MAX_DEPTH, Replica};
use crate::verify::Verified;
use minuet_core::bls::BlsSignature;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::header::BlockHeader;
use minuet_core::statement::Statement;
use minuet_core::{Digest, View};
use std::sync::Arc;

/// Replica 0 alone; the test says what the others say.
struct Lone(Net);

impl Lone {
    fn new() -> Self {
        Self::of(0)
    }

    fn of(me: u16) -> Self {
        let mut net = Net::new(6);
        for other in (0..6).filter(|other| *other != me) {
            net.nodes[usize::from(other)].dead = true;
        }
        net.feed(me, Input::Start);
        Self(net)
    }

    fn replica(&self) -> &Replica {
        &self.0.node(0).replica
    }

    fn block(&mut self, parent: &BlockHeader, view: u64, time_ms: u64) -> Arc<BlockHeader> {
        let block = self.0.fixture.block(parent, view, time_ms);
        self.0.headers.insert(block.digest(), block.clone());
        block
    }

    /// A block of view 1 on genesis.
    fn first(&mut self, time_ms: u64) -> Arc<BlockHeader> {
        let genesis = self.0.fixture.genesis.clone();
        self.block(&genesis, 1, time_ms)
    }

    fn propose(&mut self, block: &Arc<BlockHeader>) {
        self.0.feed(0, Input::Proposal(straight(block.clone(), block.proposer())));
    }

    fn says(&mut self, signer: u16, statement: Statement) {
        self.0.feed(0, Input::Statement(straight(signed(statement, signer), v(signer))));
    }

    fn certificate(&mut self, kind: CertificateKind, statement: Statement, signers: &[u16]) {
        let signers = signers.iter().map(|signer| v(*signer));
        let certificate = Certificate::from_aggregate(kind, &statement, 6, signers, BlsSignature([1; 48]));
        self.0.feed(0, Input::Certificate(Verified::own(certificate)));
    }

    fn notarized(&mut self, view: u64, digest: Digest) {
        self.certificate(CertificateKind::Notarization, notarize(view, digest), &[1, 2, 3]);
    }

    fn nullified(&mut self, view: u64) {
        self.certificate(CertificateKind::Nullification, nullify(view), &[1, 2, 3]);
    }

    fn finalized(&mut self, view: u64, digest: Digest) {
        self.certificate(CertificateKind::Finalization, notarize(view, digest), &[1, 2, 3, 4, 5]);
    }

    fn has_voted(&self, view: u64, digest: Digest) -> bool {
        self.0.votes.get(&(0, View(view))) == Some(&digest)
    }

    fn has_nullified(&self, view: u64) -> bool {
        self.0.nullified.contains(&(0, View(view)))
    }

    fn asked(&self, wanted: &Message) -> bool {
        self.0.queue.iter().any(|envelope| format!("{:?}", envelope.message) == format!("{wanted:?}"))
    }
}

#[test]
fn a_block_is_final_two_steps_after_it_was_proposed() {
    let mut net = Net::new(6);
    net.start();
    let proposals: Vec<_> = net.queue.drain(..).collect();
    assert!(proposals.iter().all(|envelope| matches!(envelope.message, Message::Proposal(..))));
    proposals.into_iter().for_each(|envelope| net.deliver(envelope));
    let votes: Vec<_> = net.queue.drain(..).collect();
    for envelope in votes.into_iter().filter(|envelope| matches!(envelope.message, Message::Statement(_))) {
        net.deliver(envelope);
    }
    for me in 0..6 {
        assert_eq!(net.node(me).chain.len(), 1, "replica {me}");
    }
}

#[test]
fn six_replicas_agree_on_a_chain_without_nullifying() {
    let mut net = Net::new(6);
    net.start();
    net.run_to_view(20);
    assert!(net.finalized.len() >= 15);
    assert!(net.nullified.is_empty());
}

#[test]
fn a_silent_leader_is_nullified_then_skipped_and_tried_again_when_it_speaks() {
    let mut net = Net::new(6);
    net.nodes[1].dead = true;
    net.start();
    for (turn, reason) in [(1, NullifyReason::Timeout), (7, NullifyReason::Timeout), (13, NullifyReason::Skip)] {
        net.run_to_view(turn);
        if reason == NullifyReason::Timeout {
            net.run();
            net.time_out();
        }
        net.run_to_view(turn + 1);
        let wanted = Event::Nullified { view: View(turn), reason };
        assert!(net.node(0).events.contains(&wanted), "view {turn}");
    }
    net.nodes[1].dead = false;
    net.feed(1, Input::Start);
    net.unstick();
    net.run_to_view(20);
    assert!(net.nullified.contains(&(0, View(19))), "it is heard: skipped for one more turn");
    net.run_to_view(27);
    assert!(!net.nullified.contains(&(0, View(25))), "and then tried again");
    assert!(
        net.headers.values().any(|header| header.view() == View(25) && net.node(0).chain.contains(&header.digest()))
    );
}

#[test]
fn a_notarization_brings_the_vote_before_the_block_is_here() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.notarized(1, block.digest());
    assert!(lone.has_voted(1, block.digest()));
    assert_eq!(lone.replica().view(), View(2));
    let records = &lone.0.node(0).records;
    assert!(matches!(&records[0], Record::Certificate(proof) if proof.digest == block.digest()));
    assert_eq!(records.last(), Some(&Record::Own { view: View(1), own: Own::Notarize(block.digest()) }));
    assert!(lone.asked(&Message::WantBlock(block.digest())));
}

#[test]
fn a_notarization_brings_the_vote_also_in_a_past_view() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.nullified(1);
    lone.nullified(2);
    assert_eq!(lone.replica().view(), View(3));
    lone.notarized(1, block.digest());
    assert!(lone.has_voted(1, block.digest()));
}

#[test]
fn after_nullifying_neither_a_proposal_nor_a_notarization_brings_a_vote() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.0.time_out();
    assert!(lone.has_nullified(1));
    lone.propose(&block);
    lone.notarized(1, block.digest());
    assert!(!lone.0.votes.contains_key(&(0, View(1))));
    assert!(!lone.replica().may_sign(View(1), Own::Notarize(block.digest())));
}

#[test]
fn a_validator_that_has_voted_never_nullifies_by_time() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.propose(&block);
    assert!(lone.has_voted(1, block.digest()));
    lone.0.time_out();
    assert!(!lone.has_nullified(1));
}

#[test]
fn three_distinct_others_that_contradict_bring_a_nullify_after_the_vote() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.propose(&block);
    lone.says(2, nullify(1));
    lone.says(3, notarize(1, digest(9)));
    assert!(!lone.has_nullified(1));
    lone.says(4, nullify(1));
    assert!(lone.has_nullified(1));
    let wanted = Event::Nullified { view: View(1), reason: NullifyReason::Contradiction };
    assert!(lone.0.node(0).events.contains(&wanted));
}

#[test]
fn one_signer_that_contradicts_twice_and_the_own_vote_are_not_counted_as_more() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.propose(&block);
    for signer in [2, 3] {
        lone.says(signer, nullify(1));
        lone.says(signer, notarize(1, digest(9)));
        lone.says(signer, notarize(1, digest(8)));
    }
    assert_eq!(lone.replica().contradictions(View(1), false), 2);
    assert!(!lone.has_nullified(1));
}

#[test]
fn forged_contradictions_do_not_bring_a_nullify() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.propose(&block);
    lone.says(2, nullify(1));
    lone.says(3, notarize(1, digest(9)));
    lone.0.feed(0, Input::Statement(straight(forged(nullify(1), 4), v(4))));
    assert!(!lone.has_nullified(1));
    lone.says(4, nullify(1));
    assert!(lone.has_nullified(1));
}

#[test]
fn signers_inside_certificates_count_as_contradiction() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.propose(&block);
    lone.notarized(1, digest(9));
    assert_eq!(lone.replica().contradictions(View(1), true), 3);
    lone.certificate(CertificateKind::Nullification, nullify(1), &[3, 4, 5]);
    assert_eq!(lone.replica().contradictions(View(1), true), 5, "signer 3 stands in both");
}

#[test]
fn a_nullification_of_an_older_view_changes_nothing_in_this_one() {
    let mut lone = Lone::new();
    let first = lone.first(0);
    lone.propose(&first);
    lone.notarized(1, first.digest());
    let second = lone.block(&first, 2, 0);
    lone.propose(&second);
    assert!(lone.has_voted(2, second.digest()));
    lone.nullified(1);
    assert!(lone.0.nullified.is_empty(), "S-NO-CASCADE");
    assert_eq!(lone.replica().view(), View(2));
}

#[test]
fn a_proposal_waits_for_its_parents_proof_and_the_gaps_nullifications() {
    let mut lone = Lone::new();
    let first = lone.first(0);
    let fourth = lone.block(&first, 4, 0);
    lone.nullified(3);
    lone.propose(&fourth);
    assert!(lone.0.votes.is_empty(), "not yet");
    lone.0.feed(0, Input::Header(first.clone()));
    lone.nullified(2);
    assert!(!lone.0.votes.contains_key(&(0, View(4))), "its parent is not notarized");
    lone.notarized(1, first.digest());
    assert!(lone.has_voted(4, fourth.digest()));
}

#[test]
fn a_proposal_that_breaks_a_header_rule_is_refused_for_ever() {
    let mut lone = Lone::new();
    let first = lone.first(0);
    let wrong = lone.block(&first, 3, 0);
    let genesis = lone.0.fixture.genesis.clone();
    lone.notarized(1, first.digest());
    lone.0.feed(0, Input::Header(first));
    lone.nullified(2);
    let sibling = lone.block(&genesis, 3, 1);
    lone.propose(&sibling);
    assert!(!lone.0.votes.contains_key(&(0, View(3))), "view 1 is in its gap and not nullified");
    lone.propose(&wrong);
    assert!(!lone.0.votes.contains_key(&(0, View(3))), "only the first proposal of a view is voted for");
}

#[test]
fn an_invalid_block_is_reported_with_its_proposer() {
    let mut lone = Lone::new();
    let genesis = lone.0.fixture.genesis.clone();
    let rules = &lone.0.fixture.rules;
    let wrong = Arc::new(rules.empty_block(&genesis, View(1), v(2), minuet_core::TimeMs(2_000_000)));
    lone.0.headers.insert(wrong.digest(), wrong.clone());
    lone.0.feed(0, Input::Proposal(straight(wrong, v(2))));
    let blamed = lone.0.node(0).events.iter().any(|event| {
        matches!(event, Event::InvalidProposal { proposer, reason, .. } if *proposer == v(1) && reason.contains("lead"))
    });
    assert!(blamed && lone.0.votes.is_empty());
}

#[test]
fn a_finalization_that_does_not_extend_the_final_chain_halts() {
    let mut lone = Lone::new();
    let (first, other) = (lone.first(0), lone.first(1));
    lone.propose(&first);
    lone.finalized(1, first.digest());
    assert_eq!(lone.0.node(0).chain, [first.digest()]);
    let fork = lone.block(&other, 3, 0);
    lone.0.feed(0, Input::Header(other.clone()));
    lone.0.feed(0, Input::Header(fork.clone()));
    lone.finalized(3, fork.digest());
    let halt = lone.0.node(0).halt.clone();
    assert!(matches!(halt, Some(Halt::ConflictingFinalization { finalized, .. }) if finalized == first.digest()));
    assert!(!lone.replica().may_sign(View(9), Own::Nullify), "nothing is signed any more");
}

#[test]
fn a_second_finalization_of_the_final_view_halts() {
    let mut lone = Lone::new();
    let (first, other) = (lone.first(0), lone.first(1));
    lone.propose(&first);
    lone.finalized(1, first.digest());
    lone.finalized(1, other.digest());
    assert!(matches!(lone.0.node(0).halt, Some(Halt::ConflictingFinalization { .. })));
}

#[test]
fn a_certificate_with_an_own_signature_that_the_journal_does_not_hold_halts() {
    let mut lone = Lone::new();
    lone.certificate(CertificateKind::Nullification, nullify(1), &[0, 1, 2]);
    assert!(matches!(lone.0.node(0).halt, Some(Halt::OwnSignature { view: View(1), .. })));
}

#[test]
fn a_finalization_that_comes_before_its_headers_waits_for_them() {
    let mut lone = Lone::new();
    let first = lone.first(0);
    let second = lone.block(&first, 2, 0);
    lone.finalized(2, second.digest());
    assert!(lone.0.node(0).chain.is_empty() && lone.asked(&Message::WantBlock(second.digest())));
    lone.0.feed(0, Input::Header(second.clone()));
    assert!(lone.asked(&Message::WantBlock(first.digest())), "then its parent is asked for");
    lone.0.feed(0, Input::Header(first.clone()));
    assert_eq!(lone.0.node(0).chain, [first.digest(), second.digest()], "oldest first");
    assert!(lone.replica().views().keys().all(|view| *view > View(2)), "nothing is kept of final views");
}

#[test]
fn an_equivocating_leaders_other_block_can_still_become_final() {
    let mut lone = Lone::new();
    let (mine, theirs) = (lone.first(0), lone.first(1));
    lone.propose(&mine);
    assert!(!lone.replica().wants_proposal(View(1), &theirs.digest()), "a second proposal is not kept");
    lone.notarized(1, theirs.digest());
    assert!(lone.replica().wants_proposal(View(1), &theirs.digest()), "until a quorum notarized it");
    lone.propose(&theirs);
    lone.finalized(1, theirs.digest());
    assert_eq!(lone.0.node(0).chain, [theirs.digest()]);
    assert!(lone.has_voted(1, mine.digest()), "the own vote stays what it was");
}

#[test]
fn a_forged_vote_leaves_the_quorum_and_the_genuine_one_completes_it() {
    let mut lone = Lone::new();
    lone.says(2, nullify(1));
    lone.says(3, nullify(1));
    lone.0.feed(0, Input::Statement(straight(forged(nullify(1), 4), v(4))));
    assert_eq!(lone.replica().view(), View(1));
    lone.says(4, nullify(1));
    assert_eq!(lone.replica().view(), View(2));
}

#[test]
fn a_genuine_equivocation_is_reported_once() {
    let mut lone = Lone::new();
    for (signer, byte) in [(4, 1), (4, 2), (2, 1), (2, 2), (4, 3)] {
        lone.says(signer, notarize(1, digest(byte)));
    }
    let pairs = lone.0.node(0).events.iter().filter_map(|event| match event {
        Event::Equivocation([first, _]) => Some(first.signer),
        _ => None,
    });
    assert_eq!(pairs.collect::<Vec<_>>(), [v(4), v(2)]);
}

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

#[test]
fn a_floor_in_the_journal_forbids_everything_at_or_below_it() {
    let fixture = Fixture::new(6);
    let records = vec![Record::Floor(View(64))];
    let recovered = Replica::recover(fixture.config(Some(0)), fixture.tip(), records).expect("a floor");
    assert_eq!(recovered.replica.view(), View(65));
    assert!(!recovered.replica.may_sign(View(64), Own::Nullify));
    assert!(recovered.replica.may_sign(View(65), Own::Nullify));
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
    let proof = Certificate::from_aggregate(kind, &statement, 6, signers, BlsSignature([1; 48]));
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
