//! What must hold after anything that a test did to a network: one function for all tests.

use super::{Found, Network, View, Witness, in_chains};
use minuet_core::{Address, U256};
use minuet_rpc::proto::BlockEvent;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Everything shown as final is final on all and was never missing; block hashes and state roots are equal on all nodes;
/// no transfer is final twice; no wei came from nowhere, on any node; no key said two things, nothing panicked. All nodes
/// are those that the test has not taken out. Returns the height up to which all of it was held against each other.
pub fn same_everywhere(network: &Network, witness: Witness) -> u64 {
    let seen = witness.finish();
    let top = seen.highest();
    network.agree_up_to(network.in_place(), top);
    let events: BTreeMap<u16, Vec<BlockEvent>> =
        network.in_place().map(|(node, view)| (node, view.chain(top))).collect();
    let found = |events: &Vec<BlockEvent>| events.iter().map(Found::of).collect::<Vec<_>>();
    let chains = events.iter().map(|(node, events)| (*node, found(events))).collect();
    let wrong = in_chains(&chains, &seen);
    assert!(wrong.is_empty(), "{wrong:#?}");
    network.supply_is_conserved();
    network.no_key_said_two_things();
    top
}

/// A load's transfers, sent again where unanswered, are final exactly once each.
pub fn each_final_once(load: &Value) {
    let submitted = load["submitted"].as_u64().unwrap();
    assert!(submitted > 0 && load["finalized"] == submitted, "{load}");
    for none in ["rejected", "lost", "duplicated", "wrong_nonces"] {
        assert_eq!(load[none], 0, "{none}: {load}");
    }
}

/// What a genesis gave out, and to whom; whoever receives fees is among the holders.
pub(super) struct Supply {
    holders: Vec<Address>,
    initial: U256,
}

impl Supply {
    pub fn of(genesis: &Value) -> Self {
        let accounts = genesis["accounts"].as_object().unwrap();
        let amount = |balance: &Value| balance.as_str().unwrap().parse::<U256>().unwrap();
        let initial = accounts.values().fold(U256::ZERO, |sum, balance| sum + amount(balance));
        let validators = genesis["validators"].as_array().unwrap().iter();
        let fees_to = validators.map(|entry| entry["fee_recipient"].as_str().unwrap());
        let holders: BTreeSet<Address> =
            accounts.keys().map(String::as_str).chain(fees_to).map(|address| address.parse().unwrap()).collect();
        Self { holders: holders.into_iter().collect(), initial }
    }

    /// What the accounts have and what was burnt is what the genesis gave out. Nothing may become final meanwhile but
    /// empty blocks.
    pub fn is_conserved_at(&self, node: u16, view: &View) {
        let held = view.balances(&self.holders).into_iter().fold(U256::ZERO, |sum, balance| sum + balance);
        let cost = |block: &BlockEvent| U256::from(block.gas_used) * U256::from(block.base_fee);
        let burnt = view.chain(view.height()).iter().fold(U256::ZERO, |sum, block| sum + cost(block));
        assert!(burnt > U256::ZERO, "transfers were made");
        assert_eq!(held + burnt, self.initial, "validator {node}");
    }
}
