//! What every scenario gave: `results.json`, from which page and plots are made.
//!
//! Invariant: each run is kept; nothing is averaged before it is written.

use crate::measure::{Spread, spread};
use crate::trouble::Trouble;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Raised when older files can no longer be read.
pub const RESULTS_VERSION: u32 = 1;

/// All scenarios; what is absent was not measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// [`RESULTS_VERSION`].
    pub version: u32,
    /// Six validators without work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Measured<Idle>>,
    /// 10 transfers per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady: Option<Measured<Load>>,
    /// 1,000 transfers per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thousand: Option<Measured<Load>>,
    /// Latency against offered load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curve: Option<Measured<Vec<Offered>>>,
    /// One of six dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<Measured<Load>>,
    /// A validator is killed under load and returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<Measured<Return>>,
    /// As fast as transfers become final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Measured<Closed>>,
    /// All six killed at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<Measured<Outage>>,
    /// Resident memory after many transfers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Measured<Memory>>,
    /// Bytes kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Measured<Disk>>,
    /// Throughput against the largest block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Measured<Vec<BlockSize>>>,
    /// 50 validators in ten regions against the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wide: Option<Measured<Wide>>,
    /// Committees of growing size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committee: Option<Measured<Vec<Simulated>>>,
    /// 101 validators with large blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub large: Option<Measured<Simulated>>,
    /// `minuet limits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Measured<Limits>>,
    /// Criterion's figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Measured<Vec<Part>>>,
}

impl Default for Results {
    fn default() -> Self {
        Self {
            version: RESULTS_VERSION,
            idle: None,
            steady: None,
            thousand: None,
            curve: None,
            dead: None,
            returns: None,
            closed: None,
            outage: None,
            memory: None,
            disk: None,
            blocks: None,
            wide: None,
            committee: None,
            large: None,
            limits: None,
            parts: None,
        }
    }
}

/// The runs of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured<T> {
    /// Where and when.
    pub taken: Taken,
    /// What a reader types to see the same; directories and ports left out.
    pub commands: Vec<String>,
    /// One after the other.
    pub runs: Vec<T>,
}

impl<T> Measured<T> {
    /// A figure of every run.
    pub fn over(&self, figure: impl Fn(&T) -> f64) -> Option<Spread> {
        spread(self.runs.iter().map(figure))
    }

    /// The commands in one line.
    #[must_use]
    pub fn command(&self) -> String {
        self.commands.join("; ")
    }
}

/// Where and when something was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// Processor, memory, kernel, file system.
    pub machine: String,
    /// The program's version and commit.
    pub commit: String,
    /// A day.
    pub date: String,
    /// Processes that wanted a processor in the minute before the first scenario.
    pub load_before: f64,
    /// With a tenth of the durations.
    pub quick: bool,
}

/// Six validators without work: what `minuet localnet --for` sums up, and their memory shortly before its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Idle {
    /// Proposal to stored on the last node.
    pub finality_p50_ms: f64,
    /// The same.
    pub finality_p99_ms: f64,
    /// Of one processor, all six together.
    pub cpu_percent_total: f64,
    /// Towards the disk, per validator and block.
    pub disk_bytes_per_block: u64,
    /// In the window.
    pub finalized_blocks: u64,
    /// In the window.
    pub nullified_views: u64,
    /// Of the window.
    pub seconds: f64,
    /// Resident memory of each validator.
    #[serde(default)]
    pub rss_mib: Vec<f64>,
}

/// What `minuet load` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Transfers made.
    pub submitted: u64,
    /// On the chain.
    pub finalized: u64,
    /// Never taken.
    pub rejected: u64,
    /// Taken, but not on the chain.
    pub lost: u64,
    /// On the chain more than once.
    pub duplicated: u64,
    /// Final on all live nodes, per second of the window.
    pub tps: f64,
    /// From submission until final on all live nodes.
    pub p50_ms: f64,
    /// The same.
    pub p95_ms: f64,
    /// The same.
    pub p99_ms: f64,
    /// The same.
    pub max_ms: f64,
    /// Of the window.
    pub seconds: f64,
    /// Transfers that became final within the window.
    pub finalized_in_window: u64,
    /// Blocks within the window.
    pub blocks: u64,
    /// Proposal to stored on the last node.
    pub block_finality_p50_ms: f64,
    /// The same.
    pub block_finality_p99_ms: f64,
    /// Longest time between two transfers that became final.
    pub longest_pause_ms: u64,
    /// Nodes that answered at the beginning.
    pub nodes_at_start: u64,
    /// Nodes that answered at the end.
    pub nodes_at_end: u64,
    /// Of one processor.
    pub client_cpu_percent: f64,
}

