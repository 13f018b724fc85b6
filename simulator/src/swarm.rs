//! What a run suffers: each class of fault is switched on by its seed with a chance of one half, so that rare mixtures
//! come up as well as all at once (swarm testing).

use crate::chance::Chance;
use crate::node::Pace;
use minuet_consensus::replica::Timing;

/// A class of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Links of up to 300 ms, with heavy tails.
    Delay,
    /// Long messages take longer, so that votes overtake blocks.
    Bandwidth,
    /// Up to 30 % of all messages vanish.
    Loss,
    /// Messages come twice.
    Duplicate,
    /// Messages overtake each other.
    Reorder,
    /// Messages come again much later, also across a restart.
    Replay,
    /// The network falls apart, in one of many ways.
    Partition,
    /// Connections break and come back.
    Reset,
    /// Processes are killed and started again, any number at once.
    Crash,
    /// The power fails: unsynced writes are lost, torn or reordered.
    PowerCut,
    /// The ends of a journal are damaged while the node is down.
    Damage,
    /// A disk is lost: the node comes back as an observer.
    LostDisk,
    /// An old copy of a disk is restored.
    OldDisk,
    /// Writes and syncs fail with EIO.
    Io,
    /// The disk is full.
    Full,
    /// Syncs and the ledger take long.
    Slow,
    /// Processes stand still for a while.
    Pause,
    /// Wall clocks differ and jump.
    Skew,
    /// Up to f validators lie.
    Byzantine,
    /// A key runs twice.
    Twins,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Delay,
        Self::Bandwidth,
        Self::Loss,
        Self::Duplicate,
        Self::Reorder,
        Self::Replay,
        Self::Partition,
        Self::Reset,
        Self::Crash,
        Self::PowerCut,
        Self::Damage,
        Self::LostDisk,
        Self::OldDisk,
        Self::Io,
        Self::Full,
        Self::Slow,
        Self::Pause,
        Self::Skew,
        Self::Byzantine,
        Self::Twins,
    ];

    /// As flags and reports name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Bandwidth => "bandwidth",
            Self::Loss => "loss",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Replay => "replay",
            Self::Partition => "partition",
            Self::Reset => "reset",
            Self::Crash => "crash",
            Self::PowerCut => "power-cut",
            Self::Damage => "damage",
            Self::LostDisk => "lost-disk",
            Self::OldDisk => "old-disk",
            Self::Io => "io",
            Self::Full => "full",
            Self::Slow => "slow",
            Self::Pause => "pause",
            Self::Skew => "skew",
            Self::Byzantine => "byzantine",
            Self::Twins => "twins",
        }
    }
}

/// A set of classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swarm(Vec<Class>);

impl Swarm {
    /// No faults at all.
    #[must_use]
    pub const fn calm() -> Self {
        Self(Vec::new())
    }

    /// These.
    #[must_use]
    pub fn of(classes: &[Class]) -> Self {
        let mut classes = classes.to_vec();
        classes.sort_unstable();
        classes.dedup();
        Self(classes)
    }

    /// Each with a chance of one half; twins only where they are asked for, since they cost a validator.
    #[must_use]
    pub fn drawn(chance: &mut Chance) -> Self {
        let mut classes: Vec<Class> = Class::ALL.into_iter().filter(|_| chance.coin()).collect();
        classes.retain(|class| *class != Class::Twins);
        Self(classes)
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, class: Class) -> Self {
        self.0.push(class);
        Self::of(&self.0)
    }

    /// Without one.
    #[must_use]
    pub fn without(mut self, class: Class) -> Self {
        self.0.retain(|own| *own != class);
        self
    }

    /// Whether a class is on.
    #[must_use]
    pub fn has(&self, class: Class) -> bool {
        self.0.contains(&class)
    }

    /// Those with these names; `none` is no class at all.
    ///
    /// # Errors
    /// A name that no class has, with all that there are.
    pub fn named<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let find = |name: &str| {
            let known = || Class::ALL.map(Class::name).join(", ");
            let class = Class::ALL.into_iter().find(|class| class.name() == name);
            class.ok_or_else(|| format!("there are no faults called '{name}', only {}", known()))
        };
        let names = names.filter(|name| !name.is_empty() && *name != "none");
        Ok(Self::of(&names.map(find).collect::<Result<Vec<_>, _>>()?))
    }

    /// All names, for reports.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|class| class.name()).collect()
    }
}

/// What holds for the whole of a run, drawn from its seed.
#[derive(Clone, Debug)]
pub struct Weather {
    pub swarm: Swarm,
    pub timing: Timing,
    pub linger_us: u64,
    pub pace: Pace,
    /// One-way delay of a link without faults.
    pub base_us: u64,
    pub jitter_us: u64,
    /// Bytes a millisecond; 0 for no limit.
    pub bytes_per_ms: u64,
    pub loss_per_mille: u64,
    pub duplicate_per_mille: u64,
    pub replay_per_mille: u64,
    /// Mean time between two strokes of fate.
    pub fault_every_us: u64,
    /// Mean time between two transfers; 0 for none.
    pub transfer_every_us: u64,
}

impl Weather {
    /// Draws it.
    #[must_use]
    pub fn drawn(swarm: Swarm, chance: &mut Chance) -> Self {
        let slow = swarm.has(Class::Slow);
        let far = swarm.has(Class::Delay);
        let on = |class: Class, value: u64| if swarm.has(class) { value } else { 0 };
        let (loss, duplicate, replay) = (chance.within(1..300), chance.within(1..200), chance.within(1..30));
        let bandwidth = chance.within(20..4_000);
        Self {
            timing: Timing {
                empty_block_delay_us: [0, 1_000, 20_000, 50_000][chance.index(4)],
                delta_base_us: chance.within(50..250) * 1000,
                delta_max_us: 2_000_000,
            },
            linger_us: [0, 500, 2_000][chance.index(3)],
            pace: Pace {
                sync_us: if slow { chance.within(1_000..80_000) } else { chance.within(50..2_000) },
                ledger_us: if slow { chance.within(0..40_000) } else { chance.within(0..500) },
            },
            base_us: if far { chance.within(1_000..100_000) } else { chance.within(100..4_000) },
            jitter_us: if far { chance.within(1_000..200_000) } else { chance.within(10..1_000) },
            bytes_per_ms: on(Class::Bandwidth, bandwidth),
            loss_per_mille: on(Class::Loss, loss),
            duplicate_per_mille: on(Class::Duplicate, duplicate),
            replay_per_mille: on(Class::Replay, replay),
            fault_every_us: chance.within(100..1_500) * 1000,
            transfer_every_us: [0, 60_000, 250_000, 1_000_000][chance.index(4)],
            swarm,
        }
    }
}
