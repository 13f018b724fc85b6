//! A disk that has rested takes two or three times as long for the next record, and so does what has left the processor's
//! caches. Shortly before a record is expected the journal is told, so that the disk is awake when a block waits for it: the
//! empty block's time is known, and a transaction that is on its way to the leader brings a block (decision 0021).
//!
//! Owns: when. Never does: matter to anything but time; what is decided, durable or signed does not depend on it.

use super::Driver;
use minuet_core::messages::JournalRequest;
use minuet_core::scheme::QuorumSignature;
use std::hint::black_box;

/// So long before the empty block's time: enough for the disk, and for validators that entered the view a little later than
/// the leader.
pub(super) const LEAD_US: u64 = 2_000;
/// Since a record, or since it was woken, the disk is awake for so long.
pub(super) const AWAKE_US: u64 = 10_000;

pub(super) struct Rousing {
    empty_block_delay_us: u64,
    due_us: Option<u64>,
    /// Until when it needs nothing.
    awake_until_us: u64,
}

impl Rousing {
    pub const fn new(empty_block_delay_us: u64) -> Self {
        Self { empty_block_delay_us, due_us: None, awake_until_us: 0 }
    }

    /// A view begins; nobody who signs nothing needs to rouse a disk.
    fn entered(&mut self, now_us: u64, signs: bool) {
        let sleeps = signs && self.empty_block_delay_us >= AWAKE_US;
        self.due_us = sleeps.then(|| now_us.saturating_add(self.empty_block_delay_us - LEAD_US));
    }

    /// A record goes to the disk, or the disk is being roused.
    const fn woken(&mut self, now_us: u64) {
        self.due_us = None;
        self.awake_until_us = now_us.saturating_add(AWAKE_US);
    }

    pub const fn next_us(&self) -> Option<u64> {
        self.due_us
    }
}

impl Driver {
    pub(super) fn expect_record(&mut self) {
        let signs = self.casting.can_sign();
        self.rousing.entered(self.now.mono_us, signs);
    }

    pub(super) fn record_goes(&mut self) {
        self.rousing.woken(self.now.mono_us);
    }

    pub(super) fn rouse_if_due(&mut self) {
        if self.rousing.due_us.is_some_and(|due_us| due_us <= self.now.mono_us) {
            self.rousing.due_us = None;
            self.rouse();
            self.rehearse();
        }
    }

    /// A check of votes as one will be needed, of those that were checked before: keys' tables and the way through them are
    /// at hand then. Only where that is cheap, which pairings are not.
    fn rehearse(&self) {
        if let Some(finalization) = self.replica.tip().finalization.as_deref()
            && matches!(finalization.signature, QuorumSignature::Ed25519(_))
        {
            let _ = black_box(self.verifier.certificate(finalization.clone()));
        }
    }

    /// A record is needed soon.
    pub(super) fn rouse(&mut self) {
        if self.casting.can_sign() && self.rousing.awake_until_us <= self.now.mono_us {
            self.out.journal.push(JournalRequest::Rouse);
            self.rousing.woken(self.now.mono_us);
        }
    }
}
