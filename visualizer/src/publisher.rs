//! Ten times a second: what has changed in the ring of views becomes events. Each second: the node's vital signs, its
//! peers and the fleet. While nobody looks, all of it once a second, which is enough to miss no view.

use crate::diff::{Event, changes};
use crate::fleet;
use crate::health::{Finality, health};
use crate::model::{Health, NodeVitals, Peer, State, View};
use crate::server::Shared;
use minuet_core::status::NodeStatus;
use minuet_core::views::{SLOTS, Slot, SlotStatus, is_shown};
use serde_json::json;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

const TICK: Duration = Duration::from_millis(100);
/// Ticks between two looks at vital signs and peers.
const TICKS_PER_SECOND: u32 = 10;
/// Ticks between two comments to everybody.
const KEEP_ALIVE_TICKS: u64 = 100;
/// Round trips change all the time: they are told again after so many seconds.
const ROUND_TRIP_SECONDS: u64 = 5;

/// What clients know: the state that the events told so far amount to.
#[derive(Default)]
pub struct Shown {
    /// By place in the ring, with its sequence number.
    slots: Vec<(u64, Option<Slot>)>,
    current_view: u64,
    node: NodeVitals,
    peers: Vec<Peer>,
    pub finality: Finality,
    transactions: Option<(Instant, u64)>,
    seconds: u64,
}

impl Shown {
    /// As it is now.
    pub fn of(shared: &Shared) -> Self {
        let mut shown = Self { slots: vec![(0, None); SLOTS], ..Self::default() };
        shown.look(shared, &mut Vec::new());
        shown.look_around(shared, &mut Vec::new());
        shown
    }

    /// The views.
    fn look(&mut self, shared: &Shared, events: &mut Vec<Event>) {
        let newest = shared.views.newest();
        if self.current_view != newest.0 {
            self.current_view = newest.0;
            events.push(("current_view_changed", json!({"view": newest.0})));
        }
        let mut changed = Vec::new();
        for (place, (sequence, _)) in self.slots.iter().enumerate() {
            if shared.views.sequence(place) != *sequence
                && let Some((sequence, slot)) = shared.views.read_place(place)
                && is_shown(slot.view, newest)
            {
                changed.push((slot.view, place, sequence, slot));
            }
        }
        changed.sort_unstable_by_key(|(view, ..)| *view);
        for (_, place, sequence, slot) in changed {
            let before = self.slots[place].1.replace(slot);
            self.slots[place].0 = sequence;
            changes(before.as_ref(), &slot, events);
            let was_final = before.is_some_and(|before| is_final(&before) && before.view == slot.view);
            if is_final(&slot) && !was_final && is_sample(&slot, &shared.status) {
                slot.finality_us().into_iter().for_each(|us| self.finality.sample(us));
            }
        }
        self.finality.catch_up(shared);
    }

    /// Everything else.
    fn look_around(&mut self, shared: &Shared, events: &mut Vec<Event>) {
        self.seconds += 1;
        let tps = self.transactions_per_second(shared);
        self.node = vitals(shared, &self.finality, tps);
        events.push(("node_status", json!(self.node)));
        let peers: Vec<Peer> = shared.peers.peers().into_iter().map(Peer::from).collect();
        for peer in &peers {
            let known = self.peers.iter().find(|known| known.peer == peer.peer);
            let is_news = known.is_none_or(|known| {
                let as_known = Peer { rtt_us: known.rtt_us, ..peer.clone() };
                as_known != *known || (self.seconds.is_multiple_of(ROUND_TRIP_SECONDS) && peer != known)
            });
            if is_news {
                events.push(("peer_changed", json!(peer)));
            }
        }
        // Who is not known any more has gone: followers come and go.
        for gone in self.peers.iter().filter(|known| known.connected && peers.iter().all(|p| p.peer != known.peer)) {
            events.push(("peer_changed", json!(Peer { connected: false, ..gone.clone() })));
        }
        self.peers = peers;
        if let Some(fleet) = fleet::shown(shared, &health(shared, &self.finality)) {
            events.push(("fleet", json!(fleet)));
        }
    }

    fn transactions_per_second(&mut self, shared: &Shared) -> f64 {
        let (now, count) = (Instant::now(), shared.status.finalized_transactions.get());
        let before = self.transactions.replace((now, count));
        let Some((then, counted)) = before else { return 0.0 };
        let tps = count.saturating_sub(counted) as f64 / (now - then).as_secs_f64().max(0.001);
        (tps * 10.0).round() / 10.0
    }

    pub fn health(&self, shared: &Shared) -> Health {
        health(shared, &self.finality)
    }

    /// `/api/state`.
    pub fn state(&self, shared: &Shared, event_id: u64) -> String {
        let newest = minuet_core::View(self.current_view);
        let slots = self.slots.iter().filter_map(|(_, slot)| slot.as_ref());
        let mut slots: Vec<View> = slots.filter(|slot| is_shown(slot.view, newest)).map(View::from).collect();
        slots.sort_unstable_by_key(|slot| slot.view);
        let health = self.health(shared);
        let fleet = fleet::shown(shared, &health);
        let state = State { event_id, health: &health, node: &self.node, peers: &self.peers, fleet: &fleet, slots };
        serde_json::to_string(&state).unwrap_or_else(|error| json!({"error": error.to_string()}).to_string())
    }
}

/// Whether a final block says something about finality: it was voted on while this node was there.
fn is_sample(slot: &Slot, status: &NodeStatus) -> bool {
    slot.is_entered && slot.proposal.is_some_and(|block| status.is_near_tip(block.height))
}

fn is_final(slot: &Slot) -> bool {
    slot.status() == SlotStatus::Finalized
}

fn vitals(shared: &Shared, finality: &Finality, tps: f64) -> NodeVitals {
    let status = &shared.status;
    let (finality_p50_us, finality_p99_us) = finality.percentiles();
    NodeVitals {
        current_view: shared.views.newest().0,
        finalized_view: status.finalized_view.get(),
        height: status.height.get(),
        known_height: status.known_height.get().max(status.height.get()),
        peers: status.peers.get(),
        pending: status.pending.get(),
        queued: status.queued.get(),
        pool_bytes: status.pool_bytes.get(),
        tps,
        finality_p50_us,
        finality_p99_us,
        delta_ms: status.delta_ms.get(),
        journal_sync_us: status.journal_sync_us.get(),
        commit_us: status.commit_us.get(),
        nullified_views: status.nullified_views.get(),
        equivocations: status.equivocations.get(),
        low_disk: status.low_disk.load(Relaxed),
        uptime_ms: shared.uptime_ms(),
    }
}

/// Publishes until the server stops.
pub async fn run(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let (mut tick, second) = (0, u64::from(TICKS_PER_SECOND));
    loop {
        let before = tick;
        tokio::select! {
            is_cut_short = shared.feed.pause(TICK, TICK * TICKS_PER_SECOND) => {
                tick += if is_cut_short || shared.feed.is_watched() { 1 } else { second };
            }
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let has_passed = |ticks: u64| tick / ticks > before / ticks;
        let mut events = Vec::new();
        // Held until the events are out: a snapshot is of what was told, no more and no less.
        let mut shown = shared.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.look(&shared, &mut events);
        if has_passed(second) {
            shown.look_around(&shared, &mut events);
        }
        shared.feed.publish(&events);
        drop(shown);
        if has_passed(KEEP_ALIVE_TICKS) {
            shared.feed.keep_alive();
        }
    }
}
