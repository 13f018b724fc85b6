use super::*;
use minuet_core::file::{Directory, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;

fn kind<T>(outcome: io::Result<T>) -> ErrorKind {
    outcome.map(|_| ()).unwrap_err().kind()
}

fn behaves_like_a_directory<D: Directory>(directory: &D) {
    assert!(directory.list().unwrap().is_empty());
    assert_eq!(kind(directory.open("a")), ErrorKind::NotFound);
    let mut file = directory.create("a").unwrap();
    assert!(file.is_empty().unwrap());
    assert_eq!(kind(directory.create("a")), ErrorKind::AlreadyExists);
    file.preallocate(100_000).unwrap();
    assert_eq!(file.len().unwrap(), 100_000);
    file.write_all_at(b"minuet", 99_990).unwrap();
    file.write_all_at(b"end", 100_000).unwrap();
    file.sync().unwrap();
    let mut bytes = [1; 13];
    file.read_exact_at(&mut bytes, 99_990).unwrap();
    assert_eq!(&bytes, b"minuet\0\0\0\0end");
    assert_eq!(kind(file.read_exact_at(&mut bytes, 99_991)), ErrorKind::UnexpectedEof);
    directory.create("b").unwrap().write_all_at(b"b", 0).unwrap();
    assert_eq!(directory.list().unwrap(), ["a", "b"]);
    directory.rename("a", "b").unwrap();
    assert_eq!(directory.list().unwrap(), ["b"]);
    assert_eq!(directory.open("b").unwrap().len().unwrap(), 100_003);
    directory.remove("b").unwrap();
    assert!(directory.list().unwrap().is_empty());
    assert_eq!(kind(directory.remove("b")), ErrorKind::NotFound);
}

#[test]
fn both_directories_behave_alike() {
    behaves_like_a_directory(&MemoryDirectory::new());
    let place = tempfile::tempdir().unwrap();
    behaves_like_a_directory(&RealDirectory::open_or_create(place.path().join("deep/down")).unwrap());
}

#[test]
fn real_files_are_their_owners_alone() {
    let place = tempfile::tempdir().unwrap();
    let directory = RealDirectory::open_or_create(place.path().join("journal")).unwrap();
    directory.create("file").unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory.path().to_path_buf()), 0o700);
    assert_eq!(mode(directory.path().join("file")), 0o600);
}

#[test]
fn a_power_cut_keeps_what_was_synced_and_decides_each_other_sector_for_itself() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let directory = MemoryDirectory::new();
        let mut file = directory.create("a").unwrap();
        file.write_all_at(&[1; 1536], 0).unwrap();
        file.sync().unwrap();
        file.write_all_at(&[2; 1024], 512).unwrap();
        directory.crash(seed);
        assert!(file.len().is_err(), "handles from before are dead");
        let bytes = directory.contents("a").unwrap();
        assert_eq!(bytes[..512], [1; 512]);
        let state = |sector: &[u8]| (sector[0], sector[511]);
        outcomes.insert((state(&bytes[512..1024]), state(&bytes[1024..])));
        assert_eq!(file_after(&directory), bytes);
    }
    for wanted in [((1, 1), (2, 2)), ((2, 2), (1, 1)), ((2, 1), (1, 1)), ((1, 2), (2, 2))] {
        assert!(outcomes.contains(&wanted), "{wanted:?} never happened");
    }
}

fn file_after(directory: &MemoryDirectory) -> Vec<u8> {
    let file = directory.open("a").unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

#[test]
fn injected_faults_come_when_they_are_due_and_stay() {
    let directory = MemoryDirectory::new();
    let mut file = directory.create("a").unwrap();
    directory.fail_writes(1, Fault::Full);
    directory.fail_syncs(0, Fault::Device);
    file.write_all_at(b"good", 0).unwrap();
    assert_eq!(kind(file.write_all_at(b"half", 4)), ErrorKind::StorageFull);
    assert_eq!(kind(file.write_all_at(b"", 4)), ErrorKind::StorageFull);
    assert_eq!(kind(file.sync()), ErrorKind::Other);
    assert_eq!(directory.contents("a").unwrap(), b"goodha");
}

#[test]
fn writes_of_whole_sectors_and_of_parts_see_each_other() {
    let place = tempfile::tempdir().unwrap();
    let directory = RealDirectory::open_or_create(place.path()).unwrap();
    let mut file = directory.create("a").unwrap();
    file.preallocate(8192).unwrap();
    file.write_all_at(&[1; 1024], 512).unwrap();
    file.write_all_at(&[2; 100], 1000).unwrap();
    file.write_all_at(&[3; 512], 1024).unwrap();
    file.sync().unwrap();
    let mut bytes = vec![0; 8192];
    directory.open("a").unwrap().read_exact_at(&mut bytes, 0).unwrap();
    let wanted = [vec![0; 512], vec![1; 488], vec![2; 24], vec![3; 512], vec![0; 6656]].concat();
    assert_eq!(bytes, wanted);
}
