//! A process of ours: started in a group of its own, waited for, and gone with the value that stands for it.
//!
//! Invariant: each has its standard input from here and stops when that closes (`--exit-with-stdin`), so none outlives this
//! process, however that ends.

use crate::trouble::Trouble;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a process may take to stop before it is killed. A localnet gives its validators 10 s.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// How often whoever waits looks whether it is told to stop.
const LOOK: Duration = Duration::from_millis(50);
const TAIL_LINES: usize = 12;

/// Set by SIGINT and SIGTERM.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for both.
    ///
    /// # Errors
    /// The system's.
    pub fn listen() -> Result<Self, Trouble> {
        let stop = Self::default();
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, stop.0.clone())
                .map_err(|error| Trouble::new(format_args!("cannot listen for signals: {error}")))?;
        }
        Ok(stop)
    }

    /// # Errors
    /// [`Trouble::Stopped`] once told to stop.
    pub fn check(&self) -> Result<(), Trouble> {
        if self.0.load(Ordering::Relaxed) { Err(Trouble::Stopped) } else { Ok(()) }
    }
}

/// A running process.
#[derive(Debug)]
pub struct Child {
    what: String,
    pid: u32,
    stdin: Option<ChildStdin>,
    stdout: PathBuf,
    stderr: PathBuf,
    ended: Receiver<std::io::Result<ExitStatus>>,
    status: Option<ExitStatus>,
    stop: Stop,
}

