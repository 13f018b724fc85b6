//! Decoders meet random bytes and damaged values: they answer, and what they accept has exactly one encoding.

use crate::samples;
use minuet_core::account::Account;
use minuet_core::block::Body;
use minuet_core::bls::BlsPublicKey;
use minuet_core::certificate::Certificate;
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519Signature};
use minuet_core::evidence::Evidence;
use minuet_core::finality_proof::FinalityProof;
use minuet_core::genesis::{Genesis, GenesisValidator};
use minuet_core::header::{BlockHeader, ConsensusFields, HeaderParts};
use minuet_core::receipt::{decode_receipts, encode_receipts};
use minuet_core::scheme::{QuorumSignature, StatementSignature};
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::transaction::{EmptyList, Transaction, UnsignedTransaction};
use minuet_core::{Address, B256, Epoch, Height, TimeMs, U256, ValidatorIndex, View, codec, keccak256};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::OnceLock;

/// Decodes with one decoder; `Some` with the encoding of what was read.
type ReadBack = fn(&[u8]) -> Option<Vec<u8>>;

fn rlp<T: alloy_rlp::Decodable + alloy_rlp::Encodable>(bytes: &[u8]) -> Option<Vec<u8>> {
    codec::decode::<T>("value", bytes, usize::MAX).ok().map(|value| codec::encode(&value))
}

fn transaction(bytes: &[u8]) -> Option<Vec<u8>> {
    let tx = Transaction::decode(&bytes.to_vec().into()).ok()?;
    assert_eq!(tx.hash(), keccak256(bytes));
    _ = tx.check_fields(6886);
    let mut again = vec![0x6d];
    let fields = rlp_list_without_last(bytes);
    alloy_rlp::Encodable::encode(tx.fields(), &mut again);
    assert_eq!(again[again.len() - fields.len()..], fields);
    Some(tx.envelope().to_vec())
}

/// The payload of the envelope's list up to the signature, which has a fixed length.
fn rlp_list_without_last(envelope: &[u8]) -> Vec<u8> {
    let payload = alloy_rlp::Header::decode_bytes(&mut &envelope[1..], true).unwrap();
    payload[..payload.len() - 66].to_vec()
}

fn header(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = BlockHeader::decode(bytes).ok()?;
    assert_eq!(header.digest(), keccak256(bytes));
    Some(header.encode())
}

fn certificate(bytes: &[u8]) -> Option<Vec<u8>> {
    static GENESIS: OnceLock<Genesis> = OnceLock::new();
    let genesis = GENESIS.get_or_init(samples::genesis);
    let certificate = Certificate::from_bytes(bytes).ok()?;
    _ = certificate.check_shape(genesis.committee().quorums());
    Some(certificate.to_bytes())
}

