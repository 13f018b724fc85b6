//! The benchmark report: scenarios with real processes of the built program, their results, and the page and plots that are
//! made of them.
//!
//! Owns: `docs/benchmarks.md`, `docs/benchmarks/results.json` and `figures.json`, `docs/images/benchmarks/`. Never does: link
//! the node's code; what it measures is what a user runs.
//!
//! Invariants: page and plots are a function of the results, byte for byte; what was not measured is said to be not measured;
//! no process that was started outlives this one.

pub mod child;
pub mod cli;
pub mod machine;
pub mod measure;
pub mod network;
pub mod output;
pub mod page;
pub mod plot;
pub mod plots;
pub mod proc;
pub mod results;
pub mod rows;
pub mod scenarios;
pub mod stage;
pub mod trouble;
