//! Which series show what: the services' atomics beside their metrics.

use super::Sources;
use super::registry::Registry;
use super::table as t;
use super::table::Metric;
use super::watch::{Watch, seconds};
use minuet_core::mempool_errors::REFUSAL_WORDS;
use minuet_core::rejection::RejectReason;
use minuet_core::status::NodeStatus;
use minuet_core::wire::Lane;
use minuet_p2p::{LaneStats, P2pStats, Reject};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Everything that is an atomic somewhere.
pub fn watch(registry: &Registry, sources: &Sources) -> Watch {
    let mut watch = Watch::default();
    let mut shown = Shown { watch: &mut watch, registry, status: &sources.status };
    consensus(&mut shown);
    mempool(&mut shown, sources);
    execution(&mut shown);
    storage(&mut shown);
    network(&mut watch, registry, &sources.p2p);
    rings(&mut watch, registry, sources);
    node(registry, sources);
    watch
}

/// Series of the node's status.
struct Shown<'a> {
    watch: &'a mut Watch,
    registry: &'a Registry,
    status: &'a Arc<NodeStatus>,
}

impl Shown<'_> {
    fn gauge(&mut self, metric: &Metric, values: &[&str], read: impl Fn(&NodeStatus) -> f64 + Send + 'static) {
        let status = Arc::clone(self.status);
        self.watch.gauge(self.registry, metric, values, move || read(&status));
    }

    fn counter(&mut self, metric: &Metric, values: &[&str], read: impl Fn(&NodeStatus) -> u64 + Send + 'static) {
        let status = Arc::clone(self.status);
        self.watch.counter(self.registry, metric, values, move || read(&status));
    }

    fn samples(&mut self, metric: &Metric, of: super::watch::SamplesOf) {
        self.watch.samples(self.registry, metric, self.status, of);
    }
}

fn consensus(shown: &mut Shown) {
    shown.gauge(&t::CONSENSUS_VIEW, &[], |status| status.view.get() as f64);
    shown.gauge(&t::CONSENSUS_FINALIZED_VIEW, &[], |status| status.finalized_view.get() as f64);
    shown.gauge(&t::CONSENSUS_FINALIZED_HEIGHT, &[], |status| status.height.get() as f64);
    shown.gauge(&t::CONSENSUS_KNOWN_HEIGHT, &[], |status| status.known_height.get().max(status.height.get()) as f64);
    shown.gauge(&t::CONSENSUS_LAST_FINALIZED, &[], |status| {
        let is_there = status.height.get() > 0;
        if is_there { status.block_time_ms.get() as f64 / 1e3 } else { 0.0 }
    });
    shown.gauge(&t::CONSENSUS_DELTA, &[], |status| status.delta_ms.get() as f64 / 1e3);
    shown.samples(&t::CONSENSUS_FINALITY, |status| &status.times.finality);
    shown.counter(&t::CONSENSUS_FINALIZED_BLOCKS, &[], |status| status.finalized_blocks.get());
    shown.counter(&t::CONSENSUS_NULLIFIED_VIEWS, &[], |status| status.nullified_views.get());
    shown.counter(&t::CONSENSUS_NULLIFICATIONS, &["timeout"], |status| status.nullifications.timeout.get());
    shown.counter(&t::CONSENSUS_NULLIFICATIONS, &["contradiction"], |status| status.nullifications.contradiction.get());
    shown.counter(&t::CONSENSUS_NULLIFICATIONS, &["skip"], |status| status.nullifications.skip.get());
    shown.counter(&t::CONSENSUS_EQUIVOCATIONS, &[], |status| status.equivocations.get());
    shown.counter(&t::CONSENSUS_PROPOSED_BLOCKS, &[], |status| status.proposed_blocks.get());
    for reason in RejectReason::ALL {
        shown.counter(&t::CONSENSUS_REJECTIONS, &[reason.word()], |status| status.rejections.of(*reason));
    }
}

fn mempool(shown: &mut Shown, sources: &Sources) {
    shown.gauge(&t::MEMPOOL_TRANSACTIONS, &["pending"], |status| status.pending.get() as f64);
    shown.gauge(&t::MEMPOOL_TRANSACTIONS, &["queued"], |status| status.queued.get() as f64);
    shown.gauge(&t::MEMPOOL_BYTES, &[], |status| status.pool_bytes.get() as f64);
    shown.gauge(&t::MEMPOOL_LOG_BYTES, &[], |status| status.pool_log_bytes.get() as f64);
    shown.registry.gauge(&t::MEMPOOL_CAPACITY_TRANSACTIONS, &[]).set(sources.pool_transactions as f64);
    shown.registry.gauge(&t::MEMPOOL_CAPACITY_BYTES, &[]).set(sources.pool_bytes as f64);
    shown.counter(&t::MEMPOOL_ADMITTED, &[], |status| status.admitted.get());
    shown.counter(&t::MEMPOOL_EVICTED, &[], |status| status.evicted.get());
    for (place, word) in REFUSAL_WORDS.iter().enumerate() {
        shown.counter(&t::MEMPOOL_REJECTED, &[word], move |status| status.refusals.at(place));
    }
}

