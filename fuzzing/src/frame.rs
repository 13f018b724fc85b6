//! The wire: a lane's bytes, put together from pieces as the network gives them, and each payload read as its kind.

use crate::chance::Chance;
use crate::messages;
use minuet_core::alloy_primitives::bytes;
use minuet_core::wire::{FrameKind, Lane};
use minuet_p2p::frame::{Filling, FrameError, HEADER_BYTES, header, parse_header};

/// The bytes of a lane in pieces of at most so many bytes; 0: all at once.
struct Pieces {
    rest: bytes::Bytes,
    chunk: bytes::Bytes,
    most: usize,
    chance: Chance,
}

impl Pieces {
    /// So many bytes, as the reader of a lane takes them; nothing if the lane ends before.
    fn take(&mut self, length: usize) -> Option<minuet_core::Bytes> {
        let mut filling = Filling::new(length);
        while !filling.take(&mut self.chunk) {
            if self.rest.is_empty() {
                return None;
            }
            let most = if self.most == 0 { self.rest.len() } else { 1 + self.chance.below(self.most) };
            self.chunk = self.rest.split_to(most.min(self.rest.len()));
        }
        Some(filling.into_bytes())
    }
}

/// The lane (1 byte), the length of pieces (1 byte), frames. True if there is a whole frame with a payload of its kind.
pub fn frame(data: &[u8]) -> bool {
    let [lane, most, stream @ ..] = data else { return false };
    let lane = Lane::ALL[usize::from(*lane) % Lane::ALL.len()];
    let rest = bytes::Bytes::copy_from_slice(stream);
    let mut pieces =
        Pieces { rest, chunk: bytes::Bytes::new(), most: usize::from(*most), chance: Chance::new(u64::from(*most)) };
    let (mut at, mut has_value) = (0, false);
    while let Some(head) = pieces.take(HEADER_BYTES) {
        let head = head.as_ref().try_into().expect("as many bytes as were asked for");
        let (kind, length) = match parse_header(head, lane) {
            Ok(parsed) => parsed,
            Err(error) => {
                check_refusal(error, head, lane);
                break;
            }
        };
        assert!(kind.lane() == lane && length <= kind.max_bytes());
        let Some(payload) = pieces.take(length) else { break };
        let frame = [&header(kind, u32::try_from(length).expect("within a kind's limit"))[..], &payload].concat();
        assert_eq!(frame, stream[at..at + frame.len()], "the frame is not what was sent");
        at += frame.len();
        has_value |= messages::payload(kind, &payload);
    }
    has_value
}

fn check_refusal(error: FrameError, head: [u8; HEADER_BYTES], lane: Lane) {
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let is_right = match error {
        FrameError::UnknownKind(code) => code == head[0] && FrameKind::from_code(code).is_none(),
        FrameError::WrongLane(kind, found) => kind.code() == head[0] && found == lane && kind.lane() != lane,
        FrameError::Oversized(kind, found) => {
            kind.code() == head[0] && found == length && length as usize > kind.max_bytes()
        }
    };
    assert!(is_right, "{head:02x?} on the {} lane is refused as: {error}", lane.name());
}
