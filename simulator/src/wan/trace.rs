//! What a run left behind: when each view was proposed, left and final, validator by validator.

use super::stats::Summary;

/// Nothing happened yet.
pub const NEVER: u64 = u64::MAX;

/// One view, times in nanoseconds.
#[derive(Clone, Debug)]
pub struct ViewTrace {
    /// Who proposed.
    pub leader: usize,
    /// When the leader began to make the block.
    pub proposed: u64,
    /// Whether the block has room for transactions.
    pub carries: bool,
    /// When each validator went on to the next view.
    pub progressed: Vec<u64>,
    /// When the block was final for each validator.
    pub finalized: Vec<u64>,
}

impl ViewTrace {
    /// Of `n` validators, before anything happened.
    pub fn new(n: usize, leader: usize) -> Self {
        Self { leader, proposed: NEVER, carries: true, progressed: vec![NEVER; n], finalized: vec![NEVER; n] }
    }
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages, one for each receiver.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// View by view, in order.
    pub views: Vec<ViewTrace>,
    /// Of all views.
    pub traffic: Traffic,
}

impl Trace {
    /// A descendant's finality is the block's too.
    pub fn inherit_finality(&mut self) {
        let Some(last) = self.views.last() else { return };
        let mut earliest = last.finalized.clone();
        for view in self.views.iter_mut().rev().filter(|view| view.proposed != NEVER) {
            for (own, later) in view.finalized.iter_mut().zip(&mut earliest) {
                *later = (*own).min(*later);
                *own = *later;
            }
        }
    }

    /// Views that were proposed and became final, without the first `skip`.
    pub fn measured(&self, skip: usize) -> impl Iterator<Item = &ViewTrace> {
        let done = |view: &&ViewTrace| view.proposed != NEVER && !view.finalized.contains(&NEVER);
        self.views.iter().skip(skip).filter(done)
    }

    /// From the proposal until each validator went on.
    pub fn view_progress(&self, skip: usize) -> Vec<u64> {
        self.measured(skip).flat_map(|view| since(&view.progressed, view.proposed)).collect()
    }

    /// From the proposal until it was final for each validator.
    pub fn finality(&self, skip: usize) -> Vec<u64> {
        self.measured(skip).flat_map(|view| since(&view.finalized, view.proposed)).collect()
    }

    /// From one proposal to the next.
    pub fn intervals(&self, skip: usize) -> Vec<u64> {
        let proposed: Vec<u64> = self.measured(skip).map(|view| view.proposed).collect();
        proposed.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect()
    }

    /// View progress and finality of single views.
    pub fn summaries(&self) -> (Summary, Summary) {
        (Summary::of(&self.view_progress(0)), Summary::of(&self.finality(0)))
    }
}

fn since(times: &[u64], start: u64) -> impl Iterator<Item = u64> + '_ {
    times.iter().filter(|time| **time != NEVER).map(move |time| time.saturating_sub(start))
}
