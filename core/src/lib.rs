//! Values that every Minuet crate shares: numbers, committee and quorums, blocks, transactions, statements,
//! certificates, keys, genesis, the ring between threads, and the `File` and `Store` seams.
//!
//! Owns: every encoded type and its limits. Never does: input/output, threads of its own, decisions.

pub mod account;
pub mod block;
pub mod bls;
pub mod certificate;
pub mod codec;
pub mod committee;
pub mod domain;
pub mod ed25519;
pub mod evidence;
pub mod fees;
pub mod file;
pub mod finality_proof;
pub mod genesis;
pub mod header;
pub mod health;
pub mod keccak;
pub mod mempool_errors;
pub mod messages;
pub mod numbers;
pub mod receipt;
pub mod rejection;
pub mod ring;
pub mod scheme;
pub mod spans;
pub mod statement;
pub mod status;
pub mod store;
pub mod transaction;
pub mod views;
pub mod wire;

pub use alloy_primitives::{self, Address, B256, Bytes, U256, keccak256};
pub use alloy_rlp;

pub use numbers::{Epoch, Height, PeerId, TimeMs, ValidatorIndex, View};

/// A block's name: keccak256 of its header's RLP. One digest has one parent and one view (S-DIGEST-BINDS).
pub type Digest = B256;

/// A transaction's name: keccak256 of its whole envelope, signature included.
pub type TxHash = B256;
