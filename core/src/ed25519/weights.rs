//! The random weights of one batch check.

use std::convert::Infallible;

use getrandom::rand_core::{TryCryptoRng, TryRng};
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
}

impl TryRng for Weights {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, mut out: &mut [u8]) -> Result<(), Infallible> {
        while !out.is_empty() {
            if self.used == self.block.len() {
                self.refill();
            }
            let count = out.len().min(self.block.len() - self.used);
            let (head, tail) = out.split_at_mut(count);
            head.copy_from_slice(&self.block[self.used..self.used + count]);
            self.used += count;
            out = tail;
        }
        Ok(())
    }
}

impl TryCryptoRng for Weights {}

impl Drop for Weights {
    fn drop(&mut self) {
        self.seed.zeroize();
        self.block.zeroize();
    }
}
