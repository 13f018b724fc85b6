//! A signature in wire form: 48 bytes that are parsed where they are used.

use std::fmt;

use alloy_rlp::{BufMut, Decodable, Encodable};
use blst::min_sig;

use super::{BlsError, PointFault};

/// Length of an encoded signature (compressed point of G1), in bytes.
pub const SIGNATURE_BYTES: usize = 48;

const INFINITY_FLAG: u8 = 0x40;

/// One signature or one aggregate. Holding one says nothing about its validity: decoding checks only the length, so
/// that reading a message costs no curve arithmetic, and each use checks the point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlsSignature(pub [u8; SIGNATURE_BYTES]);

impl BlsSignature {
    /// Takes 48 bytes as they are.
    ///
    /// # Errors
    /// [`BlsError::Signature`] with [`PointFault::Length`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlsError> {
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| BlsError::Signature(PointFault::Length { expected: SIGNATURE_BYTES, found: bytes.len() }))
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.0
    }

    #[must_use]
    pub fn to_bytes(self) -> [u8; SIGNATURE_BYTES] {
        self.0
    }

    pub(super) fn from_point(point: &min_sig::Signature) -> Self {
        Self(point.compress())
    }

    /// Read off the flag bit of the encoding, which is enough for bytes that decode.
    pub(super) fn is_infinity(&self) -> bool {
        self.0[0] & INFINITY_FLAG != 0
    }

    /// A point on the curve that is not infinity; it may lie outside the subgroup.
    pub(super) fn on_curve(&self) -> Result<min_sig::Signature, PointFault> {
        let point = min_sig::Signature::uncompress(&self.0).map_err(PointFault::from_blst)?;
        if self.is_infinity() { Err(PointFault::Infinity) } else { Ok(point) }
    }

    /// A point of the subgroup that is not infinity.
    pub(super) fn parse(&self) -> Result<min_sig::Signature, PointFault> {
        let point = self.on_curve()?;
        if point.subgroup_check() { Ok(point) } else { Err(PointFault::NotInSubgroup) }
    }
}

impl fmt::Debug for BlsSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlsSignature({}…)", hex::encode(&self.0[..4]))
    }
}

/// All bytes in hexadecimal, without a prefix.
impl fmt::Display for BlsSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Encodable for BlsSignature {
    fn encode(&self, out: &mut dyn BufMut) {
        self.0.encode(out);
    }

    fn length(&self) -> usize {
        self.0.length()
    }
}

impl Decodable for BlsSignature {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        <[u8; SIGNATURE_BYTES]>::decode(buf).map(Self)
    }
}
