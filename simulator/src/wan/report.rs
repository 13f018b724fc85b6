//! What a study found, for people and scripts.

use super::rules::Protocol;
use super::stats::Summary;
use serde::Serialize;

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The preset or list of regions.
    pub regions: String,
    /// How many places it names.
    pub region_count: usize,
    /// n.
    pub validators: usize,
    /// f.
    pub faulty: usize,
    /// What everything was drawn from.
    pub seed: u64,
    /// Views of each chain.
    pub views: usize,
    /// Times that every validator proposed a view of its own.
    pub passes: usize,
    /// What was assumed.
    pub conditions: Conditioned,
    /// One after the other, ours first.
    pub protocols: Vec<ProtocolReport>,
    /// Ours against the others.
    pub faster: Vec<Faster>,
}

/// What was assumed, in words and numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Conditioned {
    /// Bytes of transactions in a block.
    pub block_bytes: usize,
    /// Of each validator, both ways; none for no limit.
    pub bandwidth_mbit: Option<f64>,
    /// Whether the wire's own bytes and processing time count.
    pub real: bool,
    /// Delays cut down to whole milliseconds.
    pub whole_ms: bool,
    /// Δ at its base.
    pub delta_ms: u64,
}

/// One protocol.
#[derive(Clone, Debug, Serialize)]
pub struct ProtocolReport {
    /// For scripts.
    pub id: &'static str,
    /// For people.
    pub name: &'static str,
    #[serde(skip)]
    pub(super) protocol: Protocol,
    /// Votes for the next view and for finality.
    pub thresholds: String,
    /// One view at a time.
    pub single: Single,
    /// A chain.
    pub steady: Steady,
    /// What the figures are made of; only with processing time.
    pub causes: Option<Vec<Causes>>,
    /// Beside the reference, where it has such a row.
    pub reference: Option<Comparison>,
}

/// One view at a time, every validator proposing in turn.
#[derive(Clone, Debug, Serialize)]
pub struct Single {
    /// From the proposal until a validator goes on to the next view.
    pub view: Summary,
    /// From the proposal until the block is final for a validator.
    pub finality: Summary,
    /// How far apart passes lie: standard deviations of view mean, view median, finality mean, finality median.
    pub pass_sd_ms: [f64; 4],
}

/// A chain of views.
#[derive(Clone, Debug, Serialize)]
pub struct Steady {
    /// From one proposal to the next.
    pub interval: Summary,
    /// From the proposal until a validator goes on to the next view.
    pub view: Summary,
    /// From the proposal until the block is final for a validator.
    pub finality: Summary,
    /// From a transaction's entry until the validator where it entered sees it final.
    pub transaction: Summary,
    /// Of all validators.
    pub messages_per_block: f64,
    /// Of all validators.
    pub bytes_per_block: f64,
    /// Views in which no block was proposed or none became final.
    pub views_without_block: u64,
    /// Blocks that had to be empty, because their parent was not executed in time.
    pub empty_blocks: u64,
}

/// What a mean is made of, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Causes {
    /// Which mean.
    pub of: &'static str,
    /// The ideal network's.
    pub propagation_ms: f64,
    /// What bandwidth adds.
    pub serialization_ms: f64,
    /// What processing adds.
    pub processing_ms: f64,
    /// All of it.
    pub total_ms: f64,
}

/// View mean, view median, finality mean, finality median, beside the reference's.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The reference's, of one pass.
    pub reference_ms: [f64; 4],
    /// Ours, of all passes.
    pub ours_ms: [f64; 4],
    /// The difference in percent of the reference.
    pub difference_percent: [f64; 4],
    /// Standard deviation of one pass of ours, in percent of the reference.
    pub one_pass_sd_percent: [f64; 4],
}

/// By how much ours is below another protocol, in percent; chains, means.
#[derive(Clone, Debug, Serialize)]
pub struct Faster {
    /// The other.
    pub than: &'static str,
    /// From one proposal to the next.
    pub interval_percent: f64,
    /// View latency.
    pub view_percent: f64,
    /// Finality.
    pub finality_percent: f64,
    /// Transaction latency.
    pub transaction_percent: f64,
}
