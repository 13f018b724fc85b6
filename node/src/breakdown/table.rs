//! The tables: as text for people, as one object for programs.

use super::book::Book;
use super::transfer::{STAGES, Stages, stages_of_all};
use super::view::{PartTimes, parts_of_all};
use crate::client::percentile_ms;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use minuet_core::committee::Quorums;
use minuet_core::spans;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

/// Everything that the tables are made of.
pub struct Findings<'a> {
    /// All moments.
    pub book: &'a Book,
    /// Of the network.
    pub quorums: Quorums,
    /// What was offered, or without a load proposed, within this time counts.
    pub time: Range<u64>,
    /// Processor time of the validators' threads.
    pub threads: Vec<(String, u64)>,
    /// Processor time of this process, which made the load.
    pub client_us: u64,
    /// What the load came to; `None` without.
    pub load: Option<Value>,
}

/// Makes the tables; with a failure if there is nothing in them.
#[must_use]
pub fn output(findings: Findings<'_>) -> Output {
    let Findings { book, quorums, time, threads, client_us, load } = findings;
    let mut text = String::new();
    let mut json = json!({"lost_moments": book.lost, "unreadable_lines": book.unreadable, "load": load});
    let mut measured = 0;
    if load.is_some() {
        let (stages, unknown) = stages_of_all(book, quorums, &time);
        measured = stages.len();
        json["transfers"] = transfers(&stages, &unknown, &mut text);
    }
    for (key, title, with_transactions) in
        [("views", "One view with transactions", true), ("empty_views", "One view without transactions", false)]
    {
        let (parts, views) = parts_of_all(book, &time, with_transactions);
        json[key] = json!({"count": views, "parts": Value::Null});
        if views > 0 {
            measured += usize::from(load.is_none());
            json[key]["parts"] = parts_table(parts, &format!("{title} ({views} of them)"), &mut text);
        }
    }
    json["durations"] = durations(book, &time, &mut text);
    let finalized = load.as_ref().and_then(|load| load["finalized"].as_u64());
    json["threads"] = thread_table(&threads, client_us, finalized, &mut text);
    if book.lost > 0 {
        let _ = writeln!(text, "\nINCOMPLETE: {} moments were lost, since a disk or a thread was too slow", book.lost);
    }
    let failure = (measured == 0).then(|| Failure::new(Exit::NotAdvanced, "nothing was measured: see the nodes' logs"));
    json["ok"] = failure.is_none().into();
    Output { text: text.trim_end().to_owned(), json, failure }
}

/// Stages of one transfer.
fn transfers(stages: &[Stages], unknown: &BTreeMap<&'static str, u64>, text: &mut String) -> Value {
    let unknowns: u64 = unknown.values().sum();
    let mut whole: Vec<u64> = stages.iter().map(|stages| stages.iter().sum()).collect();
    let total: u64 = whole.iter().sum();
    let count = stages.len();
    let _ =
        writeln!(text, "One transfer, due → final on all nodes ({count} measured, {unknowns} unknown), milliseconds\n");
    let _ = writeln!(text, "{:<20} {:>8} {:>8} {:>7}", "stage", "p50", "p99", "share");
    let mut rows = Vec::new();
    for (place, (name, what)) in STAGES.iter().enumerate() {
        let mut times: Vec<u64> = stages.iter().map(|stages| stages[place]).collect();
        let share = percent(times.iter().sum(), total);
        let (p50, p99) = (percentile_ms(&mut times, 50), percentile_ms(&mut times, 99));
        let _ = writeln!(text, "{name:<20} {p50:>8.2} {p99:>8.2} {share:>6.1}%  {what}");
        rows.push(json!({"stage": name, "p50_ms": p50, "p99_ms": p99, "share_percent": share}));
    }
    let (p50, p99) = (percentile_ms(&mut whole, 50), percentile_ms(&mut whole, 99));
    let _ = writeln!(text, "{:<20} {p50:>8.2} {p99:>8.2} {:>6.1}%", "whole", 100.0);
    for (name, count) in unknown {
        let _ = writeln!(text, "unknown, because the moment \"{name}\" is missing: {count}");
    }
    json!({"measured": count, "unknown": unknown, "p50_ms": p50, "p99_ms": p99, "stages": rows})
}

