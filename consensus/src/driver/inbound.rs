//! Frames from peers: decoded, held against their sender, checked as far as the rules need it, given to the rules.

use super::{DRAIN_BULK, DRAIN_FRAMES, Driver};
use crate::input::Input;
use crate::verify::Authenticated;
use crate::wire::{BodyMessage, Proposal, Request, Response};
use minuet_core::certificate::{Certificate, CertificateError};
use minuet_core::messages::{BulkFrame, CertificateFrame, ConsensusFrame, PeerFrame};
use minuet_core::rejection::RejectReason;
use minuet_core::spans;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::wire::FrameKind;
use minuet_core::{PeerId, View};

impl Driver {
    pub(super) fn drain_certificates(&mut self) {
        for _ in 0..DRAIN_FRAMES {
            let Some(CertificateFrame(frame)) = self.inbound.certificates.try_recv() else { return };
            if self.drops_frame_of(frame.peer) {
                continue;
            }
            match Certificate::from_bytes(&frame.payload) {
                Ok(certificate) => _ = self.on_peer_certificate(frame.peer, certificate),
                Err(error) => self.malformed(&frame, &error),
            }
        }
    }

    pub(super) fn drain_votes(&mut self) {
        for _ in 0..DRAIN_FRAMES {
            let Some(ConsensusFrame(frame)) = self.inbound.votes.try_recv() else { return };
            if self.drops_frame_of(frame.peer) {
                continue;
            }
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
            let Some(BulkFrame(frame)) = self.inbound.bulk.try_recv() else { return };
            if self.drops_frame_of(frame.peer) {
                continue;
            }
            let handled = match frame.kind {
                FrameKind::Body => BodyMessage::from_bytes(&frame.payload).map(|body| self.on_body(frame.peer, body)),
                FrameKind::Request => {
                    Request::from_bytes(&frame.payload).map(|request| self.on_request(frame.peer, request))
                }
                // Decoding hashes whole bodies: only what was asked for is worth that.
                _ if !self.takes_answer_of(frame.peer) => continue,
                _ => Response::from_bytes(&frame.payload).map(|response| self.on_response(frame.peer, response)),
            };
            if let Err(error) = handled {
                self.malformed(&frame, &error);
            }
        }
    }

    fn malformed(&mut self, frame: &PeerFrame, error: &minuet_core::codec::CodecError) {
        tracing::debug!(peer = %frame.peer, kind = frame.kind.name(), %error, "malformed");
        if frame.kind == FrameKind::Response {
            self.catchup.distrust(frame.peer, self.now.mono_us);
        }
        self.reject(frame.peer, RejectReason::Malformed);
    }

    /// What says nothing new costs no signature check (B-OLD). False if it is no certificate of this chain.
    pub(super) fn on_peer_certificate(&mut self, peer: PeerId, certificate: Certificate) -> bool {
        // Whoever holds a proof of a view is past it (R9).
        self.heard_in(peer, certificate.view.next());
        let tip = &self.replica.tip().header;
        if certificate.view < tip.view() {
            self.status.rejections.count(RejectReason::Old);
            return true;
        }
        if (certificate.view, certificate.digest) == (tip.view(), tip.digest()) || self.replica.holds(&certificate) {
            return true;
        }
        match self.verifier.certificate(certificate) {
            Ok(verified) => {
                self.feed(Input::Certificate(verified));
                true
            }
            Err(error) => {
                self.reject_certificate(peer, &error);
                false
            }
        }
    }

    fn reject_certificate(&mut self, peer: PeerId, error: &CertificateError) {
        tracing::debug!(%peer, %error, "certificate refused");
        self.reject(peer, reason_of(error));
    }

    pub(super) fn on_peer_statement(&mut self, peer: PeerId, signed: SignedStatement) {
        let view = signed.statement.view();
        if signed.signer.peer() == peer {
            self.heard_in(peer, view);
        }
        match Authenticated::from_peer(signed, signed.signer, peer) {
            None => self.reject(peer, RejectReason::ForeignStatement),
            Some(signed) if self.is_of_use(view) => self.feed(Input::Statement(signed)),
            Some(signed) => self.showing.said_late(signed.get(), self.now),
        }
    }

    /// Whether anything is kept of this view; counts what is not. Honest peers send such things too: this node or they
    /// may lag.
    fn is_of_use(&self, view: View) -> bool {
        let reason = if view <= self.replica.tip().header.view() {
            RejectReason::Old
        } else if self.replica.is_far_ahead(view) {
            RejectReason::FarFuture
        } else {
            return true;
        };
        self.status.rejections.count(reason);
        false
    }

    /// A proposal counts only straight from the leader of its view; its proofs are verified first.
    fn on_peer_proposal(&mut self, peer: PeerId, proposal: Proposal) {
        let header = &proposal.header;
        let view = header.view();
        if !self.is_of_use(view) {
            return;
        }
        let leader = self.verifier.committee().leader(view);
        if leader.peer() != peer || header.proposer() != leader {
            return self.reject(peer, RejectReason::ForeignProposal);
        }
        let parent_fits = proposal
            .parent_proof
            .as_ref()
            .is_none_or(|proof| proof.view == header.parent_view() && proof.digest == header.parent());
        let gap_fits = proposal.gap.iter().all(|proof| proof.view > header.parent_view() && proof.view < view);
        if !parent_fits || !gap_fits {
            return self.reject(peer, RejectReason::ProposalProofs);
        }
        // One that does not verify is the end of it: the rest would only cost checks.
        let mut proofs = proposal.parent_proof.iter().chain(&proposal.gap);
        if !proofs.all(|proof| self.on_peer_certificate(peer, proof.clone())) {
            return;
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
            tracing::trace!(name: spans::PROPOSAL, target: spans::TARGET, view = view.0);
            self.blocks.add_proposal(proposal);
            self.show_block(&digest);
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

pub(super) const fn reason_of(error: &CertificateError) -> RejectReason {
    match error {
        CertificateError::Bitmap { .. } => RejectReason::CertificateBitmap,
        CertificateError::BelowThreshold { .. } => RejectReason::CertificateThreshold,
        CertificateError::Signature => RejectReason::BadCertificate,
    }
}
