//! What a machine allows, as formulas over what its operations cost. Pure.
//!
//! n validators share C cores at R blocks a second. Times are processor time in microseconds, unless they say otherwise:
//!
//! - `V = n · (check of M votes + check of L votes + sign + record)`: the votes on one block, over all validators.
//! - `c_tx = signature + network + hash + execution + state root + state write`: one transaction on one validator.
//! - `TPS_lim = (C − R·V) / (n·c_tx + c_client)`, where c_client is what the client spends on a transaction.
//! - `T_fin = build + block transfer + hop + block check + sign + record + hop + quorum check`, where what all validators do
//!   at the same time takes n/C times as long as on one core.
//! - `T_rest`: T_fin of a chain at rest, with what its formula leaves out: the leader's record, the work on all messages where
//!   that is more than two hops, a disk that all write to at once after a pause, woken before, and the final block's way there.
//! - `E_tps = TPS / TPS_lim(R)`, `E_fin = T_fin / measured p50`, E_bls the same with BLS votes in T_fin,
//!   `E_rest = T_rest / measured p50`, `E_cpu = n·c_tx·TPS / cores used`.

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

/// The way of an empty block on a chain at rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestSteps {
    /// What [`Finality`] is made of.
    pub way: FinalitySteps,
    /// Until the proposal's record is on the disk, which nobody else writes to.
    pub leader_record_us: f64,
    /// Processor time of a message, on both sides together.
    pub message_us: f64,
    /// Until the last vote's record is on the disk.
    pub records_us: f64,
    /// Until the last one has stored the final block.
    pub stores_us: f64,
}

/// T_rest and its parts, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FinalityAtRest {
    /// As in [`Finality`], like all that have its names.
    pub build_ms: f64,
    /// Alone.
    pub leader_record_ms: f64,
    /// Of the block.
    pub transfer_ms: f64,
    /// From each to each, the proposal being the leader's vote; two hops at least.
    pub messages_ms: f64,
    /// By all.
    pub block_check_ms: f64,
    /// By all.
    pub sign_ms: f64,
    /// Of all at once.
    pub records_ms: f64,
    /// By all.
    pub quorum_check_ms: f64,
    /// By all at once.
    pub stores_ms: f64,
}

impl FinalityAtRest {
    /// Of these steps.
    #[must_use]
    pub fn of(steps: &RestSteps, setting: &Setting) -> Self {
        let way = Finality::of(&steps.way, setting);
        let n = setting.validators as f64;
        let working = setting.cores.clamp(1, setting.validators.max(1)) as f64;
        let messages_ms = n * (n - 1.0) * steps.message_us / working / 1000.0;
        Self {
            build_ms: way.build_ms,
            leader_record_ms: steps.leader_record_us / 1000.0,
            transfer_ms: way.transfer_ms,
            messages_ms: messages_ms.max(way.hops_ms),
            block_check_ms: way.block_check_ms,
            sign_ms: way.sign_ms,
            records_ms: steps.records_us / 1000.0,
            quorum_check_ms: way.quorum_check_ms,
            stores_ms: steps.stores_us / 1000.0,
        }
    }

    /// The parts with their names, in their order.
    #[must_use]
    pub const fn parts(&self) -> [(&'static str, f64); 9] {
        [
            ("build", self.build_ms),
            ("the leader's record", self.leader_record_ms),
            ("transfer", self.transfer_ms),
            ("messages, or two hops", self.messages_ms),
            ("block check", self.block_check_ms),
            ("sign", self.sign_ms),
            ("records", self.records_ms),
            ("quorum check", self.quorum_check_ms),
            ("final block stored", self.stores_ms),
        ]
    }

    /// T_rest.
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
