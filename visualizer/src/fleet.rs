//! The other validators, as their dashboards show them. Whoever is asked answers `/api/health`; what it says of its newest
//! final blocks is held against what everybody else has said.
//!
//! Invariant: two hashes of one height are an alarm that stays until this node restarts: what is final never changes.

use crate::config::FleetEntry;
use crate::model::{Fleet, FleetValidator, Health};
use crate::server::Shared;
use axum::body::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use minuet_core::Digest;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;

const ASK_EVERY: Duration = Duration::from_millis(500);
/// While nobody looks.
const ASK_EVERY_UNWATCHED: Duration = Duration::from_secs(5);
/// Above what a node under load takes; below what an observer calls at once.
const ANSWER_WITHIN: Duration = Duration::from_millis(2000);
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// Heights whose hashes are remembered.
const REMEMBERED: usize = 4096;
/// Heights above the own one that are compared.
const MAX_AHEAD: u64 = 100_000;
/// Blocks that one answer may name.
const MAX_NAMED: usize = 64;

/// What is read of another node's health.
#[derive(Clone, Debug, Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    reasons: Vec<String>,
    genesis: String,
    current_view: u64,
    finalized_height: u64,
    finalized_hash: Digest,
    #[serde(default)]
    finality_p50_us: u64,
    #[serde(default)]
    recent: Vec<(u64, Digest)>,
}

/// One validator that is watched.
#[derive(Clone, Debug, Default)]
struct Watched {
    url: String,
    newest: Option<Answer>,
    last_seen_ms: Option<u64>,
    error: Option<String>,
}

#[derive(Debug, Default)]
struct Inner {
    validators: BTreeMap<u16, Watched>,
    hashes: BTreeMap<u64, BTreeMap<Digest, Vec<u16>>>,
    /// Nobody is believed to be far ahead of this height: one that names any would push out what is remembered.
    own_height: u64,
    /// The lowest height with two hashes.
    forked: Option<(u64, BTreeMap<Digest, Vec<u16>>)>,
}

/// All that are watched.
#[derive(Debug, Default)]
pub struct FleetWatch(Mutex<Inner>);

impl FleetWatch {
    pub fn new(entries: &[FleetEntry]) -> Self {
        let watched = |entry: &FleetEntry| (entry.index, Watched { url: entry.url.clone(), ..Watched::default() });
        let validators = entries.iter().map(watched).collect();
        Self(Mutex::new(Inner { validators, ..Inner::default() }))
    }

    fn take(&self, index: u16, genesis: &str, answer: Result<Answer, String>, now_ms: u64) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answer.and_then(|answer| {
            let is_ours = answer.genesis == genesis;
            is_ours.then_some(answer).ok_or_else(|| "it is of another chain: its genesis is another one".to_owned())
        });
        if let Ok(answer) = &answer {
            inner.compare(index, &answer.recent);
        }
        let Some(watched) = inner.validators.get_mut(&index) else { return };
        match answer {
            Ok(answer) => {
                *watched = Watched {
                    newest: Some(answer),
                    last_seen_ms: Some(now_ms),
                    error: None,
                    url: std::mem::take(&mut watched.url),
                }
            }
            Err(error) => watched.error = Some(error),
        }
    }
}

impl Inner {
    fn compare(&mut self, index: u16, recent: &[(u64, Digest)]) {
        let highest = self.own_height.saturating_add(MAX_AHEAD);
        for (height, hash) in recent.iter().take(MAX_NAMED).filter(|(height, _)| *height <= highest) {
            let of_height = self.hashes.entry(*height).or_default();
            let said = of_height.entry(*hash).or_default();
            if !said.contains(&index) {
                said.push(index);
                said.sort_unstable();
            }
            if of_height.len() > 1 && self.forked.as_ref().is_none_or(|(lowest, _)| height <= lowest) {
                self.forked = Some((*height, of_height.clone()));
            }
        }
        while self.hashes.len() > REMEMBERED {
            self.hashes.pop_first();
        }
    }

    fn alarm(&self) -> Option<String> {
        let (height, hashes) = self.forked.as_ref()?;
        let sides = hashes.iter().map(|(hash, validators)| format!("{hash} on {}", named(validators)));
        Some(format!(
            "DIVERGENCE at height {height}: {}; more than f validators are faulty, or one of these is damaged",
            sides.collect::<Vec<_>>().join(", ")
        ))
    }

