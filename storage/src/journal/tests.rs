use super::format::{GroupHeader, SECTOR, SegmentHeader, VERSION, copy_bytes};
use super::*;
use crate::files::{Fault, MemoryDirectory, RealDirectory};
use minuet_core::Bytes;
use minuet_core::messages::{JournalReply, JournalRequest};
use minuet_core::ring::{Doorbell, Receiver, Sender, ring};
use minuet_core::status::NodeStatus;
use proptest::prelude::*;
use std::sync::Arc;

const GENESIS: B256 = B256::repeat_byte(0x11);
const SMALL: JournalConfig = JournalConfig { segment_bytes: 8 * 1024, max_group_bytes: 16 * 1024 };

fn record(tag: u64, size: usize) -> JournalRecord {
    let seed = tag.wrapping_mul(31).wrapping_add(size as u64);
    let payload: Vec<u8> = (0..size).map(|i| (seed.wrapping_add(i as u64 * 7) % 251) as u8).collect();
    JournalRecord { tag, payload: Bytes::from(payload) }
}

fn open(disk: &MemoryDirectory) -> (Journal<MemoryDirectory>, Vec<JournalRecord>) {
    Journal::open(disk.clone(), GENESIS, SMALL).unwrap()
}

fn refusal(disk: &MemoryDirectory) -> JournalError {
    Journal::open(disk.clone(), GENESIS, SMALL).map(|_| ()).unwrap_err()
}

fn write(journal: &mut Journal<MemoryDirectory>, records: &[JournalRecord]) {
    journal.append(records).unwrap();
    journal.sync().unwrap();
}

fn segments(disk: &MemoryDirectory) -> Vec<String> {
    disk.list().unwrap().into_iter().filter(|name| name.starts_with("segment-")).collect()
}

/// A journal of `count` groups of one record each.
fn filled(count: u64) -> (MemoryDirectory, Vec<JournalRecord>) {
    let disk = MemoryDirectory::new();
    let (mut journal, _) = open(&disk);
    let records: Vec<_> = (1..=count).map(|tag| record(tag, 700)).collect();
    records.iter().for_each(|record| write(&mut journal, std::slice::from_ref(record)));
    (disk, records)
}

#[test]
fn a_new_journal_is_empty_and_says_that_it_is_new() {
    let disk = MemoryDirectory::new();
    let (journal, records) = open(&disk);
    assert!(journal.is_new() && records.is_empty());
    drop(journal);
    assert!(!open(&disk).0.is_new());
}

#[test]
fn reading_gives_the_same_records_and_changes_nothing() {
    let disk = MemoryDirectory::new();
    assert_eq!(Journal::read(&disk, GENESIS), Ok(None));
    assert!(disk.list().unwrap().is_empty());
    let (disk, records) = filled(40);
    let before = (disk.written_bytes(), disk.sync_count(), disk.list().unwrap());
    let found = Journal::read(&disk, GENESIS).unwrap().unwrap();
    assert_eq!((found.records, found.segments), (records, segments(&disk).len()));
    assert_eq!((disk.written_bytes(), disk.sync_count(), disk.list().unwrap()), before);
    assert!(matches!(Journal::read(&disk, B256::ZERO), Err(JournalError::WrongChain { .. })));
}

#[test]
fn records_come_back_in_order_across_segments() {
    let (disk, records) = filled(40);
    assert!(segments(&disk).len() > 3);
    assert_eq!(open(&disk).1, records);
}

#[test]
fn empty_and_huge_records_come_back() {
    let disk = MemoryDirectory::new();
    let (mut journal, _) = open(&disk);
    let sizes = [0, 1, 451, 452, 453, 962, 963, 964, 15_000, 40_000];
    let records: Vec<_> = sizes.iter().map(|&size| record(size as u64, size)).collect();
    records.iter().for_each(|record| write(&mut journal, std::slice::from_ref(record)));
    journal.append(&records).unwrap();
    journal.sync().unwrap();
    let twice: Vec<_> = records.iter().chain(&records).cloned().collect();
    assert_eq!(open(&disk).1, twice);
}

