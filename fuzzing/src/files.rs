//! Files that outlive the process: the journal and the pool log, on a disk in memory.
//!
//! Almost every mutant has a wrong checksum, and is refused for it. So each input is read twice: as it is, and with its
//! checksums made right, which reaches what stands behind them. The layouts are stated here anew, from their descriptions.

use crate::samples;
use minuet_consensus::record::Record;
use minuet_core::file::{Directory as _, File as _};
use minuet_core::messages::JournalRecord;
use minuet_core::{B256, Bytes, keccak256};
use minuet_mempool::{PoolLog, PoolLogError};
use minuet_storage::{Journal, JournalConfig, MemoryDirectory};

/// The chain of all files here.
pub const CHAIN: B256 = B256::repeat_byte(7);
/// Small, so that a few records fill a segment.
pub const JOURNAL: JournalConfig = JournalConfig { segment_bytes: 4096, max_group_bytes: 4096 };
/// The pool log's limit.
pub const POOL_LOG_BYTES: u64 = 1 << 20;
/// Files of one journal in an input, at most.
const MAX_FILES: usize = 4;
const SECTOR: usize = 512;
const GROUP_HEADER: usize = 48;
const POOL_LOG_HEADER: usize = 64;
const POOL_LOG_RECORD: usize = 24;

pub fn journal_record(data: &[u8]) -> bool {
    let record = JournalRecord { tag: 0, payload: Bytes::copy_from_slice(data) };
    let Ok(read) = Record::from_journal(&record) else { return false };
    crate::assert_canonical("journal record", data, &read.to_journal().payload);
    true
}

/// The names and contents of a directory.
type Contents = Vec<(String, Option<Vec<u8>>)>;

fn contents(disk: &MemoryDirectory) -> Contents {
    let names = disk.list().expect("memory can be listed");
    names.into_iter().map(|name| (name.clone(), disk.contents(&name))).collect()
}

fn put(disk: &MemoryDirectory, name: &str, bytes: &[u8]) {
    let mut file = disk.create(name).expect("its name is new");
    file.write_all_at(bytes, 0).and_then(|()| file.sync()).expect("memory takes it");
}

/// The files of a journal as one input: the number of the first (1 byte, 255 for the last numbers that there are), then
/// each with its length (4 bytes) before it.
pub fn journal_input(first: u8, files: &[Vec<u8>]) -> Vec<u8> {
    let mut input = vec![first];
    for file in files {
        input.extend_from_slice(&u32::try_from(file.len()).expect("short").to_be_bytes());
        input.extend_from_slice(file);
    }
    input
}

fn files_of(mut rest: &[u8]) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk()
        && files.len() < MAX_FILES
    {
        let length = after.len().min(u32::from_be_bytes(*length) as usize);
        let (file, after) = after.split_at(length);
        files.push(file.to_vec());
        rest = after;
    }
    files
}

pub fn journal(data: &[u8]) -> bool {
    let [first, rest @ ..] = data else { return false };
    let first = if *first == u8::MAX { u64::MAX - 2 } else { u64::from(*first) };
    let files = files_of(rest);
    let is_good = check_journal(first, &files);
    let repaired: Vec<_> = files.iter().map(|file| repair_segment(file.clone())).collect();
    is_good | (repaired != files && check_journal(first, &repaired))
}

/// Reading changes nothing; opening gives the same records, or refuses and changes nothing; what is appended then is
/// read back behind them.
fn check_journal(first: u64, files: &[Vec<u8>]) -> bool {
    let disk = MemoryDirectory::new();
    for (number, file) in (first..=u64::MAX).zip(files) {
        put(&disk, &format!("segment-{number:020}.journal"), file);
    }
    let before = contents(&disk);
    let read = Journal::read(&disk, CHAIN);
    assert!(contents(&disk) == before, "reading a journal changes it");
    match (read, Journal::open(disk.clone(), CHAIN, JOURNAL)) {
        (Err(read), Err(opened)) => {
            assert_eq!(read, opened);
            assert!(contents(&disk) == before, "a journal that is refused is changed: {opened}");
            false
        }
        (Ok(None), Ok((journal, records))) => {
            assert!(journal.is_new() && records.is_empty() && files.is_empty());
            false
        }
        (Ok(Some(found)), Ok((mut journal, mut records))) => {
            assert!(!journal.is_new() && records == found.records && journal.segment_count() == found.segments);
            let more = JournalRecord { tag: 1, payload: Bytes::from_static(b"more") };
            journal.append(std::slice::from_ref(&more)).and_then(|()| journal.sync()).expect("memory takes it");
            records.push(more);
            let again = Journal::read(&disk, CHAIN).expect("what was just written").expect("it is there");
            assert!(again.records == records, "what is appended behind a journal is not read back");
            true
        }
        (read, opened) => panic!("reading gives {read:?}, opening {:?}", opened.map(|(_, records)| records)),
    }
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    keccak256(bytes)[..8].try_into().expect("32 bytes hold 8")
}

