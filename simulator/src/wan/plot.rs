//! The chain's figures as a picture: bars on one scale, readable on light and dark pages.

use super::report::{ProtocolReport, Report, Steady};
use super::rules::Protocol;
use super::stats::Summary;
use std::fmt::Write as _;

const WIDTH: f64 = 960.0;
/// Where the bars begin, and the room that they have.
const LEFT: f64 = 210.0;
const ROOM: f64 = 660.0;
const TOP: f64 = 64.0;
const ROW: f64 = 24.0;
const BAR: f64 = 14.0;
/// Title of a panel and the space below it.
const PANEL: f64 = 46.0;
const BOTTOM: f64 = 64.0;

/// Grey that is as far from white as from black; so are the others.
const INK: &str = "#7a7a7a";
const FAINT: &str = "#8c8c8c";
const OURS: &str = "#2f80d8";
const OURS_TOO: &str = "#6f9fc9";
const OTHERS: &str = "#b07d4f";

type Choice = fn(&Steady) -> Summary;

/// What is shown, from top to bottom.
const PANELS: [(&str, Choice); 4] = [
    ("Block interval: from one proposal to the next", |steady| steady.interval),
    ("View latency: from the proposal until a validator goes on to the next view", |steady| steady.view),
    ("Block finality: from the proposal until the block is final for a validator", |steady| steady.finality),
    ("Transaction: from its entry until it is final there", |steady| steady.transaction),
];

/// A whole SVG document.
#[must_use]
pub fn plot(report: &Report) -> String {
    let rows = report.protocols.len() as f64;
    let panel = PANEL + rows * ROW;
    let height = TOP + PANELS.len() as f64 * panel + BOTTOM;
    let end = TOP + PANELS.len() as f64 * panel;
    let (step, limit) = scale(longest(report));
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"{INK}\">"
    );
    let title = format!(
        "{} validators in {} regions, a chain of {} views{}",
        report.validators,
        report.region_count,
        report.views,
        if report.conditions.real { ", with bandwidth and processing" } else { "" }
    );
    let _ = writeln!(out, "<title>{}</title>", escaped(&title));
    let _ = writeln!(out, "<text x=\"16\" y=\"30\" font-size=\"17\" font-weight=\"600\">{}</text>", escaped(&title));
    grid(&mut out, step, limit, end);
    for (place, (name, choice)) in PANELS.iter().enumerate() {
        let top = TOP + place as f64 * panel;
        let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"600\">{name}</text>", top + 24.0);
        for (row, protocol) in report.protocols.iter().enumerate() {
            bar(&mut out, protocol, choice(&protocol.steady), top + PANEL - 10.0 + row as f64 * ROW, limit);
        }
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">milliseconds</text>",
        LEFT + ROOM / 2.0,
        end + 38.0
    );
    let legend = "bar: mean · tick: median · line: to the 99th percentile";
    let _ = writeln!(out, "<text x=\"16\" y=\"{:.1}\" font-size=\"12\">{legend}</text>", end + 56.0);
    out.push_str("</svg>\n");
    out
}

fn longest(report: &Report) -> f64 {
    let all = report.protocols.iter().flat_map(|protocol| PANELS.map(|(_, choice)| choice(&protocol.steady)));
    all.map(|summary| summary.p99_ms.max(summary.mean_ms)).fold(1.0, f64::max)
}

/// A round step of which four to nine reach the end.
fn scale(longest: f64) -> (f64, f64) {
    let magnitude = 10f64.powf((longest / 4.0).log10().floor());
    let step = [5.0, 2.0, 1.0].map(|round| round * magnitude).into_iter().find(|step| longest / step >= 4.0);
    let step = step.unwrap_or(magnitude);
    (step, (longest / step).ceil() * step)
}

fn grid(out: &mut String, step: f64, limit: f64, end: f64) {
    let lines = (limit / step).round() as usize;
    for mark in 0..=lines {
        let value = mark as f64 * step;
        let x = LEFT + value / limit * ROOM;
        let opacity = if mark == 0 { "0.9" } else { "0.3" };
        let _ = writeln!(
            out,
            "<path d=\"M{x:.1} {:.1}V{end:.1}\" stroke=\"{FAINT}\" stroke-opacity=\"{opacity}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"12\">{value}</text>",
            TOP - 8.0,
            end + 18.0
        );
    }
}

fn bar(out: &mut String, protocol: &ProtocolReport, summary: Summary, top: f64, limit: f64) {
    let color = match protocol.protocol {
        Protocol::Minimmit => OURS,
        Protocol::Restated | Protocol::Estimator => OURS_TOO,
        _ => OTHERS,
    };
    let at = |value_ms: f64| LEFT + value_ms / limit * ROOM;
    let (mean, median, tail) = (at(summary.mean_ms), at(summary.p50_ms), at(summary.p99_ms));
    let middle = top + BAR / 2.0;
    let digits = usize::from(summary.mean_ms < 9.95);
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
         <rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\" fill=\"{color}\" fill-opacity=\"0.75\"/>\
         <path d=\"M{mean:.1} {middle:.1}H{tail:.1}\" stroke=\"{color}\" stroke-width=\"2\"/>\
         <path d=\"M{median:.1} {:.1}v{}\" stroke=\"{INK}\" stroke-width=\"2\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\">{:.digits$}</text>",
        LEFT - 10.0,
        middle + 4.5,
        escaped(protocol.name),
        (mean - LEFT).max(0.0),
        top - 3.0,
        BAR + 6.0,
        tail.max(mean).max(median) + 7.0,
        middle + 4.0,
        summary.mean_ms,
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