impl Child {
    /// Starts a program with its output in files of this name.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(program: &Path, args: &[String], logs: &Path, name: &str, stop: &Stop) -> Result<Self, Trouble> {
        let what = format!("{} {}", program.file_name().unwrap_or_default().display(), args.join(" "));
        let failed = |error: std::io::Error| Trouble::new(format_args!("'{what}' cannot be started: {error}"));
        let (stdout, stderr) = (logs.join(format!("{name}.json")), logs.join(format!("{name}.log")));
        let mut command = Command::new(program);
        command.args(args).arg("--exit-with-stdin").stdin(Stdio::piped());
        command.stdout(File::create(&stdout).map_err(failed)?).stderr(File::create(&stderr).map_err(failed)?);
        // One node's settings in the environment would be all nodes' settings.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NODE_")) {
            command.env_remove(name);
        }
        // Ctrl-C at the terminal reaches this process alone, which then ends the others in order.
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let (pid, stdin) = (child.id(), child.stdin.take());
        let (tell, ended) = channel();
        // The receiver is gone only if nobody waits any more.
        let wait = move || drop(tell.send(child.wait()));
        std::thread::Builder::new().name("wait".to_owned()).spawn(wait).map_err(failed)?;
        Ok(Self { what, pid, stdin, stdout, stderr, ended, status: None, stop: stop.clone() })
    }

    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has ended, after waiting for that as long as said. Ends early when told to stop.
    ///
    /// # Errors
    /// Told to stop, or the system's.
    pub fn ends_within(&mut self, time: Duration) -> Result<bool, Trouble> {
        let end = Instant::now() + time;
        loop {
            self.stop.check()?;
            if self.poll(LOOK.min(end.saturating_duration_since(Instant::now())))? {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
        }
    }

    fn poll(&mut self, time: Duration) -> Result<bool, Trouble> {
        if self.status.is_some() {
            return Ok(true);
        }
        match self.ended.recv_timeout(time) {
            Ok(Ok(status)) => {
                self.status = Some(status);
                Ok(true)
            }
            Ok(Err(error)) => Err(Trouble::new(format_args!("'{}' cannot be waited for: {error}", self.what))),
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Trouble::new(format_args!("'{}': the thread that waits for it is gone", self.what)))
            }
        }
    }

    /// Waits as long as said while it goes on.
    ///
    /// # Errors
    /// It ended, or told to stop.
    pub fn goes_on_for(&mut self, time: Duration) -> Result<(), Trouble> {
        if self.ends_within(time)? { Err(self.trouble("ended too early")) } else { Ok(()) }
    }

    /// Waits for its end and reads the object that it printed last. Also of one that failed, if it has a result to show.
    ///
    /// # Errors
    /// It takes too long, or printed no object.
    pub fn result(&mut self, limit: Duration) -> Result<serde_json::Value, Trouble> {
        if !self.ends_within(limit)? {
            return Err(self.trouble(&format!("did not end within {} s", limit.as_secs())));
        }
        let text = std::fs::read_to_string(&self.stdout).unwrap_or_default();
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last).map_err(|_| self.trouble("printed no JSON object"))
    }

    /// What went wrong, with the end of its log.
    #[must_use]
    pub fn trouble(&self, words: &str) -> Trouble {
        let log = std::fs::read_to_string(&self.stderr).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n  ");
        let status = self.status.map(|status| format!(" ({status})")).unwrap_or_default();
        Trouble::new(format_args!("'{}' {words}{status}; the end of its log:\n  {tail}", self.what))
    }

    /// Asks it to stop and waits for that; kills it if it takes too long.
    pub fn end(&mut self) {
        drop(self.stdin.take());
        let asked = Instant::now();
        while asked.elapsed() < STOP_TIMEOUT {
            match self.poll(STOP_TIMEOUT.saturating_sub(asked.elapsed())) {
                Ok(false) => {}
                Ok(true) | Err(_) => break,
            }
        }
        if self.status.is_none() {
            crate::proc::kill(self.pid);
            // Nothing more can be done about one that does not even die.
            let _ = self.poll(STOP_TIMEOUT);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn shell(script: &str, logs: &Path) -> Child {
        let args = ["-c".to_owned(), script.to_owned()];
        Child::start(Path::new("/bin/sh"), &args, logs, "shell", &Stop::default()).unwrap()
    }

    #[test]
    fn the_last_line_is_the_result_also_of_one_that_fails() {
        let logs = tempfile::tempdir().unwrap();
        let mut child = shell("echo so far; echo '{\"lost\":1}'; exit 10", logs.path());
        assert_eq!(child.result(Duration::from_secs(60)).unwrap()["lost"], 1);
        let mut child = shell("echo the reason >&2; exit 3", logs.path());
        let trouble = child.result(Duration::from_secs(60)).unwrap_err().to_string();
        assert!(trouble.contains("no JSON") && trouble.contains("the reason") && trouble.contains("3"), "{trouble}");
    }

    #[test]
    fn a_child_is_gone_with_its_value() {
        let logs = tempfile::tempdir().unwrap();
        // Goes on until its standard input closes.
        let mut child = shell("cat; echo end >&2", logs.path());
        let pid = child.pid();
        child.goes_on_for(Duration::from_millis(1)).unwrap();
        assert!(Path::new(&format!("/proc/{pid}")).exists());
        drop(child);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
        assert_eq!(std::fs::read_to_string(logs.path().join("shell.log")).unwrap(), "end\n");
    }

    #[test]
    fn whoever_waits_is_woken_by_a_stop_and_nothing_else_is_waited_for() {
        let logs = tempfile::tempdir().unwrap();
        let mut child = shell("cat", logs.path());
        child.stop.0.store(true, Ordering::Relaxed);
        assert_eq!(child.result(Duration::from_secs(600)), Err(Trouble::Stopped));
        assert_eq!(child.goes_on_for(Duration::from_secs(600)), Err(Trouble::Stopped));
    }

    #[test]
    fn an_end_that_was_not_expected_is_told_with_the_log() {
        let logs = tempfile::tempdir().unwrap();
        let mut child = shell("echo broken >&2; exit 7", logs.path());
        let trouble = child.goes_on_for(Duration::from_secs(60)).unwrap_err().to_string();
        assert!(trouble.contains("ended too early") && trouble.contains("broken"), "{trouble}");
        let missing = Child::start(Path::new("/nowhere/minuet"), &[], logs.path(), "none", &Stop::default());
        assert!(missing.unwrap_err().to_string().contains("cannot be started"));
    }
}