    /// Whether the validator is on a side that is not the largest.
    fn has_diverged(&self, index: u16) -> bool {
        let Some((_, hashes)) = &self.forked else { return false };
        let largest = hashes.values().map(Vec::len).max().unwrap_or(0);
        let is_alone = hashes.values().filter(|side| side.len() == largest).count() == 1;
        hashes.values().any(|side| side.contains(&index) && !(is_alone && side.len() == largest))
    }
}

fn named(validators: &[u16]) -> String {
    let list = validators.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("{} {list}", if validators.len() == 1 { "validator" } else { "validators" })
}

/// The fleet with this node in it; `None` where nobody is watched.
pub fn shown(shared: &Shared, own: &Health) -> Option<Fleet> {
    let mut inner = shared.fleet.0.lock().unwrap_or_else(PoisonError::into_inner);
    if inner.validators.is_empty() {
        return None;
    }
    inner.own_height = own.known_height;
    if let Some(index) = own.validator {
        inner.compare(index, &own.recent);
    }
    let others = inner.validators.iter().filter(|(index, _)| Some(**index) != own.validator);
    let mut validators: Vec<FleetValidator> = others.map(|(index, watched)| line(*index, watched)).collect();
    if let Some(validator) = own.validator {
        validators.push(FleetValidator {
            validator,
            url: inner.validators.get(&validator).map_or_else(String::new, |watched| watched.url.clone()),
            reachable: true,
            last_seen_ms: Some(own.time_ms),
            height: own.finalized_height,
            view: own.current_view,
            finalized_hash: Some(own.finalized_hash),
            finality_p50_us: own.finality_p50_us,
            status: own.status.to_owned(),
            reasons: own.reasons.clone(),
            ..FleetValidator::default()
        });
    }
    validators.sort_unstable_by_key(|line| line.validator);
    let highest = validators.iter().map(|line| line.height).max().unwrap_or(0);
    for line in &mut validators {
        line.lag_blocks = highest - line.height;
        line.diverged = inner.has_diverged(line.validator);
    }
    Some(Fleet { alarm: inner.alarm(), validators })
}

fn line(validator: u16, watched: &Watched) -> FleetValidator {
    let mut line = FleetValidator {
        validator,
        url: watched.url.clone(),
        reachable: watched.error.is_none() && watched.newest.is_some(),
        last_seen_ms: watched.last_seen_ms,
        status: "unknown".to_owned(),
        error: watched.error.clone(),
        ..FleetValidator::default()
    };
    if let Some(answer) = &watched.newest {
        line.height = answer.finalized_height;
        line.view = answer.current_view;
        line.finalized_hash = Some(answer.finalized_hash);
        line.finality_p50_us = answer.finality_p50_us;
        if line.reachable {
            (line.status, line.reasons) = (answer.status.clone(), answer.reasons.clone());
        }
    }
    line
}

/// Asks every other validator until the server stops.
pub fn watch(shared: &Arc<Shared>, entries: &[FleetEntry], stopped: &watch::Receiver<bool>) {
    let own = shared.validator.map(|index| index.0);
    for entry in entries.iter().filter(|entry| Some(entry.index) != own) {
        let (shared, entry, mut stopped) = (shared.clone(), entry.clone(), stopped.clone());
        let genesis = shared.genesis.digest().to_string();
        tokio::spawn(async move {
            loop {
                let answer = ask(&entry).await;
                shared.fleet.take(entry.index, &genesis, answer, crate::health::now_ms());
                tokio::select! {
                    _ = shared.feed.pause(ASK_EVERY, ASK_EVERY_UNWATCHED) => {}
                    _ = stopped.wait_for(|stop| *stop) => return,
                }
            }
        });
    }
}

async fn ask(entry: &FleetEntry) -> Result<Answer, String> {
    match tokio::time::timeout(ANSWER_WITHIN, fetch(entry)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("it did not answer within {} ms", ANSWER_WITHIN.as_millis())),
    }
}

