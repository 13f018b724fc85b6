//! What the tests share: the program, free ports, processes with their logs, and networks of six.
//!
//! Nothing here waits by sleeping: a process says on its log that it runs, final blocks come over a subscription, and
//! the end of a process is waited for. Each wait has a limit, and its failure shows the process's log.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part")]

mod checker;
mod log;
mod network;
mod node;
#[path = "../../../src/metrics/tests/scrape.rs"]
pub mod scrape;
mod shared;
mod witness;

pub use checker::{each_final_once, same_everywhere};
pub use log::Log;
pub use network::{Network, VALIDATORS, turn};
pub use node::{Lone, Node, View};
pub use shared::seen::{Found, Seen, Shown, in_chains};
pub use witness::Witness;

use serde_json::Value;
use std::collections::BTreeSet;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub const MINUET: &str = env!("CARGO_BIN_EXE_minuet");
/// API ports begin so far above the base port (`localnet --base-port`).
pub const RPC_OFFSET: u16 = 100;
/// And those of metrics.
pub const METRICS_OFFSET: u16 = 200;
/// Dashboards begin so far above it. No two offsets are the same modulo [`PORTS_OF_ONE`].
pub const DASHBOARD_OFFSET: u16 = 300;
/// And Prometheus' own.
pub const PROMETHEUS_OFFSET: u16 = 250;
/// Far above what anything here takes.
pub const LIMIT: Duration = Duration::from_secs(60);

const FIRST_PORT: u16 = 10_000;
const PORTS_OF_ONE: u16 = 120;
const SLOTS: u16 = 160;

/// A new process has copies of this one's sockets until it runs its program: ports are tried only while none is being
/// started, else a port that was let go is still in use for a moment.
static STARTING: Mutex<()> = Mutex::new(());

/// Starts a process; its program runs when this returns.
pub fn spawn(command: &mut Command) -> Child {
    let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    command.spawn().unwrap()
}

/// Runs a process to its end.
pub fn output(command: &mut Command) -> Output {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    spawn(command).wait_with_output().unwrap()
}

/// A base port whose ports are free and stay so: below those that the system gives to clients, so that a stopped node
/// finds its own again, and never given out twice here. The system's choice of a port says where the search begins.
pub fn free_base_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let is_free = |base: u16| {
        // One more than validators: some tests start one of them twice.
        let udp = (0..=VALIDATORS).map(|index| UdpSocket::bind(("127.0.0.1", base + index)));
        let offsets = [RPC_OFFSET, METRICS_OFFSET, DASHBOARD_OFFSET].into_iter();
        let tcp = offsets.flat_map(|offset| (0..=VALIDATORS).map(move |index| base + offset + index));
        let tcp = tcp.chain([base + PROMETHEUS_OFFSET]).map(|port| TcpListener::bind(("127.0.0.1", port)));
        let (udp, tcp): (Vec<_>, Vec<_>) = (udp.collect(), tcp.collect());
        udp.iter().all(Result::is_ok) && tcp.iter().all(Result::is_ok)
    };
    let _none_starts = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let begin = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() % SLOTS;
    let mut bases = (0..SLOTS).map(|step| FIRST_PORT + (begin + step) % SLOTS * PORTS_OF_ONE);
    let base = bases.find(|base| !given.contains(base) && is_free(*base)).expect("free ports");
    given.insert(base);
    base
}

/// Runs the program to its end.
pub fn attempt(arguments: &[&str]) -> Output {
    output(Command::new(MINUET).args(arguments))
}

/// Runs a command that has to succeed; its JSON.
pub fn minuet(arguments: &[&str]) -> Value {
    json_of(arguments, attempt(&[arguments, &["--json"]].concat()))
}

fn json_of(arguments: &[&str], output: Output) -> Value {
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{arguments:?}: {text} {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
}

/// Runs a command that has to fail with this code; what it says.
pub fn refused(code: i32, arguments: &[&str]) -> String {
    let output = attempt(arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    text
}

/// A load that runs beside the test, and ends with this value.
pub struct Load(Option<Child>);

impl Load {
    pub fn start(dir: &Path, per_second: u32, seconds: u32) -> Self {
        Self::with(dir, &["--rate", &per_second.to_string(), "--duration", &seconds.to_string()])
    }

    pub fn with(dir: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(MINUET);
        command.args(["load", "--senders", "10", "--json"]).args(arguments).arg("--dir").arg(dir).stdin(Stdio::null());
        Self(Some(spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))))
    }

    /// Whether it is over.
    pub fn has_ended(&mut self) -> bool {
        self.0.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    /// Tells it to make no more transfers: it ends when those under way have ended.
    pub fn stop(&self) {
        signal("TERM", self.0.as_ref().expect("it is not finished yet").id());
    }

    /// Its figures: it ends with success only if every transfer taken is final exactly once.
    pub fn finish(mut self) -> Value {
        json_of(&["load"], self.0.take().expect("it is finished once").wait_with_output().unwrap())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Sends a signal by its name.
pub fn signal(name: &str, pid: u32) {
    assert!(output(Command::new("kill").args(["-s", name, &pid.to_string()])).status.success(), "SIG{name} to {pid}");
}

/// A whole directory, as `cp -a` makes it.
pub fn copy(from: &Path, to: &Path) {
    let output = output(Command::new("cp").arg("-a").args([from, to]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
