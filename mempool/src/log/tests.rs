use super::*;
use crate::testing::*;
use minuet_storage::MemoryDirectory;
use minuet_storage::files::Fault;

const GENESIS: B256 = B256::repeat_byte(7);
const LIMIT: u64 = 1 << 20;

type Log = PoolLog<MemoryDirectory>;

fn open(disk: &MemoryDirectory) -> (Log, Vec<Bytes>) {
    PoolLog::open(disk.clone(), GENESIS, LIMIT).unwrap()
}

fn some(count: u64) -> Vec<Arc<Transaction>> {
    let wallet = Wallet::new(1);
    (0..count).map(|nonce| wallet.transfer(nonce, 1)).collect()
}

fn envelopes(transactions: &[Arc<Transaction>]) -> Vec<Bytes> {
    transactions.iter().map(|transaction| transaction.envelope().clone()).collect()
}

/// Writes each as a turn of its own.
fn write(log: &mut Log, transactions: &[Arc<Transaction>]) {
    for transaction in transactions {
        log.stage(transaction);
        log.commit(transactions.iter(), 0).unwrap();
    }
}

fn filled(transactions: &[Arc<Transaction>]) -> MemoryDirectory {
    let disk = MemoryDirectory::new();
    write(&mut open(&disk).0, transactions);
    disk
}

fn names(disk: &MemoryDirectory) -> Vec<String> {
    disk.list().unwrap()
}

#[test]
fn what_was_committed_is_read_back_in_order_and_what_was_only_staged_is_not() {
    let all = some(5);
    let disk = MemoryDirectory::new();
    let (mut log, before) = open(&disk);
    assert!(before.is_empty());
    write(&mut log, &all[..2]);
    all[2..4].iter().for_each(|transaction| log.stage(transaction));
    log.commit(all.iter(), 0).unwrap();
    log.stage(&all[4]);
    assert_eq!(log.bytes(), log_bytes(4, envelopes(&all[..4]).iter().map(|envelope| envelope.len()).sum()));
    disk.kill();
    let (mut log, found) = open(&disk);
    assert_eq!(found, envelopes(&all[..4]));
    write(&mut log, &all[4..]);
    assert_eq!(open(&disk).1, envelopes(&all));
    assert_eq!(names(&disk), ["pool.log"]);
}

#[test]
fn a_turn_costs_one_write_and_no_sync() {
    let all = some(50);
    let disk = MemoryDirectory::new();
    let (mut log, _) = open(&disk);
    let (syncs, bytes) = (disk.sync_count(), disk.written_bytes());
    disk.fail_writes(1, Fault::Device);
    all.iter().for_each(|transaction| log.stage(transaction));
    log.commit(all.iter(), 0).unwrap();
    assert_eq!((disk.sync_count(), disk.written_bytes() - bytes), (syncs, log.bytes() - 64));
    log.commit(all.iter(), 0).unwrap();
}

#[test]
fn an_end_torn_at_any_byte_is_cut_silently_and_writing_goes_on_behind_the_whole_records() {
    let all = some(4);
    let disk = filled(&all[..3]);
    let whole = disk.contents("pool.log").unwrap();
    let two = whole.len() - RECORD_OVERHEAD - all[2].encoded_length();
    for length in two..whole.len() {
        for garbage in [0, 3, 40] {
            disk.damage("pool.log", |bytes| {
                whole[..length].clone_into(bytes);
                bytes.resize(length + garbage, 0);
            });
            let (mut log, found) = open(&disk);
            assert_eq!((found, log.bytes()), (envelopes(&all[..2]), two as u64), "{length} bytes");
            write(&mut log, &all[3..]);
            assert_eq!(open(&disk).1, envelopes(&[all[0].clone(), all[1].clone(), all[3].clone()]), "{length} bytes");
            assert_eq!(names(&disk), ["pool.log"]);
        }
    }
}

