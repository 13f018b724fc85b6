//! What was measured, each with its name for scripts, its name for people, and its unit.

use super::chain::ChainCosts;
use super::empty_blocks::EmptyBlockCosts;
use super::figure::figure;
use super::formulas::{FinalitySteps, RestSteps, TransactionCosts, VoteCosts, network_us};
use super::hand_over::HandOverCosts;
use super::records::RecordCosts;
use super::rest::RestCosts;
use super::signatures::{Ed25519Costs, StatementCosts};
use minuet_core::committee::Quorums;
use minuet_core::scheme::StatementScheme;
use minuet_p2p::loopback::Loopback;

/// Of one machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// For the votes that were gathered.
    pub quorums: Quorums,
    /// Signatures of transactions.
    pub ed25519: Ed25519Costs,
    /// Signatures of votes by BLS.
    pub bls: StatementCosts,
    /// And by Ed25519.
    pub short: StatementCosts,
    /// A vote's record.
    pub record: RecordCosts,
    /// What all write at once, at rest; `None` where that was not measured.
    pub rest: Option<RestCosts>,
    /// The network.
    pub quic: Loopback,
    /// From thread to thread.
    pub hand_over: HandOverCosts,
    /// Blocks of transfers.
    pub chain: ChainCosts,
    /// Blocks without.
    pub empty: EmptyBlockCosts,
}

/// One constant as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// With its unit at the end.
    pub name: &'static str,
    /// What it is.
    pub what: String,
    /// In that unit.
    pub value: f64,
    /// For people.
    pub unit: &'static str,
}

impl Constants {
    /// By the scheme that a new chain of so many validators takes.
    #[must_use]
    pub const fn statements(&self) -> &StatementCosts {
        match StatementScheme::for_committee_of(self.quorums.n()) {
            StatementScheme::Bls => &self.bls,
            StatementScheme::Ed25519 => &self.short,
        }
    }

    /// The parts of V.
    #[must_use]
    pub const fn votes(&self) -> VoteCosts {
        let costs = self.statements();
        VoteCosts {
            check_m_us: costs.check_m_us,
            check_l_us: costs.check_l_us,
            sign_us: costs.sign_us,
            record_us: self.record.cpu_us,
        }
    }

    /// The parts of c_tx.
    #[must_use]
    pub fn transaction(&self) -> TransactionCosts {
        TransactionCosts {
            signature_us: self.ed25519.lowest_us(),
            network_us: network_us(self.chain.envelope_bytes, self.quic.cpu_ns_per_byte, self.quorums.n()),
            hash_us: self.chain.hash_us,
            execution_us: self.chain.execution_us,
            state_root_us: self.chain.state_root_us,
            state_write_us: self.chain.state_write_us,
        }
    }

    /// The way of an empty block.
    #[must_use]
    pub fn finality_steps(&self) -> FinalitySteps {
        self.steps_with(self.statements())
    }

    /// The same where votes are signed with BLS, whatever this chain signs with.
    #[must_use]
    pub fn finality_steps_with_bls(&self) -> FinalitySteps {
        self.steps_with(&self.bls)
    }

    fn steps_with(&self, statements: &StatementCosts) -> FinalitySteps {
        FinalitySteps {
            build_us: self.empty.build_us,
            transfer_us: self.empty.bytes as f64 / self.quic.bytes_per_second * 1e6,
            hop_us: self.quic.one_way_us,
            block_check_us: self.empty.check_us,
            sign_us: statements.sign_us,
            record_us: self.record.p50_us,
            quorum_check_us: statements.check_l_us,
        }
    }

    /// The same way at rest, with what those steps leave out.
    #[must_use]
    pub fn rest_steps(&self) -> Option<RestSteps> {
        self.rest.map(|rest| RestSteps {
            way: self.finality_steps(),
            leader_record_us: rest.lone_record_us,
            message_us: self.quic.cpu_us_per_message,
            records_us: rest.records_us,
            stores_us: rest.stores_us,
        })
    }

