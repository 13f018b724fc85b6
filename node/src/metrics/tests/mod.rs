//! Everything that is served, over services that stand still.

mod page;
pub mod scrape;
mod serving;
mod views;

use super::observer::Observer;
use super::registry::Registry;
use super::table::{ALL, Kind};
use super::{Sources, limits};
use crate::config::{MetricsConfig, read_genesis};
use crate::genesis::tests::small_genesis;
use crate::run::RingWatch;
use minuet_core::ValidatorIndex;
use minuet_core::mempool_errors::{AdmissionError, RefusalTally};
use minuet_core::messages::{Admitted, PeerEvent};
use minuet_core::rejection::RejectReason;
use minuet_core::ring::{Doorbell, ring_with_capacity};
use minuet_rpc::Role;
use minuet_storage::{RocksConfig, RocksStore};
use scrape::Scrape;
use std::collections::BTreeSet;
use std::sync::Arc;

const NOW_MS: u64 = 1_800_000_000_000;

/// A validator of a committee of six.
pub struct Bench {
    _dir: tempfile::TempDir,
    pub sources: Sources,
}

impl Bench {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        small_genesis(dir.path(), 6);
        let genesis = Arc::new(read_genesis(&dir.path().join("genesis.json")).unwrap());
        let sources = Sources {
            status: Arc::default(),
            genesis,
            validator: Some(ValidatorIndex(2)),
            role: Role::Validator,
            p2p: Arc::default(),
            rings: Vec::new(),
            store: RocksStore::open(dir.path().join("db"), RocksConfig::default()).unwrap(),
            views: minuet_core::views::ViewWriter::new().ring(),
            pool_transactions: 1000,
            pool_bytes: 1 << 20,
        };
        Self { _dir: dir, sources }
    }

    pub fn observer(&self) -> Observer {
        let registry = Arc::new(Registry::new());
        // As the API makes them.
        drop(super::CallCounts::new(&registry));
        let limits = limits(&MetricsConfig::default(), &self.sources);
        Observer::new(registry, &self.sources, limits)
    }

    fn scrape(&self) -> Scrape {
        Scrape::parse(&self.observer().text(NOW_MS))
    }
}

#[test]
fn every_metric_of_the_table_is_served_with_its_help_and_type_from_the_start_and_nothing_else_is() {
    let mut bench = Bench::new();
    let (sender, _receiver) = ring_with_capacity::<PeerEvent>(4, &Doorbell::silent());
    bench.sources.rings.push(RingWatch { name: "one", stats: Arc::clone(sender.stats()) });
    let scrape = bench.scrape();
    let mut table: Vec<&str> = ALL.iter().map(|metric| metric.name).collect();
    table.sort_unstable();
    assert_eq!(scrape.names(), table);
    for metric in ALL {
        assert_eq!(scrape.help[metric.name], metric.help);
        assert_eq!(scrape.kinds[metric.name], metric.kind.name());
    }
    let mut undone = scrape.values.iter().filter(|(series, value)| series.contains("_total") && **value > 0.0);
    assert_eq!(undone.find(|(series, _)| !series.starts_with("minuet_process_")), None, "counters start at 0");
}

#[test]
fn names_follow_the_rules_and_bounds_ascend() {
    let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), ALL.len());
    for metric in ALL {
        let name = metric.name;
        assert!(name.starts_with("minuet_") && !name.contains("__"), "{name}");
        assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
        assert!(metric.help.ends_with('.') && !metric.help.contains(['\n', '\\', '|']), "{name}: {}", metric.help);
        if let Kind::Histogram(bounds) = metric.kind {
            assert!(name.ends_with("_seconds") && metric.unit == "seconds", "{name}");
            assert!(bounds.is_sorted_by(|one, other| one < other), "{name}: {bounds:?}");
        }
        for unit in ["bytes", "seconds", "wei"] {
            assert!(metric.unit != unit || name.contains(unit), "{name} is in {unit}");
        }
    }
}

