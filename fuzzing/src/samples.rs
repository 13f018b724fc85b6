//! One small chain with all keys: what the seeds are made of, and what signatures are held against. Always the same.

use crate::files;
use minuet_consensus::record::{Own, Record};
use minuet_consensus::wire::{Proposal, ServedBlock};
use minuet_core::block::{Block, Body};
use minuet_core::bls::BlsSecretKey;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::evidence::Evidence;
use minuet_core::fees::FeeRules;
use minuet_core::file::Directory as _;
use minuet_core::finality_proof::FinalityProof;
use minuet_core::genesis::{Genesis, GenesisFile, GenesisValidator};
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::receipt::{Receipt, receipts_root};
use minuet_core::scheme::StatementScheme;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::transaction::{EmptyList, Transaction, UnsignedTransaction};
use minuet_core::wire::PROTOCOL_VERSION;
use minuet_core::{Address, B256, Bytes, Digest, Epoch, PeerId, TimeMs, U256, ValidatorIndex, View};
use minuet_mempool::PoolLog;
use minuet_p2p::hello::Hello;
use minuet_storage::{Journal, MemoryDirectory};
use std::sync::{Arc, LazyLock};

/// n, and M = 2f+1 and L = n−f of it (docs/protocol.md §1).
pub const VALIDATORS: u8 = 6;
/// M for six.
pub const SMALL_QUORUM: usize = 3;
/// L for six.
pub const LARGE_QUORUM: usize = 5;
/// The chain's id.
pub const CHAIN_ID: u64 = 6886;

/// A validator's key.
#[must_use]
pub fn bls(index: u8) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[index + 1; 32])
}

fn account_key(seed: u8) -> Ed25519SecretKey {
    Ed25519SecretKey::from_bytes(&[seed; 32])
}

/// A genesis of so many validators.
#[must_use]
pub fn genesis_file(validators: u8) -> GenesisFile {
    let validator = |index| GenesisValidator {
        bls_key: bls(index).public_key().to_bytes().into(),
        proof_of_possession: bls(index).prove_possession().to_bytes().into(),
        network_key: account_key(index + 1).public_key().0.into(),
        fee_recipient: Address::repeat_byte(index + 1),
    };
    GenesisFile {
        version: 1,
        chain_id: CHAIN_ID,
        time_ms: 1_700_000_000_000,
        fees: FeeRules {
            gas_target_per_second: 420_000_000,
            block_gas_limit: 210_000_000,
            min_base_fee: 1_000_000,
            initial_base_fee: 2_000_000,
        },
        statement_scheme: StatementScheme::Bls,
        validators: (0..validators).map(validator).collect(),
        accounts: [
            (Address::repeat_byte(0x11), U256::from(10).pow(U256::from(18))),
            (Address::repeat_byte(0x22), U256::from(5)),
        ]
        .into(),
    }
}

/// The chain's genesis.
#[must_use]
pub fn genesis() -> &'static Genesis {
    static GENESIS: LazyLock<Genesis> =
        LazyLock::new(|| Genesis::new(genesis_file(VALIDATORS)).expect("the sample genesis is good"));
    &GENESIS
}

/// A signed transfer.
#[must_use]
pub fn transaction(nonce: u64, data: &[u8]) -> Transaction {
    let fields = UnsignedTransaction {
        chain_id: CHAIN_ID,
        nonce,
        max_priority_fee_per_gas: 5,
        max_fee_per_gas: 2_000_000,
        gas_limit: 21_000 + 16 * data.len() as u64,
        to: Address::repeat_byte(0x22),
        value: U256::from(1_500_000_000_000_000_000_u64),
        data: Bytes::copy_from_slice(data),
        access_list: EmptyList,
        public_key: Ed25519PublicKey([0; 32]),
    };
    fields.sign(&account_key(0x77), &genesis().digest())
}

/// All that were ever signed.
#[must_use]
pub fn transactions() -> &'static [Arc<Transaction>] {
    static ALL: LazyLock<Vec<Arc<Transaction>>> = LazyLock::new(|| {
        let all = [transaction(0, &[]), transaction(1, &[1, 0, 3]), transaction(300, &[0x80; 60])];
        all.into_iter().map(Arc::new).collect()
    });
    &ALL
}

/// Of block 1.
#[must_use]
pub fn block_body() -> Body {
    Body { transactions: transactions().iter().take(2).map(|transaction| transaction.envelope().clone()).collect() }
}

