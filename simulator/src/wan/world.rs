//! The network in virtual time: who gets which message when, with delays, bandwidth and processing time.
//!
//! Bandwidth: a message to all leaves as as many copies as there are receivers, which share the sender's link fairly, so
//! that all have left when the last one has. What arrives passes the receiver's link one after the other, a single message
//! without further delay. Processing: a validator does one thing after the other; what comes meanwhile waits in order.
//! Invariant: messages of one lane between two validators arrive in the order in which they were sent.

use super::costs::Costs;
use super::links::Links;
use super::sizes;
use super::trace::Traffic;
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

/// What the network and the machines are like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Physics {
    /// Megabits per second that each validator sends, and receives, at most.
    pub bandwidth_mbit: Option<f64>,
    /// Count what frames, QUIC, UDP and IP add to each payload.
    pub framing: bool,
    /// Processing time; all zero without.
    pub costs: Costs,
}

/// What overtakes what: large bodies travel on a stream of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Everything small, and blocks that are sent whole.
    Urgent,
    /// Bodies; under way as long as the message that left just before.
    Body,
}

/// Something to do for a validator.
#[derive(Clone, Debug)]
pub struct Delivery<M> {
    /// Who gets it.
    pub to: usize,
    /// Who sent it; the same for what was put off.
    pub from: usize,
    /// What it is.
    pub message: M,
}

#[derive(Clone, Debug)]
enum Kind<M> {
    /// Its first byte is there; so many nanoseconds of the receiver's link.
    Arrives(Delivery<M>, u64),
    Ready(Delivery<M>),
    /// A busy validator has time again.
    Wakes(usize),
}

struct Event<M> {
    at: u64,
    sequence: u64,
    kind: Kind<M>,
}

impl<M> PartialEq for Event<M> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl<M> Eq for Event<M> {}
impl<M> PartialOrd for Event<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<M> Ord for Event<M> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

/// One validator's link and processor.
struct Port<M> {
    urgent_free: u64,
    bodies_free: u64,
    ingress_free: u64,
    busy_until: u64,
    wakes: bool,
    waiting: VecDeque<Delivery<M>>,
}

/// The network and its validators' processors.
pub struct World<M> {
    links: Links,
    physics: Physics,
    queue: BinaryHeap<Reverse<Event<M>>>,
    ports: Vec<Port<M>>,
    /// By lane and ordered pair.
    last_arrival: [Vec<u64>; 2],
    now: u64,
    sequence: u64,
    serving: Option<usize>,
    traffic: Traffic,
}

impl<M: Clone> World<M> {
    /// Nothing under way yet.
    pub fn new(links: Links, physics: Physics) -> Self {
        let n = links.n();
        let port = || Port {
            urgent_free: 0,
            bodies_free: 0,
            ingress_free: 0,
            busy_until: 0,
            wakes: false,
            waiting: VecDeque::new(),
        };
        Self {
            links,
            physics,
            queue: BinaryHeap::new(),
            ports: (0..n).map(|_| port()).collect(),
            last_arrival: [vec![0; n * n], vec![0; n * n]],
            now: 0,
            sequence: 0,
            serving: None,
            traffic: Traffic::default(),
        }
    }

    /// Number of validators.
    pub fn n(&self) -> usize {
        self.ports.len()
    }

    /// Nanoseconds since the start, for the validator that is being served.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// What things take.
    pub fn costs(&self) -> Costs {
        self.physics.costs
    }

    /// What was sent since the start.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The links, with their draws so far.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The validator that is being served works so long.
    pub fn spend(&mut self, duration_ns: u64) {
        self.now += duration_ns;
    }

    /// Something for oneself, later: a timer, or what another thread hands back.
    pub fn after(&mut self, who: usize, delay_ns: u64, message: M) {
        self.push(self.now + delay_ns, Kind::Ready(Delivery { to: who, from: who, message }));
    }

    /// To everybody else.
    pub fn send_all(&mut self, from: usize, message: &M, payload: usize, lane: Lane) {
        let others = (0..self.n()).filter(|to| *to != from).collect::<Vec<_>>();
        self.send(from, &others, message, payload, lane);
    }

