//! The bytes of the pool log. All numbers are big endian.
//!
//! A header, then records one behind the other: what describes an envelope, then the envelope. The description has a
//! checksum of its own that covers its place in the file, so that bytes which a client chose are not taken for a record
//! when a damaged stretch is searched for the next whole one.

use minuet_core::transaction::MAX_TRANSACTION_BYTES;
use minuet_core::{B256, Bytes, keccak256};

/// The version of everything in this file.
pub const VERSION: u32 = 1;
/// Before the first record.
pub const HEADER_BYTES: usize = 64;
/// Added to an envelope.
pub const RECORD_OVERHEAD: usize = 24;

const MAGIC: [u8; 8] = *b"MNTPOOL\n";
const RECORD_MAGIC: [u8; 4] = *b"MNTX";
const CHECKSUM_AT: usize = 48;

fn checksum(bytes: &[u8]) -> [u8; 8] {
    keccak256(bytes).0[..8].try_into().expect("32 bytes hold 8")
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// What a log says of itself. Every version keeps the magic, the version behind it and the checksum where they are, so
/// that a version can be named by a program that does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHeader {
    /// Format version.
    pub version: u32,
    /// The chain: the fingerprint of its genesis.
    pub genesis: B256,
}

impl LogHeader {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(self.genesis.as_slice());
        bytes.extend_from_slice(&checksum(&bytes));
        bytes.resize(HEADER_BYTES, 0);
        bytes
    }

    /// From the beginning of a file; nothing if it is none or damaged.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_BYTES)?;
        let (body, sum) = (&header[..CHECKSUM_AT], &header[CHECKSUM_AT..CHECKSUM_AT + 8]);
        if body[..8] != MAGIC || checksum(body) != sum {
            return None;
        }
        Some(Self { version: u32_at(body, 8)?, genesis: B256::from_slice(&body[16..CHECKSUM_AT]) })
    }
}

/// Appends a record that will stand at `place` in the file. `hash` is the envelope's keccak256.
pub fn encode_record(out: &mut Vec<u8>, place: u64, envelope: &[u8], hash: &B256) {
    let length = u32::try_from(envelope.len()).expect("an admitted transaction is within its limit");
    let start = out.len();
    out.extend_from_slice(&RECORD_MAGIC);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&hash.0[..8]);
    let sum = placed_checksum(&out[start..], place);
    out.extend_from_slice(&sum);
    out.extend_from_slice(envelope);
}

/// The envelope of the whole record at this place.
fn record_at(bytes: &[u8], place: usize) -> Option<Bytes> {
    let head = bytes.get(place..place.checked_add(RECORD_OVERHEAD)?)?;
    if head[..4] != RECORD_MAGIC || placed_checksum(&head[..16], place as u64) != head[16..] {
        return None;
    }
    let (start, length) = (place + RECORD_OVERHEAD, u32_at(head, 4)? as usize);
    // A longer one is none of ours, and hashing to the end of the file for each would take for ever.
    let envelope = bytes.get(start..start.checked_add(length).filter(|_| length <= MAX_TRANSACTION_BYTES)?)?;
    (checksum(envelope) == head[8..16]).then(|| Bytes::copy_from_slice(envelope))
}

fn placed_checksum(head: &[u8], place: u64) -> [u8; 8] {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(head);
    bytes[16..].copy_from_slice(&place.to_be_bytes());
    checksum(&bytes)
}

/// What a file holds behind its header.
#[derive(Debug, Default)]
pub struct Scan {
    /// The envelopes of all whole records, in order.
    pub envelopes: Vec<Bytes>,
    /// Behind the last whole record.
    pub end: u64,
    /// The first place that is unreadable though a whole record follows. What is unreadable at the end was torn.
    pub damaged_at: Option<u64>,
}

/// Reads all records, those behind a damaged stretch too.
#[must_use]
pub fn scan(bytes: &[u8]) -> Scan {
    let mut scan = Scan { end: HEADER_BYTES as u64, ..Scan::default() };
    let (mut place, mut unreadable) = (HEADER_BYTES, None);
    while place < bytes.len() {
        if let Some(envelope) = record_at(bytes, place) {
            place += RECORD_OVERHEAD + envelope.len();
            scan.envelopes.push(envelope);
            scan.end = place as u64;
            scan.damaged_at = scan.damaged_at.or(unreadable.take());
        } else {
            unreadable.get_or_insert(place as u64);
            let further = &bytes[place + 1..];
            let next = further.windows(RECORD_MAGIC.len()).position(|window| window == RECORD_MAGIC);
            place = next.map_or(bytes.len(), |next| place + 1 + next);
        }
    }
    scan
}
