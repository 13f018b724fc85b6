//! What is no atomic: peers, the database's memory and levels, the process. Asked at most once a second, however many ask
//! for the metrics.

use super::Sources;
use super::process::Process;
use super::registry::Registry;
use super::table as t;
use super::watch::seconds;
use metrics::Gauge;
use minuet_p2p::P2pStats;
use minuet_storage::{LEVELS, RocksStore};
use std::sync::Arc;

const PAUSE_MS: u64 = 1000;

struct PeerSeries {
    validator: u32,
    connected: Gauge,
    rtt: Gauge,
}

/// The series, and whom to ask.
pub struct Asked {
    stats: Arc<P2pStats>,
    store: Arc<RocksStore>,
    peers: Gauge,
    by_validator: Vec<PeerSeries>,
    memory: [Gauge; 3],
    levels: [(Gauge, Gauge); LEVELS],
    /// Resident bytes, open and possible files, threads.
    process: [Gauge; 4],
    cpu_seconds: f64,
    asked_ms: Option<u64>,
}

impl Asked {
    pub fn new(registry: &Registry, sources: &Sources) -> Self {
        let others = sources.genesis.committee().iter().map(|(index, _)| index);
        let others = others.filter(|index| Some(*index) != sources.validator);
        let series = |index: minuet_core::ValidatorIndex| {
            let validator = index.0.to_string();
            PeerSeries {
                validator: index.0.into(),
                connected: registry.gauge(&t::P2P_PEER_CONNECTED, &[&validator]),
                rtt: registry.gauge(&t::P2P_PEER_RTT, &[&validator]),
            }
        };
        let memory = ["block_cache", "memtables", "table_readers"];
        let level = |level: usize| {
            let level = level.to_string();
            let of = |metric| registry.gauge(metric, &[&level]);
            (of(&t::STORAGE_ROCKSDB_FILES), of(&t::STORAGE_ROCKSDB_LEVEL_BYTES))
        };
        let process = [&t::PROCESS_RESIDENT, &t::PROCESS_OPEN_FDS, &t::PROCESS_MAX_FDS, &t::PROCESS_THREADS];
        Self {
            stats: Arc::clone(&sources.p2p),
            store: Arc::clone(&sources.store),
            peers: registry.gauge(&t::P2P_PEERS, &[]),
            by_validator: others.map(series).collect(),
            memory: memory.map(|kind| registry.gauge(&t::STORAGE_ROCKSDB_MEMORY, &[kind])),
            levels: std::array::from_fn(level),
            process: process.map(|metric| registry.gauge(metric, &[])),
            cpu_seconds: 0.0,
            asked_ms: None,
        }
    }

    /// Processor time as of the last question; it never falls.
    pub const fn cpu_seconds(&self) -> f64 {
        self.cpu_seconds
    }

    /// Asks everybody, unless that was done a moment ago.
    pub fn ask(&mut self, now_ms: u64) {
        // A clock that was set back asks anew.
        if self.asked_ms.is_some_and(|before| (before..before.saturating_add(PAUSE_MS)).contains(&now_ms)) {
            return;
        }
        self.asked_ms = Some(now_ms);
        self.ask_network();
        self.ask_database();
        let process = Process::now();
        self.cpu_seconds = self.cpu_seconds.max(process.cpu_seconds);
        let values = [process.resident_bytes, process.open_fds, process.max_fds, process.threads];
        self.process.iter().zip(values).for_each(|(gauge, value)| gauge.set(value as f64));
    }

    fn ask_network(&self) {
        let known = self.stats.peers();
        let mut connected = 0_u32;
        for series in &self.by_validator {
            let peer = known.iter().find(|peer| peer.peer.0 == series.validator && peer.connected);
            connected += u32::from(peer.is_some());
            series.connected.set(f64::from(u8::from(peer.is_some())));
            series.rtt.set(peer.map_or(0.0, |peer| seconds(peer.rtt_us)));
        }
        self.peers.set(f64::from(connected));
    }

    /// What RocksDB does not say stays as it was: a failing read is the ledger's to meet (D-FAIL-STOP).
    fn ask_database(&self) {
        match self.store.memory_usage() {
            Ok(usage) => {
                let values = [usage.block_cache, usage.memtables, usage.table_readers];
                self.memory.iter().zip(values).for_each(|(gauge, value)| gauge.set(value as f64));
            }
            Err(error) => tracing::debug!(%error, "the database does not say what memory it holds"),
        }
        match self.store.levels() {
            Ok(levels) => {
                for ((files, bytes), level) in self.levels.iter().zip(levels) {
                    files.set(level.files as f64);
                    bytes.set(level.bytes as f64);
                }
            }
            Err(error) => tracing::debug!(%error, "the database does not list its files"),
        }
    }
}
