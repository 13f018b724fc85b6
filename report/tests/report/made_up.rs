//! Results of every scenario, with no more digits than are kept.

use minuet_report::measure::rounded;
use minuet_report::results::*;
use std::collections::BTreeMap;

pub fn taken() -> Taken {
    Taken {
        machine: "2 × Some CPU <fast>, 8 GiB, Linux 6.1, ext4".to_owned(),
        commit: "abc1234, minuet 0.1.0".to_owned(),
        date: "2026-01-02".to_owned(),
        load_before: 0.1,
        quick: false,
    }
}

pub fn of<T>(command: &str, runs: Vec<T>) -> Option<Measured<T>> {
    Some(Measured { taken: taken(), commands: vec![format!("minuet {command}")], runs })
}

pub fn load(tps: f64, p50_ms: f64, p99_ms: f64) -> Load {
    Load {
        submitted: 1000,
        finalized: 1000,
        rejected: 0,
        lost: 0,
        duplicated: 0,
        tps,
        p50_ms: rounded(p50_ms),
        p95_ms: rounded((p50_ms + p99_ms) / 2.0),
        p99_ms: rounded(p99_ms),
        max_ms: rounded(p99_ms * 1.5),
        seconds: 40.0,
        finalized_in_window: 990,
        blocks: 200,
        block_finality_p50_ms: rounded(p50_ms / 2.0),
        block_finality_p99_ms: rounded(p99_ms / 2.0),
        longest_pause_ms: 120,
        nodes_at_start: 6,
        nodes_at_end: 6,
        client_cpu_percent: 12.5,
    }
}

pub fn idle(p50: f64) -> Idle {
    Idle {
        finality_p50_ms: p50,
        finality_p99_ms: rounded(p50 * 1.5),
        cpu_percent_total: 7.8,
        disk_bytes_per_block: 7015,
        finalized_blocks: 98,
        nullified_views: 0,
        seconds: 20.0,
        rss_mib: vec![28.5, 30.25, 29.0],
    }
}

fn offered() -> Vec<Vec<Offered>> {
    let point = |run: f64| {
        move |rate: f64| Offered { rate, load: load(rate.min(5600.0), 8.0 + rate / 400.0 + run, 20.0 + rate / 40.0) }
    };
    let rates = [10.0, 100.0, 1000.0, 4000.0, 8000.0];
    (0..3).map(|run| rates.map(point(f64::from(run))).to_vec()).collect()
}

fn returned(run: u32) -> Return {
    let second = |second: u64| {
        let p50_ms = if (10..12).contains(&second) { 120.0 } else { 11.0 + f64::from(run) };
        Second { second, transfers: 200, p50_ms, p90_ms: p50_ms * 1.5, p99_ms: p50_ms * 3.0, max_ms: p50_ms * 4.0 }
    };
    // Nothing was due in the last: that is no latency of zero.
    let nothing = Second { second: 40, transfers: 0, p50_ms: 0.0, p90_ms: 0.0, p99_ms: 0.0, max_ms: 0.0 };
    let timeline = (0..40).map(second).chain([nothing]).collect();
    Return { rate: 200.0, killed_s: 10.0, back_s: 25.0, load: load(200.0, 11.0, 30.0), timeline }
}

fn disk() -> Disk {
    let columns = |pairs: [(&str, u64); 4]| pairs.map(|(name, bytes)| (name.to_owned(), bytes)).into();
    let before: BTreeMap<String, u64> =
        columns([("accounts", 6000), ("bodies", 100), ("headers", 50), ("transaction_index", 10)]);
    let after =
        columns([("accounts", 16_000), ("bodies", 150_100), ("headers", 20_050), ("transaction_index", 48_010)]);
    Disk { transfers: 1000, before, after, directory_bytes: 40_000_000 }
}