impl Load {
    /// Whether everything that was sent is on the chain, once.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.finalized == self.submitted && self.lost == 0 && self.duplicated == 0
    }
}

/// A point of the curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offered {
    /// Transfers per second.
    pub rate: f64,
    /// What became of them.
    pub load: Load,
}

/// A closed loop with the processor time that it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Closed {
    /// The load.
    pub load: Load,
    /// Processor time of the six, from the client's start to its end, in seconds.
    pub six_cpu_s: f64,
    /// The same time on the clock.
    pub wall_s: f64,
}

impl Closed {
    /// Processor time of the six for each final transfer.
    #[must_use]
    pub fn six_us_per_transfer(&self) -> f64 {
        self.six_cpu_s * 1e6 / self.load.finalized as f64
    }

    /// Processor time of the client for each final transfer.
    #[must_use]
    pub fn client_us_per_transfer(&self) -> f64 {
        self.load.client_cpu_percent * 1e4 * self.load.seconds / self.load.finalized_in_window as f64
    }

    /// Processors in use by the six and the client.
    #[must_use]
    pub fn cores(&self) -> f64 {
        self.six_cpu_s / self.wall_s + self.load.client_cpu_percent / 100.0
    }
}

/// A validator is killed under load and comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Return {
    /// Transfers per second.
    pub rate: f64,
    /// Seconds after the load began.
    pub killed_s: f64,
    /// Seconds after the load began.
    pub back_s: f64,
    /// The whole load.
    pub load: Load,
    /// Second by second.
    pub timeline: Vec<Second>,
}

/// The transfers that were due in one second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// From 0.
    pub second: u64,
    /// How many.
    pub transfers: u64,
    /// Latency.
    pub p50_ms: f64,
    /// Latency.
    pub p90_ms: f64,
    /// Latency.
    pub p99_ms: f64,
    /// Latency.
    pub max_ms: f64,
}

/// All killed at once under load, and started again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outage {
    /// From the start of the processes to a new final block.
    pub recovered_ms: f64,
    /// A block that was final before.
    pub height: u64,
    /// Whether all nodes still have that very block.
    pub same_block: bool,
    /// The load all the while.
    pub load: Load,
}

/// Resident memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// After each of several loads: final transfers of the chain, and the most memory that each validator had under that
    /// load, in MiB, looked at each second.
    pub samples: Vec<(u64, Vec<f64>)>,
}

/// What a validator's database keeps, compacted, before and after a load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disk {
    /// Final transfers in between.
    pub transfers: u64,
    /// Bytes by column.
    pub before: BTreeMap<String, u64>,
    /// Bytes by column.
    pub after: BTreeMap<String, u64>,
    /// The whole data directory before it was compacted, journal and logs included.
    pub directory_bytes: u64,
}

/// Columns that grow with the chain's length; all others are state.
const HISTORY: [&str; 6] = ["headers", "bodies", "receipts", "transaction_index", "block_index", "certificates"];

impl Disk {
    /// Bytes by which a column grew for each transfer.
    #[must_use]
    pub fn growth(&self, column: &str) -> f64 {
        let of = |columns: &BTreeMap<String, u64>| columns.get(column).copied().unwrap_or(0) as f64;
        (of(&self.after) - of(&self.before)) / self.transfers as f64
    }

    /// The columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.after.keys().map(String::as_str)
    }

    /// Whether a column is history rather than state.
    #[must_use]
    pub fn is_history(column: &str) -> bool {
        HISTORY.iter().any(|name| column.replace('-', "_") == *name)
    }

    /// Bytes of history for each transfer.
    #[must_use]
    pub fn history(&self) -> f64 {
        self.columns().filter(|column| Self::is_history(column)).map(|column| self.growth(column)).sum()
    }

    /// Bytes of state for each transfer.
    #[must_use]
    pub fn state(&self) -> f64 {
        self.columns().filter(|column| !Self::is_history(column)).map(|column| self.growth(column)).sum()
    }
}

