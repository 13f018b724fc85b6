//! What a crowd in front of one node's dashboard costs that node: clients of the stream of events, some of which never read,
//! in turns with nobody. `scripts/figures-dashboard.sh` starts a network and runs this; by itself it only says so.
//!
//! Measured on the node that is watched: from a block's header to its being stored (of the views that `/api/state` holds),
//! the processor time of its consensus thread for each view (`/proc/PID/task`), and its resident memory.

use serde_json::Value;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The kernel counts a thread's time in hundredths of a second where nothing finer is there.
const CLOCK_TICKS_PER_SECOND: u64 = 100;

#[derive(Clone, Copy)]
struct Setup {
    pid: u32,
    rounds: usize,
    seconds: u64,
    readers: usize,
    silent: usize,
}

/// One span of time, with or without clients.
#[derive(Clone, Debug, Default)]
struct Span {
    finality_us: Vec<u64>,
    views: u64,
    consensus_us: u64,
    resident_bytes: u64,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [authority, pid, rounds, seconds, readers, silent] = &arguments[..] else {
        println!("clients: run scripts/figures-dashboard.sh, which gives HOST:PORT PID ROUNDS SECONDS READERS SILENT");
        return Ok(());
    };
    let setup = Setup {
        pid: pid.parse()?,
        rounds: rounds.parse()?,
        seconds: seconds.parse()?,
        readers: readers.parse()?,
        silent: silent.parse()?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(authority, setup))
}

async fn measure(authority: &str, setup: Setup) -> Outcome<()> {
    let (mut without, mut with) = (Span::default(), Span::default());
    let (mut dropped, mut read_bytes, mut torn) = (0, 0, 0);
    for _ in 0..setup.rounds {
        span(authority, setup, &mut without).await?;
        let crowd = Crowd::gather(authority, setup).await?;
        span(authority, setup, &mut with).await?;
        read_bytes += crowd.read.load(Relaxed);
        torn += crowd.broken.load(Relaxed);
        dropped += crowd.disperse().await;
    }
    let rounds = setup.rounds as u64;
    let (before, after) = (quantiles(&mut without.finality_us), quantiles(&mut with.finality_us));
    let per_view = |span: &Span| span.consensus_us as f64 / span.views.max(1) as f64;
    println!("| | nobody | {} clients, {} of them never read | |", setup.readers + setup.silent, setup.silent);
    println!("|---|---|---|---|");
    println!(
        "| header → stored, p50 / p99 | {:.2} / {:.2} ms | {:.2} / {:.2} ms | p50 × {:.2} |",
        ms(before.0),
        ms(before.1),
        ms(after.0),
        ms(after.1),
        after.0 as f64 / before.0.max(1) as f64
    );
    println!(
        "| consensus thread, each view | {:.0} µs of {} views | {:.0} µs of {} views | {:+.1} % |",
        per_view(&without),
        without.views,
        per_view(&with),
        with.views,
        (per_view(&with) / per_view(&without).max(0.001) - 1.0) * 100.0
    );
    println!(
        "| resident memory, mean at the end of a span | {:.1} MiB | {:.1} MiB | {:+.1} MiB |",
        mib(without.resident_bytes / rounds),
        mib(with.resident_bytes / rounds),
        mib(with.resident_bytes / rounds) - mib(without.resident_bytes / rounds)
    );
    println!(
        "\n{rounds} rounds of {} s each way; readers took {:.1} MiB, {torn} of them were cut off; {dropped} of {} that never \
         read were dropped by the server.",
        setup.seconds,
        mib(read_bytes),
        setup.silent as u64 * rounds
    );
    Ok(())
}

