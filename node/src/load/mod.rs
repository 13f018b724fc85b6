//! `minuet load`: sends signed transfers, times each until it is final on every live node, and reconciles all of them
//! with the chain.
//!
//! Owns: the schedule, the book of transfers, the figures. Never does: believe an answer where the chain can be asked.

mod book;
mod engine;
mod nodes;
mod outages;
mod reconcile;
mod report;
mod senders;
mod stops;

use crate::cli::LoadArgs;
use crate::client::{block_on, connect, refused};
use crate::devkeys::DevSeed;
use crate::exit::{Exit, Failure};
use crate::localnet::{Manifest, usage};
use crate::output::{Output, note_line};
use engine::{Engine, Node, Pace, Schedule};
use indicatif::{ProgressBar, ProgressStyle};
use minuet_rpc::client::{Client, hash};
use minuet_rpc::proto::GetStatusResponse;
use nodes::from_any;
use report::{Findings, report};
use senders::{Chain, Senders};
use std::time::{Duration, Instant};
use stops::Stops;

/// A run must go on though the base fee rises: this many times today's is offered at most.
const FEE_MARGIN: u128 = 100;
const MICROS: u64 = 1_000_000;

/// Runs a load and sums up.
///
/// # Errors
/// No localnet, no node, or a run that cannot be reconciled.
pub fn run(args: &LoadArgs) -> Result<Output, Failure> {
    let manifest = Manifest::read(&args.dir)?;
    if args.senders > manifest.accounts {
        let reason = format!("--senders {}: this localnet has {} funded accounts", args.senders, manifest.accounts);
        return Err(Failure::new(Exit::Usage, reason));
    }
    let seed = DevSeed::read(&args.dir)?;
    let urls = if args.nodes.is_empty() { manifest.rpc_urls() } else { args.nodes.clone() };
    block_on(async {
        let (nodes, status) = reach(&urls).await?;
        let chain = Chain {
            chain_id: status.chain_id,
            genesis: hash(&status.genesis_hash).map_err(|error| refused(&error))?,
            max_fee_per_gas: u128::from(status.base_fee.max(status.min_base_fee)).saturating_mul(FEE_MARGIN),
        };
        let mut senders = Senders::new(&seed, args.senders, manifest.recipients, chain, args.seed);
        let addresses: Vec<_> = (0..senders.len()).map(|sender| senders.address(sender)).collect();
        let clients: Vec<Client> = nodes.iter().map(|node| node.client.clone()).collect();
        let nonces =
            from_any(&clients, Duration::ZERO, async |client| reconcile::nonces(&client, addresses.clone()).await);
        for (sender, (_, next)) in nonces.await.map_err(|error| refused(&error))?.into_iter().enumerate() {
            senders.set_nonce(sender, next);
        }
        go(args, nodes, senders).await
    })
}

/// Connects to all nodes; those that do not answer are left out with a warning.
async fn reach(urls: &[String]) -> Result<(Vec<Node>, GetStatusResponse), Failure> {
    let mut nodes = Vec::new();
    let mut first: Option<GetStatusResponse> = None;
    let mut last_failure = Failure::new(Exit::Usage, "name at least one node with --nodes");
    for url in urls {
        let answer = async {
            let mut client = connect(url).await?;
            let status = client.status().await.map_err(|error| refused(&error))?;
            Ok::<_, Failure>((client, status))
        };
        match answer.await {
            Ok((client, status)) => {
                let same = first.get_or_insert_with(|| status.clone()).genesis_hash == status.genesis_hash;
                if !same {
                    return Err(Failure::new(
                        Exit::Usage,
                        format!("{url} is a node of another chain than {}", urls[0]),
                    ));
                }
                nodes.push(Node { client, height: status.height });
            }
            Err(failure) => {
                note_line(format_args!("left out: {failure}"));
                last_failure = failure;
            }
        }
    }
    first.map(|status| (nodes, status)).ok_or(last_failure)
}

async fn go(args: &LoadArgs, nodes: Vec<Node>, senders: Senders) -> Result<Output, Failure> {
    let first_height = nodes.iter().map(|node| node.height).min().unwrap_or(0);
    let count = nodes.len();
    let schedule = Schedule {
        window_start_us: args.warmup * MICROS,
        window_end_us: (args.warmup + args.duration) * MICROS,
        settle_us: args.settle * MICROS,
    };
    let pace = args.rate.map_or(Pace::InFlight(args.in_flight), Pace::Rate);
    let mut engine = Engine::new(nodes, senders, pace, schedule);
    let (begun, used) = (Instant::now(), usage(std::process::id()));
    let bar = progress_bar(args.warmup + args.duration);
    engine.run(&mut Stops::new()?, |engine| show(&bar, engine)).await;
    bar.finish_and_clear();
    let cpu_ms = usage(std::process::id()).cpu_ms.saturating_sub(used.cpu_ms);
    let client_cpu_percent = (cpu_ms as f64 / begun.elapsed().as_secs_f64().max(0.001)).round() / 10.0;
    let live = engine.live();
    // Nodes may come and go while the chain is read: then it is read anew.
    let nodes = by_height(&engine).await;
    let read = from_any(&nodes, Duration::from_secs(args.settle), async |mut client| {
        let on_chain = reconcile::scan(&mut client, &engine.book, first_height).await?;
        let wrong_nonces = reconcile::wrong_nonces(&client, &engine.senders, &engine.book, &on_chain).await?;
        Ok((on_chain, wrong_nonces))
    });
    let (on_chain, wrong_nonces) = read.await.map_err(|error| {
        let why = refused(&error);
        Failure::new(why.exit, format!("the transfers cannot be reconciled with the chain: {error}"))
    })?;
    Ok(report(Findings {
        ends: engine.book.reconcile(&on_chain),
        schedule: engine.schedule(),
        finality_us: std::mem::take(&mut engine.finality_us),
        blocks: engine.blocks,
        nodes: (count, live.len()),
        wrong_nonces,
        fork: engine.fork().map(str::to_owned),
        outages: engine.outages(),
        client_cpu_percent,
        timeline: args.timeline,
        book: &engine.book,
    }))
}

/// All nodes, first those that have the most blocks: others may still be catching up.
async fn by_height(engine: &Engine) -> Vec<Client> {
    let mut nodes = Vec::new();
    for mut client in engine.clients() {
        let height = client.status().await.map_or(0, |status| status.height);
        nodes.push((std::cmp::Reverse(height), client));
    }
    nodes.sort_by_key(|(height, _)| *height);
    nodes.into_iter().map(|(_, client)| client).collect()
}

fn progress_bar(seconds: u64) -> ProgressBar {
    let bar = ProgressBar::new(seconds);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} s  {msg}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, engine: &Engine) {
    if bar.is_hidden() {
        return;
    }
    bar.set_position(engine.now_us() / MICROS);
    let made = engine.book.transfers.len();
    let ended = made - engine.book.open();
    bar.set_message(format!(
        "{made} sent  {ended} ended  {} under way  height {}",
        engine.book.open(),
        engine.height()
    ));
}
