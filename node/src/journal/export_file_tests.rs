use super::*;

fn export() -> ExportFile {
    let record = |tag: u64| JournalRecord { tag, payload: vec![tag.to_le_bytes()[0]; 20].into() };
    ExportFile {
        genesis: B256::repeat_byte(1),
        key: [2; PUBLIC_KEY_BYTES],
        records: (1..6).map(record).collect(),
        is_used: false,
    }
}

#[test]
fn an_export_reads_back_as_it_was_used_or_not() {
    for is_used in [false, true] {
        let export = ExportFile { is_used, ..export() };
        assert_eq!(ExportFile::decode(&export.encode()), Ok(export));
    }
    let empty = ExportFile { records: Vec::new(), ..export() };
    assert_eq!(ExportFile::decode(&empty.encode()), Ok(empty));
}

#[test]
fn the_form_of_an_export_is_fixed() {
    let bytes = export().encode();
    assert_eq!((bytes.len(), &bytes[..12]), (160 + 5 * 32 + 32, &b"MNTJEXP\n\0\0\0\x01"[..]));
    assert_eq!(keccak256(&bytes).to_string(), "0xc9523b7712de770b9b3525820dad117b9a749f5089164c9814b9289e1629e4f7");
}

#[test]
fn an_export_cut_off_or_continued_anywhere_is_refused() {
    let bytes = export().encode();
    for length in 0..bytes.len() {
        let reason = ExportFile::decode(&bytes[..length]).unwrap_err();
        assert!(length < 12 || reason.contains("cut off"), "{length}: {reason}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(ExportFile::decode(&longer).unwrap_err().contains("damaged"));
}

#[test]
fn an_export_damaged_in_any_byte_is_refused_and_other_versions_are_named() {
    let bytes = export().encode();
    for place in (0..bytes.len()).filter(|place| !(USED_AT..GENESIS_AT).contains(place)) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x40;
        let reason = ExportFile::decode(&damaged).unwrap_err();
        assert!(!(8..12).contains(&place) || reason.contains("format version"), "{place}: {reason}");
    }
    let mut huge = bytes.clone();
    huge[COUNT_AT..COUNT_AT + 16].fill(0xff);
    assert!(ExportFile::decode(&huge).unwrap_err().contains("cut off"));
}

#[test]
fn a_file_is_private_appears_whole_and_is_never_replaced_by_another() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    let bytes = export().encode();
    let outlet = Outlet::open(&path, &bytes).unwrap();
    assert!(!path.exists());
    outlet.write(&bytes).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(ExportFile::read(&path), Ok(export()));
    Outlet::open(&path, &bytes).unwrap().write(&bytes).unwrap();
    let failure = Outlet::open(&path, b"other").unwrap_err();
    assert!(failure.exit == Exit::DataDirectory && failure.message.contains("another file"), "{failure}");
    mark_used(&path).unwrap();
    assert!(ExportFile::read(&path).unwrap().is_used);
    assert!(mark_used(&dir.path().join("none")).unwrap_err().message.contains("none"));
}
