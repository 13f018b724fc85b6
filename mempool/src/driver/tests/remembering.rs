//! What clients were told is accepted outlives the process, and nothing else is told.

use super::*;
use crate::PoolLog;
use minuet_storage::files::Fault;

const GENESIS: minuet_core::B256 = minuet_core::B256::repeat_byte(9);
const LIMIT: u64 = 1 << 20;

/// A life of a node whose pool log lies in this directory.
fn life(disk: &MemoryDirectory, state: &Arc<State>) -> Bench {
    life_within(disk, state, LIMIT)
}

fn life_within(disk: &MemoryDirectory, state: &Arc<State>, limit: u64) -> Bench {
    let opened = PoolLog::open(disk.clone(), GENESIS, limit).unwrap();
    bench_with(&Doorbell::silent(), Arc::clone(state), Some(opened))
}

/// The transactions that a next life would find.
fn held(disk: &MemoryDirectory) -> Vec<Bytes> {
    PoolLog::open(disk.clone(), GENESIS, LIMIT).unwrap().1
}

#[test]
fn what_is_acknowledged_is_in_the_log_before() {
    let (disk, state) = (MemoryDirectory::new(), Arc::new(State::default()));
    let mut bench = life(&disk, &state);
    let transaction = wallets(1, &state)[0].transfer(0, 1);
    let (sender, answered) = mpsc::channel();
    let seen = disk.clone();
    let reply = Box::new(move |outcome: Outcome| sender.send((outcome, held(&seen))).unwrap());
    bench.submissions.try_send(Submission::Submit { envelope: transaction.envelope().clone(), reply }).unwrap();
    bench.turn();
    let (outcome, logged) = answered.try_recv().unwrap();
    assert_eq!((outcome, logged), (Ok(transaction.hash()), vec![transaction.envelope().clone()]));
    assert!(bench.status.pool_log_bytes.get() > 64);
}

#[test]
fn a_log_that_cannot_be_written_ends_the_driver_and_nothing_is_acknowledged_or_gossiped() {
    let (disk, state) = (MemoryDirectory::new(), Arc::new(State::default()));
    let mut bench = life(&disk, &state);
    let wallets = wallets(3, &state);
    bench.up(PEER);
    bench.submit(&wallets[0].transfer(0, 1)).unwrap();
    assert_eq!(bench.sent().len(), 1);
    bench.now += Duration::from_secs(1);
    disk.fail_writes(0, Fault::Full);
    let single = bench.submit_bytes(wallets[1].transfer(0, 1).envelope().clone());
    let (sender, together) = mpsc::channel();
    let envelopes = vec![wallets[2].transfer(0, 1).envelope().clone(), Bytes::new()];
    let reply = Box::new(move |outcomes: Vec<Outcome>| sender.send(outcomes).unwrap());
    bench.submissions.try_send(Submission::SubmitMany { envelopes, reply }).unwrap();
    let error = bench.driver.turn(bench.now).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("memory/pool.log") && text.contains("no space left"), "{text}");
    assert!(single.try_recv().is_err() && together.try_recv().is_err(), "an answer to what is not in the log");
    assert!(bench.sent().is_empty());
    // Half of it was written: what is torn of that is cut, and the acknowledged one is still there.
    disk.kill();
    let held = held(&disk);
    assert_eq!((held.len(), &held[0]), (2, wallets[0].transfer(0, 1).envelope()));
}

#[test]
fn accepted_transactions_wait_again_after_a_restart_in_their_order_and_are_gossiped() {
    let (disk, state) = (MemoryDirectory::new(), Arc::new(State::default()));
    let wallets = wallets(2, &state);
    let accepted = [wallets[0].transfer(0, 1), wallets[0].transfer(1, 1), wallets[1].transfer(0, 1)];
    let mut bench = life(&disk, &state);
    for transaction in &accepted {
        bench.submit(transaction).unwrap();
    }
    bench.hear(PEER, &[&Wallet::new(1).transfer(1, 1)]);
    assert_eq!(bench.driver.pool().pending(), 4);
    drop(bench);
    disk.kill();

    let mut bench = life(&disk, &state);
    assert!(bench.driver.has_work(), "before it parks");
    bench.up(PEER);
    assert_eq!(bench.driver.pool().pending(), 3, "a peer's transaction is the peer's to keep");
    assert_eq!(bench.ask(select(1, branch(&[]))), ["1:3"]);
    let sent: Vec<_> = bench.sent().into_iter().flat_map(|(_, envelopes)| envelopes).collect();
    assert!(accepted.iter().all(|transaction| sent.contains(transaction.envelope())), "{sent:?}");
    assert_eq!(bench.submit(&accepted[1]), Ok(accepted[1].hash()), "the same again");
    assert_eq!(held(&disk).len(), 3, "known transactions are not written again");
    assert!(!bench.driver.has_work());
}

#[test]
fn a_transaction_that_a_peer_brought_first_is_logged_when_a_client_is_told_that_it_is_accepted() {
    let (disk, state) = (MemoryDirectory::new(), Arc::new(State::default()));
    let transaction = wallets(1, &state)[0].transfer(0, 1);
    let mut bench = life(&disk, &state);
    bench.hear(PEER, &[&transaction]);
    assert!(held(&disk).is_empty());
    assert_eq!(bench.submit(&transaction), Ok(transaction.hash()));
    assert_eq!(bench.submit(&transaction), Ok(transaction.hash()));
    assert_eq!(held(&disk), [transaction.envelope().clone()]);
    assert!(bench.driver.pool().has_own(), "this node answers for it");
}

