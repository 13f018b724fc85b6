use super::*;
use std::path::PathBuf;
use tempfile::TempDir;

fn small() -> RocksConfig {
    RocksConfig { block_cache_bytes: 4 << 20, write_buffer_bytes: 4 << 20, ..RocksConfig::default() }
}

fn open(place: &TempDir) -> Result<Arc<RocksStore>, StoreError> {
    RocksStore::open(place.path(), small())
}

fn refusal(place: &TempDir) -> StoreError {
    open(place).map(|_| ()).unwrap_err()
}

fn put(store: &RocksStore, key: u64, size: usize, durability: Durability) {
    let mut batch = Batch::default();
    batch.put(Column::Headers, key.to_be_bytes(), vec![7; size]);
    batch.put(Column::Meta, b"tip".to_vec(), key.to_be_bytes());
    store.write(batch, durability).unwrap();
}

fn files(place: &TempDir, prefix: &str, suffix: &str) -> Vec<PathBuf> {
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(prefix) && name.ends_with(suffix)
    };
    fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).filter(is_it).collect()
}

/// By its number: an older one may not be removed yet.
fn newest(place: &TempDir, prefix: &str, suffix: &str) -> PathBuf {
    files(place, prefix, suffix).into_iter().max().unwrap()
}

/// A database with a table file and something in its log.
fn made() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let store = open(&place).unwrap();
    (0..50).for_each(|key| put(&store, key, 100, Durability::Unsynced));
    store.flush().unwrap();
    (50..100).for_each(|key| put(&store, key, 100, Durability::Synced));
    drop(store);
    place
}

#[test]
fn what_was_written_is_there_after_opening_again() {
    let place = made();
    for _ in 0..3 {
        let store = open(&place).unwrap();
        assert_eq!(store.scan(Column::Headers, &[], None, 1000).unwrap().len(), 100);
        assert_eq!(store.last(Column::Headers).unwrap(), Some((99_u64.to_be_bytes().to_vec(), vec![7; 100])));
        assert_eq!(store.get(Column::Meta, b"tip").unwrap(), Some(99_u64.to_be_bytes().to_vec()));
        assert_eq!(store.scan(Column::Meta, &[], None, 10).unwrap().len(), 1, "columns hold nothing of ours");
    }
}

#[test]
fn synced_writes_are_in_the_files_while_the_store_is_still_open() {
    let place = tempfile::tempdir().unwrap();
    let store = open(&place).unwrap();
    (0..20).for_each(|key| put(&store, key, 100, Durability::Synced));
    // What a power cut would leave: the files as they are now.
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(place.path()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    assert_eq!(open(&copy).unwrap().scan(Column::Headers, &[], None, 100).unwrap().len(), 20);
}

#[test]
fn a_directory_in_use_is_refused_with_the_reason() {
    let place = tempfile::tempdir().unwrap();
    let store = open(&place).unwrap();
    let text = refusal(&place).to_string();
    assert!(text.contains("another node is running on this directory"), "{text}");
    assert!(text.contains(place.path().to_str().unwrap()), "{text}");
    drop(store);
    open(&place).unwrap();
}

fn assert_corrupt(place: &TempDir, what: &str) {
    let error = refusal(place);
    assert!(matches!(error, StoreError::Corrupt { .. }), "{what}: {error}");
    assert!(error.to_string().contains(place.path().to_str().unwrap()), "{what}: {error}");
}

#[test]
fn damaged_or_missing_files_are_corruption_and_never_a_new_database() {
    for content in ["", "MANIFEST-999999\n", "MANIFEST", "garbage\n"] {
        let place = made();
        fs::write(place.path().join("CURRENT"), content).unwrap();
        assert_corrupt(&place, content);
    }
    let place = made();
    fs::remove_file(place.path().join("CURRENT")).unwrap();
    assert_corrupt(&place, "no CURRENT");
    for (prefix, suffix) in [("MANIFEST", ""), ("", ".sst")] {
        let place = made();
        files(&place, prefix, suffix).iter().for_each(|path| fs::remove_file(path).unwrap());
        assert_corrupt(&place, "missing");
        let place = made();
        files(&place, prefix, suffix).iter().for_each(|path| fs::write(path, b"garbage").unwrap());
        assert_corrupt(&place, "garbage");
    }
    let place = made();
    flip_in_the_middle(&newest(&place, "MANIFEST", ""));
    assert_corrupt(&place, "manifest");
}

fn flip_in_the_middle(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_log_is_refused_and_a_torn_one_loses_its_end_only() {
    let place = made();
    let log = newest(&place, "", ".log");
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..whole.len() - 10]).unwrap();
    assert_eq!(open(&place).unwrap().scan(Column::Headers, &[], None, 1000).unwrap().len(), 99);

    let place = made();
    let log = newest(&place, "", ".log");
    flip_in_the_middle(&log);
    assert_corrupt(&place, "log");
}