/// Every decoder with a valid encoding.
fn decoders() -> &'static [(&'static str, ReadBack, Vec<u8>)] {
    static ALL: OnceLock<Vec<(&'static str, ReadBack, Vec<u8>)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let genesis = samples::genesis();
        let signed = samples::notarize().sign(ValidatorIndex(3), &samples::bls(3), &genesis.signing_context());
        let tx = samples::transaction(&[1, 0, 3]);
        vec![
            ("transaction", transaction, tx.envelope().to_vec()),
            ("header", header, samples::header().encode()),
            ("header of block 0", header, genesis.header().encode()),
            ("certificate", certificate, samples::certificates()[2].to_bytes()),
            ("extraData", rlp::<ConsensusFields>, samples::header().ethereum().extra_data.to_vec()),
            (
                "finality proof",
                |b| FinalityProof::decode(b).ok().map(|v| v.encode()),
                samples::finality_proof().encode(),
            ),
            ("body", |b| Body::decode(b).ok().map(|v| v.encode()), samples::body().encode()),
            (
                "receipts",
                |b| decode_receipts(b).ok().map(|v| encode_receipts(&v)),
                encode_receipts(&samples::receipts()),
            ),
            ("signed statement", |b| SignedStatement::from_bytes(b).ok().map(|v| v.to_bytes()), signed.to_bytes()),
            ("statement", rlp::<Statement>, codec::encode(&samples::nullify())),
            ("account", rlp::<Account>, codec::encode(&Account::with_balance(U256::from(5)))),
            ("genesis validator", rlp::<GenesisValidator>, codec::encode(&genesis.file().validators[0])),
            ("fields of a transaction", rlp::<UnsignedTransaction>, codec::encode(tx.fields())),
            ("evidence", |b| Evidence::from_bytes(b).ok().map(|v| v.to_bytes()), samples::evidence()[0].to_bytes()),
            (
                "evidence of a conflict",
                |b| Evidence::from_bytes(b).ok().map(|v| v.to_bytes()),
                samples::evidence()[1].to_bytes(),
            ),
            ("empty list", rlp::<EmptyList>, vec![0xc0]),
            ("BLS key", rlp::<BlsPublicKey>, codec::encode(&samples::bls(0).public_key())),
            ("signature of a statement", rlp::<StatementSignature>, codec::encode(&signed.signature)),
            ("signature of a quorum", rlp::<QuorumSignature>, codec::encode(&samples::certificates()[0].signature)),
            ("Ed25519 key", rlp::<Ed25519PublicKey>, codec::encode(&samples::account_key(1).public_key())),
            ("Ed25519 signature", rlp::<Ed25519Signature>, codec::encode(tx.signature())),
        ]
    })
}

/// What is read must be what was given: one value, one encoding.
fn assert_canonical(name: &str, read_back: ReadBack, bytes: &[u8]) {
    if let Some(again) = read_back(bytes) {
        assert_eq!(again, bytes, "{name} has a second encoding");
    }
}

#[derive(Clone, Debug)]
enum Damage {
    Flip { at: prop::sample::Index, bits: u8 },
    Insert { at: prop::sample::Index, byte: u8 },
    Remove { at: prop::sample::Index },
    Cut { at: prop::sample::Index },
    Append { bytes: Vec<u8> },
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), 1..=255u8).prop_map(|(at, bits)| Damage::Flip { at, bits }),
        2 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert { at, byte }),
        2 => any::<prop::sample::Index>().prop_map(|at| Damage::Remove { at }),
        1 => any::<prop::sample::Index>().prop_map(|at| Damage::Cut { at }),
        1 => vec(any::<u8>(), 1..8).prop_map(|bytes| Damage::Append { bytes }),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    match damage {
        Damage::Flip { at, bits } => {
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
        }
        Damage::Insert { at, byte } => bytes.insert(at.index(bytes.len()), *byte),
        Damage::Remove { at } => _ = bytes.remove(at.index(bytes.len())),
        Damage::Cut { at } => bytes.truncate(at.index(bytes.len())),
        Damage::Append { bytes: more } => bytes.extend(more),
    }
}

#[test]
fn every_sample_reads_back_equal() {
    for (name, read_back, valid) in decoders() {
        assert_eq!(read_back(valid).as_ref(), Some(valid), "{name}");
    }
}

/// Every single bit of every sample: an answer, and one encoding.
#[test]
fn every_flipped_bit_is_answered() {
    for (name, read_back, valid) in decoders() {
        for bit in 0..valid.len() * 8 {
            let mut bytes = valid.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_canonical(name, *read_back, &bytes);
        }
    }
}

