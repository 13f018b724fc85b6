//! The stream of events: every batch is written once, kept for a while, and handed to all clients as the same bytes.
//!
//! Invariant: a client gets a snapshot, or what follows the last event that it names, and from there on everything, or it
//! is dropped.

use crate::diff::Event;
use axum::body::Bytes;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, broadcast};

/// Batches that a client may be behind: at ten a second, three seconds.
const MAX_BEHIND: usize = 32;
/// Batches that are kept for clients that come back: at ten a second, half a minute.
const MAX_KEPT: usize = 300;
/// Their bytes at most.
const MAX_KEPT_BYTES: usize = 4 << 20;
/// Who was here so lately may come back for what was kept.
const WATCHED_FOR: Duration = Duration::from_secs(30);

/// Events that go out together.
#[derive(Clone, Debug)]
struct Batch {
    /// The number of the first; the others follow.
    first: u64,
    /// Where each begins.
    starts: Vec<usize>,
    bytes: Bytes,
}

impl Batch {
    fn last(&self) -> u64 {
        self.first + self.starts.len() as u64 - 1
    }

    /// The events after that number.
    fn after(&self, id: u64) -> Bytes {
        let known = usize::try_from((id + 1).saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.starts.get(known).map_or_else(Bytes::new, |start| self.bytes.slice(*start..))
    }
}

#[derive(Debug)]
struct Kept {
    batches: VecDeque<Batch>,
    bytes: usize,
    last_id: u64,
    /// The newest state as JSON, once somebody has asked.
    state: Option<Bytes>,
    /// When somebody was seen last.
    watched: Option<Instant>,
}

/// What all clients read from.
#[derive(Debug)]
pub struct Feed {
    kept: Mutex<Kept>,
    live: broadcast::Sender<Bytes>,
    somebody_came: Notify,
}

/// A client's beginning and what follows.
pub struct Subscription {
    /// To be sent first, shared with everybody else; empty if nothing was missed.
    pub first: VecDeque<Bytes>,
    /// What comes from then on.
    pub live: broadcast::Receiver<Bytes>,
}

impl Feed {
    /// The first event gets the number after `last_id`.
    pub fn new(last_id: u64) -> Self {
        let kept = Kept { batches: VecDeque::new(), bytes: 0, last_id, state: None, watched: None };
        Self { kept: Mutex::new(kept), live: broadcast::channel(MAX_BEHIND).0, somebody_came: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest state as JSON, written once for everybody who asks before it changes; `state` gets the number of the
    /// newest event in it.
    pub fn state(&self, state: impl FnOnce(u64) -> String) -> Bytes {
        let mut kept = self.lock();
        self.note_visit(&mut kept);
        kept.state(state)
    }

    /// Whether somebody looks, or did within the last half minute: without anybody, the events may come more seldom.
    pub fn is_watched(&self) -> bool {
        let mut kept = self.lock();
        if self.live.receiver_count() > 0 {
            kept.watched = Some(Instant::now());
        }
        kept.watched.is_some_and(|last| last.elapsed() < WATCHED_FOR)
    }

    fn note_visit(&self, kept: &mut Kept) {
        let before = kept.watched.replace(Instant::now());
        if before.is_none_or(|last| last.elapsed() >= WATCHED_FOR) {
            self.somebody_came.notify_waiters();
        }
    }

    /// A pause between two looks, the longer one while nobody is here; returns whether it was cut short by somebody who
    /// came.
    pub async fn pause(&self, watched: Duration, unwatched: Duration) -> bool {
        let pause = if self.is_watched() { watched } else { unwatched };
        tokio::time::timeout(pause, self.somebody_came.notified()).await.is_ok()
    }

    /// Numbers the events, keeps them and gives them to everybody.
    pub fn publish(&self, events: &[Event]) {
        let mut kept = self.lock();
        // Also without events: what the state has besides them has changed.
        kept.state = None;
        if events.is_empty() {
            return;
        }
        let (mut text, mut starts) = (String::new(), Vec::with_capacity(events.len()));
        let first = kept.last_id + 1;
        for (id, (kind, data)) in (first..).zip(events) {
            starts.push(text.len());
            write_event(&mut text, id, kind, &data.to_string());
        }
        let batch = Batch { first, starts, bytes: text.into() };
        kept.last_id = batch.last();
        kept.bytes += batch.bytes.len();
        // Nobody may be listening.
        let _ = self.live.send(batch.bytes.clone());
        kept.batches.push_back(batch);
        while kept.batches.len() > MAX_KEPT || kept.bytes > MAX_KEPT_BYTES {
            let Some(oldest) = kept.batches.pop_front() else { break };
            kept.bytes -= oldest.bytes.len();
        }
    }

    /// A comment to everybody, so that nobody in between takes the connection for dead.
    pub fn keep_alive(&self) {
        let _ = self.live.send(Bytes::from_static(b": alive\n\n"));
    }

    /// Begins after the event that the client names if what follows is all kept, with a snapshot otherwise. `state` makes
    /// the snapshot's JSON; while it runs, no event is published.
    pub fn subscribe(&self, last_seen: Option<u64>, state: impl FnOnce(u64) -> String) -> Subscription {
        let mut kept = self.lock();
        self.note_visit(&mut kept);
        let live = self.live.subscribe();
        let first = match last_seen.and_then(|id| kept.after(id)) {
            Some(missed) => missed,
            None => {
                let head = format!("id: {}\nevent: snapshot\ndata: ", kept.last_id);
                VecDeque::from([head.into(), kept.state(state), Bytes::from_static(b"\n\n")])
            }
        };
        Subscription { first, live }
    }
}

impl Kept {
    fn after(&self, id: u64) -> Option<VecDeque<Bytes>> {
        let oldest = self.batches.front().map_or(self.last_id + 1, |batch| batch.first);
        if id > self.last_id || id + 1 < oldest {
            return None;
        }
        Some(self.batches.iter().filter(|batch| batch.last() > id).map(|batch| batch.after(id)).collect())
    }

    fn state(&mut self, state: impl FnOnce(u64) -> String) -> Bytes {
        let id = self.last_id;
        self.state.get_or_insert_with(|| state(id).into()).clone()
    }
}

/// JSON has no line breaks of its own, so the data is one line.
fn write_event(text: &mut String, id: u64, kind: &str, data: &str) {
    // Writing to a string does not fail.
    let _ = write!(text, "id: {id}\nevent: {kind}\ndata: {data}\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ids(first: VecDeque<Bytes>) -> Vec<u64> {
        let text = String::from_utf8(first.into_iter().flatten().collect()).unwrap();
        text.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap()).collect()
    }

    #[test]
    fn a_feed_is_watched_once_somebody_asks_or_listens() {
        let feed = Feed::new(0);
        assert!(!feed.is_watched());
        feed.state(|_| String::new());
        assert!(feed.is_watched());
        let feed = Feed::new(0);
        drop(feed.subscribe(None, |_| String::new()));
        assert!(feed.is_watched(), "a client may come back and name the last event that it saw");
    }

    #[tokio::test]
    async fn a_long_pause_is_for_nobody_and_ends_when_somebody_comes() {
        const NEVER: Duration = Duration::from_secs(3600);
        let feed = Feed::new(0);
        assert!(!feed.pause(NEVER, Duration::ZERO).await);
        let comes = async { drop(feed.subscribe(None, |_| String::new())) };
        assert!(tokio::join!(feed.pause(NEVER, NEVER), comes).0);
        assert!(!feed.pause(Duration::ZERO, NEVER).await);
    }

    fn publish(feed: &Feed, count: usize) {
        let events: Vec<Event> = (0..count).map(|number| ("finalized", json!({"height": number}))).collect();
        feed.publish(&events);
    }

    fn resume(feed: &Feed, id: u64) -> Vec<u64> {
        let first = feed.subscribe(Some(id), |_| panic!("no snapshot is needed")).first;
        ids(first)
    }

    fn is_snapshot(feed: &Feed, id: Option<u64>) -> bool {
        let first = feed.subscribe(id, |id| format!("{{\"event_id\":{id}}}")).first;
        first.iter().any(|bytes| bytes.windows(15).any(|part| part == b"event: snapshot"))
    }

    #[test]
    fn who_comes_back_gets_exactly_what_it_missed() {
        let feed = Feed::new(100);
        publish(&feed, 3);
        publish(&feed, 2);
        assert_eq!(feed.lock().last_id, 105);
        assert_eq!(resume(&feed, 105), Vec::<u64>::new());
        assert_eq!(resume(&feed, 104), [105]);
        assert_eq!(resume(&feed, 101), [102, 103, 104, 105]);
        assert_eq!(resume(&feed, 100), [101, 102, 103, 104, 105]);
    }

    #[test]
    fn who_names_an_event_that_is_not_kept_or_never_was_gets_a_snapshot() {
        let feed = Feed::new(100);
        publish(&feed, 3);
        assert!(is_snapshot(&feed, None) && is_snapshot(&feed, Some(99)) && is_snapshot(&feed, Some(104)));
        assert!(!is_snapshot(&feed, Some(103)));
        (0..MAX_KEPT).for_each(|_| publish(&feed, 1));
        assert!(is_snapshot(&feed, Some(102)) && !is_snapshot(&feed, Some(103)));
        assert!(is_snapshot(&feed, Some(u64::MAX)));
    }

    #[test]
    fn a_snapshot_is_made_once_until_something_changes() {
        let feed = Feed::new(7);
        let mut made = 0;
        for _ in 0..3 {
            feed.subscribe(None, |id| {
                made += 1;
                format!("{{\"event_id\":{id}}}")
            });
        }
        feed.publish(&[]);
        feed.subscribe(None, |_| {
            made += 1;
            String::new()
        });
        assert_eq!(made, 2);
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes() {
        let feed = Feed::new(0);
        let long = "x".repeat(1 << 20);
        (0..8).for_each(|_| feed.publish(&[("finalized", json!(long))]));
        let kept = feed.lock();
        assert!(kept.bytes <= MAX_KEPT_BYTES && kept.batches.len() == 3, "{}", kept.batches.len());
        assert_eq!(kept.bytes, kept.batches.iter().map(|batch| batch.bytes.len()).sum::<usize>());
    }

    #[test]
    fn everybody_gets_the_same_bytes_and_who_is_too_far_behind_is_told_so() {
        let feed = Feed::new(0);
        let mut one = feed.subscribe(None, |_| String::new()).live;
        let mut two = feed.subscribe(None, |_| String::new()).live;
        publish(&feed, 1);
        let (first, second) = (one.try_recv().unwrap(), two.try_recv().unwrap());
        assert_eq!(first.as_ptr(), second.as_ptr(), "written once");
        (0..=MAX_BEHIND).for_each(|_| publish(&feed, 1));
        assert!(matches!(one.try_recv(), Err(broadcast::error::TryRecvError::Lagged(1))));
    }
}
