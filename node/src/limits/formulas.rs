//! What a machine allows, as formulas over what its operations cost. Pure.
//!
//! n validators share C cores at R blocks a second. Times are processor time in microseconds, unless they say otherwise:
//!
//! - `V = n · (check of M votes + check of L votes + sign + record)`: the votes on one block, over all validators.
//! - `c_tx = signature + network + hash + execution + state root + state write`: one transaction on one validator.
//! - `TPS_lim = (C − R·V) / (n·c_tx + c_client)`, where c_client is what the client spends on a transaction.
//! - `T_fin = build + block transfer + hop + block check + sign + record + hop + quorum check`, where what all validators do
//!   at the same time takes n/C times as long as on one core.
//! - `E_tps = TPS / TPS_lim(R)`, `E_fin = T_fin / measured p50`, `E_cpu = n·c_tx·TPS / cores used`.

use serde::Serialize;

const US_PER_SECOND: f64 = 1e6;

/// Who shares what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// n.
    pub validators: usize,
    /// C.
    pub cores: usize,
    /// R.
    pub blocks_per_second: f64,
}

/// What a validator does for the votes on one block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoteCosts {
    /// Gathers and checks M votes.
    pub check_m_us: f64,
    /// Gathers and checks L votes.
    pub check_l_us: f64,
    /// Signs its own.
    pub sign_us: f64,
    /// Writes it down; what the disk takes is no processor time.
    pub record_us: f64,
}

impl VoteCosts {
    /// V.
    #[must_use]
    pub fn per_block_us(&self, validators: usize) -> f64 {
        validators as f64 * (self.check_m_us + self.check_l_us + self.sign_us + self.record_us)
    }
}

/// What a validator does for one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TransactionCosts {
    /// Checks the signature in a batch.
    pub signature_us: f64,
    /// Receives it once, and sends it on for those who have not got it.
    pub network_us: f64,
    /// Decodes and hashes it, checks what needs no state, and its share of the body's root.
    pub hash_us: f64,
    /// Runs it.
    pub execution_us: f64,
    /// Its share of state root and receipts root.
    pub state_root_us: f64,
    /// Its share of the commit.
    pub state_write_us: f64,
}

impl TransactionCosts {
    /// The parts with their names.
    #[must_use]
    pub const fn parts(&self) -> [(&'static str, f64); 6] {
        [
            ("signature", self.signature_us),
            ("network", self.network_us),
            ("decode and hash", self.hash_us),
            ("execution", self.execution_us),
            ("state root", self.state_root_us),
            ("state write", self.state_write_us),
        ]
    }

    /// c_tx.
    #[must_use]
    pub fn total_us(&self) -> f64 {
        self.parts().iter().map(|(_, us)| us).sum()
    }
}

/// Of a transaction that crosses the network once to each validator but the first that has it: everyone receives it, and
/// sends it on, (n−1)/n times on average.
#[must_use]
pub fn network_us(envelope_bytes: f64, cpu_ns_per_byte: f64, validators: usize) -> f64 {
    let n = validators.max(1) as f64;
    envelope_bytes * cpu_ns_per_byte / 1000.0 * (n - 1.0) / n
}

/// TPS_lim; 0 where the votes alone take all cores.
#[must_use]
pub fn tps_limit(setting: &Setting, votes_us: f64, transaction_us: f64, client_us: f64) -> f64 {
    let left = setting.cores as f64 - setting.blocks_per_second * votes_us / US_PER_SECOND;
    let each = (setting.validators as f64 * transaction_us + client_us) / US_PER_SECOND;
    if left > 0.0 && each > 0.0 { left / each } else { 0.0 }
}

/// The way of a block to finality, on a machine with a core for everyone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FinalitySteps {
    /// The leader makes the block.
    pub build_us: f64,
    /// Its bytes at the network's speed.
    pub transfer_us: f64,
    /// From one thread to another over the network.
    pub hop_us: f64,
    /// Everyone checks the block, its transactions known.
    pub block_check_us: f64,
    /// Everyone signs a vote.
    pub sign_us: f64,
    /// Until the vote's record is on the disk: waiting, not working.
    pub record_us: f64,
    /// Everyone checks a quorum of L.
    pub quorum_check_us: f64,
}

/// T_fin and its parts, in milliseconds, for validators that share cores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Finality {
    /// As in [`FinalitySteps`], like all others.
    pub build_ms: f64,
    /// Of the block.
    pub transfer_ms: f64,
    /// Both of them.
    pub hops_ms: f64,
    /// By all.
    pub block_check_ms: f64,
    /// By all.
    pub sign_ms: f64,
    /// By all, side by side.
    pub record_ms: f64,
    /// By all.
    pub quorum_check_ms: f64,
}

impl Finality {
    /// Of these steps.
    #[must_use]
    pub fn of(steps: &FinalitySteps, setting: &Setting) -> Self {
        // Below one validator a core nobody waits for a core.
        let share = (setting.validators as f64 / setting.cores.max(1) as f64).max(1.0);
        Self {
            build_ms: steps.build_us / 1000.0,
            transfer_ms: steps.transfer_us / 1000.0,
            hops_ms: 2.0 * steps.hop_us / 1000.0,
            block_check_ms: share * steps.block_check_us / 1000.0,
            sign_ms: share * steps.sign_us / 1000.0,
            record_ms: steps.record_us / 1000.0,
            quorum_check_ms: share * steps.quorum_check_us / 1000.0,
        }
    }

    /// The parts with their names, in their order.
    #[must_use]
    pub const fn parts(&self) -> [(&'static str, f64); 7] {
        [
            ("build", self.build_ms),
            ("transfer", self.transfer_ms),
            ("two hops", self.hops_ms),
            ("block check", self.block_check_ms),
            ("sign", self.sign_ms),
            ("record", self.record_ms),
            ("quorum check", self.quorum_check_ms),
        ]
    }

    /// T_fin.
    #[must_use]
    pub fn total_ms(&self) -> f64 {
        self.parts().iter().map(|(_, ms)| ms).sum()
    }
}

/// A ratio; `None` where there is nothing to divide by.
#[must_use]
pub fn ratio(part: f64, whole: f64) -> Option<f64> {
    let ratio = part / whole;
    (whole > 0.0 && ratio.is_finite()).then_some(ratio)
}

/// E_cpu: the share of the cores used that the transactions had to cost.
#[must_use]
pub fn cpu_ratio(validators: usize, transaction_us: f64, tps: f64, cores_used: f64) -> Option<f64> {
    ratio(validators as f64 * transaction_us * tps / US_PER_SECOND, cores_used)
}
