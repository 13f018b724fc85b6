//! The export of a journal as a target of fuzzing: the program's own, so it is run from here (see the `minuet-fuzzing`
//! crate).

use super::export_file::ExportFile;
use minuet_core::bls::PUBLIC_KEY_BYTES;
use minuet_core::messages::JournalRecord;
use minuet_core::{B256, keccak256};
use minuet_fuzzing::runner::{self, Plan};
use minuet_fuzzing::{Seed, Target, samples};

const TARGET: Target = Target { name: "journal_export", run, seeds, fixed_bytes: 0, bytes_per_byte: 0, mutants: 1000 };

/// Where the mark of the import stands: for the checksum it counts as not set.
const MARK: std::ops::Range<usize> = 12..16;
const CHECKSUM_BYTES: usize = 32;

/// As it is, and with its checksum made right, which reaches what stands behind that.
fn run(data: &[u8]) -> bool {
    let mut repaired = data.to_vec();
    if let Some(end) = data.len().checked_sub(CHECKSUM_BYTES).filter(|end| *end >= MARK.end) {
        let mut body = data[..end].to_vec();
        body[MARK].fill(0);
        repaired[end..].copy_from_slice(keccak256(&body).as_slice());
    }
    check(data) | (repaired != data && check(&repaired))
}

fn check(data: &[u8]) -> bool {
    let Ok(export) = ExportFile::decode(data) else { return false };
    let again = export.encode();
    assert!(again[..MARK.start] == data[..MARK.start] && again[MARK.end..] == data[MARK.end..], "a second encoding");
    assert_eq!(export.is_used, data[MARK] != [0; 4]);
    assert_eq!(ExportFile::decode(&again), Ok(export));
    true
}

fn seeds() -> Vec<Seed> {
    let records: Vec<JournalRecord> = samples::records().iter().map(|record| record.to_journal()).collect();
    let whole = ExportFile {
        genesis: samples::genesis().fingerprint(),
        key: samples::bls(0).public_key().to_bytes(),
        records,
        is_used: false,
    };
    let used = ExportFile { is_used: true, ..whole.clone() };
    let empty =
        ExportFile { genesis: B256::ZERO, key: [0; PUBLIC_KEY_BYTES], records: Vec::new(), is_used: false }.encode();
    let bytes = whole.encode();
    let mut huge = empty.clone();
    huge[144..160].fill(0xff);
    let mut many = empty.clone();
    many[144..152].fill(0xff);
    vec![
        Seed::good("whole", bytes.clone()),
        Seed::good("used", used.encode()),
        Seed::good("empty", empty),
        Seed::bad("cut", &bytes[..bytes.len() - 1]),
        Seed::bad("huge", huge),
        Seed::bad("many-records", many),
        Seed::bad("magic-alone", &bytes[..8]),
    ]
}

#[test]
fn every_saved_export_and_its_mutants_keep_all_properties() {
    let plan = Plan::from_env();
    if plan.names(&TARGET) {
        let outcome = runner::check(&TARGET, &plan, None);
        println!("{:?}", outcome.unwrap_or_else(|report| panic!("{report}")));
    }
}