pub fn simulated(validators: u64, seed: u64) -> Simulated {
    let size = validators as f64;
    Simulated {
        validators,
        seed,
        view_ms: [rounded(110.0 + size / 4.0), 190.0],
        finality_ms: [rounded(190.0 + size / 3.0), 290.0],
        interval_ms: rounded(120.0 + size / 3.0),
        view_causes_ms: [rounded(105.0 + size / 8.0), rounded(size / 16.0), rounded(size / 16.0 + 5.0)],
        finality_causes_ms: [rounded(180.0 + size / 8.0), rounded(size / 16.0), rounded(size / 16.0 + 10.0)],
        interval_causes_ms: [100.0, 800.0, 50.0],
    }
}

pub fn part(name: &str, median_ns: f64) -> Part {
    Part { name: name.to_owned(), median_ns, low_ns: rounded(median_ns * 0.98), high_ns: rounded(median_ns * 1.03) }
}

pub fn parts() -> Vec<Part> {
    vec![
        part("bls::verify/signatures=1", 745_000.0),
        part("state::root/transfers=1000,accounts=10000", 3.1e6),
        part("state::root/transfers=1000,accounts=1000000", 8.2e6),
        part("state::root/transfers=1000,accounts=10000000", 12.4e6),
        part("state::root_one_core/transfers=1000,accounts=1000000", 15e6),
        part("validation::stateless/transfers=1000", 0.7e6),
        part("validation::stateless_cold/transfers=100", 0.5e6),
        part("validation::stateless_cold/transfers=1000", 4.4e6),
        part("validation::whole/transfers=1000,accounts=1000000", 12.6e6),
    ]
}

/// Everything.
pub fn whole() -> Results {
    let closed = |tps| Closed { load: load(tps, 180.0, 400.0), six_cpu_s: 1.85, wall_s: 1.0 };
    let sized = |max_block_bytes: u64, tps| BlockSize { max_block_bytes, load: load(tps, 50.0, 90.0) };
    let outage = Outage { recovered_ms: 1890.5, height: 77, same_block: true, load: load(100.0, 12.0, 1900.0) };
    let wide = |seed| Wide { seed, ours_ms: [118.7, 123.8, 209.1, 204.2], reference_ms: [118.0, 123.0, 208.0, 203.0] };
    let sizes = [6, 11, 51, 101];
    Results {
        version: RESULTS_VERSION,
        idle: of("localnet --for 20 --json", [7.5, 7.9, 9.1].map(idle).to_vec()),
        steady: of("load --rate 10", [10.5, 11.2, 11.9].map(|p50| load(10.0, p50, p50 * 2.0)).to_vec()),
        thousand: of("load --rate 1000", vec![load(1000.0, 38.0, 151.0)]),
        curve: of("load --rate RATE", offered()),
        dead: of("load --rate 10", vec![load(10.0, 15.0, 60.0)]),
        returns: of("load --timeline", (0..3).map(returned).collect()),
        closed: of("load --max", [10_100.5, 9_800.0, 10_700.0].map(closed).to_vec()),
        outage: of("load --rate 100", vec![outage]),
        memory: of(
            "load --max",
            vec![Memory { samples: vec![(0, vec![30.0]), (500_000, vec![90.0]), (1_000_100, vec![95.0, 91.0])] }],
        ),
        disk: of("load --max", vec![disk()]),
        blocks: of("load --max", vec![vec![sized(4096, 900.0), sized(65_536, 5000.0), sized(1 << 20, 9000.0)]]),
        wide: of("simulate", vec![wide(1), wide(2)]),
        committee: of("simulate", (1..4).map(|seed| sizes.map(|size| simulated(size, seed)).to_vec()).collect()),
        large: of("simulate", vec![simulated(101, 1)]),
        limits: of(
            "limits --json",
            vec![Limits {
                tps_limit: 18_000.0,
                finality_limit_ms: 3.3,
                finality_with_bls_limit_ms: Some(3.95),
                finality_at_rest_limit_ms: Some(4.74),
            }],
        ),
        parts: of("bench", vec![parts()]),
    }
}
