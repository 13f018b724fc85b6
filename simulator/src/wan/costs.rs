//! Processing time of a validator, and what the wire adds to a message: constants with their sources.
//!
//! All were measured on a two-core machine (2 × AMD EPYC, 2026-11, release build, nothing else running); the table in
//! docs/testing.md, section "Wide area", names the measurement of each.

/// What things take, in nanoseconds. Without them, everything takes no time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// A message on its way through both network stacks, its thread woken up: 62 µs on loopback.
    pub hop_ns: u64,
    /// Reading a message and putting it where it belongs: QUIC's own share of a hop.
    pub message_ns: u64,
    /// A BLS signature.
    pub sign_ns: u64,
    /// Checking one BLS signature, also the aggregate of a certificate.
    pub verify_ns: u64,
    /// Gathering votes: each vote on top of one check.
    pub gather_vote_ns: u64,
    /// A synced record of the journal, its median.
    pub sync_ns: u64,
    /// One transaction of a block, its signature checked before: hash, execution, state.
    pub transaction_ns: u64,
}

impl Costs {
    /// A validator on a machine like the one that was measured.
    pub const MEASURED: Self = Self {
        hop_ns: 62_000,
        message_ns: 5_000,
        sign_ns: 130_000,
        verify_ns: 745_000,
        gather_vote_ns: 14_500,
        sync_ns: 190_000,
        transaction_ns: 4_500,
    };

    /// Gathering so many votes and checking them as one.
    #[must_use]
    pub const fn gather_ns(&self, votes: usize) -> u64 {
        self.verify_ns + self.gather_vote_ns * votes as u64
    }

    /// Executing a block with so many bytes of transfers, as its maker or as a judge.
    #[must_use]
    pub const fn execute_ns(&self, block_bytes: usize) -> u64 {
        self.transaction_ns * (block_bytes / super::sizes::TRANSFER_BYTES) as u64
    }
}
