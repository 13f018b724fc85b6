//! A localnet of six validators: started, asked, robbed of validators, and gone with the value that stands for it.

use crate::child::Child;
use crate::proc;
use crate::stage::{Stage, args};
use crate::trouble::Trouble;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Of every network here.
pub const VALIDATORS: usize = 6;
/// From the start of the processes until all answer and make blocks final.
const START_TIMEOUT: Duration = Duration::from_secs(90);
/// Between two questions.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// The running network.
#[derive(Debug)]
pub struct Network {
    localnet: Child,
    /// Validators that were killed and started again, which are children of this process.
    restarted: Vec<(usize, Child)>,
    dir: PathBuf,
}

impl Network {
    /// Starts the network of a directory, made if it is not there, and waits until all answer and blocks become final.
    ///
    /// # Errors
    /// That does not happen in time.
    pub fn start(stage: &mut Stage, name: &str) -> Result<Self, Trouble> {
        let mut network = Self::launch(stage, name, "")?;
        network.wait_until_ready(stage)?;
        Ok(network)
    }

    /// Starts the processes and waits for nothing.
    ///
    /// # Errors
    /// They cannot be started.
    pub fn launch(stage: &mut Stage, name: &str, more: &str) -> Result<Self, Trouble> {
        let dir = stage.dir.join(name);
        let line = format!("localnet --base-port {} --json {more}", stage.base_port);
        let mut args = args(&line);
        args.extend(["--dir".to_owned(), dir.display().to_string()]);
        Ok(Self { localnet: stage.start(&args)?, restarted: Vec::new(), dir })
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The localnet's own process.
    pub const fn localnet(&mut self) -> &mut Child {
        &mut self.localnet
    }

    /// Waits until all validators answer, and a block above the highest that any had is final on all.
    ///
    /// # Errors
    /// That does not happen in time.
    pub fn wait_until_ready(&mut self, stage: &mut Stage) -> Result<(), Trouble> {
        let mut above = None;
        self.wait(stage, "all validators make blocks final", move |heights| {
            let all = (heights.len() == VALIDATORS).then(|| heights.iter().min().copied().unwrap_or(0));
            let newest = heights.iter().max().copied().unwrap_or(0);
            all.is_some_and(|all| all > *above.get_or_insert(newest))
        })
    }

    /// Asks for the heights of all that answer until they are as wanted.
    ///
    /// # Errors
    /// That does not happen in time.
    pub fn wait(
        &mut self,
        stage: &mut Stage,
        what: &str,
        mut wanted: impl FnMut(&[u64]) -> bool,
    ) -> Result<(), Trouble> {
        let begun = Instant::now();
        loop {
            if wanted(&self.heights(stage)?) {
                return Ok(());
            }
            if begun.elapsed() > START_TIMEOUT {
                return Err(self.localnet.trouble(&format!("is not so far after {START_TIMEOUT:?} that {what}")));
            }
            self.localnet.goes_on_for(ASK_EVERY)?;
        }
    }

    /// The heights of all that answer.
    ///
    /// # Errors
    /// Told to stop, or the program cannot be started.
    pub fn heights(&self, stage: &mut Stage) -> Result<Vec<u64>, Trouble> {
        if !self.dir.join("localnet.toml").exists() {
            return Ok(Vec::new());
        }
        let mut args = args("status --all --json");
        args.extend(["--dir".to_owned(), self.dir.display().to_string()]);
        let mut child = stage.start(&args)?;
        // While the network is made, there is no answer at all.
        let answer = match child.result(START_TIMEOUT) {
            Ok(answer) => answer,
            Err(Trouble::Stopped) => return Err(Trouble::Stopped),
            Err(Trouble::Failed(_)) => return Ok(Vec::new()),
        };
        let nodes = answer["nodes"].as_array().into_iter().flatten();
        Ok(nodes.filter_map(|node| node["height"].as_u64()).collect())
    }

    /// The hash of a block as each validator has it.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn hashes(&self, stage: &mut Stage, height: u64) -> Result<Vec<Option<String>>, Trouble> {
        let mut hashes = Vec::new();
        for index in 0..VALIDATORS {
            let port = usize::from(stage.base_port) + 100 + index;
            let answer = stage.ask(&args(&format!("block {height} --json --node http://127.0.0.1:{port}")))?;
            hashes.push(answer["hash"].as_str().map(str::to_owned));
        }
        Ok(hashes)
    }

