//! The pool's limits and the few values of the genesis that admission needs.

use minuet_core::Digest;
use minuet_core::ed25519::{self, Item};
use minuet_core::fees::FeeRules;
use minuet_core::genesis::Genesis;
use minuet_core::wire::FrameKind;
use std::time::Duration;

/// A node's own limits; nodes of one chain may differ in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MempoolConfig {
    /// Transactions at most, pending and queued together.
    pub max_transactions: usize,
    /// Bytes of envelopes at most, pending and queued together.
    pub max_bytes: usize,
    /// Waiting transactions of one sender at most.
    pub max_per_sender: usize,
    /// Nonces kept from an account's next one on; later ones are refused.
    pub nonce_window: u64,
    /// How much more a replacement must offer, in percent of both fees.
    pub replacement_percent: u8,
    /// Hashes of dropped transactions that are remembered with their reason.
    pub remembered_drops: usize,
    /// Accounts without waiting transactions whose state stays cached.
    pub cached_accounts: usize,
    /// Digests of final blocks that are remembered, for branches that still name them. Must exceed the number of
    /// unfinalized blocks of a branch.
    pub remembered_final_blocks: usize,
    /// Submissions, and likewise gossiped transactions, that one turn takes in: their signatures are one batch, during
    /// which consensus waits for its answers.
    pub turn_transactions: usize,
    /// How long a second gossip frame waits for company after the one before; up to four times that under load.
    pub gossip_linger: Duration,
    /// How long a client's transaction waits here before it is offered to the peers again; also the pace of doing so.
    pub reoffer_after: Duration,
    /// Bytes of transactions that a peer gets when it connects.
    pub greeting_bytes: usize,
    /// How signatures are checked.
    pub signatures: SignatureCheck,
}

/// One verdict per signature, each as [`ed25519::verify`] would give it; what differs is where the work is done.
#[derive(Clone, Copy, Debug)]
pub struct SignatureCheck(pub fn(&[Item]) -> Vec<bool>);

impl SignatureCheck {
    /// Spread over the rayon pool.
    pub const RAYON: Self = Self(ed25519::verify_batch);
    /// On the calling thread alone.
    pub const INLINE: Self = Self(ed25519::verify_batch_inline);
}

impl PartialEq for SignatureCheck {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}
impl Eq for SignatureCheck {}

impl Default for MempoolConfig {
    fn default() -> Self {
        Self {
            max_transactions: 50_000,
            max_bytes: 64 * 1024 * 1024,
            max_per_sender: 64,
            nonce_window: 64,
            replacement_percent: 10,
            remembered_drops: 10_000,
            cached_accounts: 16_384,
            remembered_final_blocks: 4096,
            turn_transactions: 512,
            gossip_linger: Duration::from_millis(2),
            reoffer_after: Duration::from_secs(2),
            greeting_bytes: 16 * FrameKind::Transactions.max_bytes(),
            signatures: SignatureCheck::RAYON,
        }
    }
}

/// What all nodes agree on about transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainRules {
    /// In every transaction.
    pub chain_id: u64,
    /// Digest of block 0: in every signature.
    pub genesis: Digest,
    /// Fee floor and block gas limit.
    pub fees: FeeRules,
}

impl From<&Genesis> for ChainRules {
    fn from(genesis: &Genesis) -> Self {
        Self { chain_id: genesis.chain_id(), genesis: genesis.digest(), fees: *genesis.fees() }
    }
}
