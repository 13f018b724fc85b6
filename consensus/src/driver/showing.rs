//! What observers see of consensus: folds what the driver takes in and what the rules report into the ring of views.
//!
//! Owns: the ring's writer. Never does: allocate, wait, or say anything back to the rules. Without a ring it does nothing.

use super::{Driver, Now};
use crate::effect::NullifyReason;
use crate::input::Input;
use crate::replica::Replica;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::committee::Committee;
use minuet_core::header::BlockHeader;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::views::{OwnStatement, SLOTS, ShownBlock, Slot, ViewWriter, VoterSet, place_of};
use minuet_core::{Digest, View};
use std::sync::Arc;

/// Transactions of a body and their bytes.
pub(super) type BodySize = (u64, u64);

/// The ring of views from its writer's side.
pub(super) struct Showing {
    writer: Option<ViewWriter>,
    committee: Arc<Committee>,
    /// Monotonic beginnings of the views that were entered, by slot.
    started_us: Box<[u64]>,
    current: View,
}

impl Showing {
    pub fn new(writer: Option<ViewWriter>, committee: Arc<Committee>) -> Self {
        let started_us = if writer.is_some() { vec![0; SLOTS] } else { Vec::new() };
        Self { writer, committee, started_us: started_us.into_boxed_slice(), current: View::GENESIS }
    }

    /// Changes a slot; the change gets the microseconds since the view began here.
    fn change(&mut self, view: View, now: Now, change: impl FnOnce(&mut Slot, u64)) {
        let Some(writer) = &mut self.writer else { return };
        let started_us = self.started_us[place_of(view)];
        let leader = self.committee.leader(view);
        writer.update(view, now.wall, |slot| {
            slot.leader = leader;
            let after_us = if slot.is_entered { now.mono_us.saturating_sub(started_us) } else { 0 };
            change(slot, after_us);
        });
    }

    pub fn entered(&mut self, view: View, now: Now) {
        if self.writer.is_none() {
            return;
        }
        if self.current > View::GENESIS {
            self.change(self.current, now, |slot, after_us| _ = slot.left_after_us.get_or_insert(after_us));
        }
        self.current = view;
        self.started_us[place_of(view)] = now.mono_us;
        self.change(view, now, |slot, _| (slot.is_entered, slot.started_at) = (true, now.wall));
        if let Some(writer) = &mut self.writer {
            writer.enter(view);
        }
    }

    /// What comes in as a statement, and what was found to be none.
    pub fn input(&mut self, input: &Input, now: Now) {
        match input {
            Input::Statement(signed) => self.said(signed.get(), now),
            Input::Checked(signed) => self.said(signed.get(), now),
            Input::Settled { statement, verdicts } => {
                for (signer, _) in verdicts.iter().filter(|(_, good)| !good) {
                    self.change(statement.view(), now, |slot, _| match statement {
                        Statement::Nullify { .. } => slot.nullify_votes.remove(*signer),
                        Statement::Notarize { digest, .. } if slot.block == Some(*digest) => slot.votes.remove(*signer),
                        Statement::Notarize { .. } => {}
                    });
                }
            }
            _ => {}
        }
    }

    fn said(&mut self, signed: &SignedStatement, now: Now) {
        self.change(signed.statement.view(), now, |slot, _| match signed.statement {
            Statement::Nullify { .. } => slot.nullify_votes.insert(signed.signer),
            Statement::Notarize { digest, .. } => {
                if *slot.block.get_or_insert(digest) == digest {
                    slot.votes.insert(signed.signer);
                }
            }
        });
    }

    /// A statement of a view that is final already: of no use to the rules, but its signer has taken part.
    pub fn said_late(&mut self, signed: &SignedStatement, now: Now) {
        if self.writer.as_ref().is_some_and(|writer| writer.get(signed.statement.view()).is_some()) {
            self.said(signed, now);
        }
    }

    pub fn own_vote(&mut self, view: View, now: Now) {
        self.change(view, now, |slot, _| slot.own = Some(OwnStatement::Voted));
    }

