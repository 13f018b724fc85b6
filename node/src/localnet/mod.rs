//! `minuet localnet`: a whole network on this machine, one process per validator.
//!
//! Owns: the directory's layout, the children, the status line and the summary. Never does: take part in the protocol.

mod children;
mod layout;
mod meter;
mod observe;
mod process;
mod watch;

pub use children::{LOG_FILE, SPANS_FILE, TRACE_FILE, command};
pub use layout::{GENESIS_FILE, Manifest, home, prepare};
pub use process::usage;

use crate::cli::{Global, LocalnetArgs};
use crate::client::block_on;
use crate::config::cannot_listen;
use crate::devkeys::DevSeed;
use crate::exit::{Exit, Failure};
use crate::output::{Output, note, note_line};
use children::Validator;
use meter::Meter;
use observe::{Plan, Prometheus};
use std::io::IsTerminal as _;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Counting starts without those that have not answered by then.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// A plain line on something that is no terminal.
const PLAIN_EVERY_SECONDS: u64 = 5;
const SHOWN_ACCOUNTS: u32 = 5;

/// Makes or reuses the network, runs it until told to stop, and sums up.
///
/// # Errors
/// The directory, the ports, or that nothing could be started.
pub fn run(args: &LocalnetArgs, global: &Global) -> Result<Output, Failure> {
    let observer = if args.observe { Some(observe::find()?) } else { None };
    std::fs::create_dir_all(&args.dir)
        .map_err(|error| Failure::new(Exit::DataDirectory, format!("cannot create {}: {error}", args.dir.display())))?;
    let _lock = crate::datadir::take_lock(&args.dir)?;
    let manifest = layout::prepare(args)?;
    check_ports(&manifest)?;
    let observer = observer.map(|program| Plan::new(program, &args.dir, &manifest)).transpose()?;
    introduce(&args.dir, &manifest)?;
    let traced = ["--trace-received".to_owned(), children::TRACE_FILE.to_owned()];
    let traced = if args.trace_received { traced.to_vec() } else { Vec::new() };
    block_on(async {
        let mut validators = Vec::new();
        for index in 0..manifest.validators {
            match children::start(&args.dir, index, global, &traced) {
                Ok(validator) => validators.push(validator),
                Err(failure) => {
                    children::stop(&mut validators).await;
                    return Err(failure);
                }
            }
        }
        let result = match observer.map(|plan| plan.start()).transpose() {
            Ok(mut prometheus) => {
                let result = watch_over(args, &manifest, &mut validators, &mut prometheus).await;
                // First, so that it does not see the others go.
                if let Some(prometheus) = &mut prometheus {
                    prometheus.stop().await;
                }
                result
            }
            Err(failure) => Err(failure),
        };
        let killed = children::stop(&mut validators).await;
        if !killed.is_empty() {
            note_line(format_args!("validators {killed:?} did not stop within 10 s and were killed"));
        }
        result
    })
}

/// That all ports are free.
///
/// # Errors
/// Names the first that is not.
pub fn check_ports(manifest: &Manifest) -> Result<(), Failure> {
    for index in 0..manifest.validators {
        let (p2p, rpc) = manifest.addresses(index);
        let advice = |failure: Failure| {
            Failure::new(failure.exit, format!("validator {index}: {failure}, for example with --base-port 20000"))
        };
        UdpSocket::bind(p2p).map_err(|error| advice(cannot_listen("UDP", p2p, &error)))?;
        for address in [rpc, manifest.metrics_address(index), manifest.dashboard(index)] {
            TcpListener::bind(address).map_err(|error| advice(cannot_listen("TCP", address, &error)))?;
        }
    }
    Ok(())
}

