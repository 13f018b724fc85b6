//! A frame on a lane: kind (1 byte), length of the payload (4 bytes, big-endian), payload.

use crate::stats::Reject;
use minuet_core::wire::{FrameKind, Lane};

/// Kind and length.
pub const HEADER_BYTES: usize = 5;

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

#[cfg(test)]
mod tests {
    use super::*;

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
