//! Peers, rings, disks and processes.

use super::model::{Choice, Dashboard, Panel, heat, lines, stacked, stat};

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "p2p-storage",
        title: "Minuet: peers, rings, storage, process",
        about: "What goes over the network, between threads and to the disk.",
        choice: Choice::Many,
        rows: vec![
            ("Now", now()),
            ("Peers", peers()),
            ("Traffic", traffic()),
            ("Rings", rings()),
            ("Journal and database", storage()),
            ("Process", process()),
        ],
    }
}

fn now() -> Vec<Panel> {
    vec![
        stat("Fewest peers", "none", "Of the chosen validators.")
            .query("min(minuet_p2p_peers{node=~\"$node\"})", "peers")
            .wide(4),
        stat("Longest round trip", "s", "Between any two.")
            .query("max(minuet_p2p_peer_rtt_seconds{node=~\"$node\"})", "RTT")
            .wide(4),
        stat("Fullest ring", "percentunit", "")
            .query("max(node_ring:minuet_ring_fill:ratio{node=~\"$node\"})", "full")
            .steps(&[(0.5, "orange"), (0.9, "red")])
            .wide(4),
        stat("Slowest journal", "s", "99 of 100 syncs are faster.")
            .query("max(node:minuet_storage_journal_sync_seconds:p99_1m{node=~\"$node\"})", "p99")
            .steps(&[(0.02, "orange"), (0.05, "red")])
            .wide(4),
        stat("Least free disk", "bytes", "")
            .query("min(minuet_storage_disk_free_bytes{node=~\"$node\"})", "free")
            .wide(4),
        stat("Journal failures", "none", "The validator has stopped signing.")
            .query("sum(minuet_storage_journal_failures_total{node=~\"$node\"})", "failures")
            .steps(&[(1.0, "red")])
            .wide(4),
    ]
}

fn peers() -> Vec<Panel> {
    vec![
        lines("Peers", "none", "Validators that are connected.")
            .query("minuet_p2p_peers{node=~\"$node\"}", "validator {{node}}"),
        lines("Connected to each validator", "none", "How many of the chosen validators are connected to it.")
            .query("sum by (validator) (minuet_p2p_peer_connected{node=~\"$node\"})", "to {{validator}}"),
        lines("Round trip to each validator", "s", "The longest of those of the chosen validators.")
            .query("max by (validator) (minuet_p2p_peer_rtt_seconds{node=~\"$node\"})", "to {{validator}}"),
        lines("New connections a second", "none", "Peers come back again and again: the network or a ban.").query(
            "sum by (node) (rate(minuet_p2p_connections_total{node=~\"$node\"}[$__rate_interval]))",
            "validator {{node}}",
        ),
        lines("Failed dials a second", "none", "Nobody answers at a peer's address.").query(
            "sum by (node) (rate(minuet_p2p_failed_dials_total{node=~\"$node\"}[$__rate_interval]))",
            "validator {{node}}",
        ),
        lines("Bans", "none", "Since each validator's start.")
            .query("minuet_p2p_bans_total{node=~\"$node\"}", "validator {{node}}")
            .steps(&[(1.0, "orange")]),
    ]
}

fn traffic() -> Vec<Panel> {
    vec![
        stacked("Received, by lane", "Bps", "").query(
            "sum by (lane) (rate(minuet_p2p_received_bytes_total{node=~\"$node\"}[$__rate_interval]))",
            "{{lane}}",
        ),
        stacked("Sent, by lane", "Bps", "")
            .query("sum by (lane) (rate(minuet_p2p_sent_bytes_total{node=~\"$node\"}[$__rate_interval]))", "{{lane}}"),
        lines("By validator", "Bps", "Of all lanes.")
            .query("node:minuet_p2p_received_bytes:rate1m{node=~\"$node\"}", "validator {{node}}, received")
            .query("node:minuet_p2p_sent_bytes:rate1m{node=~\"$node\"}", "validator {{node}}, sent"),
        stacked("Messages received a second, by lane", "none", "").query(
            "sum by (lane) (rate(minuet_p2p_received_messages_total{node=~\"$node\"}[$__rate_interval]))",
            "{{lane}}",
        ),
        stacked("Messages sent a second, by lane", "none", "").query(
            "sum by (lane) (rate(minuet_p2p_sent_messages_total{node=~\"$node\"}[$__rate_interval]))",
            "{{lane}}",
        ),
        stacked("Rejected a second, by reason", "none", "Connections and frames; the ten most frequent.").query(
            "topk(10, sum by (reason) (rate(minuet_p2p_rejects_total{node=~\"$node\"}[$__rate_interval])))",
            "{{reason}}",
        ),
    ]
}

