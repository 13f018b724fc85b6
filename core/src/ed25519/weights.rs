//! The random weights of one batch check.

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// Expands one seed from the operating system as SHA-256(seed ‖ counter), so that a batch costs one system call and
/// drawing a weight cannot fail half way. Weights must be unknown to signers, never more than that: they decide no
/// verdict except with a chance of 2⁻¹²⁸.
pub(super) struct Weights {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Weights {
    /// `None` when the operating system gives no randomness; the caller then checks one by one.
    pub(super) fn from_os() -> Option<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).ok()?;
        Some(Self { seed, counter: 0, block: [0; 32], used: 32 })
    }

    fn refill(&mut self) {
        let mut hasher = Sha256::new();
        hasher.update(self.seed);
        hasher.update(self.counter.to_le_bytes());
        self.block = hasher.finalize().into();
        self.counter += 1;
        self.used = 0;
    }

    /// The next weight.
    pub(super) fn next_u128(&mut self) -> u128 {
        if self.used == self.block.len() {
            self.refill();
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.block[self.used..self.used + 16]);
        self.used += 16;
        u128::from_le_bytes(bytes)
    }
}

impl Drop for Weights {
    fn drop(&mut self) {
        self.seed.zeroize();
        self.block.zeroize();
    }
}
