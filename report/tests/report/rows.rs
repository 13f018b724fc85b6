use crate::made_up::{idle, load, of, part, parts, whole};
use minuet_report::results::{Load, Memory, Part, Results};
use minuet_report::rows::{Row, all};

/// The row whose first cell contains these words.
fn row(results: &Results, words: &str) -> Row {
    let mut rows = all(results).into_iter().filter(|row| row.what.contains(words));
    let row = rows.next().unwrap_or_else(|| panic!("no row '{words}'"));
    assert!(rows.next().is_none(), "more than one row '{words}'");
    row
}

fn reached(results: &Results, words: &str) -> Option<bool> {
    row(results, words).reached
}

#[test]
fn the_median_decides_whether_a_bound_is_reached() {
    let with = |p50s: [f64; 3]| Results { idle: of("", p50s.map(idle).to_vec()), ..whole() };
    assert_eq!(reached(&with([7.0, 8.0, 30.0]), "idle, proposal"), Some(true));
    assert_eq!(reached(&with([7.0, 8.1, 9.0]), "idle, proposal"), Some(false));
    assert!(
        row(&with([7.0, 8.0, 30.0]), "idle, proposal").measured.starts_with("8.00 ms (7.00 ms to 30.0 ms in 3 runs)")
    );
}

#[test]
fn latency_needs_both_percentiles_and_every_transfer_exactly_once() {
    let with = |run| Results { steady: of("", vec![run]), ..whole() };
    let steady = "10 tx/s, submit → final";
    let steady = |results: &Results| all(results).into_iter().find(|row| row.what.starts_with(steady)).unwrap().reached;
    assert_eq!(steady(&with(load(10.0, 12.0, 40.0))), Some(true));
    assert_eq!(steady(&with(load(10.0, 12.1, 40.0))), Some(false));
    assert_eq!(steady(&with(load(10.0, 12.0, 40.1))), Some(false));
    let spoils: [fn(&mut Load); 3] = [|load| load.lost = 1, |load| load.duplicated = 1, |load| load.finalized = 999];
    for spoil in spoils {
        let mut run = load(10.0, 5.0, 10.0);
        spoil(&mut run);
        assert_eq!(steady(&with(run)), Some(false));
    }
}

#[test]
fn one_dead_validator_is_held_against_the_healthy_p50() {
    let with = |p50, p99| Results { dead: of("", vec![load(10.0, p50, p99)]), ..whole() };
    assert_eq!(reached(&with(16.7, 111.9), "one of six dead"), Some(true));
    assert_eq!(reached(&with(16.9, 111.9), "one of six dead"), Some(false));
    assert_eq!(reached(&with(16.7, 112.1), "one of six dead"), Some(false));
    let alone = Results { steady: None, ..with(16.7, 111.9) };
    let row = row(&alone, "one of six dead");
    assert_eq!(row.reached, None);
    assert!(row.measured.starts_with("16.7 / 112 ms;"), "{}", row.measured);
}

#[test]
fn a_closed_loop_that_loses_transfers_reaches_nothing() {
    assert_eq!(reached(&whole(), "closed loop, finalized"), Some(true));
    let mut lossy = whole();
    lossy.closed.as_mut().unwrap().runs[2].load.lost = 1;
    assert_eq!(reached(&lossy, "closed loop, finalized"), Some(false));
    let measured = row(&whole(), "closed loop, finalized").measured;
    assert!(measured.contains("1850 µs by the six, 5051 µs by the client"), "{measured}");
}

#[test]
fn memory_is_judged_after_a_million_transfers_only() {
    let with = |samples| Results { memory: of("", vec![Memory { samples }]), ..whole() };
    let memory = |samples| reached(&with(samples), "after 1 million");
    assert_eq!(memory(vec![(500_000, vec![100.0]), (1_000_000, vec![50.0, 110.0])]), Some(true));
    assert_eq!(memory(vec![(500_000, vec![100.0]), (1_000_000, vec![111.0])]), Some(false));
    assert_eq!(memory(vec![(500_000, vec![190.0]), (1_000_000, vec![191.0])]), Some(false));
    // The highest of them all counts, not the last.
    let peak = |mib| vec![(400_000, vec![100.0]), (700_000, vec![mib]), (1_000_000, vec![100.0])];
    assert_eq!(memory(peak(110.0)), Some(true));
    assert_eq!(memory(peak(111.0)), Some(false));
    assert_eq!(memory(vec![(300_000, vec![110.0]), (500_000, vec![100.0]), (1_000_000, vec![120.0])]), Some(true));
    assert_eq!(memory(vec![(300_000, vec![60.0])]), None);
    assert_eq!(memory(vec![(300_000, vec![260.0])]), Some(false));
    assert_eq!(memory(vec![(1_000_000, vec![60.0])]), None);
    assert!(row(&with(vec![(300_000, vec![60.0])]), "after 1 million").measured.contains("fewer than a million"));
}

