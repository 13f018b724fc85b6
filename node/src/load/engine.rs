//! The run itself: one loop that makes transfers when they are due, hands them out, and hears what became of them.
//!
//! Invariant: the schedule never waits for answers. With `--rate` a transfer's time counts from the moment it was due,
//! however late it was made; with `--max` a sender makes the next one when one of its own has become final.

use super::book::{Book, State, Transfer};
use super::nodes::{Answer, Event, fetch_hashes, follow, submit};
use super::senders::Senders;
use crate::client::{FinalBlock, Merger};
use minuet_core::{B256, Bytes, Height};
use minuet_rpc::client::Client;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

/// Nodes that are asked for transaction hashes; the others' blocks are known by their own hash.
const HASH_SOURCES: usize = 2;
/// How often put-off transfers and the progress bar are looked at.
const TICK: Duration = Duration::from_millis(20);
const EVENTS_PER_TURN: usize = 256;

/// When transfers are made.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// So many per second, evenly.
    Rate(f64),
    /// So many under way.
    InFlight(u32),
}

/// The times of a run, in microseconds since its beginning.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Transfers count from here on.
    pub window_start_us: u64,
    /// No transfer is made from here on.
    pub window_end_us: u64,
    /// How long the rest may take after that.
    pub settle_us: u64,
}

/// A node of the run.
pub struct Node {
    /// For single questions.
    pub client: Client,
    /// Its newest final height when the run began.
    pub height: u64,
}

/// A run in progress.
pub struct Engine {
    /// Every transfer.
    pub book: Book,
    /// Who sends.
    pub senders: Senders,
    /// Proposal to stored on every node, of all blocks within the window.
    pub finality_us: Vec<u64>,
    /// Blocks that became final within the window.
    pub blocks: u64,
    merger: Merger,
    clients: Vec<Client>,
    dead: Vec<bool>,
    work: Vec<mpsc::UnboundedSender<(usize, Bytes)>>,
    events: mpsc::Receiver<Event>,
    sender: mpsc::Sender<Event>,
    put_off: Vec<(Instant, usize)>,
    begun: Instant,
    pace: Pace,
    schedule: Schedule,
    made: u64,
}

impl Engine {
    /// Starts the nodes' tasks.
    #[must_use]
    pub fn new(nodes: Vec<Node>, senders: Senders, pace: Pace, schedule: Schedule) -> Self {
        let (sender, events) = mpsc::channel(65_536);
        let mut merger = Merger::new(nodes.len());
        let mut work = Vec::new();
        let mut clients = Vec::new();
        for (index, node) in nodes.into_iter().enumerate() {
            merger.joined(index, node.height);
            let from = Some(Height(node.height).next());
            tokio::spawn(follow(index, node.client.clone(), index < HASH_SOURCES, from, sender.clone()));
            let (give, take) = mpsc::unbounded_channel();
            tokio::spawn(submit(node.client.clone(), take, sender.clone()));
            work.push(give);
            clients.push(node.client);
        }
        let dead = vec![false; clients.len()];
        Self {
            book: Book::default(),
            senders,
            finality_us: Vec::new(),
            blocks: 0,
            merger,
            clients,
            dead,
            work,
            events,
            sender,
            put_off: Vec::new(),
            begun: Instant::now(),
            pace,
            schedule,
            made: 0,
        }
    }

    /// Microseconds since the run began.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Nodes that still answer.
    #[must_use]
    pub fn live(&self) -> Vec<usize> {
        (0..self.dead.len()).filter(|node| !self.dead[*node]).collect()
    }

    /// A fork, if one was seen.
    #[must_use]
    pub fn fork(&self) -> Option<&str> {
        self.merger.fork()
    }

