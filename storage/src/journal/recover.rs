//! Reading a journal back: every group from one whole copy of it, in order, without holes.

use super::format::{self, GroupHeader, HEADER_BYTES, MAX_GROUP_PAYLOAD, SECTOR, SegmentHeader};
use super::{
    Journal, JournalConfig, JournalContents, JournalError, SPARE, Segment, Staged, Tail, failed, locate, segment_name,
};
use minuet_core::B256;
use minuet_core::file::{Directory, File};
use minuet_core::messages::JournalRecord;
use std::collections::VecDeque;

/// Read at once when looking for a copy.
const CHUNK: usize = 64 << 10;
/// No segment and no group gets a higher number: there is room above it to go on counting (B-ARITH).
const LAST_NUMBER: u64 = u64::MAX >> 1;

/// A whole copy of a group.
struct Copy {
    header: GroupHeader,
    bytes: Vec<u8>,
    records: Vec<JournalRecord>,
}

/// The last group of the last segment.
struct LastGroup {
    position: u64,
    copy: Vec<u8>,
}

struct Reader<'a, D: Directory> {
    directory: &'a D,
    name: String,
    file: D::File,
    length: u64,
    header: SegmentHeader,
}

struct Contents {
    records: Vec<JournalRecord>,
    next_sequence: u64,
    end: u64,
    last: Option<LastGroup>,
}

/// Everything that the segments hold; nothing if there are none. Changes nothing.
struct Found<F> {
    segments: VecDeque<Segment>,
    records: Vec<JournalRecord>,
    /// Of the last segment.
    name: String,
    tail: Tail<F>,
    next_sequence: u64,
    last: Option<LastGroup>,
}

fn read_all<D: Directory>(
    directory: &D,
    names: &[String],
    genesis: B256,
) -> Result<Option<Found<D::File>>, JournalError> {
    let mut readers = VecDeque::new();
    for number in segment_numbers(directory, names)? {
        readers.push_back(Reader::open(directory, number, genesis)?);
    }
    let mut segments = VecDeque::new();
    let mut records = Vec::new();
    let mut found = None;
    while let Some(reader) = readers.pop_front() {
        let contents = reader.read(readers.front().map(|next| next.header.first_sequence))?;
        let max_tag = contents.records.iter().map(|record| record.tag).max().unwrap_or(0);
        segments.push_back(Segment { number: reader.header.number, max_tag });
        records.extend(contents.records);
        let tail = Tail { file: reader.file, length: reader.length, position: contents.end };
        found = Some((reader.name, tail, contents.next_sequence, contents.last));
    }
    Ok(found.map(|(name, tail, next_sequence, last)| Found { segments, records, name, tail, next_sequence, last }))
}

pub(super) fn read<D: Directory>(directory: &D, genesis: B256) -> Result<Option<JournalContents>, JournalError> {
    let names = directory.list().map_err(failed(directory, "", "list"))?;
    let found = read_all(directory, &names, genesis)?;
    Ok(found.map(|found| JournalContents { records: found.records, segments: found.segments.len() }))
}

pub(super) fn open<D: Directory>(
    directory: D,
    genesis: B256,
    config: JournalConfig,
) -> Result<(Journal<D>, Vec<JournalRecord>), JournalError> {
    let names = directory.list().map_err(failed(&directory, "", "list"))?;
    let has_spare = names.iter().any(|name| name == SPARE);
    let Some(found) = read_all(&directory, &names, genesis)? else {
        return Ok((create(directory, genesis, config, has_spare)?, Vec::new()));
    };
    let Found { segments, records, name, mut tail, next_sequence, last } = found;
    if let Some(last) = last {
        settle(&directory, &name, &mut tail.file, &last)?;
    }
    let staged = Staged::default();
    let journal = Journal {
        directory,
        genesis,
        config,
        segments,
        tail,
        next_sequence,
        staged,
        has_spare,
        is_new: false,
        is_poisoned: false,
    };
    Ok((journal, records))
}

fn create<D: Directory>(
    directory: D,
    genesis: B256,
    config: JournalConfig,
    has_spare: bool,
) -> Result<Journal<D>, JournalError> {
    let length = config.segment_bytes.max(HEADER_BYTES);
    let header = SegmentHeader { version: format::VERSION, number: 0, first_sequence: 0, genesis };
    let spare = if has_spare { super::usable_spare(&directory, length)? } else { None };
    let tail = super::create_segment(&directory, &header, length, spare)?;
    Ok(Journal {
        directory,
        genesis,
        config,
        segments: VecDeque::from([Segment { number: 0, max_tag: 0 }]),
        tail,
        next_sequence: 0,
        staged: Staged::default(),
        has_spare: false,
        is_new: true,
        is_poisoned: false,
    })
}

/// Ascending and without gaps.
fn segment_numbers<D: Directory>(directory: &D, names: &[String]) -> Result<Vec<u64>, JournalError> {
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    for pair in numbers.windows(2) {
        let wanted = pair[0].saturating_add(1);
        if pair[1] != wanted {
            let file = locate(directory, &segment_name(wanted));
            let reason = format!("the file is missing, though segment {} is there", pair[1]);
            return Err(JournalError::Corrupt { file, offset: 0, reason });
        }
    }
    Ok(numbers)
}

fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".journal")?;
    let number = digits.parse().ok()?;
    (segment_name(number) == name).then_some(number)
}

