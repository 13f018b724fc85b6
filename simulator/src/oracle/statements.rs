//! What every key has said, as the network heard it; and what an honest key may say next.

use super::{Oracle, Slot};
use crate::coverage::Effect;
use minuet_consensus::record::Own;
use minuet_consensus::wire::{Proposal, Request, Response};
use minuet_core::certificate::Certificate;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::wire::FrameKind;
use minuet_core::{Bytes, Digest, ValidatorIndex, View};
use std::collections::{BTreeMap, BTreeSet};

/// One key in one view.
#[derive(Clone, Debug, Default)]
struct Said {
    notarized: BTreeSet<Digest>,
    nullified: bool,
    proposed: BTreeSet<Digest>,
}

/// Everybody's statements.
pub struct Statements {
    said: BTreeMap<View, Vec<Said>>,
    trusted: Vec<bool>,
}

impl Statements {
    pub fn new(n: usize) -> Self {
        Self { said: BTreeMap::new(), trusted: vec![true; n] }
    }

    pub fn distrust(&mut self, key: ValidatorIndex) {
        self.trusted[key.as_usize()] = false;
    }

    pub fn trusts(&self, key: ValidatorIndex) -> bool {
        self.trusted[key.as_usize()]
    }

    fn of(&mut self, key: ValidatorIndex, view: View) -> &mut Said {
        let n = self.trusted.len();
        &mut self.said.entry(view).or_insert_with(|| vec![Said::default(); n])[key.as_usize()]
    }

    pub fn has_notarized(&self, key: ValidatorIndex, view: View) -> bool {
        self.said.get(&view).is_some_and(|said| !said[key.as_usize()].notarized.is_empty())
    }

    /// Whether a key said two things in one view.
    fn is_double(&self, key: ValidatorIndex, view: View) -> bool {
        self.said.get(&view).is_some_and(|said| said[key.as_usize()].notarized.len() > 1)
    }

    /// R5: others that nullified the view or voted for something else in it; of those that lie anything may be known.
    fn contradicting(&self, key: ValidatorIndex, view: View, own: &Digest) -> usize {
        let Some(said) = self.said.get(&view) else { return 0 };
        let others = said.iter().enumerate().filter(|(other, _)| *other != key.as_usize());
        let contradicts = |said: &Said| said.nullified || said.notarized.iter().any(|digest| digest != own);
        others.filter(|(other, said)| !self.trusted[*other] || contradicts(said)).count()
    }

    fn forget_below(&mut self, view: View) {
        self.said = self.said.split_off(&view);
    }
}

impl Slot {
    fn holds(&self, view: View, own: Own) -> bool {
        self.durable.get(&view).is_some_and(|all| all.contains(&own))
    }
}

impl Oracle {
    /// A frame leaves a node. Of keys that lie it is only remembered.
    pub fn sent(&mut self, slot: usize, key: ValidatorIndex, kind: FrameKind, payload: &Bytes) {
        match kind {
            FrameKind::Statement => {
                if let Ok(signed) = SignedStatement::from_bytes(payload) {
                    self.said(slot, key, &signed);
                }
            }
            FrameKind::Proposal => {
                if let Ok(proposal) = Proposal::from_bytes(payload) {
                    self.proposed(slot, key, &proposal);
                }
            }
            FrameKind::Certificate if self.trusts(key) => {
                if let Ok(certificate) = Certificate::from_bytes(payload) {
                    self.certificate(&certificate, key);
                }
            }
            FrameKind::Request if self.trusts(key) => match Request::from_bytes(payload) {
                Ok(Request::Proof(_)) => self.coverage.saw(Effect::AskedForProof),
                Ok(Request::Block(_)) => self.coverage.saw(Effect::AskedForBlock),
                Ok(Request::Range(_)) => self.coverage.saw(Effect::AskedForRange),
                Err(_) => {}
            },
            FrameKind::Response if self.trusts(key) => {
                if let Ok(Response::Proofs { certificates, statements }) = Response::from_bytes(payload) {
                    certificates.iter().for_each(|certificate| self.certificate(certificate, key));
                    statements.iter().for_each(|signed| self.said(slot, key, signed));
                }
            }
            _ => {}
        }
    }

