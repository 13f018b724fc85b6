//! The driver on its rings, polled and on its thread.

mod support;

use minuet_core::messages::{Admitted, FinalizedBlock, LedgerReply, LedgerRequest, StateNotice, Verdict};
use minuet_core::ring::{Doorbell, Receiver, Sender, ring, ring_with_room_bell};
use minuet_core::status::NodeStatus;
use minuet_core::{TimeMs, ValidatorIndex, View};
use minuet_execution::ledger::thread;
use minuet_execution::{LedgerDriver, LedgerError, LedgerRings, Turn};
use std::sync::Arc;
use support::*;

struct Outside {
    requests: Sender<LedgerRequest>,
    replies: Receiver<LedgerReply>,
    admitted: Sender<Admitted>,
    notices: Receiver<StateNotice>,
    events: Receiver<FinalizedBlock>,
    status: Arc<NodeStatus>,
}

fn driver(store: &Arc<TestStore>, bell: &Doorbell, notice_capacity: usize) -> (LedgerDriver, Outside) {
    let silent = Doorbell::silent();
    let (requests, requests_in) = ring(bell);
    let (replies, replies_in) = ring(&silent);
    let (admitted, admitted_in) = ring(&silent);
    let (notices, notices_in) = ring_with_room_bell(notice_capacity, &silent, bell);
    let (events, events_in) = ring(&silent);
    let rings = LedgerRings { requests: requests_in, replies, admitted: admitted_in, notices, events };
    let status = Arc::new(NodeStatus::default());
    let mut clock = 5_000_000;
    let now = move || {
        clock += 100;
        clock
    };
    let driver = LedgerDriver::new(open(store, &genesis()), rings, Arc::clone(&status), Box::new(now));
    let outside = Outside { requests, replies: replies_in, admitted, notices: notices_in, events: events_in, status };
    (driver, outside)
}

fn seal_request(view: u64, nonce: u64) -> LedgerRequest {
    let genesis = genesis();
    LedgerRequest::Seal {
        view: View(view),
        parent: Arc::new(genesis.header().clone()),
        proposer: ValidatorIndex(0),
        beneficiary: beneficiary(),
        time: TimeMs(2_000_000),
        base_fee: BASE_FEE,
        transactions: vec![transfer(&genesis, 0, nonce, stranger(view), 1)],
    }
}

#[test]
fn a_block_goes_from_seal_to_final() {
    let (mut driver, mut outside) = driver(&Arc::default(), &Doorbell::silent(), 16);
    outside.requests.try_send(seal_request(1, 0)).unwrap();
    assert_eq!(driver.turn().unwrap(), Turn::Wait);
    let Some(LedgerReply::Sealed { view: View(1), block: Some(block) }) = outside.replies.try_recv() else {
        panic!("not sealed")
    };
    let Some(StateNotice::Executed { digest, transactions, .. }) = outside.notices.try_recv() else {
        panic!("no notice")
    };
    assert_eq!((digest, transactions.len()), (block.digest(), 1));
    let finalization = Arc::new(finalization(digest));
    let commit = LedgerRequest::Commit { blocks: vec![digest], finalization };
    outside.requests.try_send(commit.clone()).unwrap();
    outside.requests.try_send(commit).unwrap();
    driver.turn().unwrap();
    assert!(matches!(outside.notices.try_recv(), Some(StateNotice::Finalized { .. })));
    for _ in 0..2 {
        let reply = outside.replies.try_recv();
        assert!(matches!(reply, Some(LedgerReply::Committed { height, digest: d }) if height.0 == 1 && d == digest));
    }
    let event = outside.events.try_recv().unwrap();
    assert_eq!((event.header.digest(), event.stored_at_us), (digest, 5_000_600));
    assert_eq!((outside.status.height.get(), outside.status.finalized_transactions.get()), (1, 1));
    assert_eq!((outside.status.finalized_blocks.get(), outside.status.finalized_gas.get()), (1, 21_000));
    assert_eq!(outside.status.commit_us.get(), 100);
    // One execution: the clock moves on by 100 with each look, twice around the root and twice around it all.
    let (mut executions, mut roots) = (Vec::new(), Vec::new());
    outside.status.times.execution.drain(|us| executions.push(us));
    outside.status.times.state_root.drain(|us| roots.push(us));
    assert_eq!((executions, roots), (vec![300], vec![100]));
    assert!(outside.notices.is_empty() && outside.events.is_empty());
    drop(outside.requests);
    assert_eq!(driver.turn().unwrap(), Turn::Finished);
}

#[test]
fn no_reply_overtakes_its_notice_and_no_request_is_taken_while_one_waits() {
    let (mut driver, mut outside) = driver(&Arc::default(), &Doorbell::silent(), 1);
    for view in 1..=3 {
        outside.requests.try_send(seal_request(view, 0)).unwrap();
    }
    for done in 1..=3 {
        assert_eq!(driver.turn().unwrap(), Turn::Wait);
        assert_eq!(outside.replies.len(), 1, "only the block whose notice was sent is answered");
        assert!(outside.replies.try_recv().is_some() && outside.notices.try_recv().is_some());
        assert_eq!(driver.has_work(), done < 3);
    }
}

#[test]
fn admitted_transactions_are_taken_before_a_block_is_judged() {
    let (mut sealing, mut sealer) = driver(&Arc::default(), &Doorbell::silent(), 16);
    sealer.requests.try_send(seal_request(1, 0)).unwrap();
    sealing.turn().unwrap();
    let Some(LedgerReply::Sealed { block: Some(block), .. }) = sealer.replies.try_recv() else { panic!("not sealed") };
    let (mut judging, mut outside) = driver(&Arc::default(), &Doorbell::silent(), 16);
    outside.requests.try_send(LedgerRequest::Judge { block, is_final: false }).unwrap();
    let known = transfer(&genesis(), 0, 0, stranger(1), 1);
    assert!(outside.admitted.send_or_drop(Admitted(known)));
    judging.turn().unwrap();
    let reply = outside.replies.try_recv();
    assert!(matches!(reply, Some(LedgerReply::Judged { verdict: Verdict::Valid, .. })), "{reply:?}");
    assert_eq!(judging.ledger().signatures_checked(), 0);
}

#[test]
fn a_failing_store_ends_the_run_with_its_error() {
    let store = Arc::new(TestStore::default());
    let (bell, waiter) = Doorbell::new();
    let (driver, mut outside) = driver(&store, &bell, 16);
    let handle = std::thread::spawn(move || thread::run(driver, &waiter));
    outside.requests.try_send(seal_request(1, 0)).unwrap();
    let block = loop {
        match outside.replies.try_recv() {
            Some(LedgerReply::Sealed { block, .. }) => break block.unwrap(),
            Some(other) => panic!("{other:?}"),
            None => std::thread::yield_now(),
        }
    };
    store.fail_after(0);
    let finalization = Arc::new(finalization(block.digest()));
    outside.requests.try_send(LedgerRequest::Commit { blocks: vec![block.digest()], finalization }).unwrap();
    assert!(matches!(handle.join().unwrap(), Err(LedgerError::Store(_))));
    assert!(outside.replies.is_finished(), "nothing was shown as final");
}

#[test]
fn the_run_ends_when_consensus_is_gone() {
    let (bell, waiter) = Doorbell::new();
    let (driver, outside) = driver(&Arc::default(), &bell, 16);
    let handle = std::thread::spawn(move || thread::run(driver, &waiter));
    drop(outside);
    assert!(handle.join().unwrap().is_ok());
}
