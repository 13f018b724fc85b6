//! L-SYNC: which final blocks are asked for, of whom, and what has arrived before its turn. Plain data: no ring, no
//! signature, no clock of its own.
//!
//! Invariants:
//! - Windows and parts do not overlap and lie above the newest final block; what neither covers is asked for anew, so
//!   nothing that goes wrong with one of them leaves a hole behind.
//! - Requests under way, and bytes that wait for their turn, are bounded. The next blocks are always asked for.
//! - A peer that lies or is slow is asked last; while nobody else is there it is asked all the same.

use crate::verify::Verified;
use crate::wire::{MAX_RESPONSE_BLOCKS, ServedBlock};
use minuet_core::certificate::Certificate;
use minuet_core::{Digest, Height, PeerId};
use std::collections::{BTreeMap, BTreeSet};

/// Requests under way at most, altogether and at one peer.
const MAX_WINDOWS: usize = 4;
const MAX_PER_PEER: usize = 2;
/// Bytes that wait for their predecessors at most; every request under way counts as much as an answer may hold.
const MAX_WAITING_BYTES: usize = 16 << 20;
const ANSWER_BYTES: usize = 1 << 20;
/// An answer of so many bytes was cut short because it was full.
const FULL_BYTES: usize = ANSWER_BYTES / 2;
/// Before another peer is asked for the same. Silence does not make it longer, only answers that come later: on a slow
/// link, more questions would only bring the same blocks more often; where messages are lost, waiting brings nothing.
const PATIENCE_US: u64 = 1_000_000;
const MAX_PATIENCE_US: u64 = 4_000_000;
/// How long a peer is asked last: after it had nothing, after it let time pass, after it lied.
const NOTHING_US: u64 = 500_000;
const SLOW_US: u64 = 2_000_000;
const LIE_US: u64 = 60_000_000;
/// Requests of one peer that are remembered, so that a late answer is told from one that nobody asked for.
const MAX_REMEMBERED: usize = 64;
const MIN_STRIDE: u64 = 16;
const MAX_STRIDE: u64 = MAX_RESPONSE_BLOCKS as u64;

/// One request for blocks upwards from a height.
#[derive(Debug)]
struct Window {
    to: Height,
    /// Who is being asked.
    asked: Option<PeerId>,
    /// Who was asked in vain.
    tried: BTreeSet<PeerId>,
    /// When the next peer is asked.
    due_us: u64,
}

/// Blocks that have arrived: linked with each other, the first `proven` of them under a verified finalization of the
/// last of these. The rest is proven by what follows it.
#[derive(Debug)]
pub(super) struct Part {
    pub peer: PeerId,
    pub blocks: Vec<ServedBlock>,
    pub proven: usize,
    pub finalization: Option<Verified<Certificate>>,
    /// In memory, about.
    bytes: usize,
}

#[derive(Debug, Default)]
struct Conduct {
    /// Asked last until then.
    shy_until_us: u64,
    /// First heights of requests that it has not answered, and how many of each: it may be asked again for what was
    /// given up and is wanted after all.
    unanswered: BTreeMap<Height, u32>,
}

impl Conduct {
    /// Takes an answer; false if none was owed.
    fn answered(&mut self, from: Height) -> bool {
        let Some(open) = self.unanswered.get_mut(&from) else { return false };
        *open -= 1;
        if *open == 0 {
            self.unanswered.remove(&from);
        }
        true
    }
}

/// What became of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// To this window: from, to.
    Wanted(Height, Height),
    /// To a request that somebody else has answered meanwhile.
    Late,
    /// To none.
    Unrequested,
}

/// The next blocks of the chain, as far as they are here.
#[derive(Debug)]
pub(super) enum Next {
    /// Final blocks on the newest final one. Without a finalization the last is the block that the rules miss.
    Chain(Vec<ServedBlock>, Option<Verified<Certificate>>),
    /// This peer's blocks do not lead to what is final; they are forgotten.
    Lie(PeerId),
    /// Not here yet.
    Missing,
}

/// Ranges under way.
#[derive(Debug)]
pub(super) struct Catchup {
    /// The highest block to ask for; `None` while the peers are not far ahead.
    goal: Option<Height>,
    /// Blocks that one answer holds, about.
    stride: u64,
    windows: BTreeMap<Height, Window>,
    parts: BTreeMap<Height, Part>,
    conduct: BTreeMap<PeerId, Conduct>,
    turn: usize,
    /// How long an answer is waited for.
    patience_us: u64,
    /// Somebody had nothing, and no range has come since: perhaps nobody stored what is final, because everybody lacks
    /// another part of it.
    is_barren: bool,
}

