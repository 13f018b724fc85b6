//! Ed25519 signatures of transactions and of peers.
//!
//! Owns: keys, signing, the one verification rule, and the rule on sender keys. Never does: know what a transaction is.
//!
//! Invariants:
//! - One verdict per signature on every node, in every batch and build: single and batched checks both follow ZIP-215
//!   (cofactored equation, any decodable R, canonical s). Single and batched verdicts of other libraries differ on
//!   crafted points, which would split honest validators.
//! - Which keys may *send* is a separate rule, [`check_sender_key`], the same at admission and in block validity.

mod key_rule;
mod known;
mod points;
#[cfg(test)]
mod tests;
mod verify;
mod weights;
#[cfg(target_arch = "x86_64")]
mod wide;

pub use key_rule::{KeyRuleError, check_sender_key, check_sender_key_bytes};
pub use known::verify_each_known;
pub use verify::{BATCH_CHUNK, Item, verify, verify_batch, verify_batch_inline};

use std::fmt;

use alloy_rlp::{BufMut, Decodable, Encodable};
use ed25519_dalek::{Signer, SigningKey};
use zeroize::Zeroizing;

/// Length of a secret seed, in bytes.
pub const SECRET_KEY_BYTES: usize = 32;
/// Length of an encoded public key, in bytes.
pub const PUBLIC_KEY_BYTES: usize = 32;
/// Length of an encoded signature, in bytes.
pub const SIGNATURE_BYTES: usize = 64;

/// Why a key or a signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ed25519Error {
    #[error("{what} has {found} bytes instead of {expected}")]
    Length { what: &'static str, expected: usize, found: usize },
    #[error("Ed25519 public key is not a point on the curve")]
    PublicKey,
    #[error("Ed25519 signature does not match this message and key")]
    Mismatch,
    #[error("the operating system gave no randomness for an Ed25519 key; try again or check /dev/urandom")]
    NoRandomness,
}

/// A signing key: wiped when dropped, never printed, never cloned.
pub struct Ed25519SecretKey(SigningKey);

impl Ed25519SecretKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`Ed25519Error::NoRandomness`] when the operating system gives none.
    pub fn generate() -> Result<Self, Ed25519Error> {
        let mut seed = Zeroizing::new([0; SECRET_KEY_BYTES]);
        getrandom::fill(&mut *seed).map_err(|_| Ed25519Error::NoRandomness)?;
        Ok(Self::from_bytes(&seed))
    }

    /// The key of a 32-byte seed (RFC 8032); every seed is a key.
    #[must_use]
    pub fn from_bytes(seed: &[u8; SECRET_KEY_BYTES]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed; the copy is wiped when dropped.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; SECRET_KEY_BYTES]> {
        Zeroizing::new(self.0.to_bytes())
    }

    #[must_use]
    pub fn public_key(&self) -> Ed25519PublicKey {
        Ed25519PublicKey(self.0.verifying_key().to_bytes())
    }

    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Ed25519Signature {
        Ed25519Signature(self.0.sign(message).to_bytes())
    }
}

/// Fewer than this many are signed as fast one by one (docs/performance.md).
#[cfg(target_arch = "x86_64")]
const SMALLEST_TO_SIGN_IN_VECTORS: usize = 3;

/// The signature of each message with its key, in their order, as [`Ed25519SecretKey::sign`] makes it; several at a time
/// where the processor can. For whoever signs much at once, like a load generator.
#[must_use]
pub fn sign_each(items: &[(&Ed25519SecretKey, &[u8])]) -> Vec<Ed25519Signature> {
    #[cfg(target_arch = "x86_64")]
    if items.len() >= SMALLEST_TO_SIGN_IN_VECTORS
        && let Some(wide) = wide::Wide::try_new()
    {
        return wide::sign_each(wide, items).into_iter().map(Ed25519Signature).collect();
    }
    items.iter().map(|(key, message)| key.sign(message)).collect()
}

impl fmt::Debug for Ed25519SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519SecretKey(hidden)")
    }
}

/// A public key in wire form. Holding one says nothing about it: see [`check_sender_key`] and [`verify`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ed25519PublicKey(pub [u8; PUBLIC_KEY_BYTES]);

/// A signature in wire form, checked only by verification.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ed25519Signature(pub [u8; SIGNATURE_BYTES]);

/// What both wire forms share: exact length, short `Debug`, full `Display`, RLP as a string of that length.
macro_rules! wire_form {
    ($name:ident, $length:ident, $what:literal) => {
        impl $name {
            /// Takes bytes as they are.
            ///
            /// # Errors
            /// [`Ed25519Error::Length`] for any other length.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, Ed25519Error> {
                bytes.try_into().map(Self).map_err(|_| Ed25519Error::Length {
                    what: $what,
                    expected: $length,
                    found: bytes.len(),
                })
            }

            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            #[must_use]
            pub fn to_bytes(self) -> [u8; $length] {
                self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({}…)"), hex::encode(&self.0[..4]))
            }
        }

        /// All bytes in hexadecimal, without a prefix.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl Encodable for $name {
            fn encode(&self, out: &mut dyn BufMut) {
                self.0.encode(out);
            }

            fn length(&self) -> usize {
                self.0.length()
            }
        }

        impl Decodable for $name {
            fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
                <[u8; $length]>::decode(buf).map(Self)
            }
        }
    };
}

wire_form!(Ed25519PublicKey, PUBLIC_KEY_BYTES, "Ed25519 public key");
wire_form!(Ed25519Signature, SIGNATURE_BYTES, "Ed25519 signature");
