//! Validators that lie. Each runs a node like everybody's and twists what that says, with a key of its own: so its lies are
//! as timely and as plausible as lies can be.

use crate::chain::{Chain, Signatures};
use crate::chance::Chance;
use minuet_consensus::wire::Proposal;
use minuet_core::bls::BlsSignature;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::header::BlockHeader;
use minuet_core::statement::{SignedStatement, Statement, StatementKey};
use minuet_core::wire::FrameKind;
use minuet_core::{Bytes, Digest, TimeMs, ValidatorIndex, View};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A way to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Two proposals in a view, two votes in a view, each to a part of the others.
    Equivocate,
    /// Votes for a block and against the view.
    NullifyAndVote,
    /// Says things to some only.
    Withhold,
    /// Says things late.
    Late,
    /// Proposes blocks that break the rules.
    Invalid,
    /// Proposes valid blocks in wrong places: past a notarized one, or on one that nobody notarized.
    Misplace,
    /// Certificates that nobody, too few or the wrong ones signed.
    Forge,
    /// Statements about views that are far ahead.
    FarFuture,
    /// Old frames, again and again.
    Stale,
    /// Bytes that are nothing.
    Garbage,
    /// Nothing at all.
    Silent,
}

impl Lie {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Equivocate,
        Self::NullifyAndVote,
        Self::Withhold,
        Self::Late,
        Self::Invalid,
        Self::Misplace,
        Self::Forge,
        Self::FarFuture,
        Self::Stale,
        Self::Garbage,
        Self::Silent,
    ];
}

/// A frame for some: those whose place has its bit set.
pub struct Twisted {
    pub to: u128,
    pub kind: FrameKind,
    pub payload: Bytes,
    pub delay_us: u64,
}

const KEPT: usize = 64;
const ALL: u128 = u128::MAX;

/// A liar's mouth.
pub struct Actor {
    key: Box<dyn StatementKey>,
    signatures: Signatures,
    me: ValidatorIndex,
    chain: Arc<Chain>,
    lies: Vec<Lie>,
    chance: Chance,
    old: VecDeque<(FrameKind, Bytes)>,
    certificates: VecDeque<Certificate>,
    statements: VecDeque<SignedStatement>,
    headers: BTreeMap<Digest, Arc<BlockHeader>>,
    newest: View,
}

impl Actor {
    pub fn new(chain: Arc<Chain>, signatures: Signatures, me: ValidatorIndex, mut chance: Chance) -> Self {
        let mut lies: Vec<Lie> = Lie::ALL.into_iter().filter(|_| chance.per_mille(300)).collect();
        if lies.is_empty() {
            lies.push(Lie::ALL[chance.index(Lie::ALL.len())]);
        }
        if lies.contains(&Lie::Silent) && chance.coin() {
            lies.retain(|lie| *lie != Lie::Silent);
            lies.push(Lie::Equivocate);
        }
        Self {
            key: chain.key(me, signatures),
            signatures,
            me,
            chain,
            lies,
            chance,
            old: VecDeque::new(),
            certificates: VecDeque::new(),
            statements: VecDeque::new(),
            headers: BTreeMap::new(),
            newest: View(1),
        }
    }

    /// What it lies about.
    pub fn lies(&self) -> &[Lie] {
        &self.lies
    }

    fn has(&self, lie: Lie) -> bool {
        self.lies.contains(&lie)
    }

    fn sign(&self, statement: Statement) -> SignedStatement {
        statement.sign(self.me, &*self.key, &self.chain.genesis.signing_context())
    }

    /// What it hears, so that its lies are of this chain.
    pub fn hear(&mut self, kind: FrameKind, payload: &Bytes) {
        match kind {
            FrameKind::Certificate => {
                if let Ok(certificate) = Certificate::from_bytes(payload) {
                    self.newest = self.newest.max(certificate.view);
                    self.certificates.push_back(certificate);
                }
            }
            FrameKind::Statement => {
                if let Ok(signed) = SignedStatement::from_bytes(payload) {
                    self.statements.push_back(signed);
                }
            }
            FrameKind::Proposal => {
                if let Ok(proposal) = Proposal::from_bytes(payload) {
                    self.newest = self.newest.max(proposal.header.view());
                    self.headers.insert(proposal.header.digest(), proposal.header);
                }
            }
            _ => {}
        }
        if self.certificates.len() > KEPT {
            self.certificates.pop_front();
        }
        if self.statements.len() > KEPT {
            self.statements.pop_front();
        }
        if self.headers.len() > KEPT {
            let oldest = self.headers.values().min_by_key(|header| header.view()).map(|header| header.digest());
            oldest.map(|digest| self.headers.remove(&digest));
        }
        self.old.push_back((kind, payload.clone()));
        if self.old.len() > KEPT {
            self.old.pop_front();
        }
    }

    fn half(&mut self) -> u128 {
        u128::from(self.chance.any()) << 64 | u128::from(self.chance.any())
    }

