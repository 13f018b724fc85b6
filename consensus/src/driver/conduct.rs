//! How peers behave: every refusal is counted by its reason, provable ones are told to the network, and a peer found at
//! fault is not listened to until it connects anew. The network bans it; what it had sent before would otherwise still be
//! checked, a signature each.

use super::Driver;
use minuet_core::PeerId;
use minuet_core::rejection::RejectReason;
use minuet_core::wire::{BAN_POINTS, FORGIVEN_PER_SECOND, Offence};
use std::collections::BTreeMap;

/// Answers that a peer may still owe: so many decoded bodies cost time at most, whoever sends them.
const MAX_OWED_ANSWERS: u32 = 256;

/// What is held against one peer.
#[derive(Clone, Copy, Debug, Default)]
struct Conduct {
    /// As the network counts them, with the same forgiveness.
    points: u64,
    counted_us: u64,
    muted: bool,
    /// Requests sent to it without an answer.
    owed_answers: u32,
}

/// All peers that something is known of; bounded by the number of peers.
#[derive(Default)]
pub(super) struct Conducts(BTreeMap<PeerId, Conduct>);

impl Conducts {
    /// A new connection begins with a clean slate: the network let it in.
    pub fn forget(&mut self, peer: PeerId) {
        self.0.remove(&peer);
    }

    pub fn is_muted(&self, peer: PeerId) -> bool {
        self.0.get(&peer).is_some_and(|conduct| conduct.muted)
    }

    /// A request was sent to it.
    pub fn asked(&mut self, peer: PeerId) {
        let conduct = self.0.entry(peer).or_default();
        conduct.owed_answers = (conduct.owed_answers + 1).min(MAX_OWED_ANSWERS);
    }

    /// Takes an answer; false if it owed none.
    fn answered(&mut self, peer: PeerId) -> bool {
        let owed = self.0.get_mut(&peer).filter(|conduct| conduct.owed_answers > 0);
        owed.map(|conduct| conduct.owed_answers -= 1).is_some()
    }

    /// True if this was the offence that tipped the scale.
    fn blame(&mut self, peer: PeerId, offence: Offence, now_us: u64) -> bool {
        let conduct = self.0.entry(peer).or_default();
        let seconds = now_us.saturating_sub(conduct.counted_us) / 1_000_000;
        if seconds > 0 {
            conduct.points = conduct.points.saturating_sub(seconds.saturating_mul(FORGIVEN_PER_SECOND));
            conduct.counted_us = now_us;
        }
        conduct.points = conduct.points.saturating_add(offence.points());
        let tips = conduct.points >= BAN_POINTS && !conduct.muted;
        conduct.muted |= tips;
        tips
    }
}

impl Driver {
    /// Counts what a peer sent in vain, and tells the network if it is provably at fault.
    pub(super) fn reject(&mut self, peer: PeerId, reason: RejectReason) {
        self.status.rejections.count(reason);
        tracing::debug!(%peer, reason = reason.word(), "refused");
        let Some(offence) = reason.offence() else { return };
        if self.conducts.blame(peer, offence, self.now.mono_us) {
            tracing::warn!(%peer, reason = reason.word(), "not listened to until it connects anew");
        }
        self.out.blame(peer, offence);
    }

    /// Whether a frame of this peer is dropped unread, because the peer was found at fault.
    pub(super) fn drops_frame_of(&mut self, peer: PeerId) -> bool {
        let muted = self.conducts.is_muted(peer);
        if muted {
            self.status.rejections.count(RejectReason::Muted);
        }
        muted
    }

    /// Whether this peer owes an answer; one that nobody asked for is not decoded.
    pub(super) fn takes_answer_of(&mut self, peer: PeerId) -> bool {
        let owed = self.conducts.answered(peer);
        if !owed {
            self.reject(peer, RejectReason::Unrequested);
        }
        owed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId(3);

    #[test]
    fn a_peer_is_muted_at_the_points_at_which_it_is_banned_and_time_forgives() {
        let mut conducts = Conducts::default();
        assert!(!conducts.blame(PEER, Offence::BadCertificate, 0));
        assert!(!conducts.blame(PEER, Offence::BadCertificate, 60_000_000), "a minute forgave the first");
        assert!(!conducts.is_muted(PEER));
        assert!(conducts.blame(PEER, Offence::BadCertificate, 60_000_000));
        assert!(conducts.is_muted(PEER) && !conducts.is_muted(PeerId(4)));
        assert!(!conducts.blame(PEER, Offence::BadCertificate, 60_000_000), "said once");
        conducts.forget(PEER);
        assert!(!conducts.is_muted(PEER));
    }

    #[test]
    fn a_peer_has_as_many_answers_as_it_was_asked() {
        let mut conducts = Conducts::default();
        assert!(!conducts.answered(PEER));
        conducts.asked(PEER);
        assert!(conducts.answered(PEER) && !conducts.answered(PEER));
        (0..1000).for_each(|_| conducts.asked(PEER));
        assert_eq!((0..1000).take_while(|_| conducts.answered(PEER)).count(), 256);
    }
}
