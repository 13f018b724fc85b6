use super::*;
use crate::{Digest, Height, ValidatorIndex};
use proptest::prelude::*;
use std::sync::atomic::AtomicBool;

const NOW: TimeMs = TimeMs(1_000);

/// A slot in which every field says the same number.
fn filled(view: View, number: u64) -> Slot {
    let mut digest = [0; 32];
    digest.chunks_exact_mut(8).for_each(|quad| quad.copy_from_slice(&number.to_le_bytes()));
    let voters: VoterSet =
        (0..512).filter(|validator| number >> (validator % 64) & 1 == 1).map(ValidatorIndex).collect();
    Slot {
        view,
        leader: ValidatorIndex((number % 6) as u16),
        started_at: TimeMs(number),
        is_entered: number % 2 == 1,
        block: Some(Digest::from(digest)),
        proposal: Some(ShownBlock {
            height: Height(number),
            parent_view: View(number),
            time: TimeMs(number),
            tx_count: Some(number),
            bytes: Some(number),
            after_us: number,
        }),
        votes: voters,
        nullify_votes: voters,
        own: [None, Some(OwnStatement::Voted), Some(OwnStatement::Skip)][(number % 3) as usize],
        m_after_us: Some(number),
        l_after_us: Some(number),
        nullified_after_us: Some(number),
        is_nullified_late: number % 2 == 1,
        finalized_after_us: Some(number),
        finalized_at: Some(TimeMs(number)),
        left_after_us: Some(number),
    }
}

#[test]
fn no_reader_ever_gets_a_slot_that_is_half_written() {
    const READERS: usize = 3;
    const CHANGES_SEEN: u64 = 50_000;
    const MAX_UPDATES: u64 = 1_000_000_000;
    let mut writer = ViewWriter::new();
    let ring = writer.ring();
    // One busy slot, which also changes its view: the worst that can happen to a reader.
    let view_of = |number: u64| View(7 + SLOTS as u64 * (number / 1_000));
    let seen: [AtomicU64; READERS] = Default::default();
    // Of all together: one that has to share the writer's core sees little of it at work.
    let is_enough = || seen.iter().map(|seen| seen.load(Relaxed)).sum::<u64>() >= CHANGES_SEEN;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = seen
            .iter()
            .map(|seen| {
                let (ring, stop) = (&ring, &stop);
                scope.spawn(move || {
                    let mut last = 0;
                    while !stop.load(Relaxed) {
                        let Some((_, slot)) = ring.read_place(7) else { continue };
                        let number = slot.started_at.0;
                        if slot != filled(view_of(number), number) || number < last {
                            stop.store(true, Relaxed);
                            panic!("a torn or older slot after {last}: {slot:?}");
                        }
                        seen.fetch_add(u64::from(number != last), Relaxed);
                        last = number;
                    }
                })
            })
            .collect();
        for number in 1..=MAX_UPDATES {
            if stop.load(Relaxed) || (number % 1_000 == 0 && is_enough()) {
                break;
            }
            writer.update(view_of(number), NOW, |slot| *slot = filled(View(0), number));
        }
        stop.store(true, Relaxed);
        readers.into_iter().for_each(|reader| reader.join().expect("a reader met a torn slot"));
    });
    assert!(is_enough(), "the readers have hardly seen the writer at work: {seen:?}");
}

#[test]
fn an_overwritten_view_reads_as_nothing() {
    let mut writer = ViewWriter::new();
    let ring = writer.ring();
    let (old, new) = (View(40), View(40 + SLOTS as u64));
    assert_eq!(ring.read(old), None);
    writer.update(old, NOW, |slot| slot.own = Some(OwnStatement::Timeout));
    assert!(ring.read(old).is_some() && ring.read(new).is_none());
    writer.update(new, NOW, |_| {});
    assert_eq!(ring.read(old), None);
    let slot = ring.read(new).expect("it was written");
    assert_eq!((slot.view, slot.own, slot.started_at), (new, None, NOW), "nothing is left of the old view");
    assert!(writer.get(old).is_none() && writer.get(new).is_some());
}

#[test]
fn what_comes_late_does_not_overwrite_a_later_view() {
    let mut writer = ViewWriter::new();
    let (old, new) = (View(40), View(40 + SLOTS as u64));
    writer.update(new, NOW, |_| {});
    writer.update(old, NOW, |_| panic!("the slot belongs to a later view"));
    assert!(writer.ring().read(new).is_some());
}