/// Of block 1.
#[must_use]
pub fn receipts() -> Vec<Receipt> {
    vec![Receipt::transfer(21_000), Receipt { success: false, ..Receipt::transfer(42_048) }]
}

fn sealed(parent: &BlockHeader, view: u64, body: &Body, receipts: &[Receipt]) -> Arc<BlockHeader> {
    Arc::new(BlockHeader::seal(&HeaderParts {
        epoch: Epoch(0),
        view: View(view),
        parent_view: parent.view(),
        proposer: ValidatorIndex(3),
        parent: parent.digest(),
        height: parent.height().next(),
        time: TimeMs(1_700_000_000_123 + view),
        beneficiary: Address::repeat_byte(4),
        state_root: genesis().header().state_root(),
        transactions_root: body.root(),
        receipts_root: receipts_root(receipts),
        gas_limit: 210_000_000,
        gas_used: receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used),
        base_fee: 1_988_222,
    }))
}

/// Blocks 1 (with transactions) and 2 (without).
fn headers() -> &'static [Arc<BlockHeader>; 2] {
    static HEADERS: LazyLock<[Arc<BlockHeader>; 2]> = LazyLock::new(|| {
        let first = sealed(genesis().header(), 9, &block_body(), &receipts());
        let second = sealed(&first, 11, &Body::default(), &[]);
        [first, second]
    });
    &HEADERS
}

/// Of block 1.
#[must_use]
pub fn header() -> &'static Arc<BlockHeader> {
    &headers()[0]
}

/// Of block 2, which is empty.
#[must_use]
pub fn empty_header() -> &'static Arc<BlockHeader> {
    &headers()[1]
}

/// Of blocks 1 and 2.
#[must_use]
pub fn final_digests() -> Vec<Digest> {
    headers().iter().map(|header| header.digest()).collect()
}

fn vote(header: &BlockHeader) -> Statement {
    Statement::Notarize { view: header.view(), digest: header.digest() }
}

fn sign(statement: Statement, index: u8) -> SignedStatement {
    statement.sign(ValidatorIndex(index.into()), &bls(index), &genesis().signing_context())
}

/// All statements of validator 0 that travel by themselves.
#[must_use]
pub fn statements() -> &'static [SignedStatement] {
    static ALL: LazyLock<Vec<SignedStatement>> = LazyLock::new(|| {
        let nullify = Statement::Nullify { view: View(10) };
        let far = Statement::Nullify { view: View(u64::MAX) };
        [vote(header()), vote(empty_header()), nullify, far].map(|statement| sign(statement, 0)).to_vec()
    });
    &ALL
}

fn certificate(kind: CertificateKind, statement: Statement, signers: &[u8]) -> Certificate {
    let signatures: Vec<_> = signers
        .iter()
        .map(|index| {
            let signed = sign(statement, *index);
            (signed.signer, signed.signature)
        })
        .collect();
    Certificate::assemble(kind, &statement, VALIDATORS.into(), &signatures).expect("genuine signatures")
}

/// A quorum's as on a chain that signs with Ed25519.
#[must_use]
pub fn ed25519_certificate() -> Certificate {
    let context = genesis().signing_context();
    let sign = |index: u8| {
        let signed = vote(header()).sign(ValidatorIndex(index.into()), &account_key(index + 1), &context);
        (signed.signer, signed.signature)
    };
    let signatures = [0, 3, 5].map(sign);
    Certificate::assemble(CertificateKind::Notarization, &vote(header()), VALIDATORS.into(), &signatures)
        .expect("of one scheme")
}

/// One of each kind, and the finalization of block 2: all statements that a quorum made.
#[must_use]
pub fn certificates() -> &'static [Certificate; 4] {
    static ALL: LazyLock<[Certificate; 4]> = LazyLock::new(|| {
        [
            certificate(CertificateKind::Notarization, vote(header()), &[0, 3, 5]),
            certificate(CertificateKind::Nullification, Statement::Nullify { view: View(10) }, &[1, 2, 4]),
            certificate(CertificateKind::Finalization, vote(header()), &[0, 1, 2, 3, 5]),
            certificate(CertificateKind::Finalization, vote(empty_header()), &[0, 1, 2, 3, 4, 5]),
        ]
    });
    &ALL
}

/// The proposal of block 2.
#[must_use]
pub fn proposal() -> Proposal {
    let [notarization, nullification, ..] = certificates().clone();
    Proposal {
        header: Arc::clone(empty_header()),
        parent_proof: Some(notarization),
        gap: vec![nullification],
        signature: sign(vote(empty_header()), 5).signature,
    }
}

