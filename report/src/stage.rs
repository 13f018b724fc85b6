//! Where scenarios run: the program, a directory, ports, and the network that several of them share.

use crate::child::{Child, Stop};
use crate::cli::Plan;
use crate::network::Network;
use crate::results::{Load, Measured, Taken};
use crate::trouble::Trouble;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Beyond the duration of what is asked for.
const SPARE: Duration = Duration::from_secs(180);

/// Everything that a scenario needs.
#[derive(Debug)]
pub struct Stage {
    /// The program.
    pub minuet: PathBuf,
    /// Networks and logs live here.
    pub dir: PathBuf,
    /// Of the networks.
    pub base_port: u16,
    /// How long and how often.
    pub plan: Plan,
    /// Where and when.
    pub taken: Taken,
    /// Told to stop?
    pub stop: Stop,
    /// Where criterion leaves its figures.
    pub target: PathBuf,
    /// What is written, for those who read it.
    pub folder: PathBuf,
    /// The network under load that several scenarios share.
    pub shared: Option<Network>,
    /// Transfers that became final on it, so far.
    pub transfers: u64,
    /// Says what is going on.
    pub say: fn(&str),
    /// Names the logs apart.
    pub started: usize,
}

/// The arguments as owned strings.
#[must_use]
pub fn args(line: &str) -> Vec<String> {
    line.split_ascii_whitespace().map(str::to_owned).collect()
}

impl Stage {
    /// Starts the program.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&mut self, args: &[String]) -> Result<Child, Trouble> {
        self.stop.check()?;
        self.started += 1;
        let name = format!("{:03}-{}", self.started, args.first().map_or("minuet", String::as_str));
        Child::start(&self.minuet, args, &self.dir.join("logs"), &name, &self.stop)
    }

    /// Runs a command of the program to its end; the object that it prints.
    ///
    /// # Errors
    /// It cannot be had.
    pub fn ask(&mut self, args: &[String]) -> Result<Value, Trouble> {
        self.start(args)?.result(SPARE)
    }

    /// As [`Stage::ask`], and an object that says that it failed is an error.
    ///
    /// # Errors
    /// It failed.
    pub fn ask_well(&mut self, args: &[String]) -> Result<Value, Trouble> {
        let answer = self.ask(args)?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(Trouble::new(format_args!("'minuet {}': {error}", args.join(" ")))),
            None => Ok(answer),
        }
    }

    /// The shared network, started if it does not run.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn network(&mut self) -> Result<&mut Network, Trouble> {
        if self.shared.is_none() {
            (self.say)("    starting six validators");
            self.shared = Some(Network::start(self, "net")?);
        }
        self.shared.as_mut().ok_or_else(|| Trouble::new("the network is gone"))
    }

    /// Ends the shared network, so that another can have the processors; its chain stays.
    pub fn end_network(&mut self) {
        self.shared = None;
    }

    /// A load on the shared network from its beginning to its end. The line is what a reader types.
    ///
    /// # Errors
    /// It has no result.
    pub fn load(&mut self, line: &str) -> Result<(Load, Value), Trouble> {
        self.network()?;
        let mut child = self.start_load(line, "net")?;
        let (load, value) = self.finish_load(&mut child)?;
        self.transfers += load.finalized;
        Ok((load, value))
    }

    /// Starts a load on a network.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_load(&mut self, line: &str, network: &str) -> Result<Child, Trouble> {
        let mut args = args(line);
        args.extend(["--dir".to_owned(), self.dir.join(network).display().to_string()]);
        self.start(&args)
    }

    /// Waits for a load's end.
    ///
    /// # Errors
    /// It has no result.
    pub fn finish_load(&mut self, child: &mut Child) -> Result<(Load, Value), Trouble> {
        let value = child.result(Duration::from_secs(600))?;
        let load: Load = serde_json::from_value(value.clone())
            .map_err(|error| child.trouble(&format!("has no figures ({error}): {value}")))?;
        Ok((load, value))
    }

    /// As many runs as planned of one thing.
    ///
    /// # Errors
    /// One failed.
    pub fn repeat<T>(&mut self, run: impl FnMut(&mut Self, usize) -> Result<T, Trouble>) -> Result<Vec<T>, Trouble> {
        self.repeat_times(self.plan.runs, run)
    }

    /// So many runs.
    ///
    /// # Errors
    /// One failed.
    pub fn repeat_times<T>(
        &mut self,
        runs: usize,
        mut run: impl FnMut(&mut Self, usize) -> Result<T, Trouble>,
    ) -> Result<Vec<T>, Trouble> {
        let mut done = Vec::new();
        for round in 0..runs {
            (self.say)(&format!("    run {} of {runs}", round + 1));
            done.push(run(self, round)?);
        }
        Ok(done)
    }

    /// The runs with their commands and where they were made.
    #[must_use]
    pub fn measured<T>(&self, commands: &[String], runs: Vec<T>) -> Option<Measured<T>> {
        let commands = commands.iter().map(|line| format!("minuet {line}")).collect();
        Some(Measured { taken: self.taken.clone(), commands, runs })
    }
}