#[test]
fn another_format_version_is_refused_by_name() {
    let place = made();
    let store = open(&place).unwrap();
    store.db.put(FORMAT_VERSION_KEY, 2_u32.to_be_bytes()).unwrap();
    drop(store);
    let error = refusal(&place);
    assert!(matches!(&error, StoreError::Mismatch { reason, .. } if reason.contains("version 2")), "{error}");
}

#[test]
fn a_database_without_a_version_is_refused_unless_it_is_empty() {
    let place = made();
    let store = open(&place).unwrap();
    store.db.delete(FORMAT_VERSION_KEY).unwrap();
    drop(store);
    assert!(matches!(refusal(&place), StoreError::Mismatch { .. }));

    let place = tempfile::tempdir().unwrap();
    let store = open(&place).unwrap();
    store.db.delete(FORMAT_VERSION_KEY).unwrap();
    drop(store);
    assert_eq!(open(&place).unwrap().db.get(FORMAT_VERSION_KEY).unwrap(), Some(vec![0, 0, 0, 1]));
}

#[test]
fn a_database_with_other_columns_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    drop(DB::open_cf(&options, place.path(), ["strange"]).unwrap());
    assert!(matches!(refusal(&place), StoreError::Mismatch { .. }), "{}", refusal(&place));
}

#[test]
fn usage_is_told_and_memory_stays_bounded() {
    let place = tempfile::tempdir().unwrap();
    let store = open(&place).unwrap();
    for key in 0..300 {
        put(&store, key, 100_000, Durability::Unsynced);
    }
    store.flush().unwrap();
    let usage = store.memory_usage().unwrap();
    assert!(usage.block_cache <= 5 << 20 && usage.memtables <= 16 << 20, "{usage:?}");
    assert!(store.disk_usage().unwrap() > 10_000);
    let levels = store.levels().unwrap();
    let sum = |of: fn(&super::LevelUsage) -> u64| levels.iter().map(of).sum::<u64>();
    assert!(sum(|level| level.files) > 0, "what was flushed is in table files: {levels:?}");
    assert!((1..=store.disk_usage().unwrap()).contains(&sum(|level| level.bytes)), "{levels:?}");
}

/// Heights 0 to `count` with 20 kB each that do not compress, and an index of random keys to them.
fn chain(store: &RocksStore, count: u64) {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    for height in 0..=count {
        let mut batch = Batch::default();
        batch.put(Column::Bodies, height.to_be_bytes(), (0..20_000).map(|_| random()).collect::<Vec<_>>());
        for _ in 0..20 {
            let key: Vec<u8> = (0..32).map(|_| random()).collect();
            batch.put(Column::TransactionIndex, key, [&height.to_be_bytes()[..], &[0; 4]].concat());
        }
        batch.put(Column::Meta, b"tip".to_vec(), height.to_be_bytes());
        store.write(batch, Durability::Unsynced).unwrap();
    }
}

fn retire(store: &RocksStore, until: u64) {
    store.retire(Column::Bodies, NumberedBy::Key, until);
    store.retire(Column::TransactionIndex, NumberedBy::Value, until);
}

