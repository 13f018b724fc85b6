//! The validators' processes and the load: started, killed, stopped and continued.
//!
//! Invariant: no process outlives this value, nor this process: each stops when its standard input is closed, and those
//! that stand still are killed with the value.

use super::proxy::Proxy;
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::localnet::{LOG_FILE, Manifest, TRACE_FILE, command, home};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Words that no node of honest validators ever logs.
const NEVER_LOGGED: [&str; 4] = ["EQUIVOCATION", "SAFETY", "BUG:", "TRACE INCOMPLETE"];

fn generic(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Generic, format!("{what}: {error}"))
}

/// All validators of a network.
#[derive(Debug)]
pub struct Fleet {
    dir: PathBuf,
    global: Global,
    /// By validator: what it is told beside its configuration.
    arguments: Vec<Vec<String>>,
    children: Vec<Option<Child>>,
}

impl Fleet {
    /// Of a network whose peers find each other through the proxy, and which writes down what it receives.
    #[must_use]
    pub fn new(dir: &Path, global: &Global, manifest: &Manifest, proxy: &Proxy) -> Self {
        let arguments = |index| {
            let others = (0..manifest.validators).filter(|other| *other != index);
            let known = others.filter_map(|other| Some((other, proxy.address(index, other)?)));
            let peers: Vec<String> =
                known.map(|(other, address)| format!("{{index = {other}, address = \"{address}\"}}")).collect();
            let peers = format!("p2p.peers=[{}]", peers.join(", "));
            ["--trace-received", TRACE_FILE, "--set", &peers].map(str::to_owned).to_vec()
        };
        Self::with(dir, global, (0..manifest.validators).map(arguments).collect())
    }

    /// Of a network each of whose validators is told this beside its configuration.
    #[must_use]
    pub fn with(dir: &Path, global: &Global, arguments: Vec<Vec<String>>) -> Self {
        let children = arguments.iter().map(|_| None).collect();
        Self { dir: dir.to_owned(), global: global.clone(), arguments, children }
    }

    /// The processes that were started.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.children.iter().flatten().map(Child::id).collect()
    }

    /// Where each validator's trace is.
    pub fn traces(&self) -> impl Iterator<Item = PathBuf> {
        self.indexes().map(|index| home(&self.dir, index).join(TRACE_FILE))
    }

    fn indexes(&self) -> impl Iterator<Item = u16> + use<> {
        0..u16::try_from(self.children.len()).unwrap_or(u16::MAX)
    }

    /// Starts those that are not there; waits for nothing.
    ///
    /// # Errors
    /// A process that cannot be started.
    pub fn start(&mut self) -> Result<(), Failure> {
        for index in self.indexes() {
            let place = usize::from(index);
            if self.children[place].is_none() {
                let mut command = command(&self.dir, index, &self.global)?;
                let child = command.args(&self.arguments[place]).spawn();
                let child = child.map_err(|error| generic(&format!("validator {index} cannot be started"), error))?;
                self.children[place] = Some(child);
            }
        }
        Ok(())
    }

    /// SIGKILL to all of these before any is waited for.
    ///
    /// # Errors
    /// One that had ended by itself.
    pub fn kill(&mut self, victims: &[u16]) -> Result<(), Failure> {
        self.all_run()?;
        let mut ended: Vec<Child> =
            victims.iter().filter_map(|index| self.children[usize::from(*index)].take()).collect();
        for child in &mut ended {
            child.kill().map_err(|error| generic("a validator cannot be killed", error))?;
        }
        for child in &mut ended {
            child.wait().map_err(|error| generic("the end of a validator cannot be waited for", error))?;
        }
        Ok(())
    }

    /// Lets some stand still.
    ///
    /// # Errors
    /// One that is not there.
    pub fn pause(&self, victims: &[u16]) -> Result<(), Failure> {
        victims.iter().try_for_each(|index| self.signal(*index, Signal::STOP))
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// One that is not there.
    pub fn resume(&self, victims: &[u16]) -> Result<(), Failure> {
        victims.iter().try_for_each(|index| self.signal(*index, Signal::CONT))
    }

    fn signal(&self, index: u16, signal: Signal) -> Result<(), Failure> {
        let child = self.children[usize::from(index)].as_ref();
        let pid = child.map(Pid::from_child).ok_or_else(|| generic("signal", format!("no validator {index}")))?;
        kill_process(pid, signal).map_err(|error| generic(&format!("signal to validator {index}"), error))
    }

    /// That none has ended by itself.
    ///
    /// # Errors
    /// Names one that has.
    pub fn all_run(&mut self) -> Result<(), Failure> {
        for (index, child) in self.children.iter_mut().enumerate() {
            if let Some(status) = child.as_mut().and_then(|child| child.try_wait().ok()).flatten() {
                return Err(violation(format!("validator {index} ended by itself: {status}")));
            }
        }
        Ok(())
    }

    /// Lets all stop in order; each must end with success.
    ///
    /// # Errors
    /// One that did not.
    pub fn stop(&mut self) -> Result<(), Failure> {
        self.children.iter_mut().flatten().for_each(|child| drop(child.stdin.take()));
        for (index, child) in self.children.iter_mut().enumerate() {
            let Some(mut child) = child.take() else { continue };
            let status = child.wait().map_err(|error| generic("the end of a validator cannot be waited for", error))?;
            if !status.success() {
                return Err(violation(format!("validator {index} did not stop in order: {status}")));
            }
        }
        Ok(())
    }

    /// Lines of the logs that must not be there.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub fn alarms(&self) -> Result<Vec<String>, Failure> {
        let mut alarms = Vec::new();
        for index in self.indexes() {
            let path = home(&self.dir, index).join(LOG_FILE);
            let text = fs::read(&path).map_err(|error| generic(&path.display().to_string(), error))?;
            let text = String::from_utf8_lossy(&text);
            let lines = text.lines().filter(|line| NEVER_LOGGED.iter().any(|word| line.contains(word)));
            alarms.extend(lines.map(|line| format!("validator {index} logged: {line}")));
        }
        Ok(alarms)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for mut child in self.children.iter_mut().filter_map(Option::take) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Something that must not be.
#[must_use]
pub fn violation(what: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Violation, what)
}

