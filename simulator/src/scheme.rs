//! Signatures that cost nothing, for many views a second: keyed hashes that add up. Whoever does not hold
//! a key's secret cannot make them here, which is all that a simulation needs; they protect nothing outside of one.

use crate::chance::mix;
use minuet_consensus::verify::Scheme;
use minuet_core::bls::BlsSignature;
use minuet_core::committee::Validator;
use minuet_core::scheme::{QuorumSignature, Signed, StatementKey, StatementSignature};
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
pub fn sum(signed: &[StatementSignature]) -> QuorumSignature {
    let mut total = [0; 48];
    signed.iter().filter_map(StatementSignature::bls).for_each(|signature| add(&mut total, &signature.0));
    BlsSignature(total).into()
}

/// It has the form of BLS.
fn is_of(given: &StatementSignature, signer: ValidatorIndex, message: &B256) -> bool {
    given.bls().is_some_and(|given| given.0 == signature(secret_of(signer), message))
}

impl MockKey {
    /// The key of a validator.
    #[must_use]
    pub fn of(index: ValidatorIndex) -> Self {
        Self(secret_of(index))
    }
}

impl StatementKey for MockKey {
    fn sign_statement(&self, message: &B256) -> StatementSignature {
        BlsSignature(signature(self.0, message)).into()
    }
}

/// Checks them.
#[derive(Clone, Copy, Debug)]
pub struct Mock;

impl Scheme for Mock {
    fn gather(&self, signed: &[Signed<'_>], message: &B256) -> Option<QuorumSignature> {
        let mut sum = [0; 48];
        for (signer, _, given) in signed {
            if !is_of(given, *signer, message) {
                return None;
            }
            add(&mut sum, &signature(secret_of(*signer), message));
        }
        Some(BlsSignature(sum).into())
    }

    fn verify_quorum(&self, signers: &[(ValidatorIndex, &Validator)], message: &B256, given: &QuorumSignature) -> bool {
        let mut sum = [0; 48];
        signers.iter().for_each(|(signer, _)| add(&mut sum, &signature(secret_of(*signer), message)));
        !signers.is_empty() && *given == BlsSignature(sum).into()
    }

    fn verify_each(&self, signed: &[Signed<'_>], message: &B256) -> Vec<bool> {
        signed.iter().map(|(signer, _, given)| is_of(given, *signer, message)).collect()
    }
}