    /// All of them in the order in which they are shown.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = self.signature_rows();
        rows.extend(self.wire_and_disk_rows());
        rows.extend(self.chain_rows());
        rows
    }

    fn signature_rows(&self) -> Vec<Row> {
        let [batch_64, batch_256, batch_1024] = self.ed25519.batch_us;
        let (m, l) = (self.quorums.m(), self.quorums.l());
        vec![
            row("ed25519_verify_us", "Ed25519: check one", self.ed25519.one_us, "µs"),
            row("ed25519_batch_64_us", "Ed25519: batch of 64, each", batch_64, "µs"),
            row("ed25519_batch_256_us", "Ed25519: batch of 256, each", batch_256, "µs"),
            row("ed25519_batch_1024_us", "Ed25519: batch of 1,024, each", batch_1024, "µs"),
            row(
                "ed25519_per_second_and_core",
                "Ed25519: checked at best by one core",
                1e6 / self.ed25519.lowest_us(),
                "/s",
            ),
            row("ed25519_vote_sign_us", "Ed25519: sign a vote", self.short.sign_us, "µs"),
            row("ed25519_vote_verify_us", "Ed25519: check one vote", self.short.verify_us, "µs"),
            row("ed25519_check_m_us", format!("Ed25519: check M = {m} votes"), self.short.check_m_us, "µs"),
            row("ed25519_check_l_us", format!("Ed25519: check L = {l} votes"), self.short.check_l_us, "µs"),
            row("bls_sign_us", "BLS: sign a vote", self.bls.sign_us, "µs"),
            row("bls_verify_us", "BLS: check one vote", self.bls.verify_us, "µs"),
            row("bls_check_m_us", format!("BLS: gather and check M = {m} votes"), self.bls.check_m_us, "µs"),
            row("bls_check_l_us", format!("BLS: gather and check L = {l} votes"), self.bls.check_l_us, "µs"),
        ]
    }

    fn wire_and_disk_rows(&self) -> Vec<Row> {
        let chain = &self.chain;
        let keys = format!("{} keys", figure(chain.batch_keys));
        let each = chain.batch_unsynced_us / chain.batch_keys.max(1.0);
        let mut rows = vec![
            row("record_sync_p50_us", "journal: a vote's record on the disk, p50", self.record.p50_us, "µs"),
            row("record_sync_p99_us", "journal: the same, p99", self.record.p99_us, "µs"),
            row("record_cpu_us", "journal: processor time of it", self.record.cpu_us, "µs"),
            row("quic_one_way_us", "QUIC on loopback: one way, back to back", self.quic.one_way_us, "µs"),
            row("quic_one_way_idle_us", "QUIC on loopback: one way, after a pause", self.quic.one_way_idle_us, "µs"),
            row("quic_gigabytes_per_second", "QUIC on loopback: one stream", self.quic.bytes_per_second / 1e9, "GB/s"),
            row("quic_cpu_ns_per_byte", "QUIC on loopback: both sides, a byte", self.quic.cpu_ns_per_byte, "ns"),
            row("quic_cpu_us_per_message", "QUIC on loopback: both sides, a vote", self.quic.cpu_us_per_message, "µs"),
            row("hand_over_us", "ring: to a thread that sleeps, back to back", self.hand_over.back_to_back_us, "µs"),
            row("hand_over_idle_us", "ring: the same, after a pause", self.hand_over.idle_us, "µs"),
            row("rocksdb_batch_keys", "RocksDB: keys of a block's batch", chain.batch_keys, ""),
            row("rocksdb_key_us", "RocksDB: each key of it, not synced", each, "µs"),
            row("rocksdb_batch_us", format!("RocksDB: {keys}, not synced"), chain.batch_unsynced_us, "µs"),
            row("rocksdb_batch_synced_us", format!("RocksDB: {keys}, synced"), chain.batch_synced_us, "µs"),
        ];
        if let Some(rest) = &self.rest {
            rows.extend([
                row("rest_lone_record_us", "at rest: a record of one, p50", rest.lone_record_us, "µs"),
                row("rest_records_us", "at rest: records of all at once, slowest p50", rest.records_us, "µs"),
                row("rest_stores_us", "at rest: all store an empty block, slowest p50", rest.stores_us, "µs"),
            ]);
        }
        rows
    }

    fn chain_rows(&self) -> Vec<Row> {
        let chain = &self.chain;
        vec![
            row("accounts", "accounts in the state", f64::from(chain.accounts), ""),
            row("block_transfers", "transfers in a block", f64::from(chain.transfers), ""),
            row("envelope_bytes", "transfer: its envelope", chain.envelope_bytes, "B"),
            row("sign_us", "transfer: make and sign it", chain.sign_us, "µs"),
            row("hash_us", "transfer: decode, hash, check without state", chain.hash_us, "µs"),
            row("execution_us", "transfer: execute", chain.execution_us, "µs"),
            row("state_root_us", "transfer: its part of state and receipts root", chain.state_root_us, "µs"),
            row("state_write_us", "transfer: its part of a commit", chain.state_write_us, "µs"),
            row("empty_block_build_us", "empty block: make", self.empty.build_us, "µs"),
            row("empty_block_check_us", "empty block: check", self.empty.check_us, "µs"),
        ]
    }
}

fn row(name: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Row {
    Row { name, what: what.into(), value, unit }
}