/// A load that goes on until it is told to stop, whatever becomes of the nodes meanwhile. It ends with this value.
#[derive(Debug)]
pub struct Load(Child);

impl Load {
    /// Begins.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(dir: &Path, rate: u32) -> Result<Self, Failure> {
        let log = fs::File::create(dir.join("load.log")).map_err(|error| generic("load.log", error))?;
        let program = std::env::current_exe().map_err(|error| generic("this program", error))?;
        let mut command = Command::new(program);
        command.args([
            "load",
            "--json",
            "--exit-with-stdin",
            "--duration",
            "86400",
            "--settle",
            "60",
            "--senders",
            "20",
        ]);
        command.args(["--rate", &rate.to_string(), "--dir"]).arg(dir).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        command.spawn().map(Self).map_err(|error| generic("the load cannot be started", error))
    }

    /// That it has not given up.
    ///
    /// # Errors
    /// It has.
    pub fn goes_on(&mut self) -> Result<(), Failure> {
        match self.0.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(violation(format!("the load ended by itself: {status}; load.log says why"))),
            Err(error) => Err(generic("the load", error)),
        }
    }

    /// Stops it: every transfer that was taken must be final exactly once. Answers its figures.
    ///
    /// # Errors
    /// A transfer that was lost, refused or is final twice.
    pub fn finish(mut self) -> Result<Value, Failure> {
        self.goes_on()?;
        drop(self.0.stdin.take());
        let mut text = String::new();
        if let Some(mut output) = self.0.stdout.take() {
            output.read_to_string(&mut text).map_err(|error| generic("the load's figures", error))?;
        }
        let status = self.0.wait().map_err(|error| generic("the load", error))?;
        let figures: Value = serde_json::from_str(&text).unwrap_or_default();
        let mut wrong = String::new();
        for none in ["rejected", "lost", "duplicated", "wrong_nonces"] {
            if figures[none] != 0 {
                let _ = write!(wrong, " {none}: {};", figures[none]);
            }
        }
        if !status.success() || figures["submitted"] != figures["finalized"] || !wrong.is_empty() {
            return Err(violation(format!("transfers do not add up ({status}):{wrong} {figures}")));
        }
        Ok(figures)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
