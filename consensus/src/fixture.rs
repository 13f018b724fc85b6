//! A committee with reproducible keys, for tests.

use crate::header_rules::ChainRules;
use crate::replica::{ReplicaConfig, Timing, Tip};
use crate::verify::Verifier;
use minuet_core::bls::BlsSecretKey;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::committee::{Committee, Validator};
use minuet_core::ed25519::Ed25519PublicKey;
use minuet_core::fees::FeeRules;
use minuet_core::header::BlockHeader;
use minuet_core::statement::{SignedStatement, SigningContext, Statement};
use minuet_core::{Address, B256, Digest, Epoch, TimeMs, ValidatorIndex, View};
use std::sync::Arc;

pub const DELTA_US: u64 = 100_000;
pub const EMPTY_DELAY_US: u64 = 50_000;

pub const fn v(index: u16) -> ValidatorIndex {
    ValidatorIndex(index)
}

pub fn notarize(view: u64, digest: Digest) -> Statement {
    Statement::Notarize { view: View(view), digest }
}

pub fn nullify(view: u64) -> Statement {
    Statement::Nullify { view: View(view) }
}

pub fn digest(byte: u8) -> Digest {
    Digest::repeat_byte(byte)
}

pub fn key(index: u16) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[u8::try_from(index).expect("few keys") + 1; 32])
}

/// A chain of `n` validators at its genesis.
#[derive(Clone)]
pub struct Fixture {
    pub rules: ChainRules,
    pub context: SigningContext,
    pub genesis: Arc<BlockHeader>,
}

impl Fixture {
    pub fn new(n: u16) -> Self {
        let validator = |index: u16| Validator {
            bls_key: key(index).public_key(),
            network_key: Ed25519PublicKey([u8::try_from(index).expect("few keys") + 1; 32]),
            fee_recipient: Address::repeat_byte(u8::try_from(index).expect("few keys") + 1),
        };
        let committee = Arc::new(Committee::new((0..n).map(validator).collect()).expect("distinct keys"));
        let fees = FeeRules::default();
        let genesis = BlockHeader::genesis(
            B256::repeat_byte(7),
            B256::repeat_byte(9),
            TimeMs(1_000_000),
            fees.block_gas_limit,
            fees.initial_base_fee,
        );
        let context = SigningContext { genesis: genesis.digest(), epoch: Epoch(0) };
        Self { rules: ChainRules { committee, fees }, context, genesis: Arc::new(genesis) }
    }

    pub fn tip(&self) -> Tip {
        Tip { header: self.genesis.clone(), finalization: None }
    }

    pub fn verifier(&self) -> Verifier {
        Verifier::new(self.rules.committee.clone(), self.context)
    }

    pub fn config(&self, me: Option<u16>) -> ReplicaConfig {
        let timing = Timing { empty_block_delay_us: EMPTY_DELAY_US, delta_base_us: DELTA_US, delta_max_us: 2_000_000 };
        ReplicaConfig { me: me.map(ValidatorIndex), rules: self.rules.clone(), timing }
    }

    pub fn leader(&self, view: u64) -> ValidatorIndex {
        self.rules.committee.leader(View(view))
    }

    /// The empty block that the view's leader makes on `parent`; `time_ms` tells siblings apart.
    pub fn block(&self, parent: &BlockHeader, view: u64, time_ms: u64) -> Arc<BlockHeader> {
        Arc::new(self.rules.empty_block(parent, View(view), self.leader(view), TimeMs(2_000_000 + time_ms)))
    }

    pub fn sign(&self, statement: Statement, signer: u16) -> SignedStatement {
        statement.sign(v(signer), &key(signer), &self.context)
    }

    /// A genuine certificate of these signers.
    pub fn certificate(&self, kind: CertificateKind, statement: Statement, signers: &[u16]) -> Certificate {
        let signatures: Vec<_> = signers.iter().map(|i| (v(*i), self.sign(statement, *i).signature)).collect();
        Certificate::assemble(kind, &statement, self.rules.committee.n(), &signatures).expect("genuine signatures")
    }

    pub fn notarization(&self, view: u64, digest: Digest, signers: &[u16]) -> Certificate {
        self.certificate(CertificateKind::Notarization, notarize(view, digest), signers)
    }

    pub fn nullification(&self, view: u64, signers: &[u16]) -> Certificate {
        self.certificate(CertificateKind::Nullification, nullify(view), signers)
    }

    pub fn finalization(&self, view: u64, digest: Digest, signers: &[u16]) -> Certificate {
        self.certificate(CertificateKind::Finalization, notarize(view, digest), signers)
    }
}
