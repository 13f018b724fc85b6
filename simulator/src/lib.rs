//! Many nodes on one thread in virtual time: the production drivers, rings, codec and journal over a simulated network,
//! clock and disk. One seed gives one run, event for event.
//!
//! Owns: virtual time, the network, faults, liars, and the judge that holds all of it against docs/protocol.md §4. Never
//! does: consensus, execution or journal work of its own.
//!
//! Invariants: the same options give the same [`Outcome`], hash included; what is expected of nodes is restated in the
//! judge and never asked of them.

mod byzantine;
mod chain;
mod chance;
mod coverage;
mod network;
mod node;
mod oracle;
mod rings;
mod scheme;
mod signatures;
mod swarm;
mod trace;
pub mod wan;
mod world;

pub use chain::Signatures;
pub use coverage::{Coverage, Effect};
/// Broken rules, in the build that has them.
#[cfg(minuet_mutations)]
pub use minuet_consensus::mutation;
pub use oracle::Violation;
pub use swarm::{Class, Swarm};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything that is left to chance.
    pub seed: u64,
    /// Size of the committee.
    pub validators: usize,
    /// How statements are signed.
    pub signatures: Signatures,
    /// Classes of faults; drawn from the seed if `None`.
    pub swarm: Option<Swarm>,
    /// One key runs twice.
    pub twins: bool,
    /// Virtual milliseconds until the faults stop.
    pub chaos_ms: u64,
    /// Whether to keep a line an event.
    pub trace: bool,
}

impl Options {
    /// Of a seed, six validators, faults as the seed has them.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self {
            seed,
            validators: 6,
            signatures: Signatures::Mock,
            swarm: None,
            twins: false,
            chaos_ms: 10_000,
            trace: false,
        }
    }
}

/// What a run showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// From the options.
    pub seed: u64,
    /// From the options.
    pub validators: usize,
    /// Classes of faults that were on.
    pub faults: Vec<&'static str>,
    /// Who lied, and how.
    pub liars: Vec<String>,
    /// The highest view that a node reached.
    pub views: u64,
    /// Final blocks.
    pub blocks: u64,
    /// Final transactions.
    pub transactions: u64,
    /// Events that happened.
    pub events: u64,
    /// Virtual time at the end.
    pub virtual_ms: u64,
    /// Over all events in their order.
    pub hash: u64,
    /// A key said two things in one view.
    pub both_signed: bool,
    /// Which rules were seen at work.
    pub coverage: Coverage,
    /// The first broken invariant.
    pub violation: Option<Violation>,
    /// A line an event, if wanted.
    pub trace: Vec<String>,
}

impl Options {
    /// The command that repeats a run with these options, line by line.
    #[must_use]
    pub fn command(&self) -> String {
        let mut command = format!("minuet simulate --seed {} --validators {}", self.seed, self.validators);
        command.push_str(&format!(" --chaos-ms {}", self.chaos_ms));
        if self.twins {
            command.push_str(" --twins");
        }
        if let Signatures::Real(scheme) = self.signatures {
            command.push_str(&format!(" --signatures {scheme}"));
        }
        if let Some(swarm) = &self.swarm {
            command.push_str(&format!(" --faults {}", swarm.names().join(",")));
        }
        command.push_str(" --trace");
        command
    }
}

/// Runs a seed to its end, or to its first violation.
#[must_use]
pub fn run(options: &Options) -> Outcome {
    world::run(options)
}
