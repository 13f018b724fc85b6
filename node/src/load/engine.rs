//! The run itself: one loop that makes transfers when they are due, hands them out, and hears what became of them.
//!
//! Invariant: the schedule never waits for answers. With `--rate` a transfer's time counts from the moment it was due,
//! however late it was made; with `--max` a sender makes the next one when one of its own has become final.
//!
//! A node that is gone is waited for no longer, and its transfers go to others. If all are gone they are called until
//! one is back, and everything without an end is sent again: the same bytes, so nothing can be on the chain twice.

use super::book::{Book, State, Transfer};
use super::nodes::{Answer, Event, Follower, fetch_hashes, submit};
use super::outages::Outages;
use super::senders::Senders;
use super::stops::Stops;
use crate::client::{FinalBlock, Merger};
use minuet_core::transaction::Transaction;
use minuet_core::{B256, Bytes, Height, spans};
use minuet_rpc::client::Client;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

/// The node whose blocks come with transaction hashes. The others' are known by their own hash: an equal hash means
/// equal transactions.
const HASH_SOURCE: usize = 0;
/// How often put-off transfers and the progress bar are looked at.
const TICK: Duration = Duration::from_millis(20);
const EVENTS_PER_TURN: usize = 256;
/// Transfers that are signed together before they go to their node, which takes about a millisecond at most.
const MAKES_PER_TURN: usize = 64;
/// After the window, transfers that are open for so long are sent again.
const RESCUE_AFTER_US: u64 = 2_000_000;

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
    /// By home node: senders that are to make a transfer, and since when.
    due: Vec<VecDeque<(usize, u64)>>,
    next_home: usize,
    events: mpsc::Receiver<Event>,
    sender: mpsc::Sender<Event>,
    /// Blocks whose transactions are still to be asked for.
    no_hashes: Vec<u64>,
    call_again: watch::Sender<bool>,
    outages: Outages,
    rescued_us: u64,
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
        let (call_again, hear_call) = watch::channel(false);
        let mut work = Vec::new();
        let mut clients = Vec::new();
        for (index, node) in nodes.into_iter().enumerate() {
            merger.joined(index, node.height);
            let follower = Follower {
                node: index,
                client: node.client.clone(),
                with_hashes: index == HASH_SOURCE,
                from: Height(node.height).next(),
                events: sender.clone(),
                call_again: hear_call.clone(),
            };
            tokio::spawn(follower.run());
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
            due: vec![VecDeque::new(); dead.len()],
            next_home: 0,
            dead,
            work,
            events,
            sender,
            no_hashes: Vec::new(),
            call_again,
            outages: Outages::default(),
            rescued_us: 0,
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

    /// The nodes' clients, also of those that are gone.
    #[must_use]
    pub fn clients(&self) -> Vec<Client> {
        self.clients.clone()
    }

    /// When no node was there.
    #[must_use]
    pub const fn outages(&self) -> Outages {
        self.outages
    }

    /// Makes transfers until the window ends or the run is stopped, then waits for the rest. `progress` is told now and
    /// then.
    pub async fn run(&mut self, stops: &mut Stops, mut progress: impl FnMut(&Self)) {
        self.begun = Instant::now();
        if let Pace::InFlight(count) = self.pace {
            (0..count as usize).for_each(|number| self.replace(number % self.senders.len()));
        }
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = self.now_us();
            let ended = now >= self.schedule.window_end_us;
            if (ended && self.book.open() == 0) || now >= self.deadline_us() {
                return;
            }
            self.make_due(now);
            if self.make_queued() {
                // What was made goes out before more is made.
                tokio::task::yield_now().await;
            }
            let next = self.next_due();
            tokio::select! {
                biased;
                _ = tick.tick() => {
                    self.offer_again();
                    self.fetch_hashes();
                    self.rescue();
                    progress(self);
                }
                Some(event) = self.events.recv() => {
                    self.take(event);
                    for _ in 0..EVENTS_PER_TURN {
                        let Ok(event) = self.events.try_recv() else { break };
                        self.take(event);
                    }
                }
                () = stops.next() => self.stop(),
                () = sleep_until(next) => {}
            }
        }
    }

    /// The window ends now. Said again, the run does.
    fn stop(&mut self) {
        let now = self.now_us();
        if now >= self.schedule.window_end_us {
            self.schedule.settle_us = 0;
            return;
        }
        tracing::warn!(
            open = self.book.open(),
            "told to stop: waiting for what is under way; once more to wait no longer"
        );
        self.schedule.window_end_us = now;
        self.schedule.window_start_us = self.schedule.window_start_us.min(now);
        self.due.iter_mut().for_each(VecDeque::clear);
    }

    /// The times of this run, as they came to be.
    #[must_use]
    pub const fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// When the run is over whatever is open. A node that came back gives the rest the whole time again.
    fn deadline_us(&self) -> u64 {
        let from = self.outages.ended_us().max(self.schedule.window_end_us);
        from.saturating_add(self.schedule.settle_us)
    }

    fn due_us(&self, number: u64, rate: f64) -> u64 {
        (number as f64 / rate * 1e6) as u64
    }

    fn make_due(&mut self, now: u64) {
        let Pace::Rate(rate) = self.pace else { return };
        let mut due = Vec::new();
        while due.len() < EVENTS_PER_TURN {
            let number = self.made + due.len() as u64;
            let due_us = self.due_us(number, rate);
            if due_us > now || due_us >= self.schedule.window_end_us {
                break;
            }
            due.push((usize::try_from(number).unwrap_or(0) % self.senders.len(), due_us));
        }
        self.make(&due);
    }

    /// Makes what is due at one node, up to a bound; the nodes take turns, so that each call carries many. Answers
    /// whether there was anything.
    fn make_queued(&mut self) -> bool {
        let homes = self.due.len();
        let mut order = (0..homes).map(|step| (self.next_home + step) % homes);
        let Some(home) = order.find(|home| !self.due[*home].is_empty()) else { return false };
        self.next_home = home + 1;
        let count = self.due[home].len().min(MAKES_PER_TURN);
        let due: Vec<_> = self.due[home].drain(..count).collect();
        self.make(&due);
        true
    }

    /// `None`: now.
    fn next_due(&self) -> Option<Instant> {
        if self.due.iter().any(|queue| !queue.is_empty()) {
            return None;
        }
        let idle = Instant::now() + TICK;
        let Pace::Rate(rate) = self.pace else { return Some(idle) };
        let due_us = self.due_us(self.made, rate);
        let due = self.begun + Duration::from_micros(due_us);
        Some(if due_us < self.schedule.window_end_us { due } else { idle })
    }

    /// Signs what is due, together, and hands it out: senders, and since when.
    fn make(&mut self, due: &[(usize, u64)]) {
        self.made += due.len() as u64;
        let senders: Vec<usize> = due.iter().map(|(sender, _)| *sender).collect();
        for (transaction, (sender, due_us)) in self.senders.sign_each(&senders).into_iter().zip(due) {
            self.offer(&transaction, *sender, *due_us);
        }
    }

    fn offer(&mut self, transaction: &Transaction, sender: usize, due_us: u64) {
        let late_us = self.now_us().saturating_sub(due_us);
        tracing::trace!(name: spans::OFFERED, target: spans::TARGET, hash = transaction.hash().as_slice(), count = late_us);
        let node = self.node_for(sender);
        let number = self.book.offer(Transfer {
            hash: transaction.hash(),
            sender,
            nonce: transaction.nonce(),
            due_us,
            node: node.unwrap_or_else(|| self.home_of(sender)),
            state: State::Offered(None),
            envelope: transaction.envelope().clone(),
        });
        // With no node left it goes to the first that is back.
        if let Some(node) = node {
            self.hand_out(number, node);
        }
    }

    fn home_of(&self, sender: usize) -> usize {
        sender % self.dead.len()
    }

    /// Each sender keeps to one node as long as that lives, so that its transfers come in order.
    fn node_for(&self, sender: usize) -> Option<usize> {
        let home = self.home_of(sender);
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
            Event::NoHashes(height) => self.no_hashes.push(height),
            Event::Down(node) => self.down(node),
            Event::Back(node, height) => self.back(node, height),
            Event::Answered(answers) => answers.into_iter().for_each(|(number, answer)| self.answered(number, answer)),
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
        if self.dead.iter().all(|dead| *dead) {
            tracing::warn!("all nodes are gone: calling them until they are back");
            self.outages.all_gone(self.now_us());
            self.call_again.send_replace(true);
        }
        for number in self.book.open_where(|transfer| transfer.node == node) {
            self.resend(number);
        }
        let ready = self.merger.left(node);
        self.settle(ready);
    }

    /// A node that is back after an outage has an empty pool: what was at it, or at nobody, is sent again.
    fn back(&mut self, node: usize, height: u64) {
        tracing::warn!(node, height, "a node is back");
        self.outages.one_back(self.now_us());
        self.dead[node] = false;
        self.merger.joined(node, height);
        for number in self.book.open_where(|transfer| transfer.node == node || self.dead[transfer.node]) {
            self.resend(number);
        }
    }

    /// After the window: whatever is open for long goes to yet another node.
    fn rescue(&mut self) {
        let now = self.now_us();
        let next = self.schedule.window_end_us.max(self.rescued_us).saturating_add(RESCUE_AFTER_US);
        let live = self.live();
        if now < next || live.is_empty() {
            return;
        }
        self.rescued_us = now;
        for number in self.book.open_where(|_| true) {
            let node = self.book.transfers[number].node;
            let other = live.iter().find(|other| **other > node).unwrap_or(&live[0]);
            self.hand_out(number, *other);
        }
    }

    fn fetch_hashes(&mut self) {
        let live = self.live();
        if live.is_empty() {
            return;
        }
        for (turn, height) in std::mem::take(&mut self.no_hashes).into_iter().enumerate() {
            let client = self.clients[live[turn % live.len()]].clone();
            tokio::spawn(fetch_hashes(client, height, self.sender.clone()));
        }
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
                None if block.transactions > 0 => self.no_hashes.push(block.height),
                None => {}
            }
        }
        self.fetch_hashes();
    }

    fn final_hashes(&mut self, height: u64, hashes: &[B256]) {
        let now = self.now_us();
        let mut became_final = |hash: &B256| {
            let number = self.book.finalized(hash, now, height)?;
            tracing::trace!(name: spans::FINAL, target: spans::TARGET, hash = hash.as_slice());
            Some(number)
        };
        let ours: Vec<usize> = hashes.iter().filter_map(&mut became_final).collect();
        if !ours.is_empty() {
            self.outages.became_final(now);
        }
        for number in ours {
            self.replace(self.book.transfers[number].sender);
        }
    }

    /// With `--max`, one ends and the next begins.
    fn replace(&mut self, sender: usize) {
        let now = self.now_us();
        if matches!(self.pace, Pace::InFlight(_)) && now < self.schedule.window_end_us {
            let home = self.home_of(sender);
            self.due[home].push_back((sender, now));
        }
    }
}

async fn sleep_until(when: Option<Instant>) {
    if let Some(when) = when {
        tokio::time::sleep_until(when).await;
    }
}
