//! The bytes of a segment. All numbers are big endian; a sector is 512 bytes.
//!
//! A segment is two equal header sectors, then groups. A group is two equal copies, each in sectors of its own. Within a
//! copy, the first byte of every sector tells whether a copy starts there or goes on, so that no record, whoever chose
//! its bytes, can be taken for a group. A group names its segment and its sequence number, which never repeats: what a
//! recycled file held before cannot be taken for a group either.

use minuet_core::messages::JournalRecord;
use minuet_core::{B256, Bytes, keccak256};

/// What a disk writes whole or not at all.
pub const SECTOR: usize = 512;
/// The version of everything in this file.
pub const VERSION: u32 = 1;
/// Two sectors.
pub const HEADER_BYTES: u64 = 2 * SECTOR as u64;
/// The payload of a group, at most: records with 12 bytes more for each.
pub const MAX_GROUP_PAYLOAD: usize = 256 << 20;
/// Added to a record's payload.
pub const RECORD_OVERHEAD: usize = 12;

const SEGMENT_MAGIC: [u8; 8] = *b"MNTJRNL\n";
const GROUP_MAGIC: [u8; 4] = *b"HMJG";
const CONTINUES: u8 = b'C';
const FIRST_ROOM: usize = SECTOR - GroupHeader::BYTES;
const NEXT_ROOM: usize = SECTOR - 1;

fn checksum(bytes: &[u8]) -> [u8; 8] {
    keccak256(bytes).0[..8].try_into().expect("32 bytes hold 8")
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// What a segment says of itself.
///
/// Every version keeps the magic, the version behind it and the checksum where they are, so that a version can be named
/// by a program that does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Format version.
    pub version: u32,
    /// Ascending without gaps.
    pub number: u64,
    /// Of the segment's first group, which need not be there yet.
    pub first_sequence: u64,
    /// The chain.
    pub genesis: B256,
}

impl SegmentHeader {
    const CHECKSUM_AT: usize = 64;

    /// Both sectors.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut sector = Vec::with_capacity(2 * SECTOR);
        sector.extend_from_slice(&SEGMENT_MAGIC);
        sector.extend_from_slice(&self.version.to_be_bytes());
        sector.extend_from_slice(&[0; 4]);
        sector.extend_from_slice(&self.number.to_be_bytes());
        sector.extend_from_slice(&self.first_sequence.to_be_bytes());
        sector.extend_from_slice(self.genesis.as_slice());
        sector.extend_from_slice(&checksum(&sector));
        sector.resize(SECTOR, 0);
        sector.extend_from_within(..);
        sector
    }

    /// The first undamaged one of the sectors.
    #[must_use]
    pub fn decode(sectors: &[u8]) -> Option<Self> {
        sectors.chunks_exact(SECTOR).find_map(Self::decode_sector)
    }

    fn decode_sector(sector: &[u8]) -> Option<Self> {
        let body = sector.get(..Self::CHECKSUM_AT)?;
        let sum = sector.get(Self::CHECKSUM_AT..Self::CHECKSUM_AT + 8)?;
        if body[..8] != SEGMENT_MAGIC || checksum(body) != sum {
            return None;
        }
        Some(Self {
            version: u32_at(body, 8)?,
            number: u64_at(body, 16)?,
            first_sequence: u64_at(body, 24)?,
            genesis: B256::from_slice(&body[32..64]),
        })
    }
}

/// The beginning of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupHeader {
    /// Records in the payload.
    pub records: u32,
    /// The segment that it was written to.
    pub segment: u64,
    /// Ascending without gaps across segments.
    pub sequence: u64,
    /// Bytes of the payload.
    pub length: u32,
    payload_checksum: [u8; 8],
}

impl GroupHeader {
    /// Encoded size.
    pub const BYTES: usize = 48;

