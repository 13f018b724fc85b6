//! BLS12-381 signatures of validators over statements: signatures in G1 (48 bytes), public keys in G2 (96 bytes).
//!
//! Owns: the two signing domains of this scheme, keys, signatures in wire form, aggregation, and verdicts on gathered
//! votes. Never does: decide what is signed, count signers or know quorums; those live with the committee and the
//! certificates.
//!
//! Invariants:
//! - A [`BlsPublicKey`] that exists is a point of the prime-order subgroup and not infinity.
//! - A [`BlsSignature`] is bytes until it is used; every use checks curve, subgroup and infinity first.
//! - The sum that a quorum check verifies proves the *certificate*, never its members: only [`verify_each`] and
//!   [`BlsPublicKey::verify`] speak about one signature (otherwise A+δ and B−δ pass together).
//! - Aggregates mean something only for keys whose possession was proven ([`BlsPublicKey::verify_possession`]).

mod gather;
mod keys;
mod signature;
#[cfg(test)]
mod tests;

pub use gather::{aggregate, aggregate_and_verify, verify_aggregate, verify_each};
pub use keys::{BlsPublicKey, BlsSecretKey, PUBLIC_KEY_BYTES, SECRET_KEY_BYTES};
pub use signature::{BlsSignature, SIGNATURE_BYTES};

use blst::BLST_ERROR;

/// Hash-to-curve domain (RFC 9380) of statements.
pub const STATEMENT_DST: &[u8] = b"MINUET-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_STMT_";

/// Hash-to-curve domain (RFC 9380) of proofs of possession. Differs from [`STATEMENT_DST`] so that no signed statement
/// can pass as a proof, nor a proof as a statement.
pub const POSSESSION_DST: &[u8] = b"MINUET-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";

/// What is wrong with the bytes of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointFault {
    #[error("{found} bytes instead of {expected}")]
    Length { expected: usize, found: usize },
    #[error("not a canonical compressed point")]
    Encoding,
    #[error("not on the curve")]
    NotOnCurve,
    #[error("outside the prime-order subgroup")]
    NotInSubgroup,
    #[error("the point at infinity")]
    Infinity,
}

impl PointFault {
    fn from_blst(error: BLST_ERROR) -> Self {
        match error {
            BLST_ERROR::BLST_POINT_NOT_ON_CURVE => Self::NotOnCurve,
            BLST_ERROR::BLST_POINT_NOT_IN_GROUP => Self::NotInSubgroup,
            BLST_ERROR::BLST_PK_IS_INFINITY => Self::Infinity,
            _ => Self::Encoding,
        }
    }
}

/// Why a key, a signature or an aggregate was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlsError {
    #[error("BLS secret key refused: it must be {SECRET_KEY_BYTES} big-endian bytes between 1 and the group order")]
    SecretKey,
    #[error("BLS public key refused: {0}")]
    PublicKey(PointFault),
    #[error("BLS signature refused: {0}")]
    Signature(PointFault),
    #[error("BLS signature number {index} of those gathered refused: {fault}")]
    Member { index: usize, fault: PointFault },
    #[error("an aggregate needs at least one signer")]
    NoSigners,
    #[error("BLS signature does not match this message and key")]
    Mismatch,
    #[error("the operating system gave no randomness for a BLS key; try again or check /dev/urandom")]
    NoRandomness,
}

fn verdict(result: BLST_ERROR) -> Result<(), BlsError> {
    match result {
        BLST_ERROR::BLST_SUCCESS => Ok(()),
        _ => Err(BlsError::Mismatch),
    }
}