    fn home(&self, index: usize) -> PathBuf {
        self.dir.join(format!("validator-{index}"))
    }

    /// The process of a validator: the lock in its data directory names it.
    #[must_use]
    pub fn pid(&self, index: usize) -> Option<u32> {
        let lock = fs::read_to_string(self.home(index).join("data/LOCK")).ok()?;
        lock.trim().parse().ok().filter(|pid| proc::runs(*pid, &self.home(index)))
    }

    /// Of all validators that run.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        (0..VALIDATORS).filter_map(|index| self.pid(index)).collect()
    }

    /// Processor time of all validators, in seconds.
    #[must_use]
    pub fn cpu_s(&self) -> f64 {
        self.pids().into_iter().filter_map(proc::cpu_s).sum()
    }

    /// Resident memory of each validator, in MiB.
    #[must_use]
    pub fn rss_mib(&self) -> Vec<f64> {
        self.pids().into_iter().filter_map(proc::rss_mib).collect()
    }

    /// SIGKILL for one validator.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self, index: usize) -> Result<(), Trouble> {
        let pid = self.pid(index).ok_or_else(|| Trouble::new(format_args!("validator {index} does not run")))?;
        proc::kill(pid);
        self.restarted.retain(|(restarted, _)| *restarted != index);
        Ok(())
    }

    /// SIGKILL for all validators at once. The localnet's own process ends with them.
    pub fn kill_all(&mut self) {
        self.pids().into_iter().for_each(proc::kill);
        self.restarted.clear();
    }

    /// Starts a validator that was killed.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn restart(&mut self, stage: &mut Stage, index: usize) -> Result<(), Trouble> {
        let mut args = args("node --config");
        args.push(self.home(index).join("config.toml").display().to_string());
        self.restarted.push((index, stage.start(&args)?));
        Ok(())
    }

    /// Ends all of it, orderly.
    pub fn end(&mut self) {
        self.restarted.clear();
        self.localnet.end();
    }

    /// Sets `consensus.max_block_bytes` of every validator, for the next start.
    ///
    /// # Errors
    /// A configuration cannot be read or written, or has no such line.
    pub fn set_max_block_bytes(dir: &Path, bytes: u64) -> Result<(), Trouble> {
        for index in 0..VALIDATORS {
            let path = dir.join(format!("validator-{index}/config.toml"));
            let failed = |error: &dyn std::fmt::Display| Trouble::new(format_args!("{}: {error}", path.display()));
            let text = fs::read_to_string(&path).map_err(|error| failed(&error))?;
            let changed = with_max_block_bytes(&text, bytes).ok_or_else(|| failed(&"it has no max_block_bytes"))?;
            fs::write(&path, changed).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// What a validator's database keeps once it is compacted, by column. The validator must not run.
    ///
    /// # Errors
    /// It cannot be compacted.
    pub fn compacted(stage: &mut Stage, dir: &Path) -> Result<Value, Trouble> {
        let mut args = args("compact --json --config");
        args.push(dir.join("validator-0/config.toml").display().to_string());
        Ok(stage.ask_well(&args)?["columns"].clone())
    }
}

fn with_max_block_bytes(text: &str, bytes: u64) -> Option<String> {
    let is_it = |line: &str| line.starts_with("max_block_bytes ");
    text.lines().any(is_it).then(|| {
        let lines = text.lines();
        lines
            .map(|line| if is_it(line) { format!("max_block_bytes = {bytes}\n") } else { format!("{line}\n") })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_block_is_changed_and_nothing_else() {
        let text = "[consensus]\nmax_block_bytes = 7\nother_max_block_bytes = 8\n";
        let changed = with_max_block_bytes(text, 9).unwrap();
        assert_eq!(changed, "[consensus]\nmax_block_bytes = 9\nother_max_block_bytes = 8\n");
        assert_eq!(with_max_block_bytes("[consensus]\n", 9), None);
    }
}
