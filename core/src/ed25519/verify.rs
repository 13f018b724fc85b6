//! ZIP-215 verification, singly and in batches, with the same verdict.

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use ed25519_zebra::{Signature, VerificationKey};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};
use sha2::{Digest, Sha512};
use std::collections::HashMap;
use std::iter::once;

use super::points::point_of;
use super::weights::Weights;
use super::{Ed25519Error, Ed25519PublicKey, Ed25519Signature};

/// At most this many signatures share one batch equation: larger ones gain little per signature and lose more when one
/// of them is bad.
pub const BATCH_CHUNK: usize = 512;

/// Fewer than this many are not worth handing to another core: waking it costs, an equation of fewer is dearer for each of
/// them, and validators that share a machine have no core to spare.
const SMALLEST_CHUNK: usize = 256;

/// One signature to check; it owns its message, so that it can travel to another thread.
#[derive(Clone, Debug)]
pub struct Item {
    pub key: Ed25519PublicKey,
    pub signature: Ed25519Signature,
    pub message: Vec<u8>,
}

impl Item {
    fn r_and_s(&self) -> ([u8; 32], [u8; 32]) {
        let (mut r, mut s) = ([0; 32], [0; 32]);
        r.copy_from_slice(&self.signature.0[..32]);
        s.copy_from_slice(&self.signature.0[32..]);
        (r, s)
    }

    /// k = SHA-512(R ‖ A ‖ message), all of them as they were sent.
    fn challenge(&self) -> Scalar {
        let mut hasher = Sha512::new();
        hasher.update(&self.signature.0[..32]);
        hasher.update(self.key.0);
        hasher.update(&self.message);
        Scalar::from_hash(hasher)
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
    if items.len() > 1 && batch_holds(items) == Some(true) {
        verdicts.fill(true);
        return;
    }
    for (verdict, item) in verdicts.iter_mut().zip(items) {
        *verdict = verify(&item.key, &item.message, &item.signature).is_ok();
    }
}

/// Whether 8·(Σ zᵢkᵢ·Aᵢ + Σ zᵢ·Rᵢ − Σ zᵢsᵢ·B) is zero for random zᵢ of 128 bits; what has one key shares its term. `None`
/// when an encoding does not decode or the system gives no randomness.
///
/// The equation and its reading of encodings are those of ed25519-zebra's batches; here the keys' points are remembered.
fn batch_holds(items: &[Item]) -> Option<bool> {
    let mut weights = Weights::from_os()?;
    let mut places: HashMap<Ed25519PublicKey, usize> = HashMap::with_capacity(items.len());
    let (mut keys, mut key_factors): (Vec<EdwardsPoint>, Vec<Scalar>) = (Vec::new(), Vec::new());
    let (mut nonces, mut nonce_factors) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
    let mut base_factor = Scalar::ZERO;
    for item in items {
        let (r, s) = item.r_and_s();
        let s: Scalar = Option::from(Scalar::from_canonical_bytes(s))?;
        let weight = Scalar::from(weights.next_u128());
        let place = match places.get(&item.key) {
            Some(place) => *place,
            None => {
                keys.push(point_of(&item.key)?);
                key_factors.push(Scalar::ZERO);
                places.insert(item.key, keys.len() - 1);
                keys.len() - 1
            }
        };
        key_factors[place] += weight * item.challenge();
        nonces.push(CompressedEdwardsY(r).decompress()?);
        nonce_factors.push(weight);
        base_factor -= weight * s;
    }
    let sum = EdwardsPoint::vartime_multiscalar_mul(
        once(&base_factor).chain(&key_factors).chain(&nonce_factors),
        once(&ED25519_BASEPOINT_POINT).chain(&keys).chain(&nonces),
    );
    Some(sum.mul_by_cofactor().is_identity())
}
