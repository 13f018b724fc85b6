//! What a run showed, as text and JSON.

use super::book::{Book, Ends};
use super::engine::Schedule;
use super::outages::Outages;
use crate::client::percentile_ms;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use serde_json::{Value, json};
use std::ops::Range;

const MICROS: u64 = 1_000_000;

/// Everything that the figures are made of.
pub struct Findings<'a> {
    /// Every transfer.
    pub book: &'a Book,
    /// How they ended.
    pub ends: Ends,
    /// The window.
    pub schedule: Schedule,
    /// Proposal to stored on the last node.
    pub finality_us: Vec<u64>,
    /// Blocks within the window.
    pub blocks: u64,
    /// Nodes at the beginning and at the end.
    pub nodes: (usize, usize),
    /// Senders whose nonce does not fit.
    pub wrong_nonces: u64,
    /// A fork, if one was seen.
    pub fork: Option<String>,
    /// When no node was there.
    pub outages: Outages,
    /// Processor time of this process.
    pub client_cpu_percent: f64,
    /// Whether the latencies of each second are wanted.
    pub timeline: bool,
}

/// Makes the figures; with a failure unless every transfer taken became final exactly once.
#[must_use]
pub fn report(mut findings: Findings<'_>) -> Output {
    let Schedule { window_start_us, window_end_us, .. } = findings.schedule;
    let window = window_start_us..window_end_us;
    // A run can be stopped as it begins.
    let seconds = (window_end_us - window_start_us).max(1) as f64 / 1e6;
    let inside = findings.book.finalized_within(window.clone());
    let mut latencies = findings.book.latencies_us(window);
    let tps = (inside as f64 / seconds * 10.0).round() / 10.0;
    let [p50, p95, p99, max] = [50, 95, 99, 100].map(|percent| percentile_ms(&mut latencies, percent));
    let block_p50 = percentile_ms(&mut findings.finality_us, 50);
    let block_p99 = percentile_ms(&mut findings.finality_us, 99);
    let submitted = findings.book.transfers.len();
    let failure = failure(&findings);
    let timeline = findings.timeline.then(|| timeline(findings.book, window_start_us..window_end_us));
    let Findings { ends, nodes, blocks, wrong_nonces, client_cpu_percent, outages, .. } = findings;
    let mut text = format!(
        "{tps} transfers/s final on all {} live nodes over {seconds} s ({inside} in {blocks} blocks)\n\
         submit → final  p50 {p50} ms  p95 {p95} ms  p99 {p99} ms  max {max} ms\n\
         block finality  p50 {block_p50} ms  p99 {block_p99} ms on the last node\n\
         submitted {submitted}  finalized {}  rejected {}  lost {}  duplicated {}",
        nodes.1, ends.finalized, ends.rejected, ends.lost, ends.duplicated
    );
    let [outage_ms, pause_ms] = [outages.total_us, outages.longest_pause_us].map(|micros| micros / 1000);
    if outage_ms > 0 {
        text.push_str(&format!("\nno node at all for {outage_ms} ms, nothing final for {pause_ms} ms at the longest"));
    }
    for (reason, count) in &ends.reasons {
        text.push_str(&format!("\n  rejected as {reason}: {count}"));
    }
    let mut json = json!({
        "ok": failure.is_none(), "submitted": submitted, "finalized": ends.finalized, "rejected": ends.rejected,
        "lost": ends.lost, "duplicated": ends.duplicated, "tps": tps, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99,
        "max_ms": max, "seconds": seconds, "finalized_in_window": inside, "blocks": blocks,
        "block_finality_p50_ms": block_p50, "block_finality_p99_ms": block_p99, "reject_reasons": ends.reasons,
        "wrong_nonces": wrong_nonces, "nodes_at_start": nodes.0, "nodes_at_end": nodes.1,
        "outage_ms": outage_ms, "longest_pause_ms": pause_ms, "client_cpu_percent": client_cpu_percent,
    });
    if let Some(seconds) = timeline {
        json["timeline"] = Value::Array(seconds);
    }
    Output { text, json, failure }
}

/// The latencies of each second of the window, by the moment at which transfers were due.
fn timeline(book: &Book, window: Range<u64>) -> Vec<Value> {
    let seconds = window.clone().step_by(MICROS as usize).enumerate();
    let second = |(second, start): (usize, u64)| {
        let mut latencies = book.latencies_us(start..window.end.min(start + MICROS));
        let [p50, p90, p99, max] = [50, 90, 99, 100].map(|percent| percentile_ms(&mut latencies, percent));
        json!({
            "second": second, "transfers": latencies.len(), "p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "max_ms": max,
        })
    };
    seconds.map(second).collect()
}

fn failure(findings: &Findings<'_>) -> Option<Failure> {
    let ends = &findings.ends;
    if let Some(fork) = &findings.fork {
        return Some(Failure::new(Exit::SafetyHalt, format!("FORK: {fork}")));
    }
    let reason = if ends.lost > 0 {
        format!("{} transfers were taken but are not final", ends.lost)
    } else if ends.duplicated > 0 {
        format!("{} transfers are final more than once", ends.duplicated)
    } else if findings.wrong_nonces > 0 {
        format!("{} senders' nonces do not match their final transfers", findings.wrong_nonces)
    } else if ends.finalized == 0 {
        "no transfer became final".to_owned()
    } else {
        return None;
    };
    Some(Failure::new(Exit::NotAdvanced, reason))
}

#[cfg(test)]
mod tests {
    use super::super::book::{State, Transfer};
    use super::*;
    use minuet_core::{B256, Bytes};

    #[test]
    fn each_second_has_the_latencies_of_the_transfers_that_were_due_in_it() {
        let mut book = Book::default();
        for (name, due_us, final_us) in
            [(1, 1_000_000, 1_004_000), (2, 1_999_999, 2_501_999), (3, 3_000_000, 3_009_000)]
        {
            let (hash, state) = (B256::repeat_byte(name), State::Offered(None));
            let nonce = u64::from(name);
            book.offer(Transfer { hash, sender: 0, nonce, due_us, node: 0, state, envelope: Bytes::new() });
            book.finalized(&hash, final_us, 1);
        }
        let seconds = timeline(&book, 1_000_000..3_500_000);
        let column = |name: &str| seconds.iter().map(|second| second[name].as_f64().unwrap()).collect::<Vec<_>>();
        assert_eq!(column("second"), [0.0, 1.0, 2.0]);
        assert_eq!(column("transfers"), [2.0, 0.0, 1.0]);
        assert_eq!(column("max_ms"), [502.0, 0.0, 9.0]);
    }
}
