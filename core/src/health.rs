//! Why a node is of no use now to those who ask it: one list, so that every interface says it in the same words.
//!
//! Never does: read a clock or a state of its own. What is worth a reason is the asker's choice ([`Limits`]).

use crate::status::NodeStatus;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

/// A reason, with what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was told to stop, or cannot go on.
    Stopping,
    /// It has only the genesis.
    NothingFinal,
    /// Nothing became final for too long.
    NotFinalizing {
        /// Of the newest final block.
        height: u64,
        /// Of that block.
        age_ms: u64,
    },
    /// The peers have more final blocks.
    Syncing {
        /// So many more.
        behind: u64,
    },
    /// Too few validators are connected.
    TooFewPeers {
        /// So many are.
        peers: u64,
        /// So many have to be.
        needed: u64,
    },
    /// The disk is nearly full.
    LowDisk {
        /// What is left.
        free_bytes: u64,
    },
}

impl Reason {
    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::NothingFinal | Self::NotFinalizing { .. } => "not_finalizing",
            Self::Syncing { .. } => "syncing",
            Self::TooFewPeers { .. } => "too_few_peers",
            Self::LowDisk { .. } => "low_disk",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopping => out.write_str("the node is stopping"),
            Self::NothingFinal => out.write_str("no block is final yet"),
            Self::NotFinalizing { height, age_ms } => {
                write!(out, "the newest final block, {height}, is {age_ms} ms old")
            }
            Self::Syncing { behind } => write!(out, "catching up: {behind} blocks behind the peers"),
            Self::TooFewPeers { peers, needed } => {
                write!(out, "too few peers: {peers} validators are connected, {needed} are needed")
            }
            Self::LowDisk { free_bytes } => {
                write!(out, "low disk: {} MiB are free; without space the node stops", free_bytes >> 20)
            }
        }
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Whether it is ending.
    pub stopping: bool,
    /// Of the newest final block.
    pub height: u64,
    /// Its time, in Unix milliseconds.
    pub block_time_ms: u64,
    /// The highest height that a peer has proven.
    pub known_height: u64,
    /// Connected validators.
    pub peers: u64,
    /// `None` until the system was asked.
    pub disk_free_bytes: Option<u64>,
}

impl Vitals {
    /// As the services show them.
    #[must_use]
    pub fn of(status: &NodeStatus) -> Self {
        Self {
            stopping: status.stopping.load(Relaxed),
            height: status.height.get(),
            block_time_ms: status.block_time_ms.get(),
            known_height: status.known_height.get(),
            peers: status.peers.get(),
            // Nothing at all is left, or nobody has asked yet: then it is not called low either.
            disk_free_bytes: Some(status.disk_free_bytes.get())
                .filter(|free| *free > 0 || status.low_disk.load(Relaxed)),
        }
    }

    /// Everything that is beyond a limit; empty if all is well.
    #[must_use]
    pub fn reasons(&self, limits: &Limits, now_ms: u64) -> Vec<Reason> {
        let age_ms = now_ms.saturating_sub(self.block_time_ms);
        let behind = self.known_height.saturating_sub(self.height);
        let (peers, needed) = (self.peers, limits.min_peers);
        let low_disk = self.disk_free_bytes.filter(|free| *free < limits.min_disk_bytes);
        let found = [
            self.stopping.then_some(Reason::Stopping),
            (self.height == 0).then_some(Reason::NothingFinal),
            (self.height > 0 && age_ms > limits.max_age_ms)
                .then_some(Reason::NotFinalizing { height: self.height, age_ms }),
            (behind > limits.max_lag_blocks).then_some(Reason::Syncing { behind }),
            (peers < needed).then_some(Reason::TooFewPeers { peers, needed }),
            low_disk.map(|free_bytes| Reason::LowDisk { free_bytes }),
        ];
        found.into_iter().flatten().collect()
    }
}

/// What is too much and too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of the newest final block.
    pub max_age_ms: u64,
    /// Behind the peers.
    pub max_lag_blocks: u64,
    /// Connected validators.
    pub min_peers: u64,
    /// Free space.
    pub min_disk_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_000_000;
    const LIMITS: Limits = Limits { max_age_ms: 500, max_lag_blocks: 10, min_peers: 4, min_disk_bytes: 100 << 20 };
    const WELL: Vitals = Vitals {
        stopping: false,
        height: 90,
        block_time_ms: NOW_MS - 500,
        known_height: 100,
        peers: 4,
        disk_free_bytes: Some(100 << 20),
    };

    #[track_caller]
    fn only(vitals: Vitals, word: &str, text: &str) {
        let reasons = vitals.reasons(&LIMITS, NOW_MS);
        let said: Vec<_> = reasons.iter().map(|reason| (reason.word(), reason.to_string())).collect();
        assert_eq!(said, [(word, text.to_owned())]);
    }

    #[test]
    fn at_its_limits_all_is_well() {
        assert_eq!(WELL.reasons(&LIMITS, NOW_MS), []);
        assert_eq!(Vitals { disk_free_bytes: None, ..WELL }.reasons(&LIMITS, NOW_MS), [], "nobody has asked yet");
    }

    #[test]
    fn each_limit_has_a_reason_of_its_own_one_step_beyond() {
        only(Vitals { stopping: true, ..WELL }, "stopping", "the node is stopping");
        only(
            Vitals { block_time_ms: NOW_MS - 501, ..WELL },
            "not_finalizing",
            "the newest final block, 90, is 501 ms old",
        );
        only(Vitals { known_height: 101, ..WELL }, "syncing", "catching up: 11 blocks behind the peers");
        only(Vitals { peers: 3, ..WELL }, "too_few_peers", "too few peers: 3 validators are connected, 4 are needed");
        only(
            Vitals { disk_free_bytes: Some((100 << 20) - 1), ..WELL },
            "low_disk",
            "low disk: 99 MiB are free; without space the node stops",
        );
        let genesis = Vitals { height: 0, known_height: 0, ..WELL };
        only(genesis, "not_finalizing", "no block is final yet");
    }

    #[test]
    fn a_disk_without_a_byte_left_is_low_and_one_that_nobody_asked_about_is_not() {
        let status = NodeStatus::default();
        assert_eq!(Vitals::of(&status).disk_free_bytes, None);
        status.low_disk.store(true, Relaxed);
        assert_eq!(Vitals::of(&status).disk_free_bytes, Some(0));
        status.disk_free_bytes.set(5);
        assert_eq!(Vitals::of(&status).disk_free_bytes, Some(5));
    }

    #[test]
    fn all_reasons_are_given_at_once() {
        let reasons = Vitals { stopping: true, disk_free_bytes: Some(1), ..Vitals::default() };
        let words: Vec<_> = reasons.reasons(&LIMITS, NOW_MS).into_iter().map(Reason::word).collect();
        assert_eq!(words, ["stopping", "not_finalizing", "too_few_peers", "low_disk"]);
    }
}
