//! The figures of a localnet: what the status line shows, and the summary at the end.

use super::process::{Usage, usage};
use super::watch::News;
use crate::client::{FinalBlock, Merger, percentile_ms};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use minuet_rpc::proto::GetStatusResponse;
use serde_json::json;
use std::collections::VecDeque;
use std::time::Instant;

/// The status line looks back so many blocks.
const RECENT_BLOCKS: usize = 256;

/// Gathers news of all nodes.
#[derive(Debug)]
pub struct Meter {
    merger: Merger,
    statuses: Vec<Option<GetStatusResponse>>,
    recent: VecDeque<u64>,
    /// Of the newest final block.
    block_view: u64,
    second_transactions: u64,
    window: Option<Window>,
}

/// What is counted from one moment on.
#[derive(Debug)]
struct Window {
    start: Instant,
    height: u64,
    nullified: u64,
    transactions: u64,
    finality_us: Vec<u64>,
    usage: Vec<(u32, Usage)>,
}

impl Meter {
    /// For `nodes` nodes.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        Self {
            merger: Merger::new(nodes),
            statuses: vec![None; nodes],
            recent: VecDeque::new(),
            block_view: 0,
            second_transactions: 0,
            window: None,
        }
    }

    /// Takes one piece of news.
    pub fn take(&mut self, news: News) {
        let blocks = match news {
            News::Up(node, status) => {
                self.merger.joined(node, status.height);
                self.statuses[node] = Some(*status);
                Vec::new()
            }
            News::Down(node) => {
                self.statuses[node] = None;
                self.merger.left(node)
            }
            News::Status(node, status) => {
                self.statuses[node] = Some(*status);
                Vec::new()
            }
            News::Block(node, event) => self.merger.announced(node, *event),
        };
        for block in blocks {
            self.count(&block);
        }
    }

    fn count(&mut self, block: &FinalBlock) {
        self.second_transactions += u64::from(block.transactions);
        self.block_view = block.view;
        if let Some(window) = &mut self.window {
            window.transactions += u64::from(block.transactions);
            window.finality_us.extend(block.finality_us);
        }
        if let Some(finality) = block.finality_us {
            self.recent.push_back(finality);
            if self.recent.len() > RECENT_BLOCKS {
                self.recent.pop_front();
            }
        }
    }

    /// Nodes that answer.
    #[must_use]
    pub fn live(&self) -> usize {
        self.merger.live()
    }

    /// Counting starts now.
    pub fn open_window(&mut self, pids: &[u32]) {
        self.window = Some(Window {
            start: Instant::now(),
            height: self.height(),
            nullified: self.highest(|status| status.nullified_views),
            transactions: 0,
            finality_us: Vec::new(),
            usage: pids.iter().map(|pid| (*pid, usage(*pid))).collect(),
        });
    }

    /// Whether counting has started.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.window.is_some()
    }

    fn highest(&self, value: impl Fn(&GetStatusResponse) -> u64) -> u64 {
        self.statuses.iter().flatten().map(value).max().unwrap_or(0)
    }

    /// Statuses come once a second, blocks sooner; the view of a final block is over.
    fn view(&self) -> u64 {
        self.highest(|status| status.view).max(self.block_view.saturating_add(1))
    }

    fn height(&self) -> u64 {
        self.merger.height().max(self.statuses.iter().flatten().map(|status| status.height).min().unwrap_or(0))
    }

    /// One line about the last second.
    pub fn line(&mut self, seconds: f64) -> String {
        let mut recent: Vec<u64> = self.recent.iter().copied().collect();
        let tps = std::mem::take(&mut self.second_transactions) as f64 / seconds.max(0.001);
        let peers = self.statuses.iter().flatten().map(|status| status.peers).min().unwrap_or(0);
        format!(
            "height {}  view {}  finality p50 {:.1} ms p99 {:.1} ms  {tps:.0} tx/s  peers {peers}  {}/{} nodes",
            self.height(),
            self.view(),
            percentile_ms(&mut recent, 50),
            percentile_ms(&mut recent, 99),
            self.live(),
            self.statuses.len()
        )
    }

    /// The figures since the window opened. A failure if the chain did not advance, or forked.
    pub fn summary(&mut self) -> Output {
        let (height, view, nodes) = (self.height(), self.view(), self.statuses.len());
        let nullified = self.highest(|status| status.nullified_views);
        let Some(mut window) = self.window.take() else {
            let failure = Failure::new(Exit::NotAdvanced, "the nodes never answered: see their logs");
            let json = json!({
                "ok": false, "validators": nodes, "height": height, "view": view, "finalized_blocks": 0,
                "nullified_views": 0, "finality_p50_ms": 0.0, "finality_p99_ms": 0.0, "tps": 0.0,
            });
            return Output { text: "no figures".to_owned(), json, failure: Some(failure) };
        };
        let seconds = window.start.elapsed().as_secs_f64().max(0.001);
        let blocks = height.saturating_sub(window.height);
        let (p50, p99) = (percentile_ms(&mut window.finality_us, 50), percentile_ms(&mut window.finality_us, 99));
        let tps = (window.transactions as f64 / seconds * 10.0).round() / 10.0;
        let nullified = nullified.saturating_sub(window.nullified);
        let (cpu, bytes) = window.resources(seconds, blocks);
        let cpu_total = (cpu.iter().sum::<f64>() * 10.0).round() / 10.0;
        let mean_bytes = bytes.iter().sum::<u64>().checked_div(bytes.len() as u64).unwrap_or(0);
        let failure = match self.merger.fork() {
            Some(fork) => Some(Failure::new(Exit::SafetyHalt, format!("FORK: {fork}"))),
            None => {
                (blocks == 0).then(|| Failure::new(Exit::NotAdvanced, "the chain did not advance: see the nodes' logs"))
            }
        };
        let text = format!(
            "{blocks} blocks final in {seconds:.1} s (height {height}, view {view}, {nullified} views nullified)\n\
             finality p50 {p50} ms, p99 {p99} ms on every node; {tps} tx/s\n\
             processor {cpu_total} % over {} processes; {mean_bytes} bytes written per validator and block",
            cpu.len()
        );
        let json = json!({
            "ok": failure.is_none(), "validators": nodes, "height": height, "view": view, "finalized_blocks": blocks,
            "nullified_views": nullified, "finality_p50_ms": p50, "finality_p99_ms": p99, "tps": tps,
            "transactions": window.transactions, "seconds": (seconds * 1000.0).round() / 1000.0,
            "cpu_percent_total": cpu_total, "cpu_percent": cpu, "disk_bytes_per_block": mean_bytes,
            "write_bytes_per_block": bytes, "live": self.live(),
        });
        Output { text, json, failure }
    }
}