    /// To these, who are not the sender.
    pub fn send(&mut self, from: usize, receivers: &[usize], message: &M, payload: usize, lane: Lane) {
        let bytes = if self.physics.framing { sizes::on_wire(payload) } else { payload };
        let left = self.departure(from, bytes * receivers.len(), lane);
        let passing = self.passing_ns(bytes);
        for to in receivers {
            self.traffic.messages += 1;
            self.traffic.bytes += bytes as u64;
            let delay = match lane {
                Lane::Urgent => self.links.draw(from, *to),
                Lane::Body => self.links.again(from, *to),
            };
            let pair = from * self.ports.len() + to;
            let last = &mut self.last_arrival[lane as usize][pair];
            *last = (*last).max(left + delay + self.physics.costs.hop_ns);
            let at = *last;
            let delivery = Delivery { to: *to, from, message: message.clone() };
            // Without a limit of bandwidth nothing waits at the receiver's link.
            let kind = if passing == 0 { Kind::Ready(delivery) } else { Kind::Arrives(delivery, passing) };
            self.push(at, kind);
        }
    }

    /// When so many bytes have left. Small messages pass bodies that are on their way out.
    fn departure(&mut self, from: usize, bytes: usize, lane: Lane) -> u64 {
        let took = self.passing_ns(bytes);
        let port = &mut self.ports[from];
        let start = match lane {
            Lane::Urgent => self.now.max(port.urgent_free),
            Lane::Body => self.now.max(port.urgent_free).max(port.bodies_free),
        };
        let free = match lane {
            Lane::Urgent => &mut port.urgent_free,
            Lane::Body => &mut port.bodies_free,
        };
        *free = start + took;
        *free
    }

    /// How long so many bytes occupy a link.
    fn passing_ns(&self, bytes: usize) -> u64 {
        self.physics.bandwidth_mbit.map_or(0, |mbit| (bytes as f64 * 8_000.0 / mbit) as u64)
    }

    fn push(&mut self, at: u64, kind: Kind<M>) {
        self.sequence += 1;
        self.queue.push(Reverse(Event { at, sequence: self.sequence, kind }));
    }

    /// Ends the turn of whoever was served and gives the next message to its receiver; `None` once nothing is under way.
    pub fn next(&mut self) -> Option<Delivery<M>> {
        self.end_turn();
        loop {
            let Reverse(event) = self.queue.pop()?;
            self.now = event.at;
            let delivery = match event.kind {
                Kind::Arrives(delivery, passing) => {
                    let port = &mut self.ports[delivery.to];
                    port.ingress_free = port.ingress_free.max(event.at.saturating_sub(passing)) + passing;
                    let through = port.ingress_free;
                    self.push(through.max(event.at), Kind::Ready(delivery));
                    continue;
                }
                Kind::Ready(delivery) => match self.put_off(delivery) {
                    Some(delivery) => delivery,
                    None => continue,
                },
                Kind::Wakes(who) => {
                    self.ports[who].wakes = false;
                    match self.ports[who].waiting.pop_front() {
                        Some(delivery) => delivery,
                        None => continue,
                    }
                }
            };
            self.serving = Some(delivery.to);
            return Some(delivery);
        }
    }

    fn put_off(&mut self, delivery: Delivery<M>) -> Option<Delivery<M>> {
        let who = delivery.to;
        let port = &mut self.ports[who];
        if port.busy_until <= self.now && port.waiting.is_empty() {
            return Some(delivery);
        }
        port.waiting.push_back(delivery);
        self.wake(who);
        None
    }

    fn wake(&mut self, who: usize) {
        let port = &mut self.ports[who];
        let at = port.busy_until.max(self.now);
        if !std::mem::replace(&mut port.wakes, true) {
            self.push(at, Kind::Wakes(who));
        }
    }

    fn end_turn(&mut self) {
        let Some(who) = self.serving.take() else { return };
        self.ports[who].busy_until = self.now;
        if !self.ports[who].waiting.is_empty() {
            self.wake(who);
        }
    }
}