#[test]
fn records_that_look_like_groups_are_only_records() {
    let disk = MemoryDirectory::new();
    let wide = JournalConfig { segment_bytes: 256 * 1024, ..SMALL };
    let mut journal = Journal::open(disk.clone(), GENESIS, wide).unwrap().0;
    let group = format::encode_group(0, 5, 1, &{
        let mut payload = Vec::new();
        format::encode_record(&mut payload, &record(1, 100));
        payload
    });
    // At every place within a sector, so that one of them is where a sector begins.
    let mut payload = vec![0; 4];
    for shift in 0..16 {
        payload.extend_from_slice(&vec![0; shift * 32]);
        payload.extend_from_slice(&group);
    }
    let evil = JournalRecord { tag: 1, payload: payload.into() };
    disk.fail_syncs(1, Fault::Device);
    write(&mut journal, &[record(1, 10)]);
    journal.append(std::slice::from_ref(&evil)).unwrap();
    journal.sync().unwrap_err();
    for seed in 0..64 {
        let copy = MemoryDirectory::new();
        copy.create("segment-00000000000000000000.journal").unwrap();
        let bytes = disk.contents(&segments(&disk)[0]).unwrap();
        copy.damage("segment-00000000000000000000.journal", |file| {
            *file = bytes;
            // Both of the copies' beginnings are lost; what the peer chose is not.
            let one = usize::try_from(copy_bytes(evil.payload.len() + 12)).unwrap();
            let start = HEADER_BYTES as usize + 2 * SECTOR;
            file[start..start + SECTOR].fill(seed);
            file[start + one..start + one + SECTOR].fill(seed);
        });
        assert_eq!(open(&copy).1, [record(1, 10)]);
    }
}

#[test]
fn one_batch_is_one_write_and_one_sync() {
    let disk = MemoryDirectory::new();
    let (mut journal, _) = open(&disk);
    let (bytes, syncs) = (disk.written_bytes(), disk.sync_count());
    journal.append(&[record(1, 400), record(1, 300)]).unwrap();
    journal.append(&[record(2, 300)]).unwrap();
    journal.sync().unwrap();
    journal.sync().unwrap();
    assert_eq!(disk.sync_count() - syncs, 1);
    assert_eq!(disk.written_bytes() - bytes, 2 * 3 * SECTOR as u64);
}

#[test]
fn a_group_never_outgrows_its_limit_by_waiting() {
    let disk = MemoryDirectory::new();
    let (mut journal, _) = open(&disk);
    for tag in 0..100 {
        journal.append(&[record(tag, 1000)]).unwrap();
        assert!(journal.staged.payload.len() <= SMALL.max_group_bytes);
    }
    journal.sync().unwrap();
    assert_eq!(open(&disk).1.len(), 100);
}

#[test]
fn one_damaged_copy_is_survived_wherever_it_is() {
    let (disk, records) = filled(6);
    let name = &segments(&disk)[0];
    let bytes = disk.contents(name).unwrap();
    for at in (0..bytes.len()).step_by(37) {
        for bit in [0, 7] {
            let copy = copy_of(&disk);
            copy.damage(name, |file| file[at] ^= 1 << bit);
            assert_eq!(open(&copy).1, records, "byte {at} bit {bit}");
        }
    }
}

fn copy_of(disk: &MemoryDirectory) -> MemoryDirectory {
    let copy = MemoryDirectory::new();
    for name in disk.list().unwrap() {
        copy.create(&name).unwrap();
        copy.damage(&name, |file| *file = disk.contents(&name).unwrap());
    }
    copy
}

/// Where the copies of the group with this number begin in a segment.
fn copies(disk: &MemoryDirectory, name: &str, sequence: u64) -> Vec<usize> {
    let bytes = disk.contents(name).unwrap();
    let is_it =
        |at: &usize| GroupHeader::decode(&bytes[*at..*at + SECTOR]).is_some_and(|header| header.sequence == sequence);
    (0..bytes.len()).step_by(SECTOR).filter(is_it).collect()
}

