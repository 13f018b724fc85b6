//! Replica 0 alone; the test says what the others say.

use super::net::{Message, Net, signed, straight};
use crate::fixture::{notarize, nullify, v};
use crate::input::Input;
use crate::replica::Replica;
use crate::verify::Verified;
use minuet_core::bls::BlsSignature;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::header::BlockHeader;
use minuet_core::statement::Statement;
use minuet_core::{Digest, View};
use std::sync::Arc;

/// One replica without the others.
pub struct Lone(pub Net);

impl Lone {
    pub fn new() -> Self {
        Self::of(0)
    }

    pub fn of(me: u16) -> Self {
        let mut net = Net::new(6);
        for other in (0..6).filter(|other| *other != me) {
            net.nodes[usize::from(other)].dead = true;
        }
        net.feed(me, Input::Start);
        Self(net)
    }

    pub fn replica(&self) -> &Replica {
        &self.0.node(0).replica
    }

    pub fn block(&mut self, parent: &BlockHeader, view: u64, time_ms: u64) -> Arc<BlockHeader> {
        let block = self.0.fixture.block(parent, view, time_ms);
        self.0.headers.insert(block.digest(), block.clone());
        block
    }

    /// A block of view 1 on genesis.
    pub fn first(&mut self, time_ms: u64) -> Arc<BlockHeader> {
        let genesis = self.0.fixture.genesis.clone();
        self.block(&genesis, 1, time_ms)
    }

    pub fn propose(&mut self, block: &Arc<BlockHeader>) {
        self.0.feed(0, Input::Proposal(straight(block.clone(), block.proposer())));
    }

    pub fn says(&mut self, signer: u16, statement: Statement) {
        self.0.feed(0, Input::Statement(straight(signed(statement, signer), v(signer))));
    }

    pub fn certificate(&mut self, kind: CertificateKind, statement: Statement, signers: &[u16]) {
        let signers = signers.iter().map(|signer| v(*signer));
        let certificate = Certificate::from_checked(kind, &statement, 6, signers, BlsSignature([1; 48]));
        self.0.feed(0, Input::Certificate(Verified::own(certificate)));
    }

    pub fn notarized(&mut self, view: u64, digest: Digest) {
        self.certificate(CertificateKind::Notarization, notarize(view, digest), &[1, 2, 3]);
    }

    pub fn nullified(&mut self, view: u64) {
        self.certificate(CertificateKind::Nullification, nullify(view), &[1, 2, 3]);
    }

    pub fn finalized(&mut self, view: u64, digest: Digest) {
        self.certificate(CertificateKind::Finalization, notarize(view, digest), &[1, 2, 3, 4, 5]);
    }

    pub fn has_voted(&self, view: u64, digest: Digest) -> bool {
        self.0.votes.get(&(0, View(view))) == Some(&digest)
    }

    pub fn has_nullified(&self, view: u64) -> bool {
        self.0.nullified.contains(&(0, View(view)))
    }

    pub fn asked(&self, wanted: &Message) -> bool {
        self.0.queue.iter().any(|envelope| format!("{:?}", envelope.message) == format!("{wanted:?}"))
    }
}