#[test]
fn damage_anywhere_before_the_end_costs_its_record_only_and_the_file_is_set_aside() {
    let all = some(3);
    let fresh = filled(&all);
    let whole = fresh.contents("pool.log").unwrap();
    let first_end = HEADER_BYTES + RECORD_OVERHEAD + all[0].encoded_length();
    for place in HEADER_BYTES..first_end {
        let disk = filled(&all);
        disk.damage("pool.log", |bytes| bytes[place] ^= 0x10);
        let (mut log, found) = open(&disk);
        assert_eq!(found, envelopes(&all[1..]), "byte {place}");
        assert_eq!(names(&disk), ["pool.log", "pool.log.damaged"]);
        let aside = disk.contents("pool.log.damaged").unwrap();
        assert!(aside.len() == whole.len() && aside[place] != whole[place]);
        write(&mut log, &all[..1]);
        assert_eq!(open(&disk).1, envelopes(&[all[1].clone(), all[2].clone(), all[0].clone()]), "byte {place}");
    }
}

#[test]
fn a_damaged_header_is_set_aside_and_a_new_log_begun() {
    let all = some(2);
    for place in [0, 9, 20, 50] {
        let disk = filled(&all);
        disk.damage("pool.log", |bytes| bytes[place] ^= 1);
        let (mut log, found) = open(&disk);
        assert_eq!((found.len(), names(&disk)), (0, vec!["pool.log".to_owned(), "pool.log.damaged".to_owned()]));
        write(&mut log, &all);
        assert_eq!(open(&disk).1, envelopes(&all));
    }
    for length in [0, 1, 63] {
        let disk = filled(&all);
        disk.damage("pool.log", |bytes| bytes.truncate(length));
        assert!(open(&disk).1.is_empty(), "{length} bytes");
    }
}

#[test]
fn bytes_of_a_client_that_look_like_records_are_none() {
    let wallet = Wallet::new(1);
    let inner = filled(&some(1)).contents("pool.log").unwrap();
    let mut fields = unsigned(0, 1);
    fields.data = inner[HEADER_BYTES..].to_vec().into();
    let all = [wallet.sign(fields), wallet.transfer(1, 1)];
    let disk = filled(&all);
    disk.damage("pool.log", |bytes| bytes[HEADER_BYTES + 5] ^= 1);
    assert_eq!(open(&disk).1, envelopes(&all[1..]));
}

#[test]
fn random_bytes_are_never_a_reason_not_to_start() {
    let all = some(3);
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 33
    };
    for _ in 0..300 {
        let disk = filled(&all);
        disk.damage("pool.log", |bytes| {
            for _ in 0..=next() % 20 {
                let place = usize::try_from(next()).unwrap() % bytes.len();
                bytes[place] = next().to_le_bytes()[0];
            }
        });
        let found = open(&disk).1;
        assert!(found.iter().all(|envelope| envelopes(&all).contains(envelope)));
        assert_eq!(open(&disk).1, found, "opened once more");
    }
}

#[test]
fn logs_of_other_versions_and_chains_are_refused_by_name_and_left_alone() {
    let all = some(2);
    for version in [0, 2, u32::MAX] {
        let disk = filled(&all);
        disk.damage("pool.log", |bytes| {
            bytes.splice(..HEADER_BYTES, LogHeader { version, genesis: GENESIS }.encode());
        });
        let before = disk.contents("pool.log");
        let error = PoolLog::open(disk.clone(), GENESIS, LIMIT).unwrap_err();
        assert!(matches!(&error, PoolLogError::WrongVersion { found, .. } if *found == version), "{error}");
        let text = error.to_string();
        assert!(text.contains("memory/pool.log") && text.contains("move the file away"), "{text}");
        assert_eq!((disk.contents("pool.log"), names(&disk).len()), (before, 1));
    }
    let disk = filled(&all);
    let error = PoolLog::open(disk.clone(), B256::repeat_byte(8), LIMIT).unwrap_err();
    assert!(matches!(error, PoolLogError::WrongChain { .. }), "{error}");
    assert!(error.to_string().contains(&GENESIS.to_string()), "{error}");
    assert_eq!(open(&disk).1, envelopes(&all));
}

