//! R6's sending on of certificates. Where validators are near each other all of them gather the same votes at nearly the same
//! moment, and five copies of what everybody has just made are half of all messages of an empty block. So a certificate of votes waits
//! here. Soon, well before a view is nullified by time, it goes to those for whom it is urgent: the next leader, for whom the
//! chain waits, and who has said nothing in its view yet, since a vote by certificate may still be had of it (R3). A little
//! later than the next proposal would bring it (R1 attaches it) it goes to whoever has not shown that it is past the view.
//!
//! Nullifications do not wait, nor does a second notarization of a view: where they are made something is wrong. On a
//! wide area nothing waits.

use super::Driver;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::wire::Recipients;
use minuet_core::{PeerId, View};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Certificates that wait at a time; another one sends the oldest at once.
const MAX_WAITING: usize = 64;
/// Longer than this nothing waits, however patient the rules are set.
const MAX_WAIT_US: u64 = 500_000;

struct Waiting {
    /// When those get it for whom it is urgent; `None` once that is past.
    soon_us: Option<u64>,
    /// When the others get it.
    all_us: u64,
    certificate: Arc<Certificate>,
    /// Who has got it.
    told: BTreeSet<PeerId>,
}

/// Certificates that are to be sent on, oldest first.
pub(super) struct Sharing {
    soon_after_us: u64,
    all_after_us: u64,
    waiting: VecDeque<Waiting>,
    /// The highest view that each validator was heard in on its present connection. It speaks for itself: who lies about this
    /// keeps only itself behind.
    heard: BTreeMap<PeerId, View>,
}

impl Sharing {
    pub fn new(empty_block_delay_us: u64, delta_us: u64) -> Self {
        Self {
            soon_after_us: (delta_us / 4).min(MAX_WAIT_US),
            all_after_us: empty_block_delay_us.saturating_add(delta_us / 2).min(MAX_WAIT_US),
            waiting: VecDeque::new(),
            heard: BTreeMap::new(),
        }
    }

    /// How many peers something is remembered of.
    #[cfg(test)]
    pub fn remembers(&self) -> usize {
        self.heard.len()
    }

    /// What was shown on a connection that is gone counts no more.
    pub fn forget(&mut self, peer: PeerId) {
        self.heard.remove(&peer);
    }

    /// Whether nothing was heard of a peer in this view or a later one.
    fn is_before(&self, peer: PeerId, view: View) -> bool {
        self.heard.get(&peer).is_none_or(|heard| *heard < view)
    }

    /// Whether a peer was in a later view.
    fn is_past(&self, peer: PeerId, view: View) -> bool {
        self.heard.get(&peer).is_some_and(|heard| *heard > view)
    }

    pub fn next_us(&self) -> Option<u64> {
        self.waiting.iter().map(|waiting| waiting.soon_us.unwrap_or(waiting.all_us)).min()
    }
}

impl Driver {
    /// A validator has said something of this view, so it has been in it, or past it.
    pub(super) fn heard_in(&mut self, peer: PeerId, view: View) {
        if self.connected.contains(&peer) {
            let held = self.sharing.heard.entry(peer).or_insert(view);
            *held = (*held).max(view);
        }
    }

    pub(super) fn share(&mut self, certificate: Arc<Certificate>) {
        if !self.checks.is_near() || !self.is_only_proof(&certificate) {
            return self.out.certificate(Recipients::All, &certificate);
        }
        let is_full = self.sharing.waiting.len() >= MAX_WAITING;
        if let Some(oldest) = is_full.then(|| self.sharing.waiting.pop_front()).flatten() {
            self.send_to_those_behind(&oldest);
        }
        let now_us = self.now.mono_us;
        self.sharing.waiting.push_back(Waiting {
            soon_us: Some(now_us.saturating_add(self.sharing.soon_after_us)),
            all_us: now_us.saturating_add(self.sharing.all_after_us),
            certificate,
            told: BTreeSet::new(),
        });
    }

    /// Whether nothing else is proven of its view: a second block or a nullification comes from a fault.
    fn is_only_proof(&self, certificate: &Certificate) -> bool {
        let is_alone = self.replica.views().get(&certificate.view).is_none_or(|state| {
            state.nullification.is_none() && state.notarizations.keys().all(|digest| *digest == certificate.digest)
        });
        is_alone && certificate.kind != CertificateKind::Nullification
    }

    pub(super) fn send_due_certificates(&mut self) {
        let now_us = self.now.mono_us;
        for place in 0..self.sharing.waiting.len() {
            self.send_to_the_urgent(place);
        }
        while self.sharing.waiting.front().is_some_and(|waiting| waiting.all_us <= now_us) {
            if let Some(due) = self.sharing.waiting.pop_front() {
                self.send_to_those_behind(&due);
            }
        }
    }

    fn send_to_the_urgent(&mut self, place: usize) {
        let now_us = self.now.mono_us;
        let waiting = &mut self.sharing.waiting[place];
        if waiting.soon_us.take_if(|due_us| *due_us <= now_us).is_none() {
            return;
        }
        let certificate = waiting.certificate.clone();
        let leader = self.verifier.committee().leader(certificate.view.next()).peer();
        let is_urgent = |peer: &PeerId| {
            let lacks_it = *peer == leader && !self.sharing.is_past(*peer, certificate.view);
            lacks_it || self.sharing.is_before(*peer, certificate.view)
        };
        let urgent: BTreeSet<PeerId> = self.connected.iter().copied().filter(is_urgent).collect();
        for peer in &urgent {
            self.out.certificate(Recipients::One(*peer), &certificate);
        }
        self.sharing.waiting[place].told = urgent;
    }

    fn send_to_those_behind(&mut self, due: &Waiting) {
        let certificate = &due.certificate;
        if !self.is_only_proof(certificate) {
            return self.out.certificate(Recipients::All, certificate);
        }
        let lacks_it = |peer: &PeerId| !due.told.contains(peer) && !self.sharing.is_past(*peer, certificate.view);
        let behind: Vec<PeerId> = self.connected.iter().copied().filter(lacks_it).collect();
        for peer in behind {
            self.out.certificate(Recipients::One(peer), certificate);
        }
    }
}
