//! Secret and public keys of validators, and proofs of possession.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use alloy_rlp::{BufMut, Decodable, Encodable};
use blst::min_sig;
use zeroize::Zeroizing;

use super::{BlsError, BlsSignature, POSSESSION_DST, PointFault, STATEMENT_DST, verdict};

/// Length of an encoded secret key, in bytes.
pub const SECRET_KEY_BYTES: usize = 32;
/// Length of an encoded public key (compressed point of G2), in bytes.
pub const PUBLIC_KEY_BYTES: usize = 96;

/// A validator's signing key: wiped when dropped, never printed, never cloned.
pub struct BlsSecretKey(min_sig::SecretKey);

impl BlsSecretKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`BlsError::NoRandomness`] when the operating system gives none.
    pub fn generate() -> Result<Self, BlsError> {
        let mut material = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *material).map_err(|_| BlsError::NoRandomness)?;
        Ok(Self::from_ikm(&material))
    }

    /// The key that belongs to 32 bytes of secret material, by the IRTF draft's `KeyGen`. The same material gives the
    /// same key; use it where a network must be reproducible, and only there.
    #[must_use]
    pub fn from_ikm(material: &[u8; 32]) -> Self {
        Self(min_sig::SecretKey::key_gen(material, &[]).expect("KeyGen refuses only material shorter than 32 bytes"))
    }

    /// Reads a scalar in big-endian form.
    ///
    /// # Errors
    /// [`BlsError::SecretKey`] for zero and for anything not below the group order.
    pub fn from_bytes(bytes: &[u8; SECRET_KEY_BYTES]) -> Result<Self, BlsError> {
        min_sig::SecretKey::from_bytes(bytes).map(Self).map_err(|_| BlsError::SecretKey)
    }

    /// The scalar in big-endian form; the copy is wiped when dropped.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; SECRET_KEY_BYTES]> {
        Zeroizing::new(self.0.to_bytes())
    }

    #[must_use]
    pub fn public_key(&self) -> BlsPublicKey {
        BlsPublicKey::from_point(self.0.sk_to_pk())
    }

    /// Signs in the domain of statements.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> BlsSignature {
        BlsSignature::from_point(&self.0.sign(message, STATEMENT_DST, &[]))
    }

    /// Signs this key's own public bytes in the domain of possession. Genesis requires it of every validator: without
    /// it, a key computed from the keys of others could sign for them in an aggregate.
    #[must_use]
    pub fn prove_possession(&self) -> BlsSignature {
        BlsSignature::from_point(&self.0.sign(&self.public_key().bytes, POSSESSION_DST, &[]))
    }
}

impl fmt::Debug for BlsSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlsSecretKey(hidden)")
    }
}

/// A validator's public key: its wire bytes beside the point, which was checked when it was made.
/// Equality, order and hash are those of the bytes.
#[derive(Clone)]
pub struct BlsPublicKey {
    bytes: [u8; PUBLIC_KEY_BYTES],
    pub(super) point: min_sig::PublicKey,
}

impl BlsPublicKey {
    /// Reads and checks a compressed point: length, canonical encoding, curve, subgroup, not infinity.
    ///
    /// # Errors
    /// [`BlsError::PublicKey`] with the first check that failed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlsError> {
        let array: [u8; PUBLIC_KEY_BYTES] = bytes
            .try_into()
            .map_err(|_| BlsError::PublicKey(PointFault::Length { expected: PUBLIC_KEY_BYTES, found: bytes.len() }))?;
        let refuse = |error| BlsError::PublicKey(PointFault::from_blst(error));
        let point = min_sig::PublicKey::uncompress(&array).map_err(refuse)?;
        point.validate().map_err(refuse)?;
        Ok(Self { bytes: array, point })
    }

    fn from_point(point: min_sig::PublicKey) -> Self {
        Self { bytes: point.compress(), point }
    }

    #[must_use]
    pub fn to_bytes(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.bytes
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.bytes
    }

    /// Checks one statement's signature.
    ///
    /// # Errors
    /// [`BlsError::Signature`] when the signature is no usable point, [`BlsError::Mismatch`] when it is another's or
    /// over something else.
    pub fn verify(&self, message: &[u8], signature: &BlsSignature) -> Result<(), BlsError> {
        self.verify_in(STATEMENT_DST, message, signature)
    }

    /// Checks that whoever made this key holds its secret.
    ///
    /// # Errors
    /// As [`BlsPublicKey::verify`].
    pub fn verify_possession(&self, proof: &BlsSignature) -> Result<(), BlsError> {
        self.verify_in(POSSESSION_DST, &self.bytes, proof)
    }

    fn verify_in(&self, dst: &[u8], message: &[u8], signature: &BlsSignature) -> Result<(), BlsError> {
        let point = signature.parse().map_err(BlsError::Signature)?;
        verdict(point.fast_aggregate_verify_pre_aggregated(false, message, dst, &self.point))
    }
}

impl PartialEq for BlsPublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for BlsPublicKey {}

impl PartialOrd for BlsPublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for BlsPublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl Hash for BlsPublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for BlsPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlsPublicKey({}…)", hex::encode(&self.bytes[..4]))
    }
}

/// All bytes in hexadecimal, without a prefix.
impl fmt::Display for BlsPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.bytes))
    }
}

impl Encodable for BlsPublicKey {
    fn encode(&self, out: &mut dyn BufMut) {
        self.bytes.encode(out);
    }

    fn length(&self) -> usize {
        self.bytes.length()
    }
}

/// Decodes and checks the point (a square root and a subgroup check, about 0.1 ms).
impl Decodable for BlsPublicKey {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let bytes = <[u8; PUBLIC_KEY_BYTES]>::decode(buf)?;
        Self::from_bytes(&bytes).map_err(|_| alloy_rlp::Error::Custom("BLS public key is no usable point"))
    }
}
