//! A frame on a lane: kind (1 byte), length of the payload (4 bytes, big-endian), payload.

use crate::stats::Reject;
use minuet_core::Bytes;
use minuet_core::alloy_primitives::bytes;
use minuet_core::wire::{FrameKind, Lane};

/// Kind and length.
pub const HEADER_BYTES: usize = 5;
/// Set aside for a payload before any of it has come; the rest follows what really arrives.
pub const FIRST_ALLOCATION_BYTES: usize = 64 << 10;

/// What stands before a payload of `length` bytes, which the caller has held against the kind's limit.
#[must_use]
pub fn header(kind: FrameKind, length: u32) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = length.to_be_bytes();
    [kind.code(), a, b, c, d]
}

/// A frame that breaks B-FRAME. Nothing was allocated for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// See [`Reject::UnknownKind`].
    #[error("frame kind {0} does not exist")]
    UnknownKind(u8),
    /// See [`Reject::WrongLane`].
    #[error("a {} frame does not belong on the {} lane", .0.name(), .1.name())]
    WrongLane(FrameKind, Lane),
    /// See [`Reject::Oversized`].
    #[error("a {} frame of {} bytes: at most {} are allowed", .0.name(), .1, .0.max_bytes())]
    Oversized(FrameKind, u32),
}

impl FrameError {
    pub(crate) const fn reject(self) -> Reject {
        match self {
            Self::UnknownKind(_) => Reject::UnknownKind,
            Self::WrongLane(..) => Reject::WrongLane,
            Self::Oversized(..) => Reject::Oversized,
        }
    }
}

/// Kind and payload length of a frame that came on `lane` (B-FRAME).
///
/// # Errors
/// An unknown kind, a kind of another lane, a payload above the kind's limit.
pub fn parse_header(header: [u8; HEADER_BYTES], lane: Lane) -> Result<(FrameKind, usize), FrameError> {
    let [code, a, b, c, d] = header;
    let length = u32::from_be_bytes([a, b, c, d]);
    let kind = FrameKind::from_code(code).ok_or(FrameError::UnknownKind(code))?;
    if kind.lane() != lane {
        return Err(FrameError::WrongLane(kind, lane));
    }
    match usize::try_from(length) {
        Ok(bytes) if bytes <= kind.max_bytes() => Ok((kind, bytes)),
        _ => Err(FrameError::Oversized(kind, length)),
    }
}

/// Bytes of a known number, put together from pieces of any length. Their length was checked before ([`parse_header`]).
#[derive(Debug)]
pub struct Filling {
    bytes: Vec<u8>,
    length: usize,
}

impl Filling {
    /// Nothing yet, of `length` bytes.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self { bytes: Vec::with_capacity(length.min(FIRST_ALLOCATION_BYTES)), length }
    }

    /// Takes what is missing, or as much of it as there is, from the front of `piece`; whether nothing is missing now.
    pub fn take(&mut self, piece: &mut bytes::Bytes) -> bool {
        let missing = self.length - self.bytes.len();
        self.bytes.extend_from_slice(&piece.split_to(missing.min(piece.len())));
        self.bytes.len() == self.length
    }

    /// What has come: copies, so that a small payload never keeps a large receive buffer alive.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        Bytes::from(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filling_takes_what_is_missing_from_pieces_of_any_length_and_no_more() {
        let whole: Vec<u8> = (0..100).collect();
        for length in [0, 1, 40, 99, 100] {
            for piece in [1, 3, 100] {
                let (mut filling, mut rest) = (Filling::new(length), bytes::Bytes::copy_from_slice(&whole));
                let mut chunk = bytes::Bytes::new();
                while !filling.take(&mut chunk) {
                    assert!(chunk.is_empty(), "only what is used up is filled up");
                    chunk = rest.split_to(piece.min(rest.len()));
                }
                assert_eq!(filling.into_bytes(), whole[..length]);
                assert_eq!([chunk, rest].concat(), whole[length..], "{length} bytes in pieces of {piece}");
            }
        }
    }

    #[test]
    fn every_kind_reads_back_on_its_lane_up_to_its_limit_and_nowhere_else() {
        for kind in FrameKind::ALL {
            let limit = u32::try_from(kind.max_bytes()).unwrap();
            for length in [0, 1, limit] {
                let expected = Ok((kind, length as usize));
                assert_eq!(parse_header(header(kind, length), kind.lane()), expected);
            }
            for length in [limit + 1, u32::MAX] {
                let refused = parse_header(header(kind, length), kind.lane());
                assert_eq!(refused, Err(FrameError::Oversized(kind, length)));
            }
            for lane in Lane::ALL.into_iter().filter(|lane| *lane != kind.lane()) {
                assert_eq!(parse_header(header(kind, 1), lane), Err(FrameError::WrongLane(kind, lane)));
            }
        }
        for code in [0, 8, 255] {
            let refused = parse_header([code, 0, 0, 0, 1], Lane::Votes);
            assert_eq!(refused, Err(FrameError::UnknownKind(code)));
        }
    }

    #[test]
    fn the_header_keeps_its_bytes() {
        assert_eq!(header(FrameKind::Body, 0x0102_0304), [4, 1, 2, 3, 4]);
    }
}