    fn encode(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&GROUP_MAGIC);
        bytes[4..8].copy_from_slice(&self.records.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.segment.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[24..28].copy_from_slice(&self.length.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.payload_checksum);
        let sum = checksum(&bytes[..40]);
        bytes[40..].copy_from_slice(&sum);
        bytes
    }

    /// From the first sector of a copy; nothing if it is none or damaged.
    #[must_use]
    pub fn decode(sector: &[u8]) -> Option<Self> {
        let bytes = sector.get(..Self::BYTES)?;
        if bytes[..4] != GROUP_MAGIC || checksum(&bytes[..40]) != bytes[40..] {
            return None;
        }
        Some(Self {
            records: u32_at(bytes, 4)?,
            segment: u64_at(bytes, 8)?,
            sequence: u64_at(bytes, 16)?,
            length: u32_at(bytes, 24)?,
            payload_checksum: bytes[32..40].try_into().ok()?,
        })
    }

    /// Bytes of one copy on disk.
    #[must_use]
    pub fn copy_bytes(&self) -> u64 {
        copy_bytes(self.length as usize)
    }

    /// The records of a whole copy; nothing if it is damaged.
    #[must_use]
    pub fn decode_records(&self, copy: &[u8]) -> Option<Vec<JournalRecord>> {
        let payload = self.payload(copy)?;
        let mut rest = payload.as_slice();
        let mut records = Vec::new();
        for _ in 0..self.records {
            let tag = u64_at(rest, 0)?;
            let length = u32_at(rest, 8)? as usize;
            let bytes = rest.get(RECORD_OVERHEAD..RECORD_OVERHEAD.checked_add(length)?)?;
            records.push(JournalRecord { tag, payload: Bytes::copy_from_slice(bytes) });
            rest = &rest[RECORD_OVERHEAD + length..];
        }
        rest.is_empty().then_some(records)
    }

    fn payload(&self, copy: &[u8]) -> Option<Vec<u8>> {
        let length = self.length as usize;
        let mut payload = Vec::with_capacity(length.min(copy.len()));
        for (index, sector) in copy.chunks_exact(SECTOR).enumerate() {
            let room = match index {
                0 => &sector[Self::BYTES..],
                _ if sector[0] == CONTINUES => &sector[1..],
                _ => return None,
            };
            let wanted = room.len().min(length - payload.len());
            payload.extend_from_slice(&room[..wanted]);
        }
        (payload.len() == length && checksum(&payload) == self.payload_checksum).then_some(payload)
    }
}

/// Bytes of one copy of a payload on disk, header and padding included.
#[must_use]
pub fn copy_bytes(payload: usize) -> u64 {
    let more = payload.saturating_sub(FIRST_ROOM).div_ceil(NEXT_ROOM);
    (more as u64 + 1) * SECTOR as u64
}

/// Adds one record to the payload of a group.
pub fn encode_record(payload: &mut Vec<u8>, record: &JournalRecord) {
    let length = u32::try_from(record.payload.len()).expect("append refuses records above the limit");
    payload.extend_from_slice(&record.tag.to_be_bytes());
    payload.extend_from_slice(&length.to_be_bytes());
    payload.extend_from_slice(&record.payload);
}

/// Both copies of a group, one behind the other.
#[must_use]
pub fn encode_group(segment: u64, sequence: u64, records: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("append keeps groups within the limit");
    let header = GroupHeader { records, segment, sequence, length, payload_checksum: checksum(payload) };
    let one = usize::try_from(copy_bytes(payload.len())).expect("a group fits into memory");
    let mut group = Vec::with_capacity(2 * one);
    group.extend_from_slice(&header.encode());
    let (first, rest) = payload.split_at(payload.len().min(FIRST_ROOM));
    group.extend_from_slice(first);
    for part in rest.chunks(NEXT_ROOM) {
        group.push(CONTINUES);
        group.extend_from_slice(part);
    }
    group.resize(one, 0);
    group.extend_from_within(..);
    group
}
