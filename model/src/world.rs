//! What a checked network is made of: validators, the blocks that can be, and the certificates that production takes.

use crate::oracle;
use minuet_consensus::header_rules::ChainRules;
use minuet_consensus::mutation::{self, Mutation};
use minuet_consensus::quorum;
use minuet_consensus::replica::{ReplicaConfig, Timing, Tip};
use minuet_core::bls::{BlsSecretKey, BlsSignature};
use minuet_core::certificate::{Certificate, CertificateKind, SignerBitmap};
use minuet_core::committee::{Committee, Validator};
use minuet_core::ed25519::Ed25519PublicKey;
use minuet_core::fees::FeeRules;
use minuet_core::header::BlockHeader;
use minuet_core::scheme::{QuorumSignature, StatementSignature};
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{Address, B256, Digest, TimeMs, ValidatorIndex, View};
use std::sync::Arc;

/// Stands for an aggregate that is good.
pub const GENUINE: QuorumSignature = QuorumSignature::Bls(BlsSignature([1; 48]));
/// Stands for one validator's signature that is good.
pub const SIGNED: StatementSignature = StatementSignature::Bls(BlsSignature([2; 48]));
/// Stands for one that is not.
pub const FORGED: StatementSignature = StatementSignature::Bls(BlsSignature([0xff; 48]));

/// What is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Validators.
    pub n: u16,
    /// Views in which something is said.
    pub views: u8,
    /// Keys that may sign anything.
    pub byzantine: Vec<u16>,
    /// Blocks that a Byzantine leader makes on each parent.
    pub siblings: u8,
    /// Validators stop and start again from their journals.
    pub crashes: bool,
    /// Also: proposals that come too early, forged statements, views far ahead, views that last too long.
    pub wide: bool,
    /// The broken rule.
    pub mutation: Option<Mutation>,
}

impl Options {
    /// Six validators of which this one is Byzantine.
    #[must_use]
    pub fn new(views: u8, byzantine: u16) -> Self {
        Self { n: 6, views, byzantine: vec![byzantine], siblings: 2, crashes: true, wide: false, mutation: None }
    }

    /// With a broken rule.
    #[must_use]
    pub fn broken(self, mutation: Mutation) -> Self {
        Self { mutation: Some(mutation), ..self }
    }
}

/// A quorum's proof that can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// Of a view.
    Nullification(u8),
    /// Of a block, by its number.
    Notarization(u8),
    /// Of a block, by its number.
    Finalization(u8),
}

/// A block that can be.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its header.
    pub header: Arc<BlockHeader>,
    /// Its view.
    pub view: u8,
    /// The number of its parent; `None` for genesis.
    pub parent: Option<u8>,
    /// Its leader is Byzantine: it can be proposed to anybody at any time.
    pub faulty: bool,
}

/// What an honest validator is, as far as the rules can tell it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    /// The index under which its rules run.
    pub me: u16,
    /// The view that it leads, 0 for none.
    pub leads: u8,
}

/// Honest signers that a certificate needs besides the Byzantine ones, as production counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Need {
    honest: usize,
    doubled: bool,
}

/// Everything about a network that does not change.
#[derive(Debug)]
pub struct World {
    /// What is searched.
    pub options: Options,
    /// All blocks, parents first.
    pub blocks: Vec<Block>,
    /// Honest validators: leaders of the views first.
    pub roles: Vec<Role>,
    rules: ChainRules,
    genesis: Arc<BlockHeader>,
    needs: [Need; 3],
}

impl World {
    /// A network at its genesis.
    ///
    /// # Panics
    /// When the options make no network: more views than validators, a Byzantine index twice or outside, over 31 blocks.
    #[must_use]
    pub fn new(options: Options) -> Self {
        assert!(u16::from(options.views) < options.n, "each view has a leader of its own");
        let rules = ChainRules { committee: committee(options.n), fees: FeeRules::default() };
        let genesis = BlockHeader::genesis(
            B256::repeat_byte(7),
            B256::repeat_byte(9),
            TimeMs(1_000_000),
            rules.fees.block_gas_limit,
            rules.fees.initial_base_fee,
        );
        let genesis = Arc::new(genesis);
        let blocks = blocks(&options, &rules, &genesis);
        assert!(blocks.len() < 32, "blocks are bits of 32, and one bit more");
        let roles = roles(&options);
        let needs = mutation::with(options.mutation, || {
            [CertificateKind::Nullification, CertificateKind::Notarization, CertificateKind::Finalization]
                .map(|kind| need(&options, kind))
        });
        Self { options, blocks, roles, rules, genesis, needs }
    }

    /// For the rules of a validator.
    #[must_use]
    pub fn config(&self, me: u16) -> ReplicaConfig {
        let timing = Timing { empty_block_delay_us: 50_000, delta_base_us: 100_000, delta_max_us: 2_000_000 };
        ReplicaConfig { me: Some(ValidatorIndex(me)), rules: self.rules.clone(), timing }
    }

    /// Nothing but genesis is final.
    #[must_use]
    pub fn genesis_tip(&self) -> Tip {
        Tip { header: self.genesis.clone(), finalization: None }
    }

    /// The number of a block; `None` for genesis.
    #[must_use]
    pub fn number_of(&self, digest: &Digest) -> Option<u8> {
        let place = self.blocks.iter().position(|block| block.header.digest() == *digest)?;
        u8::try_from(place).ok()
    }

    /// The block with this number.
    #[must_use]
    pub fn block(&self, number: u8) -> &Block {
        &self.blocks[usize::from(number)]
    }

