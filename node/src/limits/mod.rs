//! `minuet limits`: what this machine allows validators that share it, and how near to that the measured figures are.
//!
//! Owns: the measurements, in their order, and the bounds that follow ([`formulas`]). Never does: talk to a node, or leave
//! anything behind: its files are in a directory of their own ([`place`]).

mod args;
mod chain;
mod clock;
mod constants;
mod effort;
mod empty_blocks;
mod figure;
mod figures;
mod formulas;
#[cfg(test)]
mod formulas_tests;
mod hand_over;
mod machine;
mod place;
mod records;
mod report;
mod rest;
mod signatures;
mod watched_store;
mod workload;

pub use args::LimitsArgs;

use crate::exit::{Exit, Failure};
use crate::output::Output;
use constants::Constants;
use effort::Effort;
use formulas::Setting;
use indicatif::{ProgressBar, ProgressStyle};
use machine::Machine;
use minuet_core::committee::Quorums;
use minuet_core::scheme::StatementScheme;
use minuet_p2p::loopback;
use place::Place;
use report::{Disk, Report};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use workload::Workload;

const STEPS: u64 = 8;
const PINGS: u64 = 600;
const IDLE_PINGS: u32 = 200;
const IDLE_PAUSE: Duration = Duration::from_millis(5);
const BULK_MS: u64 = 1_500;

/// Measures and reports.
///
/// # Errors
/// Figures that cannot be read, a directory that cannot be written, a disk or network that fails, a signal.
pub fn run(args: &LimitsArgs) -> Result<Output, Failure> {
    // What is wrong with the command line shows before anything is measured.
    let figures = figures::read(args.figures.as_deref())?;
    let quorums = Quorums::new(usize::from(args.validators)).map_err(|error| Failure::new(Exit::Usage, error))?;
    let steps = Steps::new()?;
    let place = Place::new(args.dir.as_deref())?;
    let (load_average, begun) = (machine::load_average(), Instant::now());
    let constants = measure(&place, quorums, Effort::new(args.quick), &steps)?;
    let machine = Machine::here();
    let report = Report {
        setting: Setting { validators: quorums.n(), cores: machine.cores, blocks_per_second: args.blocks_per_second },
        machine,
        disk: Disk {
            dir: place.parent().to_path_buf(),
            file_system: place.file_system(),
            is_memory: place.is_memory(),
        },
        load_average,
        seconds: begun.elapsed().as_secs_f64(),
        is_quick: args.quick,
        constants,
        figures,
    };
    Ok(Output::new(report.text(), report.json()))
}

fn measure(place: &Place, quorums: Quorums, effort: Effort, steps: &Steps) -> Result<Constants, Failure> {
    steps.next("Ed25519")?;
    let ed25519 = signatures::ed25519(&mut Workload::new(chain::TRANSFERS, 1)?, effort);
    steps.next("votes")?;
    let bls = signatures::statements(StatementScheme::Bls, quorums, effort);
    let short = signatures::statements(StatementScheme::Ed25519, quorums, effort);
    steps.next("journal")?;
    let record = records::measure(&place.path("journal"), effort)?;
    steps.next("disk, all validators at once")?;
    let rest = rest::measure(|name| place.path(name), quorums.n(), effort)?;
    steps.next("QUIC on loopback")?;
    let plan = loopback::Plan {
        back_to_back: effort.span(PINGS),
        idle_pings: effort.count(IDLE_PINGS),
        idle_pause: IDLE_PAUSE,
        bulk: effort.span(BULK_MS),
    };
    let quic = loopback::measure(&plan, clock::thread_cpu).map_err(|error| Failure::new(Exit::Network, error))?;
    steps.next("rings")?;
    let hand_over = hand_over::measure(effort)?;
    steps.next("empty blocks")?;
    let empty = empty_blocks::measure(effort)?;
    steps.next("blocks of transfers and RocksDB")?;
    let chain = full_blocks(&place.path("db"), effort)?;
    Ok(Constants { quorums, ed25519, bls, short, record, rest, quic, hand_over, chain, empty })
}

fn full_blocks(dir: &Path, effort: Effort) -> Result<chain::ChainCosts, Failure> {
    let (accounts, senders) = (effort.count(chain::ACCOUNTS), effort.count(chain::TRANSFERS));
    let mut workload = Workload::new(senders, accounts - senders)?;
    chain::measure(dir, &mut workload, accounts, effort)
}

/// Shows how far it is, to a terminal, and ends between two steps when it is told to.
struct Steps {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
}

impl Steps {
    fn new() -> Result<Self, Failure> {
        let failed = |error| Failure::new(Exit::Generic, format!("signals cannot be received: {error}"));
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the second signal finds the flag set and ends the process at once.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop)).map_err(failed)?;
            signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(failed)?;
        }
        let bar = ProgressBar::new(STEPS);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len}  {msg}") {
            bar.set_style(style);
        }
        Ok(Self { bar, stop })
    }

    fn next(&self, what: &'static str) -> Result<(), Failure> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failure::new(Exit::Generic, "told to stop"));
        }
        self.bar.set_message(what);
        // Shown at once; the bar counts what is being done.
        self.bar.inc(1);
        Ok(())
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
