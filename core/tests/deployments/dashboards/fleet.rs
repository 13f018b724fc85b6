//! All validators at a glance.

use super::model::{Choice, Dashboard, Panel, bars, lines, stat, table};

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "fleet",
        title: "Minuet: fleet",
        about: "All validators at a glance: is the chain healthy, and if not, which validator is to blame?",
        choice: Choice::Many,
        rows: vec![
            ("Now", now()),
            ("Validators", vec![validators()]),
            ("Finality and throughput", finality()),
            ("Votes and leaders", votes()),
            ("Peers, pools, rings, disks, processes", machines()),
        ],
    }
}

fn now() -> Vec<Panel> {
    vec![
        stat("Validators that do not answer", "none", "Six tolerate one; with two nothing becomes final.")
            .query("count(up{job=\"minuet\"} == 0) or vector(0)", "down")
            .steps(&[(1.0, "orange"), (2.0, "red")]),
        stat("Alerts", "none", "Alerts that fire now; docs/operations.md has an entry for each.")
            .query("count(ALERTS{alertstate=\"firing\", alertname=~\"Minuet.*\"}) or vector(0)", "firing")
            .steps(&[(1.0, "red")]),
        stat("Final height", "none", "The highest final block that any validator shows.")
            .query("fleet:minuet_consensus_finalized_height:max", "height"),
        stat("Since the newest final block", "s", "An idle chain makes several empty blocks a second.")
            .query("min(node:minuet_consensus_finality_age_seconds:diff)", "ago")
            .steps(&[(2.0, "orange"), (5.0, "red")]),
        stat("Finality", "s", "From proposal to final, 99 of 100 blocks, at the slowest validator.")
            .query("max(node:minuet_consensus_finality_seconds:p99_1m)", "p99")
            .steps(&[(0.5, "orange"), (1.0, "red")]),
        stat("Blocks a second", "none", "As the middle validator sees it.")
            .query("fleet:minuet_consensus_finalized_blocks:rate1m", "blocks/s"),
        stat("Transactions a second", "none", "Final transactions.")
            .query("max(node:minuet_execution_transactions:rate1m)", "tx/s"),
        stat("Nullified views", "percentunit", "Views of the last minute that ended without a block.")
            .query("max(node:minuet_consensus_nullified_views:ratio1m)", "of all views")
            .steps(&[(0.05, "orange"), (0.25, "red")]),
    ]
}

fn validators() -> Panel {
    table("Validators", "A line for each validator; what it says of itself.")
        .column("max by (node) (up{job=\"minuet\", node=~\"$node\"})", "up", "none", &[])
        .column("max by (node) (minuet_node_ready{node=~\"$node\"})", "ready", "none", &[])
        .column("max by (node) (minuet_consensus_finalized_height{node=~\"$node\"})", "final height", "none", &[])
        .column("max by (node) (minuet_consensus_view{node=~\"$node\"})", "view", "none", &[])
        .column(
            "max by (node) (node:minuet_consensus_lag_blocks:diff{node=~\"$node\"})",
            "blocks behind",
            "none",
            &[(16.0, "orange"), (64.0, "red")],
        )
        .column(
            "max by (node) (node:minuet_consensus_finality_age_seconds:diff{node=~\"$node\"})",
            "newest final block",
            "s",
            &[(2.0, "orange"), (5.0, "red")],
        )
        .column(
            "max by (node) (node:minuet_consensus_finality_seconds:p99_1m{node=~\"$node\"})",
            "finality p99",
            "s",
            &[(0.5, "orange"), (1.0, "red")],
        )
        .column("max by (node) (minuet_p2p_peers{node=~\"$node\"})", "peers", "none", &[])
        .column(
            "max by (node) (node_limit:minuet_mempool_fill:ratio{node=~\"$node\"})",
            "pool",
            "percentunit",
            &[(0.7, "orange"), (0.9, "red")],
        )
        .column(
            "max by (node) (node:minuet_storage_journal_sync_seconds:p99_1m{node=~\"$node\"})",
            "journal sync p99",
            "s",
            &[(0.02, "orange"), (0.05, "red")],
        )
        .column("max by (node) (node:minuet_process_cpu_seconds:rate1m{node=~\"$node\"})", "processors", "none", &[])
        .column("max by (node) (minuet_process_resident_bytes{node=~\"$node\"})", "memory", "bytes", &[])
        .column("max by (node) (minuet_storage_disk_free_bytes{node=~\"$node\"})", "disk free", "bytes", &[])
}

