//! The world of a run: all nodes, the network between them, the queue of what happens when, and the clock that jumps from
//! one event to the next. One thread, one seed, one order of events.

mod fate;
mod hub;

use crate::byzantine::{Actor, Twisted};
use crate::chain::{Chain, SENDERS};
use crate::chance::Chance;
use crate::network::Network;
use crate::node::{Disk, Node, Setup, Stop};
use crate::oracle::Oracle;
use crate::swarm::{Class, Swarm, Weather};
use crate::trace::{Trace, describe};
use crate::{Options, Outcome};
use hub::Hub;
use minuet_consensus::driver::Fatal;
use minuet_consensus::effect::Halt;
use minuet_core::messages::{NetworkCommand, PeerEvent};
use minuet_core::wire::{FrameKind, Recipients};
use minuet_core::{Bytes, ValidatorIndex};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Streams of chance; what one draws never disturbs another.
const WEATHER: u64 = 1;
const NETWORK: u64 = 2;
const FATE: u64 = 3;
const ACTORS: u64 = 100;
/// Executed blocks that a ledger keeps in one run of eight, told by its seed, so that all others draw what they always drew:
/// somewhat more than R12 lets be non-empty, so that runs reach it.
const FEW_UNFINALIZED: usize = 80;
/// How often a full ring is tried again.
const AGAIN_US: u64 = 200;
/// Recovery must take no longer than this, or so many Δ (docs/protocol.md, L-*).
const RECOVERY_US: u64 = 10_000_000;
const RECOVERY_DELTAS: u64 = 20;

/// What happens at a moment.
enum Happening {
    /// `connection`: on which it was sent; `None` for one that comes whatever became of it.
    Frame {
        from: usize,
        to: usize,
        kind: FrameKind,
        payload: Bytes,
        connection: Option<u32>,
    },
    Wake(usize),
    Start(usize),
    Stroke,
    Transfer,
    Babble(usize),
}

struct Entry {
    at_us: u64,
    order: u64,
    what: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        Reverse((self.at_us, self.order)).cmp(&Reverse((other.at_us, other.order)))
    }
}

/// What the world keeps of one place beside the node itself.
#[derive(Default)]
struct Place {
    actor: Option<Actor>,
    paused_us: u64,
    /// A failure of its disk was injected: it may end by it.
    injected: bool,
    /// The disk is no longer the one that it had.
    foreign_disk: bool,
    /// It stopped for its own signature: somebody must look at it.
    halted: bool,
    snapshot: Option<Disk>,
}

struct World {
    setup: Setup,
    weather: Weather,
    n: usize,
    nodes: Vec<Node>,
    places: Vec<Place>,
    network: Network,
    queue: BinaryHeap<Entry>,
    next_order: u64,
    now_us: u64,
    /// Raised when the connection between two places breaks.
    connections: Vec<u32>,
    fate: Chance,
    hub: Hub,
    /// Keys of which nothing, or no voice, can be expected; at most f.
    spent: usize,
    calm: bool,
    transfers: u64,
    events: u64,
}

/// Runs a seed to its end, or to its first violation.
pub fn run(options: &Options) -> Outcome {
    let mut world = World::new(options);
    let chaos_us = options.chaos_ms * 1000;
    for slot in 0..world.nodes.len() {
        world.start(slot);
    }
    world.push(world.weather.fault_every_us, Happening::Stroke);
    world.push(1_000, Happening::Transfer);
    for slot in 0..world.nodes.len() {
        if world.places[slot].actor.is_some() {
            world.push(5_000, Happening::Babble(slot));
        }
    }
    world.run_until(chaos_us, |_| false);
    let ends_us = world.calm_down();
    let goal = world.hub.oracle.height() + 1;
    let is_there = |world: &World| world.lagging(goal).is_none();
    world.run_until(ends_us, is_there);
    if let Some(slot) = world.lagging(goal)
        && world.hub.oracle.violation().is_none()
    {
        let height = world.nodes[slot].tip().map_or(0, |(height, _)| height.0);
        let view = world.nodes[slot].driver().map_or(0, |driver| driver.replica().view().0);
        let what = format!(
            "faults stopped at {} ms; at {} ms node {slot} is at height {height} in view {view}, not at {goal}",
            chaos_us / 1000,
            world.now_us / 1000
        );
        world.hub.oracle.violate("L-STUCK", what);
    }
    world.outcome(options)
}