impl Part {
    pub fn new(
        peer: PeerId,
        blocks: Vec<ServedBlock>,
        proven: usize,
        finalization: Option<Verified<Certificate>>,
    ) -> Self {
        let bytes = blocks.iter().map(bytes_of).sum();
        Self { peer, blocks, proven, finalization, bytes }
    }

    /// How many of its blocks are proven. The missing header may lie anywhere among them: those above it have come
    /// another way meanwhile.
    fn proven(&self, missing: Option<Digest>) -> usize {
        let known = self.blocks.iter().rposition(|served| Some(served.block.digest()) == missing);
        known.map_or(self.proven, |place| self.proven.max(place + 1))
    }

    fn is_proven(&self, missing: Option<Digest>) -> bool {
        self.proven(missing) > 0
    }

    fn last(&self) -> Height {
        self.blocks.last().map_or(Height(0), |served| served.block.header().height())
    }
}

fn bytes_of(served: &ServedBlock) -> usize {
    let envelopes = &served.block.body().transactions;
    1024 + envelopes.iter().map(|envelope| envelope.len() + 64).sum::<usize>()
}

impl Catchup {
    pub const fn new() -> Self {
        Self {
            goal: None,
            stride: MAX_STRIDE,
            windows: BTreeMap::new(),
            parts: BTreeMap::new(),
            conduct: BTreeMap::new(),
            turn: 0,
            patience_us: PATIENCE_US,
            is_barren: false,
        }
    }

    pub const fn goal(&self) -> Option<Height> {
        self.goal
    }

    pub const fn is_on(&self) -> bool {
        self.goal.is_some()
    }

    /// What to aim at, with the newest final block here: what lies at or below it is done.
    pub fn aim(&mut self, goal: Option<Height>, tip: Height) {
        self.goal = goal;
        let Some(goal) = goal else {
            self.windows.clear();
            self.parts.clear();
            self.is_barren = false;
            return;
        };
        // What lies above the goal came another way; the rest of a window is still on its way.
        self.windows.retain(|from, _| *from > tip && *from <= goal);
        self.windows.values_mut().for_each(|window| window.to = window.to.min(goal));
        while let Some(entry) = self.parts.first_entry().filter(|entry| *entry.key() <= tip) {
            let mut part = entry.remove();
            let before = part.blocks.len();
            part.blocks.retain(|served| served.block.header().height() > tip);
            part.proven = part.proven.saturating_sub(before - part.blocks.len());
            if let Some(first) = part.blocks.first() {
                self.parts.entry(first.block.header().height()).or_insert(part);
            }
        }
    }

    pub fn peer_gone(&mut self, peer: PeerId) {
        self.conduct.remove(&peer);
        self.ask_others(peer);
    }

    /// What this peer owes is asked for again, at once.
    fn ask_others(&mut self, peer: PeerId) {
        for window in self.windows.values_mut().filter(|window| window.asked == Some(peer)) {
            (window.asked, window.due_us) = (None, 0);
        }
    }

    pub fn next_us(&self) -> Option<u64> {
        self.windows.values().map(|window| window.due_us).min()
    }

    /// The last height that is asked for or here, from this one on without a hole.
    fn covered_from(&self, at: Height) -> Option<Height> {
        let window = self.windows.range(..=at).next_back().map(|(_, window)| window.to);
        let part = self.parts.range(..=at).next_back().map(|(_, part)| part.last());
        window.into_iter().chain(part).filter(|to| *to >= at).max()
    }

    fn lay_windows(&mut self, tip: Height) {
        let Some(goal) = self.goal else { return };
        let waiting: usize = self.parts.values().map(|part| part.bytes).sum();
        let mut at = tip.next();
        while at <= goal {
            if let Some(to) = self.covered_from(at) {
                at = to.next();
                continue;
            }
            let reserved = waiting + (self.windows.len() + 1) * ANSWER_BYTES;
            let has_room = self.windows.len() < MAX_WINDOWS && reserved <= MAX_WAITING_BYTES;
            if !has_room && at != tip.next() {
                return;
            }
            let next = self.windows.range(at..).next().map(|(from, _)| *from);
            let next_part = self.parts.range(at..).next().map(|(from, _)| *from);
            let before = next.into_iter().chain(next_part).min().map_or(goal.0, |next| next.0 - 1);
            let to = Height(at.0.saturating_add(self.stride - 1).min(before).min(goal.0));
            let window = Window { to, asked: None, tried: BTreeSet::new(), due_us: 0 };
            self.windows.insert(at, window);
            at = to.next();
        }
    }