async fn fetch(entry: &FleetEntry) -> Result<Answer, String> {
    let authority = entry.authority().ok_or("its URL is not http://host:port")?;
    let stream = TcpStream::connect(authority).await.map_err(|error| format!("it cannot be reached: {error}"))?;
    let broken = |error: hyper::Error| format!("the connection broke: {error}");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await.map_err(broken)?;
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get("/api/health").header(hyper::header::HOST, authority).body(Empty::new());
    let request = request.map_err(|error| error.to_string())?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        if response.status() != hyper::StatusCode::OK {
            return Err(format!("it answers {}", response.status()));
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        let bytes = body.map_err(|error| format!("its answer cannot be read: {error}"))?.to_bytes();
        serde_json::from_slice(&bytes).map_err(|error| format!("its answer makes no sense: {error}"))
    };
    let answer = answer.await;
    connection.abort();
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(byte: u8) -> Digest {
        Digest::repeat_byte(byte)
    }

    fn answer(recent: &[(u64, u8)]) -> Result<Answer, String> {
        let recent: Vec<(u64, Digest)> = recent.iter().map(|(height, byte)| (*height, hash(*byte))).collect();
        let (finalized_height, finalized_hash) = recent.last().copied().unwrap_or_default();
        let (status, genesis) = ("ok".to_owned(), "ours".to_owned());
        Ok(Answer {
            status,
            reasons: Vec::new(),
            genesis,
            current_view: 1,
            finalized_height,
            finalized_hash,
            finality_p50_us: 5,
            recent,
        })
    }

    fn watch_of(n: u16) -> FleetWatch {
        let entries = (0..n).map(|index| FleetEntry { index, url: format!("http://127.0.0.1:{}", 8080 + index) });
        FleetWatch::new(&entries.collect::<Vec<_>>())
    }

    fn diverged(watch: &FleetWatch) -> (Option<String>, Vec<u16>) {
        let inner = watch.0.lock().unwrap();
        (inner.alarm(), (0..6).filter(|index| inner.has_diverged(*index)).collect())
    }

    #[test]
    fn validators_with_the_same_blocks_are_no_alarm_however_far_apart() {
        let watch = watch_of(3);
        watch.take(0, "ours", answer(&[(7, 1), (8, 2)]), 1);
        watch.take(1, "ours", answer(&[(8, 2), (9, 3)]), 1);
        watch.take(2, "ours", answer(&[(1, 9)]), 1);
        assert_eq!(diverged(&watch), (None, Vec::new()));
    }

    #[test]
    fn another_hash_at_one_height_is_an_alarm_that_names_who_is_alone_and_stays() {
        let watch = watch_of(3);
        for index in [0, 1] {
            watch.take(index, "ours", answer(&[(7, 1), (8, 2)]), 1);
        }
        // Later, and from memory: the others have long gone on.
        watch.take(0, "ours", answer(&[(500, 5)]), 2);
        watch.take(2, "ours", answer(&[(8, 6)]), 3);
        let (alarm, alone) = diverged(&watch);
        let alarm = alarm.expect("two blocks of one height");
        assert!(
            alarm.contains("height 8") && alarm.contains("validators 0, 1") && alarm.contains("validator 2"),
            "{alarm}"
        );
        assert_eq!(alone, [2]);
        watch.take(2, "ours", answer(&[(500, 5)]), 4);
        assert!(diverged(&watch).0.is_some());
    }

    #[test]
    fn where_no_side_is_larger_all_have_diverged() {
        let watch = watch_of(2);
        watch.take(0, "ours", answer(&[(8, 2)]), 1);
        watch.take(1, "ours", answer(&[(8, 3)]), 1);
        assert_eq!(diverged(&watch).1, [0, 1]);
    }

    #[test]
    fn who_does_not_answer_keeps_what_was_last_seen_of_it() {
        let watch = watch_of(2);
        watch.take(1, "ours", answer(&[(8, 2)]), 77);
        watch.take(1, "ours", Err("it cannot be reached: refused".to_owned()), 99);
        let inner = watch.0.lock().unwrap();
        let line = line(1, &inner.validators[&1]);
        assert!(!line.reachable && line.error.is_some_and(|error| error.contains("refused")));
        assert_eq!((line.last_seen_ms, line.height, line.status.as_str()), (Some(77), 8, "unknown"));
    }

    #[test]
    fn a_node_of_another_chain_is_told_and_not_compared() {
        let watch = watch_of(2);
        watch.take(0, "ours", answer(&[(8, 2)]), 1);
        watch.take(1, "theirs", answer(&[(8, 3)]), 1);
        let inner = watch.0.lock().unwrap();
        assert!(inner.forked.is_none());
        let error = inner.validators[&1].error.clone().expect("it is told");
        assert!(error.contains("another chain"), "{error}");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let watch = watch_of(1);
        for begin in 0..200 {
            let recent: Vec<(u64, u8)> = (0..100).map(|step| (begin * 100 + step, 1)).collect();
            watch.take(0, "ours", answer(&recent), 1);
        }
        assert_eq!(watch.0.lock().unwrap().hashes.len(), REMEMBERED);
    }
}