#[test]
fn a_log_that_is_mostly_out_of_date_is_written_anew_with_what_waits() {
    let all = some(400);
    let disk = MemoryDirectory::new();
    let limit = 64 << 10;
    let (mut log, _) = PoolLog::open(disk.clone(), GENESIS, limit).unwrap();
    let mut rewrites = 0;
    for (index, transaction) in all.iter().enumerate() {
        let live = &all[index.saturating_sub(3)..=index];
        let before = log.bytes();
        log.stage(transaction);
        log.commit(live.iter(), log_bytes(4, 4 * 150)).unwrap();
        assert!(log.bytes() <= limit / 2);
        if log.bytes() < before {
            rewrites += 1;
            assert_eq!(open(&disk).1, envelopes(live));
        }
    }
    assert!((1..10).contains(&rewrites), "{rewrites}");
    assert_eq!(names(&disk), ["pool.log"]);
}

#[test]
fn a_process_that_dies_in_any_step_of_a_rewriting_leaves_a_whole_log() {
    let all = some(100);
    for step in 0..3 {
        let disk = MemoryDirectory::new();
        let (mut log, _) = PoolLog::open(disk.clone(), GENESIS, 8 << 10).unwrap();
        let mut acknowledged = Vec::new();
        for transaction in &all {
            let live = [transaction.clone()];
            let will_rewrite = log.bytes() + 300 > 4 << 10;
            match step {
                0 if will_rewrite => disk.fail_writes(0, Fault::Device),
                1 if will_rewrite => disk.fail_syncs(0, Fault::Device),
                _ => {}
            }
            log.stage(transaction);
            if log.commit(live.iter(), log_bytes(1, 200)).is_err() {
                break;
            }
            acknowledged.push(transaction.envelope().clone());
        }
        disk.crash(7);
        let found = PoolLog::open(disk.clone(), GENESIS, 8 << 10).unwrap().1;
        if step < 2 {
            assert!(acknowledged.len() < all.len(), "it failed");
        } else {
            assert!(!found.is_empty());
        }
        assert!(found.iter().all(|envelope| envelopes(&all).contains(envelope)), "step {step}");
    }
}

#[test]
fn what_a_cut_off_start_leaves_is_taken_up() {
    let all = some(2);
    // A first start that made no more than a piece of the header.
    let disk = MemoryDirectory::new();
    disk.create(NEW_FILE).unwrap().write_all_at(&[1, 2, 3], 0).unwrap();
    assert!(open(&disk).1.is_empty());
    assert_eq!(names(&disk), ["pool.log"]);
    // The damaged one was set aside, its successor has not got its name yet.
    let disk = filled(&all);
    disk.rename(FILE, NEW_FILE).unwrap();
    assert_eq!(open(&disk).1, envelopes(&all));
    // A rewriting that was cut off.
    let disk = filled(&all);
    disk.create(NEW_FILE).unwrap();
    assert_eq!(open(&disk).1, envelopes(&all));
}

#[test]
fn failures_of_the_disk_name_the_file_and_what_was_tried() {
    let all = some(2);
    let disk = filled(&all[..1]);
    let (mut log, _) = open(&disk);
    disk.fail_writes(0, Fault::Full);
    log.stage(&all[1]);
    let error = log.commit(all.iter(), 0).unwrap_err();
    assert_eq!(
        error,
        PoolLogError::Io {
            file: "memory/pool.log".into(),
            operation: "write",
            reason: "simulated: no space left on device".into()
        }
    );
    disk.kill();
    assert_eq!(open(&disk).1, envelopes(&all[..1]));
}
