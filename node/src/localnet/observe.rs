//! `minuet localnet --observe`: a Prometheus beside the validators, with the rules and alerts of `deployments/prometheus`.
//!
//! Owns: the folder `prometheus/` of a localnet and the process that works in it. Never does: install anything, or touch a
//! Prometheus that it did not start. Invariant: as the validators, it ends when this process does.

use super::children::tail;
use super::layout::{Manifest, failed, home, remove};
use crate::config::{Overrides, cannot_listen, load};
use crate::exit::{Exit, Failure};
use crate::output::note_line;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

const PROGRAM: &str = "prometheus";
const FOLDER: &str = "prometheus";
const LOG_FILE: &str = "prometheus.log";
const DATA: &str = "data";
const TARGETS_FILE: &str = "targets.yml";
const RULES: &str = "rules";
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// As in the repository, so that a localnet is watched by what is tested there. Its targets are its own.
const FILES: [(&str, &str); 3] = [
    ("prometheus.yml", include_str!("../../../deployments/prometheus/prometheus.yml")),
    ("rules/recording.yml", include_str!("../../../deployments/prometheus/rules/recording.yml")),
    ("rules/alerts.yml", include_str!("../../../deployments/prometheus/rules/alerts.yml")),
];

/// Runs a program that knows nothing of its parent until it ends or standard input does; then it is told to stop.
const UNTIL_INPUT_ENDS: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- & child=$!
{ cat <&3 >/dev/null; kill "$child"; } & watcher=$!
exec 3<&- </dev/null
wait "$child"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"
"#;

/// Where the program is.
///
/// # Errors
/// Exit code 2: nowhere; says how to install it.
pub fn find() -> Result<PathBuf, Failure> {
    find_in(std::env::var_os("PATH").as_deref().unwrap_or_default())
}

fn find_in(places: &std::ffi::OsStr) -> Result<PathBuf, Failure> {
    let runs =
        |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    std::env::split_paths(places).map(|place| place.join(PROGRAM)).find(runs).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "--observe needs Prometheus, and no program 'prometheus' is in PATH: install it ('apt-get install prometheus' on \
             Debian; its service is not needed: 'systemctl disable --now prometheus'), or leave --observe out",
        )
    })
}

/// What will be started, and where.
#[derive(Debug)]
pub struct Plan {
    program: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
}

impl Plan {
    /// Writes its files, with the validators' real addresses. Its port is free.
    ///
    /// # Errors
    /// The port, a validator without metrics, or a file that cannot be written.
    pub fn new(program: PathBuf, dir: &Path, manifest: &Manifest) -> Result<Self, Failure> {
        let address = address(manifest)?;
        TcpListener::bind(address).map_err(|error| {
            let failure = cannot_listen("TCP", address, &error);
            Failure::new(failure.exit, format!("prometheus: {failure}, for example with --base-port 20000"))
        })?;
        let folder = dir.join(FOLDER);
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|error| failed(&path, "write", error))
        };
        let rules = folder.join(RULES);
        fs::create_dir_all(&rules).map_err(|error| failed(&rules, "create", error))?;
        for (name, text) in FILES {
            write(name, text)?;
        }
        write(TARGETS_FILE, &targets(dir, manifest)?)?;
        // It resolves names in its configuration from there.
        let folder = fs::canonicalize(&folder).map_err(|error| failed(&folder, "find", error))?;
        Ok(Self { program, folder, address })
    }

    /// Starts it, its output appended to its log.
    ///
    /// # Errors
    /// The program or the log cannot be opened.
    pub fn start(&self) -> Result<Prometheus, Failure> {
        let log = self.folder.join(LOG_FILE);
        let output =
            OpenOptions::new().create(true).append(true).open(&log).map_err(|error| failed(&log, "open", error))?;
        let cannot =
            |error: std::io::Error| Failure::new(Exit::Generic, format!("prometheus cannot be started: {error}"));
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", UNTIL_INPUT_ENDS, "sh"]).arg(&self.program);
        command.arg(option("config.file", self.folder.join("prometheus.yml").display()));
        command.arg(option("storage.tsdb.path", self.folder.join(DATA).display()));
        command.arg(option("storage.tsdb.retention.time", "2d"));
        command.arg(option("web.listen-address", self.address));
        command.stdin(Stdio::piped()).stdout(output.try_clone().map_err(cannot)?).stderr(output);
        // A group of its own, as a validator's: Ctrl-C reaches this process only, and the program dies with its shell.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = Command::from(command).spawn().map_err(cannot)?;
        note_line(format_args!("prometheus  http://{}  {}", self.address, log.display()));
        Ok(Prometheus { child, log, runs: true })
    }
}

fn option(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

fn address(manifest: &Manifest) -> Result<SocketAddr, Failure> {
    let port = manifest.prometheus_port();
    let port =
        port.ok_or_else(|| Failure::new(Exit::Usage, "--base-port: Prometheus' port does not fit below 65536"))?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// Where each validator's configuration says that its metrics are.
fn targets(dir: &Path, manifest: &Manifest) -> Result<String, Failure> {
    let mut text = String::from("# Made by 'minuet localnet --observe' from the validators' configurations.\n");
    for index in 0..manifest.validators {
        let file = home(dir, index).join("config.toml");
        let metrics = load(&file, [], &Overrides::default(), (None, None))?.metrics;
        if !metrics.enabled {
            let reason = format!(
                "--observe: metrics.enabled is false in {}: set it to true there, or start anew with --reset",
                file.display()
            );
            return Err(Failure::config(reason));
        }
        text += &format!("- targets: [\"{}\"]\n  labels: {{ node: \"{index}\" }}\n", metrics.listen_address);
    }
    Ok(text)
}

/// Deletes what it left in a localnet, and nothing else.
///
/// # Errors
/// It cannot be deleted, or something else is there as well.
pub fn clear(dir: &Path) -> Result<(), Failure> {
    let folder = dir.join(FOLDER);
    if !folder.exists() {
        return Ok(());
    }
    let data = folder.join(DATA);
    if data.exists() {
        fs::remove_dir_all(&data).map_err(|error| failed(&data, "delete", error))?;
    }
    for name in FILES.map(|(name, _)| name).into_iter().chain([TARGETS_FILE, LOG_FILE]) {
        remove(&folder.join(name))?;
    }
    for place in [folder.join(RULES), folder] {
        match fs::remove_dir(&place) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(&place, "delete", format!("{error}; it holds files that no localnet made")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The process, behind the shell that ends it with this one.
#[derive(Debug)]
pub struct Prometheus {
    child: Child,
    log: PathBuf,
    runs: bool,
}

impl Prometheus {
    /// Whether it has ended since the last question; says how, with the end of its log. The localnet goes on.
    pub fn poll_end(&mut self) -> Option<String> {
        if !self.runs {
            return None;
        }
        let status = self.child.try_wait().ok()??;
        self.runs = false;
        let log = self.log.display();
        Some(format!("prometheus ended: {status}; the end of {log}:\n{}", tail(&self.log).unwrap_or_default()))
    }

    /// Asks it to stop, and kills it after ten seconds.
    pub async fn stop(&mut self) {
        drop(self.child.stdin.take());
        if self.runs && tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            note_line("prometheus did not stop within 10 s and was killed");
            let group = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
            if let Some(Err(error)) = group.map(|group| kill_process_group(group, Signal::KILL)) {
                tracing::error!(%error, "prometheus cannot be killed");
            }
        }
        self.runs = false;
    }
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
