//! What happens to the network, and when: drawn from the seed before anything starts, so that a run can be repeated as
//! far as its actions go (what the machine makes of their timing is its own).

use super::chance::Chance;
use std::collections::BTreeSet;
use std::fmt;

/// What befalls the network between validators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// These and the others hear nothing of each other.
    Split(Vec<u16>),
    /// Nobody hears this one, which hears all.
    Unheard(u16),
    /// This one hears nobody, and all hear it.
    Deaf(u16),
    /// Packets are lost, on all links.
    Lossy {
        /// Of a thousand.
        permille: u16,
    },
    /// Packets take longer, and overtake each other, on all links.
    Slow {
        /// At least.
        delay_ms: u64,
        /// At most so much more.
        jitter_ms: u64,
    },
    /// Each link carries so much and no more.
    Narrow {
        /// In each direction.
        bytes_per_second: u64,
    },
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// SIGKILL to one; it is started again later.
    Kill(u16),
    /// SIGKILL to all at once; all are started again.
    Outage,
    /// SIGSTOP to these, later SIGCONT.
    Pause(Vec<u16>),
    /// The network fails, later it works again.
    Network(Fault),
}

/// An action with its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Before it, after the step before was overcome.
    pub wait_ms: u64,
    /// What.
    pub action: Action,
    /// Until it is undone: a start, a SIGCONT, a network that works.
    pub hold_ms: u64,
}

/// How often each kind comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// One is killed.
    pub kills: u32,
    /// All are killed.
    pub outages: u32,
    /// Some stand still.
    pub pauses: u32,
    /// The network fails.
    pub partitions: u32,
}

impl Counts {
    /// Of every kind more than any time has room for, in the mix of a run without counts.
    pub const ENDLESS: Self = Self { kills: 40_000, outages: 10_000, pauses: 20_000, partitions: 40_000 };
}

#[derive(Clone, Copy)]
enum Class {
    Kill,
    Outage,
    Pause,
    Partition,
}

/// Draws a plan for `n` validators.
#[must_use]
pub fn plan(seed: u64, counts: Counts, n: u16) -> Vec<Step> {
    let mut chance = Chance::new(seed);
    let classes = [
        (Class::Kill, counts.kills),
        (Class::Outage, counts.outages),
        (Class::Pause, counts.pauses),
        (Class::Partition, counts.partitions),
    ];
    let mut deck: Vec<Class> =
        classes.into_iter().flat_map(|(class, count)| std::iter::repeat_n(class, count as usize)).collect();
    // Fisher and Yates.
    for place in (1..deck.len()).rev() {
        let other = usize::try_from(chance.below(place as u64 + 1)).unwrap_or(0);
        deck.swap(place, other);
    }
    let mut faults = chance.below(FAULTS);
    deck.into_iter().map(|class| step(class, &mut chance, &mut faults, n)).collect()
}

/// Kinds of fault, which come in turn.
const FAULTS: u64 = 8;

fn step(class: Class, chance: &mut Chance, faults: &mut u64, n: u16) -> Step {
    let wait_ms = chance.within(50..1_000);
    let (action, hold_ms) = match class {
        Class::Kill => (Action::Kill(chance.index(n)), chance.within(0..2_000)),
        Class::Outage => (Action::Outage, chance.within(0..1_000)),
        Class::Pause => {
            let count = 1 + chance.index(2);
            (Action::Pause(chance.some(count.min(n), n)), chance.within(200..5_000))
        }
        Class::Partition => {
            *faults += 1;
            (Action::Network(fault(*faults % FAULTS, chance, n)), chance.within(1_000..4_000))
        }
    };
    Step { wait_ms, action, hold_ms }
}

