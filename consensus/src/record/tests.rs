use super::*;
use crate::fixture::{Fixture, digest};
use minuet_core::keccak256;

fn proposal(fixture: &Fixture) -> Proposal {
    let parent = fixture.block(&fixture.genesis, 1, 0);
    let header = fixture.block(&parent, 3, 5);
    Proposal {
        signature: fixture.sign(crate::fixture::notarize(3, header.digest()), 3).signature,
        header,
        parent_proof: Some(fixture.notarization(1, parent.digest(), &[0, 1, 2])),
        gap: vec![fixture.nullification(2, &[3, 4, 5])],
    }
}

fn body() -> Arc<Body> {
    Arc::new(Body { transactions: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")] })
}

fn every_kind() -> Vec<(&'static str, Record)> {
    let fixture = Fixture::new(6);
    let view = View(7);
    vec![
        ("propose", Record::Own { view, own: Own::Propose(digest(1)) }),
        ("notarize", Record::Own { view, own: Own::Notarize(digest(2)) }),
        ("nullify", Record::Own { view, own: Own::Nullify }),
        ("certificate", Record::Certificate(Arc::new(fixture.nullification(6, &[0, 2, 4])))),
        ("block", Record::Block { proposal: proposal(&fixture), body: body() }),
        ("floor", Record::Floor(View(64))),
    ]
}

/// Changing one of these makes old journals unreadable: only with a new format version.
#[test]
fn every_kind_of_record_has_its_golden_form() {
    let golden = [
        ("propose", 7, "0x9d43d771d891454eaffae47198213a5a88e32d6640a0f2e7b3635abafb673291"),
        ("notarize", 7, "0x2c9dba5603b3fd4a42e2c2c11eb7ef52b1b006350712d886ae7e176f6288a24e"),
        ("nullify", 7, "0x9457c1dacb9f6979f124d0772c2a5ce084ae601a3a120518a7fb4c843b12c94a"),
        ("certificate", 6, "0x23bb49e023083c57d6333b4115318ffcbbf4f2f70213def31641f976bda16c10"),
        ("block", 3, "0x0b59111e295602c2d02d6c8825a05a094c562aaab70d09a3f515577173ed143a"),
        ("floor", 65, "0xa3e6421a266ecbd2163c06428fbac2364cabc959a2b4212bc8dbfbf1bb77c4be"),
    ];
    let found: Vec<_> = every_kind()
        .into_iter()
        .map(|(name, record)| {
            let stored = record.to_journal();
            (name, stored.tag, keccak256(&stored.payload).to_string())
        })
        .collect();
    let expected: Vec<_> = golden.iter().map(|(name, tag, hash)| (*name, *tag, (*hash).to_owned())).collect();
    assert_eq!(found, expected);
    let nullify = Record::Own { view: View(7), own: Own::Nullify }.to_journal();
    assert_eq!(
        nullify.payload.to_string(),
        "0xe50307a000000000000000000000000000000000000000000000000000000000000000008080"
    );
}

#[test]
fn every_kind_of_record_reads_back_as_it_was_written() {
    for (name, record) in every_kind() {
        assert_eq!(Record::from_journal(&record.to_journal()), Ok(record), "{name}");
    }
}

#[test]
fn a_record_of_an_unknown_kind_is_refused() {
    for kind in [0, 7, 255] {
        let fields =
            RecordFields { kind, view: View(1), digest: Digest::ZERO, payload: Bytes::new(), body: Bytes::new() };
        let stored = JournalRecord { tag: 1, payload: codec::encode(&fields).into() };
        let error = Record::from_journal(&stored).expect_err("unknown kind");
        assert!(error.to_string().contains("unknown kind"), "{error}");
    }
}

#[test]
fn a_record_with_a_field_that_its_kind_does_not_have_or_another_view_is_refused() {
    let fixture = Fixture::new(6);
    let bare = RecordFields { kind: 3, view: View(7), digest: Digest::ZERO, payload: Bytes::new(), body: Bytes::new() };
    let certificate: Bytes = fixture.nullification(6, &[0, 2, 4]).to_bytes().into();
    for fields in [
        RecordFields { digest: digest(1), ..bare.clone() },
        RecordFields { kind: 1, payload: certificate.clone(), ..bare.clone() },
        RecordFields { kind: 6, body: Bytes::from_static(b"x"), ..bare.clone() },
        RecordFields { kind: 4, payload: certificate.clone(), digest: digest(1), ..bare.clone() },
        RecordFields { kind: 4, payload: certificate.clone(), ..bare.clone() },
    ] {
        let stored = JournalRecord { tag: 1, payload: codec::encode(&fields).into() };
        assert!(Record::from_journal(&stored).is_err(), "kind {}", fields.kind);
    }
    let fields = RecordFields { kind: 4, payload: certificate, view: View(6), ..bare };
    let stored = JournalRecord { tag: 1, payload: codec::encode(&fields).into() };
    assert!(Record::from_journal(&stored).is_ok(), "of its own view");
}

#[test]
fn truncated_and_trailing_records_are_refused() {
    for (name, record) in every_kind() {
        let whole = record.to_journal();
        let cut = JournalRecord { tag: whole.tag, payload: whole.payload.slice(..whole.payload.len() - 1) };
        assert!(Record::from_journal(&cut).is_err(), "{name}");
        let mut longer = whole.payload.to_vec();
        longer.push(0);
        let longer = JournalRecord { tag: whole.tag, payload: longer.into() };
        assert!(matches!(Record::from_journal(&longer), Err(CodecError::Trailing { .. })), "{name}");
    }
}

#[test]
fn a_floor_outlives_the_pruning_that_it_permits() {
    assert_eq!(Record::Floor(View(64)).to_journal().tag, 65);
    assert_eq!(Record::Floor(View(64)).view(), View(64));
}

#[test]
fn the_largest_block_fits_into_a_record() {
    let fixture = Fixture::new(6);
    let mut proposal = proposal(&fixture);
    proposal.gap = vec![fixture.nullification(2, &[3, 4, 5]); crate::wire::MAX_GAP_PROOFS];
    let chunk = Bytes::from(vec![1; 100_000]);
    let body = Arc::new(Body { transactions: vec![chunk; (MAX_BODY_BYTES - 1000) / 100_004] });
    let record = Record::Block { proposal, body };
    assert_eq!(Record::from_journal(&record.to_journal()), Ok(record));
}
