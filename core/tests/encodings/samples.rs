//! One fixed value of every encoded type; all keys come from fixed seeds.

use minuet_core::block::Body;
use minuet_core::bls::BlsSecretKey;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::evidence::Evidence;
use minuet_core::fees::FeeRules;
use minuet_core::finality_proof::FinalityProof;
use minuet_core::genesis::{Genesis, GenesisFile, GenesisValidator};
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::receipt::{Receipt, receipts_root};
use minuet_core::scheme::{StatementScheme, StatementSignature};
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::transaction::{EmptyList, Transaction, UnsignedTransaction};
use minuet_core::{Address, B256, Bytes, Epoch, Height, TimeMs, U256, ValidatorIndex, View};
use std::sync::Arc;

pub const VALIDATORS: u8 = 6;

pub fn bls(index: u8) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[index + 1; 32])
}

pub fn account_key(seed: u8) -> Ed25519SecretKey {
    Ed25519SecretKey::from_bytes(&[seed; 32])
}

pub fn genesis() -> Genesis {
    let validators = (0..VALIDATORS).map(|index| GenesisValidator {
        bls_key: bls(index).public_key().to_bytes().into(),
        proof_of_possession: bls(index).prove_possession().to_bytes().into(),
        network_key: account_key(index + 1).public_key().0.into(),
        fee_recipient: Address::repeat_byte(index + 1),
    });
    let ether = U256::from(10).pow(U256::from(18));
    Genesis::new(GenesisFile {
        version: 1,
        chain_id: 6886,
        time_ms: 1_700_000_000_000,
        fees: FeeRules {
            gas_target_per_second: 420_000_000,
            block_gas_limit: 210_000_000,
            min_base_fee: 1_000_000,
            initial_base_fee: 2_000_000,
        },
        statement_scheme: StatementScheme::Bls,
        validators: validators.collect(),
        accounts: [(Address::repeat_byte(0x11), ether), (Address::repeat_byte(0x22), U256::from(5))].into(),
    })
    .unwrap()
}

pub fn transaction(data: &'static [u8]) -> Transaction {
    let fields = UnsignedTransaction {
        chain_id: 6886,
        nonce: 7,
        max_priority_fee_per_gas: 5,
        max_fee_per_gas: 2_000_000,
        gas_limit: 21_048,
        to: Address::repeat_byte(0x22),
        value: U256::from(1_500_000_000_000_000_000u64),
        data: Bytes::from_static(data),
        access_list: EmptyList,
        public_key: Ed25519PublicKey([0; 32]),
    };
    fields.sign(&account_key(0x77), &genesis().digest())
}

pub fn body() -> Body {
    Body { transactions: vec![transaction(&[]).envelope().clone(), transaction(&[1, 0, 3]).envelope().clone()] }
}

pub fn receipts() -> Vec<Receipt> {
    vec![Receipt::transfer(21_000), Receipt { success: false, ..Receipt::transfer(42_048) }]
}

pub fn header() -> BlockHeader {
    BlockHeader::seal(&HeaderParts {
        epoch: Epoch(0),
        view: View(9),
        parent_view: View(7),
        proposer: ValidatorIndex(3),
        parent: genesis().digest(),
        height: Height(1),
        time: TimeMs(1_700_000_000_123),
        beneficiary: Address::repeat_byte(4),
        state_root: B256::repeat_byte(0x33),
        transactions_root: body().root(),
        receipts_root: receipts_root(&receipts()),
        gas_limit: 210_000_000,
        gas_used: 42_048,
        base_fee: 1_988_222,
    })
}

pub fn notarize() -> Statement {
    Statement::Notarize { view: View(9), digest: header().digest() }
}

pub fn nullify() -> Statement {
    Statement::Nullify { view: View(8) }
}

pub fn certificate(kind: CertificateKind, statement: Statement, signers: &[u8]) -> Certificate {
    let context = genesis().signing_context();
    let sign = |index: &u8| -> (ValidatorIndex, StatementSignature) {
        let signer = ValidatorIndex(u16::from(*index));
        (signer, statement.sign(signer, &bls(*index), &context).signature)
    };
    let signatures: Vec<_> = signers.iter().map(sign).collect();
    Certificate::assemble(kind, &statement, VALIDATORS.into(), &signatures).unwrap()
}

pub fn certificates() -> [Certificate; 3] {
    [
        certificate(CertificateKind::Notarization, notarize(), &[0, 3, 5]),
        certificate(CertificateKind::Nullification, nullify(), &[1, 2, 4]),
        certificate(CertificateKind::Finalization, notarize(), &[0, 1, 2, 3, 5]),
    ]
}

/// The same chain, but with Ed25519 for its statements.
pub fn ed25519_genesis() -> Genesis {
    Genesis::new(GenesisFile { statement_scheme: StatementScheme::Ed25519, ..genesis().file().clone() }).unwrap()
}

pub fn ed25519_vote(genesis: &Genesis, index: u8) -> SignedStatement {
    notarize().sign(ValidatorIndex(u16::from(index)), &account_key(index + 1), &genesis.signing_context())
}

pub fn ed25519_certificate(genesis: &Genesis) -> Certificate {
    let sign = |index| {
        let signed = ed25519_vote(genesis, index);
        (signed.signer, signed.signature)
    };
    let signatures = [0, 3, 5].map(sign);
    Certificate::assemble(CertificateKind::Notarization, &notarize(), VALIDATORS.into(), &signatures).unwrap()
}

/// One of each kind.
pub fn evidence() -> [Evidence; 3] {
    let context = genesis().signing_context();
    let vote = |digest| {
        let statement = Statement::Notarize { view: View(9), digest };
        statement.sign(ValidatorIndex(3), &bls(3), &context)
    };
    let [notarization, _, finalization] = certificates();
    [
        Evidence::Equivocation([vote(header().digest()), vote(B256::repeat_byte(0x44))]),
        Evidence::ConflictingFinalization { finalized: Some(finalization.clone()), certificate: finalization },
        Evidence::OwnSignature { validator: ValidatorIndex(3), certificate: notarization },
    ]
}

/// Of block 1, by the certificate of the block after it.
pub fn finality_proof() -> FinalityProof {
    let first = header();
    let second = BlockHeader::seal(&HeaderParts {
        epoch: Epoch(0),
        view: View(10),
        parent_view: first.view(),
        proposer: ValidatorIndex(4),
        parent: first.digest(),
        height: Height(2),
        time: TimeMs(1_700_000_000_456),
        beneficiary: Address::repeat_byte(5),
        state_root: B256::repeat_byte(0x34),
        transactions_root: minuet_core::account::EMPTY_ROOT_HASH,
        receipts_root: minuet_core::account::EMPTY_ROOT_HASH,
        gas_limit: 210_000_000,
        gas_used: 0,
        base_fee: 1_977_000,
    });
    let statement = Statement::Notarize { view: second.view(), digest: second.digest() };
    let certificate = certificate(CertificateKind::Finalization, statement, &[0, 1, 2, 3, 5]);
    FinalityProof::new(vec![Arc::new(first), Arc::new(second)], Some(certificate)).unwrap()
}

pub fn finality_proof_of_genesis() -> FinalityProof {
    FinalityProof::new(vec![Arc::new(genesis().header().clone())], None).unwrap()
}
