//! Strokes of fate: what happens to nodes, disks and links while faults are on.

use super::{Happening, World, index};
use crate::network::Partition;
use crate::node::Disk;
use crate::swarm::Class;
use minuet_core::file::Directory as _;
use minuet_core::messages::PeerEvent;
use minuet_core::wire::Lane;
use minuet_storage::files::Fault;
use std::sync::Arc;

/// Classes that strike at moments; the others hold all the time.
const STROKES: [Class; 11] = [
    Class::Partition,
    Class::Reset,
    Class::Crash,
    Class::PowerCut,
    Class::Damage,
    Class::LostDisk,
    Class::OldDisk,
    Class::Io,
    Class::Full,
    Class::Pause,
    Class::Skew,
];
const SECTOR: usize = 512;

impl World {
    pub(super) fn stroke(&mut self) {
        let on: Vec<Class> = STROKES.into_iter().filter(|class| self.weather.swarm.has(*class)).collect();
        if on.is_empty() {
            return;
        }
        let class = on[self.fate.index(on.len())];
        let now_us = self.now_us;
        let (mark, victim) = (on.len() as u64, self.fate.index(self.nodes.len()));
        self.hub.mark(6, mark, victim as u64);
        self.hub.trace.line(now_us, victim, || format!("FATE       {}", class.name()));
        match class {
            Class::Partition => self.divide(),
            Class::Reset => self.reset(victim),
            Class::Crash => self.crash(victim, false),
            Class::PowerCut => self.crash(victim, true),
            Class::Damage => self.damage(victim),
            Class::LostDisk => self.lose_disk(victim),
            Class::OldDisk => self.old_disk(victim),
            Class::Io => self.fail_io(victim),
            Class::Full => self.fill(victim),
            Class::Pause => {
                self.places[victim].paused_us = self.now_us + self.fate.heavy(100_000, 3_000_000);
            }
            Class::Skew => {
                let ahead = i64::try_from(self.fate.below(1_000)).unwrap_or(0) - 500;
                self.nodes[victim].skew_ms = ahead;
            }
            _ => {}
        }
    }

    fn divide(&mut self) {
        if self.network.partition.take().is_some() {
            // Connections that were cut for long break, and are made anew.
            if self.fate.coin() {
                (0..self.nodes.len()).for_each(|slot| self.reset(slot));
            }
            return;
        }
        let slots = self.nodes.len();
        let partition = match self.fate.below(6) {
            0 => Partition::Ring,
            1 => Partition::Mute((0..slots).map(|_| self.fate.below(4) == 0).collect()),
            2 => Partition::Lane(Lane::ALL[self.fate.index(Lane::ALL.len())]),
            _ => {
                let apart = 1 + self.fate.index((slots / 2).max(1));
                let few = self.fate.some(apart, slots);
                Partition::Groups((0..slots).map(|slot| u8::from(few.contains(&slot))).collect())
            }
        };
        self.network.partition = Some(partition);
    }

    /// All connections of one node break and come back.
    fn reset(&mut self, slot: usize) {
        if !self.nodes[slot].is_up() {
            return;
        }
        let key = self.hub.keys[slot];
        for other in 0..self.nodes.len() {
            let other_key = self.hub.keys[other];
            if other_key == key || !self.nodes[other].is_up() || self.fate.coin() {
                continue;
            }
            self.break_connection(slot, other);
            for event in [PeerEvent::Down, PeerEvent::Up] {
                self.nodes[other].meet(event(key.peer()));
                self.nodes[slot].meet(event(other_key.peer()));
            }
            self.wake(other, self.now_us + 1);
        }
        self.wake(slot, self.now_us + 1);
    }

    /// One, some or all.
    fn crash(&mut self, victim: usize, power: bool) {
        let slots = self.nodes.len();
        let victims = match self.fate.below(4) {
            0 => (0..slots).collect(),
            1 => self.fate.some(2.min(slots), slots),
            _ => vec![victim],
        };
        for slot in victims {
            if self.nodes[slot].is_up() {
                let power = power.then(|| self.fate.any());
                self.end(slot, power);
                let back_us = self.now_us + self.fate.heavy(200_000, 5_000_000);
                self.push(back_us, Happening::Start(slot));
            }
        }
    }

    fn down(&mut self, slot: usize) -> bool {
        let was_up = self.nodes[slot].is_up();
        if was_up {
            self.end(slot, None);
            let back_us = self.now_us + self.fate.within(10_000..1_000_000);
            self.push(back_us, Happening::Start(slot));
        }
        was_up
    }

    /// One sector of the newest journal file goes bad.
    fn damage(&mut self, slot: usize) {
        if !self.down(slot) {
            return;
        }
        let disk = self.nodes[slot].disk.clone();
        let names = disk.directory.list().unwrap_or_default();
        let newest = names.iter().rfind(|name| name.starts_with("segment"));
        let Some(newest) = newest.cloned() else { return };
        self.places[slot].snapshot = Some(copy(&disk));
        self.places[slot].injected = true;
        let (place, flip) = (self.fate.below(4), self.fate.any());
        disk.directory.damage(&newest, |bytes| {
            let end = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
            let sector = (end / SECTOR).saturating_sub(usize::try_from(place).unwrap_or(0));
            let start = sector * SECTOR;
            let stop = (start + SECTOR).min(bytes.len());
            let hit = start + usize::try_from(flip % SECTOR as u64).unwrap_or(0);
            if hit < stop {
                bytes[hit] ^= 1 << (flip >> 32 & 7);
            }
        });
    }

    fn may_spend(&self, slot: usize) -> bool {
        let key = self.hub.keys[slot];
        let is_first = self.places[slot].actor.is_none() && self.hub.oracle.trusts(key);
        is_first && self.spent < self.hub.oracle.tolerated() && self.nodes[slot].disk.is_used
    }

    /// D-WIPED: the key without its journal.
    fn lose_disk(&mut self, slot: usize) {
        if !self.may_spend(slot) || !self.down(slot) {
            return;
        }
        self.spent += 1;
        self.places[slot].foreign_disk = true;
        self.nodes[slot].disk = Disk { is_used: true, ..Disk::default() };
    }

    /// A copy is taken first, and comes back at another stroke.
    fn old_disk(&mut self, slot: usize) {
        if self.places[slot].injected || !self.may_spend(slot) {
            return;
        }
        match self.places[slot].snapshot.take() {
            None => self.places[slot].snapshot = Some(copy(&self.nodes[slot].disk)),
            Some(old) => {
                if self.down(slot) {
                    self.spent += 1;
                    self.hub.oracle.distrust(index(self.hub.keys[slot].as_usize()));
                    self.places[slot].foreign_disk = true;
                    self.nodes[slot].disk = old;
                }
            }
        }
    }

    fn fail_io(&mut self, slot: usize) {
        if !self.nodes[slot].is_up() {
            return;
        }
        self.places[slot].injected = true;
        let after = self.fate.below(4);
        match self.fate.below(3) {
            0 => self.nodes[slot].disk.directory.fail_syncs(after, Fault::Device),
            1 => self.nodes[slot].disk.directory.fail_writes(after, Fault::Device),
            _ => self.nodes[slot].disk.store.fail_next_writes(1),
        }
    }

    fn fill(&mut self, slot: usize) {
        if self.nodes[slot].is_up() {
            self.places[slot].injected = true;
            let after = self.fate.below(6);
            self.nodes[slot].disk.directory.fail_writes(after, Fault::Full);
        }
    }
}

fn copy(disk: &Disk) -> Disk {
    Disk { directory: disk.directory.copy(), store: Arc::new(disk.store.copy()), is_used: disk.is_used }
}
