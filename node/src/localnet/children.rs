//! The validators' processes: started in groups of their own, watched, and stopped together.
//!
//! Invariant: no child outlives this process. Each has its standard input from here and stops when that closes.

use super::layout::home;
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// How long children may take to stop before they are killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const TAIL_LINES: usize = 20;
const TAIL_BYTES: u64 = 16 * 1024;

/// One validator's process.
#[derive(Debug)]
pub struct Validator {
    /// Its place.
    pub index: u16,
    /// Where its output goes.
    pub log: PathBuf,
    /// `None` once it has ended.
    pub pid: Option<u32>,
    child: Child,
}

/// Where a validator's trace of what it received goes, beside its configuration.
pub const TRACE_FILE: &str = "received.jsonl";
/// And where its moments go, with `--spans`.
pub const SPANS_FILE: &str = "spans.jsonl";
/// Where its output goes.
pub const LOG_FILE: &str = "node.log";

/// Starts a validator with its output appended to its log, with more arguments.
///
/// # Errors
/// The program or the log cannot be opened.
pub fn start(dir: &Path, index: u16, global: &Global, more: &[String]) -> Result<Validator, Failure> {
    let mut command = command(dir, index, global)?;
    command.args(more);
    let child = Command::from(command).spawn().map_err(|error| cannot_start(index, &error))?;
    Ok(Validator { index, log: home(dir, index).join(LOG_FILE), pid: child.id(), child })
}

fn cannot_start(index: u16, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Generic, format!("validator {index} cannot be started: {error}"))
}

/// What starts a validator: it stops when its standard input, a pipe, is closed.
///
/// # Errors
/// The program or the log cannot be opened.
pub fn command(dir: &Path, index: u16, global: &Global) -> Result<std::process::Command, Failure> {
    let home = home(dir, index);
    let log = home.join(LOG_FILE);
    let failed = |error: std::io::Error| cannot_start(index, &error);
    let output = OpenOptions::new().create(true).append(true).open(&log).map_err(failed)?;
    let mut command = std::process::Command::new(std::env::current_exe().map_err(failed)?);
    command.arg("node").arg("--config").arg(home.join("config.toml")).arg("--exit-with-stdin");
    if let Some(level) = &global.log_level {
        command.args(["--log-level", level]);
    }
    if global.log_format == Some(crate::config::LogFormat::Json) {
        command.args(["--log-format", "json"]);
    }
    // One node's settings in the environment would be all six nodes' settings.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NODE_")) {
        command.env_remove(name);
    }
    // A group of its own: Ctrl-C at the terminal reaches this process only, which then stops the children in order.
    command.process_group(0);
    command.stdin(Stdio::piped()).stdout(output.try_clone().map_err(failed)?).stderr(output);
    Ok(command)
}

impl Validator {
    /// Whether it has ended since the last question; says how, with the end of its log.
    pub fn poll_end(&mut self) -> Option<String> {
        self.pid?;
        let status = self.child.try_wait().ok()??;
        self.pid = None;
        let code = status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"));
        let tail = tail(&self.log).unwrap_or_default();
        Some(format!("validator {} ended: {code}; the end of {}:\n{tail}", self.index, self.log.display()))
    }
}

/// Stops all: closing standard input asks, and after ten seconds they are killed. Answers those that had to be.
pub async fn stop(validators: &mut [Validator]) -> Vec<u16> {
    for validator in validators.iter_mut() {
        drop(validator.child.stdin.take());
    }
    let deadline = tokio::time::Instant::now() + STOP_TIMEOUT;
    let mut killed = Vec::new();
    for validator in validators.iter_mut().filter(|validator| validator.pid.is_some()) {
        if tokio::time::timeout_at(deadline, validator.child.wait()).await.is_err() {
            killed.push(validator.index);
            if let Err(error) = validator.child.kill().await {
                tracing::error!(validator = validator.index, %error, "cannot be killed");
            }
        }
        validator.pid = None;
    }
    killed
}

/// The last lines of a log.
pub(super) fn tail(path: &Path) -> std::io::Result<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
}
