//! The genesis file.

use crate::block;
use minuet_core::genesis::Genesis;

/// What is read is written as a file that gives the same chain.
pub fn genesis(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(genesis) = Genesis::from_json(text) else { return false };
    block::check_header(genesis.header(), &genesis.header().encode());
    assert!(genesis.chain_id() != 0 && genesis.committee().n() == genesis.file().validators.len());
    let written = serde_json::to_string(genesis.file()).expect("plain values");
    let again: minuet_core::genesis::GenesisFile = serde_json::from_str(&written).expect("what was just written");
    assert_eq!(&again, genesis.file());
    true
}