    /// Whom to ask now for the blocks from which height on.
    pub fn plan(&mut self, now_us: u64, tip: Height, peers: &BTreeSet<PeerId>) -> Vec<(PeerId, Height)> {
        self.lay_windows(tip);
        let mut asks = Vec::new();
        let due: Vec<Height> =
            self.windows.iter().filter(|(_, window)| window.due_us <= now_us).map(|(from, _)| *from).collect();
        for from in due {
            if let Some(slow) = self.windows.get_mut(&from).and_then(|window| window.asked.take()) {
                self.shun(slow, now_us, SLOW_US);
            }
            let Some(peer) = self.choose(from, now_us, peers) else {
                self.postpone(from, now_us.saturating_add(PATIENCE_US / 50));
                continue;
            };
            let Some(window) = self.windows.get_mut(&from) else { continue };
            window.due_us = now_us.saturating_add(self.patience_us);
            window.asked = Some(peer);
            window.tried.insert(peer);
            let unanswered = &mut self.conduct.entry(peer).or_default().unanswered;
            *unanswered.entry(from).or_insert(0) += 1;
            if unanswered.len() > MAX_REMEMBERED {
                unanswered.pop_first();
            }
            asks.push((peer, from));
        }
        asks
    }

    fn postpone(&mut self, from: Height, due_us: u64) {
        if let Some(window) = self.windows.get_mut(&from) {
            window.due_us = due_us;
        }
    }

    /// Good peers with the fewest requests first, those not tried yet before the others. While a good one is only busy,
    /// it is waited for.
    fn choose(&mut self, from: Height, now_us: u64, peers: &BTreeSet<PeerId>) -> Option<PeerId> {
        let window = self.windows.get(&from)?;
        let busy = |peer: &PeerId| self.windows.values().filter(|other| other.asked == Some(*peer)).count();
        let is_shy = |peer: &PeerId| self.conduct.get(peer).is_some_and(|conduct| conduct.shy_until_us > now_us);
        let good: Vec<PeerId> = peers.iter().filter(|peer| !is_shy(peer)).copied().collect();
        let asked: Vec<PeerId> = if good.is_empty() { peers.iter().copied().collect() } else { good };
        let turn = self.turn;
        let place = |at: usize| (at + asked.len() - turn % asked.len().max(1)) % asked.len().max(1);
        let free = asked.iter().enumerate().filter(|(_, peer)| busy(peer) < MAX_PER_PEER);
        let chosen = free.min_by_key(|(at, peer)| (window.tried.contains(peer), busy(peer), place(*at)))?.1;
        let chosen = *chosen;
        self.turn = self.turn.wrapping_add(1);
        Some(chosen)
    }

    fn shun(&mut self, peer: PeerId, now_us: u64, for_us: u64) {
        let conduct = self.conduct.entry(peer).or_default();
        conduct.shy_until_us = conduct.shy_until_us.max(now_us.saturating_add(for_us));
    }

    /// The peer lied: it is asked last for long, and others are asked for what it owes.
    pub fn distrust(&mut self, peer: PeerId, now_us: u64) {
        self.shun(peer, now_us, LIE_US);
        self.ask_others(peer);
    }

    /// The peer has nothing there: no offence, its history may be shorter or its chain not so long. To which request it
    /// says so is not known: all of them go to others too.
    pub fn has_nothing(&mut self, peer: PeerId, now_us: u64) {
        self.shun(peer, now_us, NOTHING_US);
        self.ask_others(peer);
        self.is_barren = self.is_on();
    }

    /// Whether ranges may not bring what is missing.
    pub const fn is_barren(&self) -> bool {
        self.is_barren
    }

