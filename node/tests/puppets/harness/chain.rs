//! A chain whose keys are all here: its genesis, its blocks, and what validators may sign about them, true or not.

use minuet_consensus::header_rules::ChainRules;
use minuet_consensus::wire::Proposal;
use minuet_core::block::Block;
use minuet_core::bls::BlsSecretKey;
use minuet_core::certificate::{Certificate, CertificateKind, SignerBitmap};
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::fees::FeeRules;
use minuet_core::genesis::{Genesis, GenesisFile, GenesisValidator};
use minuet_core::header::BlockHeader;
use minuet_core::scheme::{QuorumSignature, StatementKey, StatementScheme, StatementSignature};
use minuet_core::statement::{SignedStatement, SigningContext, Statement};
use minuet_core::transaction::{DATA_BYTE_GAS, TRANSFER_GAS, Transaction, UnsignedTransaction, address_of};
use minuet_core::{Address, B256, Bytes, Digest, TimeMs, U256, ValidatorIndex, View};
use minuet_execution::ledger::SealParts;
use minuet_execution::{Ledger, LedgerOptions, Workers};
use minuet_storage::MemoryStore;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Six validators: one may be faulty, three make a notarization or a nullification, five a finalization.
pub const N: u16 = 6;
/// Statements that let a view end.
pub const M: u16 = 3;
/// Votes that make a block final.
pub const L: u16 = 5;

const CHAIN_ID: u64 = 7_007;
/// Long past: a block with a time near it is never early.
const GENESIS_TIME_MS: u64 = 1_700_000_000_000;

pub type Header = Arc<BlockHeader>;

/// A validator's key for statements.
pub fn bls_key(index: u16) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[u8::try_from(index).unwrap() + 1; 32])
}

/// A validator's key for connections.
pub fn network_key(index: u16) -> Ed25519SecretKey {
    Ed25519SecretKey::from_bytes(&[u8::try_from(index).unwrap() + 101; 32])
}

/// The key of an account with money.
pub fn account_key() -> Ed25519SecretKey {
    Ed25519SecretKey::from_bytes(&[77; 32])
}

/// A validator's entry in the genesis.
pub fn genesis_entry(index: u16) -> GenesisValidator {
    let bls = bls_key(index);
    GenesisValidator {
        bls_key: Bytes::copy_from_slice(bls.public_key().as_bytes()),
        proof_of_possession: Bytes::copy_from_slice(bls.prove_possession().as_bytes()),
        network_key: B256::from(network_key(index).public_key().to_bytes()),
        fee_recipient: Address::repeat_byte(u8::try_from(index).unwrap() + 1),
    }
}

pub fn genesis_file() -> GenesisFile {
    let rich = address_of(&account_key().public_key());
    GenesisFile {
        version: 1,
        chain_id: CHAIN_ID,
        time_ms: GENESIS_TIME_MS,
        fees: FeeRules::default(),
        statement_scheme: StatementScheme::Bls,
        validators: (0..N).map(genesis_entry).collect(),
        accounts: BTreeMap::from([(rich, U256::from(10u128.pow(21)))]),
    }
}

pub fn notarize(header: &BlockHeader) -> Statement {
    Statement::Notarize { view: header.view(), digest: header.digest() }
}

pub fn nullify(view: u64) -> Statement {
    Statement::Nullify { view: View(view) }
}

/// A set of validators, which need not exist: the bitmap has room for `room` of them.
pub fn bitmap(room: usize, signers: &[u16]) -> SignerBitmap {
    let mut bitmap = SignerBitmap::new(room);
    for signer in signers {
        assert!(bitmap.insert(ValidatorIndex(*signer)), "{signer} stands twice or beyond the bitmap");
    }
    bitmap
}

/// The chain of the six.
pub struct Chain {
    pub genesis: Genesis,
    pub rules: ChainRules,
    pub context: SigningContext,
}

impl Chain {
    pub fn new() -> Self {
        Self::signed_by(StatementScheme::Bls)
    }

    pub fn signed_by(statement_scheme: StatementScheme) -> Self {
        let genesis = Genesis::new(GenesisFile { statement_scheme, ..genesis_file() }).unwrap();
        let rules = ChainRules { committee: Arc::new(genesis.committee().clone()), fees: *genesis.fees() };
        Self { context: genesis.signing_context(), rules, genesis }
    }

    /// Block 0.
    pub fn root(&self) -> Header {
        Arc::new(self.genesis.header().clone())
    }

    pub fn leader(&self, view: u64) -> u16 {
        self.rules.committee.leader(View(view)).0
    }

    /// The empty block that the view's leader makes on a parent.
    pub fn child(&self, parent: &BlockHeader, view: u64) -> Header {
        self.sibling(parent, view, 0)
    }