    /// What goes out instead of a frame for everybody.
    pub fn twist(&mut self, kind: FrameKind, payload: &Bytes) -> Vec<Twisted> {
        if self.has(Lie::Silent) {
            return Vec::new();
        }
        let delay_us = if self.has(Lie::Late) { self.chance.below(600_000) } else { 0 };
        let to = if self.has(Lie::Withhold) { self.half() } else { ALL };
        let honest = Twisted { to, kind, payload: payload.clone(), delay_us };
        match kind {
            FrameKind::Proposal => self.twist_proposal(honest),
            FrameKind::Statement => self.twist_statement(honest),
            _ => vec![honest],
        }
    }

    fn twist_proposal(&mut self, honest: Twisted) -> Vec<Twisted> {
        let Ok(proposal) = Proposal::from_bytes(&honest.payload) else { return vec![honest] };
        self.headers.insert(proposal.header.digest(), proposal.header.clone());
        let mut out = Vec::new();
        if self.has(Lie::Equivocate)
            && let Some(other) = self.another(&proposal)
        {
            let some = self.half();
            out.push(Twisted { to: some, payload: other, ..copy(&honest) });
            // Sometimes both, in any order.
            let rest = if self.chance.per_mille(200) { honest.to } else { honest.to & !some };
            out.push(Twisted { to: rest, ..copy(&honest) });
        } else if self.has(Lie::Misplace)
            && let Some(misplaced) = self.misplaced(&proposal)
        {
            out.push(Twisted { payload: misplaced, ..copy(&honest) });
        } else if self.has(Lie::Invalid) && self.chance.coin() {
            let broken = self.broken(&proposal);
            out.push(Twisted { payload: broken, ..copy(&honest) });
        } else {
            out.push(honest);
        }
        out
    }

    fn seal(&self, header: BlockHeader, proposal: &Proposal) -> Bytes {
        let statement = Statement::Notarize { view: header.view(), digest: header.digest() };
        let signature = self.sign(statement).signature;
        Proposal { header: Arc::new(header), signature, ..proposal.clone() }.to_bytes().into()
    }

    /// A valid block in the same place.
    fn another(&mut self, proposal: &Proposal) -> Option<Bytes> {
        let header = &proposal.header;
        let parent = if header.parent() == self.chain.genesis.digest() {
            Arc::new(self.chain.genesis.header().clone())
        } else {
            self.headers.get(&header.parent())?.clone()
        };
        let time = TimeMs(header.time().0.saturating_sub(self.chance.below(3)));
        let rules = self.chain.rules();
        let other = rules.empty_block(&parent, header.view(), self.me, time);
        (other.digest() != header.digest()).then(|| self.seal(other, proposal))
    }

    /// A valid block on another parent than the newest, with that one's notarization if there is one.
    fn misplaced(&mut self, proposal: &Proposal) -> Option<Bytes> {
        let header = &proposal.header;
        let earlier = |other: &&Arc<BlockHeader>| other.view() < header.view() && other.digest() != header.parent();
        let others: Vec<_> = self.headers.values().filter(earlier).cloned().collect();
        let is_notarized = |other: &&Arc<BlockHeader>| {
            self.certificates.iter().any(|proof| proof.is_notarization() && proof.digest == other.digest())
        };
        let bare = others.iter().filter(|other| !is_notarized(other)).max_by_key(|other| other.view()).cloned();
        let newest = others.iter().filter(|other| is_notarized(other)).max_by_key(|other| other.view()).cloned();
        let any = others.get(self.chance.index(others.len())).cloned();
        let parent = match self.chance.below(4) {
            0 | 1 => bare.or(newest),
            2 => newest.or(bare),
            _ => any,
        }?;
        let is_its = |proof: &&Certificate| proof.is_notarization() && proof.digest == parent.digest();
        let proof = self.certificates.iter().find(is_its).cloned();
        let gap = self.certificates.iter().filter(|proof| {
            proof.kind == CertificateKind::Nullification && proof.view > parent.view() && proof.view < header.view()
        });
        let gap: Vec<Certificate> = gap.take(8).cloned().collect();
        let block = self.chain.rules().empty_block(&parent, header.view(), self.me, header.time());
        Some(self.seal(block, &Proposal { parent_proof: proof, gap, ..proposal.clone() }))
    }

    /// A block that can never be valid.
    fn broken(&mut self, proposal: &Proposal) -> Bytes {
        let header = &proposal.header;
        let mut parts = header.parts();
        match self.chance.below(6) {
            0 => parts.state_root = Digest::repeat_byte(0x66),
            1 => parts.height = minuet_core::Height(u64::MAX),
            2 => parts.time = TimeMs(u64::MAX / 1_000 * 1_000),
            3 => parts.base_fee = parts.base_fee.wrapping_add(1),
            4 => parts.beneficiary = minuet_core::Address::repeat_byte(7),
            _ => parts.parent = Digest::repeat_byte(0x77),
        }
        self.seal(BlockHeader::seal(&parts), proposal)
    }

