//! R14: a leader that let its last two turns pass is nullified on entry, until there is reason to try it again.

use super::Replica;
use crate::effect::{Effect, NullifyReason};

/// Turns without a proposal after which a leader is skipped.
const MISSES_BEFORE_SKIP: u32 = 2;
/// Turns for which a leader that speaks but does not propose is skipped, at most.
const MAX_SKIPPED_TURNS: u32 = 8;

/// What is remembered of one validator as leader. No history means trust.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaderHistory {
    /// Consecutive led views that were nullified without a proposal.
    misses: u32,
    /// Something current came from it since its last miss.
    heard: bool,
    /// Length of the newest pause, in its turns.
    pause: u32,
    /// Turns of the pause that are left.
    left: u32,
}

impl LeaderHistory {
    /// It proposed: trusted again.
    pub fn proposed(&mut self) {
        *self = Self::default();
    }

    /// Its turn passed; a turn that was skipped from the start says nothing new about it.
    pub fn missed(&mut self, skipped: bool) {
        if skipped {
            return;
        }
        self.misses = self.misses.saturating_add(1);
        self.heard = false;
        if self.misses >= MISSES_BEFORE_SKIP {
            self.pause = (self.pause * 2).clamp(1, MAX_SKIPPED_TURNS);
            self.left = self.pause;
        }
    }

    /// It spoke.
    pub fn heard(&mut self) {
        self.heard = true;
    }

    /// Whether its turn that begins now is to be skipped.
    pub fn skips_turn(&mut self) -> bool {
        if self.misses < MISSES_BEFORE_SKIP {
            return false;
        }
        if !self.heard {
            return true;
        }
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        true
    }
}

impl Replica {
    /// Nullifies the view that begins if its leader is skipped; the own turns never are.
    pub(super) fn skip_on_entry(&mut self, out: &mut Vec<Effect>) {
        let (view, leader) = (self.view, self.leader(self.view));
        if self.config.me == Some(leader) || self.config.me.is_none() {
            return;
        }
        if !self.history[leader.as_usize()].skips_turn() {
            return;
        }
        let Some(state) = self.view_state_mut(view) else { return };
        if state.proposal.is_none() && state.is_undecided() {
            state.skipped = true;
            self.nullify(NullifyReason::Skip, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_is_skipped_after_two_misses_until_it_is_heard() {
        let mut leader = LeaderHistory::default();
        assert!(!leader.skips_turn());
        leader.missed(false);
        assert!(!leader.skips_turn());
        leader.missed(false);
        assert!(leader.skips_turn() && leader.skips_turn());
        leader.heard();
        assert!(leader.skips_turn(), "the first pause is one turn long");
        assert!(!leader.skips_turn(), "then it is tried again");
    }

    #[test]
    fn pauses_of_a_speaking_leader_double_to_eight_turns() {
        let mut leader = LeaderHistory::default();
        leader.missed(false);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            leader.missed(false);
            leader.heard();
            pauses.push((0..100).take_while(|_| leader.skips_turn()).count());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 8, 8]);
        leader.proposed();
        assert_eq!(leader, LeaderHistory::default());
    }
}