fn execution(shown: &mut Shown) {
    shown.samples(&t::EXECUTION_BLOCK, |status| &status.times.execution);
    shown.samples(&t::EXECUTION_STATE_ROOT, |status| &status.times.state_root);
    shown.counter(&t::EXECUTION_GAS, &[], |status| status.finalized_gas.get());
    shown.counter(&t::EXECUTION_TRANSACTIONS, &[], |status| status.finalized_transactions.get());
    shown.counter(&t::EXECUTION_MISMATCHES, &[], |status| status.state_root_mismatches.get());
    shown.gauge(&t::EXECUTION_BASE_FEE, &[], |status| status.base_fee.get() as f64);
}

fn storage(shown: &mut Shown) {
    shown.samples(&t::STORAGE_BATCH, |status| &status.times.batch);
    shown.samples(&t::STORAGE_JOURNAL_SYNC, |status| &status.times.journal_sync);
    shown.counter(&t::STORAGE_JOURNAL_FAILURES, &[], |status| status.journal_failures.get());
    shown.gauge(&t::STORAGE_DISK_FREE, &[], |status| status.disk_free_bytes.get() as f64);
    shown.gauge(&t::STORAGE_LOW_DISK, &[], |status| f64::from(u8::from(status.low_disk.load(Relaxed))));
}

type OfLane = fn(&LaneStats) -> u64;

fn network(watch: &mut Watch, registry: &Registry, stats: &Arc<P2pStats>) {
    let mut counter = |metric: &Metric, values: &[&str], read: fn(&P2pStats) -> u64| {
        let stats = Arc::clone(stats);
        watch.counter(registry, metric, values, move || read(&stats));
    };
    counter(&t::P2P_BANS, &[], |stats| stats.bans.get());
    counter(&t::P2P_CONNECTIONS, &[], |stats| stats.connections.get());
    counter(&t::P2P_FAILED_DIALS, &[], |stats| stats.failed_dials.get());
    let of_lanes: [(&Metric, OfLane); 4] = [
        (&t::P2P_RECEIVED_BYTES, |lane| lane.bytes_in.get()),
        (&t::P2P_SENT_BYTES, |lane| lane.bytes_out.get()),
        (&t::P2P_RECEIVED_MESSAGES, |lane| lane.frames_in.get()),
        (&t::P2P_SENT_MESSAGES, |lane| lane.frames_out.get()),
    ];
    for (metric, read) in of_lanes {
        for lane in Lane::ALL {
            let stats = Arc::clone(stats);
            watch.counter(registry, metric, &[lane.name()], move || read(stats.lane(lane)));
        }
    }
    for reason in Reject::ALL {
        let stats = Arc::clone(stats);
        watch.counter(registry, &t::P2P_REJECTS, &[reason.name()], move || stats.rejected(reason));
    }
}

fn rings(watch: &mut Watch, registry: &Registry, sources: &Sources) {
    for ring in &sources.rings {
        let values = [ring.name];
        let [depth, full, dropped] = std::array::from_fn(|_| Arc::clone(&ring.stats));
        registry.gauge(&t::RING_CAPACITY, &values).set(ring.stats.capacity() as f64);
        watch.gauge(registry, &t::RING_DEPTH, &values, move || depth.depth() as f64);
        watch.counter(registry, &t::RING_FULL, &values, move || full.snapshot().full);
        watch.counter(registry, &t::RING_DROPPED, &values, move || dropped.snapshot().dropped);
    }
}

/// What stays as it is while the node runs.
fn node(registry: &Registry, sources: &Sources) {
    let validator = sources.validator.map_or("none".to_owned(), |index| index.0.to_string());
    let chain_id = sources.genesis.chain_id().to_string();
    let values = [env!("CARGO_PKG_VERSION"), sources.role.name(), &validator, &chain_id];
    registry.gauge(&t::NODE_INFO, &values).set(1.0);
    registry.gauge(&t::NODE_START_TIME, &[]).set(seconds(crate::run::unix_us()));
    let quorums = sources.genesis.committee().quorums();
    for (metric, count) in
        [(&t::NODE_VALIDATORS, quorums.n()), (&t::NODE_QUORUM_M, quorums.m()), (&t::NODE_QUORUM_L, quorums.l())]
    {
        registry.gauge(metric, &[]).set(count as f64);
    }
}
