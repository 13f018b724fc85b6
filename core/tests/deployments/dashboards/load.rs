//! Pool, execution and API.

use super::model::{Choice, Dashboard, Panel, heat, lines, stacked, stat};

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "mempool-execution",
        title: "Minuet: mempool, execution, API",
        about: "What is submitted, what waits, and what executing it costs.",
        choice: Choice::Many,
        rows: vec![("Now", now()), ("Pool", pool()), ("Execution", execution()), ("API", api())],
    }
}

fn now() -> Vec<Panel> {
    vec![
        stat("Final transactions a second", "none", "")
            .query("max(node:minuet_execution_transactions:rate1m{node=~\"$node\"})", "tx/s")
            .wide(4),
        stat("Gas a second", "short", "")
            .query("max(node:minuet_execution_gas:rate1m{node=~\"$node\"})", "gas/s")
            .wide(4),
        stat("Base fee", "short", "In wei per gas.")
            .query("max(minuet_execution_base_fee_wei{node=~\"$node\"})", "wei")
            .wide(4),
        stat("Waiting", "none", "Transactions in the fullest pool.")
            .query("max(sum by (node) (minuet_mempool_transactions{node=~\"$node\"}))", "transactions")
            .wide(4),
        stat("Fullest pool", "percentunit", "By the limit that is nearer.")
            .query("max(node_limit:minuet_mempool_fill:ratio{node=~\"$node\"})", "full")
            .steps(&[(0.7, "orange"), (0.9, "red")])
            .wide(4),
        stat("API errors a second", "none", "")
            .query("sum(node:minuet_api_errors:rate1m{node=~\"$node\"})", "errors/s")
            .steps(&[(1.0, "orange")])
            .wide(4),
    ]
}

fn pool() -> Vec<Panel> {
    vec![
        stacked(
            "Transactions, by state",
            "none",
            "pending: next in line of their sender; queued: an earlier one is missing.",
        )
        .query("sum by (node, state) (minuet_mempool_transactions{node=~\"$node\"})", "validator {{node}}, {{state}}"),
        lines("How full", "percentunit", "Against mempool.max_transactions and mempool.max_mb.")
            .query("node_limit:minuet_mempool_fill:ratio{node=~\"$node\"}", "validator {{node}}, {{limit}}")
            .steps(&[(0.9, "red")])
            .top(1.0),
        lines("Bytes", "bytes", "Of the transactions that wait, and of the file that outlives a restart.")
            .query("minuet_mempool_bytes{node=~\"$node\"}", "validator {{node}}, waiting")
            .query("minuet_mempool_log_bytes{node=~\"$node\"}", "validator {{node}}, file"),
        lines("Admitted a second", "none", "From clients and from peers.").query(
            "sum by (node) (rate(minuet_mempool_admitted_total{node=~\"$node\"}[$__rate_interval]))",
            "validator {{node}}",
        ),
        stacked("Rejected a second, by reason", "none", "The ten most frequent.").query(
            "topk(10, sum by (reason) (rate(minuet_mempool_rejected_total{node=~\"$node\"}[$__rate_interval])))",
            "{{reason}}",
        ),
        lines("Evicted a second", "none", "Cheaper ones that gave way to dearer ones.").query(
            "sum by (node) (rate(minuet_mempool_evicted_total{node=~\"$node\"}[$__rate_interval]))",
            "validator {{node}}",
        ),
    ]
}

fn execution() -> Vec<Panel> {
    vec![
        lines("Executing a block, 99 of 100", "s", "Its state root included.")
            .query("node:minuet_execution_block_seconds:p99_1m{node=~\"$node\"}", "validator {{node}}"),
        lines("Computing a state root, 99 of 100", "s", "")
            .query("node:minuet_execution_state_root_seconds:p99_1m{node=~\"$node\"}", "validator {{node}}"),
        heat("Executing a block, all", "s", "How many blocks took how long, all chosen validators together.").query(
            "sum by (le) (increase(minuet_execution_block_seconds_bucket{node=~\"$node\"}[$__rate_interval]))",
            "{{le}}",
        ),
        lines("Final transactions a second, by validator", "none", "")
            .query("node:minuet_execution_transactions:rate1m{node=~\"$node\"}", "validator {{node}}"),
        lines("Gas a second, by validator", "short", "Against the target of the genesis: above it the base fee rises.")
            .query("node:minuet_execution_gas:rate1m{node=~\"$node\"}", "validator {{node}}"),
        lines("Base fee, by validator", "short", "In wei per gas.")
            .query("minuet_execution_base_fee_wei{node=~\"$node\"}", "validator {{node}}"),
    ]
}

fn api() -> Vec<Panel> {
    vec![
        stacked("Calls a second, by method", "none", "").query(
            "sum by (method) (rate(minuet_api_requests_total{node=~\"$node\"}[$__rate_interval]))",
            "{{method}}",
        ),
        stacked("Calls a second, by result", "none", "The gRPC status.")
            .query("sum by (code) (rate(minuet_api_requests_total{node=~\"$node\"}[$__rate_interval]))", "{{code}}"),
        lines("Time of a call, 99 of 100, by method", "s", "Calls that wait for finality take as long as that.").query(
            "histogram_quantile(0.99, \
             sum by (method, le) (rate(minuet_api_request_seconds_bucket{node=~\"$node\"}[$__rate_interval])))",
            "{{method}}",
        ),
        stacked("Errors a second, by method", "none", "")
            .query("sum by (method) (rate(minuet_api_errors_total{node=~\"$node\"}[$__rate_interval]))", "{{method}}"),
    ]
}