#[test]
fn both_copies_damaged_before_the_last_group_is_corruption_and_names_the_place() {
    // In the only segment, in the first of many, in one between.
    for (groups, segment, sequence) in [(3, 0, 0), (3, 0, 1), (40, 0, 0), (40, 0, 1), (40, 1, 3), (40, 1, 4)] {
        let (disk, _) = filled(groups);
        let name = segments(&disk)[segment].clone();
        let at = copies(&disk, &name, sequence);
        assert_eq!(at.len(), 2);
        disk.damage(&name, |file| at.iter().for_each(|at| file[at + 100] ^= 1));
        match refusal(&disk) {
            JournalError::Corrupt { file, offset, .. } => {
                assert_eq!((file, offset), (format!("memory/{name}"), at[0] as u64));
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn both_copies_damaged_at_the_end_of_a_full_segment_is_corruption() {
    let (disk, _) = filled(40);
    let name = segments(&disk)[0].clone();
    let last = (0..40).rev().find(|&sequence| !copies(&disk, &name, sequence).is_empty()).unwrap();
    let at = copies(&disk, &name, last);
    disk.damage(&name, |file| at.iter().for_each(|at| file[at + 100] ^= 1));
    assert!(matches!(refusal(&disk), JournalError::Corrupt { file, .. } if file.ends_with(&name)));
}

#[test]
fn a_torn_last_group_is_discarded_and_written_over() {
    let (disk, records) = filled(3);
    let name = segments(&disk)[0].clone();
    let at = copies(&disk, &name, 2);
    disk.damage(&name, |file| at.iter().for_each(|at| file[at + 100] ^= 1));
    let (mut journal, found) = open(&disk);
    assert_eq!(found, records[..2]);
    write(&mut journal, &[record(9, 20)]);
    write(&mut journal, &[record(10, 20)]);
    assert_eq!(open(&disk).1, [&records[..2], &[record(9, 20), record(10, 20)]].concat());
}

#[test]
fn a_missing_segment_is_corruption_and_is_named() {
    let (disk, _) = filled(40);
    let name = segments(&disk)[1].clone();
    disk.remove(&name).unwrap();
    let error = refusal(&disk);
    assert!(matches!(&error, JournalError::Corrupt { file, .. } if file.ends_with(&name)), "{error}");
}

#[test]
fn a_renamed_segment_is_corruption() {
    let (disk, _) = filled(40);
    let names = segments(&disk);
    disk.rename(&names[1], &names[0]).unwrap();
    disk.rename(&names[2], &names[1]).unwrap();
    assert!(matches!(refusal(&disk), JournalError::Corrupt { .. }));
}

#[test]
fn a_damaged_header_is_survived_once_and_refused_twice() {
    let (disk, records) = filled(3);
    let name = segments(&disk)[0].clone();
    disk.damage(&name, |file| file[20] ^= 1);
    assert_eq!(open(&disk).1, records);
    disk.damage(&name, |file| file[SECTOR + 20] ^= 1);
    assert!(matches!(refusal(&disk), JournalError::Corrupt { offset: 0, .. }));
}

#[test]
fn another_version_and_another_chain_are_refused_by_name() {
    for (version, genesis) in [(VERSION + 1, GENESIS), (0, GENESIS), (VERSION, B256::repeat_byte(0x22))] {
        let (disk, _) = filled(1);
        let header = SegmentHeader { version, number: 0, first_sequence: 0, genesis }.encode();
        disk.damage(&segments(&disk)[0], |file| file[..2 * SECTOR].copy_from_slice(&header));
        match refusal(&disk) {
            JournalError::WrongVersion { found, expected, .. } => assert_eq!((found, expected), (version, VERSION)),
            JournalError::WrongChain { found, expected, .. } => {
                assert_eq!((found, expected), (genesis.to_string(), GENESIS.to_string()));
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn pruning_removes_old_segments_only_and_reuses_one() {
    let (disk, records) = filled(40);
    let (mut journal, _) = open(&disk);
    let before = segments(&disk).len();
    journal.prune(0).unwrap();
    assert_eq!(segments(&disk).len(), before);
    journal.prune(20).unwrap();
    let (_, left) = open(&disk);
    assert_eq!(left, records[40 - left.len()..]);
    assert!(left[0].tag <= 21 && left.len() < 40);
    journal.prune(u64::MAX).unwrap();
    assert_eq!(segments(&disk).len(), 1);
    assert!(disk.list().unwrap().contains(&SPARE.to_string()));
    // The spare is full of old groups: none of them may come back.
    let (mut journal, kept) = open(&disk);
    let more: Vec<_> = (41..60).map(|tag| record(tag, 700)).collect();
    for (index, record) in more.iter().enumerate() {
        write(&mut journal, std::slice::from_ref(record));
        assert_eq!(open(&disk).1, [&kept[..], &more[..=index]].concat());
    }
    assert!(!disk.list().unwrap().contains(&SPARE.to_string()));
}

#[test]
fn a_half_made_spare_is_replaced() {
    let disk = MemoryDirectory::new();
    disk.create(SPARE).unwrap().preallocate(512).unwrap();
    let (mut journal, _) = open(&disk);
    write(&mut journal, &[record(1, 1)]);
    assert_eq!(open(&disk).1, [record(1, 1)]);
}

#[test]
fn every_error_of_the_disk_poisons() {
    for fault in [Fault::Device, Fault::Full] {
        for is_sync in [false, true] {
            for after in 0..6 {
                let disk = MemoryDirectory::new();
                let (mut journal, _) = open(&disk);
                if is_sync {
                    disk.fail_syncs(after, fault)
                } else {
                    disk.fail_writes(after, fault)
                };
                let acknowledged = (1..100)
                    .map(|tag| record(tag, 700))
                    .take_while(|record| journal.append(std::slice::from_ref(record)).is_ok() && journal.sync().is_ok())
                    .count();
                assert!(acknowledged < 10);
                for error in [journal.append(&[record(1, 1)]), journal.sync(), journal.prune(1)] {
                    assert!(matches!(error, Err(JournalError::Poisoned { .. })));
                }
                disk.crash(after);
                assert!(open(&disk).1.len() >= acknowledged);
            }
        }
    }
}

#[test]
fn a_journal_on_real_files_comes_back() {
    let place = tempfile::tempdir().unwrap();
    let open = || {
        let directory = RealDirectory::open_or_create(place.path().join("journal")).unwrap();
        Journal::open(directory, GENESIS, SMALL).unwrap()
    };
    let mut expected = Vec::new();
    for life in 0..4_u64 {
        let (mut journal, found) = open();
        assert_eq!(found, expected[expected.len() - found.len()..]);
        assert!(found.len() >= 4 * usize::from(life > 0));
        for tag in life * 20..life * 20 + 20 {
            expected.push(record(tag, 900));
            journal.append(&[record(tag, 900)]).unwrap();
            journal.sync().unwrap();
        }
        journal.prune(life * 20 + 15).unwrap();
        assert!(journal.segment_count() < 8);
    }
}

/// Bytes that this process has sent towards the disk; 0 where the system does not count them.
fn written_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or(0)
}

#[test]
#[ignore = "a measurement of disk writes, for a machine with a real disk"]
fn disk_writes_of_a_group() {
    let place = tempfile::tempdir_in(".").unwrap();
    let directory = RealDirectory::open_or_create(place.path().join("journal")).unwrap();
    let mut journal = Journal::open(directory, GENESIS, JournalConfig::default()).unwrap().0;
    for size in [200, 1000] {
        let (groups, before, start) = (1000, written_bytes(), std::time::Instant::now());
        for tag in 0..groups {
            journal.append(&[record(tag, size)]).unwrap();
            journal.sync().unwrap();
        }
        let time = start.elapsed() / u32::try_from(groups).unwrap();
        println!("{size} bytes: {} bytes on disk, {time:?} a group", (written_bytes() - before) / groups);
    }
}

struct Client {
    requests: Sender<JournalRequest>,
    replies: Receiver<JournalReply>,
    status: Arc<NodeStatus>,
}

fn driver(disk: &MemoryDirectory, bell: &Doorbell) -> (JournalDriver<MemoryDirectory>, Client) {
    let (requests, receiver) = ring(bell);
    let (sender, replies) = ring(&Doorbell::silent());
    let status = Arc::new(NodeStatus::default());
    let driver = JournalDriver::new(open(disk).0, receiver, sender, Arc::clone(&status));
    (driver, Client { requests, replies, status })
}

fn append(ticket: u64) -> JournalRequest {
    JournalRequest::Append { ticket, records: vec![record(ticket, 100)] }
}

#[test]
fn the_driver_syncs_once_for_all_that_wait_and_names_the_newest_ticket() {
    let disk = MemoryDirectory::new();
    let (mut driver, mut client) = driver(&disk, &Doorbell::silent());
    let syncs = disk.sync_count();
    (1..=5).for_each(|ticket| client.requests.try_send(append(ticket)).unwrap());
    assert_eq!(driver.turn(), Ok(true));
    assert_eq!(disk.sync_count() - syncs, 1);
    assert_eq!(client.replies.try_recv(), Some(JournalReply::Durable { ticket: 5 }));
    assert_eq!(client.replies.try_recv(), None);
    let mut syncs = 0;
    client.status.times.journal_sync.drain(|_| syncs += 1);
    assert_eq!((syncs, client.status.journal_failures.get()), (1, 0));
    assert_eq!(driver.turn(), Ok(false));
    assert_eq!(open(&disk).1.len(), 5);
}

/// Even a disk that takes nothing is none the worse for it.
#[test]
fn what_rouses_the_disk_writes_nothing_and_has_no_answer() {
    let disk = MemoryDirectory::new();
    let (mut driver, mut client) = driver(&disk, &Doorbell::silent());
    let syncs = disk.sync_count();
    disk.fail_writes(0, Fault::Device);
    client.requests.try_send(JournalRequest::Rouse).unwrap();
    assert_eq!((driver.turn(), client.replies.try_recv()), (Ok(true), None));
    assert_eq!((disk.sync_count() - syncs, driver.turn()), (0, Ok(false)));
}

#[test]
fn a_real_disk_is_roused_at_any_time_and_holds_what_it_held() {
    let place = tempfile::tempdir().unwrap();
    let directory = || RealDirectory::open_or_create(place.path().join("journal")).unwrap();
    let open = || Journal::open(directory(), B256::ZERO, JournalConfig::default()).unwrap();
    let (mut journal, _) = open();
    journal.rouse();
    for tag in 1..=3 {
        journal.append(&[record(tag, 1_000)]).unwrap();
        journal.rouse();
        journal.sync().unwrap();
        journal.rouse();
    }
    drop(journal);
    assert_eq!(open().1, (1..=3).map(|tag| record(tag, 1_000)).collect::<Vec<_>>());
}

#[test]
fn the_driver_reports_a_failure_once_and_never_serves_again() {
    let disk = MemoryDirectory::new();
    let (mut driver, mut client) = driver(&disk, &Doorbell::silent());
    disk.fail_syncs(0, Fault::Full);
    client.requests.try_send(append(1)).unwrap();
    let error = driver.turn().unwrap_err();
    assert!(error.to_string().contains("segment-00000000000000000000.journal: sync failed"), "{error}");
    assert_eq!(client.replies.try_recv(), Some(JournalReply::Failed { reason: error.to_string() }));
    client.requests.try_send(append(2)).unwrap();
    assert_eq!(driver.turn(), Err(error));
    assert_eq!(client.replies.try_recv(), None);
    assert_eq!(client.status.journal_failures.get(), 1);
}

#[test]
fn the_thread_serves_until_its_requests_end() {
    let disk = MemoryDirectory::new();
    let (bell, waiter) = Doorbell::new();
    let (driver, mut client) = driver(&disk, &bell);
    let thread = thread::spawn(driver, waiter).unwrap();
    assert_eq!(thread.thread().name(), Some(thread::NAME));
    (1..=3).for_each(|ticket| client.requests.try_send(append(ticket)).unwrap());
    client.requests.try_send(JournalRequest::Prune { tag: 1 }).unwrap();
    drop(client.requests);
    assert_eq!(thread.join().unwrap(), Ok(()));
    let newest = std::iter::from_fn(|| client.replies.try_recv()).last();
    assert_eq!(newest, Some(JournalReply::Durable { ticket: 3 }));
    assert_eq!(open(&disk).1.len(), 3);
    assert!(client.status.journal_sync_us.get() < 60_000_000);
}

#[test]
fn the_thread_ends_when_the_journal_fails() {
    let disk = MemoryDirectory::new();
    let (bell, waiter) = Doorbell::new();
    let (driver, mut client) = driver(&disk, &bell);
    disk.fail_writes(0, Fault::Device);
    client.requests.try_send(append(1)).unwrap();
    assert!(thread::spawn(driver, waiter).unwrap().join().unwrap().is_err());
    assert!(matches!(client.replies.try_recv(), Some(JournalReply::Failed { .. })));
    assert!(client.requests.is_abandoned());
}

#[test]
fn the_bytes_on_disk_are_as_they_have_always_been() {
    let header = SegmentHeader { version: VERSION, number: 7, first_sequence: 9, genesis: GENESIS }.encode();
    assert_eq!(header[..SECTOR], header[SECTOR..]);
    assert_eq!(hex(&header[..72]), include_str!("golden/segment-header.hex").trim());
    assert!(header[72..SECTOR].iter().all(|&byte| byte == 0));

    let mut payload = Vec::new();
    format::encode_record(&mut payload, &JournalRecord { tag: 3, payload: Bytes::from_static(b"vote") });
    format::encode_record(&mut payload, &JournalRecord { tag: 4, payload: vec![0xab; 460].into() });
    let group = format::encode_group(7, 9, 2, &payload);
    assert_eq!(group[..2 * SECTOR], group[2 * SECTOR..]);
    assert_eq!(hex(&group[..2 * SECTOR]), include_str!("golden/group.hex").trim());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<(u64, usize)>),
    Sync,
    Prune(u64),
    Crash(u64),
    /// The power fails while a sync is on its way: after that many more writes or syncs.
    CrashWithin {
        writes: u64,
        syncs: u64,
        seed: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let append = prop::collection::vec((0_u64..4, 0_usize..3000), 1..4).prop_map(Step::Append);
    let within =
        (0_u64..3, 0_u64..3, any::<u64>()).prop_map(|(writes, syncs, seed)| Step::CrashWithin { writes, syncs, seed });
    prop::collection::vec(
        prop_oneof![
            4 => append,
            4 => Just(Step::Sync),
            1 => (0_u64..4).prop_map(Step::Prune),
            1 => any::<u64>().prop_map(Step::Crash),
            2 => within,
        ],
        1..60,
    )
}

/// What a test knows of a journal: everything appended, and how far it is known to be durable.
#[derive(Default)]
struct Model {
    appended: Vec<JournalRecord>,
    durable: usize,
    pruned_to: u64,
    tag: u64,
}

impl Model {
    /// The journal must give back a part of what was appended, without holes, that ends at or behind what is durable and
    /// starts with nothing missing but what was pruned.
    fn check(&mut self, found: &[JournalRecord]) {
        let start = match found.first() {
            Some(first) => self.appended.iter().position(|record| record == first).expect("a record that was written"),
            None => self.durable,
        };
        let end = start + found.len();
        assert_eq!(found, &self.appended[start..end.min(self.appended.len())], "order and no holes");
        assert!(end >= self.durable, "everything acknowledged is read back: {end} of {}", self.durable);
        assert!(
            self.appended[..start].iter().all(|record| record.tag <= self.pruned_to),
            "only what was pruned is gone"
        );
        self.appended.truncate(end);
        self.durable = end;
    }
}

fn reopen(disk: &MemoryDirectory, seed: u64, model: &mut Model) -> Journal<MemoryDirectory> {
    // Either the power fails, or the process only: then the system still shows what never reached the disk.
    if seed & 2 == 0 {
        disk.crash(seed)
    } else {
        disk.kill()
    };
    let (journal, found) = open(disk);
    model.check(&found);
    // And what was given is durable: another power cut takes nothing of it.
    drop(journal);
    disk.crash(seed ^ 1);
    let (journal, again) = open(disk);
    assert_eq!(found, again);
    journal
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_is_invented(steps in steps()) {
        let disk = MemoryDirectory::new();
        let mut journal = open(&disk).0;
        let mut model = Model::default();
        for step in steps {
            let outcome = match step {
                Step::Append(records) => {
                    // Tags ascend, so that all records differ.
                    let records: Vec<_> = records.into_iter().map(|(more, size)| {
                        model.tag += more + 1;
                        record(model.tag, size)
                    }).collect();
                    model.appended.extend(records.iter().cloned());
                    journal.append(&records)
                }
                Step::Sync => journal.sync().inspect(|()| model.durable = model.appended.len()),
                Step::Prune(back) => {
                    let tag = model.tag.saturating_sub(back * 20);
                    let written = model.appended[..model.durable].last().map_or(0, |record| record.tag);
                    model.pruned_to = model.pruned_to.max(tag.min(written));
                    journal.prune(tag.min(written))
                }
                Step::Crash(seed) => {
                    journal = reopen(&disk, seed, &mut model);
                    Ok(())
                }
                Step::CrashWithin { writes, syncs, seed } => {
                    disk.fail_writes(writes, Fault::Device);
                    disk.fail_syncs(syncs, Fault::Device);
                    for size in [600, 2000, 100] {
                        model.tag += 1;
                        let record = record(model.tag, size);
                        if journal.append(std::slice::from_ref(&record)).is_ok() {
                            model.appended.push(record);
                        }
                        if journal.sync().is_ok() {
                            model.durable = model.appended.len();
                        }
                    }
                    journal = reopen(&disk, seed, &mut model);
                    Ok(())
                }
            };
            prop_assert!(outcome.is_ok());
        }
        reopen(&disk, 7, &mut model);
    }
}