    fn proposed(&mut self, slot: usize, key: ValidatorIndex, proposal: &Proposal) {
        let header = &proposal.header;
        let (view, digest) = (header.view(), header.digest());
        let statement = Statement::Notarize { view, digest };
        self.said(slot, key, &SignedStatement { statement, signer: key, signature: proposal.signature });
        let said = self.statements.of(key, view);
        let is_new = said.proposed.insert(digest);
        let count = said.proposed.len();
        if !self.trusts(key) {
            return;
        }
        if is_new {
            self.coverage.saw(Effect::Proposed);
        }
        if count > 1 {
            self.violate("S-ONE-PROPOSAL", format!("validator {key} proposes {count} blocks in view {view}"));
        }
        if !self.slots[slot].holds(view, Own::Propose(digest)) {
            self.violate("D-BEFORE-SEND", format!("the proposal of view {view} left {key} before it was durable"));
        }
        proposal.parent_proof.iter().chain(&proposal.gap).for_each(|proof| self.certificate(proof, key));
        let gap = (header.parent_view().0 + 1..view.0).map(View).find(|view| !self.nullified.contains(view));
        if let Some(open) = gap {
            let what = format!(
                "{key} proposes in view {view} on view {}, and view {open} is not nullified",
                header.parent_view()
            );
            self.violate("S-PARENT", what);
        }
        let parent = header.parent();
        if !self.is_notarized(header.parent_view(), &parent) {
            self.violate("S-PARENT", format!("{key} proposes in view {view} on {parent}, which nobody notarized"));
        }
    }

    fn said(&mut self, slot: usize, key: ValidatorIndex, signed: &SignedStatement) {
        let (statement, signer) = (signed.statement, signed.signer);
        let view = statement.view();
        if signer.as_usize() >= self.n || view > self.slots[slot].view.plus(1_000_000) {
            return;
        }
        if !self.trusts(key) {
            return self.remember(signer, &statement);
        }
        if signer != key {
            return self.violate("S-CERT", format!("validator {key} sends a statement of {signer}"));
        }
        let own = statement.digest().map_or(Own::Nullify, Own::Notarize);
        let said = self.statements.of(key, view).clone();
        let is_new = statement.digest().map_or(!said.nullified, |digest| !said.notarized.contains(&digest));
        if !is_new {
            self.coverage.saw(Effect::SaidAgain);
            return;
        }
        if self.slots[slot].failed {
            self.violate("D-FAIL-STOP", format!("validator {key} says {statement:?} after its journal failed"));
        }
        if !self.slots[slot].holds(view, own) {
            self.violate("D-BEFORE-SEND", format!("validator {key} says {statement:?}, which is not durable"));
        }
        match statement.digest() {
            Some(digest) if !said.notarized.is_empty() => {
                let what = format!("validator {key} notarizes {digest} in view {view} beside {:?}", said.notarized);
                self.violate("S-ONE-VOTE", what);
            }
            Some(_) if said.nullified => {
                self.violate("S-NO-VOTE-AFTER-NULL", format!("validator {key} in view {view}"));
            }
            Some(_) => {}
            None => self.justified(key, view, &said),
        }
        self.remember(key, &statement);
        if view.0.is_multiple_of(256) {
            let low = self.slots.iter().map(|slot| slot.view).min().unwrap_or_default().minus(2048);
            self.statements.forget_below(low);
        }
    }

    fn justified(&mut self, key: ValidatorIndex, view: View, said: &Said) {
        let Some(own) = said.notarized.first() else { return };
        let others = self.statements.contradicting(key, view, own);
        if others < self.m() {
            let what = format!("validator {key} nullifies view {view} after its vote, and only {others} contradict it");
            self.violate("S-NULL-JUSTIFIED", what);
        }
    }

    fn remember(&mut self, signer: ValidatorIndex, statement: &Statement) {
        let said = self.statements.of(signer, statement.view());
        match statement.digest() {
            Some(digest) => _ = said.notarized.insert(digest),
            None => said.nullified = true,
        }
        if self.statements.is_double(signer, statement.view()) {
            self.coverage.saw(Effect::Equivocated);
        }
    }
}