fn percent(part: u64, whole: u64) -> f64 {
    (part as f64 / whole.max(1) as f64 * 1000.0).round() / 10.0
}

/// Parts of one view.
fn parts_table(parts: Vec<PartTimes>, title: &str, text: &mut String) -> Value {
    let _ = writeln!(text, "\n{title}, milliseconds\n");
    let head = ["each p50", "each p99", "slowest p50", "slowest p99"];
    let _ = writeln!(text, "{:<43} {:>8} {:>8} {:>11} {:>11}", "part", head[0], head[1], head[2], head[3]);
    let mut rows = Vec::new();
    for PartTimes { who, name, mut each, mut slowest, missing } in parts {
        let [p50, p99] = [50, 99].map(|percent| percentile_ms(&mut each, percent));
        let [slowest_p50, slowest_p99] = [50, 99].map(|percent| percentile_ms(&mut slowest, percent));
        let _ = write!(text, "{who:<7} {name:<35} ");
        let _ = match each.len() {
            0 => write!(text, "{:>8}", "unknown"),
            _ => write!(text, "{p50:>8.2} {p99:>8.2} {slowest_p50:>11.2} {slowest_p99:>11.2}"),
        };
        let _ = if missing > 0 { writeln!(text, "  ({missing} missing)") } else { writeln!(text) };
        rows.push(json!({
            "who": who, "part": name, "count": each.len(), "missing": missing, "p50_ms": p50, "p99_ms": p99,
            "slowest_p50_ms": slowest_p50, "slowest_p99_ms": slowest_p99,
        }));
    }
    Value::Array(rows)
}

/// What was measured where it happens.
fn durations(book: &Book, time: &Range<u64>, text: &mut String) -> Value {
    let names = [
        (spans::SYNCED, "journal: sync"),
        (spans::EXECUTED, "ledger: execution with roots"),
        (spans::ROOTED, "ledger: state root of that"),
        (spans::WRITTEN, "ledger: final blocks stored"),
    ];
    let _ = writeln!(text, "\nWork on all nodes, milliseconds\n");
    let _ = writeln!(text, "{:<30} {:>8} {:>8} {:>8}", "work", "p50", "p99", "times");
    let mut rows = Vec::new();
    for (name, what) in names {
        let mut times = book.durations(name, time);
        let [p50, p99] = [50, 99].map(|percent| percentile_ms(&mut times, percent));
        let _ = writeln!(text, "{what:<30} {p50:>8.2} {p99:>8.2} {:>8}", times.len());
        rows.push(json!({"work": name, "p50_ms": p50, "p99_ms": p99, "count": times.len()}));
    }
    Value::Array(rows)
}

/// Processor time by thread, over all validators, warm-up and settling included.
fn thread_table(threads: &[(String, u64)], client_us: u64, finalized: Option<u64>, text: &mut String) -> Value {
    let total: u64 = threads.iter().map(|(_, used_us)| used_us).sum();
    let each = |used_us: u64| finalized.filter(|count| *count > 0).map(|count| used_us as f64 / count as f64);
    let _ = writeln!(text, "\nProcessor time by thread over all validators, whole run\n");
    let _ = writeln!(text, "{:<20} {:>10} {:>7} {:>16}", "thread", "ms", "share", "µs/final transfer");
    let mut rows = Vec::new();
    let mut row = |name: &str, used_us: u64, share: Option<f64>| {
        let per_transfer = each(used_us).map(|micros| (micros * 10.0).round() / 10.0);
        let shares = share.map_or_else(String::new, |share| format!("{share:.1}%"));
        let eaches = per_transfer.map_or_else(|| "–".to_owned(), |micros| format!("{micros:.1}"));
        let _ = writeln!(text, "{name:<20} {:>10.1} {shares:>7} {eaches:>16}", used_us as f64 / 1000.0);
        rows.push(json!({
            "thread": name, "us": used_us, "share_percent": share, "us_per_transfer": per_transfer,
        }));
    };
    for (name, used_us) in threads {
        row(name, *used_us, Some(percent(*used_us, total)));
    }
    row("all validators", total, Some(100.0));
    row("load client", client_us, None);
    Value::Array(rows)
}
