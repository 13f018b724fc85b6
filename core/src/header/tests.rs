use super::*;

/// A change of an Ethereum header, for which it is given an unusual hash, and its name.
type Mutation = (&'static str, fn(&mut Header, B256));
/// A change of what a proposer decides, and its name.
type PartMutation = (&'static str, fn(&mut HeaderParts));

fn parts() -> HeaderParts {
    HeaderParts {
        epoch: Epoch(0),
        view: View(9),
        parent_view: View(7),
        proposer: ValidatorIndex(3),
        parent: B256::repeat_byte(0x11),
        height: Height(5),
        time: TimeMs(1_700_000_000_123),
        beneficiary: Address::repeat_byte(0x22),
        state_root: B256::repeat_byte(0x33),
        transactions_root: B256::repeat_byte(0x44),
        receipts_root: B256::repeat_byte(0x55),
        gas_limit: 210_000_000,
        gas_used: 42_000,
        base_fee: 1_000_000,
    }
}

fn sample() -> Header {
    BlockHeader::seal(&parts()).ethereum().clone()
}

fn decode(header: &Header) -> Result<BlockHeader, CodecError> {
    BlockHeader::decode(&codec::encode(header))
}

fn with_extra(bytes: Vec<u8>) -> Header {
    Header { extra_data: bytes.into(), ..sample() }
}

fn fields() -> ConsensusFields {
    ConsensusFields {
        version: HEADER_VERSION,
        epoch: Epoch(0),
        view: View(9),
        parent_view: View(7),
        proposer: ValidatorIndex(3),
        millis: 123,
    }
}

#[test]
fn a_sealed_header_reads_back_with_every_part() {
    let header = BlockHeader::seal(&parts());
    let read = BlockHeader::decode(&header.encode()).unwrap();
    assert_eq!(read, header);
    assert_eq!(read.parts(), parts());
    assert_eq!(read.time(), TimeMs(1_700_000_000_123));
    assert_eq!(read.ethereum().timestamp, 1_700_000_000);
}

#[test]
fn the_digest_is_ethereums_block_hash() {
    let header = BlockHeader::seal(&parts());
    let ethereum: Header = alloy_rlp::decode_exact(header.encode()).unwrap();
    assert_eq!(ethereum.hash_slow(), header.digest());
    assert_eq!(crate::keccak256(header.encode()), header.digest());
}

#[test]
fn a_fixed_field_off_its_value_is_refused() {
    let other = B256::repeat_byte(0x99);
    let mutations: [Mutation; 21] = [
        ("ommers_hash", |h, o| h.ommers_hash = o),
        ("logs_bloom", |h, _| h.logs_bloom = Bloom::repeat_byte(1)),
        ("difficulty", |h, _| h.difficulty = U256::from(1)),
        ("mix_hash", |h, o| h.mix_hash = o),
        ("nonce", |h, _| h.nonce = B64::repeat_byte(1)),
        ("base_fee absent", |h, _| h.base_fee_per_gas = None),
        ("withdrawals_root", |h, o| h.withdrawals_root = Some(o)),
        ("withdrawals_root absent", |h, _| h.withdrawals_root = None),
        ("blob_gas_used", |h, _| h.blob_gas_used = Some(1)),
        ("blob_gas_used absent", |h, _| h.blob_gas_used = None),
        ("excess_blob_gas", |h, _| h.excess_blob_gas = Some(1)),
        ("excess_blob_gas absent", |h, _| h.excess_blob_gas = None),
        ("parent_beacon_block_root", |h, o| h.parent_beacon_block_root = Some(o)),
        ("parent_beacon_block_root absent", |h, _| h.parent_beacon_block_root = None),
        ("requests_hash", |h, o| h.requests_hash = Some(o)),
        ("requests_hash absent", |h, _| h.requests_hash = None),
        ("block_access_list_hash", |h, o| h.block_access_list_hash = Some(o)),
        ("slot_number", |h, _| h.slot_number = Some(1)),
        ("both newer fields", |h, o| (h.block_access_list_hash, h.slot_number) = (Some(o), Some(1))),
        ("timestamp beyond milliseconds", |h, _| h.timestamp = u64::MAX),
        ("all optional fields absent", |h, _| {
            h.base_fee_per_gas = None;
            h.withdrawals_root = None;
            h.blob_gas_used = None;
            h.excess_blob_gas = None;
            h.parent_beacon_block_root = None;
            h.requests_hash = None;
        }),
    ];
    decode(&sample()).unwrap();
    for (name, mutate) in mutations {
        let mut header = sample();
        mutate(&mut header, other);
        assert!(decode(&header).is_err(), "{name}");
    }
}

#[test]
fn a_free_field_changes_the_digest() {
    let other = B256::repeat_byte(0x99);
    let mutations: [Mutation; 10] = [
        ("parent_hash", |h, o| h.parent_hash = o),
        ("beneficiary", |h, _| h.beneficiary = Address::repeat_byte(9)),
        ("state_root", |h, o| h.state_root = o),
        ("transactions_root", |h, o| h.transactions_root = o),
        ("receipts_root", |h, o| h.receipts_root = o),
        ("number", |h, _| h.number += 1),
        ("gas_limit", |h, _| h.gas_limit += 1),
        ("gas_used", |h, _| h.gas_used += 1),
        ("timestamp", |h, _| h.timestamp += 1),
        ("base_fee", |h, _| h.base_fee_per_gas = Some(7)),
    ];
    for (name, mutate) in mutations {
        let mut header = sample();
        mutate(&mut header, other);
        assert_ne!(decode(&header).unwrap().digest(), sample().hash_slow(), "{name}");
    }
}

#[test]
fn every_consensus_field_changes_the_digest() {
    let mutations: [PartMutation; 5] = [
        ("epoch", |p| p.epoch = Epoch(1)),
        ("view", |p| p.view = View(10)),
        ("parent_view", |p| p.parent_view = View(8)),
        ("proposer", |p| p.proposer = ValidatorIndex(4)),
        ("milliseconds", |p| p.time = TimeMs(1_700_000_000_124)),
    ];
    for (name, mutate) in mutations {
        let mut changed = parts();
        mutate(&mut changed);
        assert_ne!(BlockHeader::seal(&changed).digest(), BlockHeader::seal(&parts()).digest(), "{name}");
    }
}

#[test]
fn extra_data_that_is_not_canonical_is_refused() {
    let good = codec::encode(&fields());
    decode(&with_extra(good.clone())).unwrap();

    let trailing = [good.clone(), vec![0x80]].concat();
    let truncated = good[..good.len() - 1].to_vec();
    let mut long_form = vec![0xf8, u8::try_from(good.len() - 1).unwrap()];
    long_form.extend_from_slice(&good[1..]);
    // One byte below 0x80 stands for itself; with a length byte before it is another spelling of the same number.
    let mut long_byte = vec![good[0] + 1, 0x81];
    long_byte.extend_from_slice(&good[1..]);
    let mut seventh_field = good.clone();
    seventh_field[0] += 1;
    seventh_field.push(0x01);
    let mut leading_zero = Vec::new();
    alloy_rlp::Header { list: true, payload_length: good.len() + 1 }.encode(&mut leading_zero);
    leading_zero.extend_from_slice(&[0x01, 0x80, 0x82, 0x00, 0x09]);
    leading_zero.extend_from_slice(&good[4..]);

    for (name, bytes) in [
        ("trailing byte", trailing),
        ("truncated", truncated),
        ("long form of a short list", long_form),
        ("long form of a byte", long_byte),
        ("a field too many", seventh_field),
        ("leading zero", leading_zero),
        ("empty", vec![]),
        ("a genesis fingerprint above height 0", vec![0x5a; 32]),
        ("longer than any", vec![0xc0; 65]),
    ] {
        assert!(decode(&with_extra(bytes)).is_err(), "{name}");
    }
}

#[test]
fn consensus_fields_outside_their_range_are_refused() {
    let unknown = ConsensusFields { version: 2, ..fields() };
    assert_eq!(
        decode(&with_extra(codec::encode(&unknown))).unwrap_err(),
        CodecError::Version { what: WHAT, found: 2, expected: 1 }
    );
    for (name, bad) in [
        ("a thousand milliseconds", ConsensusFields { millis: 1000, ..fields() }),
        ("its own parent's view", ConsensusFields { parent_view: View(9), ..fields() }),
        ("below its parent's view", ConsensusFields { parent_view: View(10), ..fields() }),
        ("view 0", ConsensusFields { view: View(0), parent_view: View(0), ..fields() }),
    ] {
        assert!(decode(&with_extra(codec::encode(&bad))).is_err(), "{name}");
    }
}

#[test]
fn truncated_oversized_and_continued_headers_are_refused() {
    let bytes = BlockHeader::seal(&parts()).encode();
    for length in 0..bytes.len() {
        assert!(BlockHeader::decode(&bytes[..length]).is_err(), "{length} bytes");
    }
    let continued = [bytes.as_slice(), &[0]].concat();
    assert_eq!(BlockHeader::decode(&continued).unwrap_err(), CodecError::Trailing { what: WHAT, count: 1 });
    let oversized = vec![0xf9; MAX_HEADER_BYTES + 1];
    assert!(matches!(BlockHeader::decode(&oversized), Err(CodecError::TooLong { .. })));
}

#[test]
fn the_largest_values_fit_the_limit() {
    let largest = HeaderParts {
        epoch: Epoch(u64::MAX),
        view: View(u64::MAX),
        parent_view: View(u64::MAX - 1),
        proposer: ValidatorIndex(u16::MAX),
        height: Height(u64::MAX),
        time: TimeMs(u64::MAX),
        gas_limit: u64::MAX,
        gas_used: u64::MAX,
        base_fee: u64::MAX,
        ..parts()
    };
    let header = BlockHeader::seal(&largest);
    assert!(header.encode().len() <= MAX_HEADER_BYTES);
    assert_eq!(BlockHeader::decode(&header.encode()).unwrap(), header);
}

#[test]
fn block_0_carries_the_fingerprint_and_reads_back() {
    let fingerprint = B256::repeat_byte(0xab);
    let header = BlockHeader::genesis(fingerprint, B256::repeat_byte(1), TimeMs(1_700_000_000_999), 21_000, 7);
    assert_eq!(header.ethereum().extra_data.as_ref(), fingerprint.as_slice());
    assert_eq!((header.height(), header.view(), header.parent()), (Height(0), View(0), B256::ZERO));
    assert_eq!(header.time(), TimeMs(1_700_000_000_000));
    assert_eq!(BlockHeader::decode(&header.encode()).unwrap(), header);
}
