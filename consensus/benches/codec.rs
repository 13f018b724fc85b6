//! What reading and writing costs: every message of consensus, the journal's records, a transaction, a block of 1,000
//! transfers.

#[path = "../../core/benches/support/mod.rs"]
mod support;

#[allow(dead_code, reason = "shared with the tests of the rules, which use all of it")]
#[path = "../src/fixture.rs"]
mod fixture;

// The fixture names them as the library does.
use minuet_consensus::{header_rules, replica, verify};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fixture::{Fixture, notarize, nullify};
use minuet_consensus::record::{Own, Record};
use minuet_consensus::wire::{BodyMessage, Proposal, Request, Response, ServedBlock};
use minuet_core::block::{Block, Body};
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::codec::CodecError;
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::evidence::Evidence;
use minuet_core::finality_proof::FinalityProof;
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::messages::JournalRecord;
use minuet_core::statement::SignedStatement;
use minuet_core::transaction::{EmptyList, Transaction, UnsignedTransaction};
use minuet_core::{Address, Bytes, Height, U256, View};
use std::fmt::Debug;
use std::hint::black_box;
use std::sync::Arc;
use support::of;

const VALIDATORS: u16 = 6;
const TRANSFERS: u64 = 1_000;
const M: [u16; 3] = [1, 2, 3];
const L: [u16; 5] = [0, 1, 2, 3, 4];