/// Lets time pass and adds what it brought.
async fn span(authority: &str, setup: Setup, sum: &mut Span) -> Outcome<()> {
    let state = state(authority).await?;
    let (first, before_us) = (number(&state["health"]["current_view"]), consensus_us(setup.pid)?);
    let begun = Instant::now();
    let mut last = first;
    let mut seen = first;
    while begun.elapsed() < Duration::from_secs(setup.seconds) {
        // Before the ring has gone round.
        let _ = tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
        let state = self::state(authority).await?;
        last = number(&state["health"]["current_view"]);
        for slot in state["slots"].as_array().into_iter().flatten() {
            let (view, stored) = (number(&slot["view"]), &slot["finalized_after_us"]);
            // What is younger than this may not be stored yet: it is counted the next time.
            if view > seen && view + 32 <= last && stored.is_u64() && slot["proposal"].is_object() {
                sum.finality_us.push(number(stored).saturating_sub(number(&slot["proposal"]["after_us"])));
            }
        }
        seen = seen.max(last.saturating_sub(32));
    }
    sum.views += last - first;
    sum.consensus_us += consensus_us(setup.pid)? - before_us;
    sum.resident_bytes += resident_bytes(setup.pid)?;
    Ok(())
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn quantiles(samples: &mut [u64]) -> (u64, u64) {
    samples.sort_unstable();
    let at = |percent: usize| samples.get(samples.len().saturating_sub(1) * percent / 100).copied().unwrap_or(0);
    (at(50), at(99))
}

/// Time on a processor of the thread "minuet-consensus", to the nanosecond where the kernel tells it.
fn consensus_us(pid: u32) -> Outcome<u64> {
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = task?.path();
        // Thread names are cut to 15 characters.
        if !fs::read_to_string(path.join("comm"))?.starts_with("minuet-consensu") {
            continue;
        }
        if let Ok(text) = fs::read_to_string(path.join("schedstat")) {
            return Ok(text.split(' ').next().unwrap_or("0").parse::<u64>()? / 1000);
        }
        let stat = fs::read_to_string(path.join("stat"))?;
        let fields: Vec<&str> = stat.rsplit_once(") ").map_or(stat.as_str(), |(_, rest)| rest).split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        return Ok(ticks * 1_000_000 / CLOCK_TICKS_PER_SECOND);
    }
    Err("the process has no consensus thread".into())
}

fn resident_bytes(pid: u32) -> Outcome<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim_end_matches("kB").trim().parse::<u64>()? << 10)
}

async fn state(authority: &str) -> Outcome<Value> {
    let mut stream = TcpStream::connect(authority).await?;
    let request = format!("GET /api/state HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let begin = answer.windows(4).position(|part| part == b"\r\n\r\n").ok_or("no answer")?;
    Ok(serde_json::from_slice(&answer[begin + 4..])?)
}

async fn open(authority: &str) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(authority).await?;
    stream.write_all(format!("GET /api/events HTTP/1.1\r\nHost: {authority}\r\n\r\n").as_bytes()).await?;
    Ok(stream)
}

/// Clients that are connected.
struct Crowd {
    readers: JoinSet<()>,
    silent: Vec<TcpStream>,
    read: Arc<AtomicU64>,
    broken: Arc<AtomicU64>,
}

impl Crowd {
    async fn gather(authority: &str, setup: Setup) -> Outcome<Self> {
        let (read, broken) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let mut crowd = Self { readers: JoinSet::new(), silent: Vec::new(), read, broken };
        for _ in 0..setup.silent {
            crowd.silent.push(open(authority).await?);
        }
        for _ in 0..setup.readers {
            let mut stream = open(authority).await?;
            let (read, broken) = (crowd.read.clone(), crowd.broken.clone());
            crowd.readers.spawn(async move {
                let mut buffer = vec![0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    read.fetch_add(length as u64, Relaxed);
                }
                broken.fetch_add(1, Relaxed);
            });
        }
        Ok(crowd)
    }

    /// Closes all; how many of those that never read had been dropped.
    async fn disperse(self) -> u64 {
        drop(self.readers);
        let mut dropped = 0;
        for mut stream in self.silent {
            let mut buffer = vec![0; 65_536];
            let end = async { while let Ok(1..) = stream.read(&mut buffer).await {} };
            // One that is still served goes on getting events.
            dropped += u64::from(tokio::time::timeout(Duration::from_millis(20), end).await.is_ok());
        }
        dropped
    }
}