impl World {
    fn new(options: &Options) -> Self {
        let chain = Chain::of(options.validators);
        let mut chance = Chance::stream(options.seed, WEATHER);
        let mut swarm = options.swarm.clone().unwrap_or_else(|| Swarm::drawn(&mut chance));
        if options.twins {
            swarm = swarm.with(Class::Twins).without(Class::OldDisk);
        }
        let weather = Weather::drawn(swarm, &mut chance);
        let n = options.validators;
        let setup = Setup {
            chain: chain.clone(),
            signatures: options.signatures,
            timing: weather.timing,
            linger_us: weather.linger_us,
            most_unfinalized: if options.seed % 8 == 6 { FEW_UNFINALIZED } else { usize::MAX },
            base: Instant::now(),
        };
        let verifier = chain.verifier(options.signatures);
        let twins = usize::from(weather.swarm.has(Class::Twins));
        let oracle = Oracle::new(n, n + twins, verifier, weather.timing.delta_base_us);
        let f = oracle.tolerated();
        let mut fate = Chance::stream(options.seed, FATE);
        let twin = (twins > 0).then(|| fate.index(n));
        let keys: Vec<ValidatorIndex> = (0..n).chain(twin).map(index).collect();
        let nodes = keys.iter().enumerate().map(|(slot, key)| Node::new(slot, *key, weather.pace)).collect();
        let mut places: Vec<Place> = keys.iter().map(|_| Place::default()).collect();
        let trace = Trace::new(options.trace);
        let mut hub = Hub::new(oracle, keys, trace, options.seed, chain.senders());
        if let Some(twin) = twin {
            hub.oracle.distrust(index(twin));
        }
        let mut spent = twins;
        if weather.swarm.has(Class::Byzantine) && f > spent {
            let count = 1 + fate.index(f - spent);
            let liars = fate.some(count, n);
            for liar in liars.into_iter().filter(|liar| Some(*liar) != twin) {
                let chance = Chance::stream(options.seed, ACTORS + liar as u64);
                places[liar].actor = Some(Actor::new(chain.clone(), options.signatures, index(liar), chance));
                hub.oracle.distrust(index(liar));
                spent += 1;
            }
        }
        let network = Network::new(n + twins, &weather, Chance::stream(options.seed, NETWORK));
        Self {
            setup,
            weather,
            n,
            nodes,
            places,
            network,
            queue: BinaryHeap::new(),
            next_order: 0,
            now_us: 0,
            connections: vec![0; (n + twins) * (n + twins)],
            fate,
            hub,
            spent,
            calm: false,
            transfers: 0,
            events: 0,
        }
    }

    fn push(&mut self, at_us: u64, what: Happening) {
        self.queue.push(Entry { at_us, order: self.next_order, what });
        self.next_order += 1;
    }

