//! The beginning of every corpus: encodings of genuine values, and broken ones that must be refused.

use crate::database::Value;
use crate::files::journal_input;
use crate::samples;
use minuet_consensus::wire::{BodyMessage, MAX_GAP_PROOFS, Proposal, Request, Response};
use minuet_core::alloy_rlp::{self, Header, encode};
use minuet_core::block::Body;
use minuet_core::certificate::Certificate;
use minuet_core::header::BlockHeader;
use minuet_core::receipt::{Receipt, encode_receipts};
use minuet_core::scheme::QuorumSignature;
use minuet_core::wire::{FrameKind, Lane};
use minuet_core::{Height, U256, View};
use std::sync::Arc;

/// An input that the corpus starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Its file. `good-…` must be read, `bad-…` must be refused.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

impl Seed {
    /// A value.
    #[must_use]
    pub fn good(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: format!("good-{name}"), bytes: bytes.into() }
    }

    /// None.
    #[must_use]
    pub fn bad(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: format!("bad-{name}"), bytes: bytes.into() }
    }
}

/// Genuine values by number, and what is wrong with the first of them cut off and continued.
fn values(all: impl IntoIterator<Item = Vec<u8>>) -> Vec<Seed> {
    let mut seeds: Vec<Seed> =
        all.into_iter().enumerate().map(|(place, bytes)| Seed::good(&place.to_string(), bytes)).collect();
    let first = seeds[0].bytes.clone();
    seeds.push(Seed::bad("cut", &first[..first.len() - 1]));
    seeds.push(Seed::bad("continued", [&first[..], &[0]].concat()));
    seeds.push(Seed::bad("promise", [&[0xfb], &[0xff; 4][..], &first].concat()));
    seeds
}

fn list(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend_from_slice(payload);
    out
}

fn frame_of(kind: FrameKind, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("within a kind's limit");
    [&minuet_p2p::frame::header(kind, length)[..], payload].concat()
}

fn lane_of(kind: FrameKind) -> u8 {
    let place = Lane::ALL.iter().position(|lane| *lane == kind.lane()).expect("a lane of them");
    u8::try_from(place).expect("few lanes")
}

fn message(kind: FrameKind) -> Vec<u8> {
    match kind {
        FrameKind::Certificate => samples::certificates()[0].to_bytes(),
        FrameKind::Statement => samples::statements()[0].to_bytes(),
        FrameKind::Proposal => samples::proposal().to_bytes(),
        FrameKind::Body => body_message().to_bytes(),
        FrameKind::Transactions => samples::block_body().encode(),
        FrameKind::Request => Request::Range(Height(258)).to_bytes(),
        FrameKind::Response => Response::Blocks(samples::served()).to_bytes(),
    }
}

pub fn frame() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for kind in FrameKind::ALL {
        let (lane, one) = (lane_of(kind), frame_of(kind, &message(kind)));
        seeds.push(Seed::good(kind.name(), [&[lane, 0], &one[..]].concat()));
        seeds.push(Seed::good(&format!("{}-in-pieces", kind.name()), [&[lane, 7], &one[..], &one].concat()));
        let other = (lane + 1) % 6;
        seeds.push(Seed::bad(&format!("{}-on-another-lane", kind.name()), [&[other, 0], &one[..]].concat()));
        let above = u32::try_from(kind.max_bytes()).expect("limits are short") + 1;
        let head = minuet_p2p::frame::header(kind, above);
        seeds.push(Seed::bad(&format!("{}-oversized", kind.name()), [&[lane, 0], &head[..], &[0; 99]].concat()));
    }
    let promise = minuet_p2p::frame::header(FrameKind::Body, 2 << 20);
    seeds.push(Seed::bad("promise", [&[lane_of(FrameKind::Body), 1], &promise[..], &[0; 64]].concat()));
    seeds
}