    pub fn own_nullify(&mut self, view: View, reason: NullifyReason, now: Now) {
        let own = match reason {
            NullifyReason::Timeout => OwnStatement::Timeout,
            NullifyReason::Contradiction => OwnStatement::Contradiction,
            NullifyReason::Skip => OwnStatement::Skip,
        };
        self.change(view, now, |slot, _| slot.own = Some(own));
    }

    /// A header that is here, with the size of its body if that is here too. The leader's first one is shown, unless
    /// another one was notarized.
    fn block(&mut self, header: &BlockHeader, digest: Digest, size: Option<BodySize>, replica: &Replica, now: Now) {
        self.change(header.view(), now, |slot, after_us| {
            if slot.block != Some(digest) && slot.proposal.is_none() && slot.m_after_us.is_none() {
                show_instead(slot, digest, replica);
            }
            if slot.block == Some(digest) {
                describe(slot, header, size, after_us);
            }
        });
    }

    /// A new proof is held. Its votes are votes too.
    pub fn certified(&mut self, certificate: &Certificate, replica: &Replica, now: Now) {
        let digest = certificate.digest;
        self.change(certificate.view, now, |slot, after_us| {
            if certificate.kind == CertificateKind::Nullification {
                slot.nullify_votes.extend(certificate.signers.iter());
                if slot.nullified_after_us.is_none() {
                    slot.nullified_after_us = Some(after_us);
                    slot.is_nullified_late = slot.left_after_us.is_some() && slot.m_after_us.is_some();
                }
                return;
            }
            let is_final = certificate.kind == CertificateKind::Finalization;
            if slot.block != Some(digest) && (slot.m_after_us.is_none() || is_final) {
                show_instead(slot, digest, replica);
            }
            if slot.block == Some(digest) {
                slot.votes.extend(certificate.signers.iter());
            }
            slot.m_after_us.get_or_insert(after_us);
            if is_final {
                slot.l_after_us.get_or_insert(after_us);
            }
        });
    }

    fn stored(&mut self, header: &BlockHeader, digest: Digest, size: Option<BodySize>, replica: &Replica, now: Now) {
        self.change(header.view(), now, |slot, after_us| {
            if slot.block != Some(digest) {
                show_instead(slot, digest, replica);
            }
            describe(slot, header, size, after_us);
            slot.finalized_after_us.get_or_insert(after_us);
            slot.finalized_at.get_or_insert(now.wall);
        });
    }
}

/// Another block takes the slot, with the votes for it that are here.
fn show_instead(slot: &mut Slot, digest: Digest, replica: &Replica) {
    slot.block = Some(digest);
    slot.proposal = None;
    slot.votes = VoterSet::default();
    if let Some(state) = replica.views().get(&slot.view) {
        slot.votes.extend(state.tally.signers(&Statement::Notarize { view: slot.view, digest }));
    }
}

fn describe(slot: &mut Slot, header: &BlockHeader, size: Option<BodySize>, after_us: u64) {
    let block = slot.proposal.get_or_insert(ShownBlock {
        height: header.height(),
        parent_view: header.parent_view(),
        time: header.time(),
        tx_count: None,
        bytes: None,
        after_us,
    });
    if let Some((tx_count, bytes)) = size {
        (block.tx_count, block.bytes) = (Some(tx_count), Some(bytes));
    }
}

impl Driver {
    /// A header or a body has come.
    pub(super) fn show_block(&mut self, digest: &Digest) {
        if let Some((header, size)) = self.blocks.described(digest) {
            self.showing.block(header, *digest, size, &self.replica, self.now);
        }
    }

    pub(super) fn show_certificate(&mut self, certificate: &Certificate) {
        self.showing.certified(certificate, &self.replica, self.now);
        if certificate.is_notarization() {
            self.show_block(&certificate.digest);
        }
    }

    /// The chain up to this block is stored: called before the blocks are forgotten.
    pub(super) fn show_stored(&mut self, digest: Digest) {
        let mut digest = digest;
        while let Some((header, size)) = self.blocks.described(&digest) {
            self.showing.stored(header, digest, size, &self.replica, self.now);
            digest = header.parent();
        }
    }
}
