//! `minuet chaos`: a network of six processes on this machine, under a constant load, whose validators are killed, stopped
//! and cut off from each other; and everything that must hold all the while and in the end.
//!
//! Owns: the actions and their order, the failing network, the judgement. Never does: take part in the protocol, or
//! believe a node where another one, the traces or the chain can be asked.
//!
//! What is checked: no key contradicts itself in any signed message that any validator received (each writes them all
//! down, and every signature is checked in the end); what was shown as final is never missing or different, on any node;
//! every transfer is final exactly once; no wei came from nowhere; all have one chain; nothing ends by itself.

pub mod chance;
mod fleet;
mod plan;
mod proxy;
pub mod seen;
mod verdict;
pub mod witness;

use crate::cli::{ChaosArgs, Global, LocalnetArgs};
use crate::config::read_genesis;
use crate::exit::{Exit, Failure};
use crate::localnet::{GENESIS_FILE, check_ports, prepare};
use crate::output::{Output, note_line};
use crate::run::unix_us;
use crate::trace::{Book, Tail, read_on};
use chance::pass;
pub use fleet::Fleet;
use fleet::{Load, violation};
use minuet_core::genesis::Genesis;
use plan::{Action, Counts, Step, plan, summary};
use proxy::Proxy;
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use witness::Witness;

const VALIDATORS: u16 = 6;
const ACCOUNTS: u32 = 20;
const RECIPIENTS: u32 = 50;
/// Without counts.
const DEFAULT_SECONDS: u64 = 90;
/// Whatever was done, all is well again by then, or it is a violation.
const RECOVERY_LIMIT: Duration = Duration::from_secs(60);
/// How finely times are told.
const POLL: Duration = Duration::from_millis(5);
/// How often everything is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs chaos and sums up.
///
/// # Errors
/// The first violation, with where everything is kept and how to do it again.
pub fn run(args: &ChaosArgs, global: &Global) -> Result<Output, Failure> {
    let seed = match args.seed {
        Some(seed) => seed,
        None => getrandom::u64().map_err(|error| Failure::new(Exit::Generic, format!("no randomness: {error}")))? >> 32,
    };
    if args.dir.exists() {
        let reason = format!("{} exists, maybe of a run that found something: name another --dir", args.dir.display());
        return Err(Failure::new(Exit::DataDirectory, reason));
    }
    let steps = plan(seed, counts(args), VALIDATORS);
    let limit = args.duration.or_else(|| has_no_counts(args).then_some(DEFAULT_SECONDS));
    let what = if has_no_counts(args) { "all kinds of action".to_owned() } else { summary(&steps) };
    let until = limit.map(|seconds| format!(", at most {seconds} s")).unwrap_or_default();
    note_line(format_args!("chaos: seed {seed}: {what}{until}, under {} transfers/s", args.rate));
    let outcome = Chaos::start(args, global, seed).and_then(|mut chaos| {
        chaos.act(&steps, limit.map(Duration::from_secs))?;
        chaos.finish()
    });
    match outcome {
        Ok(output) => {
            if args.keep {
                note_line(format_args!("chaos: everything is kept in {}", args.dir.display()));
            } else {
                fs::remove_dir_all(&args.dir).map_err(|error| cannot(&args.dir, "delete", &error))?;
            }
            Ok(output)
        }
        Err(Failure { exit, message }) => {
            let dir = args.dir.display();
            let message = format!(
                "{message}\nseed {seed}; everything is kept in {dir}: per validator node.log, data, received.jsonl"
            );
            Err(Failure { exit, message })
        }
    }
}

fn cannot(path: &Path, what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::DataDirectory, format!("cannot {what} {}: {error}", path.display()))
}

const fn has_no_counts(args: &ChaosArgs) -> bool {
    args.kills.is_none() && args.outages.is_none() && args.pauses.is_none() && args.partitions.is_none()
}

fn counts(args: &ChaosArgs) -> Counts {
    if has_no_counts(args) {
        return Counts::ENDLESS;
    }
    Counts {
        kills: args.kills.unwrap_or(0),
        outages: args.outages.unwrap_or(0),
        pauses: args.pauses.unwrap_or(0),
        partitions: args.partitions.unwrap_or(0),
    }
}

/// What was measured, by its name.
type Times = BTreeMap<&'static str, Vec<Duration>>;

/// A run in progress. Dropped in this order: what watches and loads before what is watched.
struct Chaos {
    load: Option<Load>,
    witness: Option<Witness>,
    fleet: Fleet,
    proxy: Proxy,
    tails: Vec<Tail>,
    book: Option<Book>,
    genesis: Genesis,
    urls: Vec<String>,
    stop: Arc<AtomicBool>,
    looked: Instant,
    seed: u64,
    done: BTreeMap<&'static str, u32>,
    times: Times,
}

