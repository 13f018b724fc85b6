//! A peer's conduct: offences add points, time takes them away, too many mean a ban for a time.

use minuet_core::wire::{BAN_POINTS, FORGIVEN_PER_SECOND, Offence};
use std::time::{Duration, Instant};

/// A peer that behaved for so long after a ban starts again with the shortest one.
const FORGET_BANS_AFTER: Duration = Duration::from_secs(3600);

/// Points of something that only a faulty program or a liar does.
pub(crate) const BAD_FRAME_POINTS: u64 = 50;

pub(crate) const fn name(offence: Offence) -> &'static str {
    match offence {
        Offence::Malformed => "malformed payload",
        Offence::BadSignature => "bad signature",
        Offence::BadCertificate => "bad certificate",
        Offence::Invalid => "invalid block or transaction",
        Offence::Unrequested => "unrequested answer",
        Offence::Flood => "flood",
    }
}

#[derive(Debug, Default)]
pub(crate) struct Score {
    points: u64,
    counted_at: Option<Instant>,
    banned_until: Option<Instant>,
    /// Bans in a row: each doubles the next.
    streak: u32,
    bans: u32,
}

impl Score {
    /// Adds points; the length of the ban if this brought one.
    pub(crate) fn add(&mut self, points: u64, now: Instant, first: Duration, longest: Duration) -> Option<Duration> {
        let elapsed = self.counted_at.map_or(0, |at| now.saturating_duration_since(at).as_secs());
        let forgiven = elapsed.saturating_mul(FORGIVEN_PER_SECOND);
        self.points = self.points.saturating_sub(forgiven).saturating_add(points);
        if elapsed > 0 || self.counted_at.is_none() {
            self.counted_at = Some(now);
        }
        if self.points < BAN_POINTS || self.banned_for(now).is_some() {
            return None;
        }
        if self.banned_until.is_some_and(|end| now.saturating_duration_since(end) > FORGET_BANS_AFTER) {
            self.streak = 0;
        }
        let length = first.saturating_mul(1u32.checked_shl(self.streak).unwrap_or(u32::MAX)).min(longest);
        self.points = 0;
        self.streak = self.streak.saturating_add(1).min(31);
        self.bans = self.bans.saturating_add(1);
        self.banned_until = now.checked_add(length);
        Some(length)
    }

    /// How much longer the peer is banned.
    pub(crate) fn banned_for(&self, now: Instant) -> Option<Duration> {
        self.banned_until.map(|end| end.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// As of the last offence.
    pub(crate) const fn points(&self) -> u64 {
        self.points
    }

    pub(crate) const fn bans(&self) -> u32 {
        self.bans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(60);
    const LONGEST: Duration = Duration::from_secs(600);

    #[test]
    fn points_fade_and_too_many_ban_for_twice_as_long_each_time() {
        let start = Instant::now();
        let mut score = Score::default();
        assert_eq!(score.add(60, start, FIRST, LONGEST), None);
        assert_eq!(score.add(60, start + Duration::from_secs(50), FIRST, LONGEST), None, "50 points were forgiven");
        let mut now = start + Duration::from_secs(50);
        for seconds in [60, 120, 240, 480, 600, 600] {
            assert_eq!(score.add(100, now, FIRST, LONGEST), Some(Duration::from_secs(seconds)));
            assert_eq!(score.add(100, now, FIRST, LONGEST), None, "banned already");
            assert!(score.banned_for(now).is_some());
            now += Duration::from_secs(seconds + 100);
            assert_eq!(score.banned_for(now), None, "a validator comes back");
        }
        now += FORGET_BANS_AFTER;
        assert_eq!(score.add(100, now + FIRST, FIRST, LONGEST), Some(FIRST));
        assert_eq!(score.bans(), 7);
    }
}
