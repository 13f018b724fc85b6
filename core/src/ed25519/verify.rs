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
#[cfg(target_arch = "x86_64")]
use {
    super::points::KnownPoints,
    super::wide::{self, Factor, Row, Wide},
    curve25519_dalek::constants::ED25519_BASEPOINT_COMPRESSED,
    std::sync::LazyLock,
};

use super::points::points_of;
use super::weights::Weights;
use super::{Ed25519Error, Ed25519PublicKey, Ed25519Signature};

/// At most this many signatures share one batch equation: larger ones gain little per signature and lose more when one
/// of them is bad.
pub const BATCH_CHUNK: usize = 512;

/// Fewer than this many are not worth handing to another core: waking it costs, an equation of fewer is dearer for each of
/// them, and validators that share a machine have no core to spare.
const SMALLEST_CHUNK: usize = 256;

/// Fewer than this many are summed up faster by the curve library, which shares less between them.
#[cfg(target_arch = "x86_64")]
const SMALLEST_IN_VECTORS: usize = 8;

/// One signature to check; it owns its message, so that it can travel to another thread.
#[derive(Clone, Debug)]
pub struct Item {
    pub key: Ed25519PublicKey,
    pub signature: Ed25519Signature,
    pub message: Vec<u8>,
}

impl Item {
    pub(super) fn r_and_s(&self) -> ([u8; 32], [u8; 32]) {
        let (mut r, mut s) = ([0; 32], [0; 32]);
        r.copy_from_slice(&self.signature.0[..32]);
        s.copy_from_slice(&self.signature.0[32..]);
        (r, s)
    }

    /// What a challenge hashes: R ‖ A ‖ message, all of them as they were sent.
    fn parts(&self) -> [&[u8]; 3] {
        [&self.signature.0[..32], &self.key.0, &self.message]
    }

    /// The same, one after the other.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn put_challenge(&self, out: &mut Vec<u8>) {
        self.parts().into_iter().for_each(|part| out.extend_from_slice(part));
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

/// What is summed up: 8·(Σ zᵢkᵢ·Aᵢ + Σ zᵢ·Rᵢ − Σ zᵢsᵢ·B) is zero for random zᵢ of 128 bits if all signatures hold; what has
/// one key shares its term.
///
/// The equation and its reading of encodings are those of ed25519-zebra's batches; here the keys' points are remembered.
struct Equation {
    keys: Vec<Ed25519PublicKey>,
    key_factors: Vec<Scalar>,
    nonces: Vec<[u8; 32]>,
    nonce_factors: Vec<u128>,
    base_factor: Scalar,
}

impl Equation {
    /// `challenges` are those of the items. `None` when an s is not reduced or the system gives no randomness.
    fn new(items: &[Item], challenges: Vec<Scalar>) -> Option<Self> {
        let mut weights = Weights::from_os()?;
        let mut places: HashMap<Ed25519PublicKey, usize> = HashMap::with_capacity(items.len());
        let (mut keys, mut key_factors) = (Vec::new(), Vec::new());
        let (mut nonces, mut nonce_factors) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
        let mut base_factor = Scalar::ZERO;
        for (item, challenge) in items.iter().zip(challenges) {
            let (r, s) = item.r_and_s();
            let s: Scalar = Option::from(Scalar::from_canonical_bytes(s))?;
            let weight = weights.next_u128();
            nonce_factors.push(weight);
            let weight = Scalar::from(weight);
            let place = *places.entry(item.key).or_insert(keys.len());
            if place == keys.len() {
                keys.push(item.key);
                key_factors.push(Scalar::ZERO);
            }
            key_factors[place] += weight * challenge;
            nonces.push(r);
            base_factor -= weight * s;
        }
        Some(Self { keys, key_factors, nonces, nonce_factors, base_factor })
    }

    /// By the curve library. `None` when an encoding does not decode.
    fn holds(&self) -> Option<bool> {
        let keys = points_of(&self.keys)?;
        let nonces: Option<Vec<EdwardsPoint>> =
            self.nonces.iter().map(|nonce| CompressedEdwardsY(*nonce).decompress()).collect();
        let nonce_factors: Vec<Scalar> = self.nonce_factors.iter().copied().map(Scalar::from).collect();
        let sum = EdwardsPoint::vartime_multiscalar_mul(
            once(&self.base_factor).chain(&self.key_factors).chain(&nonce_factors),
            once(&ED25519_BASEPOINT_POINT).chain(&keys).chain(&nonces?),
        );
        Some(sum.mul_by_cofactor().is_identity())
    }

    /// The same in vectors.
    #[cfg(target_arch = "x86_64")]
    fn holds_in_vectors(&self, wide: Wide) -> Option<bool> {
        static POINTS: LazyLock<KnownPoints<Row>> = LazyLock::new(KnownPoints::default);
        // The base point goes with the keys, and is remembered with them.
        let keys = [&[Ed25519PublicKey(ED25519_BASEPOINT_COMPRESSED.0)], &self.keys[..]].concat();
        let mut points = POINTS.of(&keys, |keys| wide::decode(wide, keys))?;
        for nonce in wide::decode(wide, &self.nonces) {
            points.push(nonce?);
        }
        let scalars = once(&self.base_factor).chain(&self.key_factors).map(Factor::of);
        let factors: Vec<Factor> = scalars.chain(self.nonce_factors.iter().copied().map(Factor::short)).collect();
        Some(wide::is_small(wide, &points, &factors))
    }
}

/// Whether all signatures hold; `None` when that cannot be told of all at once.
pub(super) fn batch_holds(items: &[Item]) -> Option<bool> {
    #[cfg(target_arch = "x86_64")]
    if items.len() >= SMALLEST_IN_VECTORS
        && let Some(wide) = Wide::try_new()
    {
        let hashes = wide::sha512_each(wide, items, |item, out| item.put_challenge(out));
        let challenges = hashes.iter().map(Scalar::from_bytes_mod_order_wide);
        return Equation::new(items, challenges.collect())?.holds_in_vectors(wide);
    }
    batch_holds_by_library(items)
}

/// The same without vectors, as on processors that have none.
pub(super) fn batch_holds_by_library(items: &[Item]) -> Option<bool> {
    let challenge = |item: &Item| {
        let hasher = item.parts().into_iter().fold(Sha512::new(), |hasher, part| hasher.chain_update(part));
        Scalar::from_hash(hasher)
    };
    Equation::new(items, items.iter().map(challenge).collect())?.holds()
}