    /// Until a moment, a goal, or a violation.
    fn run_until(&mut self, ends_us: u64, is_there: impl Fn(&Self) -> bool) {
        let mut looked_us = self.now_us;
        while let Some(entry) = self.queue.peek() {
            if entry.at_us > ends_us || self.hub.oracle.violation().is_some() {
                break;
            }
            let Some(Entry { at_us, what, .. }) = self.queue.pop() else { break };
            self.now_us = at_us;
            self.hub.now_us = at_us;
            self.events += 1;
            self.happen(what);
            if at_us >= looked_us + 1_000 {
                looked_us = at_us;
                if is_there(self) {
                    return;
                }
            }
        }
        self.now_us = self.now_us.max(ends_us.min(self.now_us + 1));
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Frame { from, to, kind, payload, connection } => {
                if connection.is_none_or(|connection| connection == self.connections[self.link(from, to)]) {
                    self.arrive(from, to, kind, payload, connection);
                }
            }
            Happening::Wake(slot) => {
                if self.nodes[slot].wake_us == self.now_us {
                    self.nodes[slot].wake_us = u64::MAX;
                    self.turn(slot);
                }
            }
            Happening::Start(slot) => self.start(slot),
            Happening::Stroke => {
                if !self.calm {
                    self.stroke();
                    let next = self.fate.heavy(self.weather.fault_every_us, 10_000_000);
                    self.push(self.now_us + next.max(1_000), Happening::Stroke);
                }
            }
            Happening::Transfer => self.transfer(),
            Happening::Babble(slot) => {
                if let Some(twisted) = self.places[slot].actor.as_mut().and_then(Actor::babble)
                    && self.nodes[slot].is_up()
                {
                    self.say(slot, twisted);
                }
                let next = 1_000 + self.fate.below(40_000);
                self.push(self.now_us + next, Happening::Babble(slot));
            }
        }
    }

    /// Both directions have one number.
    fn link(&self, from: usize, to: usize) -> usize {
        from.min(to) * self.nodes.len() + from.max(to)
    }

    /// What is under way on it is lost.
    fn break_connection(&mut self, one: usize, other: usize) {
        let link = self.link(one, other);
        self.connections[link] += 1;
    }

    fn arrive(&mut self, from: usize, to: usize, kind: FrameKind, payload: Bytes, connection: Option<u32>) {
        if !self.nodes[to].is_up() {
            return;
        }
        let paused_us = self.places[to].paused_us;
        if paused_us > self.now_us {
            return self.push(paused_us, Happening::Frame { from, to, kind, payload, connection });
        }
        let key = self.hub.keys[from];
        if !self.nodes[to].deliver(key, kind, &payload) {
            let later_us = self.now_us + AGAIN_US;
            return self.push(later_us, Happening::Frame { from, to, kind, payload, connection });
        }
        self.hub.mark(2, to as u64, payload.len() as u64);
        if let Some(actor) = &mut self.places[to].actor {
            actor.hear(kind, &payload);
        }
        let now_us = self.now_us;
        self.hub.trace.line(now_us, to, || format!("hears {from:>3}  {}", describe(kind, &payload)));
        self.turn(to);
        let from_honest = self.hub.oracle.trusts(key);
        if kind == FrameKind::Certificate
            && from_honest
            && let Some(driver) = self.nodes[to].driver()
            && !driver.has_work()
        {
            self.hub.oracle.heard(self.hub.keys[to], driver, &payload);
        }
    }

    fn turn(&mut self, slot: usize) {
        let paused_us = self.places[slot].paused_us;
        if paused_us > self.now_us {
            return self.wake(slot, paused_us);
        }
        let outcome = self.nodes[slot].turn(&self.setup, self.now_us, &mut self.hub);
        self.dispatch();
        match outcome {
            Ok(due_us) => self.wake(slot, due_us),
            Err(stop) => self.stopped(slot, stop),
        }
    }

    fn wake(&mut self, slot: usize, at_us: u64) {
        if at_us < self.nodes[slot].wake_us {
            self.nodes[slot].wake_us = at_us;
            self.push(at_us, Happening::Wake(slot));
        }
    }

    /// Everything that nodes wanted of the network.
    fn dispatch(&mut self) {
        for (slot, command) in std::mem::take(&mut self.hub.commands) {
            let NetworkCommand::Send { to, kind, payload } = command else { continue };
            match (&mut self.places[slot].actor, to) {
                (Some(actor), Recipients::All) => {
                    for twisted in actor.twist(kind, &payload) {
                        self.say(slot, twisted);
                    }
                }
                (_, Recipients::Followers) => {}
                (_, Recipients::All) => self.send(slot, u128::MAX, kind, &payload, 0),
                (_, Recipients::One(peer)) => {
                    let places = self.hub.keys.iter().enumerate().filter(|(_, key)| key.peer() == peer);
                    let bits = places.fold(0, |bits, (place, _)| bits | bit(place));
                    self.send(slot, bits, kind, &payload, 0);
                }
            }
        }
    }

    fn say(&mut self, slot: usize, twisted: Twisted) {
        self.hub.lied(slot, twisted.kind, &twisted.payload);
        self.send(slot, twisted.to, twisted.kind, &twisted.payload, twisted.delay_us);
    }

    fn send(&mut self, from: usize, to: u128, kind: FrameKind, payload: &Bytes, delay_us: u64) {
        let key = self.hub.keys[from];
        for place in 0..self.nodes.len() {
            if to & bit(place) == 0 || self.hub.keys[place] == key || !self.nodes[place].is_up() {
                continue;
            }
            let arrivals = self.network.send(from, place, kind, payload.len(), self.now_us + delay_us);
            for (at_us, is_replay) in arrivals.iter() {
                let connection = (!is_replay).then(|| self.connections[self.link(from, place)]);
                self.push(at_us, Happening::Frame { from, to: place, kind, payload: payload.clone(), connection });
            }
        }
    }

    fn start(&mut self, slot: usize) {
        if self.nodes[slot].is_up() || self.places[slot].halted {
            return;
        }
        let key = self.hub.keys[slot];
        match self.nodes[slot].start(&self.setup, self.now_us) {
            Ok(started) => {
                let whole = !std::mem::take(&mut self.places[slot].foreign_disk);
                let Some(driver) = self.nodes[slot].driver() else { return };
                self.hub.oracle.started(slot, key, &started, driver, whole);
                let (now_us, height, signs) = (self.now_us, started.height, started.signs);
                self.hub.trace.line(now_us, slot, || format!("starts at height {height}, signs: {signs}"));
                self.places[slot].injected = false;
                self.hub.mark(3, slot as u64, height.0);
                for other in 0..self.nodes.len() {
                    if self.hub.keys[other] != key && self.nodes[other].is_up() {
                        let other_key = self.hub.keys[other];
                        self.nodes[other].meet(PeerEvent::Up(key.peer()));
                        self.nodes[slot].meet(PeerEvent::Up(other_key.peer()));
                        self.wake(other, self.now_us + 1);
                    }
                }
                self.turn(slot);
            }
            Err(stop) => self.refused(slot, &stop),
        }
    }

    /// A damaged journal is refused by name, and its owner restores what it was.
    fn refused(&mut self, slot: usize, stop: &Stop) {
        let now_us = self.now_us;
        self.hub.trace.line(now_us, slot, || format!("does not start: {stop}"));
        match (stop, self.places[slot].snapshot.take()) {
            (Stop::Damaged(_), Some(disk)) if self.places[slot].injected => {
                self.nodes[slot].disk = disk;
                self.push(self.now_us + 50_000, Happening::Start(slot));
            }
            _ => self.hub.oracle.violate("D-ENTRY", format!("node {slot} does not start again: {stop}")),
        }
    }

    /// The end of a life; its peers lose the connection.
    fn end(&mut self, slot: usize, power: Option<u64>) {
        self.nodes[slot].end(power);
        let key = self.hub.keys[slot];
        (0..self.nodes.len()).for_each(|other| self.break_connection(slot, other));
        let twin_lives = (0..self.nodes.len()).any(|other| self.hub.keys[other] == key && self.nodes[other].is_up());
        for other in 0..self.nodes.len() {
            if self.nodes[other].is_up() && self.hub.keys[other] != key && !twin_lives {
                self.nodes[other].meet(PeerEvent::Down(key.peer()));
                self.wake(other, self.now_us + 1);
            }
        }
    }

    fn stopped(&mut self, slot: usize, stop: Stop) {
        let (now_us, key) = (self.now_us, self.hub.keys[slot]);
        self.hub.trace.line(now_us, slot, || format!("stops: {stop}"));
        let trusted = self.hub.oracle.trusts(key);
        let injected = self.places[slot].injected;
        let broken = match &stop {
            Stop::Fatal(Fatal::Halt(Halt::OwnSignature { .. })) => {
                self.hub.oracle.coverage.saw(crate::coverage::Effect::OwnSignature);
                self.places[slot].halted = true;
                trusted.then_some("D-OWN-SIG")
            }
            Stop::Fatal(Fatal::Halt(Halt::ConflictingFinalization { .. })) => Some("S-HALT"),
            Stop::Fatal(Fatal::StateMismatch { .. }) => Some("S-ROOT"),
            Stop::Fatal(Fatal::Journal(_)) | Stop::Ledger(_) => (!injected).then_some("D-FAIL-STOP"),
            Stop::Fatal(Fatal::Recovery(_) | Fatal::Record(_)) | Stop::Damaged(_) => Some("D-ENTRY"),
        };
        if let Some(invariant) = broken {
            self.hub.oracle.violate(invariant, format!("node {slot} (validator {key}) stops: {stop}"));
        }
        let power = self.fate.coin().then(|| self.fate.any());
        self.end(slot, power);
        let delay_us = self.fate.within(10_000..2_000_000);
        self.push(self.now_us + delay_us, Happening::Start(slot));
    }

    fn transfer(&mut self) {
        if self.weather.transfer_every_us == 0 {
            return;
        }
        let slot = self.fate.index(self.nodes.len());
        let sender = self.fate.index(SENDERS);
        let nonce = self.hub.nonces[sender] + self.fate.below(3);
        let envelope = self.setup.chain.transfer(sender, nonce);
        if self.nodes[slot].is_up() {
            self.transfers += 1;
            self.nodes[slot].submit(envelope);
            self.turn(slot);
        }
        let next = self.fate.heavy(self.weather.transfer_every_us, 2_000_000);
        self.push(self.now_us + next.max(100), Happening::Transfer);
    }

    /// All faults stop, and everybody is started again. Returns until when the chain must have gone on.
    fn calm_down(&mut self) -> u64 {
        self.calm = true;
        self.network.calm_down();
        for slot in 0..self.nodes.len() {
            self.places[slot].paused_us = 0;
            self.nodes[slot].skew_ms = 0;
            self.nodes[slot].pace.sync_us = self.nodes[slot].pace.sync_us.min(2_000);
            self.nodes[slot].pace.ledger_us = self.nodes[slot].pace.ledger_us.min(500);
            if self.nodes[slot].is_up() && self.places[slot].injected {
                self.end(slot, None);
            }
            self.start(slot);
            self.wake(slot, self.now_us + 1);
        }
        let deltas = self.nodes.iter().filter_map(Node::driver).map(|driver| driver.replica().delta_us());
        let delta_us = deltas.max().unwrap_or(0);
        self.now_us + RECOVERY_US.max(RECOVERY_DELTAS * delta_us)
    }

    /// A node of which it can be expected that has not come so far.
    fn lagging(&self, goal: u64) -> Option<usize> {
        let expected = |slot: &usize| self.hub.oracle.trusts(self.hub.keys[*slot]) && !self.places[*slot].halted;
        let is_behind = |slot: &usize| self.nodes[*slot].tip().is_none_or(|(height, _)| height.0 < goal);
        (0..self.nodes.len()).filter(expected).find(is_behind)
    }

    fn outcome(mut self, options: &Options) -> Outcome {
        let views = self.nodes.iter().filter_map(Node::driver).map(|driver| driver.replica().view().0);
        let liars = self.places.iter().enumerate().filter_map(|(slot, place)| {
            place.actor.as_ref().map(|actor| format!("validator {slot} lies: {:?}", actor.lies()))
        });
        let tips = self.nodes.iter().filter_map(Node::tip).map(|(height, digest)| (height.0, digest));
        let tips: Vec<_> = tips.collect();
        for (height, digest) in tips {
            self.hub.mark(4, height, u64::from_le_bytes(digest[..8].try_into().unwrap_or_default()));
        }
        Outcome {
            seed: options.seed,
            validators: self.n,
            faults: self.weather.swarm.names(),
            liars: liars.collect(),
            views: views.max().unwrap_or(0),
            blocks: self.hub.oracle.height(),
            transactions: self.hub.transactions,
            events: self.events,
            virtual_ms: self.now_us / 1000,
            hash: self.hub.hash,
            both_signed: self.hub.oracle.coverage.count(crate::coverage::Effect::Equivocated) > 0,
            coverage: self.hub.oracle.coverage.clone(),
            violation: self.hub.oracle.violation().cloned(),
            trace: self.hub.trace.take(),
        }
    }
}

fn index(place: usize) -> ValidatorIndex {
    ValidatorIndex(u16::try_from(place).expect("committees are small"))
}

const fn bit(place: usize) -> u128 {
    1 << (place & 127)
}
