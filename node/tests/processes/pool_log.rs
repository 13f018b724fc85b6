//! What a client was told is accepted is not lost with the process that told it.
//!
//! With two of six gone nothing becomes final, so all that is accepted still waits when nodes are killed. Transactions
//! behind a missing nonce are in no block either: only the pool log can bring them back.

use crate::harness::{Lone, Network, Node, VALIDATORS, minuet, text};
use minuet_core::B256;
use minuet_mempool::PoolLog;
use minuet_storage::RealDirectory;
use std::fs;

const TO: &str = "0x00000000000000000000000000000000000000bb";

/// Sends one ether and does not wait. The same account and nonce give the same transaction.
fn submit(network: &Network, at: u16, account: u16, nonce: u64) -> String {
    let (account, nonce) = (account.to_string(), nonce.to_string());
    let accepted = minuet(&[
        "transfer",
        "--no-wait",
        "--dir",
        text(network.dir()),
        "--dev-account",
        &account,
        "--nonce",
        &nonce,
        "--to",
        TO,
        "--value",
        "1ether",
        "--max-fee-per-gas",
        "100gwei",
        "--node",
        &network.view(at).url,
    ]);
    accepted["hash"].as_str().unwrap().to_owned()
}

/// What a node says of a transaction; it must know it.
fn state(network: &Network, at: u16, hash: &str) -> String {
    minuet(&["tx", hash, "--node", &network.view(at).url])["state"].as_str().unwrap().to_owned()
}

/// Waits until all of them are final; each stands in the chain of every node once.
fn all_final_once(network: &Network, hashes: &[String], from: u64) -> u64 {
    let wanted: Vec<Vec<u8>> = hashes.iter().map(|hash| hex::decode(&hash[2..]).unwrap()).collect();
    let (mut seen, mut height) = (0, from);
    while seen < wanted.len() {
        height += 1;
        network.view(0).reaches(height);
        let block = network.view(0).block(height);
        seen += block.transaction_hashes.iter().filter(|hash| wanted.contains(&hash.to_vec())).count();
    }
    assert_eq!(seen, wanted.len(), "one of them twice");
    let height = network.view(0).goes_on(3);
    network.agrees_up_to(height);
    let held = minuet(&["account", "balance", TO, "--node", &network.view(VALIDATORS - 1).url]);
    assert_eq!(held["balance"], format!("{}000000000000000000", wanted.len()), "once each");
    height
}

#[test]
fn accepted_transactions_survive_the_kill_of_the_node_that_accepted_them() {
    let mut network = Network::start();
    let from = network.view(0).goes_on(2);
    Node::kill_all(vec![network.take(1), network.take(4)]);
    let waiting: Vec<_> = (0..4).map(|account| submit(&network, 0, account, 0)).collect();
    let behind_a_gap = submit(&network, 0, 5, 1);
    network.take(0).kill();
    network.start_one(0);
    assert!(network.view(0).status().pool_log_bytes > 0);
    assert_eq!(state(&network, 0, &behind_a_gap), "queued");
    for hash in &waiting {
        let state = state(&network, 0, hash);
        assert!(state == "pending" || state == "included", "{hash}: {state}");
    }
    assert_eq!(submit(&network, 0, 2, 0), waiting[2], "the same again, while it waits");
    let missing = submit(&network, 3, 5, 0);

    network.start_one(1);
    network.start_one(4);
    let hashes = [waiting.clone(), vec![behind_a_gap.clone(), missing]].concat();
    all_final_once(&network, &hashes, from - 2);
    assert_eq!(submit(&network, 0, 5, 1), behind_a_gap, "the same again, when it is final");
    network.take(0).kill();
    network.start_one(0);
    assert_eq!(submit(&network, 0, 0, 0), waiting[0], "the same again, after another restart");
}

#[test]
fn accepted_transactions_survive_the_kill_of_all_six() {
    let mut network = Network::start();
    let from = network.view(0).goes_on(2);
    Node::kill_all(vec![network.take(1), network.take(4)]);
    let mut hashes: Vec<_> = [0, 2, 3, 5].map(|at| submit(&network, at, at, 0)).to_vec();
    // In no block and in no journal.
    hashes.extend([0, 2, 3, 5].map(|at| submit(&network, at, 6, u64::from(at) + 1)));
    Node::kill_all(network.take_all());
    network.start_all();
    hashes.extend([(0, 0), (2, 2), (1, 5)].map(|(at, nonce)| submit(&network, at, 6, nonce)));
    all_final_once(&network, &hashes, from - 2);
}

#[test]
fn a_damaged_pool_log_is_set_aside_and_one_of_another_chain_refused_by_name() {
    let lone = Lone::new();
    lone.run_for(2);
    let log = lone.path("data/pool/pool.log");
    let good = fs::read(&log).unwrap();
    let mut damaged = good.clone();
    damaged[20] ^= 1;
    fs::write(&log, &damaged).unwrap();
    let node = lone.start();
    node.says("pool log is damaged at byte 0");
    assert!(node.stop().success());
    assert_eq!(fs::read(lone.path("data/pool/pool.log.damaged")).unwrap(), damaged);
    assert_eq!(fs::read(&log).unwrap(), good);

    fs::remove_file(&log).unwrap();
    let directory = RealDirectory::open_or_create(lone.path("data/pool")).unwrap();
    PoolLog::open(directory, B256::repeat_byte(1), 1 << 20).unwrap();
    for _ in 0..2 {
        let message = lone.refused(5, &[]);
        assert!(message.contains(text(&log)) && message.contains("move the file away"), "{message}");
    }
    lone.configure("[mempool]\nlog_mb = 0\n");
    assert_eq!(lone.start().view.status().pool_log_bytes, 0);
}
