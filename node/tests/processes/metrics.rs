//! Metrics and probes of real nodes, as Prometheus and an orchestrator ask for them.

use crate::harness::scrape::{Scrape, get};
use crate::harness::{LIMIT, Load, Lone, METRICS_OFFSET, Network, VALIDATORS, output, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

fn of(network: &Network, index: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], network.p2p_port(0) + METRICS_OFFSET + index))
}

/// Names of the metrics on the page that documents them.
fn documented() -> BTreeSet<String> {
    let page = include_str!("../../../docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `minuet_")?.split_once('`'));
    rows.map(|(name, _)| format!("minuet_{name}")).collect()
}

/// Names in which the checker takes the protocol's M for a unit.
const QUORUM_M: [&str; 2] = ["minuet_consensus_time_to_m_seconds ", "minuet_node_quorum_m "];

/// What Prometheus' own checker says of the text; nothing if all is well.
fn promtool(metrics: &str) -> String {
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.unwrap_or_else(|error| {
        panic!("promtool cannot be run ({error}): install Debian's package prometheus, or run make setup")
    });
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(output.status.success(), said.trim().is_empty(), "{said}");
    said.lines().filter(|line| !QUORUM_M.iter().any(|name| line.starts_with(name))).collect()
}

/// Asks until this holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let holding = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        while !holds() {
            tick.tick().await;
        }
    };
    let outcome = runtime.block_on(async { tokio::time::timeout(LIMIT, holding).await });
    assert!(outcome.is_ok(), "not in time: {what}");
}

