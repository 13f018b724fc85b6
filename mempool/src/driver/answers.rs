//! Consensus' two open questions: transactions for a block, and whether the leader has something to propose (R4).
//!
//! Each is looked at in full when it is asked and when blocks were executed or became final, and otherwise only for the
//! senders that changed, so that a question that stays open costs nothing while the pool is busy with others.

use super::gossip::Gossip;
use crate::{Overlay, Pool, SelectLimits};
use minuet_core::messages::{Branch, MempoolReply, MempoolRequest, StateNotice};
use minuet_core::ring::Sender;
use minuet_core::{Address, PeerId, View};

#[derive(Debug)]
struct Question<Q> {
    view: View,
    branch: Branch,
    what: Q,
    /// Made when all of the branch's blocks are known, again when blocks became final.
    overlay: Option<Overlay>,
    /// To be looked at in full.
    is_fresh: bool,
}

impl<Q> Question<Q> {
    const fn new(view: View, branch: Branch, what: Q) -> Self {
        Self { view, branch, what, overlay: None, is_fresh: true }
    }

    fn note(&mut self, notice: &StateNotice) {
        match notice {
            StateNotice::Executed { .. } => self.is_fresh |= self.overlay.is_none(),
            StateNotice::Finalized { .. } => {
                self.overlay = None;
                self.is_fresh = true;
            }
        }
    }

    /// The branch, if it is known and this question is to be looked at; with whether in full.
    fn look(&mut self, pool: &Pool) -> Option<(&Overlay, bool)> {
        let is_fresh = std::mem::take(&mut self.is_fresh);
        if is_fresh && self.overlay.is_none() {
            self.overlay = pool.overlay(&self.branch);
        }
        self.overlay.as_ref().map(|overlay| (overlay, is_fresh))
    }
}

/// The questions that wait.
#[derive(Debug, Default)]
pub(super) struct Answers {
    select: Option<Question<SelectLimits>>,
    watch: Option<Question<PeerId>>,
}

impl Answers {
    pub(super) fn ask(&mut self, request: MempoolRequest) {
        match request {
            MempoolRequest::Select { view, branch, max_bytes, max_gas } => {
                self.select = Some(Question::new(view, branch, SelectLimits { max_bytes, max_gas }));
            }
            MempoolRequest::Cancel => self.select = None,
            MempoolRequest::Watch { view, branch, leader } => {
                self.watch = Some(Question::new(view, branch, leader));
            }
        }
    }

    /// Whether a block is to be made and nothing was there for it yet.
    pub(super) const fn is_selecting(&self) -> bool {
        self.select.is_some()
    }

    pub(super) fn note(&mut self, notice: &StateNotice) {
        if let Some(select) = &mut self.select {
            select.note(notice);
        }
        if let Some(watch) = &mut self.watch {
            watch.note(notice);
        }
    }

    /// Something was handed over outside of a round.
    pub(super) const fn look_again(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.is_fresh = true;
        }
    }

    /// Answers what can be answered; `changed` are the senders whose transactions came in or were handed on. At most one
    /// reply per request, so the replies always fit.
    pub(super) fn give(
        &mut self,
        pool: &Pool,
        gossip: &Gossip,
        changed: &[Address],
        replies: &mut Sender<MempoolReply>,
    ) {
        if let Some(reply) = self.selected(pool, changed) {
            self.select = None;
            // A consensus that is gone needs no answer; the node is stopping.
            let _ = replies.send_fitting(reply);
        }
        if let Some(reply) = self.handed(pool, gossip, changed) {
            self.watch = None;
            let _ = replies.send_fitting(reply);
        }
    }

    fn selected(&mut self, pool: &Pool, changed: &[Address]) -> Option<MempoolReply> {
        let select = self.select.as_mut()?;
        let (view, limits) = (select.view, select.what);
        let (overlay, is_fresh) = select.look(pool)?;
        if !is_fresh && !changed.iter().any(|sender| pool.is_executable(overlay, sender)) {
            return None;
        }
        let transactions = pool.select(overlay, limits);
        (!transactions.is_empty()).then_some(MempoolReply::Selected { view, transactions })
    }

    fn handed(&mut self, pool: &Pool, gossip: &Gossip, changed: &[Address]) -> Option<MempoolReply> {
        let watch = self.watch.as_mut()?;
        let (view, leader) = (watch.view, watch.what);
        let since = gossip.since(leader);
        let (overlay, is_fresh) = watch.look(pool)?;
        let is_handed = changed.iter().any(|sender| pool.is_handed(overlay, sender, leader, since))
            || (is_fresh && pool.any_handed(overlay, leader, since));
        is_handed.then_some(MempoolReply::Handed { view })
    }
}