#[test]
fn what_became_final_or_invalid_meanwhile_is_skipped_at_the_start() {
    let (disk, state) = (MemoryDirectory::new(), Arc::new(State::default()));
    let wallets = wallets(3, &state);
    let mut bench = life(&disk, &state);
    for wallet in &wallets {
        bench.submit(&wallet.transfer(0, 1)).unwrap();
        bench.submit(&wallet.transfer(1, 1)).unwrap();
    }
    drop(bench);
    state.set(wallets[0].address(), 1, RICH);
    state.set(wallets[1].address(), 2, RICH);
    state.set(wallets[2].address(), 0, 1);
    let mut bench = life(&disk, &state);
    bench.turn();
    let pool = bench.driver.pool();
    assert_eq!((pool.pending(), pool.queued()), (1, 0));
    assert!(pool.contains(&wallets[0].transfer(1, 1).hash()));
    assert_eq!(bench.status.refused.get(), 0, "no client was refused");
}

#[test]
fn a_long_log_is_read_back_over_several_turns_before_clients_and_beside_consensus() {
    let (disk, state) = (MemoryDirectory::new(), Arc::new(State::default()));
    let wallets = wallets(40, &state);
    let mut bench = life(&disk, &state);
    for wallet in &wallets {
        for nonce in 0..30 {
            bench.submit(&wallet.transfer(nonce, 1)).unwrap();
        }
    }
    drop(bench);
    let mut bench = life(&disk, &state);
    let last = wallets[39].transfer(29, 1);
    let (sender, asked) = mpsc::channel();
    let reply = Box::new(move |status| sender.send(status).unwrap());
    bench.submissions.try_send(Submission::Query { hash: last.hash(), reply }).unwrap();
    let next = bench.submit_bytes(wallets[0].transfer(30, 1).envelope().clone());
    assert_eq!(bench.ask(select(1, branch(&[]))).len(), 1, "consensus is answered");
    assert!(bench.driver.has_work() && bench.driver.pool().pending() == 512, "not all in one turn");
    bench.turn();
    bench.turn();
    assert_eq!((bench.driver.pool().pending(), asked.try_recv().is_err()), (1200, true));
    bench.turn();
    assert_eq!((asked.try_recv(), next.try_recv().unwrap().is_ok()), (Ok(PoolStatus::Pending), true));
    assert_eq!((bench.driver.has_work(), held(&disk).len()), (false, 1201));
}

#[test]
fn the_log_forgets_what_is_final_and_stays_within_its_bound() {
    const SMALL: u64 = 64 << 10;
    let (disk, state) = (MemoryDirectory::new(), Arc::new(State::default()));
    let wallet = Wallet::new(0);
    state.set(wallet.address(), 0, RICH);
    let mut bench = life_within(&disk, &state, SMALL);
    let (mut largest, mut shrank) = (0, 0);
    for nonce in 0..1000 {
        let before = bench.status.pool_log_bytes.get();
        bench.submit(&wallet.transfer(nonce, 1)).unwrap();
        let bytes = bench.status.pool_log_bytes.get();
        assert_eq!(disk.contents("pool.log").unwrap().len() as u64, bytes);
        largest = largest.max(bytes);
        shrank += u32::from(bytes < before);
        // All but the newest are final.
        let settled = vec![(wallet.address(), nonce, minuet_core::U256::from(RICH))];
        state.set(wallet.address(), nonce, RICH);
        bench.notices.try_send(finalized(nonce + 1, &[], settled)).unwrap();
    }
    assert!(largest <= SMALL / 2 + 512 && (3..20).contains(&shrank), "{largest} bytes, written anew {shrank} times");
    let kept = PoolLog::open(disk, GENESIS, SMALL).unwrap().1;
    assert_eq!(kept.last(), Some(wallet.transfer(999, 1).envelope()));
}

#[test]
fn more_than_half_of_the_log_never_waits_and_what_peers_bring_needs_no_room() {
    const SMALL: u64 = 8 << 10;
    let (disk, state) = (MemoryDirectory::new(), Arc::new(State::default()));
    let wallets = wallets(2, &state);
    let mut bench = life_within(&disk, &state, SMALL);
    let accepted = (0..40).take_while(|nonce| bench.submit(&wallets[0].transfer(*nonce, 1)).is_ok()).count() as u64;
    assert!((8..30).contains(&accepted), "{accepted}");
    assert_eq!(bench.submit(&wallets[0].transfer(accepted, 1)), Err(AdmissionError::PoolFull));
    bench.hear(PEER, &[&wallets[1].transfer(0, 1)]);
    assert!(bench.driver.pool().contains(&wallets[1].transfer(0, 1).hash()));
    assert_eq!(
        bench.submit(&wallets[1].transfer(0, 1)),
        Err(AdmissionError::PoolFull),
        "nobody is told what is not kept"
    );
    let settled = vec![(wallets[0].address(), 2, minuet_core::U256::from(RICH))];
    bench.notices.try_send(finalized(1, &[], settled)).unwrap();
    assert!(bench.submit(&wallets[0].transfer(accepted, 1)).is_ok(), "there is room again");
    assert!(disk.contents("pool.log").unwrap().len() as u64 <= SMALL);
}