fn fault(kind: u64, chance: &mut Chance, n: u16) -> Fault {
    match kind {
        0 => Fault::Split(chance.some(1, n)),
        1 => Fault::Split(chance.some(n / 3, n)),
        2 => Fault::Split(chance.some(n / 2, n)),
        3 => Fault::Unheard(chance.index(n)),
        4 => Fault::Deaf(chance.index(n)),
        5 => Fault::Lossy { permille: u16::try_from(chance.within(20..300)).unwrap_or(300) },
        6 => Fault::Slow { delay_ms: chance.within(5..100), jitter_ms: chance.within(5..100) },
        _ => Fault::Narrow { bytes_per_second: chance.within(16..256) << 10 },
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Split(side) => write!(out, "{side:?} cut off from the others"),
            Self::Unheard(one) => write!(out, "nobody hears validator {one}"),
            Self::Deaf(one) => write!(out, "validator {one} hears nobody"),
            Self::Lossy { permille } => write!(out, "{}.{} % of packets lost", permille / 10, permille % 10),
            Self::Slow { delay_ms, jitter_ms } => write!(out, "packets {delay_ms} to {} ms late", delay_ms + jitter_ms),
            Self::Narrow { bytes_per_second } => write!(out, "{} KiB/s a link", bytes_per_second >> 10),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(one) => write!(out, "validator {one} killed"),
            Self::Outage => write!(out, "all killed"),
            Self::Pause(some) => write!(out, "{some:?} stand still"),
            Self::Network(fault) => fault.fmt(out),
        }
    }
}

/// What is said of a plan before it begins.
#[must_use]
pub fn summary(steps: &[Step]) -> String {
    let count = |wanted: fn(&Action) -> bool| steps.iter().filter(|step| wanted(&step.action)).count();
    format!(
        "{} kills, {} outages, {} pauses, {} network faults",
        count(|action| matches!(action, Action::Kill(_))),
        count(|action| matches!(action, Action::Outage)),
        count(|action| matches!(action, Action::Pause(_))),
        count(|action| matches!(action, Action::Network(_)))
    )
}

/// Which validators are on the other side of each link that a fault cuts: (from, to) pairs.
#[must_use]
pub fn cut_links(fault: &Fault, n: u16) -> BTreeSet<(u16, u16)> {
    let all = || (0..n).flat_map(|from| (0..n).map(move |to| (from, to))).filter(|(from, to)| from != to);
    match fault {
        Fault::Split(side) => all().filter(|(from, to)| side.contains(from) != side.contains(to)).collect(),
        Fault::Unheard(one) => all().filter(|(from, _)| from == one).collect(),
        Fault::Deaf(one) => all().filter(|(_, to)| to == one).collect(),
        Fault::Lossy { .. } | Fault::Slow { .. } | Fault::Narrow { .. } => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts { kills: 5, outages: 2, pauses: 3, partitions: 16 };

    #[test]
    fn a_seed_gives_the_same_plan_again_and_another_seed_another_one() {
        assert_eq!(plan(7, COUNTS, 6), plan(7, COUNTS, 6));
        assert_ne!(plan(7, COUNTS, 6), plan(8, COUNTS, 6));
    }

    #[test]
    fn a_plan_has_what_was_asked_for_and_every_kind_of_fault() {
        let steps = plan(3, COUNTS, 6);
        assert_eq!(summary(&steps), "5 kills, 2 outages, 3 pauses, 16 network faults");
        let faults: Vec<Fault> = steps
            .iter()
            .filter_map(|step| match &step.action {
                Action::Network(fault) => Some(fault.clone()),
                _ => None,
            })
            .collect();
        let sides = |size: usize| faults.iter().any(|fault| matches!(fault, Fault::Split(side) if side.len() == size));
        assert!(sides(1) && sides(2) && sides(3), "{faults:?}");
        for wanted in [
            |fault: &Fault| matches!(fault, Fault::Unheard(_)),
            |fault: &Fault| matches!(fault, Fault::Deaf(_)),
            |fault: &Fault| matches!(fault, Fault::Lossy { .. }),
            |fault: &Fault| matches!(fault, Fault::Slow { .. }),
            |fault: &Fault| matches!(fault, Fault::Narrow { .. }),
        ] {
            assert!(faults.iter().any(wanted), "{faults:?}");
        }
    }

    #[test]
    fn a_split_cuts_both_directions_and_a_one_way_fault_one() {
        assert_eq!(cut_links(&Fault::Split(vec![0, 1]), 6).len(), 16);
        assert_eq!(cut_links(&Fault::Unheard(2), 6), (0..6).filter(|to| *to != 2).map(|to| (2, to)).collect());
        assert_eq!(cut_links(&Fault::Deaf(2), 6), (0..6).filter(|from| *from != 2).map(|from| (from, 2)).collect());
    }
}