fn rings() -> Vec<Panel> {
    vec![
        lines("How full, by ring", "percentunit", "The fullest of each kind.")
            .query("max by (ring) (node_ring:minuet_ring_fill:ratio{node=~\"$node\"})", "{{ring}}")
            .top(1.0),
        lines("Full, times a second", "none", "The thread behind it does not keep up; whoever writes waits or drops.")
            .query("sum by (ring) (node_ring:minuet_ring_full:rate1m{node=~\"$node\"})", "{{ring}}")
            .steps(&[(1.0, "red")]),
        lines("Dropped messages a second", "none", "Only rings that may drop do: transactions, gossip and events.")
            .query("sum by (ring) (node_ring:minuet_ring_dropped:rate1m{node=~\"$node\"})", "{{ring}}"),
    ]
}

fn storage() -> Vec<Panel> {
    vec![
        lines("Journal sync", "s", "Every vote waits for one.")
            .query("node:minuet_storage_journal_sync_seconds:p50_1m{node=~\"$node\"}", "validator {{node}}, half")
            .query("node:minuet_storage_journal_sync_seconds:p99_1m{node=~\"$node\"}", "validator {{node}}, 99 of 100")
            .steps(&[(0.05, "red")]),
        heat("Journal sync, all", "s", "How many syncs took how long, all chosen validators together.").query(
            "sum by (le) (increase(minuet_storage_journal_sync_seconds_bucket{node=~\"$node\"}[$__rate_interval]))",
            "{{le}}",
        ),
        lines("Writing a final block, 99 of 100", "s", "One atomic batch of the database.")
            .query("node:minuet_storage_batch_seconds:p99_1m{node=~\"$node\"}", "validator {{node}}"),
        stacked("Memory of the database, by kind", "bytes", "Of all chosen validators together.")
            .query("sum by (kind) (minuet_storage_rocksdb_memory_bytes{node=~\"$node\"})", "{{kind}}"),
        stacked("Files of the database, by level", "none", "Many on level 0: compaction does not keep up.")
            .query("sum by (level) (minuet_storage_rocksdb_files{node=~\"$node\"})", "level {{level}}"),
        stacked("Size of the database, by level", "bytes", "Of all chosen validators together.")
            .query("sum by (level) (minuet_storage_rocksdb_level_bytes{node=~\"$node\"})", "level {{level}}"),
        lines("Free disk", "bytes", "On the file system of the data directory.")
            .query("minuet_storage_disk_free_bytes{node=~\"$node\"}", "validator {{node}}"),
    ]
}

fn process() -> Vec<Panel> {
    vec![
        lines("Processors", "none", "Processors' worth of work; 1 is one processor.")
            .query("node:minuet_process_cpu_seconds:rate1m{node=~\"$node\"}", "validator {{node}}"),
        lines("Memory", "bytes", "Resident memory of the process.")
            .query("minuet_process_resident_bytes{node=~\"$node\"}", "validator {{node}}"),
        lines("Open files", "percentunit", "Of those that the system allows.")
            .query(
                "minuet_process_open_fds{node=~\"$node\"} / minuet_process_max_fds{node=~\"$node\"}",
                "validator {{node}}",
            )
            .steps(&[(0.8, "red")])
            .top(1.0),
        lines("Threads", "none", "").query("minuet_process_threads{node=~\"$node\"}", "validator {{node}}"),
        lines("Durations not counted", "none", "They came faster than they were taken, so a histogram lacks them.")
            .query("sum by (of) (minuet_metrics_lost_samples_total{node=~\"$node\"})", "{{of}}"),
    ]
}
