//! Signatures that cost nothing, for many views a second: keyed hashes that add up. Whoever does not hold
//! a key's secret cannot make them here, which is all that a simulation needs; they protect nothing outside of one.

use crate::chance::mix;
use minuet_consensus::verify::{Scheme, Signed};
use minuet_core::bls::{BlsPublicKey, BlsSignature};
use minuet_core::statement::StatementKey;
use minuet_core::{B256, ValidatorIndex};

/// A validator's secret.
#[derive(Clone, Copy, Debug)]
pub struct MockKey(u64);

fn secret_of(index: ValidatorIndex) -> u64 {
    mix(0x6d69_6e75_6574 + u64::from(index.0))
}

fn signature(secret: u64, message: &B256) -> [u8; 48] {
    let mut state = secret;
    for word in message.chunks_exact(8) {
        state = mix(state ^ u64::from_le_bytes(word.try_into().expect("eight bytes")));
    }
    let mut bytes = [0; 48];
    for chunk in bytes.chunks_exact_mut(8) {
        state = mix(state);
        chunk.copy_from_slice(&state.to_le_bytes());
    }
    bytes
}

/// Addition as of numbers, not exclusive or: who signs twice counts twice, as with BLS.
fn add(sum: &mut [u8; 48], other: &[u8; 48]) {
    for (sum, other) in sum.chunks_exact_mut(8).zip(other.chunks_exact(8)) {
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        let total = number(sum).wrapping_add(number(other));
        sum.copy_from_slice(&total.to_le_bytes());
    }
}

/// Adds signatures up, unchecked.
#[must_use]
pub fn sum(signed: &[BlsSignature]) -> BlsSignature {
    let mut total = [0; 48];
    signed.iter().for_each(|signature| add(&mut total, &signature.0));
    BlsSignature(total)
}

impl MockKey {
    /// The key of a validator.
    #[must_use]
    pub fn of(index: ValidatorIndex) -> Self {
        Self(secret_of(index))
    }
}

impl StatementKey for MockKey {
    fn sign_statement(&self, message: &B256) -> BlsSignature {
        BlsSignature(signature(self.0, message))
    }
}

/// Checks them.
#[derive(Clone, Copy, Debug)]
pub struct Mock;

impl Scheme for Mock {
    fn gather(&self, signed: &[Signed<'_>], message: &B256) -> Option<BlsSignature> {
        let mut sum = [0; 48];
        for (signer, _, given) in signed {
            if given.0 != signature(secret_of(*signer), message) {
                return None;
            }
            add(&mut sum, &given.0);
        }
        Some(BlsSignature(sum))
    }

    fn verify_aggregate(
        &self,
        signers: &[(ValidatorIndex, &BlsPublicKey)],
        message: &B256,
        aggregate: &BlsSignature,
    ) -> bool {
        let mut sum = [0; 48];
        signers.iter().for_each(|(signer, _)| add(&mut sum, &signature(secret_of(*signer), message)));
        !signers.is_empty() && sum == aggregate.0
    }

    fn verify_each(&self, signed: &[Signed<'_>], message: &B256) -> Vec<bool> {
        signed.iter().map(|(signer, _, given)| given.0 == signature(secret_of(*signer), message)).collect()
    }
}
