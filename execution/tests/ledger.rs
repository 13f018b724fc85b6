//! Judging, sealing and committing blocks.

mod support;

use minuet_core::block::{Block, Body};
use minuet_core::evidence::Evidence;
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::messages::{ChainQuery, StateNotice, Verdict};
use minuet_core::statement::Statement;
use minuet_core::transaction::{Transaction, UnsignedTransaction, transactions_root};
use minuet_core::{B256, Digest, Epoch, Height, TimeMs, U256, ValidatorIndex, View};
use minuet_execution::ledger::CommitRefusal;
use minuet_execution::trie::trie_key;
use minuet_execution::{Ledger, LedgerError, LedgerOptions, Workers};
use std::sync::Arc;
use support::*;

fn ledger() -> Ledger {
    open(&Arc::default(), &genesis())
}

/// The same block with some parts changed.
fn changed(block: &Block, change: impl FnOnce(&mut HeaderParts, &mut Body)) -> Block {
    let (header, ethereum) = (block.header(), block.header().ethereum());
    let mut body = Body::clone(block.body());
    let mut parts = HeaderParts {
        epoch: Epoch(0),
        view: header.view(),
        parent_view: header.parent_view(),
        proposer: header.proposer(),
        parent: header.parent(),
        height: header.height(),
        time: header.time(),
        beneficiary: ethereum.beneficiary,
        state_root: ethereum.state_root,
        transactions_root: ethereum.transactions_root,
        receipts_root: ethereum.receipts_root,
        gas_limit: ethereum.gas_limit,
        gas_used: ethereum.gas_used,
        base_fee: header.base_fee(),
    };
    change(&mut parts, &mut body);
    parts.transactions_root = transactions_root(&body.transactions);
    Block::new(Arc::new(BlockHeader::seal(&parts)), Arc::new(body)).unwrap()
}

fn invalid(ledger: &mut Ledger, block: &Block) -> String {
    match verdict(ledger, block) {
        Verdict::Invalid(reason) => reason,
        other => panic!("{other:?} instead of invalid"),
    }
}

fn some_transfers(genesis: &minuet_core::genesis::Genesis) -> Vec<Arc<Transaction>> {
    (0..20).map(|i| transfer(genesis, i % 5, u64::from(i / 5), stranger(u64::from(i) % 7), 1_000)).collect()
}

#[test]
fn a_block_sealed_by_one_ledger_is_valid_on_another() {
    let genesis = genesis();
    let (mut proposer, mut other) = (ledger(), ledger());
    let mut parent = Arc::clone(proposer.tip());
    for view in 1..4 {
        let transactions = if view == 2 {
            vec![]
        } else {
            (0..5).map(|sender| transfer(&genesis, sender, view / 3, stranger(view), 5)).collect()
        };
        let (block, notice) = proposer.seal(&parts(&parent, view), transactions).unwrap();
        assert_eq!(block.body().transactions.len(), if view == 2 { 0 } else { 5 });
        let judgement = other.judge(&block).unwrap();
        assert_eq!(judgement.verdict, Verdict::Valid);
        assert_eq!(notice.is_some(), view != 2, "the mempool hears of blocks with transactions");
        assert_eq!(judgement.notice.is_some(), view != 2);
        assert_eq!(verdict(&mut proposer, &block), Verdict::Valid, "judging an own block is free");
        parent = Arc::clone(block.header());
    }
    assert_eq!(proposer.signatures_checked(), 0);
    assert_eq!(other.signatures_checked(), 10);
}

#[test]
fn a_changed_claim_is_invalid_and_named() {
    let genesis = genesis();
    let (mut proposer, mut other) = (ledger(), ledger());
    let tip = Arc::clone(proposer.tip());
    let block = seal(&mut proposer, &tip, 1, some_transfers(&genesis));
    type Change = fn(&mut HeaderParts, &mut Body);
    let cases: [(&str, Change); 8] = [
        ("state root is", |parts, _| parts.state_root = B256::ZERO),
        ("receipts root is", |parts, _| parts.receipts_root = B256::ZERO),
        ("gas used is", |parts, _| parts.gas_used += 1),
        ("gas limit 1 is not", |parts, _| parts.gas_limit = 1),
        ("height 5 on a parent of height 0", |parts, _| parts.height = Height(5)),
        ("gas used is 399000", |_, body| drop(body.transactions.pop())),
        ("nonce 3 is not the sender's next, 0", |_, body| body.transactions.swap(0, 15)),
        ("below the block's base fee", |parts, _| parts.base_fee = 5_001),
    ];
    for (expected, change) in cases {
        let bad = changed(&block, change);
        let reason = invalid(&mut other, &bad);
        assert!(reason.contains(expected), "{expected}: {reason}");
        assert_eq!(invalid(&mut other, &bad), reason, "the verdict stays");
    }
    assert_eq!(other.mismatches(), 4, "two roots and twice the gas, each counted once");
    assert_eq!(verdict(&mut other, &block), Verdict::Valid);
}

