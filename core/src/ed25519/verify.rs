//! ZIP-215 verification, singly and in batches, with the same verdict.

use ed25519_zebra::{Signature, VerificationKey, VerificationKeyBytes, batch};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::weights::Weights;
use super::{Ed25519Error, Ed25519PublicKey, Ed25519Signature};

/// At most this many signatures share one batch equation: larger ones gain little per signature and lose more when one
/// of them is bad.
pub const BATCH_CHUNK: usize = 256;

/// Fewer than this many are not worth handing to another core.
const SMALLEST_CHUNK: usize = 32;

/// One signature to check; it owns its message, so that it can travel to another thread.
#[derive(Clone, Debug)]
pub struct Item {
    pub key: Ed25519PublicKey,
    pub signature: Ed25519Signature,
    pub message: Vec<u8>,
}

impl Item {
    fn prehashed(&self) -> batch::Item {
        let key = VerificationKeyBytes::from(self.key.0);
        batch::Item::from((key, Signature::from(self.signature.0), &self.message))
    }
}

/// Checks one signature.
///
/// # Errors
/// [`Ed25519Error::PublicKey`] when the key is no point, [`Ed25519Error::Mismatch`] for everything else.
pub fn verify(key: &Ed25519PublicKey, message: &[u8], signature: &Ed25519Signature) -> Result<(), Ed25519Error> {
    let key = VerificationKey::try_from(key.0).map_err(|_| Ed25519Error::PublicKey)?;
    key.verify(&Signature::from(signature.0), message).map_err(|_| Ed25519Error::Mismatch)
}

/// One verdict per item, each as [`verify`] would give it, spread over the rayon pool that this is called in (the
/// global one outside any). The calling thread waits.
#[must_use]
pub fn verify_batch(items: &[Item]) -> Vec<bool> {
    if items.len() <= SMALLEST_CHUNK {
        return verify_batch_inline(items);
    }
    let chunk = items.len().div_ceil(rayon::current_num_threads()).clamp(SMALLEST_CHUNK, BATCH_CHUNK);
    let mut verdicts = vec![false; items.len()];
    // Chunks are zipped by position, so the verdicts do not depend on which thread took which.
    let slots = verdicts.par_chunks_mut(chunk);
    slots.zip(items.par_chunks(chunk)).for_each(|(slot, part)| check_chunk(part, slot));
    verdicts
}

/// As [`verify_batch`], on the calling thread alone: for deterministic simulation and for threads that must not wait for
/// a pool.
#[must_use]
pub fn verify_batch_inline(items: &[Item]) -> Vec<bool> {
    let mut verdicts = vec![false; items.len()];
    for (slot, chunk) in verdicts.chunks_mut(BATCH_CHUNK).zip(items.chunks(BATCH_CHUNK)) {
        check_chunk(chunk, slot);
    }
    verdicts
}

fn check_chunk(items: &[Item], verdicts: &mut [bool]) {
    let prehashed: Vec<batch::Item> = items.iter().map(Item::prehashed).collect();
    if prehashed.len() > 1 && batch_holds(&prehashed) {
        verdicts.fill(true);
        return;
    }
    for (verdict, item) in verdicts.iter_mut().zip(prehashed) {
        *verdict = item.verify_single().is_ok();
    }
}

fn batch_holds(items: &[batch::Item]) -> bool {
    let Some(weights) = Weights::from_os() else { return false };
    let mut verifier = batch::Verifier::new();
    for item in items {
        verifier.queue(item.clone());
    }
    verifier.verify(weights).is_ok()
}
