//! The simulated network: when a message comes, if it comes, and how often.
//!
//! Without faults a link is what QUIC gives: reliable, and in order within a lane. With them it is worse than any real one:
//! messages vanish, double, overtake and come back from the past.

use crate::chance::Chance;
use crate::swarm::{Class, Weather};
use minuet_core::wire::{FrameKind, Lane};

/// In what way the network is in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Partition {
    /// Messages pass only within a group.
    Groups(Vec<u8>),
    /// Each hears its neighbours only.
    Ring,
    /// Nothing comes out of these.
    Mute(Vec<bool>),
    /// Frames of one lane do not pass.
    Lane(Lane),
}

/// All links.
pub struct Network {
    slots: usize,
    weather: Weather,
    chance: Chance,
    pub partition: Option<Partition>,
    /// When the last message of a lane on a link comes: no later one comes before it.
    last_us: Vec<u64>,
    /// When a link is free again for the next bytes.
    free_us: Vec<u64>,
    /// Permanent part of a link's delay.
    base_us: Vec<u64>,
    calm: bool,
}

/// Far in the future a replayed message comes at most.
const REPLAY_US: u64 = 5_000_000;
const LANES: usize = Lane::ALL.len();

fn lane_of(kind: FrameKind) -> usize {
    Lane::ALL.iter().position(|lane| *lane == kind.lane()).unwrap_or(0)
}

impl Network {
    pub fn new(slots: usize, weather: &Weather, mut chance: Chance) -> Self {
        let links = slots * slots;
        let spread = weather.base_us / 2 + 1;
        let base_us = (0..links).map(|_| weather.base_us / 2 + chance.below(spread)).collect();
        Self {
            slots,
            weather: weather.clone(),
            chance,
            partition: None,
            last_us: vec![0; links * LANES],
            free_us: vec![0; links],
            base_us,
            calm: false,
        }
    }

    /// Faults are over: what is sent from now on comes, once, in order and soon.
    pub fn calm_down(&mut self) {
        self.calm = true;
        self.partition = None;
    }

    fn is_cut(&self, from: usize, to: usize, kind: FrameKind) -> bool {
        match &self.partition {
            None => false,
            Some(Partition::Groups(groups)) => groups[from] != groups[to],
            Some(Partition::Ring) => {
                let distance = from.abs_diff(to);
                distance != 1 && distance != self.slots - 1
            }
            Some(Partition::Mute(mute)) => mute[from],
            Some(Partition::Lane(lane)) => kind.lane() == *lane,
        }
    }

    /// When a message of this kind and length comes, each time it does.
    pub fn send(&mut self, from: usize, to: usize, kind: FrameKind, bytes: usize, now_us: u64) -> Arrivals {
        let mut arrivals = Arrivals::default();
        if self.is_cut(from, to, kind) || (!self.calm && self.chance.per_mille(self.weather.loss_per_mille)) {
            return arrivals;
        }
        arrivals.push(self.arrival(from, to, kind, bytes, now_us), false);
        // An answer that comes twice is an offence (B-FETCH), and a question that comes twice is answered twice: QUIC
        // delivers each once.
        let repeats = !self.calm && kind.lane() != Lane::Sync;
        if repeats && self.chance.per_mille(self.weather.duplicate_per_mille) {
            arrivals.push(self.arrival(from, to, kind, bytes, now_us), false);
        }
        if repeats && self.chance.per_mille(self.weather.replay_per_mille) {
            arrivals.push(now_us + self.chance.below(REPLAY_US), true);
        }
        arrivals
    }

    fn arrival(&mut self, from: usize, to: usize, kind: FrameKind, bytes: usize, now_us: u64) -> u64 {
        let link = from * self.slots + to;
        let mut at_us = now_us;
        if !self.calm && self.weather.bytes_per_ms > 0 {
            // Urgent lanes have their own way, as streams of a higher priority do.
            let takes_us = bytes as u64 * 1000 / self.weather.bytes_per_ms;
            if matches!(kind.lane(), Lane::Bodies | Lane::Transactions | Lane::Sync) {
                at_us = at_us.max(self.free_us[link]) + takes_us;
                // A link that is minutes behind is a broken one.
                self.free_us[link] = at_us.min(now_us + 2_000_000);
            } else {
                at_us += takes_us;
            }
        }
        let jitter = if self.calm { self.weather.jitter_us.min(2_000) } else { self.weather.jitter_us };
        let base = if self.calm { self.base_us[link].min(20_000) } else { self.base_us[link] };
        at_us += base + self.chance.heavy(jitter, 300_000);
        if self.calm || !self.weather.swarm.has(Class::Reorder) {
            let last = &mut self.last_us[link * LANES + lane_of(kind)];
            at_us = at_us.max(*last);
            *last = at_us;
        }
        at_us
    }
}

/// At most three moments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrivals {
    at_us: [(u64, bool); 3],
    count: usize,
}

impl Arrivals {
    fn push(&mut self, at_us: u64, is_replay: bool) {
        self.at_us[self.count] = (at_us, is_replay);
        self.count += 1;
    }

    /// When, and whether it comes even if the connection is gone by then.
    pub fn iter(&self) -> impl Iterator<Item = (u64, bool)> + '_ {
        self.at_us[..self.count].iter().copied()
    }
}
