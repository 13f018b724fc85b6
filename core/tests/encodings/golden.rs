//! Golden vectors, one file per encoded type under `core/tests/golden/`. Changing one changes the wire, the disk or the
//! chain: it is done on purpose, with `UPDATE_GOLDENS=1`, in a commit of its own that says why.

use crate::samples;
use minuet_core::account::Account;
use minuet_core::block::Body;
use minuet_core::certificate::Certificate;
use minuet_core::evidence::{Evidence, MAX_EVIDENCE_BYTES};
use minuet_core::finality_proof::FinalityProof;
use minuet_core::genesis::Genesis;
use minuet_core::header::BlockHeader;
use minuet_core::receipt::{decode_receipts, encode_receipts, receipts_root};
use minuet_core::statement::SignedStatement;
use minuet_core::transaction::{Transaction, address_of};
use minuet_core::{U256, ValidatorIndex, keccak256};
use std::fs;
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn check_text(name: &str, found: &str) {
    let path = path(name);
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fs::write(&path, format!("{found}\n")).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(found, golden.trim_end(), "{name} is not its golden vector: see CONTRIBUTING.md");
}

/// Compares with the golden bytes and returns those.
fn check(name: &str, found: &[u8]) -> Vec<u8> {
    check_text(&format!("{name}.hex"), &hex::encode(found));
    hex::decode(fs::read_to_string(path(&format!("{name}.hex"))).unwrap().trim_end()).unwrap()
}

#[test]
fn transaction() {
    let tx = samples::transaction(&[1, 0, 3]);
    let golden = check("transaction", tx.envelope());
    let read = Transaction::decode(&golden.clone().into()).unwrap();
    assert_eq!(read, tx);
    read.check_fields(6886).unwrap();
    read.check_signature(&samples::genesis().digest()).unwrap();
    check("transaction-hash", read.hash().as_slice());
    check("transaction-signed-message", &read.signature_item(&samples::genesis().digest()).message);
    assert_eq!(read.hash(), keccak256(golden));
}

#[test]
fn address_of_a_native_key() {
    check("address", address_of(&samples::account_key(0x77).public_key()).as_slice());
}

#[test]
fn header_is_read_and_hashed_by_ethereums_own_type() {
    let header = samples::header();
    let golden = check("header", &header.encode());
    assert_eq!(BlockHeader::decode(&golden).unwrap(), header);
    check("header-extra-data", &header.ethereum().extra_data);
    check("header-digest", header.digest().as_slice());

    let ethereum: alloy_consensus::Header = alloy_rlp::decode_exact(&golden).unwrap();
    assert_eq!(ethereum.hash_slow(), header.digest());
    assert_eq!(keccak256(&golden), header.digest());
    assert_eq!((ethereum.number, ethereum.timestamp), (1, 1_700_000_000));
    assert_eq!(ethereum.base_fee_per_gas, Some(1_988_222));
}

#[test]
fn body_and_its_root() {
    let golden = check("body", &samples::body().encode());
    assert_eq!(Body::decode(&golden).unwrap(), samples::body());
    check("body-root", samples::body().root().as_slice());
}

#[test]
fn statements() {
    let context = samples::genesis().signing_context();
    for (name, statement) in [("notarize", samples::notarize()), ("nullify", samples::nullify())] {
        check(&format!("statement-{name}"), &alloy_rlp::encode(statement));
        check(&format!("statement-{name}-message"), statement.message(&context).as_slice());
        let signed = statement.sign(ValidatorIndex(3), &samples::bls(3), &context);
        let golden = check(&format!("signed-statement-{name}"), &signed.to_bytes());
        let read = SignedStatement::from_bytes(&golden).unwrap();
        assert_eq!(read, signed);
        assert!(read.is_genuine(samples::genesis().committee(), &context));
    }
}

#[test]
fn certificates() {
    let genesis = samples::genesis();
    let names = ["notarization", "nullification", "finalization"];
    for (name, certificate) in names.into_iter().zip(samples::certificates()) {
        let golden = check(&format!("certificate-{name}"), &certificate.to_bytes());
        let read = Certificate::from_bytes(&golden).unwrap();
        assert_eq!(read, certificate);
        read.verify(genesis.committee(), &genesis.signing_context()).unwrap();
    }
}

#[test]
fn what_is_signed_with_ed25519() {
    let genesis = samples::ed25519_genesis();
    check_text("genesis-ed25519.json", &serde_json::to_string_pretty(genesis.file()).unwrap());
    check("genesis-ed25519-fingerprint", genesis.fingerprint().as_slice());
    let signed = samples::ed25519_vote(&genesis, 3);
    let golden = check("signed-statement-ed25519", &signed.to_bytes());
    let read = SignedStatement::from_bytes(&golden).unwrap();
    assert!(read == signed && read.is_genuine(genesis.committee(), &genesis.signing_context()));
    let certificate = samples::ed25519_certificate(&genesis);
    let golden = check("certificate-ed25519", &certificate.to_bytes());
    let read = Certificate::from_bytes(&golden).unwrap();
    assert_eq!(read, certificate);
    read.verify(genesis.committee(), &genesis.signing_context()).unwrap();
}

#[test]
fn evidence() {
    for (name, evidence) in ["equivocation", "conflict", "own-signature"].into_iter().zip(samples::evidence()) {
        let golden = check(&format!("evidence-{name}"), &evidence.to_bytes());
        assert_eq!(Evidence::from_bytes(&golden).unwrap(), evidence);
        assert!(golden.len() <= MAX_EVIDENCE_BYTES / 2, "a larger committee has longer bitmaps");
    }
}

#[test]
fn genesis_file_fingerprint_and_block_0() {
    let genesis = samples::genesis();
    check_text("genesis.json", &serde_json::to_string_pretty(genesis.file()).unwrap());
    let read = Genesis::from_json(&fs::read_to_string(path("genesis.json")).unwrap()).unwrap();
    check("genesis-fingerprint", read.fingerprint().as_slice());
    check("genesis-digest", read.digest().as_slice());
    check("genesis-state-root", read.header().state_root().as_slice());
    let header = check("genesis-header", &read.header().encode());
    assert_eq!(BlockHeader::decode(&header).unwrap(), *genesis.header());
    assert_eq!(keccak256(header), genesis.digest());
}

#[test]
fn bls_keys_and_proofs_of_possession() {
    check("bls-public-key", samples::bls(0).public_key().as_bytes());
    check("bls-proof-of-possession", samples::bls(0).prove_possession().as_bytes());
}

#[test]
fn receipts_and_their_root() {
    let receipts = samples::receipts();
    let golden = check("receipts-stored", &encode_receipts(&receipts));
    assert_eq!(decode_receipts(&golden).unwrap(), receipts);
    check("receipts-root", receipts_root(&receipts).as_slice());
}

#[test]
fn account_leaf() {
    let account = Account { nonce: 7, ..Account::with_balance(U256::from(1_000_000_000_000_000_000u64)) };
    let golden = check("account", &alloy_rlp::encode(&account));
    assert_eq!(alloy_rlp::decode_exact::<Account>(golden).unwrap(), account);
}

#[test]
fn finality_proofs() {
    let genesis = samples::genesis();
    for (name, proof) in [("", samples::finality_proof()), ("-genesis", samples::finality_proof_of_genesis())] {
        let golden = check(&format!("finality-proof{name}"), &proof.encode());
        let read = FinalityProof::decode(&golden).unwrap();
        assert_eq!(read, proof);
        read.verify(&genesis).unwrap();
    }
}