/// Writes both copies anew, one after the other: at any moment one of them is whole and durable.
fn settle<D: Directory>(directory: &D, name: &str, file: &mut D::File, last: &LastGroup) -> Result<(), JournalError> {
    for position in [last.position + last.copy.len() as u64, last.position] {
        file.write_all_at(&last.copy, position).map_err(failed(directory, name, "write"))?;
        file.sync().map_err(failed(directory, name, "sync"))?;
    }
    Ok(())
}

impl<'a, D: Directory> Reader<'a, D> {
    fn open(directory: &'a D, number: u64, genesis: B256) -> Result<Self, JournalError> {
        let name = segment_name(number);
        let file = directory.open(&name).map_err(failed(directory, &name, "open"))?;
        let length = file.len().map_err(failed(directory, &name, "measure"))?;
        let readable = length.min(HEADER_BYTES);
        let mut sectors = vec![0; usize::try_from(readable).expect("two sectors fit into memory")];
        file.read_exact_at(&mut sectors, 0).map_err(failed(directory, &name, "read"))?;
        let corrupt = |reason: String| JournalError::Corrupt { file: locate(directory, &name), offset: 0, reason };
        let Some(header) = SegmentHeader::decode(&sectors) else {
            return Err(corrupt("neither copy of the segment's header is whole".into()));
        };
        if header.version != format::VERSION {
            let file = locate(directory, &name);
            return Err(JournalError::WrongVersion { file, found: header.version, expected: format::VERSION });
        }
        if header.genesis != genesis {
            let file = locate(directory, &name);
            let (found, expected) = (header.genesis.to_string(), genesis.to_string());
            return Err(JournalError::WrongChain { file, found, expected });
        }
        if header.number != number {
            return Err(corrupt(format!("the file's header says segment {}: it was renamed", header.number)));
        }
        if number > LAST_NUMBER || header.first_sequence > LAST_NUMBER {
            return Err(corrupt("the file's header has numbers that no journal reaches".to_owned()));
        }
        Ok(Self { directory, name, file, length, header })
    }

    /// All groups. `next_first` is the sequence number that the next segment starts with; without one, the groups end
    /// where no whole copy of any later one follows.
    fn read(&self, next_first: Option<u64>) -> Result<Contents, JournalError> {
        let mut contents =
            Contents { records: Vec::new(), next_sequence: self.header.first_sequence, end: HEADER_BYTES, last: None };
        while next_first != Some(contents.next_sequence) {
            let Some(copy) = self.find_group(contents.end, contents.next_sequence)? else { break };
            let position = contents.end;
            contents.end += 2 * copy.header.copy_bytes();
            contents.next_sequence += 1;
            contents.records.extend(copy.records);
            contents.last = Some(LastGroup { position, copy: copy.bytes });
        }
        match next_first {
            Some(next) if next != contents.next_sequence => {
                let lost = contents.next_sequence;
                Err(self.corrupt(contents.end, format!("group {lost} is missing, though the next segment follows")))
            }
            _ => Ok(contents),
        }
    }

    /// The group with this sequence number that starts at `position`, from either copy. Nothing if no copy of it nor of
    /// any later group is whole.
    fn find_group(&self, position: u64, sequence: u64) -> Result<Option<Copy>, JournalError> {
        if let Some(copy) = self.copy_at(position)?.filter(|copy| copy.header.sequence == sequence) {
            return Ok(Some(copy));
        }
        let mut chunk = vec![0; CHUNK];
        let mut at = position;
        while at + SECTOR as u64 <= self.length {
            let size =
                usize::try_from((self.length - at).min(CHUNK as u64)).expect("at most a chunk") / SECTOR * SECTOR;
            self.read_at(&mut chunk[..size], at)?;
            for (index, sector) in chunk[..size].chunks_exact(SECTOR).enumerate() {
                let here = at + (index * SECTOR) as u64;
                let is_candidate = GroupHeader::decode(sector)
                    .is_some_and(|header| header.segment == self.header.number && header.sequence >= sequence);
                let Some(copy) = (if is_candidate { self.copy_at(here)? } else { None }) else { continue };
                if copy.header.sequence > sequence {
                    let reason =
                        format!("no copy of group {sequence} is whole, though group {} is", copy.header.sequence);
                    return Err(self.corrupt(position, reason));
                }
                if here == position + copy.header.copy_bytes() {
                    return Ok(Some(copy));
                }
            }
            at += size as u64;
        }
        Ok(None)
    }

    /// The whole copy that starts at `position`, if one does.
    fn copy_at(&self, position: u64) -> Result<Option<Copy>, JournalError> {
        if position + SECTOR as u64 > self.length {
            return Ok(None);
        }
        let mut bytes = vec![0; SECTOR];
        self.read_at(&mut bytes, position)?;
        let Some(header) = GroupHeader::decode(&bytes).filter(|header| header.segment == self.header.number) else {
            return Ok(None);
        };
        let size = header.copy_bytes();
        // Not before the file is known to be that long is memory taken.
        if size > self.length - position || header.length as usize > MAX_GROUP_PAYLOAD {
            return Ok(None);
        }
        bytes.resize(usize::try_from(size).expect("a group fits into memory"), 0);
        self.read_at(&mut bytes[SECTOR..], position + SECTOR as u64)?;
        Ok(header.decode_records(&bytes).map(|records| Copy { header, bytes, records }))
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> Result<(), JournalError> {
        self.file.read_exact_at(buffer, position).map_err(failed(self.directory, &self.name, "read"))
    }

    fn corrupt(&self, offset: u64, reason: String) -> JournalError {
        JournalError::Corrupt { file: locate(self.directory, &self.name), offset, reason }
    }
}
