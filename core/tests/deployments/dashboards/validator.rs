//! One validator, from its own side and from the others'.

use super::model::{Choice, Dashboard, Panel, lines, stacked, stat, table};

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "validator",
        title: "Minuet: one validator",
        about: "Everything about one validator, from its own side and as the others see it.",
        choice: Choice::One,
        rows: vec![
            ("Now", now()),
            ("As the others see it", others()),
            ("Consensus", consensus()),
            ("Pool and execution", execution()),
            ("Peers", peers()),
            ("Storage", storage()),
            ("Rings", rings()),
            ("API", api()),
            ("Process", process()),
        ],
    }
}

fn now() -> Vec<Panel> {
    let identity = "max by (version, role, validator, chain_id) (minuet_node_info{node=~\"$node\"})";
    vec![
        stat("Ready", "none", "1: /readyz says that it takes part and finalizes.")
            .query("min(minuet_node_ready{node=~\"$node\"})", "ready"),
        stat("Up since", "dateTimeFromNow", "")
            .query("1000 * max(minuet_node_start_time_seconds{node=~\"$node\"})", "start"),
        stat("Final height", "none", "").query("max(minuet_consensus_finalized_height{node=~\"$node\"})", "height"),
        stat("Blocks behind", "none", "Against the highest of all validators.")
            .query("max(node:minuet_consensus_lag_blocks:diff{node=~\"$node\"})", "blocks")
            .steps(&[(16.0, "orange"), (64.0, "red")]),
        stat("View", "none", "").query("max(minuet_consensus_view{node=~\"$node\"})", "view"),
        stat("Newest final block", "s", "")
            .query("max(node:minuet_consensus_finality_age_seconds:diff{node=~\"$node\"})", "ago")
            .steps(&[(2.0, "orange"), (5.0, "red")]),
        stat("Finality", "s", "99 of 100 blocks are final sooner.")
            .query("max(node:minuet_consensus_finality_seconds:p99_1m{node=~\"$node\"})", "p99")
            .steps(&[(0.5, "orange"), (1.0, "red")]),
        stat("Peers", "none", "").query("min(minuet_p2p_peers{node=~\"$node\"})", "peers"),
        table("Identity", "Its program and its place.").column(identity, "runs", "none", &[]).tall(4),
    ]
}

fn others() -> Vec<Panel> {
    vec![
        lines(
            "Its votes",
            "percentunit",
            "How many of its votes the others saw in the last minute, against the most diligent validator's.",
        )
        .query("validator:minuet_consensus_votes_seen:ratio1m{validator=~\"$node\"}", "seen by the middle one")
        .top(1.0),
        lines("Its missed turns", "none", "Turns a second that it let pass without a block.")
            .query("validator:minuet_consensus_missed_leader_slots:rate1m{validator=~\"$node\"}", "missed a second"),
        lines("Who is connected to it", "none", "1 for each that is.")
            .query("minuet_p2p_peer_connected{validator=~\"$node\", node!~\"$node\"}", "validator {{node}}"),
        lines("Round trip to it", "s", "")
            .query("minuet_p2p_peer_rtt_seconds{validator=~\"$node\", node!~\"$node\"}", "from {{node}}"),
    ]
}

fn consensus() -> Vec<Panel> {
    vec![
        lines("Finality over time", "s", "From a block's proposal until it is stored as final here.")
            .query("node:minuet_consensus_finality_seconds:p50_1m{node=~\"$node\"}", "half")
            .query("node:minuet_consensus_finality_seconds:p99_1m{node=~\"$node\"}", "99 of 100")
            .steps(&[(1.0, "red")]),
        lines("Time to M and to L votes", "s", "From the start of a view, half of them.")
            .query("node:minuet_consensus_time_to_m_seconds:p50_1m{node=~\"$node\"}", "to M")
            .query("node:minuet_consensus_time_to_l_seconds:p50_1m{node=~\"$node\"}", "to L"),
        lines("Blocks and views a second", "none", "")
            .query("node:minuet_consensus_finalized_blocks:rate1m{node=~\"$node\"}", "final blocks")
            .query("node:minuet_consensus_view:deriv1m{node=~\"$node\"}", "views")
            .query(
                "sum(rate(minuet_consensus_proposed_blocks_total{node=~\"$node\"}[$__rate_interval]))",
                "own blocks",
            ),
        lines("Votes that it sees a second, by voter", "none", "").query(
            "sum by (validator) (rate(minuet_consensus_votes_seen_total{node=~\"$node\"}[$__rate_interval]))",
            "votes of {{validator}}",
        ),
        stacked("Its nullify votes a second, by reason", "none", "").query(
            "sum by (reason) (rate(minuet_consensus_nullifications_total{node=~\"$node\"}[$__rate_interval]))",
            "{{reason}}",
        ),
        stacked("What it rejects a second, by reason", "none", "The ten most frequent.").query(
            "topk(10, sum by (reason) (rate(minuet_consensus_rejections_total{node=~\"$node\"}[$__rate_interval])))",
            "{{reason}}",
        ),
    ]
}