    /// Which request this is the answer to, by the height of its first block.
    pub fn match_answer(&mut self, peer: PeerId, from: Height) -> Answer {
        let was_asked = self.conduct.get_mut(&peer).is_some_and(|conduct| conduct.answered(from));
        if !was_asked {
            return Answer::Unrequested;
        }
        let window = self.windows.get(&from);
        self.patience_us = if window.is_some_and(|window| window.asked == Some(peer)) {
            (self.patience_us - self.patience_us / 8).max(PATIENCE_US)
        } else {
            (self.patience_us * 2).min(MAX_PATIENCE_US)
        };
        window.map_or(Answer::Late, |window| Answer::Wanted(from, window.to))
    }

    /// Takes in what answers a window. What it lacks is asked for again; of whom depends on how much it brought.
    pub fn arrived(&mut self, from: Height, part: Part, now_us: u64) {
        let Some(window) = self.windows.remove(&from) else { return };
        let (count, bytes) = (part.blocks.len() as u64, part.bytes);
        let is_whole = part.last() >= window.to;
        if bytes >= FULL_BYTES && !is_whole {
            self.stride = (count - count / 8).clamp(MIN_STRIDE, MAX_STRIDE);
        } else if is_whole {
            self.stride = (self.stride + self.stride / 8 + 1).min(MAX_STRIDE);
        } else {
            self.shun(part.peer, now_us, NOTHING_US);
        }
        if count > 0 {
            self.is_barren = false;
            self.parts.insert(from, part);
        }
    }

    /// Takes out the next blocks that are proven final. `missing` is the header that the rules miss: known to be final.
    pub fn take_next(&mut self, tip: Height, tip_digest: Digest, missing: Option<Digest>) -> Next {
        let (mut at, mut parent, mut before) = (tip.next(), tip_digest, None);
        loop {
            let Some(part) = self.parts.get(&at) else { return Next::Missing };
            let Some(first) = part.blocks.first() else { return Next::Missing };
            if first.block.header().parent() != parent {
                return self.settle_break(at, before, missing);
            }
            if part.is_proven(missing) {
                return self.take_up_to(tip.next(), at, missing);
            }
            before = Some(at);
            at = part.last().next();
            parent = part.blocks.last().map_or(parent, |last| last.block.digest());
        }
    }

    /// Two neighbours do not fit. The proven one is right; without proof on either side both are asked for again.
    fn settle_break(&mut self, at: Height, before: Option<Height>, missing: Option<Digest>) -> Next {
        let is_proven = self.parts.get(&at).is_some_and(|part| part.is_proven(missing));
        match before {
            // On the newest final block itself: under a genuine finalization this is a fork, which the rules judge (R8).
            None if is_proven => self.take_up_to(at, at, missing),
            None => self.drop_part(at).map_or(Next::Missing, Next::Lie),
            Some(before) if is_proven => self.drop_part(before).map_or(Next::Missing, Next::Lie),
            Some(before) => {
                self.drop_part(before);
                self.drop_part(at);
                Next::Missing
            }
        }
    }

    /// Forgets blocks that have another one where this one is known to be final; whose they were.
    pub fn drop_mismatch(&mut self, height: Height, digest: Digest) -> Option<PeerId> {
        let (from, part) = self.parts.range(..=height).next_back()?;
        let served = part.blocks.get(usize::try_from(height.0 - from.0).ok()?)?;
        let is_wrong = part.proven == 0 && served.block.digest() != digest;
        let from = *from;
        if is_wrong { self.drop_part(from) } else { None }
    }

    fn drop_part(&mut self, from: Height) -> Option<PeerId> {
        self.parts.remove(&from).map(|part| part.peer)
    }

    /// The parts from `from` on, up to the proven end of the one at `last`, whose unproven rest stays.
    fn take_up_to(&mut self, from: Height, last: Height, missing: Option<Digest>) -> Next {
        let mut rest = self.parts.split_off(&last);
        let mut chain: Vec<ServedBlock> =
            self.parts.split_off(&from).into_values().flat_map(|part| part.blocks).collect();
        let Some(mut part) = rest.remove(&last) else { return Next::Missing };
        self.parts.append(&mut rest);
        let proven = part.proven(missing);
        let finalization = if proven == part.proven { part.finalization.take() } else { None };
        let unproven = part.blocks.split_off(proven);
        chain.append(&mut part.blocks);
        if let Some(first) = unproven.first() {
            let height = first.block.header().height();
            self.parts.insert(height, Part::new(part.peer, unproven, 0, None));
        }
        Next::Chain(chain, finalization)
    }
}

#[cfg(test)]
mod tests;