#[test]
fn the_space_of_what_is_retired_is_given_back_and_the_rest_stays() {
    const COUNT: u64 = 2_000;
    let place = tempfile::tempdir().unwrap();
    let store = open(&place).unwrap();
    chain(&store, COUNT);
    store.flush().unwrap();
    let before = store.disk_usage().unwrap();
    assert!(before > COUNT * 20_000, "{before}");
    let entries = |store: &RocksStore, column| store.scan(column, &[], None, usize::MAX).unwrap().len() as u64;
    let kept = |store: &RocksStore| (entries(store, Column::Bodies), entries(store, Column::TransactionIndex));
    assert_eq!(kept(&store), (COUNT + 1, (COUNT + 1) * 20));

    retire(&store, 1_801);
    assert_eq!((kept(&store), store.retired_until()), ((201, 201 * 20), 1_801), "gone for readers at once");
    assert!(store.disk_usage().unwrap() > before / 2, "not yet for the disk");
    store.reclaim().unwrap();
    let after = store.disk_usage().unwrap();
    assert!(after < before / 5, "{before} bytes before, {after} after");
    assert_eq!(kept(&store), (201, 201 * 20));
    assert_eq!(store.last(Column::Bodies).unwrap().unwrap().0, COUNT.to_be_bytes());

    // What was not given back yet is seen again after opening, until it is retired again; block 0 stays.
    retire(&store, 1_901);
    drop(store);
    let store = open(&place).unwrap();
    assert_eq!(kept(&store), (201, 201 * 20));
    retire(&store, 1_901);
    store.reclaim().unwrap();
    assert_eq!(kept(&store), (101, 101 * 20));
    assert!(store.get(Column::Bodies, &0_u64.to_be_bytes()).unwrap().is_some());
    assert_eq!(store.get(Column::Bodies, &1_900_u64.to_be_bytes()).unwrap(), None);
    drop(store);
    assert_eq!(kept(&open(&place).unwrap()), (101, 101 * 20), "not only hidden");
}

#[test]
fn a_reclaim_that_is_cut_off_loses_nothing_that_is_kept() {
    let place = tempfile::tempdir().unwrap();
    let store = open(&place).unwrap();
    chain(&store, 1_000);
    store.flush().unwrap();
    retire(&store, 901);
    let compacting = Arc::clone(&store);
    let thread = std::thread::spawn(move || compacting.reclaim());
    store.stop_compactions();
    thread.join().unwrap().unwrap();
    drop(store);
    let store = open(&place).unwrap();
    retire(&store, 901);
    assert_eq!(store.scan(Column::Bodies, &[], None, usize::MAX).unwrap().len(), 101);
    assert_eq!(store.scan(Column::TransactionIndex, &[], None, usize::MAX).unwrap().len(), 101 * 20);
}

/// Bytes that this process has sent towards the disk; 0 where the system does not count them.
fn written_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/io").unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or(0)
}

/// Not a limit but a measurement: run alone, with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement of disk writes, for a machine with a real disk"]
fn disk_writes_of_an_empty_block() {
    let place = tempfile::tempdir_in(".").unwrap();
    let store = RocksStore::open(place.path(), RocksConfig::default()).unwrap();
    let (blocks, before) = (5_000_u64, written_bytes());
    for height in 0..blocks {
        let mut batch = Batch::default();
        batch.put(Column::Headers, height.to_be_bytes(), vec![7; 600]);
        batch.put(Column::Certificates, height.to_be_bytes(), vec![9; 400]);
        batch.put(Column::BlockIndex, [height.to_be_bytes(); 4].concat(), height.to_be_bytes());
        batch.put(Column::Meta, b"tip".to_vec(), height.to_be_bytes());
        store.write(batch, Durability::Synced).unwrap();
    }
    println!("{} bytes a block", (written_bytes() - before) / blocks);
}

#[test]
fn a_compacted_column_holds_what_is_not_overwritten_and_the_columns_add_up() {
    let place = tempfile::tempdir().unwrap();
    let store = open(&place).unwrap();
    let rewrite = |size: usize| (0..200).for_each(|key| put(&store, key, size, Durability::Unsynced));
    rewrite(4000);
    store.flush().unwrap();
    rewrite(10);
    store.compact().unwrap();
    let columns = store.column_bytes().unwrap();
    let of = |wanted: Column| columns.iter().find(|(column, _)| *column == wanted).unwrap().1;
    assert!((1..20_000).contains(&of(Column::Headers)), "{columns:?}");
    assert!(of(Column::Meta) > 0, "{columns:?}");
    assert_eq!(of(Column::Bodies), 0, "{columns:?}");
    assert_eq!(store.get(Column::Headers, &7_u64.to_be_bytes()).unwrap().unwrap().len(), 10);
    let all: u64 = store.levels().unwrap().iter().map(|level| level.bytes).sum();
    // RocksDB's own column holds the format version.
    let sum: u64 = columns.iter().map(|(_, bytes)| bytes).sum();
    assert!(sum <= all && all < sum + 5_000, "{sum} of {all}");
}