#[test]
fn the_sequence_number_changes_with_the_slot_and_only_then() {
    let mut writer = ViewWriter::new();
    let ring = writer.ring();
    assert_eq!(ring.sequence(3), 0);
    writer.update(View(3), NOW, |slot| slot.votes.insert(ValidatorIndex(2)));
    let (first, _) = ring.read_place(3).expect("it was written");
    assert_eq!(ring.sequence(3), first);
    writer.update(View(3), NOW, |slot| slot.votes.insert(ValidatorIndex(2)));
    assert_eq!(ring.sequence(3), first, "the same vote again is no change");
    writer.update(View(3), NOW, |slot| slot.votes.insert(ValidatorIndex(5)));
    assert_ne!(ring.sequence(3), first);
    assert!(ring.read_place(SLOTS).is_none());
}

#[test]
fn the_picture_goes_from_the_oldest_view_that_is_whole_to_the_newest() {
    let mut writer = ViewWriter::new();
    for view in 1..=300 {
        writer.update(View(view), NOW, |_| {});
        writer.enter(View(view));
    }
    // Votes that came early for a view that has not begun.
    writer.update(View(302), NOW, |slot| slot.votes.insert(ValidatorIndex(0)));
    let views: Vec<u64> = writer.ring().slots().iter().map(|slot| slot.view.0).collect();
    assert_eq!(views, (45..=300).filter(|view| *view != 46).collect::<Vec<_>>());
}

#[test]
fn a_view_that_was_nullified_after_it_was_left_says_so() {
    let mut slot = Slot { m_after_us: Some(1), ..Slot::default() };
    assert_eq!(slot.status(), SlotStatus::Notarized);
    slot.nullified_after_us = Some(5);
    assert_eq!(slot.status(), SlotStatus::Nullified);
    slot.is_nullified_late = true;
    assert_eq!(slot.status(), SlotStatus::NullifiedLate);
    slot.finalized_after_us = Some(6);
    assert_eq!(slot.status(), SlotStatus::Finalized);
}

#[test]
fn finality_is_counted_from_the_time_of_the_block() {
    let block = ShownBlock { time: TimeMs(2_000), ..ShownBlock::default() };
    let mut slot = Slot { proposal: Some(block), ..Slot::default() };
    assert_eq!(slot.finality_us(), None);
    slot.finalized_at = Some(TimeMs(2_030));
    assert_eq!(slot.finality_us(), Some(30_000));
    slot.finalized_at = Some(TimeMs(1_990));
    assert_eq!(slot.finality_us(), Some(0), "a proposer's clock may be ahead of this one");
}

proptest! {
    #[test]
    fn words_give_the_same_slot_back(view: u64, number in 0..u64::MAX, cut in 0..12usize) {
        let mut slot = filled(View(view), number);
        // One thing after another is absent.
        match cut {
            0 => slot.block = None,
            1 => slot.proposal = None,
            2 => slot.m_after_us = None,
            3 => slot.l_after_us = None,
            4 => slot.nullified_after_us = None,
            5 => slot.finalized_after_us = None,
            6 => slot.finalized_at = None,
            7 => slot.left_after_us = None,
            8 => slot.own = Some(OwnStatement::Contradiction),
            9 => slot.own = Some(OwnStatement::Timeout),
            10 => slot.leader = ValidatorIndex(u16::MAX),
            _ => {
                if let Some(block) = &mut slot.proposal {
                    (block.tx_count, block.bytes) = (None, None);
                }
            }
        }
        prop_assert_eq!(Slot::from_words(&slot.to_words()), slot);
    }

    #[test]
    fn a_set_of_validators_holds_what_was_put_in(mut validators in proptest::collection::btree_set(0..512u16, 0..40)) {
        let mut set: VoterSet = validators.iter().copied().map(ValidatorIndex).collect();
        set.insert(ValidatorIndex(512));
        prop_assert_eq!(set.len(), validators.len());
        prop_assert_eq!(set.is_empty(), validators.is_empty());
        if let Some(gone) = validators.pop_first() {
            set.remove(ValidatorIndex(gone));
            prop_assert!(!set.contains(ValidatorIndex(gone)));
        }
        prop_assert_eq!(set.iter().map(|validator| validator.0).collect::<Vec<_>>(), validators.into_iter().collect::<Vec<_>>());
    }
}
