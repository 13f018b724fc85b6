//! Votes whose signatures are wrong, alone or so that their errors cancel out, and keys made from the keys of others.

use crate::harness::chain::genesis_file;
use crate::harness::{Header, Stage, bls_key, notarize, nowhere, nullify};
use crate::processes::refused;
use minuet_core::bls::{BlsPublicKey, BlsSignature, aggregate, verify_aggregate};
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{Bytes, View};
use std::fs;

/// The negative of a compressed point: the same x with the other sign of y.
fn negative(signature: BlsSignature) -> BlsSignature {
    let mut bytes = signature.0;
    bytes[0] ^= 0x20;
    BlsSignature(bytes)
}

/// Two genuine statements, one off by δ, the other by −δ: wrong each, right together.
fn cancelling(stage: &Stage, statement: Statement, [first, second]: [u16; 2]) -> [SignedStatement; 2] {
    let delta = stage.chain.sign(nullify(u64::MAX), 5).signature.bls().unwrap();
    let off = |signer, delta| {
        let signed = stage.chain.sign(statement, signer);
        let genuine = signed.signature.bls().unwrap();
        SignedStatement { signature: aggregate(&[genuine, delta]).unwrap().into(), ..signed }
    };
    [off(first, delta), off(second, negative(delta))]
}

/// A node that has voted for the block of view 2, led by puppet 2.
fn voted() -> (Stage, Header) {
    let mut stage = Stage::new();
    stage.goes_on();
    let block = stage.proposed();
    assert_eq!(block.proposer().0, 2);
    (stage, block)
}

fn vote(stage: &Stage, block: &Header, signers: &[u16]) {
    for signer in signers {
        stage.puppet(*signer).statement(&stage.chain.sign(notarize(block), *signer));
    }
}

#[test]
fn a_vote_with_a_bad_signature_is_found_among_good_ones_and_its_signer_is_thrown_out() {
    let (mut stage, block) = voted();
    let liar = 5;
    let bad = |stage: &Stage, view, digest| {
        let of_another = stage.chain.sign(nullify(view), liar);
        SignedStatement { statement: Statement::Notarize { view: View(view), digest }, ..of_another }
    };
    stage.puppet(liar).statement(&bad(&stage, block.view().0, block.digest()));
    // With the bad one they are enough, without it one is missing.
    vote(&stage, &block, &[1, 3]);
    stage.refuses("bad_statement_signature", 1);
    assert_eq!(stage.status().height, 1);
    vote(&stage, &block, &[4]);
    stage.settles(&block);

    // Two at once: that is enough.
    for digest in [nowhere(1), nowhere(2)] {
        stage.puppet(liar).statement(&bad(&stage, stage.view, digest));
    }
    stage.refuses("bad_statement_signature", 3);
    stage.bans(liar);
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn errors_that_cancel_out_make_no_other_certificate_than_the_true_one() {
    let mut stage = Stage::new();
    stage.goes_on();
    let [first, second] = cancelling(&stage, nullify(2), [3, 4]);
    stage.puppet(3).statement(&first);
    stage.puppet(4).statement(&second);
    stage.puppet(5).statement(&stage.chain.sign(nullify(2), 5));
    // Only together are they enough, and the sum of the three is that of three honest ones.
    stage.passed();
    assert_eq!(stage.gap[0], stage.chain.nullification(2, &[3, 4, 5]));
    assert_eq!(stage.faults(), 0);
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn one_half_of_a_pair_of_errors_is_found_and_nobody_else_blamed() {
    let (mut stage, block) = voted();
    let [first, _] = cancelling(&stage, notarize(&block), [3, 4]);
    stage.puppet(3).statement(&first);
    vote(&stage, &block, &[1, 5]);
    stage.refuses("bad_statement_signature", 1);
    assert_eq!(stage.status().height, 1, "four good votes make nothing final");
    vote(&stage, &block, &[4]);
    stage.settles(&block);
    assert_eq!(stage.faults(), 1, "only the one");
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn errors_that_cancel_out_are_no_evidence_against_a_view() {
    let (mut stage, block) = voted();
    let [first, second] = cancelling(&stage, nullify(block.view().0), [3, 4]);
    stage.puppet(3).statement(&first);
    stage.puppet(4).statement(&second);
    // The third other one, and genuine: were the two taken together, R5 would hold.
    let other = Statement::Notarize { view: block.view(), digest: nowhere(1) };
    stage.puppet(5).statement(&stage.chain.sign(other, 5));
    stage.refuses("bad_statement_signature", 2);
    vote(&stage, &block, &[1, 3, 4]);
    stage.settles(&block);
    stage.goes_on();
    assert!(!stage.has_said(nullify(block.view().0)));
    stage.ends_well();
}

#[test]
fn a_chain_with_a_key_made_from_anothers_is_refused_at_the_start() {
    // Validator 1's point minus validator 0's: whoever holds key 1 signs for both.
    let victim = bls_key(0).public_key();
    let rogue = BlsPublicKey::from_bytes(&hex::decode(ROGUE_KEY).unwrap()).unwrap();
    let message = b"anything";
    let alone = bls_key(1).sign(message);
    assert_eq!(verify_aggregate(&[&victim, &rogue], message, &alone), Ok(()), "this is what the key is for");

    let mut stage = Stage::new();
    stage.kill();
    let honest = genesis_file();
    for proof in [bls_key(1).prove_possession(), bls_key(1).sign(rogue.as_bytes()), alone] {
        let mut genesis = honest.clone();
        genesis.validators[1].bls_key = Bytes::copy_from_slice(rogue.as_bytes());
        genesis.validators[1].proof_of_possession = Bytes::copy_from_slice(proof.as_bytes());
        let config = stage.config();
        fs::write(config.with_file_name("genesis.json"), serde_json::to_string(&genesis).unwrap()).unwrap();
        let message = refused(3, &["node", "--config", config.to_str().unwrap()]);
        assert!(message.contains("validator 1") && message.contains("proof_of_possession"), "{message}");
    }
}

#[test]
fn statements_for_no_view_or_of_nobody_are_refused() {
    let (mut stage, block) = voted();
    // Genuine, but somebody else's, or of a signer that does not exist.
    stage.puppet(3).statement(&stage.chain.sign(notarize(&block), 4));
    stage.refuses("foreign_statement", 1);
    let own = stage.chain.sign(Statement::Nullify { view: View(block.view().0) }, 0);
    stage.puppet(4).statement(&own);
    stage.refuses("foreign_statement", 2);
    let nobody = SignedStatement { signer: minuet_core::ValidatorIndex(u16::MAX), ..own };
    stage.puppet(5).statement(&nobody);
    stage.refuses("foreign_statement", 3);
    vote(&stage, &block, &[1, 3, 4, 5]);
    stage.settles(&block);
    let liar = 3;
    for _ in 0..8 {
        stage.puppet(liar).statement(&own);
    }
    stage.bans(liar);
    stage.is_undisturbed();
    stage.ends_well();
}

const ROGUE_KEY: &str = "804709e6ae8fb2d7fef7a0415cd1f9bea5a6d0362a387a96121670f22692aaf7d763205675621d2c9278f18fe4bc3e3012816f76ca1425a700373b98510e0bb27002350117d760025c1d271e0a11af128923c35c4b0304a2ea5dd2736b3bd633";