/// Sets the checksums of everything that looks like the header of a segment or the beginning of a group.
fn repair_segment(mut file: Vec<u8>) -> Vec<u8> {
    let sectors = file.len() / SECTOR;
    for start in (0..sectors).map(|sector| sector * SECTOR) {
        let sector = &mut file[start..];
        if sector.starts_with(b"MNTJRNL\n") {
            let sum = checksum(&sector[..64]);
            sector[64..72].copy_from_slice(&sum);
        } else if sector.starts_with(b"HMJG") {
            let payload = group_payload(sector);
            sector[32..40].copy_from_slice(&checksum(&payload));
            let sum = checksum(&sector[..40]);
            sector[40..GROUP_HEADER].copy_from_slice(&sum);
        }
    }
    file
}

/// The payload of the group that starts here: the first sector without the group's header, the others without their
/// first byte.
fn group_payload(sectors: &[u8]) -> Vec<u8> {
    let length = u32::from_be_bytes(sectors[24..28].try_into().expect("4 bytes")) as usize;
    let mut payload = sectors[GROUP_HEADER..SECTOR].to_vec();
    for sector in sectors[SECTOR..].chunks_exact(SECTOR) {
        if payload.len() >= length {
            break;
        }
        payload.extend_from_slice(&sector[1..]);
    }
    payload.truncate(length);
    payload
}

pub fn pool_log(data: &[u8]) -> bool {
    let is_good = check_pool_log(data);
    let repaired = repair_pool_log(data.to_vec());
    is_good | (repaired != data && check_pool_log(&repaired))
}

/// Whatever it holds, a log is opened, and gives the same once more; only one of another version or chain is refused, and
/// left as it was. What is written then is read back behind the rest.
fn check_pool_log(file: &[u8]) -> bool {
    let disk = MemoryDirectory::new();
    put(&disk, "pool.log", file);
    let before = contents(&disk);
    let (mut log, mut envelopes) = match PoolLog::open(disk.clone(), CHAIN, POOL_LOG_BYTES) {
        Ok(opened) => opened,
        Err(PoolLogError::WrongVersion { .. } | PoolLogError::WrongChain { .. }) => {
            assert!(contents(&disk) == before, "a log that is refused is changed");
            return false;
        }
        Err(error) => panic!("{error}"),
    };
    let found = envelopes.len();
    let bytes: usize = envelopes.iter().map(|envelope| envelope.len() + POOL_LOG_RECORD).sum();
    assert!(log.bytes() == (POOL_LOG_HEADER + bytes) as u64, "the log's length is not that of its records");
    assert!(PoolLog::open(disk.clone(), CHAIN, POOL_LOG_BYTES).expect("opened before").1 == envelopes);
    let more = &samples::transactions()[0];
    log.stage(more);
    log.commit([more].into_iter(), 0).expect("memory takes it");
    envelopes.push(more.envelope().clone());
    let again = PoolLog::open(disk, CHAIN, POOL_LOG_BYTES).expect("what was just written").1;
    assert!(again == envelopes, "what is written behind a log is not read back");
    found > 0
}

/// Sets the checksums of the header and of everything that looks like a record.
fn repair_pool_log(mut file: Vec<u8>) -> Vec<u8> {
    if file.len() < POOL_LOG_HEADER || !file.starts_with(b"MNTPOOL\n") {
        return file;
    }
    let sum = checksum(&file[..48]);
    file[48..56].copy_from_slice(&sum);
    let mut place = POOL_LOG_HEADER;
    while place + POOL_LOG_RECORD <= file.len() {
        let length = u32::from_be_bytes(file[place + 4..place + 8].try_into().expect("4 bytes")) as usize;
        let start = place + POOL_LOG_RECORD;
        match file.get(start..start.saturating_add(length)).map(checksum) {
            Some(sum) if file[place..].starts_with(b"MNTX") => {
                file[place + 8..place + 16].copy_from_slice(&sum);
                let head = [&file[place..place + 16], &(place as u64).to_be_bytes()].concat();
                file[place + 16..start].copy_from_slice(&checksum(&head));
                place = start + length;
            }
            _ => place += 1,
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    /// The layouts that are stated here are those of the files: with their checksums destroyed and repaired, they are
    /// the same again.
    #[test]
    fn repairing_gives_back_what_was_there() {
        for segment in samples::journal_files() {
            let mut damaged = segment.clone();
            for sector in damaged.chunks_exact_mut(SECTOR) {
                match sector.first() {
                    Some(b'M') => sector[64..72].fill(0),
                    Some(b'H') => sector[32..GROUP_HEADER].fill(0),
                    _ => {}
                }
            }
            assert!(damaged != segment && repair_segment(damaged) == segment);
        }
        let log = samples::pool_log_file();
        let mut damaged = log.clone();
        damaged[48..56].fill(0);
        let start = POOL_LOG_HEADER;
        damaged[start + 8..start + POOL_LOG_RECORD].fill(0);
        assert!(repair_pool_log(damaged) == log);
    }

    #[test]
    fn a_mutant_with_right_checksums_is_refused_for_what_it_says() {
        let seed = seeds::pool_log().into_iter().next().expect("there are some").bytes;
        let mut other_chain = seed.clone();
        other_chain[20] ^= 1;
        assert!(check_pool_log(&seed) && !check_pool_log(&other_chain));
        let damaged = check_pool_log(&repair_pool_log(other_chain));
        assert!(!damaged, "another chain's log is refused");
    }
}