/// Status of the answer, and the words of its reasons.
fn ready(address: SocketAddr) -> (u16, Vec<String>) {
    let (status, body) = get(address, "/readyz");
    let body: Value = serde_json::from_str(&body).unwrap();
    let reasons = body["reasons"].as_array().unwrap().iter();
    (status, reasons.map(|reason| reason["reason"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn six_nodes_serve_every_documented_metric_and_nothing_else_and_counters_only_rise() {
    let network = Network::start();
    network.view(0).goes_on(3);
    let before: Vec<Scrape> = (0..VALIDATORS).map(|index| Scrape::of(of(&network, index))).collect();
    let load = Load::start(network.dir(), 20, 2);
    network.view(0).carries(20);
    load.finish();
    for (index, before) in (0..VALIDATORS).zip(&before) {
        let (_, text) = get(of(&network, index), "/metrics");
        assert_eq!(promtool(&text), "", "validator {index}");
        let scrape = Scrape::parse(&text);
        before.never_fell_until(&scrape);
        let names: BTreeSet<String> = scrape.names().into_iter().collect();
        assert_eq!(names, documented(), "validator {index}");
        for name in names {
            assert!(scrape.help.contains_key(&name) && scrape.kinds.contains_key(&name), "{name}");
        }
        assert_eq!(before.values.len(), scrape.values.len(), "every series is there from the start");
    }
}

#[test]
fn metrics_say_what_the_network_does() {
    let network = Network::start();
    let load = Load::start(network.dir(), 20, 2);
    network.view(0).carries(20);
    load.finish();
    network.view(2).goes_on(5);
    network.view(2).status();
    let scrape = Scrape::of(of(&network, 2));
    let above = [
        "minuet_consensus_view",
        "minuet_consensus_finalized_height",
        "minuet_consensus_last_finalized_timestamp_seconds",
        "minuet_consensus_finalized_blocks_total",
        "minuet_consensus_finality_seconds_count",
        "minuet_execution_block_seconds_count",
        "minuet_execution_state_root_seconds_count",
        "minuet_execution_transactions_total",
        "minuet_execution_gas_total",
        "minuet_execution_base_fee_wei",
        "minuet_storage_batch_seconds_count",
        "minuet_storage_batch_seconds_sum",
        "minuet_storage_journal_sync_seconds_count",
        "minuet_storage_rocksdb_memory_bytes{kind=\"memtables\"}",
        "minuet_storage_disk_free_bytes",
        "minuet_p2p_received_bytes_total{lane=\"votes\"}",
        "minuet_p2p_sent_messages_total{lane=\"votes\"}",
        "minuet_p2p_connections_total",
        "minuet_p2p_peer_rtt_seconds{validator=\"0\"}",
        "minuet_mempool_admitted_total",
        "minuet_api_requests_total{method=\"GetStatus\",code=\"ok\"}",
        "minuet_api_request_seconds_count{method=\"GetStatus\"}",
        "minuet_process_cpu_seconds_total",
        "minuet_process_resident_bytes",
        "minuet_process_threads",
    ];
    for series in above {
        assert!(scrape.value(series) > 0.0, "{series} is {}", scrape.value(series));
    }
    let exactly = [
        ("minuet_p2p_peers", 5.0),
        ("minuet_p2p_peer_connected{validator=\"5\"}", 1.0),
        ("minuet_mempool_capacity_transactions", 65_536.0),
        ("minuet_node_validators", 6.0),
        ("minuet_node_quorum_m", 3.0),
        ("minuet_node_quorum_l", 5.0),
        ("minuet_node_ready", 1.0),
        ("minuet_consensus_equivocations_total", 0.0),
        ("minuet_execution_state_root_mismatches_total", 0.0),
        ("minuet_storage_journal_failures_total", 0.0),
        ("minuet_storage_low_disk", 0.0),
    ];
    for (series, value) in exactly {
        assert_eq!(scrape.value(series), value, "{series}");
    }
    assert_eq!(scrape.sum("minuet_metrics_lost_samples_total"), 0.0);
    assert_eq!(scrape.sum("minuet_ring_dropped_total"), 0.0);
}

#[test]
fn views_are_counted_with_their_votes_and_a_validator_that_is_gone_misses_its_turns() {
    let mut network = Network::start();
    let address = of(&network, 1);
    let votes = |scrape: &Scrape, validator: u16| {
        scrape.value(&format!("minuet_consensus_votes_seen_total{{validator=\"{validator}\"}}"))
    };
    let missed = |scrape: &Scrape, validator: u16| {
        scrape.value(&format!("minuet_consensus_missed_leader_slots_total{{validator=\"{validator}\"}}"))
    };
    until("votes of all", || (0..VALIDATORS).all(|validator| votes(&Scrape::of(address), validator) > 3.0));
    let before = Scrape::of(address);
    for histogram in ["view_duration", "time_to_m", "time_to_l"] {
        let name = format!("minuet_consensus_{histogram}_seconds");
        assert!(before.value(&format!("{name}_count")) > 0.0 && before.value(&format!("{name}_sum")) > 0.0, "{name}");
    }
    assert!(before.value("minuet_consensus_views_seen_total") >= votes(&before, 3));
    network.take(3).kill();
    until("a missed turn", || missed(&Scrape::of(address), 3) > missed(&before, 3));
    // Its last votes are counted by now; the others' go on.
    let gone = Scrape::of(address);
    until("others' votes", || votes(&Scrape::of(address), 0) > votes(&gone, 0) + 5.0);
    let after = Scrape::of(address);
    assert_eq!(votes(&after, 3), votes(&gone, 3));
    assert!(after.value("minuet_consensus_nullified_views_total") > 0.0);
    assert!(after.value("minuet_consensus_nullifications_total{reason=\"timeout\"}") > 0.0);
}

#[test]
fn a_node_is_ready_among_its_peers_and_says_why_not_when_they_are_gone() {
    let mut network = Network::start();
    let address = of(&network, 4);
    until("ready among peers", || ready(address) == (200, vec![]));
    assert_eq!(get(address, "/livez").0, 200);
    for index in [0, 1, 2, 3, 5] {
        network.take(index).kill();
    }
    until("too few peers", || ready(address).1.contains(&"too_few_peers".to_owned()));
    let both = ["not_finalizing", "too_few_peers"].map(str::to_owned).to_vec();
    until("nothing becomes final", || ready(address) == (503, both.clone()));
    assert_eq!(get(address, "/livez").0, 200, "it lives, alone");
    assert_eq!(Scrape::of(address).value("minuet_node_ready"), 0.0);
}

#[test]
fn metrics_are_off_unless_asked_for_and_a_taken_port_is_named() {
    let lone = Lone::new();
    let metrics = lone.rpc - crate::harness::RPC_OFFSET + METRICS_OFFSET;
    let address = SocketAddr::from(([127, 0, 0, 1], metrics));
    let node = lone.start();
    assert!(std::net::TcpStream::connect(address).is_err());
    assert!(node.stop().success());
    let taken = std::net::TcpListener::bind(address).unwrap();
    let flags = ["--metrics", "--metrics-listen-address", &address.to_string()].map(str::to_owned);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let refusal = lone.refused(7, &flags);
    assert!(refusal.contains("metrics.listen_address") && refusal.contains(&address.to_string()), "{refusal}");
    drop(taken);
    let checked = output(
        Command::new(crate::harness::MINUET)
            .args(["config", "check", "--config", text(&lone.config)])
            .args(&flags)
            .env("NODE_METRICS__READY_MIN_PEERS", "0"),
    );
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains(&format!("http://{address}/metrics")), "{said}");
}