    /// The highest block that all live nodes have.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.merger.height()
    }

    /// A node's client.
    #[must_use]
    pub fn client(&self, node: usize) -> Client {
        self.clients[node].clone()
    }

    /// Makes transfers until the window ends, then waits for the rest. `progress` is told now and then.
    pub async fn run(&mut self, mut progress: impl FnMut(&Self)) {
        self.begun = Instant::now();
        if let Pace::InFlight(count) = self.pace {
            for number in 0..count as usize {
                self.make(number % self.senders.len(), self.now_us());
            }
        }
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = self.now_us();
            let ended = now >= self.schedule.window_end_us;
            let over = now >= self.schedule.window_end_us.saturating_add(self.schedule.settle_us);
            if (ended && self.book.open() == 0) || over || self.live().is_empty() {
                return;
            }
            self.make_due(now);
            let next = self.next_due();
            tokio::select! {
                biased;
                _ = tick.tick() => {
                    self.offer_again();
                    progress(self);
                }
                Some(event) = self.events.recv() => {
                    self.take(event);
                    for _ in 0..EVENTS_PER_TURN {
                        let Ok(event) = self.events.try_recv() else { break };
                        self.take(event);
                    }
                }
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    fn due_us(&self, number: u64, rate: f64) -> u64 {
        (number as f64 / rate * 1e6) as u64
    }

    fn make_due(&mut self, now: u64) {
        let Pace::Rate(rate) = self.pace else { return };
        loop {
            let due = self.due_us(self.made, rate);
            if due > now || due >= self.schedule.window_end_us {
                return;
            }
            let sender = usize::try_from(self.made).unwrap_or(0) % self.senders.len();
            self.make(sender, due);
        }
    }

    fn next_due(&self) -> Instant {
        match self.pace {
            Pace::Rate(rate) if self.due_us(self.made, rate) < self.schedule.window_end_us => {
                self.begun + Duration::from_micros(self.due_us(self.made, rate))
            }
            _ => Instant::now() + TICK,
        }
    }

    fn make(&mut self, sender: usize, due_us: u64) {
        self.made += 1;
        let transaction = self.senders.sign(sender);
        let Some(node) = self.node_for(sender) else { return };
        let number = self.book.offer(Transfer {
            hash: transaction.hash(),
            sender,
            nonce: transaction.nonce(),
            due_us,
            node,
            state: State::Offered(None),
            envelope: transaction.envelope().clone(),
        });
        self.hand_out(number, node);
    }

    /// Each sender keeps to one node as long as that lives, so that its transfers come in order.
    fn node_for(&self, sender: usize) -> Option<usize> {
        let home = sender % self.dead.len();
        if !self.dead[home] {
            return Some(home);
        }
        let live = self.live();
        live.get(sender % live.len().max(1)).copied()
    }

    fn hand_out(&mut self, number: usize, node: usize) {
        self.book.transfers[number].node = node;
        let envelope = self.book.transfers[number].envelope.clone();
        // A task that ended reported its node as down, and its transfers are handed out again then.
        let _ = self.work[node].send((number, envelope));
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Block(node, block) => {
                let ready = self.merger.announced(node, *block);
                self.settle(ready);
            }
            Event::Hashes(height, hashes) => self.final_hashes(height, &hashes),
            Event::Down(node) => self.down(node),
            Event::Answered(number, answer) => self.answered(number, answer),
        }
    }

    fn answered(&mut self, number: usize, answer: Answer) {
        match answer {
            Answer::Accepted => self.book.accepted(number),
            Answer::Later(wait, reason) => {
                self.book.put_off(number, reason);
                self.put_off.push((Instant::now() + wait, number));
            }
            Answer::Elsewhere(reason) => {
                self.book.put_off(number, reason);
                self.put_off.push((Instant::now() + TICK, number));
                let transfer = &mut self.book.transfers[number];
                transfer.node = (transfer.node + 1) % self.dead.len();
            }
            Answer::Refused(reason) => {
                // Another transaction has this nonce already, so it leaves no gap.
                let taken = matches!(reason.as_str(), "nonce_too_low" | "replacement_underpriced");
                if self.book.refused(number, reason) {
                    let (sender, nonce) = (self.book.transfers[number].sender, self.book.transfers[number].nonce);
                    if !taken {
                        self.senders.free_nonce(sender, nonce);
                    }
                    self.replace(sender);
                }
            }
        }
    }

    fn offer_again(&mut self) {
        let now = Instant::now();
        let due: Vec<usize> = self.put_off.iter().filter(|(when, _)| *when <= now).map(|(_, number)| *number).collect();
        self.put_off.retain(|(when, _)| *when > now);
        for number in due {
            self.resend(number);
        }
    }

    fn resend(&mut self, number: usize) {
        if !self.book.is_open(number) {
            return;
        }
        let node = self.book.transfers[number].node;
        let node = if self.dead[node] { self.node_for(self.book.transfers[number].sender) } else { Some(node) };
        if let Some(node) = node {
            self.hand_out(number, node);
        }
    }

    fn down(&mut self, node: usize) {
        tracing::warn!(node, "a node is gone; it is waited for no longer, and its transfers go to others");
        self.dead[node] = true;
        for number in self.book.open_at(node) {
            self.resend(number);
        }
        let ready = self.merger.left(node);
        self.settle(ready);
    }

    fn settle(&mut self, blocks: Vec<FinalBlock>) {
        let now = self.now_us();
        let inside = (self.schedule.window_start_us..self.schedule.window_end_us).contains(&now);
        for block in blocks {
            if inside {
                self.blocks += 1;
                self.finality_us.extend(block.finality_us);
            }
            match block.hashes {
                Some(hashes) => self.final_hashes(block.height, &hashes),
                None if block.transactions > 0 => {
                    if let Some(node) = self.live().first() {
                        tokio::spawn(fetch_hashes(self.clients[*node].clone(), block.height, self.sender.clone()));
                    }
                }
                None => {}
            }
        }
    }

    fn final_hashes(&mut self, height: u64, hashes: &[B256]) {
        let now = self.now_us();
        let ours: Vec<usize> = hashes.iter().filter_map(|hash| self.book.finalized(hash, now, height)).collect();
        for number in ours {
            self.replace(self.book.transfers[number].sender);
        }
    }

    /// With `--max`, one ends and the next begins.
    fn replace(&mut self, sender: usize) {
        let now = self.now_us();
        if matches!(self.pace, Pace::InFlight(_)) && now < self.schedule.window_end_us {
            self.make(sender, now);
        }
    }
}
