//! The newest 256 views as consensus sees them: written by the consensus thread, read by anybody, never locked.
//!
//! Owns: [`ViewRing`], a ring of slots (slot = view mod 256) made of atomics, and its one writer. Never does: allocate,
//! wait or retry on the writer's side; decide anything.
//!
//! Invariant: a reader gets a slot as the writer left it between two updates, or nothing. Each slot has a sequence number
//! that is odd while the slot is written; a reader takes it before and after, and throws away what it read in between if
//! the number was odd or has changed.

mod slot;

pub use slot::{OwnStatement, ShownBlock, Slot, SlotStatus, VoterSet};

use crate::View;
use crate::numbers::TimeMs;
use slot::WORDS;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

/// Slots of the ring.
pub const SLOTS: usize = 256;
/// A writer is through with a slot in less than a microsecond: so often is it looked at again.
const ATTEMPTS: usize = 64;

/// One slot. Aligned, so that no two share a cache line.
#[repr(align(64))]
struct Cell {
    /// Odd while the words are written; 0 before the first time.
    sequence: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl Cell {
    const fn new() -> Self {
        Self { sequence: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; WORDS] }
    }

    /// Only the one writer calls this.
    fn publish(&self, words: &[u64; WORDS]) {
        let sequence = self.sequence.load(Relaxed);
        self.sequence.store(sequence.wrapping_add(1), Relaxed);
        // Whoever sees one of the words below sees the odd number after its own acquire fence.
        fence(Release);
        for (word, value) in self.words.iter().zip(words) {
            word.store(*value, Relaxed);
        }
        // Whoever sees this number sees all words above.
        self.sequence.store(sequence.wrapping_add(2), Release);
    }

    /// The words with their sequence number; `None` before the first write and while one is going on.
    fn read(&self) -> Option<(u64, [u64; WORDS])> {
        for _ in 0..ATTEMPTS {
            let before = self.sequence.load(Acquire);
            if before == 0 {
                return None;
            }
            if before & 1 == 0 {
                let mut words = [0; WORDS];
                for (value, word) in words.iter_mut().zip(&self.words) {
                    *value = word.load(Relaxed);
                }
                // If one of the words is of a later write, so is the number that is read now.
                fence(Acquire);
                if self.sequence.load(Relaxed) == before {
                    return Some((before, words));
                }
            }
            std::hint::spin_loop();
        }
        None
    }
}

/// What observers read. Made by [`ViewWriter::new`].
pub struct ViewRing {
    cells: Box<[Cell]>,
    newest: AtomicU64,
}

impl ViewRing {
    fn new() -> Self {
        Self { cells: (0..SLOTS).map(|_| Cell::new()).collect(), newest: AtomicU64::new(0) }
    }

    /// The view that the node is in; genesis before the first.
    #[must_use]
    pub fn newest(&self) -> View {
        View(self.newest.load(Relaxed))
    }

    /// What is known of a view; `None` if nothing is, if a later view has its slot, or if the slot is being written again
    /// and again.
    #[must_use]
    pub fn read(&self, view: View) -> Option<Slot> {
        self.read_place(place_of(view)).map(|(_, slot)| slot).filter(|slot| slot.view == view)
    }

    /// The slot at a place below [`SLOTS`], whatever its view, with a number that is another after every change.
    #[must_use]
    pub fn read_place(&self, place: usize) -> Option<(u64, Slot)> {
        let (sequence, words) = self.cells.get(place)?.read()?;
        Some((sequence, Slot::from_words(&words)))
    }

    /// The number of [`Self::read_place`] alone: whether reading is worth it. 0 before the first write.
    #[must_use]
    pub fn sequence(&self, place: usize) -> u64 {
        self.cells.get(place).map_or(0, |cell| cell.sequence.load(Relaxed))
    }

    /// All slots of views up to the newest, oldest first; what lies further back than the ring reaches is left out.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        let newest = self.newest();
        let places = (0..SLOTS).filter_map(|place| self.read_place(place));
        let mut slots: Vec<Slot> = places.map(|(_, slot)| slot).filter(|slot| is_shown(slot.view, newest)).collect();
        slots.sort_unstable_by_key(|slot| slot.view);
        slots
    }
}

impl std::fmt::Debug for ViewRing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ViewRing").field("newest", &self.newest()).finish_non_exhaustive()
    }
}

/// Whether a view belongs to the picture of a node that is in view `newest`: entered or passed, and not so old that its
/// neighbours are overwritten already.
#[must_use]
pub fn is_shown(view: View, newest: View) -> bool {
    view <= newest && view.plus(SLOTS as u64) > newest
}

/// The place of a view in the ring.
#[must_use]
pub const fn place_of(view: View) -> usize {
    // The remainder is below 256.
    (view.0 % SLOTS as u64) as usize
}

/// The one who writes. Keeps a plain copy of every slot, changes that, and publishes the slot whole.
#[derive(Debug)]
pub struct ViewWriter {
    ring: Arc<ViewRing>,
    slots: Box<[Option<Slot>]>,
}

impl Default for ViewWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl ViewWriter {
    /// An empty ring and its writer. The last allocation.
    #[must_use]
    pub fn new() -> Self {
        Self { ring: Arc::new(ViewRing::new()), slots: vec![None; SLOTS].into_boxed_slice() }
    }

    /// For observers.
    #[must_use]
    pub fn ring(&self) -> Arc<ViewRing> {
        self.ring.clone()
    }

    /// A view as it was written last; `None` if a later one has its slot or nothing was written.
    #[must_use]
    pub fn get(&self, view: View) -> Option<&Slot> {
        self.slots[place_of(view)].as_ref().filter(|slot| slot.view == view)
    }

    /// Changes what is shown of a view; `now` becomes its beginning if it is new. Nothing happens where a later view has
    /// the slot, and nothing is published where nothing has changed.
    pub fn update(&mut self, view: View, now: TimeMs, change: impl FnOnce(&mut Slot)) {
        let place = place_of(view);
        let held = self.slots[place].filter(|slot| slot.view >= view);
        if held.is_some_and(|slot| slot.view > view) {
            return;
        }
        let mut slot = held.unwrap_or(Slot { view, started_at: now, ..Slot::default() });
        change(&mut slot);
        slot.view = view;
        if held != Some(slot) {
            self.slots[place] = Some(slot);
            self.ring.cells[place].publish(&slot.to_words());
        }
    }

    /// The node is in this view now.
    pub fn enter(&mut self, view: View) {
        self.ring.newest.store(view.0, Relaxed);
    }
}

#[cfg(test)]
mod tests;