fn execution() -> Vec<Panel> {
    vec![
        stacked("Transactions that wait, by state", "none", "")
            .query("sum by (state) (minuet_mempool_transactions{node=~\"$node\"})", "{{state}}"),
        lines("Admitted, rejected, evicted a second", "none", "")
            .query("sum(rate(minuet_mempool_admitted_total{node=~\"$node\"}[$__rate_interval]))", "admitted")
            .query("sum(rate(minuet_mempool_rejected_total{node=~\"$node\"}[$__rate_interval]))", "rejected")
            .query("sum(rate(minuet_mempool_evicted_total{node=~\"$node\"}[$__rate_interval]))", "evicted"),
        lines("Executing a block, 99 of 100", "s", "")
            .query("node:minuet_execution_block_seconds:p99_1m{node=~\"$node\"}", "block")
            .query("node:minuet_execution_state_root_seconds:p99_1m{node=~\"$node\"}", "state root"),
    ]
}

fn peers() -> Vec<Panel> {
    vec![
        lines("Round trip to each peer", "s", "")
            .query("minuet_p2p_peer_rtt_seconds{node=~\"$node\"}", "to {{validator}}"),
        stacked("Received, by lane", "Bps", "").query(
            "sum by (lane) (rate(minuet_p2p_received_bytes_total{node=~\"$node\"}[$__rate_interval]))",
            "{{lane}}",
        ),
        stacked("Sent, by lane", "Bps", "")
            .query("sum by (lane) (rate(minuet_p2p_sent_bytes_total{node=~\"$node\"}[$__rate_interval]))", "{{lane}}"),
    ]
}

fn storage() -> Vec<Panel> {
    vec![
        lines("Journal sync and database batch", "s", "")
            .query("node:minuet_storage_journal_sync_seconds:p50_1m{node=~\"$node\"}", "sync, half")
            .query("node:minuet_storage_journal_sync_seconds:p99_1m{node=~\"$node\"}", "sync, 99 of 100")
            .query("node:minuet_storage_batch_seconds:p99_1m{node=~\"$node\"}", "batch, 99 of 100")
            .steps(&[(0.05, "red")]),
        stacked("Memory of the database, by kind", "bytes", "")
            .query("sum by (kind) (minuet_storage_rocksdb_memory_bytes{node=~\"$node\"})", "{{kind}}"),
        lines("Free disk", "bytes", "").query("minuet_storage_disk_free_bytes{node=~\"$node\"}", "free"),
    ]
}

fn rings() -> Vec<Panel> {
    vec![
        lines("How full", "percentunit", "")
            .query("node_ring:minuet_ring_fill:ratio{node=~\"$node\"}", "{{ring}}")
            .top(1.0)
            .wide(12),
        lines("Full, times a second", "none", "The thread behind it does not keep up.")
            .query("node_ring:minuet_ring_full:rate1m{node=~\"$node\"}", "{{ring}}")
            .steps(&[(1.0, "red")])
            .wide(12),
    ]
}

fn api() -> Vec<Panel> {
    vec![
        stacked("Calls a second, by method", "none", "").query(
            "sum by (method) (rate(minuet_api_requests_total{node=~\"$node\"}[$__rate_interval]))",
            "{{method}}",
        ),
        lines("Time of a call, 99 of 100, by method", "s", "").query(
            "histogram_quantile(0.99, \
             sum by (method, le) (rate(minuet_api_request_seconds_bucket{node=~\"$node\"}[$__rate_interval])))",
            "{{method}}",
        ),
        lines("Errors a second", "none", "").query("node:minuet_api_errors:rate1m{node=~\"$node\"}", "errors"),
    ]
}

fn process() -> Vec<Panel> {
    vec![
        lines("Processors", "none", "Processors' worth of work; 1 is one processor.")
            .query("node:minuet_process_cpu_seconds:rate1m{node=~\"$node\"}", "processors"),
        lines("Memory", "bytes", "").query("minuet_process_resident_bytes{node=~\"$node\"}", "resident"),
        lines("Open files and threads", "none", "")
            .query("minuet_process_open_fds{node=~\"$node\"}", "open files")
            .query("minuet_process_threads{node=~\"$node\"}", "threads"),
    ]
}
