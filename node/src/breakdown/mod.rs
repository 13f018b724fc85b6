//! `minuet breakdown`: a network of six processes on this machine, under load, that record what happens to every transfer
//! and in every view; and tables of where the time goes.
//!
//! Owns: the network and its load, the book of moments, the stages and parts that are made of them, the tables. Never does:
//! fill in a moment that was not recorded; what lacks one is counted as unknown.
//!
//! Invariant: the stages of a transfer add up to its latency, from the moment at which it was due to the moment at which the
//! load knew it final on all nodes: what `minuet load` shows.

mod book;
mod network;
mod table;
#[cfg(test)]
mod tests;
mod threads;
mod transfer;
mod view;

use crate::cli::{Global, LoadArgs};
use crate::config::LogFormat;
use crate::exit::{Exit, Failure};
use crate::localnet::usage;
use crate::output::{Output, note_line};
use crate::{load, logging, spans};
use book::Book;
use clap::Args;
use minuet_core::committee::Quorums;
use network::{Network, VALIDATORS};
use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use table::Findings;
use threads::ThreadTimes;

/// Where the moments of the load go.
const CLIENT_FILE: &str = "client.spans.jsonl";
const DEFAULT_RATE: f64 = 10.0;
/// Transfers may take so long after the last was made.
const SETTLE_SECONDS: u64 = 30;
const MICROS: u64 = 1_000_000;

/// `minuet breakdown`
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("load").args(["rate", "max", "idle"]))]
pub struct BreakdownArgs {
    /// Transfers per second, evenly spaced; 10 by default
    #[arg(long, value_name = "PER_SECOND", value_parser = crate::cli::positive)]
    pub rate: Option<f64>,
    /// As many as become final: keeps --in-flight transfers under way
    #[arg(long)]
    pub max: bool,
    /// No transfers: views alone
    #[arg(long)]
    pub idle: bool,
    /// Seconds that count
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub duration: u64,
    /// Seconds before those, which are not counted
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub warmup: u64,
    /// With --max: transfers under way over all senders
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub in_flight: u32,
    /// Accounts that send
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub senders: u32,
    /// Accounts that receive
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    pub recipients: u32,
    /// Keep the network and all that was recorded there; must not exist. By default a directory here that is deleted in the
    /// end: its disk is the one that is measured
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Peers on PORT+i/udp, APIs on PORT+100+i, and so on; by default ports that are free
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=65_000))]
    pub base_port: Option<u16>,
}

/// Runs a network and shows where its time went.
///
/// # Errors
/// The network or its load failed; then everything is kept.
pub fn run(args: &BreakdownArgs, global: &Global) -> Result<Output, Failure> {
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => PathBuf::from(format!("minuet-breakdown-{}", std::process::id())),
    };
    fs::create_dir(&dir).map_err(|error| cannot(&dir, "be made", &error))?;
    match measure(args, &dir, global) {
        Ok(output) => {
            if args.dir.is_none() {
                fs::remove_dir_all(&dir).map_err(|error| cannot(&dir, "be deleted", &error))?;
            } else {
                note_line(format_args!("breakdown: everything is kept in {}", dir.display()));
            }
            Ok(output)
        }
        Err(Failure { exit, message }) => {
            Err(Failure { exit, message: format!("{message}\neverything is kept in {}", dir.display()) })
        }
    }
}

fn cannot(path: &Path, what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::DataDirectory, format!("{} cannot {what}: {error}", path.display()))
}

fn measure(args: &BreakdownArgs, dir: &Path, global: &Global) -> Result<Output, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, stop.clone())
            .map_err(|error| Failure::new(Exit::Generic, format!("signals cannot be received: {error}")))?;
    }
    let manifest = network::place(args, dir)?;
    let client_file = dir.join(CLIENT_FILE);
    let (layer, written) = spans::open(&client_file)?.unzip();
    logging::start(global.log_level.as_deref(), "warn", global.log_format.unwrap_or(LogFormat::Text), layer)?;
    let mut network = Network::start(&manifest, dir, global, &stop)?;

    let (pids, own) = (network.fleet.pids(), std::process::id());
    let (threads, client) = (ThreadTimes::of(&pids), usage(own).cpu_ms);
    let load = if args.idle {
        network::pass(&mut network.fleet, Duration::from_secs(args.warmup + args.duration), &stop)?;
        None
    } else {
        Some(load(args, dir, &network)?)
    };
    let threads = ThreadTimes::of(&pids).since(&threads);
    let client_us = usage(own).cpu_ms.saturating_sub(client) * 1000;
    network.fleet.stop()?;
    drop(written);

    let mut book = Book::of(usize::from(VALIDATORS));
    for (node, path) in network::files(dir).enumerate() {
        book.read(&path, Some(node))?;
    }
    book.read(&client_file, None)?;
    let quorums = Quorums::new(book.nodes).map_err(|error| Failure::new(Exit::Generic, error))?;
    let mut time = book.time();
    time.start = time.start.saturating_add(args.warmup * MICROS);
    Ok(table::output(Findings { book: &book, quorums, time, threads, client_us, load }))
}

/// Runs the load to its end; its figures.
fn load(args: &BreakdownArgs, dir: &Path, network: &Network) -> Result<Value, Failure> {
    let output = load::run(&LoadArgs {
        rate: (!args.max).then(|| args.rate.unwrap_or(DEFAULT_RATE)),
        max: args.max,
        duration: args.duration,
        warmup: args.warmup,
        senders: args.senders,
        in_flight: args.in_flight,
        nodes: network.urls.clone(),
        dir: dir.to_owned(),
        seed: 1,
        settle: SETTLE_SECONDS,
        timeline: false,
    })?;
    output.failure.map_or(Ok(output.json), Err)
}
