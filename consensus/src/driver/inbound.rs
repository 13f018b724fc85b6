//! Frames from peers: decoded, held against their sender, checked as far as the rules need it, given to the rules.

use super::{DRAIN_BULK, DRAIN_FRAMES, Driver};
use crate::input::Input;
use crate::replica::FUTURE_VIEWS;
use crate::verify::Authenticated;
use crate::wire::{BodyMessage, Proposal, Request, Response};
use minuet_core::PeerId;
use minuet_core::certificate::Certificate;
use minuet_core::messages::PeerFrame;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::wire::{FrameKind, Offence};

impl Driver {
    pub(super) fn drain_certificates(&mut self) {
        for _ in 0..DRAIN_FRAMES {
            let Some(frame) = self.inbound.certificates.try_recv() else { return };
            match Certificate::from_bytes(&frame.0.payload) {
                Ok(certificate) => self.on_peer_certificate(frame.0.peer, certificate),
                Err(error) => self.malformed(&frame.0, &error),
            }
        }
    }

    pub(super) fn drain_votes(&mut self) {
        for _ in 0..DRAIN_FRAMES {
            let Some(frame) = self.inbound.votes.try_recv() else { return };
            let frame = frame.0;
            match frame.kind {
                FrameKind::Statement => match SignedStatement::from_bytes(&frame.payload) {
                    Ok(signed) => self.on_peer_statement(frame.peer, signed),
                    Err(error) => self.malformed(&frame, &error),
                },
                _ => match Proposal::from_bytes(&frame.payload) {
                    Ok(proposal) => self.on_peer_proposal(frame.peer, proposal),
                    Err(error) => self.malformed(&frame, &error),
                },
            }
        }
    }

    pub(super) fn drain_bulk(&mut self) {
        for _ in 0..DRAIN_BULK {
            let Some(frame) = self.inbound.bulk.try_recv() else { return };
            let frame = frame.0;
            let handled = match frame.kind {
                FrameKind::Body => BodyMessage::from_bytes(&frame.payload).map(|body| self.on_body(frame.peer, body)),
                FrameKind::Request => {
                    Request::from_bytes(&frame.payload).map(|request| self.on_request(frame.peer, request))
                }
                _ => Response::from_bytes(&frame.payload).map(|response| self.on_response(frame.peer, response)),
            };
            if let Err(error) = handled {
                self.malformed(&frame, &error);
            }
        }
    }

    fn malformed(&mut self, frame: &PeerFrame, error: &minuet_core::codec::CodecError) {
        tracing::debug!(peer = %frame.peer, kind = frame.kind.name(), %error, "malformed");
        self.reject(frame.peer, Offence::Malformed, "malformed");
    }

    /// What says nothing new costs no signature check (B-OLD).
    pub(super) fn on_peer_certificate(&mut self, peer: PeerId, certificate: Certificate) {
        let tip = self.replica.tip();
        let old = certificate.view < tip.header.view()
            || (certificate.view == tip.header.view() && certificate.digest == tip.header.digest());
        if old || self.replica.holds(&certificate) {
            return;
        }
        match self.verifier.certificate(certificate) {
            Ok(verified) => self.feed(Input::Certificate(verified)),
            Err(error) => {
                tracing::debug!(%peer, %error, "certificate refused");
                self.reject(peer, Offence::BadCertificate, "certificate");
            }
        }
    }

    pub(super) fn on_peer_statement(&mut self, peer: PeerId, signed: SignedStatement) {
        match Authenticated::from_peer(signed, signed.signer, peer) {
            Some(signed) => self.feed(Input::Statement(signed)),
            None => self.reject(peer, Offence::Invalid, "a statement of somebody else"),
        }
    }

    /// A proposal counts only straight from the leader of its view; its proofs are verified first.
    fn on_peer_proposal(&mut self, peer: PeerId, proposal: Proposal) {
        let header = &proposal.header;
        let view = header.view();
        if view <= self.replica.tip().header.view() || view > self.replica.view().plus(FUTURE_VIEWS) {
            return;
        }
        let leader = self.verifier.committee().leader(view);
        if leader.peer() != peer || header.proposer() != leader {
            return self.reject(peer, Offence::Invalid, "a proposal from somebody who does not lead its view");
        }
        let parent_fits = proposal
            .parent_proof
            .as_ref()
            .is_none_or(|proof| proof.view == header.parent_view() && proof.digest == header.parent());
        let gap_fits = proposal.gap.iter().all(|proof| proof.view > header.parent_view() && proof.view < view);
        if !parent_fits || !gap_fits {
            return self.reject(peer, Offence::Malformed, "a proposal with proofs of something else");
        }
        for proof in proposal.parent_proof.iter().chain(&proposal.gap) {
            self.on_peer_certificate(peer, proof.clone());
        }
        if header.time() > self.now.wall {
            // Not yet: its time has not come here (R2). One a peer is kept.
            self.early.insert(peer, (header.time(), proposal));
            return;
        }
        self.take_proposal(peer, proposal);
    }

    fn take_proposal(&mut self, peer: PeerId, proposal: Proposal) {
        let header = proposal.header.clone();
        let (view, digest, signer) = (header.view(), header.digest(), header.proposer());
        if view <= self.replica.tip().header.view() {
            return;
        }
        let vote =
            SignedStatement { statement: Statement::Notarize { view, digest }, signer, signature: proposal.signature };
        if self.replica.wants_proposal(view, &digest) {
            self.blocks.add_proposal(proposal);
            self.match_early_body(&digest);
            if let Some(header) = Authenticated::from_peer(header, signer, peer) {
                self.feed(Input::Proposal(header));
            }
        }
        self.on_peer_statement(peer, vote);
    }

    pub(super) fn release_early_proposals(&mut self) {
        let wall = self.now.wall;
        let due: Vec<PeerId> =
            self.early.iter().filter(|(_, (time, _))| *time <= wall).map(|(peer, _)| *peer).collect();
        for peer in due {
            if let Some((_, proposal)) = self.early.remove(&peer) {
                self.take_proposal(peer, proposal);
            }
        }
    }
}