#[test]
fn lists_that_promise_more_than_there_is_are_refused_without_allocation() {
    for promise in [vec![0xf8, 0xff], vec![0xfb, 0xff, 0xff, 0xff, 0xff], [vec![0xff], vec![0xff; 8]].concat()] {
        for (name, read_back, _) in decoders() {
            assert_eq!(read_back(&promise), None, "{name}");
            assert_eq!(read_back(&[vec![0x6d], promise.clone()].concat()), None, "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_never_panic_a_decoder(bytes in vec(any::<u8>(), 0..700)) {
        for (name, read_back, _) in decoders() {
            assert_canonical(name, *read_back, &bytes);
        }
    }

    #[test]
    fn damaged_values_never_panic_a_decoder(all in vec(damage(), 1..4)) {
        for (name, read_back, valid) in decoders() {
            let mut bytes = valid.clone();
            all.iter().for_each(|damage| apply(&mut bytes, damage));
            assert_canonical(name, *read_back, &bytes);
        }
    }

    #[test]
    fn random_text_never_panics_the_genesis_reader(text in ".{0,200}", cut in any::<prop::sample::Index>()) {
        Genesis::from_json(&text).unwrap_err();
        let valid = include_str!("../golden/genesis.json").trim_end();
        let cut = cut.index(valid.len());
        prop_assert!(Genesis::from_json(&valid[..cut]).is_err());
    }

    #[test]
    fn any_header_reads_back(
        (epoch, parent_view, ahead) in (any::<u64>(), 0..u64::MAX / 2, 1..u64::MAX / 2),
        (proposer, time, height) in (any::<u16>(), any::<u64>(), any::<u64>()),
        (gas_limit, gas_used, base_fee) in (any::<u64>(), any::<u64>(), any::<u64>()),
        roots in any::<[[u8; 32]; 4]>(),
        beneficiary in any::<[u8; 20]>(),
    ) {
        let header = BlockHeader::seal(&HeaderParts {
            epoch: Epoch(epoch),
            view: View(parent_view + ahead),
            parent_view: View(parent_view),
            proposer: ValidatorIndex(proposer),
            parent: B256::from(roots[0]),
            height: Height(height),
            time: TimeMs(time),
            beneficiary: Address::from(beneficiary),
            state_root: B256::from(roots[1]),
            transactions_root: B256::from(roots[2]),
            receipts_root: B256::from(roots[3]),
            gas_limit,
            gas_used,
            base_fee,
        });
        prop_assert_eq!(header.time(), TimeMs(time));
        prop_assert_eq!(BlockHeader::decode(&header.encode()).unwrap(), header);
    }

    #[test]
    fn any_transaction_reads_back(
        (chain_id, nonce, gas_limit) in any::<(u64, u64, u64)>(),
        (tip, fee) in any::<(u128, u128)>(),
        to in any::<[u8; 20]>(),
        value in any::<[u8; 32]>(),
        data in vec(any::<u8>(), 0..300),
        seed in any::<u8>(),
    ) {
        let key = samples::account_key(seed);
        let fields = UnsignedTransaction {
            chain_id,
            nonce,
            max_priority_fee_per_gas: tip,
            max_fee_per_gas: fee,
            gas_limit,
            to: Address::from(to),
            value: U256::from_be_bytes(value),
            data: data.into(),
            access_list: EmptyList,
            public_key: key.public_key(),
        };
        let tx = fields.clone().sign(&key, &B256::ZERO);
        let read = Transaction::decode(tx.envelope()).unwrap();
        prop_assert_eq!(read.fields(), &fields);
        prop_assert!(read.check_signature(&B256::ZERO).is_ok());
        prop_assert_eq!(read, tx);
    }

    #[test]
    fn any_statement_and_body_read_back(
        view in any::<u64>(),
        digest in any::<[u8; 32]>(),
        envelopes in vec(vec(any::<u8>(), 0..90), 0..20),
    ) {
        for statement in [Statement::Nullify { view: View(view) }, Statement::Notarize { view: View(view), digest: digest.into() }] {
            let bytes = codec::encode(&statement);
            prop_assert_eq!(codec::decode::<Statement>("statement", &bytes, 64).unwrap(), statement);
        }
        let body = Body { transactions: envelopes.into_iter().map(Into::into).collect() };
        prop_assert_eq!(Body::decode(&body.encode()).unwrap(), body);
    }
}