    /// As [`Chain::child`], so many milliseconds later: another block.
    pub fn sibling(&self, parent: &BlockHeader, view: u64, later_ms: u64) -> Header {
        let (leader, time) = (self.rules.committee.leader(View(view)), TimeMs(parent.time().0 + later_ms));
        Arc::new(self.rules.empty_block(parent, View(view), leader, time))
    }

    /// A block on genesis with transfers, executed as every node will execute it.
    pub fn block_with(&self, view: u64, transactions: Vec<Arc<Transaction>>) -> Block {
        let options = LedgerOptions { workers: Workers::Inline, ..LedgerOptions::default() };
        let mut ledger = Ledger::open(Arc::new(MemoryStore::default()), &self.genesis, options).unwrap();
        let (parent, proposer) = (self.root(), self.rules.committee.leader(View(view)));
        let parts = SealParts {
            view: View(view),
            proposer,
            beneficiary: self.rules.committee.get(proposer).unwrap().fee_recipient,
            time: parent.time(),
            base_fee: self.rules.base_fee(&parent, parent.time()),
            parent,
        };
        ledger.seal(&parts, transactions).expect("genesis is executed").0
    }

    /// A transfer of one wei from the account with money.
    pub fn transfer(&self, nonce: u64) -> Arc<Transaction> {
        self.transfer_with(nonce, Vec::new())
    }

    /// As [`Chain::transfer`], with so much data.
    pub fn transfer_with(&self, nonce: u64, data: Vec<u8>) -> Arc<Transaction> {
        let gas_limit = TRANSFER_GAS + DATA_BYTE_GAS * data.len() as u64;
        let unsigned = UnsignedTransaction {
            chain_id: CHAIN_ID,
            nonce,
            max_priority_fee_per_gas: 1,
            max_fee_per_gas: 1_000_000_000,
            gas_limit,
            to: Address::repeat_byte(0xaa),
            value: U256::from(1),
            data: data.into(),
            access_list: Default::default(),
            public_key: Ed25519PublicKey([0; 32]),
        };
        Arc::new(unsigned.sign(&account_key(), &self.genesis.digest()))
    }

    pub fn sign(&self, statement: Statement, signer: u16) -> SignedStatement {
        let key: &dyn StatementKey = match self.genesis.committee().scheme() {
            StatementScheme::Bls => &bls_key(signer),
            StatementScheme::Ed25519 => &network_key(signer),
        };
        statement.sign(ValidatorIndex(signer), key, &self.context)
    }

    pub fn signatures(&self, statement: Statement, signers: &[u16]) -> Vec<StatementSignature> {
        signers.iter().map(|signer| self.sign(statement, *signer).signature).collect()
    }

    /// A certificate of these signers, genuine if they are enough.
    pub fn certificate(&self, kind: CertificateKind, statement: Statement, signers: &[u16]) -> Certificate {
        self.forged(kind, statement, bitmap(usize::from(N), signers), &self.signatures(statement, signers))
    }

    /// A certificate that names some signers and carries the sum of some signatures.
    pub fn forged(
        &self,
        kind: CertificateKind,
        statement: Statement,
        signers: SignerBitmap,
        signatures: &[StatementSignature],
    ) -> Certificate {
        Certificate {
            kind,
            view: statement.view(),
            digest: statement.digest().unwrap_or_default(),
            signers,
            signature: QuorumSignature::join(signatures).unwrap(),
        }
    }

    pub fn notarization(&self, header: &BlockHeader, signers: &[u16]) -> Certificate {
        self.certificate(CertificateKind::Notarization, notarize(header), signers)
    }

    pub fn finalization(&self, header: &BlockHeader, signers: &[u16]) -> Certificate {
        self.certificate(CertificateKind::Finalization, notarize(header), signers)
    }

    pub fn nullification(&self, view: u64, signers: &[u16]) -> Certificate {
        self.certificate(CertificateKind::Nullification, nullify(view), signers)
    }

    /// The proposal of a header's proposer.
    pub fn proposal(&self, header: &Header, parent_proof: Option<Certificate>, gap: Vec<Certificate>) -> Proposal {
        let signature = self.sign(notarize(header), header.proposer().0).signature;
        Proposal { header: header.clone(), parent_proof, gap, signature }
    }

    /// The wire form of a proposal whose header is any bytes: the digest of whatever they are is signed.
    pub fn raw_proposal(&self, view: u64, proposer: u16, header: Vec<u8>) -> Vec<u8> {
        use minuet_core::alloy_rlp::{Encodable as _, Header as List};
        let statement = Statement::Notarize { view: View(view), digest: minuet_core::keccak256(&header) };
        let (header, signature) = (Bytes::from(header), self.sign(statement, proposer).signature);
        let payload_length = header.length() + 1 + signature.length();
        let mut out = Vec::new();
        List { list: true, payload_length }.encode(&mut out);
        header.encode(&mut out);
        out.push(0xc0);
        signature.encode(&mut out);
        out
    }
}

/// Every digest that is no block's.
pub fn nowhere(byte: u8) -> Digest {
    Digest::repeat_byte(byte)
}