fn introduce(dir: &Path, manifest: &Manifest) -> Result<(), Failure> {
    note_line(format_args!("validator  p2p (udp)              api                      dashboard                log"));
    for index in 0..manifest.validators {
        let (p2p, rpc) = manifest.addresses(index);
        let log = layout::home(dir, index).join(LOG_FILE);
        note_line(format_args!(
            "{index:>9}  {:<21}  http://{:<16}  http://{:<16}  {}",
            p2p.to_string(),
            rpc.to_string(),
            manifest.dashboard(index).to_string(),
            log.display()
        ));
    }
    let metrics: Vec<String> =
        (0..manifest.validators).map(|index| format!("http://{}/metrics", manifest.metrics_address(index))).collect();
    note_line(format_args!("metrics for Prometheus, with /livez and /readyz beside them: {}", metrics.join(" ")));
    let seed = DevSeed::read(dir)?;
    note_line(format_args!("funded accounts (use them with --dev-account NUMBER --dir {}):", dir.display()));
    for index in 0..manifest.accounts.min(SHOWN_ACCOUNTS) {
        note_line(format_args!("{index:>9}  {}", seed.sender_address(index)));
    }
    if manifest.accounts > SHOWN_ACCOUNTS {
        note_line(format_args!("           … {} in all, and {} recipients", manifest.accounts, manifest.recipients));
    }
    Ok(())
}

/// Until the time is over, a signal comes, or all children are dead.
async fn watch_over(
    args: &LocalnetArgs,
    manifest: &Manifest,
    validators: &mut [Validator],
    prometheus: &mut Option<Prometheus>,
) -> Result<Output, Failure> {
    let no_signals = |error: std::io::Error| Failure::new(Exit::Generic, format!("cannot listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let (sender, mut news) = mpsc::channel(4096);
    for (node, url) in manifest.rpc_urls().into_iter().enumerate() {
        tokio::spawn(watch::follow(node, url, sender.clone()));
    }
    let mut meter = Meter::new(validators.len());
    let mut line = StatusLine::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let begun = Instant::now();
    let mut end: Option<Instant> = None;
    let mut interrupted = false;
    loop {
        let over = async {
            match end {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(item) = news.recv() => meter.take(item),
            _ = interrupt.recv() => { interrupted = true; break; }
            _ = terminate.recv() => { interrupted = true; break; }
            () = over => break,
            _ = tick.tick() => {
                let dead = validators.iter_mut().filter_map(Validator::poll_end);
                let dead = dead.chain(prometheus.iter_mut().filter_map(Prometheus::poll_end));
                dead.for_each(|report| line.report(&report));
                line.show(&mut meter);
                if validators.iter().all(|validator| validator.pid.is_none()) {
                    break;
                }
            }
        }
        if !meter.is_open() && (meter.live() == validators.len() || begun.elapsed() > START_TIMEOUT) {
            let pids: Vec<u32> = validators.iter().filter_map(|validator| validator.pid).collect();
            meter.open_window(&pids);
            end = args.for_seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        }
    }
    line.finish();
    let mut output = meter.summary();
    // Stopped by hand: whether the chain advanced is not the question, unless it forked.
    if interrupted && output.failure.as_ref().is_some_and(|failure| failure.exit == Exit::NotAdvanced) {
        output.failure = None;
    }
    Ok(output)
}

/// One line that is rewritten on a terminal, plain lines elsewhere.
struct StatusLine {
    terminal: bool,
    ticks: u64,
    last: Instant,
}

impl StatusLine {
    fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), ticks: 0, last: Instant::now() }
    }

    fn show(&mut self, meter: &mut Meter) {
        self.ticks += 1;
        if !self.terminal && !self.ticks.is_multiple_of(PLAIN_EVERY_SECONDS) {
            return;
        }
        let text = meter.line(self.last.elapsed().as_secs_f64());
        self.last = Instant::now();
        if self.terminal {
            // Carriage return, text, clear to the end of the line.
            note(format_args!("\r{text}\x1b[K"));
        } else {
            note_line(format_args!("{text}"));
        }
    }

    fn report(&self, text: &str) {
        if self.terminal {
            note(format_args!("\r\x1b[K"));
        }
        note_line(format_args!("{text}"));
    }

    fn finish(&self) {
        if self.terminal {
            note_line("");
        }
    }
}