    /// Bits of all blocks of a view.
    #[must_use]
    pub fn blocks_of(&self, view: u8) -> u32 {
        let of_view = self.blocks.iter().enumerate().filter(|(_, block)| block.view == view);
        of_view.fold(0, |bits, (number, _)| bits | 1 << number)
    }

    /// The view that a proof is about.
    #[must_use]
    pub fn view_of(&self, proof: Proof) -> u8 {
        match proof {
            Proof::Nullification(view) => view,
            Proof::Notarization(block) | Proof::Finalization(block) => self.block(block).view,
        }
    }

    /// Honest signers that production wants for this proof.
    #[must_use]
    pub const fn needed(&self, proof: Proof) -> usize {
        self.need(proof).honest
    }

    const fn need(&self, proof: Proof) -> Need {
        match proof {
            Proof::Nullification(_) => self.needs[0],
            Proof::Notarization(_) => self.needs[1],
            Proof::Finalization(_) => self.needs[2],
        }
    }

    /// The other honest validators, as one under index `me` sees them.
    pub fn others(&self, me: u16) -> impl Iterator<Item = u16> {
        (0..self.options.n).filter(move |index| *index != me && !self.options.byzantine.contains(index))
    }

    /// The proof as it comes to the validator under index `me`, with its own signature in it or not.
    #[must_use]
    pub fn certificate(&self, proof: Proof, me: u16, with_me: bool) -> Certificate {
        let Need { honest, doubled } = self.need(proof);
        let mine = with_me.then_some(me);
        let signers: Vec<u16> = mine.into_iter().chain(self.others(me)).take(honest).collect();
        let (kind, digest) = match proof {
            Proof::Nullification(_) => (CertificateKind::Nullification, Digest::ZERO),
            Proof::Notarization(block) => (CertificateKind::Notarization, self.block(block).header.digest()),
            Proof::Finalization(block) => (CertificateKind::Finalization, self.block(block).header.digest()),
        };
        certificate(&self.options, kind, View(self.view_of(proof).into()), digest, &signers, doubled)
    }
}

fn committee(n: u16) -> Arc<Committee> {
    let validator = |index: u16| {
        let byte = u8::try_from(index + 1).expect("few validators");
        Validator {
            bls_key: BlsSecretKey::from_ikm(&[byte; 32]).public_key(),
            network_key: Ed25519PublicKey([byte; 32]),
            fee_recipient: Address::repeat_byte(byte),
        }
    };
    Arc::new(Committee::new((0..n).map(validator).collect()).expect("distinct keys"))
}

/// Views are led in order: view 1 by validator 1.
fn leader(options: &Options, view: u8) -> u16 {
    u16::from(view) % options.n
}

fn roles(options: &Options) -> Vec<Role> {
    let honest = |index: &u16| !options.byzantine.contains(index);
    let leaders = (1..=options.views).map(|view| (leader(options, view), view));
    let mut roles: Vec<Role> = leaders.filter(|(me, _)| honest(me)).map(|(me, leads)| Role { me, leads }).collect();
    let followers: Vec<u16> = (0..options.n)
        .filter(|index| honest(index) && (1..=options.views).all(|view| leader(options, view) != *index))
        .collect();
    // All under one index: they are alike.
    if let Some(me) = followers.last() {
        roles.extend(followers.iter().map(|_| Role { me: *me, leads: 0 }));
    }
    roles
}

fn blocks(options: &Options, rules: &ChainRules, genesis: &Arc<BlockHeader>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for view in 1..=options.views {
        let leader = leader(options, view);
        let faulty = options.byzantine.contains(&leader);
        let before = u8::try_from(blocks.len()).expect("few blocks");
        for parent in std::iter::once(None).chain((0..before).map(Some)) {
            let on = parent.map_or(genesis, |number| &blocks[usize::from(number)].header).clone();
            for sibling in 0..if faulty { options.siblings } else { 1 } {
                let time = TimeMs(2_000_000 + u64::from(sibling));
                let header = rules.empty_block(&on, View(view.into()), ValidatorIndex(leader), time);
                blocks.push(Block { header: Arc::new(header), view, parent, faulty });
            }
        }
    }
    blocks
}

fn certificate(
    options: &Options,
    kind: CertificateKind,
    view: View,
    digest: Digest,
    honest: &[u16],
    doubled: bool,
) -> Certificate {
    let mut signers = SignerBitmap::new(options.n.into());
    for index in options.byzantine.iter().chain(honest) {
        signers.insert(ValidatorIndex(*index));
    }
    if doubled {
        // Bits beyond n that name the Byzantine signers once more.
        for index in &options.byzantine {
            signers.insert(ValidatorIndex(index + options.n));
        }
    }
    Certificate { kind, view, digest, signers, signature: GENUINE }
}

/// The least number of honest signers that production's check of a certificate asks for.
fn need(options: &Options, kind: CertificateKind) -> Need {
    let quorums = committee(options.n).quorums();
    let honest: Vec<u16> = (0..options.n).filter(|index| !options.byzantine.contains(index)).collect();
    for count in 0..=honest.len() {
        for doubled in [false, true] {
            let tried = certificate(options, kind, View(1), Digest::ZERO, &honest[..count], doubled);
            if quorum::check_shape(&tried, quorums).is_ok() {
                return Need { honest: count, doubled };
            }
        }
    }
    Need { honest: oracle::NEVER, doubled: false }
}

/// A statement that is genuine.
#[must_use]
pub fn signed(statement: Statement, signer: u16) -> SignedStatement {
    SignedStatement { statement, signer: ValidatorIndex(signer), signature: SIGNED }
}