    fn twist_statement(&mut self, honest: Twisted) -> Vec<Twisted> {
        let Ok(signed) = SignedStatement::from_bytes(&honest.payload) else { return vec![honest] };
        let view = signed.statement.view();
        self.newest = self.newest.max(view);
        let mut out = Vec::new();
        if self.has(Lie::NullifyAndVote) {
            let opposite = match signed.statement {
                Statement::Notarize { .. } => Some(Statement::Nullify { view }),
                Statement::Nullify { .. } => {
                    let known = self.headers.values().find(|header| header.view() == view);
                    known.map(|header| Statement::Notarize { view, digest: header.digest() })
                }
            };
            if let Some(statement) = opposite {
                out.push(Twisted { payload: self.sign(statement).to_bytes().into(), ..copy(&honest) });
            }
        }
        if self.has(Lie::Equivocate) {
            let others = self.headers.values().filter(|header| header.view() == view).map(|header| header.digest());
            let other = others.rev().find(|digest| Some(*digest) != signed.statement.digest());
            let digest = other.unwrap_or(Digest::repeat_byte(0x55));
            // To some, or to all, and then a third thing too.
            let to = if self.chance.coin() { self.half() } else { ALL };
            for digest in [digest, Digest::repeat_byte(0x56)] {
                let payload = self.sign(Statement::Notarize { view, digest }).to_bytes().into();
                out.push(Twisted { to, payload, ..copy(&honest) });
            }
        }
        out.push(honest);
        out
    }

    /// Something unasked, for everybody or some.
    pub fn babble(&mut self) -> Option<Twisted> {
        let lies: Vec<Lie> = self.lies.clone();
        let lie = lies[self.chance.index(lies.len())];
        let (kind, payload) = match lie {
            Lie::Forge => self.forged()?,
            Lie::FarFuture => {
                let far = [65, 1_000, 1 << 40, u64::MAX - self.newest.0];
                let view = self.newest.plus(far[self.chance.index(4)]);
                let statement = if self.chance.coin() {
                    Statement::Nullify { view }
                } else {
                    Statement::Notarize { view, digest: Digest::repeat_byte(0x44) }
                };
                (FrameKind::Statement, self.sign(statement).to_bytes().into())
            }
            Lie::Stale => {
                let place = self.chance.index(self.old.len());
                // Others' statements would be foreign ones; certificates and bodies are anybody's.
                let (kind, payload) = self.old.get(place)?;
                (*kind, payload.clone())
            }
            Lie::Garbage => {
                let kind = FrameKind::ALL[self.chance.index(FrameKind::ALL.len())];
                let length = self.chance.below(200).min(kind.max_bytes() as u64);
                let bytes: Vec<u8> = (0..length).map(|_| self.chance.any().to_le_bytes()[0]).collect();
                (kind, bytes.into())
            }
            _ => return None,
        };
        Some(Twisted { to: self.half() | self.half(), kind, payload, delay_us: 0 })
    }

    /// A certificate in which signers stand twice: bits beyond n are theirs once more.
    fn repeated(&mut self) -> Option<Certificate> {
        let n = self.chain.committee.n();
        let heard = self.statements.iter().rev().find(|heard| heard.signer.as_usize() + n < n.div_ceil(8) * 8)?;
        let own = self.sign(heard.statement);
        let kind = match heard.statement {
            Statement::Notarize { .. } => CertificateKind::Notarization,
            Statement::Nullify { .. } => CertificateKind::Nullification,
        };
        let again = index_of(heard.signer.as_usize() + n);
        let signed = [(self.me, own.signature), (heard.signer, heard.signature), (again, heard.signature)];
        let signature = self.chain.sum(&signed.map(|(_, signature)| signature), self.signatures)?;
        let members = signed.iter().map(|(signer, _)| *signer);
        Some(Certificate::from_checked(kind, &heard.statement, n, members, signature))
    }

    fn forged(&mut self) -> Option<(FrameKind, Bytes)> {
        let place = self.chance.index(self.certificates.len());
        let mut certificate = self.certificates.get(place)?.clone();
        match self.chance.below(6) {
            5 => certificate = self.repeated()?,
            0 => certificate.view = self.newest.plus(self.chance.below(3)),
            1 => certificate.signature = BlsSignature([0x11; 48]).into(),
            2 => certificate.kind = CertificateKind::Finalization,
            3 => certificate.digest = Digest::repeat_byte(0x33),
            _ => {
                // Its own signature alone, as if it were a quorum's.
                let statement = Statement::Nullify { view: self.newest };
                let signed = self.sign(statement);
                let n = self.chain.committee.n();
                let members = std::iter::once(self.me);
                certificate =
                    Certificate::from_checked(CertificateKind::Nullification, &statement, n, members, signed.signature);
            }
        }
        if certificate.kind == CertificateKind::Nullification {
            certificate.digest = Digest::ZERO;
        }
        Some((FrameKind::Certificate, certificate.to_bytes().into()))
    }
}

fn index_of(place: usize) -> ValidatorIndex {
    ValidatorIndex(u16::try_from(place).unwrap_or(u16::MAX))
}

fn copy(twisted: &Twisted) -> Twisted {
    Twisted { to: twisted.to, kind: twisted.kind, payload: twisted.payload.clone(), delay_us: twisted.delay_us }
}
