//! Blocks that are none: other bodies under valid digests, headers off their fixed values, headers that do not fit their
//! parent, other results than their execution gives, blocks of somebody who does not lead.

use crate::harness::{Header, Stage, notarize};
use minuet_consensus::wire::{BodyMessage, Request, Response, ServedBlock};
use minuet_core::alloy_primitives::{B64, Bloom};
use minuet_core::block::{Block, Body};
use minuet_core::bls::BlsSignature;
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::wire::FrameKind;
use minuet_core::{Address, B256, Bytes, Epoch, Height, TimeMs, U256, View, codec};
use std::sync::Arc;

/// More than any offence needs for a ban.
const OFTEN: usize = 8;

fn body_of(block: &Block) -> BodyMessage {
    BodyMessage { digest: block.digest(), body: block.body().clone() }
}

#[test]
fn another_body_under_a_blocks_digest_is_refused_until_the_right_one_comes() {
    let mut stage = Stage::new();
    let block = stage.chain.block_with(1, vec![stage.chain.transfer(0), stage.chain.transfer(1)]);
    let header = block.header().clone();
    let mut swapped = (**block.body()).clone();
    swapped.transactions.swap(0, 1);
    let shortened = Body { transactions: block.body().transactions[..1].to_vec() };
    stage.proposes(&header);
    // Then it knows the header.
    stage.asks(&Request::Block(header.digest()));
    for (puppet, body) in [(2, swapped), (3, shortened), (4, Body::default())] {
        stage.puppet(puppet).body(&BodyMessage { digest: header.digest(), body: Arc::new(body) });
    }
    stage.refuses("wrong_body", 3);
    let liar = 5;
    for _ in 0..OFTEN {
        stage.puppet(liar).body(&BodyMessage { digest: header.digest(), body: Arc::default() });
    }
    stage.bans(liar);
    assert!(!stage.has_said(notarize(&header)), "it voted for what it could not execute");

    stage.puppet(1).body(&body_of(&block));
    stage.sees(notarize(&header));
    stage.votes(&header);
    stage.settles(&header);
    assert_eq!(stage.api().block(1).transaction_count, 2);
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn another_body_in_an_answer_is_refused_and_the_next_peer_is_asked() {
    let mut stage = Stage::new();
    let block = stage.chain.block_with(1, vec![stage.chain.transfer(0)]);
    let header = block.header().clone();
    let lie = Block::sealed(header.clone(), Arc::default());
    let answer = |block: Block| Response::Blocks(vec![ServedBlock { block, finalization: None }]).to_bytes();
    let (lie, truth) = (answer(lie), answer(block));
    for puppet in stage.cast() {
        let payload = if puppet.index == 5 { truth.clone() } else { lie.clone() };
        puppet.answers(move |_| Some((FrameKind::Response, payload.clone())));
    }
    stage.proposes(&header);
    stage.sees(notarize(&header));
    stage.votes(&header);
    stage.settles(&header);
    stage.ends_well();
}

/// The encoding of a header with a field changed that Ethereum has and this chain has not.
macro_rules! with {
    ($header:expr, $field:ident = $value:expr) => {{
        let mut changed = $header.ethereum().clone();
        changed.$field = $value;
        codec::encode(&changed)
    }};
}

#[test]
fn headers_off_their_fixed_values_are_refused_whoever_sends_them() {
    let mut stage = Stage::new();
    stage.goes_on();
    let header = stage.chain.child(&stage.tip, stage.view);
    let changed = [
        with!(header, ommers_hash = B256::ZERO),
        with!(header, logs_bloom = Bloom::repeat_byte(1)),
        with!(header, difficulty = U256::from(1)),
        with!(header, mix_hash = B256::repeat_byte(1)),
        with!(header, nonce = B64::repeat_byte(1)),
        with!(header, withdrawals_root = Some(B256::ZERO)),
        with!(header, blob_gas_used = Some(1)),
        with!(header, excess_blob_gas = Some(u64::MAX)),
        with!(header, parent_beacon_block_root = Some(B256::repeat_byte(1))),
        with!(header, requests_hash = Some(B256::ZERO)),
        with!(header, requests_hash = None),
        with!(header, block_access_list_hash = Some(B256::ZERO)),
    ];
    are_malformed(&mut stage, &header, &changed);
}

#[test]
fn extra_data_that_is_not_canonical_is_refused() {
    let mut stage = Stage::new();
    stage.goes_on();
    let header = stage.chain.child(&stage.tip, stage.view);
    let good = header.ethereum().extra_data.to_vec();
    // A list of version, epoch, view, parent's view, proposer, milliseconds: one byte each here.
    assert_eq!(good, [0xc6, 1, 0x80, 2, 1, 2, 0x80]);
    let extra = |bytes: &[u8]| with!(header, extra_data = Bytes::copy_from_slice(bytes));
    let changed = [
        extra(&[]),
        extra(&[0; 32]),
        extra(&good[..6]),
        extra(&[&good[..], &[0]].concat()),
        extra(&[0xc7, 1, 0x80, 2, 1, 2, 0x80, 0x80]),
        extra(&[0xc5, 1, 0x80, 2, 1, 2]),
        extra(&[0xc6, 1, 0, 2, 1, 2, 0x80]),
        extra(&[0xc7, 0x81, 1, 0x80, 2, 1, 2, 0x80]),
        extra(&[0xc8, 1, 0x80, 0x82, 0, 2, 1, 2, 0x80]),
        extra(&[0xf8, 6, 1, 0x80, 2, 1, 2, 0x80]),
        extra(&[0xc6, 2, 0x80, 2, 1, 2, 0x80]),
        extra(&[0xc8, 1, 0x80, 2, 1, 2, 0x82, 0x03, 0xe8]),
        extra(&[0x86, 1, 0x80, 2, 1, 2, 0x80]),
    ];
    are_malformed(&mut stage, &header, &changed);
}

/// Each comes as a proposal signed by its leader; each is refused, and so is the block that it pretends to be.
fn are_malformed(stage: &mut Stage, header: &Header, changed: &[Vec<u8>]) {
    let (view, proposer) = (header.view().0, header.proposer().0);
    let good = codec::encode(header.ethereum());
    assert_eq!(minuet_core::keccak256(&good), header.digest(), "nothing else is wrong with them");
    for (bytes, puppet) in changed.iter().zip(stage.cast().collect::<Vec<_>>().iter().cycle()) {
        assert_ne!(*bytes, good);
        puppet.send(FrameKind::Proposal, stage.chain.raw_proposal(view, proposer, bytes.clone()));
    }
    stage.refuses("malformed", changed.len() as u64);
    let liar = 4;
    for _ in 0..OFTEN {
        stage.puppet(liar).send(FrameKind::Proposal, stage.chain.raw_proposal(view, proposer, changed[0].clone()));
    }
    stage.bans(liar);
    assert!(stage.witness().statements().iter().all(|statement| statement.view().0 < view), "it voted");
    stage.puppet(proposer).send(FrameKind::Proposal, stage.chain.raw_proposal(view, proposer, good));
    stage.sees(notarize(header));
    stage.votes(header);
    stage.settles(header);
    stage.is_undisturbed();
}

fn parts(header: &BlockHeader) -> HeaderParts {
    let ethereum = header.ethereum();
    HeaderParts {
        epoch: header.epoch(),
        view: header.view(),
        parent_view: header.parent_view(),
        proposer: header.proposer(),
        parent: header.parent(),
        height: header.height(),
        time: header.time(),
        beneficiary: ethereum.beneficiary,
        state_root: header.state_root(),
        transactions_root: header.transactions_root(),
        receipts_root: ethereum.receipts_root,
        gas_limit: ethereum.gas_limit,
        gas_used: header.gas_used(),
        base_fee: header.base_fee(),
    }
}

#[test]
fn headers_that_do_not_fit_their_parent_are_refused_and_their_leaders_blamed() {
    type Change = fn(&mut HeaderParts);
    let changes: [Change; 14] = [
        |parts| parts.height = parts.height.next(),
        |parts| parts.height = Height(parts.height.0 - 1),
        |parts| parts.height = Height(u64::MAX),
        |parts| parts.epoch = Epoch(1),
        |parts| parts.parent_view = View(0),
        |parts| parts.parent = B256::repeat_byte(1),
        |parts| parts.beneficiary = Address::ZERO,
        |parts| parts.time = TimeMs(parts.time.0 - 1),
        |parts| parts.time = TimeMs(0),
        |parts| parts.base_fee += 1,
        |parts| parts.base_fee = u64::MAX,
        |parts| parts.gas_limit -= 1,
        |parts| parts.gas_used = 21_000,
        |parts| parts.state_root = B256::repeat_byte(1),
    ];
    let mut stage = Stage::new();
    stage.goes_on();
    let mut refused = 0;
    for change in changes {
        while stage.leader() == stage.me {
            stage.goes_on();
        }
        let good = stage.chain.child(&stage.tip, stage.view);
        let mut parts = parts(&good);
        change(&mut parts);
        let bad = Arc::new(BlockHeader::seal(&parts));
        assert_ne!(bad.digest(), good.digest());
        // What it claims to stand on is proven.
        let proof =
            stage.tip_proof.clone().filter(|proof| proof.view == bad.parent_view() && proof.digest == bad.parent());
        stage.puppet(bad.proposer().0).proposal(&stage.chain.proposal(&bad, proof, stage.gap.clone()));
        refused += 1;
        stage.refuses("invalid_proposal", refused);
        stage.passes();
        assert!(!stage.has_said(notarize(&bad)));
    }
    stage.ends_well();
}

#[test]
fn another_result_than_execution_gives_is_refused() {
    let mut stage = Stage::new();
    let block = stage.chain.block_with(1, vec![stage.chain.transfer(0)]);
    let mut parts = parts(block.header());
    parts.state_root = B256::repeat_byte(1);
    let bad = Arc::new(BlockHeader::seal(&parts));
    stage.proposes(&bad);
    stage.puppet(1).body(&BodyMessage { digest: bad.digest(), body: block.body().clone() });
    stage.refuses("invalid_proposal", 1);
    stage.passes();
    assert!(!stage.has_said(notarize(&bad)));
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn a_block_of_somebody_who_does_not_lead_is_refused() {
    let mut stage = Stage::new();
    stage.goes_on();
    let header = stage.chain.child(&stage.tip, stage.view);
    let leader = header.proposer().0;
    let proposal = stage.chain.proposal(&header, stage.tip_proof.clone(), vec![]);
    // Another's genuine one; one's own under the leader's name; one's own under one's own name.
    stage.puppet(3).proposal(&proposal);
    let renamed = BlockHeader::seal(&HeaderParts { proposer: minuet_core::ValidatorIndex(4), ..parts(&header) });
    stage.puppet(4).proposal(&stage.chain.proposal(&Arc::new(renamed.clone()), stage.tip_proof.clone(), vec![]));
    stage.puppet(leader).proposal(&stage.chain.proposal(&Arc::new(renamed), stage.tip_proof.clone(), vec![]));
    stage.refuses("foreign_proposal", 3);
    assert!(!stage.has_said(notarize(&header)));
    let liar = 3;
    for _ in 0..OFTEN {
        stage.puppet(liar).proposal(&proposal);
    }
    stage.bans(liar);
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn a_leader_whose_own_signature_is_bad_loses_only_its_own_vote() {
    let mut stage = Stage::new();
    stage.goes_on();
    let header = stage.chain.child(&stage.tip, stage.view);
    let leader = header.proposer().0;
    let mut proposal = stage.chain.proposal(&header, stage.tip_proof.clone(), vec![]);
    proposal.signature = BlsSignature([0xff; 48]).into();
    stage.puppet(leader).proposal(&proposal);
    stage.sees(notarize(&header));
    stage.votes(&header);
    stage.refuses("bad_statement_signature", 1);
    stage.settles(&header);
    stage.is_undisturbed();
    stage.ends_well();
}