/// Both blocks as they are served.
#[must_use]
pub fn served() -> Vec<ServedBlock> {
    let [.., first, second] = certificates().clone();
    let full = Block::new(Arc::clone(header()), Arc::new(block_body())).expect("its own body");
    let empty = Block::empty(Arc::clone(empty_header())).expect("it is empty");
    vec![
        ServedBlock { block: full, finalization: Some(first) },
        ServedBlock { block: empty, finalization: Some(second) },
    ]
}

/// One of each kind.
#[must_use]
pub fn evidence() -> [Evidence; 3] {
    let [notarization, _, finalization, newer] = certificates().clone();
    let other = Statement::Notarize { view: header().view(), digest: B256::repeat_byte(0x44) };
    [
        Evidence::Equivocation([sign(vote(header()), 3), sign(other, 3)]),
        Evidence::ConflictingFinalization { finalized: Some(newer), certificate: finalization },
        Evidence::OwnSignature { validator: ValidatorIndex(3), certificate: notarization },
    ]
}

/// Of blocks 1, 2 and 0.
#[must_use]
pub fn finality_proofs() -> [FinalityProof; 3] {
    let proof = |headers: &[Arc<BlockHeader>], certificate: Option<&Certificate>| {
        FinalityProof::new(headers.to_vec(), certificate.cloned()).expect("few headers")
    };
    let newest = certificates().last();
    [proof(headers(), newest), proof(&headers()[1..], newest), proof(&[Arc::new(genesis().header().clone())], None)]
}

/// What validator 2 says to validator 1.
#[must_use]
pub fn hello() -> Hello {
    Hello {
        version: PROTOCOL_VERSION,
        genesis_fingerprint: genesis().fingerprint(),
        genesis_digest: genesis().digest(),
        chain_id: CHAIN_ID,
        sender: PeerId(2),
        recipient: PeerId(1),
        instance: 7,
    }
}

/// What a validator remembers.
#[must_use]
pub fn records() -> Vec<Record> {
    let digest = header().digest();
    let own = |own| Record::Own { view: View(9), own };
    vec![
        own(Own::Propose(digest)),
        own(Own::Notarize(digest)),
        own(Own::Nullify),
        Record::Certificate(Arc::new(certificates()[0].clone())),
        Record::Block { proposal: proposal(), body: Arc::default() },
        Record::Block {
            proposal: Proposal { header: Arc::clone(header()), ..proposal() },
            body: Arc::new(block_body()),
        },
        Record::Floor(View(8)),
    ]
}

/// The segments of a journal of all [`records`].
#[must_use]
pub fn journal_files() -> Vec<Vec<u8>> {
    let disk = MemoryDirectory::new();
    let (mut journal, _) = Journal::open(disk.clone(), files::CHAIN, files::JOURNAL).expect("memory takes it");
    for record in records() {
        journal.append(&[record.to_journal()]).and_then(|()| journal.sync()).expect("memory takes it");
    }
    let names = disk.list().expect("memory can be listed");
    names.iter().filter_map(|name| disk.contents(name)).collect()
}

/// A pool log of all [`transactions`].
#[must_use]
pub fn pool_log_file() -> Vec<u8> {
    let disk = MemoryDirectory::new();
    let opened = PoolLog::open(disk.clone(), files::CHAIN, files::POOL_LOG_BYTES);
    let mut log = opened.expect("memory takes it").0;
    transactions().iter().for_each(|transaction| log.stage(transaction));
    log.commit(transactions().iter(), 0).expect("memory takes it");
    disk.contents("pool.log").expect("it was written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use minuet_core::Height;

    #[test]
    fn everything_signed_verifies() {
        let (genesis, context) = (genesis(), genesis().signing_context());
        for certificate in certificates() {
            assert_eq!(certificate.verify(genesis.committee(), &context), Ok(()));
        }
        for signed in statements() {
            assert!(signed.is_genuine(genesis.committee(), &context));
        }
        for transaction in transactions() {
            assert_eq!(transaction.check_signature(&genesis.digest()), Ok(()));
        }
        for proof in finality_proofs() {
            assert!(proof.verify(genesis).is_ok());
        }
        assert_eq!(header().height(), Height(1));
        assert!(journal_files().len() > 1, "the journal has more than one segment");
    }
}
