//! Minimmit: blocks are final in two network steps, n ≥ 5f+1 (docs/protocol.md).
//!
//! Owns: the rules ([`replica`], pure), the wire and journal formats of consensus, the verifier, and the poll-style
//! [`driver`] that joins rules, rings and journal. Never does: sockets, files, threads, clocks.

pub mod driver;
pub mod effect;
#[cfg(test)]
mod fixture;
pub mod header_rules;
pub mod input;
pub mod invariants;
pub mod journaling;
pub mod mutation;
pub mod quorum;
pub mod record;
pub mod replica;
pub mod tally;
pub mod verify;
pub mod wire;
