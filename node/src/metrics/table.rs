//! Every metric that a node serves: name, kind, unit, labels, help. Nothing else is served; `docs/metrics.md` is made of it.
//!
//! Invariant: names are `minuet_<subsystem>_<what>_<unit>`, units are seconds and bytes, labels have few values that are all
//! known at the start (a validator is its number in decimal), and a test holds the table against what a node serves.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only rises while the process lives.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Durations in seconds by upper bound.
    Histogram(&'static [f64]),
}

impl Kind {
    /// As Prometheus names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// One metric, with any number of series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// With its unit.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What one is.
    pub unit: &'static str,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// For people.
    pub help: &'static str,
}

/// From a message delay on one machine to several timeouts in a row.
const VIEW_SECONDS: &[f64] = &[
    0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 8.0,
    16.0,
];
/// From an empty block to a full one on a slow machine.
const WORK_SECONDS: &[f64] =
    &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// From a fast disk to one that fails.
const DISK_SECONDS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// From a read to a call that waits for finality until it gives up.
const CALL_SECONDS: &[f64] =
    &[0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

macro_rules! metrics {
    ($($id:ident = $kind:expr, $name:literal, $unit:literal, [$($label:literal),*], $help:literal;)+) => {
        $(
            pub const $id: Metric =
                Metric { name: $name, kind: $kind, unit: $unit, labels: &[$($label),*], help: $help };
        )+

        /// All of them, in the order of the page.
        pub const ALL: &[Metric] = &[$($id),+];
    };
}

use Kind::{Counter, Gauge, Histogram};

metrics! {
    CONSENSUS_VIEW = Gauge, "minuet_consensus_view", "view", [], "The current view.";
    CONSENSUS_FINALIZED_VIEW = Gauge, "minuet_consensus_finalized_view", "view", [],
        "The view of the newest block that is stored as final.";
    CONSENSUS_FINALIZED_HEIGHT = Gauge, "minuet_consensus_finalized_height", "height", [],
        "The height of the newest final block that is stored here.";
    CONSENSUS_KNOWN_HEIGHT = Gauge, "minuet_consensus_known_height", "height", [],
        "The highest final height that any peer has proven, never below the own one; the difference is this node's lag.";
    CONSENSUS_LAST_FINALIZED = Gauge, "minuet_consensus_last_finalized_timestamp_seconds", "Unix seconds", [],
        "The time of the newest final block, by its proposer's clock; 0 before the first one.";
    CONSENSUS_DELTA = Gauge, "minuet_consensus_delta_seconds", "seconds", [],
        "The message delay that is expected now (R13); a view times out after twice this.";
    CONSENSUS_VIEW_DURATION = Histogram(VIEW_SECONDS), "minuet_consensus_view_duration_seconds", "seconds", [],
        "How long this node was in a view.";
    CONSENSUS_TIME_TO_M = Histogram(VIEW_SECONDS), "minuet_consensus_time_to_m_seconds", "seconds", [],
        "From the start of a view here to M votes for its block, which let the next view begin.";
    CONSENSUS_TIME_TO_L = Histogram(VIEW_SECONDS), "minuet_consensus_time_to_l_seconds", "seconds", [],
        "From the start of a view here to L votes for its block, which make it final.";
    CONSENSUS_FINALITY = Histogram(VIEW_SECONDS), "minuet_consensus_finality_seconds", "seconds", [],
        "From a block's proposal, by its proposer's clock, to stored as final here; blocks from far behind are left out.";
    CONSENSUS_FINALIZED_BLOCKS = Counter, "minuet_consensus_finalized_blocks_total", "blocks", [],
        "Blocks made final here.";
    CONSENSUS_NULLIFIED_VIEWS = Counter, "minuet_consensus_nullified_views_total", "views", [],
        "Views that the committee has certified as nullified.";
    CONSENSUS_NULLIFICATIONS = Counter, "minuet_consensus_nullifications_total", "statements", ["reason"],
        "Views that this validator spoke against: timeout (R4), contradiction (R5), skip (R14).";
    CONSENSUS_MISSED_LEADER_SLOTS = Counter, "minuet_consensus_missed_leader_slots_total", "views", ["validator"],
        "Views of this leader that were nullified without a notarized block.";
    CONSENSUS_VOTES_SEEN = Counter, "minuet_consensus_votes_seen_total", "votes", ["validator"],
        "Votes of this validator for a block that were seen here before the view was looked at, some views later.";
    CONSENSUS_VIEWS_SEEN = Counter, "minuet_consensus_views_seen_total", "views", [],
        "Views that the counts of votes and missed slots and the times to M and L are of.";
    CONSENSUS_EQUIVOCATIONS = Counter, "minuet_consensus_equivocations_total", "pairs of votes", [],
        "Pairs of genuine votes of one key for two blocks of one view. Any is proof of a fault.";
    CONSENSUS_PROPOSED_BLOCKS = Counter, "minuet_consensus_proposed_blocks_total", "blocks", [],
        "Blocks proposed by this validator.";
    CONSENSUS_REJECTIONS = Counter, "minuet_consensus_rejections_total", "messages", ["reason"],
        "Messages of peers that consensus refused.";

    MEMPOOL_TRANSACTIONS = Gauge, "minuet_mempool_transactions", "transactions", ["state"],
        "Transactions that wait: pending ones can be executed, queued ones wait for an earlier nonce.";
    MEMPOOL_BYTES = Gauge, "minuet_mempool_bytes", "bytes", [], "Bytes of all waiting transactions.";
    MEMPOOL_CAPACITY_TRANSACTIONS = Gauge, "minuet_mempool_capacity_transactions", "transactions", [],
        "Transactions that may wait (mempool.max_transactions).";
    MEMPOOL_CAPACITY_BYTES = Gauge, "minuet_mempool_capacity_bytes", "bytes", [],
        "Bytes that may wait (mempool.max_mb).";
    MEMPOOL_LOG_BYTES = Gauge, "minuet_mempool_log_bytes", "bytes", [],
        "Bytes of the pool log; 0 where none is kept.";
    MEMPOOL_ADMITTED = Counter, "minuet_mempool_admitted_total", "transactions", [], "Transactions taken into the pool.";
    MEMPOOL_REJECTED = Counter, "minuet_mempool_rejected_total", "transactions", ["reason"],
        "Transactions refused, from clients and from peers.";
    MEMPOOL_EVICTED = Counter, "minuet_mempool_evicted_total", "transactions", [],
        "Transactions that had to go for better-paying ones because the pool was full.";

    EXECUTION_BLOCK = Histogram(WORK_SECONDS), "minuet_execution_block_seconds", "seconds", [],
        "Executing a block, its signature checks and roots included.";
    EXECUTION_STATE_ROOT = Histogram(WORK_SECONDS), "minuet_execution_state_root_seconds", "seconds", [],
        "Computing a block's state root, which is part of executing it; 0 for a block without transactions.";
    EXECUTION_GAS = Counter, "minuet_execution_gas_total", "gas", [], "Gas used by final blocks.";
    EXECUTION_TRANSACTIONS = Counter, "minuet_execution_transactions_total", "transactions", [],
        "Transactions in final blocks.";
    EXECUTION_MISMATCHES = Counter, "minuet_execution_state_root_mismatches_total", "blocks", [],
        "Blocks whose execution here gave another state root, receipts root or gas than their header says.";
    EXECUTION_BASE_FEE = Gauge, "minuet_execution_base_fee_wei", "wei", [],
        "The base fee per gas of the newest final block.";

    STORAGE_BATCH = Histogram(DISK_SECONDS), "minuet_storage_batch_seconds", "seconds", [],
        "Writing one batch to the database, synced: what it takes to store final blocks.";
    STORAGE_JOURNAL_SYNC = Histogram(DISK_SECONDS), "minuet_storage_journal_sync_seconds", "seconds", [],
        "One sync of the consensus journal, which stands before everything that this validator says.";
    STORAGE_JOURNAL_FAILURES = Counter, "minuet_storage_journal_failures_total", "failures", [],
        "Failures of the consensus journal. The first one stops the node.";
    STORAGE_ROCKSDB_MEMORY = Gauge, "minuet_storage_rocksdb_memory_bytes", "bytes", ["kind"],
        "Memory that the database holds: block_cache, memtables, table_readers.";
    STORAGE_ROCKSDB_FILES = Gauge, "minuet_storage_rocksdb_files", "files", ["level"], "Table files of a level.";
    STORAGE_ROCKSDB_LEVEL_BYTES = Gauge, "minuet_storage_rocksdb_level_bytes", "bytes", ["level"],
        "Bytes of a level's table files.";
    STORAGE_DISK_FREE = Gauge, "minuet_storage_disk_free_bytes", "bytes", [],
        "What the data directory's file system has left; 0 until it was asked.";
    STORAGE_LOW_DISK = Gauge, "minuet_storage_low_disk", "0 or 1", [],
        "1 while that is below storage.low_disk_mb.";

    P2P_PEERS = Gauge, "minuet_p2p_peers", "validators", [], "Validators that are connected.";
    P2P_PEER_CONNECTED = Gauge, "minuet_p2p_peer_connected", "0 or 1", ["validator"],
        "1 while this validator is connected.";
    P2P_PEER_RTT = Gauge, "minuet_p2p_peer_rtt_seconds", "seconds", ["validator"],
        "Smoothed round trip to this validator; 0 while it is not connected.";
    P2P_RECEIVED_BYTES = Counter, "minuet_p2p_received_bytes_total", "bytes", ["lane"], "Frames received, headers included.";
    P2P_SENT_BYTES = Counter, "minuet_p2p_sent_bytes_total", "bytes", ["lane"], "Frames sent, headers included.";
    P2P_RECEIVED_MESSAGES = Counter, "minuet_p2p_received_messages_total", "frames", ["lane"], "Frames received.";
    P2P_SENT_MESSAGES = Counter, "minuet_p2p_sent_messages_total", "frames", ["lane"], "Frames sent.";
    P2P_REJECTS = Counter, "minuet_p2p_rejects_total", "refusals", ["reason"],
        "Frames and connections that the network refused.";
    P2P_BANS = Counter, "minuet_p2p_bans_total", "bans", [], "Bans of peers.";
    P2P_CONNECTIONS = Counter, "minuet_p2p_connections_total", "connections", [], "Connections whose handshake was done.";
    P2P_FAILED_DIALS = Counter, "minuet_p2p_failed_dials_total", "attempts", [], "Attempts to connect that failed.";

    RING_DEPTH = Gauge, "minuet_ring_depth_messages", "messages", ["ring"],
        "Messages that wait in a ring between two threads.";
    RING_CAPACITY = Gauge, "minuet_ring_capacity_messages", "messages", ["ring"], "Messages that a ring holds.";
    RING_FULL = Counter, "minuet_ring_full_total", "attempts", ["ring"], "Attempts to send that found a ring full.";
    RING_DROPPED = Counter, "minuet_ring_dropped_total", "messages", ["ring"],
        "Messages given up because a ring was full; only gossip and events for observers may be.";

    API_REQUESTS = Counter, "minuet_api_requests_total", "calls", ["method", "code"],
        "gRPC calls that have ended, by how they ended. Health, reflection and unknown methods are other.";
    API_REQUEST = Histogram(CALL_SECONDS), "minuet_api_request_seconds", "seconds", ["method"],
        "From a call to its first answer: to the whole answer, or to a subscription's opening.";
    API_ERRORS = Counter, "minuet_api_errors_total", "calls", ["method"], "gRPC calls that ended otherwise than well.";

    PROCESS_CPU = Counter, "minuet_process_cpu_seconds_total", "seconds", [], "Processor time of all threads.";
    PROCESS_RESIDENT = Gauge, "minuet_process_resident_bytes", "bytes", [], "Resident memory.";
    PROCESS_OPEN_FDS = Gauge, "minuet_process_open_fds", "files", [], "Open file descriptors.";
    PROCESS_MAX_FDS = Gauge, "minuet_process_max_fds", "files", [], "File descriptors that the system allows.";
    PROCESS_THREADS = Gauge, "minuet_process_threads", "threads", [], "Threads.";

    NODE_INFO = Gauge, "minuet_node_info", "1", ["version", "role", "validator", "chain_id"],
        "Always 1; its labels say what runs here. validator is none where the keys are no validator's.";
    NODE_READY = Gauge, "minuet_node_ready", "0 or 1", [], "1 while /readyz answers 200.";
    NODE_START_TIME = Gauge, "minuet_node_start_time_seconds", "Unix seconds", [], "When the node started.";
    NODE_VALIDATORS = Gauge, "minuet_node_validators", "validators", [], "Validators of the committee, n.";
    NODE_QUORUM_M = Gauge, "minuet_node_quorum_m", "votes", [], "Votes that notarize or nullify, M.";
    NODE_QUORUM_L = Gauge, "minuet_node_quorum_l", "votes", [], "Votes that make final, L.";

    METRICS_LOST_SAMPLES = Counter, "minuet_metrics_lost_samples_total", "samples", ["of"],
        "Durations that a histogram lacks because they came faster than they were taken.";
}
