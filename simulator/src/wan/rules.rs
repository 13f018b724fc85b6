//! The quorum rules of Minimmit and of the protocols that it is compared with, restated: percentages of the validators,
//! rounded up, except for our own thresholds, which follow from f.

use std::fmt;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// Minimmit by the production replica.
    Minimmit,
    /// Minimmit restated, with the production thresholds.
    Restated,
    /// Minimmit restated, with the public estimator's thresholds: 41 % and 81 %.
    Estimator,
    /// Kudzu's rules: 61 % for the next view; finality by 81 % or by a second round of 61 %.
    Kudzu,
    /// Simplex: 67 % for the next view, a second round of 67 % for finality.
    Simplex,
    /// Two-phase HotStuff: 67 % of the votes go to the next leader, whose proposal carries their certificate.
    HotStuff,
}

impl Protocol {
    /// All, in the order of the report.
    pub const ALL: [Self; 6] =
        [Self::Minimmit, Self::Restated, Self::Estimator, Self::Kudzu, Self::Simplex, Self::HotStuff];

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minimmit => "Minimmit, production rules",
            Self::Restated => "Minimmit, restated",
            Self::Estimator => "Minimmit, 41 % / 81 %",
            Self::Kudzu => "Kudzu-like",
            Self::Simplex => "Simplex",
            Self::HotStuff => "HotStuff, two phases",
        }
    }

    /// For scripts.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Minimmit => "minimmit",
            Self::Restated => "minimmit-restated",
            Self::Estimator => "minimmit-41-81",
            Self::Kudzu => "kudzu",
            Self::Simplex => "simplex",
            Self::HotStuff => "hotstuff",
        }
    }

    /// Its thresholds among `n` validators.
    #[must_use]
    pub fn rules(self, n: usize) -> Rules {
        let f = n.saturating_sub(1) / 5;
        let share = |percent: usize| (n * percent).div_ceil(100);
        let to_all = |progress, fast, second| Rules { progress, fast, second, to_next_leader: false };
        match self {
            Self::Minimmit | Self::Restated => to_all(2 * f + 1, Some(n - f), None),
            Self::Estimator => to_all(share(41), Some(share(81)), None),
            Self::Kudzu => to_all(share(61), Some(share(81)), Some(share(61))),
            Self::Simplex => to_all(share(67), None, Some(share(67))),
            Self::HotStuff => Rules { progress: share(67), fast: None, second: None, to_next_leader: true },
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// How many votes it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// First votes that open the next view.
    pub progress: usize,
    /// First votes that make the block final.
    pub fast: Option<usize>,
    /// Second votes, cast once the next view is open, that make the block final.
    pub second: Option<usize>,
    /// Votes go to the next leader alone. A block is final with the certificate of its child.
    pub to_next_leader: bool,
}

impl fmt::Display for Rules {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.progress)?;
        match (self.fast, self.second) {
            (Some(fast), None) => write!(out, " / {fast}"),
            (Some(fast), Some(second)) => write!(out, " / {fast} or {second} again"),
            (None, Some(second)) => write!(out, " / {second} again"),
            (None, None) => write!(out, " / {} again, to the next leader", self.progress),
        }
    }
}