impl Chaos {
    /// Makes the network, starts it and its load, and waits until blocks become final everywhere.
    fn start(args: &ChaosArgs, global: &Global, seed: u64) -> Result<Self, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, stop.clone())
                .map_err(|error| Failure::new(Exit::Generic, format!("signals cannot be received: {error}")))?;
        }
        fs::create_dir_all(&args.dir).map_err(|error| cannot(&args.dir, "create", &error))?;
        let manifest = prepare(&layout(args))?;
        check_ports(&manifest)?;
        let genesis = read_genesis(&args.dir.join(GENESIS_FILE))?;
        let listen: Vec<_> = (0..VALIDATORS).map(|index| manifest.addresses(index).0).collect();
        let no_network = |error| Failure::new(Exit::Network, format!("the network between validators: {error}"));
        let proxy = Proxy::between(&listen, seed).map_err(no_network)?;
        let mut fleet = Fleet::new(&args.dir, global, &manifest, &proxy);
        fleet.start()?;
        let urls = manifest.rpc_urls();
        let witness = Witness::following((0..VALIDATORS).zip(urls.clone())).map_err(no_network)?;
        let mut chaos = Self {
            load: None,
            witness: Some(witness),
            tails: fleet.traces().map(|path| Tail::of(&path)).collect(),
            book: Some(Book::of(&genesis)),
            fleet,
            proxy,
            genesis,
            urls,
            stop,
            looked: Instant::now(),
            seed,
            done: BTreeMap::new(),
            times: Times::new(),
        };
        chaos.until(RECOVERY_LIMIT, "a first block on all", |chaos| chaos.all_show(1))?;
        chaos.load = Some(Load::start(&args.dir, args.rate)?);
        let height = chaos.highest() + 10;
        chaos.until(RECOVERY_LIMIT, "ten blocks under load", |chaos| chaos.all_show(height))?;
        Ok(chaos)
    }

    /// Goes through the plan; no step begins after the limit.
    fn act(&mut self, steps: &[Step], limit: Option<Duration>) -> Result<(), Failure> {
        let begun = Instant::now();
        for (number, step) in (1..).zip(steps) {
            if limit.is_some_and(|limit| begun.elapsed() >= limit) {
                break;
            }
            self.spend(step.wait_ms)?;
            let told = self.perform(step).map_err(|failure| Failure {
                exit: failure.exit,
                message: format!("in step {number} ({}): {}", step.action, failure.message),
            })?;
            let seconds = begun.elapsed().as_secs();
            note_line(format_args!(
                "chaos: {number:>4}  {seconds:>5} s  {} for {} ms: {told}",
                step.action, step.hold_ms
            ));
        }
        Ok(())
    }

    /// Does it, undoes it, waits until all is well again; what that took.
    fn perform(&mut self, step: &Step) -> Result<String, Failure> {
        let all: Vec<u16> = (0..VALIDATORS).collect();
        let (name, killed) = match &step.action {
            Action::Kill(one) => ("kills", std::slice::from_ref(one)),
            Action::Outage => ("outages", &all[..]),
            Action::Pause(_) => ("pauses", &[][..]),
            Action::Network(_) => ("network faults", &[][..]),
        };
        match &step.action {
            Action::Kill(_) | Action::Outage => self.fleet.kill(killed)?,
            Action::Pause(some) => self.fleet.pause(some)?,
            Action::Network(fault) => self.proxy.fail(fault),
        }
        self.spend(step.hold_ms)?;
        // What is heard above this was said after the start.
        let view = self.newest_view();
        let (height, since, since_us) = (self.highest(), Instant::now(), unix_us());
        match &step.action {
            Action::Kill(_) | Action::Outage => self.fleet.start()?,
            Action::Pause(some) => self.fleet.resume(some)?,
            Action::Network(_) => self.proxy.heal(),
        }
        *self.done.entry(name).or_default() += 1;
        let told = self.recover(name, killed, height, view, since, since_us)?;
        Ok(told)
    }

    fn recover(
        &mut self,
        name: &'static str,
        killed: &[u16],
        height: u64,
        view: u64,
        since: Instant,
        since_us: u64,
    ) -> Result<String, Failure> {
        let mut told = Vec::new();
        self.until(RECOVERY_LIMIT, "a new final block", |chaos| chaos.highest() > height)?;
        if name == "outages" {
            told.push(self.measured("outage: final again", since.elapsed()));
        }
        self.until(RECOVERY_LIMIT, "a new final block on all", |chaos| chaos.all_show(height + 1))?;
        let all = match name {
            "kills" => "kill: all level",
            "outages" => "outage: all level",
            "pauses" => "pause: all level",
            _ => "network fault: all level",
        };
        told.push(self.measured(all, since.elapsed()));
        if !killed.is_empty() {
            let heard = |chaos: &Self, index: &u16| chaos.book.as_ref()?.heard_above(*index, view, since_us);
            self.until(RECOVERY_LIMIT, "a vote of each that was killed", |chaos| {
                killed.iter().all(|index| heard(chaos, index).is_some())
            })?;
            let last = killed.iter().filter_map(|index| heard(self, index)).max().unwrap_or(since_us);
            let voting = if name == "kills" { "kill: voting again" } else { "outage: all voting again" };
            told.push(self.measured(voting, Duration::from_micros(last.saturating_sub(since_us))));
        }
        Ok(told.join(", "))
    }

    fn measured(&mut self, name: &'static str, took: Duration) -> String {
        self.times.entry(name).or_default().push(took);
        let short = name.split_once(": ").map_or(name, |(_, short)| short);
        format!("{short} after {} ms", took.as_millis())
    }

    fn highest(&self) -> u64 {
        self.witness.as_ref().map_or(0, Witness::highest)
    }

    /// The highest view that anything was final in or any validator was heard in.
    fn newest_view(&self) -> u64 {
        let shown = self.witness.as_ref().map_or(0, |witness| witness.so_far(seen::Seen::highest_view));
        let heard = self.book.iter().flat_map(|book| (0..VALIDATORS).map(|index| book.newest_view_of(index)));
        heard.max().unwrap_or(0).max(shown)
    }

    fn all_show(&self, height: u64) -> bool {
        let shows =
            |witness: &Witness| witness.so_far(|seen| (0..VALIDATORS).all(|index| seen.newest(index) >= height));
        self.witness.as_ref().is_some_and(shows)
    }

    /// Lets time pass, and looks.
    fn spend(&mut self, ms: u64) -> Result<(), Failure> {
        let end = Instant::now() + Duration::from_millis(ms);
        self.until(Duration::MAX, "", |_| Instant::now() >= end)
    }

    /// Waits until something holds, and looks at everything else meanwhile.
    fn until(&mut self, limit: Duration, what: &str, holds: impl Fn(&Self) -> bool) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            if holds(self) {
                return Ok(());
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(Failure::new(Exit::Generic, "told to stop"));
            }
            if begun.elapsed() > limit {
                return Err(violation(format!("{what}: not within {} s", limit.as_secs())));
            }
            if self.looked.elapsed() >= LOOK_EVERY {
                self.look()?;
                self.looked = Instant::now();
            }
            pass(POLL);
        }
    }

    /// Whether all is well so far.
    fn look(&mut self) -> Result<(), Failure> {
        self.fleet.all_run()?;
        if let Some(load) = &mut self.load {
            load.goes_on()?;
        }
        if let Some(book) = &mut self.book {
            for tail in &mut self.tails {
                read_on(tail, book)?;
            }
            if let Some(finding) = book.look().first() {
                return Err(violation(finding));
            }
        }
        let wrong = self.witness.as_ref().and_then(|witness| witness.so_far(|seen| seen.violations.first().cloned()));
        wrong.map_or(Ok(()), |wrong| Err(violation(wrong)))
    }

    fn output(&self, judged: verdict::Judged) -> Output {
        let verdict::Judged { top, load, report } = judged;
        let done: Vec<String> = self.done.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let (passed, lost) = self.proxy.packets();
        let mut text = format!(
            "{}: {top} blocks, equal on all, none lost; {} transfers, each final exactly once; balances add up\n\
             {} signed messages received, {} signatures checked, 0 contradictions; {} nullified after voting with evidence\n\
             {passed} packets passed the network between them, {lost} were lost in it",
            done.join(", "),
            load["finalized"],
            report.messages,
            report.statements + report.certificates,
            report.justified,
        );
        let mut times = serde_json::Map::new();
        for (name, measured) in &self.times {
            let mut sorted = measured.clone();
            sorted.sort_unstable();
            let ms = |place: usize| sorted.get(place).map_or(0, Duration::as_millis);
            let (median, longest) = (ms(sorted.len() / 2), ms(sorted.len().saturating_sub(1)));
            text.push_str(&format!("\n{name:<26} median {median} ms, longest {longest} ms of {}", sorted.len()));
            let entry = json!({"median_ms": median as u64, "longest_ms": longest as u64, "count": sorted.len()});
            times.insert((*name).to_owned(), entry);
        }
        let json = json!({
            "ok": true, "seed": self.seed, "done": self.done, "blocks": top, "transfers": load["finalized"],
            "messages": report.messages, "statements": report.statements, "certificates": report.certificates,
            "equivocations": 0, "lost_finals": 0, "justified_nullifies": report.justified, "times": times,
            "packets_passed": passed, "packets_lost": lost,
        });
        Output::new(text, json)
    }
}

fn layout(args: &ChaosArgs) -> LocalnetArgs {
    LocalnetArgs {
        validators: Some(VALIDATORS),
        dir: args.dir.clone(),
        reset: false,
        for_seconds: None,
        base_port: Some(args.base_port),
        accounts: Some(ACCOUNTS),
        recipients: Some(RECIPIENTS),
        statement_scheme: None,
        trace_received: true,
        observe: false,
    }
}