#[test]
fn what_the_services_count_is_what_is_shown() {
    let mut bench = Bench::new();
    let status = Arc::clone(&bench.sources.status);
    status.height.set(7);
    status.known_height.set(9);
    status.block_time_ms.set(NOW_MS - 1500);
    status.delta_ms.set(250);
    status.nullifications.contradiction.add(3);
    status.rejections.count(RejectReason::Old);
    let mut tally = RefusalTally::default();
    tally.count(&AdmissionError::PoolFull);
    tally.add_to(&status.refusals);
    status.times.journal_sync.record(1_500);
    status.times.journal_sync.record(4_000_000);
    let (mut sender, _receiver) = ring_with_capacity::<PeerEvent>(1, &Doorbell::silent());
    sender.try_send(PeerEvent::Up(minuet_core::PeerId(1))).unwrap();
    sender.try_send(PeerEvent::Up(minuet_core::PeerId(2))).unwrap_err();
    bench.sources.rings.push(RingWatch { name: "one", stats: Arc::clone(sender.stats()) });

    let scrape = bench.scrape();
    let shown = [
        ("minuet_consensus_finalized_height", 7.0),
        ("minuet_consensus_known_height", 9.0),
        ("minuet_consensus_last_finalized_timestamp_seconds", 1_799_999_998.5),
        ("minuet_consensus_delta_seconds", 0.25),
        ("minuet_consensus_nullifications_total{reason=\"contradiction\"}", 3.0),
        ("minuet_consensus_nullifications_total{reason=\"timeout\"}", 0.0),
        ("minuet_consensus_rejections_total{reason=\"old\"}", 1.0),
        ("minuet_mempool_rejected_total{reason=\"pool_full\"}", 1.0),
        ("minuet_mempool_capacity_bytes", 1_048_576.0),
        ("minuet_storage_journal_sync_seconds_bucket{le=\"0.001\"}", 0.0),
        ("minuet_storage_journal_sync_seconds_bucket{le=\"0.0025\"}", 1.0),
        ("minuet_storage_journal_sync_seconds_bucket{le=\"+Inf\"}", 2.0),
        ("minuet_storage_journal_sync_seconds_sum", 4.0015),
        ("minuet_ring_depth_messages{ring=\"one\"}", 1.0),
        ("minuet_ring_capacity_messages{ring=\"one\"}", 1.0),
        ("minuet_ring_full_total{ring=\"one\"}", 1.0),
        ("minuet_node_validators", 6.0),
        ("minuet_node_quorum_m", 3.0),
        ("minuet_node_quorum_l", 5.0),
        ("minuet_node_ready", 0.0),
    ];
    for (series, value) in shown {
        assert_eq!(scrape.value(series), value, "{series}");
    }
    let info = format!(
        "minuet_node_info{{version=\"{}\",role=\"validator\",validator=\"2\",chain_id=\"77\"}}",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(scrape.value(&info), 1.0);
    assert!(!scrape.values.contains_key("minuet_p2p_peer_connected{validator=\"2\"}"), "nobody is its own peer");
    assert_eq!(scrape.value("minuet_p2p_peer_connected{validator=\"5\"}"), 0.0);
}

#[test]
fn lost_samples_and_dropped_messages_are_shown() {
    let mut bench = Bench::new();
    let samples = &bench.sources.status.times.execution;
    while samples.lost() < 3 {
        samples.record(1);
    }
    let (mut sender, _receiver) = ring_with_capacity::<Admitted>(1, &Doorbell::silent());
    let transaction = Arc::new(crate::metrics::tests::transaction());
    assert!(sender.send_or_drop(Admitted(transaction.clone())) && !sender.send_or_drop(Admitted(transaction)));
    bench.sources.rings.push(RingWatch { name: "one", stats: Arc::clone(sender.stats()) });
    let scrape = bench.scrape();
    assert_eq!(scrape.value("minuet_metrics_lost_samples_total{of=\"minuet_execution_block_seconds\"}"), 3.0);
    assert_eq!(scrape.value("minuet_ring_dropped_total{ring=\"one\"}"), 1.0);
}

#[test]
fn counters_never_fall_even_if_what_they_read_does() {
    let bench = Bench::new();
    let mut observer = bench.observer();
    bench.sources.status.evicted.set(8);
    let before = Scrape::parse(&observer.text(NOW_MS));
    bench.sources.status.evicted.set(5);
    bench.sources.status.finalized_blocks.add(2);
    let after = Scrape::parse(&observer.text(NOW_MS + 1));
    before.never_fell_until(&after);
    assert_eq!(after.value("minuet_mempool_evicted_total"), 8.0);
    assert_eq!(after.value("minuet_consensus_finalized_blocks_total"), 2.0);
}

#[test]
fn a_validator_needs_the_peers_that_finality_needs_unless_told_otherwise() {
    let mut bench = Bench::new();
    let needed = |bench: &Bench, ready_min_peers| {
        limits(&MetricsConfig { ready_min_peers, ..MetricsConfig::default() }, &bench.sources).min_peers
    };
    assert_eq!((needed(&bench, 0), needed(&bench, 2)), (4, 2));
    bench.sources.validator = None;
    assert_eq!((needed(&bench, 0), needed(&bench, 2)), (1, 2));
}

fn transaction() -> minuet_core::transaction::Transaction {
    use minuet_core::transaction::{EmptyList, UnsignedTransaction};
    use minuet_core::{Address, B256, Bytes, U256};
    let key = minuet_core::ed25519::Ed25519SecretKey::from_bytes(&[9; 32]);
    let unsigned = UnsignedTransaction {
        chain_id: 7,
        nonce: 0,
        max_priority_fee_per_gas: 5,
        max_fee_per_gas: 2_000_000,
        gas_limit: 21_000,
        to: Address::repeat_byte(0x22),
        value: U256::from(1_000u64),
        data: Bytes::new(),
        access_list: EmptyList,
        public_key: key.public_key(),
    };
    unsigned.sign(&key, &B256::repeat_byte(1))
}