fn finality() -> Vec<Panel> {
    vec![
        lines("Finality, 99 of 100", "s", "From a block's proposal until it is stored as final here.")
            .query("node:minuet_consensus_finality_seconds:p99_1m{node=~\"$node\"}", "validator {{node}}")
            .steps(&[(1.0, "red")]),
        lines(
            "Blocks behind the highest",
            "none",
            "Final height against the highest of all. It falls while one catches up.",
        )
        .query("node:minuet_consensus_lag_blocks:diff{node=~\"$node\"}", "validator {{node}}")
        .steps(&[(64.0, "red")]),
        lines(
            "Since the newest final block, by validator",
            "s",
            "One line alone that rises is cut off or behind; all together: the chain stands.",
        )
        .query("node:minuet_consensus_finality_age_seconds:diff{node=~\"$node\"}", "validator {{node}}")
        .steps(&[(5.0, "red")]),
        lines("Final blocks a second", "none", "All validators show the same, except while one catches up.")
            .query("node:minuet_consensus_finalized_blocks:rate1m{node=~\"$node\"}", "validator {{node}}"),
        lines("Final transactions a second", "none", "All validators show the same, except while one catches up.")
            .query("node:minuet_execution_transactions:rate1m{node=~\"$node\"}", "validator {{node}}"),
        lines(
            "Nullified views, by validator",
            "percentunit",
            "The share of views without a block. One leader of six that is down makes 17 %.",
        )
        .query("node:minuet_consensus_nullified_views:ratio1m{node=~\"$node\"}", "validator {{node}}")
        .steps(&[(0.25, "red")])
        .top(1.0),
    ]
}

fn votes() -> Vec<Panel> {
    vec![
        bars(
            "Votes seen, by voter",
            "percentunit",
            "How many of its votes the others saw in the last minute, against the most diligent validator's.",
        )
        .query("validator:minuet_consensus_votes_seen:ratio1m", "validator {{validator}}")
        .top(1.0)
        .wide(12),
        lines("Missed turns, by leader", "none", "Turns a second that a leader let pass without a block.")
            .query("validator:minuet_consensus_missed_leader_slots:rate1m", "validator {{validator}}")
            .wide(12),
    ]
}

fn machines() -> Vec<Panel> {
    vec![
        lines("Peers", "none", "Validators that are connected.")
            .query("minuet_p2p_peers{node=~\"$node\"}", "validator {{node}}"),
        lines("Pool", "percentunit", "How full the pool is, by the limit that is nearer.")
            .query("max by (node) (node_limit:minuet_mempool_fill:ratio{node=~\"$node\"})", "validator {{node}}")
            .steps(&[(0.9, "red")])
            .top(1.0),
        lines("Fullest ring", "percentunit", "How full the fullest ring between two threads is.")
            .query("max by (node) (node_ring:minuet_ring_fill:ratio{node=~\"$node\"})", "validator {{node}}")
            .top(1.0),
        lines("Journal sync, 99 of 100", "s", "Every vote waits for one.")
            .query("node:minuet_storage_journal_sync_seconds:p99_1m{node=~\"$node\"}", "validator {{node}}")
            .steps(&[(0.05, "red")]),
        lines("API calls a second", "none", "")
            .query("node:minuet_api_requests:rate1m{node=~\"$node\"}", "validator {{node}}"),
        lines("Free disk", "bytes", "On the file system of the data directory.")
            .query("minuet_storage_disk_free_bytes{node=~\"$node\"}", "validator {{node}}"),
        lines("Processors", "none", "Processors' worth of work; 1 is one processor.")
            .query("node:minuet_process_cpu_seconds:rate1m{node=~\"$node\"}", "validator {{node}}"),
        lines("Memory", "bytes", "Resident memory of the process.")
            .query("minuet_process_resident_bytes{node=~\"$node\"}", "validator {{node}}"),
        lines("Execution, 99 of 100", "s", "Executing a block, its state root included.")
            .query("node:minuet_execution_block_seconds:p99_1m{node=~\"$node\"}", "validator {{node}}"),
    ]
}