/// Measures both ways of one message; that what is read is what was written is checked before.
fn both_ways<T: Debug + PartialEq, B: AsRef<[u8]>, E: Debug>(
    criterion: &mut Criterion,
    name: &str,
    value: &T,
    encode: impl Fn(&T) -> B,
    decode: impl Fn(&Bytes) -> Result<T, E>,
) {
    let bytes = Bytes::copy_from_slice(encode(value).as_ref());
    let mut group = criterion.benchmark_group("codec::encode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function(of(&[("message", &name)]), |bencher| bencher.iter(|| encode(black_box(value))));
    group.finish();
    reading(criterion, name, value, &bytes, decode);
}

fn reading<T: Debug + PartialEq, E: Debug>(
    criterion: &mut Criterion,
    name: &str,
    value: &T,
    bytes: &Bytes,
    decode: impl Fn(&Bytes) -> Result<T, E>,
) {
    assert_eq!(&decode(bytes).expect("it was just written"), value, "{name}");
    let mut group = criterion.benchmark_group("codec::decode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function(of(&[("message", &name)]), |bencher| bencher.iter(|| decode(black_box(bytes))));
    group.finish();
}

fn write_record(record: &Record) -> Bytes {
    record.to_journal().payload
}

/// Reads the bytes of a record, whose tag is known.
fn read_record(written: &Record, bytes: &Bytes) -> Result<Record, CodecError> {
    Record::from_journal(&JournalRecord { tag: written.view().0, payload: bytes.clone() })
}

fn transfer(number: u64) -> Transaction {
    let mut seed = [9; 32];
    seed[..8].copy_from_slice(&(number % 50).to_be_bytes());
    let unsigned = UnsignedTransaction {
        chain_id: 7,
        nonce: number / 50,
        max_priority_fee_per_gas: 5,
        max_fee_per_gas: 2_000_000,
        gas_limit: 21_000,
        to: Address::left_padding_from(&number.to_be_bytes()),
        value: U256::from(1_500_000_000_000_000_000_u64),
        data: Bytes::new(),
        access_list: EmptyList,
        public_key: Ed25519PublicKey([0; 32]),
    };
    unsigned.sign(&Ed25519SecretKey::from_bytes(&seed), &fixture::digest(1))
}

/// One chain: block 1 with transfers, block 2 without, and what is said about them.
struct Samples {
    fixture: Fixture,
    full: Block,
    empty: Arc<BlockHeader>,
}

impl Samples {
    fn new() -> Self {
        let fixture = Fixture::new(VALIDATORS);
        let transactions = (0..TRANSFERS).map(|number| transfer(number).envelope().clone()).collect();
        let body = Arc::new(Body { transactions });
        let plain = fixture.block(&fixture.genesis, 1, 0);
        let root = fixture::digest(3);
        let header = BlockHeader::seal(&HeaderParts {
            state_root: root,
            transactions_root: body.root(),
            receipts_root: root,
            gas_used: TRANSFERS * 21_000,
            ..plain.parts()
        });
        let empty = fixture.block(&header, 3, 10);
        let full = Block::new(Arc::new(header), body).expect("its own body");
        Self { fixture, full, empty }
    }

    fn notarization(&self) -> Certificate {
        self.fixture.notarization(1, self.full.digest(), &M)
    }

    fn finalization(&self) -> Certificate {
        self.fixture.finalization(1, self.full.digest(), &L)
    }

    fn statement(&self) -> SignedStatement {
        self.fixture.sign(notarize(1, self.full.digest()), 4)
    }

    /// Of block 2: its parent's proof and one nullified view between.
    fn proposal(&self) -> Proposal {
        Proposal {
            header: Arc::clone(&self.empty),
            parent_proof: Some(self.notarization()),
            gap: vec![self.fixture.nullification(2, &M)],
            signature: self.statement().signature,
        }
    }
}

fn bench_small(criterion: &mut Criterion) {
    let samples = Samples::new();
    let statement = samples.statement();
    both_ways(criterion, "statement", &statement, SignedStatement::to_bytes, |bytes| {
        SignedStatement::from_bytes(bytes)
    });
    let certificates = [
        ("notarization", samples.notarization()),
        ("nullification", samples.fixture.certificate(CertificateKind::Nullification, nullify(2), &M)),
        ("finalization", samples.finalization()),
    ];
    for (name, certificate) in &certificates {
        both_ways(criterion, name, certificate, Certificate::to_bytes, |bytes| Certificate::from_bytes(bytes));
    }
    let header = samples.full.header().as_ref().clone();
    both_ways(criterion, "header", &header, BlockHeader::encode, |bytes| BlockHeader::decode(bytes));
    both_ways(criterion, "proposal", &samples.proposal(), Proposal::to_bytes, |bytes| Proposal::from_bytes(bytes));
    for (name, request) in [
        ("request_proof", Request::Proof(View(7))),
        ("request_block", Request::Block(samples.full.digest())),
        ("request_range", Request::Range(Height(7))),
    ] {
        both_ways(criterion, name, &request, Request::to_bytes, |bytes| Request::from_bytes(bytes));
    }
    let proofs = Response::Proofs { certificates: vec![samples.notarization()], statements: vec![statement] };
    both_ways(criterion, "response_proofs", &proofs, Response::to_bytes, |bytes| Response::from_bytes(bytes));
    let own = Record::Own { view: View(1), own: Own::Notarize(samples.full.digest()) };
    both_ways(criterion, "record_own", &own, write_record, |bytes| read_record(&own, bytes));
    let evidence = Evidence::OwnSignature { validator: fixture::v(1), certificate: samples.notarization() };
    both_ways(criterion, "evidence", &evidence, Evidence::to_bytes, |bytes| Evidence::from_bytes(bytes));
    let path = vec![Arc::clone(samples.full.header()), Arc::clone(&samples.empty)];
    let proof = FinalityProof::new(path, Some(samples.fixture.finalization(3, samples.empty.digest(), &L)));
    let proof = proof.expect("two headers");
    both_ways(criterion, "finality_proof", &proof, FinalityProof::encode, |bytes| FinalityProof::decode(bytes));
}

fn bench_blocks(criterion: &mut Criterion) {
    let samples = Samples::new();
    let one = transfer(0);
    reading(criterion, "transaction", &one, one.envelope(), Transaction::decode);
    let name = |what: &str| format!("{what},transfers={TRANSFERS}");
    let body = samples.full.body().as_ref().clone();
    both_ways(criterion, &name("body"), &body, Body::encode, |bytes| Body::decode(bytes));
    let message = BodyMessage { digest: samples.full.digest(), body: Arc::new(body) };
    both_ways(criterion, &name("body_message"), &message, BodyMessage::to_bytes, |bytes| {
        BodyMessage::from_bytes(bytes)
    });
    // Its root is computed and held against its header when it is read.
    let served = ServedBlock { block: samples.full.clone(), finalization: Some(samples.finalization()) };
    let blocks = Response::Blocks(vec![served]);
    both_ways(criterion, &name("response_blocks"), &blocks, Response::to_bytes, |bytes| Response::from_bytes(bytes));
    let proposal = Proposal { header: Arc::clone(samples.full.header()), ..samples.proposal() };
    let record = Record::Block { proposal, body: Arc::clone(samples.full.body()) };
    both_ways(criterion, &name("record_block"), &record, write_record, |bytes| read_record(&record, bytes));
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = bench_small, bench_blocks
}
criterion_main!(benches);
