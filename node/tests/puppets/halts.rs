//! Where a node must stop rather than go on: finality that contradicts finality (R8), and a signature of its own key that
//! its journal does not hold (D-OWN-SIG).

use crate::harness::{Header, N, Stage, bitmap, notarize, nowhere, nullify};
use minuet_consensus::wire::{Request, Response, ServedBlock};
use minuet_core::block::Block;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::evidence::Evidence;
use minuet_core::statement::Statement;
use minuet_core::wire::FrameKind;
use minuet_core::{ValidatorIndex, View};

const CONFLICT: i32 = 8;
const DOUBLED: i32 = 13;

/// The node ends with this code, says this, and has said nothing after the cause; started again, it shows why.
fn ends_with(stage: &mut Stage, code: i32, words: &[&str]) -> Vec<Evidence> {
    let (status, log) = stage.take().wait();
    assert_eq!(status.code(), Some(code), "{log}");
    for word in words {
        assert!(log.contains(word), "'{word}' is missing in: {log}");
    }
    assert!(!log.contains("panicked"), "{log}");
    stage.is_consistent();
    stage.start();
    stage.evidence(1)
}

#[test]
fn five_keys_that_finalize_another_block_of_a_final_view_stop_the_node() {
    let mut stage = Stage::new();
    stage.goes_on();
    let first = stage.goes_on();
    let rival = stage.chain.sibling(&stage.chain.root(), first.view().0, 1);
    let certificate = stage.chain.finalization(&rival, &stage.hands());
    stage.puppet(3).certificate(&certificate);
    let words = ["SAFETY", &rival.digest().to_string(), &first.digest().to_string(), "never reorganizes"];
    let evidence = ends_with(&mut stage, CONFLICT, &words);
    let [Evidence::ConflictingFinalization { finalized: Some(finalized), certificate: kept }] = &evidence[..] else {
        panic!("{evidence:?}")
    };
    assert_eq!(*kept, certificate);
    assert_eq!((finalized.view, finalized.digest), (first.view(), first.digest()));
    assert_eq!(finalized.verify(&stage.chain.rules.committee, &stage.chain.context), Ok(()));
    assert_eq!(stage.status().hash, first.digest().as_slice(), "nothing was taken back");
}

#[test]
fn five_keys_that_finalize_a_chain_beside_the_final_one_stop_the_node() {
    let mut stage = Stage::new();
    let first = stage.goes_on();
    // Two blocks beside it, the second finalized: only its headers show that it leaves the final one out.
    let fork = stage.chain.sibling(&stage.chain.root(), 2, 1);
    let tip = stage.chain.child(&fork, 3);
    for puppet in stage.cast() {
        let blocks: Vec<Header> = vec![fork.clone(), tip.clone()];
        puppet.answers(move |request| {
            let Request::Block(digest) = request else { return None };
            let header = blocks.iter().find(|header| header.digest() == *digest)?;
            let block = Block::empty(header.clone()).unwrap();
            let answer = Response::Blocks(vec![ServedBlock { block, finalization: None }]);
            Some((FrameKind::Response, answer.to_bytes()))
        });
    }
    let certificate = stage.chain.finalization(&tip, &stage.hands());
    stage.puppet(4).certificate(&certificate);
    let words = ["SAFETY", &tip.digest().to_string(), &first.digest().to_string()];
    let evidence = ends_with(&mut stage, CONFLICT, &words);
    let [Evidence::ConflictingFinalization { finalized: Some(finalized), certificate: kept }] = &evidence[..] else {
        panic!("{evidence:?}")
    };
    assert_eq!((kept, finalized.digest), (&certificate, first.digest()));
    assert_eq!(stage.status().height, 1);
}

/// A certificate in which the node's own genuine signature stands, under what it never said.
fn doubled(stage: &Stage, kind: CertificateKind, statement: Statement) -> Certificate {
    stage.chain.certificate(
        kind,
        statement,
        if kind == CertificateKind::Finalization { &[0, 1, 2, 3, 4] } else { &[0, 1, 2] },
    )
}

#[test]
fn an_own_signature_that_the_journal_does_not_hold_stops_the_node() {
    let never_said = |view: u64| Statement::Notarize { view: View(view), digest: nowhere(5) };
    let cases = [
        (CertificateKind::Notarization, never_said(3)),
        (CertificateKind::Finalization, never_said(2)),
        (CertificateKind::Nullification, nullify(2)),
        (CertificateKind::Nullification, nullify(50)),
    ];
    for (kind, statement) in cases {
        let mut stage = Stage::new();
        stage.goes_on();
        // It has voted in view 2, for something else.
        stage.proposed();
        let certificate = doubled(&stage, kind, statement);
        stage.puppet(3).certificate(&certificate);
        let words = ["a signature of this validator's key", "is not in its journal", "runs once only"];
        let evidence = ends_with(&mut stage, DOUBLED, &words);
        assert_eq!(evidence, [Evidence::OwnSignature { validator: ValidatorIndex(0), certificate }]);
    }
}

#[test]
fn a_forged_own_signature_or_one_that_the_journal_holds_stops_nothing() {
    let mut stage = Stage::new();
    stage.goes_on();
    let block = stage.proposed();
    // Named as a signer, without its signature.
    let never_said = Statement::Notarize { view: View(3), digest: nowhere(5) };
    let signatures = stage.chain.signatures(never_said, &[1, 2, 3]);
    let signers = bitmap(usize::from(N), &[0, 1, 2]);
    let forged = stage.chain.forged(CertificateKind::Notarization, never_said, signers, &signatures);
    stage.puppet(3).certificate(&forged);
    stage.refuses("bad_certificate", 1);
    // Its own genuine vote, straight from another: refused as somebody else's, and no reason to stop.
    stage.puppet(4).statement(&stage.chain.sign(never_said, 0));
    stage.refuses("foreign_statement", 1);
    // What it did say, in others' certificates, also after a restart.
    let certificate = doubled(&stage, CertificateKind::Notarization, notarize(&block));
    stage.kill();
    stage.start();
    stage.puppet(5).certificate(&certificate);
    stage.votes(&block);
    stage.settles(&block);
    stage.is_undisturbed();
    assert_eq!(stage.status().evidence_count, 0);
    stage.ends_well();
}
