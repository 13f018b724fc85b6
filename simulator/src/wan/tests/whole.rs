//! Whole studies: chains, causes, transactions, the report in its forms.

use super::{Alone, options};
use crate::wan::report::Steady;
use crate::wan::rules::Protocol;
use crate::wan::study::{Conditions, Options, study};
use crate::wan::trace::{NEVER, Trace, ViewTrace};
use crate::wan::{plot, text, transactions};

const EACH: [Protocol; 6] = Protocol::ALL;

fn all_figures(steady: &Steady) -> [f64; 4] {
    [steady.interval, steady.view, steady.finality, steady.transaction].map(|summary| summary.mean_ms)
}

#[test]
fn the_same_options_give_the_same_report_and_another_seed_another() {
    let run = |seed| {
        let report = study(&Options { seed, ..options("six", &EACH) });
        (text(&report), serde_json::to_string(&report).unwrap(), plot(&report))
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn chains_of_the_production_rules_and_of_the_restated_ones_agree() {
    for regions in ["global", "us", "six"] {
        let views = if regions == "six" { 400 } else { 60 };
        let report = study(&Options { views, ..options(regions, &[Protocol::Minimmit, Protocol::Restated]) });
        let [ours, restated] = [0, 1].map(|place: usize| all_figures(&report.protocols[place].steady));
        for (ours, restated) in ours.into_iter().zip(restated) {
            assert!((ours / restated - 1.0).abs() < 0.04, "{regions}: {ours} ms, restated {restated} ms");
        }
        assert_eq!(report.protocols[0].steady.views_without_block, 0);
    }
}

#[test]
fn every_view_of_every_protocol_becomes_final_for_everybody() {
    let report = study(&options("global", &EACH));
    for protocol in &report.protocols {
        let (n, views) = (report.validators, report.views);
        // One pass of views alone; a chain's last views are final too.
        assert_eq!(protocol.single.finality.count, n * n, "{}", protocol.name);
        assert_eq!(protocol.single.view.count, n * n, "{}", protocol.name);
        assert_eq!(protocol.steady.finality.count, n * views, "{}", protocol.name);
        assert!(protocol.steady.finality.mean_ms >= protocol.steady.view.mean_ms, "{}", protocol.name);
    }
}

#[test]
fn minimmit_opens_views_sooner_than_the_others_and_finalizes_no_later() {
    let report = study(&options("global", &EACH));
    assert_eq!(report.faster.len(), 3);
    for faster in &report.faster {
        assert!(faster.view_percent > 20.0, "{faster:?}");
        assert!(faster.transaction_percent > 5.0 && faster.finality_percent > -2.0, "{faster:?}");
    }
}

#[test]
fn causes_add_up_and_each_adds() {
    let conditions = Conditions { block_bytes: 256 * 1024, bandwidth_mbit: Some(1_000.0), real: true };
    let report = study(&Options { conditions, ..options("global", &EACH) });
    for protocol in &report.protocols {
        for cause in protocol.causes.as_ref().expect("with processing") {
            let sum = cause.propagation_ms + cause.serialization_ms + cause.processing_ms;
            assert!((sum - cause.total_ms).abs() < 1e-6, "{}: {cause:?}", protocol.name);
            assert!(cause.propagation_ms > 50.0 && cause.serialization_ms > 5.0, "{}: {cause:?}", protocol.name);
            assert!(cause.processing_ms > 0.5, "{}: {cause:?}", protocol.name);
        }
    }
}

#[test]
fn a_delta_below_the_delays_costs_views_and_the_report_says_so() {
    let report = study(&Options { delta_ms: 20, ..options("six", &[Protocol::Minimmit]) });
    assert!(report.protocols[0].steady.views_without_block > 0);
    assert!(text(&report).contains("views without a block"));
}

/// Blocks of validator 1 every 100 ms, final 70 ms later everywhere.
fn even_chain() -> Trace {
    let view = |place: u64| {
        let mut view = ViewTrace::new(6, 1);
        view.proposed = place * 100_000_000;
        view.progressed = vec![view.proposed + 50_000_000; 6];
        view.finalized = vec![view.proposed + 70_000_000; 6];
        view
    };
    Trace { views: (0..100).map(view).collect(), ..Trace::default() }
}

#[test]
fn a_transaction_waits_for_the_first_block_made_after_its_arrival_at_the_leader() {
    let trace = even_chain();
    let links = Alone::new("local", Protocol::Minimmit).links();
    let latencies = transactions::latencies(&trace, 0, &links, 0, 1);
    assert_eq!(latencies.len(), 20_000);
    let (shortest, longest) = (latencies.iter().min().unwrap(), latencies.iter().max().unwrap());
    // On the way about 3 ms, then up to the interval, then finality.
    assert!((70_000_000..75_000_000).contains(shortest), "{shortest}");
    assert!((168_000_000..185_000_000).contains(longest), "{longest}");
    let mean = latencies.iter().sum::<u64>() as f64 / 20_000.0 / 1e6;
    assert!((mean - (2.5 + 50.0 + 70.0)).abs() < 2.0, "{mean}");
    // Blocks without room are passed over.
    let mut full = trace.clone();
    full.views.iter_mut().step_by(2).for_each(|view| view.carries = false);
    let slower = transactions::latencies(&full, 0, &links, 0, 1);
    let mean = slower.iter().sum::<u64>() as f64 / slower.len() as f64 / 1e6;
    assert!((mean - (2.5 + 100.0 + 70.0)).abs() < 3.0, "{mean}");
}

#[test]
fn a_block_is_final_with_its_descendant() {
    let mut trace = even_chain();
    trace.views.truncate(3);
    trace.views[0].finalized[4] = NEVER;
    trace.inherit_finality();
    assert_eq!(trace.views[0].finalized[4], 170_000_000);
    assert_eq!(trace.views[0].finalized[3], 70_000_000);
    assert_eq!(trace.measured(0).count(), 3);
}

#[test]
fn the_plot_shows_every_protocol_with_labelled_axes() {
    let report = study(&options("local", &EACH));
    let picture = plot(&report);
    assert!(picture.starts_with("<svg xmlns=") && picture.ends_with("</svg>\n"));
    for protocol in EACH {
        assert_eq!(picture.matches(&format!(">{}<", protocol.name())).count(), 4, "{protocol}");
    }
    assert!(picture.contains("milliseconds") && !picture.contains("NaN") && !picture.contains("inf"));
    for tag in ["text", "title"] {
        assert_eq!(picture.matches(&format!("<{tag}")).count(), picture.matches(&format!("</{tag}>")).count());
    }
}

#[test]
fn the_table_names_conditions_figures_and_ratios() {
    let report = study(&options("six", &EACH));
    let table = text(&report);
    for expected in [
        "6 validators in 6 regions (six), f = 1, seed 1",
        "empty blocks, no limit of bandwidth, no processing time",
        "One view alone",
        "A chain of 40 views",
        "messages",
        "than Simplex",
        "than HotStuff, two phases",
        "Beside the reference",
    ] {
        assert!(table.contains(expected), "'{expected}' is not in\n{table}");
    }
}
