//! `docs/metrics.md`, made of the table.

use crate::metrics::table::{ALL, Kind, Metric};
use std::fmt::Write as _;
use std::path::Path;

const UPDATE: &str = "UPDATE_GOLDENS=1 cargo test --release --workspace --locked --bin minuet -- metrics::tests::page";

/// Subsystems in their order, with a word on each.
const SUBSYSTEMS: [(&str, &str); 10] = [
    ("consensus", "What the protocol does, as this node sees it."),
    ("mempool", "Transactions that wait."),
    ("execution", "Blocks and the state that they leave."),
    ("storage", "The database, the journal, the disk."),
    (
        "p2p",
        "Connections to peers. Lanes are streams by urgency: certificates, votes, headers, bodies, transactions, sync.",
    ),
    ("ring", "Queues between two threads."),
    ("api", "gRPC calls."),
    ("process", "What the system says of the process."),
    ("node", "What runs here."),
    ("metrics", "The metrics themselves."),
];

fn row(metric: &Metric) -> String {
    let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
    let Metric { name, unit, help, .. } = metric;
    format!("| `{name}` | {} | {unit} | {} | {help} |\n", metric.kind.name(), labels.join(", "))
}

fn page() -> String {
    let mut text = format!(
        "# Metrics\n\n\
         A node serves them in Prometheus' text format at `/metrics` of `metrics.listen_address` if `metrics.enabled` is set; a \
         localnet's nodes do. Every series is there from the start, counters begin at 0 with the process, and a label \
         `validator` is the number in the genesis. Made from `node/src/metrics/table.rs`, never by hand:\n\n\
         ```sh\n{UPDATE}\n```\n"
    );
    for (subsystem, words) in SUBSYSTEMS {
        let prefix = format!("minuet_{subsystem}_");
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\n## {subsystem}\n\n{words}\n\n| name | type | unit | labels | what |\n|---|---|---|---|---|\n"
        );
        text.extend(ALL.iter().filter(|metric| metric.name.starts_with(&prefix)).map(row));
    }
    text.push_str("\n## Bounds of histograms\n\nUpper bounds in seconds; the last one is always +Inf.\n\n");
    for metric in ALL {
        if let Kind::Histogram(bounds) = metric.kind {
            let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
            let _ = writeln!(text, "- `{}`: {}", metric.name, bounds.join(", "));
        }
    }
    text
}

#[test]
fn the_page_says_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let page = page();
    assert!(ALL.iter().all(|metric| page.contains(&row(metric))), "a metric is of no subsystem of the page");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/metrics.md is not what the table says; if the table is right: {UPDATE}");
}