impl Window {
    /// Percent of one processor, and bytes written per block, of each process that still runs.
    fn resources(&self, seconds: f64, blocks: u64) -> (Vec<f64>, Vec<u64>) {
        let mut cpu = Vec::new();
        let mut bytes = Vec::new();
        for (pid, before) in &self.usage {
            let now = usage(*pid);
            if now.cpu_ms < before.cpu_ms || now == Usage::default() {
                continue;
            }
            cpu.push(((now.cpu_ms - before.cpu_ms) as f64 / (seconds * 10.0) * 10.0).round() / 10.0);
            bytes.push(now.write_bytes.saturating_sub(before.write_bytes) / blocks.max(1));
        }
        (cpu, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(height: u64, nullified_views: u64) -> Box<GetStatusResponse> {
        Box::new(GetStatusResponse { height, nullified_views, ..GetStatusResponse::default() })
    }

    #[test]
    fn what_a_chain_did_before_is_not_counted() {
        let mut meter = Meter::new(2);
        // Both answer for the first time, and nothing else was heard of them.
        (0..2).for_each(|node| meter.take(News::Up(node, status(99, 7))));
        meter.open_window(&[]);
        (0..2).for_each(|node| meter.take(News::Status(node, status(110, 9))));
        let json = meter.summary().json;
        assert_eq!((&json["finalized_blocks"], &json["nullified_views"]), (&11.into(), &2.into()));
        assert_eq!((&json["height"], &json["live"]), (&110.into(), &2.into()));
    }
}
