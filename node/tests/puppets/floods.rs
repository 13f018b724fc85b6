//! Floods from one validator's key: what is old, far away, repeated or forged by the thousand costs next to nothing, and
//! nobody else notices.

use crate::harness::{Frame, Stage, bitmap, notarize, nowhere, nullify};
use minuet_consensus::wire::{Request, Response};
use minuet_core::certificate::Certificate;
use minuet_core::statement::Statement;
use minuet_core::{Height, View};

const MANY: usize = 3_000;
const ALLOWED_BYTES: u64 = 16 << 20;

/// A node with a past of six blocks, and the memory that it takes.
fn grown() -> (Stage, u64) {
    let mut stage = Stage::new();
    stage.is_undisturbed();
    let memory = stage.status().resident_bytes;
    (stage, memory)
}

fn takes_no_memory(stage: &Stage, before: u64) {
    let grown = stage.status().resident_bytes.saturating_sub(before);
    assert!(grown < ALLOWED_BYTES, "{grown} bytes more");
}

#[test]
fn thousands_of_valid_but_old_messages_are_nobodys_fault_and_hold_nobody_up() {
    let (mut stage, memory) = grown();
    let old: Vec<Statement> =
        (1..6).flat_map(|view| [nullify(view), Statement::Notarize { view: View(view), digest: nowhere(1) }]).collect();
    let certificates: Vec<Certificate> = (1..6).map(|view| stage.chain.nullification(view, &[1, 2, 3])).collect();
    let statements: Vec<_> = old.into_iter().map(|statement| stage.chain.sign(statement, 3)).collect();
    let flooder = stage.puppet(3);
    for number in 0..MANY {
        flooder.certificate(&certificates[number % certificates.len()]);
        flooder.statement(&statements[number % statements.len()]);
    }
    stage.is_undisturbed();
    stage.refuses("old", 2 * MANY as u64);
    assert_eq!(stage.faults(), 0);
    assert!(stage.puppet(3).is_up());
    takes_no_memory(&stage, memory);
    stage.ends_well();
}

#[test]
fn thousands_of_statements_about_the_far_future_are_not_kept() {
    let (mut stage, memory) = grown();
    let far: Vec<_> = (0..10).map(|n| stage.chain.sign(nullify(u64::MAX - n * 1_000_000_007), 3)).collect();
    for number in 0..MANY {
        stage.puppet(3).statement(&far[number % far.len()]);
    }
    stage.is_undisturbed();
    stage.refuses("far_future", MANY as u64);
    assert_eq!(stage.faults(), 0);
    takes_no_memory(&stage, memory);
    stage.ends_well();
}

#[test]
fn one_vote_a_thousand_times_counts_once() {
    let (mut stage, memory) = grown();
    let block = stage.proposed();
    let vote = stage.chain.sign(notarize(&block), 3);
    for _ in 0..MANY {
        stage.puppet(3).statement(&vote);
    }
    // Its own, the leader's, the flooder's and one more: not enough, however often they are said.
    stage.puppet(4).statement(&stage.chain.sign(notarize(&block), 4));
    // Behind the flood on the same lane.
    stage.puppet(3).statement(&stage.chain.sign(nullify(u64::MAX), 3));
    stage.refuses("far_future", 1);
    assert_eq!(stage.status().height, 6);
    stage.votes(&block);
    stage.settles(&block);
    assert_eq!(stage.faults(), 0);
    takes_no_memory(&stage, memory);
    stage.ends_well();
}

#[test]
fn thousands_of_forged_certificates_cost_two_checks() {
    let (mut stage, memory) = grown();
    let genuine = stage.chain.nullification(stage.view, &[1, 2, 3]);
    let forged = Certificate { signers: bitmap(6, &[1, 2, 4]), ..genuine };
    for _ in 0..MANY {
        stage.puppet(3).certificate(&forged);
    }
    stage.bans(3);
    let checked = stage.refused("bad_certificate");
    assert!((2..=3).contains(&checked), "{checked}");
    stage.is_undisturbed();
    takes_no_memory(&stage, memory);
    stage.ends_well();
}

#[test]
fn a_flood_of_questions_is_cut_off_and_answered_to_a_bound() {
    let (mut stage, memory) = grown();
    for _ in 0..3 * MANY {
        stage.puppet(3).request(Request::Range(Height(1)));
    }
    stage.bans(3);
    let cut_off = stage.refused("request_flood");
    assert!(cut_off >= 10, "{cut_off}: {:?}", stage.status().rejected_by_reason);
    stage.is_undisturbed();
    takes_no_memory(&stage, memory);
    stage.ends_well();
}

#[test]
fn as_many_questions_as_an_honest_peer_has_are_answered() {
    let (mut stage, _) = grown();
    for height in 1..=6 {
        let before = stage.puppet(3).mark();
        stage.puppet(3).request(Request::Range(Height(height)));
        let answer = stage.puppet(3).finds_from(before, "an answer", |frame| match frame {
            Frame::Response(Response::Blocks(blocks)) => Some(blocks.clone()),
            _ => None,
        });
        let heights: Vec<u64> = answer.iter().map(|served| served.block.header().height().0).collect();
        assert_eq!(heights, (height..=6).collect::<Vec<_>>());
        let finalization =
            answer.last().and_then(|served| served.finalization.clone()).expect("the newest has its own");
        assert_eq!(finalization.verify(&stage.chain.rules.committee, &stage.chain.context), Ok(()));
    }
    assert_eq!(stage.faults(), 0);
    stage.is_undisturbed();
    stage.ends_well();
}
