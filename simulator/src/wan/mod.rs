//! Validators across the world: how long a view and finality take there, by the production rules and by restated protocols.
//!
//! Owns: the table of delays between regions, a network of delays, bandwidth and processing time in virtual time, the
//! quorum rules of the protocols that Minimmit is compared with, the run of the production
//! [`Replica`](minuet_consensus::replica::Replica) on that network, and the report with its plot. Never does: faults, disks,
//! clocks, threads; nothing here is lost or reordered, and nobody lies.
//!
//! Invariants: the same options give the same report, to the bit; a delay depends on the seed, on the pair of validators and
//! on how many messages went between them before, so that protocols and conditions meet the same draws.

mod chain;
mod costs;
mod links;
mod placement;
mod plot;
mod production;
mod random;
mod reference;
mod regions;
mod report;
mod rules;
mod sizes;
mod stats;
mod study;
mod text;
mod trace;
mod transactions;
mod world;

pub use costs::Costs;
pub use placement::{Placement, PlacementError};
pub use plot::plot;
pub use regions::Regions;
pub use report::{Causes, Comparison, Conditioned, Faster, ProtocolReport, Report, Single, Steady};
pub use rules::{Protocol, Rules};
pub use stats::Summary;
pub use study::{Conditions, Options, study};
pub use text::text;

#[cfg(test)]
mod tests;
