use super::*;

const CHAIN: B256 = B256::repeat_byte(1);

#[test]
fn a_second_open_is_refused_and_names_the_holder() {
    let dir = tempfile::tempdir().unwrap();
    let held = DataDir::open(dir.path(), 7, CHAIN).unwrap();
    let refusal = DataDir::open(dir.path(), 7, CHAIN).unwrap_err();
    assert_eq!(refusal.exit, Exit::DataDirectory);
    assert!(refusal.message.contains(&format!("process {}", std::process::id())), "{refusal}");
    // A line: 'kill $(cat validator-*/data/LOCK)' must find each number, not all of them run together.
    assert_eq!(fs::read_to_string(dir.path().join(LOCK_FILE)).unwrap(), format!("{}\n", std::process::id()));
    drop(held);
    DataDir::open(dir.path(), 7, CHAIN).unwrap();
}

#[test]
fn another_chains_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(DataDir::open(dir.path(), 7, CHAIN).unwrap());
    let refusal = DataDir::open(dir.path(), 7, B256::repeat_byte(2)).unwrap_err();
    assert!(refusal.message.contains("belongs to another chain"), "{refusal}");
    assert!(DataDir::check(dir.path(), 8, CHAIN).unwrap_err().message.contains("another chain"));
    assert_eq!(DataDir::check(dir.path(), 7, CHAIN), Ok("of this chain"));
}

#[test]
fn a_directory_with_foreign_files_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("photo.jpg"), b"x").unwrap();
    let refusal = DataDir::open(dir.path(), 7, CHAIN).unwrap_err();
    assert!(refusal.message.contains("no Minuet data directory"), "{refusal}");
    assert!(!dir.path().join(MARKER_FILE).exists());
}

#[test]
fn a_damaged_marker_or_one_of_another_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(MARKER_FILE), "nonsense").unwrap();
    assert!(DataDir::open(dir.path(), 7, CHAIN).unwrap_err().message.contains("damaged CHAIN file"));
    for (version, more) in [(2, ""), (2, "epoch = 5\n"), (0, "")] {
        let other = format!("version = {version}\nchain_id = 7\ngenesis_fingerprint = \"{CHAIN}\"\n{more}");
        fs::write(dir.path().join(MARKER_FILE), other).unwrap();
        let refusal = DataDir::open(dir.path(), 7, CHAIN).unwrap_err();
        assert!(refusal.message.contains(&format!("format version {version}, this program reads 1")), "{refusal}");
    }
}