#[test]
fn history_and_state_are_told_apart_on_the_disk() {
    let row = row(&whole(), "disk for each transfer");
    assert_eq!(row.reached, Some(true));
    assert!(row.measured.starts_with("218 B, and 10.0 B of state"), "{}", row.measured);
}

#[test]
fn ratios_need_both_sides() {
    assert_eq!(reached(&whole(), "E_tps"), Some(true));
    assert_eq!(reached(&whole(), "E_fin"), Some(true));
    assert!(row(&whole(), "E_fin").measured.starts_with("0.42: 3.30 of 7.90 ms"));
    let with_bls = row(&whole(), "E_bls");
    assert_eq!((with_bls.measured.as_str(), with_bls.reached), ("0.50: 3.95 of 7.90 ms", Some(true)));
    let at_rest = row(&whole(), "E_rest");
    assert_eq!((at_rest.measured.as_str(), at_rest.reached), ("0.60: 4.74 of 7.90 ms", None));
    let mut older = whole();
    older.limits.as_mut().unwrap().runs.iter_mut().for_each(|run| run.finality_at_rest_limit_ms = None);
    assert!(row(&older, "E_rest").line().contains("| not measured | – |"));
    for results in [Results { limits: None, ..whole() }, Results { closed: None, idle: None, ..whole() }] {
        assert_eq!((reached(&results, "E_tps"), reached(&results, "E_fin")), (None, None));
        assert!(row(&results, "E_tps").line().contains("| not measured | – |"));
    }
}

#[test]
fn the_reference_may_be_missed_by_five_percent() {
    assert_eq!(reached(&whole(), "50 validators"), Some(true));
    let mut slow = whole();
    slow.wide.as_mut().unwrap().runs.iter_mut().for_each(|run| run.ours_ms[2] = 208.0 * 1.051);
    assert_eq!(reached(&slow, "50 validators"), Some(false));
}

#[test]
fn what_bounds_large_blocks_is_named() {
    let row = row(&whole(), "101 validators");
    assert_eq!(row.reached, None);
    assert!(row.measured.contains("bound by bandwidth: 800 of the interval's 950 ms"), "{}", row.measured);
}

#[test]
fn criterions_figures_are_found_by_operation_and_keys() {
    assert_eq!(reached(&whole(), "stateless checks, cold"), Some(true));
    assert_eq!(reached(&whole(), "seen at admission"), Some(true));
    assert_eq!(reached(&whole(), "the whole validation"), Some(false));
    assert_eq!(reached(&whole(), "state root"), Some(true));
    let with = |change: fn(&mut Vec<Part>)| {
        let mut parts = parts();
        change(&mut parts);
        Results { parts: of("bench", vec![parts]), ..whole() }
    };
    let big = "state::root/transfers=1000,accounts=10000000";
    let slow = with(|parts| parts.push(part("state::root/transfers=1000,accounts=10000001", 1.0)));
    assert_eq!(reached(&slow, "state root"), Some(true));
    let without =
        Results { parts: of("bench", vec![parts().into_iter().filter(|part| part.name != big).collect()]), ..whole() };
    assert_eq!(reached(&without, "state root"), None);
    let steep = with(|parts| parts[3].median_ns = 16.5e6);
    assert_eq!(reached(&steep, "state root"), Some(false));
    let none = Results { parts: of("bench", vec![Vec::new()]), ..whole() };
    assert!(row(&none, "state root").line().contains("| not measured | – | – |"));
}

#[test]
fn each_scenario_that_is_missing_leaves_words_and_never_a_zero() {
    let missing: [fn(&mut Results); 9] = [
        |results| results.idle = None,
        |results| results.steady = None,
        |results| results.thousand = None,
        |results| results.dead = None,
        |results| results.closed = None,
        |results| results.outage = None,
        |results| results.disk = None,
        |results| results.wide = None,
        |results| results.memory = None,
    ];
    let unmeasured = |results: &Results| all(results).iter().filter(|row| row.measured.is_empty()).count();
    assert_eq!(unmeasured(&whole()), 0);
    for remove in missing {
        let mut results = whole();
        remove(&mut results);
        assert!(unmeasured(&results) > 0);
        for row in all(&results).iter().filter(|row| row.measured.is_empty()) {
            assert!(row.reached.is_none() && row.line().contains("| not measured | – |"), "{row:?}");
        }
    }
    // No runs are as good as none.
    let empty = Results { closed: of("", Vec::new()), steady: of("", Vec::new()), ..whole() };
    assert!(unmeasured(&empty) > 0 && reached(&empty, "closed loop, finalized").is_none());
}