pub fn handshake() -> Vec<Seed> {
    let bytes = samples::hello().encode().to_vec();
    let mut other = bytes.clone();
    other[11] = 2;
    vec![
        Seed::good("hello", bytes.clone()),
        Seed::good("version-2", other),
        Seed::bad("cut", &bytes[..50]),
        Seed::bad("http", *b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]
}

pub fn statement() -> Vec<Seed> {
    let mut seeds = values(samples::statements().iter().map(|signed| signed.to_bytes()));
    let genuine = samples::statements()[0];
    let with = |signature: &[u8]| {
        let parts = [encode(genuine.statement), encode(genuine.signer), encode(signature)];
        list(&parts.concat())
    };
    seeds.push(Seed::good("ed25519", with(&[7; 64])));
    seeds.push(Seed::bad("signature-of-no-scheme", with(&[7; 63])));
    seeds
}

pub fn certificate() -> Vec<Seed> {
    let mut seeds = values(samples::certificates().iter().map(|certificate| certificate.to_bytes()));
    let mut nullification = samples::certificates()[0].clone();
    nullification.kind = minuet_core::certificate::CertificateKind::Nullification;
    seeds.push(Seed::bad("nullification-of-a-block", nullification.to_bytes()));
    let listed = samples::ed25519_certificate();
    seeds.push(Seed::good("ed25519", listed.to_bytes()));
    let fewer = QuorumSignature::from_bytes(&listed.signature.to_bytes()[64..]).expect("two signatures");
    seeds.push(Seed::bad("one-signature-missing", Certificate { signature: fewer, ..listed }.to_bytes()));
    seeds
}

pub fn proposal() -> Vec<Seed> {
    let whole = samples::proposal();
    let gap = whole.gap[0].clone();
    let bare = Proposal { parent_proof: None, gap: Vec::new(), ..whole.clone() };
    let most = Proposal { gap: vec![gap.clone(); MAX_GAP_PROOFS], ..whole.clone() };
    let more = Proposal { gap: vec![gap; MAX_GAP_PROOFS + 1], ..whole.clone() };
    let mut seeds = values([whole, bare, most].map(|proposal| proposal.to_bytes()));
    seeds.push(Seed::bad("long-gap", more.to_bytes()));
    seeds
}

fn body_message() -> BodyMessage {
    BodyMessage { digest: samples::header().digest(), body: Arc::new(samples::block_body()) }
}

pub fn body() -> Vec<Seed> {
    let empty = BodyMessage { body: Arc::default(), ..body_message() };
    let many = Body { transactions: vec![minuet_core::Bytes::new(); 1000] };
    let many = BodyMessage { body: Arc::new(many), ..body_message() };
    values([body_message(), empty, many].map(|message| message.to_bytes()))
}

pub fn request() -> Vec<Seed> {
    let digest = samples::header().digest();
    let all = [Request::Proof(View(5)), Request::Block(digest), Request::Range(Height(258)), Request::Range(Height(0))];
    let mut seeds = values(all.map(|request| request.to_bytes()));
    let mut unknown = seeds[0].bytes.clone();
    unknown[1] = 4;
    seeds.push(Seed::bad("unknown", unknown));
    seeds
}

pub fn response() -> Vec<Seed> {
    let certificates = samples::certificates().to_vec();
    let statements = samples::statements().to_vec();
    let all = [
        Response::Blocks(samples::served()),
        Response::Blocks(Vec::new()),
        Response::Proofs { certificates, statements: Vec::new() },
        Response::Proofs { certificates: Vec::new(), statements },
        Response::Proofs { certificates: Vec::new(), statements: Vec::new() },
    ];
    let mut seeds = values(all.map(|response| response.to_bytes()));
    // Four bytes each, and far more of them than a response may hold: counted before any is kept.
    let blocks = list(&[0xc3, 0x80, 0x80, 0xc0].repeat(16_384));
    seeds.push(Seed::bad("many-blocks", list(&[&[2, 0xc0, 0xc0], &blocks[..]].concat())));
    seeds
}

pub fn transactions() -> Vec<Seed> {
    let all = samples::transactions().iter().map(|transaction| transaction.envelope().clone());
    let all = Body { transactions: all.collect() };
    let mut seeds = values([samples::block_body().encode(), all.encode(), list(&[0x80; 500])]);
    seeds.push(Seed::bad("empty", list(&[])));
    seeds
}

pub fn evidence() -> Vec<Seed> {
    values(samples::evidence().iter().map(|evidence| evidence.to_bytes()))
}

pub fn finality_proof() -> Vec<Seed> {
    let mut seeds = values(samples::finality_proofs().iter().map(|proof| proof.encode()));
    let headers = list(&[0x80].repeat(5000));
    seeds.push(Seed::bad("many-headers", list(&[&[1], &headers[..], &[0x80]].concat())));
    seeds
}

fn headers() -> [Arc<BlockHeader>; 3] {
    let genesis = Arc::new(samples::genesis().header().clone());
    [Arc::clone(samples::header()), Arc::clone(samples::empty_header()), genesis]
}

pub fn header() -> Vec<Seed> {
    values(headers().map(|header| header.encode()))
}

pub fn block() -> Vec<Seed> {
    let [full, empty, genesis] = headers().map(|header| header.encode());
    let (body, none) = (samples::block_body().encode(), Body::default().encode());
    let joined = |header: &[u8], body: &[u8]| {
        let length = u16::try_from(header.len()).expect("within its limit").to_be_bytes();
        [&length[..], header, body].concat()
    };
    vec![
        Seed::good("full", joined(&full, &body)),
        Seed::good("empty", joined(&empty, &none)),
        Seed::good("genesis", joined(&genesis, &none)),
        Seed::bad("swapped", joined(&full, &none)),
        Seed::bad("swapped-too", joined(&empty, &body)),
        Seed::bad("many-empty-items", joined(&full, &list(&[0x80; 4096]))),
    ]
}

pub fn transaction() -> Vec<Seed> {
    let mut seeds = values(samples::transactions().iter().map(|transaction| transaction.envelope().to_vec()));
    let mut other = seeds[0].bytes.clone();
    other[0] = 2;
    seeds.push(Seed::bad("type-2", other));
    seeds
}

pub fn journal_record() -> Vec<Seed> {
    let mut seeds = values(samples::records().iter().map(|record| record.to_journal().payload.to_vec()));
    // Fields that their kind does not have.
    let digest = [&[0xa0], &[5; 32][..]].concat();
    let zero = [&[0xa0], &[0; 32][..]].concat();
    seeds.push(Seed::bad("nullify-of-a-block", list(&[&[3, 9], &digest[..], &[0x80, 0x80]].concat())));
    seeds.push(Seed::bad("floor-with-a-payload", list(&[&[6, 9], &zero[..], &[1, 0x80]].concat())));
    let certificate = samples::certificates()[0].to_bytes();
    let payload = alloy_rlp::encode(certificate.as_slice());
    seeds.push(Seed::bad("certificate-of-another-view", list(&[&[4, 3], &zero[..], &payload, &[0x80]].concat())));
    seeds
}

pub fn journal() -> Vec<Seed> {
    let files = samples::journal_files();
    let mut torn = files.clone();
    if let Some(last) = torn.last_mut() {
        last.truncate(1600);
    }
    let mut half = files.clone();
    half[0][1024..1100].fill(0);
    let mut both = files.clone();
    both[0][1024..2048].fill(0);
    let last_numbers = with_numbers(&files[0], u64::MAX - 2, u64::MAX);
    vec![
        Seed::good("whole", journal_input(0, &files)),
        Seed::good("first", journal_input(0, &files[..1])),
        Seed::good("last", journal_input(1, &files[1..])),
        Seed::good("torn-end", journal_input(0, &torn)),
        Seed::good("one-copy", journal_input(0, &half)),
        Seed::bad("both-copies", journal_input(0, &both)),
        Seed::bad("renamed", journal_input(5, &files)),
        Seed::bad("none", journal_input(0, &[])),
        Seed::bad("last-numbers-there-are", journal_input(255, &[last_numbers])),
    ]
}

/// A segment with another number, and groups with other sequence numbers from the first on.
fn with_numbers(file: &[u8], number: u64, sequence: u64) -> Vec<u8> {
    let mut file = file.to_vec();
    let mut copies = 0;
    for sector in file.chunks_exact_mut(512) {
        match sector.first() {
            Some(b'M') => {
                sector[16..24].copy_from_slice(&number.to_be_bytes());
                sector[24..32].copy_from_slice(&sequence.to_be_bytes());
            }
            Some(b'H') => {
                sector[8..16].copy_from_slice(&number.to_be_bytes());
                sector[16..24].copy_from_slice(&sequence.wrapping_add(copies / 2).to_be_bytes());
                copies += 1;
            }
            _ => {}
        }
    }
    file
}

pub fn pool_log() -> Vec<Seed> {
    let whole = samples::pool_log_file();
    let mut damaged = whole.clone();
    damaged[90] ^= 1;
    let mut version = whole.clone();
    version[11] = 2;
    vec![
        Seed::good("whole", whole.clone()),
        Seed::good("torn-end", &whole[..whole.len() - 5]),
        Seed::good("damaged-record", damaged),
        Seed::bad("version-2", version),
        Seed::bad("header-alone", &whole[..64]),
        Seed::bad("empty", []),
    ]
}

pub fn database() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for value in Value::ALL {
        let name = format!("{value:?}").to_lowercase();
        let is_shown = !matches!(value, Value::Format | Value::Genesis);
        if let Some(bytes) = value.genuine() {
            let input = value.input(&bytes);
            seeds.push(if is_shown { Seed::good(&name, input) } else { Seed::bad(&name, input) });
            seeds.push(Seed::bad(&format!("{name}-cut"), value.input(&bytes[..bytes.len() - 1])));
        }
    }
    seeds.push(Seed::good("oldest", Value::Oldest.input(&1_u64.to_be_bytes())));
    let many: Vec<_> = (1..100).map(|count| Receipt::transfer(21_000 * count)).collect();
    seeds.push(Seed::good("many-receipts", Value::Receipts.input(&encode_receipts(&many))));
    let account = minuet_core::account::Account::with_balance(U256::from(5));
    // A plain account in the form that only contracts have: its one form is the short one.
    seeds.push(Seed::bad("account-long-form", Value::Account.input(&alloy_rlp::encode(&account))));
    seeds
}

