//! The report as a table for people.

use super::report::{Conditioned, ProtocolReport, Report};
use super::stats::Summary;
use std::fmt::Write as _;

/// Wide enough for every name.
const NAME: usize = 27;

/// Lines without a final line break.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    heading(report, &mut out);
    single(report, &mut out);
    chain(report, &mut out);
    traffic(report, &mut out);
    causes(report, &mut out);
    faster(report, &mut out);
    reference(report, &mut out);
    out.truncate(out.trim_end().len());
    out
}

/// Writing to a string cannot fail.
fn line(out: &mut String, text: impl std::fmt::Display) {
    let _ = writeln!(out, "{text}");
}

fn heading(report: &Report, out: &mut String) {
    let Report { validators, faulty, region_count, regions, .. } = report;
    line(
        out,
        format_args!(
            "{validators} validators in {region_count} regions ({regions}), f = {faulty}, seed {}",
            report.seed
        ),
    );
    line(out, conditions(&report.conditions));
}

fn conditions(conditions: &Conditioned) -> String {
    let block = match conditions.block_bytes {
        0 => "empty blocks".to_owned(),
        bytes => format!("blocks of {}", bytes_of(bytes as f64)),
    };
    let bandwidth = match conditions.bandwidth_mbit {
        None => "no limit of bandwidth".to_owned(),
        Some(mbit) => format!("{mbit} Mbit/s each way"),
    };
    let processing = if conditions.real { "measured processing time" } else { "no processing time" };
    let whole = if conditions.whole_ms { ", delays in whole milliseconds" } else { "" };
    format!("{block}, {bandwidth}, {processing}{whole}")
}

fn three(summary: Summary) -> String {
    format!("{:>8} {:>7} {:>7}", number(summary.mean_ms), number(summary.p50_ms), number(summary.p99_ms))
}

/// More digits for small numbers.
fn number(value: f64) -> String {
    if value.abs() < 9.95 { format!("{value:.2}") } else { format!("{value:.1}") }
}

fn bytes_of(bytes: f64) -> String {
    if bytes < 1024.0 {
        format!("{bytes:.0} B")
    } else if bytes < 1024.0 * 1024.0 {
        format!("{:.0} KiB", bytes / 1024.0)
    } else {
        format!("{:.1} MiB", bytes / 1024.0 / 1024.0)
    }
}

fn single(report: &Report, out: &mut String) {
    let title = format!("One view alone, ms from its proposal ({} passes over all leaders)", report.passes);
    line(out, format_args!("\n{title}"));
    line(out, format_args!("{:NAME$}{:>24}  {:>24}   votes needed", "", "view latency", "finality"));
    line(
        out,
        format_args!("{:NAME$}{:>8} {:>7} {:>7}  {:>8} {:>7} {:>7}", "", "mean", "p50", "p99", "mean", "p50", "p99"),
    );
    for protocol in &report.protocols {
        let (view, finality) = (three(protocol.single.view), three(protocol.single.finality));
        line(out, format_args!("{:NAME$}{view}  {finality}   {}", protocol.name, protocol.thresholds));
    }
}

fn chain(report: &Report, out: &mut String) {
    line(out, format_args!("\nA chain of {} views, ms", report.views));
    let titles = ["block interval", "view latency", "block finality", "transaction"];
    line(out, format_args!("{:NAME$}{}", "", titles.map(|title| format!("{title:>24}")).join("  ")));
    let heads = format!("{:>8} {:>7} {:>7}", "mean", "p50", "p99");
    line(out, format_args!("{:NAME$}{}", "", [heads.as_str(); 4].join("  ")));
    for protocol in &report.protocols {
        let steady = &protocol.steady;
        let columns = [steady.interval, steady.view, steady.finality, steady.transaction].map(three);
        line(out, format_args!("{:NAME$}{}", protocol.name, columns.join("  ")));
    }
}

fn traffic(report: &Report, out: &mut String) {
    line(out, format_args!("\nOf all validators together, for each block"));
    line(out, format_args!("{:NAME$}{:>8} {:>15}", "", "messages", "bytes"));
    for protocol in &report.protocols {
        let steady = &protocol.steady;
        let mut notes = String::new();
        if steady.views_without_block > 0 {
            let _ = write!(notes, "   {} views without a block", steady.views_without_block);
        }
        if steady.empty_blocks > 0 {
            let _ = write!(notes, "   {} empty blocks", steady.empty_blocks);
        }
        let bytes = bytes_of(steady.bytes_per_block);
        line(out, format_args!("{:NAME$}{:>8.0} {bytes:>15}{notes}", protocol.name, steady.messages_per_block));
    }
}

fn causes(report: &Report, out: &mut String) {
    let of = |protocol: &ProtocolReport| protocol.causes.clone();
    if report.protocols.iter().all(|protocol| protocol.causes.is_none()) {
        return;
    }
    line(out, "\nWhat the means are made of, ms");
    line(
        out,
        format_args!(
            "{:NAME$}{:26}{:>12} {:>14} {:>11} {:>8}",
            "", "", "propagation", "serialization", "processing", "total"
        ),
    );
    for protocol in &report.protocols {
        for cause in of(protocol).into_iter().flatten() {
            let parts = [cause.propagation_ms, cause.serialization_ms, cause.processing_ms, cause.total_ms].map(number);
            let [propagation, serialization, processing, total] = parts;
            let figures = format!("{propagation:>12} {serialization:>14} {processing:>11} {total:>8}");
            line(out, format_args!("{:NAME$}{:26}{figures}", protocol.name, cause.of));
        }
    }
}

fn faster(report: &Report, out: &mut String) {
    if report.faster.is_empty() {
        return;
    }
    line(out, "\nMinimmit takes less by (chain, means)");
    let heads = ["block interval", "view latency", "block finality", "transaction"];
    line(out, format_args!("{:NAME$}{}", "", heads.map(|head| format!("{head:>15}")).join(" ")));
    for faster in &report.faster {
        let all = [faster.interval_percent, faster.view_percent, faster.finality_percent, faster.transaction_percent];
        let columns = all.map(|percent| format!("{:>15}", format!("{percent:.1} %")));
        line(out, format_args!("{:NAME$}{}", format!("than {}", faster.than), columns.join(" ")));
    }
}

fn reference(report: &Report, out: &mut String) {
    let mut rows =
        report.protocols.iter().filter_map(|protocol| Some((protocol, protocol.reference.as_ref()?))).peekable();
    if rows.peek().is_none() {
        return;
    }
    line(out, "\nBeside the reference (docs/testing.md): ms, difference, and how far apart single passes lie");
    let heads = ["view mean", "view p50", "finality mean", "finality p50"];
    line(out, format_args!("{:NAME$}{}", "", heads.map(|head| format!("{head:>24}")).join(" ")));
    for (protocol, comparison) in rows {
        let cell = |cell: usize| {
            let (reference, ours) = (number(comparison.reference_ms[cell]), number(comparison.ours_ms[cell]));
            let (off, sd) = (comparison.difference_percent[cell], comparison.one_pass_sd_percent[cell]);
            let sd = if report.passes > 1 { format!(" ±{sd:.1}") } else { String::new() };
            format!("{:>24}", format!("{reference} {ours} {off:+.1} %{sd}"))
        };
        line(out, format_args!("{:NAME$}{}", protocol.name, [0, 1, 2, 3].map(cell).join(" ")));
    }
}
