//! `minuet status --all`: many nodes at a glance.
//!
//! Invariants: all are asked at once and each has the same short time, so that one that hangs holds up nobody; each
//! node's newest block is held against the chain of the node that is furthest, so that any two nodes that contradict each
//! other are seen.

use super::query::{hex0x, status_json};
use super::{block_on, refused};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use minuet_core::Height;
use minuet_rpc::client::{Client, ClientError};
use minuet_rpc::proto::{GetHealthRequest, GetHealthResponse, GetStatusResponse, TransactionDetail};
use serde_json::{Value, json};
use std::time::Duration;

/// What each question to a node may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// A node that is further behind the highest is shown as lagging.
const LAGGING_BLOCKS: u64 = 16;

/// What a node says of itself.
#[derive(Clone, Debug)]
struct Answer {
    status: GetStatusResponse,
    health: GetHealthResponse,
}

/// What is known of one node.
#[derive(Clone, Debug)]
struct Seen {
    url: String,
    answer: Result<Answer, String>,
    conflict: Option<Conflict>,
}

/// Why a node's answer does not fit with those of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conflict {
    /// It has another block at a height than the node that is furthest.
    Fork,
    /// It is of another chain.
    Chain,
}

impl Seen {
    fn status(&self) -> Option<&GetStatusResponse> {
        self.answer.as_ref().ok().map(|answer| &answer.status)
    }
}

/// The table.
///
/// # Errors
/// None of the nodes can be asked; a fork or another chain is shown and ends with a failure as well.
pub fn status(urls: &[String]) -> Result<Output, Failure> {
    block_on(async {
        let asked: Vec<_> = urls.iter().map(|url| (url.clone(), tokio::spawn(ask(url.clone())))).collect();
        let mut nodes = Vec::with_capacity(asked.len());
        for (url, asked) in asked {
            let answer = asked.await.unwrap_or_else(|error| Err(error.to_string()));
            nodes.push(Seen { url, answer, conflict: None });
        }
        compare(&mut nodes).await;
        Ok(show(&nodes))
    })
}