pub fn genesis() -> Vec<Seed> {
    let text = |validators| serde_json::to_string_pretty(&samples::genesis_file(validators)).expect("plain values");
    let one = text(1);
    // The same account twice: the first balance would be lost without a word.
    let address = format!("\"0x{}\"", "11".repeat(20));
    let twice = one.replacen(&address, &format!("{address}: \"0x1\",\n    {address}"), 1);
    let upper = one.replacen(&address, &address.replace("0x", "0X"), 1);
    vec![
        Seed::good("one-validator", one.clone()),
        Seed::good("six-validators", text(6)),
        Seed::good(
            "ed25519",
            one.replacen("\"validators\"", "\"statement_scheme\": \"ed25519\",\n  \"validators\"", 1),
        ),
        Seed::bad(
            "unknown-scheme",
            one.replacen("\"validators\"", "\"statement_scheme\": \"rsa\",\n  \"validators\"", 1),
        ),
        Seed::bad("account-twice", twice),
        Seed::good("upper-case-prefix", upper),
        Seed::bad("no-validator", text(0)),
        Seed::bad("version", one.replacen("\"version\": 1", "\"version\": 2", 1)),
        Seed::bad("deep", "[".repeat(3000)),
        Seed::bad("possession", one.replacen("\"proof_of_possession\": \"0x", "\"proof_of_possession\": \"0xff", 1)),
    ]
}

#[cfg(test)]
mod tests {
    use crate::TARGETS;
    use std::collections::BTreeSet;

    #[test]
    fn every_target_starts_with_values_and_broken_ones_of_distinct_names_and_answers_as_named() {
        for target in TARGETS {
            let seeds = (target.seeds)();
            let names: BTreeSet<_> = seeds.iter().map(|seed| seed.name.as_str()).collect();
            assert_eq!(names.len(), seeds.len(), "{}", target.name);
            for seed in &seeds {
                let is_good = seed.name.starts_with("good-");
                assert!(is_good || seed.name.starts_with("bad-"), "{}", seed.name);
                assert_eq!((target.run)(&seed.bytes), is_good, "{}: {}", target.name, seed.name);
            }
            assert!(names.iter().any(|name| name.starts_with("good-")), "{}", target.name);
            assert!(names.iter().any(|name| name.starts_with("bad-")), "{}", target.name);
        }
    }
}