/// A closed loop with a bound on blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockSize {
    /// `consensus.max_block_bytes`.
    pub max_block_bytes: u64,
    /// The load.
    pub load: Load,
}

/// View mean, view median, finality mean, finality median, one view at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wide {
    /// What everything was drawn from.
    pub seed: u64,
    /// Ours.
    pub ours_ms: [f64; 4],
    /// The reference's.
    pub reference_ms: [f64; 4],
}

impl Wide {
    /// The difference in percent of the reference.
    #[must_use]
    pub fn difference_percent(&self, cell: usize) -> f64 {
        100.0 * (self.ours_ms[cell] / self.reference_ms[cell] - 1.0)
    }
}

/// A simulated committee with processing time and bandwidth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Simulated {
    /// n.
    pub validators: u64,
    /// What everything was drawn from.
    pub seed: u64,
    /// Proposal until a validator goes on: mean and 99th percentile, one view at a time.
    pub view_ms: [f64; 2],
    /// Proposal until final for a validator, likewise.
    pub finality_ms: [f64; 2],
    /// From one proposal to the next in a chain, mean.
    pub interval_ms: f64,
    /// Of the mean view latency: propagation, bandwidth, processing.
    pub view_causes_ms: [f64; 3],
    /// Of the mean finality.
    pub finality_causes_ms: [f64; 3],
    /// Of the mean interval.
    pub interval_causes_ms: [f64; 3],
}

/// What `minuet limits` allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Transfers per second.
    pub tps_limit: f64,
    /// From a proposal to its finality.
    pub finality_limit_ms: f64,
    /// The same with BLS votes; older results have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finality_with_bls_limit_ms: Option<f64>,
    /// The first at rest, with what that leaves out; older results have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finality_at_rest_limit_ms: Option<f64>,
}

/// One of criterion's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// `module::operation/key=value`.
    pub name: String,
    /// Median of one iteration.
    pub median_ns: f64,
    /// Of the median's confidence interval.
    pub low_ns: f64,
    /// Of the median's confidence interval.
    pub high_ns: f64,
}

impl Results {
    /// Reads them.
    ///
    /// # Errors
    /// The file cannot be read or is another version's.
    pub fn read(path: &Path) -> Result<Self, Trouble> {
        let failed = |error: &dyn std::fmt::Display| Trouble::new(format_args!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        let results: Self = serde_json::from_str(&text).map_err(|error| failed(&error))?;
        if results.version != RESULTS_VERSION {
            let version = results.version;
            return Err(failed(&format_args!("version {version} instead of {RESULTS_VERSION}: measure anew")));
        }
        Ok(results)
    }

    /// As they are kept.
    ///
    /// # Errors
    /// A number that JSON has no form for.
    pub fn to_json(&self) -> Result<String, Trouble> {
        let text = serde_json::to_string_pretty(self);
        Ok(text.map_err(|error| Trouble::new(format_args!("the results have no JSON form: {error}")))? + "\n")
    }

    /// Name, when, and number of runs of everything that was measured, in the order of the page.
    #[must_use]
    pub fn taken(&self) -> Vec<(&'static str, &Taken, usize)> {
        fn one<'a, T>(name: &'static str, of: &'a Option<Measured<T>>) -> Option<(&'static str, &'a Taken, usize)> {
            of.as_ref().map(|measured| (name, &measured.taken, measured.runs.len()))
        }
        let all = [
            one("idle", &self.idle),
            one("steady", &self.steady),
            one("thousand", &self.thousand),
            one("curve", &self.curve),
            one("dead", &self.dead),
            one("returns", &self.returns),
            one("closed", &self.closed),
            one("outage", &self.outage),
            one("memory", &self.memory),
            one("disk", &self.disk),
            one("blocks", &self.blocks),
            one("wide", &self.wide),
            one("committee", &self.committee),
            one("large", &self.large),
            one("limits", &self.limits),
            one("parts", &self.parts),
        ];
        all.into_iter().flatten().collect()
    }
}
