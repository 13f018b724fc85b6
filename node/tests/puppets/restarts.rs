//! D-BEFORE-SEND, from outside: whatever has left the node before it was killed, it says again after its restart, and
//! nothing else about that view, whoever tempts it. Done at the moment at which the statement arrives, many times over.

use crate::harness::{Frame, Header, N, Setting, Stage, notarize, nullify};
use minuet_consensus::wire::Proposal;
use minuet_core::certificate::CertificateKind;
use minuet_core::statement::Statement;

const ROUNDS: usize = 8;

/// Kills the node and starts it again; the frames that a witness had been sent before.
fn kill_and_start(stage: &mut Stage) -> usize {
    stage.kill();
    let mark = stage.witness().mark();
    stage.start();
    mark
}

/// Waits until the restarted node repeats this.
fn repeats(stage: &Stage, mark: usize, statement: Statement) {
    stage.witness().finds_from(mark, &format!("{statement:?} again"), |frame| match frame {
        Frame::Statement(signed) if signed.statement == statement => {
            let again = stage.chain.sign(statement, stage.me);
            assert_eq!(*signed, again, "the same signature");
            Some(())
        }
        _ => None,
    });
}

/// Others say all that could make a node forget its vote; fewer than M of them, since M may.
fn tempt(stage: &Stage, voted: &Header) {
    let rival = stage.chain.sibling(&stage.tip, voted.view().0, 7);
    stage.proposes(&rival);
    stage.puppet(5).statement(&stage.chain.sign(nullify(voted.view().0), 5));
    stage.puppet(5).statement(&stage.chain.sign(notarize(&rival), 5));
}

#[test]
fn a_vote_that_was_seen_is_repeated_after_a_kill_and_never_another() {
    let mut stage = Stage::new();
    for _ in 0..ROUNDS {
        while stage.leader() == stage.me || stage.leader() > 3 {
            stage.goes_on();
        }
        let header = stage.chain.child(&stage.tip, stage.view);
        stage.proposes(&header);
        stage.sees(notarize(&header));
        let mark = kill_and_start(&mut stage);
        tempt(&stage, &header);
        repeats(&stage, mark, notarize(&header));
        assert!(!stage.has_said(nullify(stage.view)));
        stage.puppet(3).certificate(&stage.chain.finalization(&header, &[1, 2, 3, 4, 5]));
        stage.settles(&header);
        stage.is_consistent();
    }
    stage.ends_well();
}

#[test]
fn a_vote_by_certificate_is_repeated_after_a_kill() {
    let mut stage = Stage::new();
    for _ in 0..ROUNDS {
        while stage.leader() == stage.me {
            stage.goes_on();
        }
        // R3: the certificate alone, without the block.
        let header = stage.chain.child(&stage.tip, stage.view);
        let proof = stage.chain.notarization(&header, &[1, 2, 3]);
        stage.puppet(5).certificate(&proof);
        stage.sees(notarize(&header));
        let mark = kill_and_start(&mut stage);
        repeats(&stage, mark, notarize(&header));
        // D-ENTRY: it comes back to no earlier view.
        stage.enters(stage.view + 1);
        stage.proposes(&header);
        stage.puppet(3).certificate(&stage.chain.finalization(&header, &[1, 2, 3, 4, 5]));
        stage.settles(&header);
    }
    stage.ends_well();
}

#[test]
fn a_proposal_that_was_seen_is_repeated_after_a_kill_and_never_another() {
    let mut stage = Stage::new();
    for _ in 0..ROUNDS {
        while stage.leader() != stage.me {
            let view = stage.view;
            for puppet in stage.cast() {
                puppet.statement(&stage.chain.sign(nullify(view), puppet.index));
            }
            stage.passed();
        }
        let view = stage.view;
        let sent = |stage: &Stage, mark: usize| -> Proposal {
            stage.witness().finds_from(mark, "its proposal", |frame| match frame {
                Frame::Proposal(proposal) if proposal.header.view().0 == view => Some(proposal.clone()),
                _ => None,
            })
        };
        let before = sent(&stage, 0);
        let mark = kill_and_start(&mut stage);
        let again = sent(&stage, mark);
        assert_eq!((&again.header, again.signature), (&before.header, before.signature));
        let header = before.header.clone();
        stage.votes(&header);
        stage.settles(&header);
        stage.is_consistent();
    }
    stage.ends_well();
}

#[test]
fn a_view_that_was_left_is_left_after_a_kill_and_never_voted_in() {
    // Its patience ends soon here: it leaves by itself.
    let mut stage = Stage::set(Setting { delta_ms: 20, ..Setting::default() });
    for _ in 0..ROUNDS {
        while stage.leader() == stage.me {
            stage.passes();
        }
        let view = stage.view;
        stage.sees(nullify(view));
        let mark = kill_and_start(&mut stage);
        repeats(&stage, mark, nullify(view));
        // A good block of the view, and a quorum's word for it: too late.
        let header = stage.chain.child(&stage.tip, view);
        stage.proposes(&header);
        stage.puppet(5).certificate(&stage.chain.notarization(&header, &[1, 2, 3]));
        stage.sees_certificate(CertificateKind::Notarization, view);
        stage.puppet(5).certificate(&stage.chain.finalization(&header, &stage.hands()));
        stage.settles(&header);
        assert!(!stage.has_said(notarize(&header)), "S-NO-VOTE-AFTER-NULL");
        stage.is_consistent();
    }
    stage.ends_well();
}

#[test]
fn kills_at_any_moment_never_bring_a_second_word() {
    // Nothing is waited for between what the node is told and its end.
    let mut stage = Stage::set(Setting { delta_ms: 50, ..Setting::default() });
    for round in 0..usize::from(N) + 2 {
        let view = stage.view;
        if stage.leader() != stage.me {
            let header = stage.chain.child(&stage.tip, view);
            stage.proposes(&header);
            if round % 2 == 0 {
                stage.puppet(5).certificate(&stage.chain.notarization(&header, &[1, 2, 3]));
            }
        }
        stage.kill();
        stage.start();
        // Another block of the same view, if it can be talked into one.
        if stage.leader() != stage.me {
            let rival = stage.chain.sibling(&stage.tip, view, 3);
            stage.proposes(&rival);
        }
        stage.puppet(4).certificate(&stage.chain.nullification(view, &[1, 2, 3]));
        stage.passed();
        stage.is_consistent();
    }
    stage.ends_well();
}