#[test]
fn transactions_that_no_state_makes_valid_are_invalid_in_a_block() {
    let genesis = genesis();
    let (mut proposer, mut other) = (ledger(), ledger());
    let tip = Arc::clone(proposer.tip());
    let block = seal(&mut proposer, &tip, 1, vec![transfer(&genesis, 0, 0, stranger(1), 1)]);
    let with = |envelope: minuet_core::Bytes| changed(&block, |_, body| body.transactions = vec![envelope]);
    let signed = |change: fn(&mut UnsignedTransaction)| {
        let mut unsigned = unsigned(0, stranger(1), 1);
        change(&mut unsigned);
        unsigned.sign(&key(0), &genesis.digest()).envelope().clone()
    };
    let forged = unsigned(0, stranger(1), 1).sign(&key(0), &B256::ZERO).envelope().clone();
    let cases = [
        ("is for chain 78", signed(|t| t.chain_id = 78)),
        ("max_priority_fee_per_gas 6000 is above", signed(|t| t.max_priority_fee_per_gas = 6_000)),
        ("gas limit 20999 is below", signed(|t| t.gas_limit = 20_999)),
        ("the gas limits up to here exceed", signed(|t| t.gas_limit = GAS_LIMIT + 1)),
        ("balance", signed(|t| t.value = U256::MAX / U256::from(2))),
        ("signature is not valid", forged),
        ("type 0x02 is not supported", vec![2, 0xc0].into()),
        ("transaction 0:", vec![0x6d, 0xc1].into()),
    ];
    for (expected, envelope) in cases {
        let reason = invalid(&mut other, &with(envelope));
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

#[test]
fn an_empty_block_must_change_nothing() {
    let (mut proposer, mut other) = (ledger(), ledger());
    let tip = Arc::clone(proposer.tip());
    let block = seal(&mut proposer, &tip, 1, vec![]);
    assert_eq!(block.header().state_root(), tip.state_root());
    assert!(invalid(&mut other, &changed(&block, |parts, _| parts.state_root = B256::ZERO)).contains("state root"));
    assert!(invalid(&mut other, &changed(&block, |parts, _| parts.gas_used = 1)).contains("gas used"));
    assert_eq!(verdict(&mut other, &block), Verdict::Valid);
}

#[test]
fn a_block_whose_parent_is_not_executed_is_not_yet_judged() {
    let (mut proposer, mut other) = (ledger(), ledger());
    let tip = Arc::clone(proposer.tip());
    let first = seal(&mut proposer, &tip, 1, vec![]);
    let second = seal(&mut proposer, first.header(), 2, vec![]);
    assert_eq!(verdict(&mut other, &second), Verdict::MissingParent);
    assert!(other.seal(&parts(second.header(), 3), vec![]).is_none());
    assert_eq!(verdict(&mut other, &first), Verdict::Valid);
    assert_eq!(verdict(&mut other, &second), Verdict::Valid, "not yet is not remembered");
}

#[test]
fn sealing_leaves_out_what_does_not_execute() {
    let genesis = genesis();
    let (mut proposer, mut other) = (ledger(), ledger());
    let tip = Arc::clone(proposer.tip());
    let fat = UnsignedTransaction { gas_limit: GAS_LIMIT, ..unsigned(0, stranger(1), 1) };
    let transactions = vec![
        transfer(&genesis, 0, 0, stranger(1), 1),
        transfer(&genesis, 0, 0, stranger(2), 1),
        transfer(&genesis, 1, 1, stranger(1), 1),
        transfer(&genesis, 99, 0, stranger(1), 1),
        Arc::new(fat.sign(&key(2), &genesis.digest())),
        transfer(&genesis, 0, 1, stranger(1), 1),
    ];
    let block = seal(&mut proposer, &tip, 1, transactions.clone());
    let kept = vec![transactions[0].envelope().clone(), transactions[5].envelope().clone()];
    assert_eq!(block.body().transactions, kept);
    assert_eq!(verdict(&mut other, &block), Verdict::Valid);
}

#[test]
fn a_sealed_body_stays_within_its_limit() {
    let genesis = genesis();
    let mut proposer = ledger();
    let tip = Arc::clone(proposer.tip());
    let big = |nonce| {
        let data = vec![0; 120 * 1024].into();
        let unsigned = UnsignedTransaction { data, gas_limit: 2_100_000, ..unsigned(nonce, stranger(1), 1) };
        Arc::new(unsigned.sign(&key(0), &genesis.digest()))
    };
    let block = seal(&mut proposer, &tip, 1, (0..20).map(big).collect());
    assert_eq!(block.body().transactions.len(), 17);
    assert!(Body::decode(&block.body().encode()).is_ok());
}

#[test]
fn a_signature_known_from_admission_is_not_checked_again() {
    let genesis = genesis();
    let (mut proposer, mut other) = (ledger(), ledger());
    let transactions = some_transfers(&genesis);
    let tip = Arc::clone(proposer.tip());
    let block = seal(&mut proposer, &tip, 1, transactions.clone());
    for known in &transactions[..15] {
        other.admit(Arc::clone(known));
    }
    assert_eq!(verdict(&mut other, &block), Verdict::Valid);
    assert_eq!(other.signatures_checked(), 5);
}

#[test]
fn siblings_have_their_own_states_and_the_losing_one_goes() {
    let genesis = genesis();
    let mut ledger = ledger();
    let tip = Arc::clone(ledger.tip());
    let winner = seal(&mut ledger, &tip, 1, vec![transfer(&genesis, 0, 0, stranger(1), 10)]);
    let loser = seal(&mut ledger, &tip, 2, vec![transfer(&genesis, 0, 0, stranger(2), 20)]);
    let child = seal(&mut ledger, winner.header(), 3, vec![transfer(&genesis, 0, 1, stranger(1), 5)]);
    let orphan = seal(&mut ledger, loser.header(), 4, vec![]);
    commit(&mut ledger, &[&winner]);
    assert_eq!(ledger.tip().digest(), winner.digest());
    let held: Vec<bool> =
        [&winner, &loser, &child, &orphan].map(|b| ledger.unfinalized().get(&b.digest()).is_some()).to_vec();
    assert_eq!(held, [false, false, true, false]);
    let balance = |ledger: &Ledger, seed| ledger.state().get(&trie_key(&stranger(seed))).map(|a| a.balance);
    assert_eq!((balance(&ledger, 1), balance(&ledger, 2)), (Some(U256::from(10)), None));
    commit(&mut ledger, &[&child]);
    assert_eq!(balance(&ledger, 1), Some(U256::from(15)));
    assert_eq!(verdict(&mut ledger, &winner), Verdict::Valid, "a final block stays valid");
    assert_eq!(verdict(&mut ledger, &loser), Verdict::MissingParent);
    assert_eq!(ledger.state().clone().root_hash(Workers::Inline), child.header().state_root());
}

#[test]
fn beyond_the_most_that_wait_only_what_is_final_is_executed() {
    let mut leader = ledger();
    let mut chain: Vec<Block> = Vec::new();
    for view in 1..=4 {
        let parent = chain.last().map_or_else(|| Arc::clone(leader.tip()), |block| Arc::clone(block.header()));
        chain.push(seal(&mut leader, &parent, view, vec![]));
    }
    let options = LedgerOptions { workers: Workers::Inline, most_unfinalized: 2, ..LedgerOptions::default() };
    let mut ledger = Ledger::open(Arc::<TestStore>::default(), &genesis(), options).unwrap();
    let verdicts: Vec<Verdict> = chain.iter().map(|block| verdict(&mut ledger, block)).collect();
    assert_eq!(verdicts, [Verdict::Valid, Verdict::Valid, Verdict::MissingParent, Verdict::MissingParent]);
    assert!(ledger.seal(&parts(chain[1].header(), 5), vec![]).is_none(), "nor is one made");
    for block in &chain[2..] {
        assert_eq!(verdict(&mut ledger, block), Verdict::MissingParent);
        assert_eq!(ledger.judge_timed(block, true, &mut || 0).unwrap().verdict, Verdict::Valid);
    }
    commit(&mut ledger, &chain.iter().collect::<Vec<_>>());
    assert_eq!(ledger.tip().digest(), chain[3].digest());
    assert!(ledger.seal(&parts(chain[3].header(), 6), vec![]).is_some());
}

#[test]
fn a_commit_tells_of_every_changed_account_once_and_of_every_block() {
    let genesis = genesis();
    let mut ledger = ledger();
    let tip = Arc::clone(ledger.tip());
    let first = seal(&mut ledger, &tip, 1, vec![transfer(&genesis, 0, 0, stranger(1), 10)]);
    let second = seal(&mut ledger, first.header(), 2, vec![transfer(&genesis, 0, 1, stranger(1), 5)]);
    let digests = [first.digest(), second.digest()];
    let finality = ledger.commit(&digests, &finalization(digests[1])).unwrap().unwrap();
    let StateNotice::Finalized { header, blocks, accounts } = finality.notice else { panic!("not finalized") };
    assert_eq!((header.digest(), blocks.as_slice()), (digests[1], digests.as_slice()));
    assert_eq!(accounts.len(), 3);
    assert!(accounts.contains(&(stranger(1), 0, U256::from(15))));
    assert!(accounts.iter().any(|(whose, nonce, _)| *whose == address(0) && *nonce == 2));
    let heights: Vec<u64> = finality.events.iter().map(|event| event.header.height().0).collect();
    assert_eq!(heights, [1, 2]);
    assert_eq!(finality.events[0].body_bytes, first.body().encode().len());
    let again = ledger.commit(&digests, &finalization(digests[1])).unwrap();
    assert!(again.is_none(), "what is final already is skipped");
    let third = seal(&mut ledger, second.header(), 3, vec![]);
    let overlapping = [digests[1], third.digest()];
    let finality = ledger.commit(&overlapping, &finalization(third.digest())).unwrap().unwrap();
    assert_eq!(finality.events.len(), 1);
}

#[test]
fn a_commit_that_contradicts_the_chain_stops_the_node() {
    let mut ledger = ledger();
    let tip = Arc::clone(ledger.tip());
    let first = seal(&mut ledger, &tip, 1, vec![]);
    let second = seal(&mut ledger, first.header(), 2, vec![]);
    let refusal = |ledger: &mut Ledger, blocks: &[Digest], finalized: Digest| match ledger
        .commit(blocks, &finalization(finalized))
    {
        Err(LedgerError::Commit(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let (one, two, unknown) = (first.digest(), second.digest(), B256::repeat_byte(3));
    assert_eq!(refusal(&mut ledger, &[one, unknown], unknown), CommitRefusal::NotExecuted(unknown));
    let (tip, height) = (ledger.tip().digest(), Height(0));
    assert_eq!(refusal(&mut ledger, &[two], two), CommitRefusal::NotExtending { digest: two, tip, height });
    let wrong = CommitRefusal::WrongFinalization { finalization: two, last: Some(one) };
    assert_eq!(refusal(&mut ledger, &[one], two), wrong);
    assert_eq!(ledger.tip().height(), Height(0));
}

#[test]
fn an_empty_block_writes_little() {
    let store = Arc::new(TestStore::default());
    let mut ledger = open(&store, &genesis());
    let tip = Arc::clone(ledger.tip());
    let block = seal(&mut ledger, &tip, 1, vec![]);
    commit(&mut ledger, &[&block]);
    assert!(store.last_batch_bytes() <= 1_200, "{} bytes", store.last_batch_bytes());
}

#[test]
fn a_failed_write_changes_nothing() {
    let genesis = genesis();
    let store = Arc::new(TestStore::default());
    let mut ledger = open(&store, &genesis);
    let tip = Arc::clone(ledger.tip());
    let block = seal(&mut ledger, &tip, 1, some_transfers(&genesis));
    let before = store.snapshot();
    store.fail_after(0);
    let error = ledger.commit(&[block.digest()], &finalization(block.digest())).unwrap_err();
    assert!(matches!(error, LedgerError::Store(_)), "{error}");
    assert!(store.snapshot() == before && ledger.tip().height() == Height(0));
    store.heal();
    assert_eq!(open(&store, &genesis).tip().height(), Height(0));
}

#[test]
fn final_blocks_are_served_within_the_asked_bounds() {
    let genesis = genesis();
    let mut ledger = ledger();
    let mut parent = Arc::clone(ledger.tip());
    let mut blocks = Vec::new();
    for view in 1..=6u64 {
        let transactions = vec![transfer(&genesis, 0, view - 1, stranger(view), 1)];
        let block = seal(&mut ledger, &parent, view, transactions);
        parent = Arc::clone(block.header());
        blocks.push(block);
    }
    commit(&mut ledger, &blocks[..3].iter().collect::<Vec<_>>());
    commit(&mut ledger, &blocks[3..5].iter().collect::<Vec<_>>());
    let range = |from, max_blocks, max_bytes| {
        let served = ledger.serve(ChainQuery::Range { from: Height(from), max_blocks, max_bytes }).unwrap();
        served.iter().map(|block| block.block.header().height().0).collect::<Vec<_>>()
    };
    assert_eq!(range(2, 10, 1_000_000), [2, 3, 4, 5], "unfinalized blocks are not served");
    assert_eq!(range(2, 2, 1_000_000), [2, 3]);
    assert_eq!(range(1, u32::MAX, 1), [1], "one block at least");
    assert_eq!(range(1, 10, 1_900), [1, 2]);
    assert!(range(6, 10, 1_000_000).is_empty());
    assert!(range(u64::MAX, 10, 1_000_000).is_empty());
    let of = |digest| ledger.serve(ChainQuery::Digest(digest)).unwrap();
    assert_eq!(of(blocks[2].digest())[0].block, blocks[2]);
    assert!(of(blocks[2].digest())[0].finalization.is_some() && of(blocks[1].digest())[0].finalization.is_none());
    assert!(of(blocks[5].digest()).is_empty());
}

#[test]
fn the_parts_of_a_sealed_header_are_the_proposers() {
    let mut ledger = ledger();
    let tip = Arc::clone(ledger.tip());
    let block = seal(&mut ledger, &tip, 9, vec![]);
    let header = block.header();
    assert_eq!((header.view(), header.parent_view(), header.height()), (View(9), View(0), Height(1)));
    assert_eq!((header.proposer(), header.time()), (ValidatorIndex(1), TimeMs(1_000_010)));
    assert_eq!(BlockHeader::decode(&header.encode()).unwrap(), **header);
}

#[test]
fn evidence_is_stored_once_and_bounded_for_each_validator_and_survives_a_restart() {
    let store: Arc<TestStore> = Arc::default();
    let genesis = genesis();
    let mut ledger = open(&store, &genesis);
    let context = genesis.signing_context();
    let key = minuet_core::bls::BlsSecretKey::from_ikm(&[9; 32]);
    let piece = |view: u64, signer: u16| {
        let vote = |byte| {
            let statement = Statement::Notarize { view: View(view), digest: Digest::repeat_byte(byte) };
            statement.sign(ValidatorIndex(signer), &key, &context)
        };
        Evidence::Equivocation([vote(1), vote(2)])
    };
    for _ in 0..2 {
        ledger.keep_evidence(&piece(7, 1)).unwrap();
    }
    assert_eq!(ledger.evidence_count(), 1);
    let mut ledger = open(&store, &genesis);
    assert_eq!(ledger.evidence_count(), 1);
    assert_eq!(ledger.reader().evidence(&[], 10).unwrap(), [piece(7, 1)]);
    for view in 8..400 {
        ledger.keep_evidence(&piece(view, 1)).unwrap();
    }
    ledger.keep_evidence(&piece(9, 2)).unwrap();
    assert_eq!(ledger.evidence_count(), 257, "one validator's does not crowd out another's");
    let views: Vec<_> = ledger.reader().evidence(&piece(9, 0).key(), 3).unwrap();
    assert_eq!(views, [piece(9, 1), piece(9, 2), piece(10, 1)]);
    store.fail_after(0);
    assert!(ledger.keep_evidence(&piece(9, 3)).is_err(), "D-FAIL-STOP");
}
