//! Every metric that a rule or a panel names is one that nodes have: docs/metrics.md lists them all.

use crate::dashboards::all;
use crate::read;
use crate::rules::{alerts, recorded};
use std::collections::BTreeSet;

const LIST: &str = "docs/metrics.md";
/// Prometheus' own.
const BUILT_IN: [&str; 2] = ["up", "ALERTS"];
/// What a histogram's series add to its name.
const OF_A_HISTOGRAM: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Names in an expression that are metrics by their look: ours, recorded ones, Prometheus' own. Texts in quotes are none.
fn named(expr: &str) -> BTreeSet<&str> {
    let code = expr.split('"').step_by(2);
    let words = code.flat_map(|code| code.split(|c: char| !(c.is_ascii_alphanumeric() || "_:".contains(c))));
    words.filter(|word| word.starts_with("minuet_") || word.contains(':') || BUILT_IN.contains(word)).collect()
}

/// The metrics that stand in backticks, with or without labels behind them.
fn listed(text: &str) -> BTreeSet<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|code| code.split('{').next()).filter(|code| code.starts_with("minuet_")).collect()
}

fn is_known(name: &str, metrics: &BTreeSet<&str>, recorded: &BTreeSet<&str>) -> bool {
    let of_a_histogram =
        || OF_A_HISTOGRAM.iter().filter_map(|end| name.strip_suffix(end)).any(|base| metrics.contains(base));
    BUILT_IN.contains(&name) || metrics.contains(name) || recorded.contains(name) || of_a_histogram()
}

#[test]
fn rules_and_panels_use_only_metrics_that_nodes_have() {
    let list = read(LIST);
    let metrics = listed(&list);
    assert!(metrics.len() > 50, "{LIST}: {metrics:?}");
    let (alerts, recording, dashboards) = (alerts(), recorded(), all());
    let recorded: BTreeSet<&str> = recording.iter().map(|rule| rule.name.as_str()).collect();
    let of_rules = alerts.iter().chain(&recording).map(|rule| (rule.name.clone(), rule.expr()));
    let of_panels = dashboards.iter().flat_map(|dashboard| {
        let queries = dashboard.panels().flat_map(|panel| panel.queries.iter());
        queries.map(|(expr, _)| (dashboard.name.to_owned(), (*expr).to_owned()))
    });
    let mut wrong = Vec::new();
    for (place, expr) in of_rules.chain(of_panels) {
        let names = named(&expr);
        assert!(!names.is_empty(), "{place}: {expr}");
        let unknown = names.iter().filter(|name| !is_known(name, &metrics, &recorded));
        wrong.extend(unknown.map(|name| format!("{place}: {name}")));
    }
    assert!(wrong.is_empty(), "not in {LIST} and not recorded:\n  {}", wrong.join("\n  "));
}

#[test]
fn every_metric_is_shown_and_every_recorded_series_is_used() {
    let (alerts, recording, dashboards) = (alerts(), recorded(), all());
    let mut exprs: Vec<String> = alerts.iter().chain(&recording).map(|rule| rule.expr()).collect();
    let panels = dashboards.iter().flat_map(|dashboard| dashboard.panels());
    exprs.extend(panels.flat_map(|panel| &panel.queries).map(|(expr, _)| (*expr).to_owned()));
    let used: BTreeSet<&str> = exprs.iter().flat_map(|expr| named(expr)).collect();
    let unused: Vec<_> = recording.iter().map(|rule| rule.name.as_str()).filter(|name| !used.contains(name)).collect();
    assert!(unused.is_empty(), "recorded for nothing: {unused:?}");
    let list = read(LIST);
    let is_shown = |name: &str| used.contains(name) || used.contains(format!("{name}_bucket").as_str());
    let hidden: Vec<_> = listed(&list).into_iter().filter(|name| !is_shown(name)).collect();
    assert!(hidden.is_empty(), "in {LIST}, and in no panel and no rule: {hidden:?}");
}

#[test]
fn names_are_found_in_expressions_and_unknown_ones_are_unknown() {
    let expr = "sum by (node) (rate(minuet_a_seconds_bucket{kind=\"minuet_no\"}[1m])) / node:b:rate1m or up > bool 0";
    assert_eq!(named(expr).into_iter().collect::<Vec<_>>(), ["minuet_a_seconds_bucket", "node:b:rate1m", "up"]);
    let metrics = listed("| `minuet_a_seconds` | and `minuet_b{reason}` | `other` |");
    assert_eq!(metrics.iter().copied().collect::<Vec<_>>(), ["minuet_a_seconds", "minuet_b"]);
    let recorded = BTreeSet::from(["node:b:rate1m"]);
    for known in ["minuet_a_seconds_bucket", "minuet_b", "node:b:rate1m", "ALERTS"] {
        assert!(is_known(known, &metrics, &recorded), "{known}");
    }
    for unknown in ["minuet_a", "minuet_c", "node:c:rate1m", "minuet_b_total"] {
        assert!(!is_known(unknown, &metrics, &recorded), "{unknown}");
    }
}