async fn within<T>(work: impl Future<Output = Result<T, ClientError>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(answer) => answer.map_err(|error| refused(&error).message),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

async fn ask(url: String) -> Result<Answer, String> {
    within(async {
        let mut client = Client::connect(&url).await?;
        let status = client.status().await?;
        let health = client.node.get_health(GetHealthRequest {}).await?.into_inner();
        Ok(Answer { status, health })
    })
    .await
}

/// Holds every node's newest block against the chain of the one that is furthest.
async fn compare(nodes: &mut [Seen]) {
    let furthest = nodes.iter().filter_map(|node| Some((node.status()?.height, node.url.clone()))).max();
    let Some((_, reference)) = furthest else { return };
    let genesis =
        nodes.iter().find(|node| node.url == reference).and_then(|node| Some(node.status()?.genesis_hash.clone()));
    let mut asked = Vec::new();
    for (place, node) in nodes.iter_mut().enumerate() {
        let Some(status) = node.status() else { continue };
        if Some(&status.genesis_hash) != genesis.as_ref() {
            node.conflict = Some(Conflict::Chain);
        } else {
            let (height, hash) = (Height(status.height), status.hash.clone());
            asked.push((place, hash, tokio::spawn(hash_at(reference.clone(), height))));
        }
    }
    for (place, hash, asked) in asked {
        // A reference that does not keep so old a block, or is gone by now, shows nothing.
        if let Ok(Ok(other)) = asked.await
            && other[..] != hash[..]
        {
            nodes[place].conflict = Some(Conflict::Fork);
        }
    }
}

async fn hash_at(url: String, height: Height) -> Result<Vec<u8>, String> {
    within(async {
        let mut client = Client::connect(&url).await?;
        Ok(client.block_at(height, TransactionDetail::Unspecified).await?.hash.to_vec())
    })
    .await
}

fn show(nodes: &[Seen]) -> Output {
    let highest = nodes.iter().filter_map(|node| Some(node.status()?.height)).max().unwrap_or(0);
    let answered = nodes.iter().filter(|node| node.answer.is_ok()).count();
    let has = |conflict| nodes.iter().any(|node| node.conflict == Some(conflict));
    let failure = if answered == 0 {
        Some((Exit::Unreachable, "no node answers: start them with 'make localnet', or name others with --nodes"))
    } else if has(Conflict::Fork) {
        Some((Exit::SafetyHalt, "FORK: nodes have different final blocks at one height: keep all data directories"))
    } else if has(Conflict::Chain) {
        Some((Exit::Config, "the nodes are not of one chain: their genesis differs"))
    } else {
        None
    };
    let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
    rows.extend(nodes.iter().map(|node| row(node, highest)));
    let mut text = table(&rows);
    text.push_str(&format!("\n{answered} of {} nodes answer, highest block {highest}", nodes.len()));
    let entries: Vec<Value> = nodes.iter().map(|node| entry(node, highest)).collect();
    let json = json!({
        "ok": answered == nodes.len() && failure.is_none(), "answered": answered, "highest": highest,
        "fork": has(Conflict::Fork), "nodes": entries,
    });
    Output { text, json, failure: failure.map(|(exit, reason)| Failure::new(exit, reason)) }
}

const HEADINGS: [&str; 10] =
    ["node", "role", "height", "lag", "view", "nullified", "finality p50/p99", "peers", "pool", "health"];

fn row(node: &Seen, highest: u64) -> Vec<String> {
    let url = node.url.trim_start_matches("http://").to_owned();
    let answer = match &node.answer {
        Ok(answer) => answer,
        Err(reason) => {
            let mut cells = vec![url];
            cells.resize(HEADINGS.len() - 1, "-".to_owned());
            cells.push(format!("DOWN: {reason}"));
            return cells;
        }
    };
    let status = &answer.status;
    let milliseconds = |micros: u64| micros as f64 / 1000.0;
    let (p50, p99) = (milliseconds(status.finality_p50_us), milliseconds(status.finality_p99_us));
    let finality = if status.finality_samples == 0 { "-".to_owned() } else { format!("{p50:.1}/{p99:.1} ms") };
    vec![
        url,
        status.validator_index.map_or_else(|| status.role.clone(), |index| format!("{} {index}", status.role)),
        status.height.to_string(),
        highest.saturating_sub(status.height).to_string(),
        status.view.to_string(),
        status.nullified_views.to_string(),
        finality,
        format!("{}/{}", status.peers, status.n.saturating_sub(1)),
        status.pool_pending.saturating_add(status.pool_queued).to_string(),
        health(node, answer, highest).join("; "),
    ]
}

/// The worst first.
fn health(node: &Seen, answer: &Answer, highest: u64) -> Vec<String> {
    let (status, mut words) = (&answer.status, Vec::new());
    match node.conflict {
        Some(Conflict::Fork) => words.push(format!("FORK: block {} is {}", status.height, hex0x(&status.hash))),
        Some(Conflict::Chain) => words.push(format!("OTHER CHAIN: genesis {}", hex0x(&status.genesis_hash))),
        None => {}
    }
    let lag = highest.saturating_sub(status.height);
    if node.conflict.is_none() && lag > LAGGING_BLOCKS {
        words.push(format!("LAGS by {lag}"));
    }
    words.extend(answer.health.reasons.iter().cloned());
    if words.is_empty() {
        words.push("serving".to_owned());
    }
    words
}

fn entry(node: &Seen, highest: u64) -> Value {
    let answer = match &node.answer {
        Ok(answer) => answer,
        Err(reason) => return json!({"ok": false, "url": node.url, "error": reason}),
    };
    let mut entry = status_json(&node.url, &answer.status);
    entry["ok"] = json!(node.conflict.is_none());
    entry["lag"] = json!(highest.saturating_sub(answer.status.height));
    entry["fork"] = json!(node.conflict == Some(Conflict::Fork));
    entry["other_chain"] = json!(node.conflict == Some(Conflict::Chain));
    entry["serving"] = json!(answer.health.status() == minuet_rpc::proto::get_health_response::Status::Serving);
    entry["reasons"] = json!(answer.health.reasons);
    entry
}

/// Columns as wide as their widest cell; numbers to the right, the last column as it is.
fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 | 1 => format!("{cell:<width$}"),
            _ if column == HEADINGS.len() - 1 => cell.clone(),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
mod tests;
