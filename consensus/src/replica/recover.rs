//! Starting, and starting again: the journal's records give back everything that was ever decided (D-ENTRY, D-FLOOR).
//!
//! A floor is no view that was entered: above the stored tip (the database is gone, or an operator named the floor) the
//! replica follows from its tip on like an observer, and signs again in the views above the floor.

use super::{BlockEntry, LeaderHistory, Replica, ReplicaConfig, Tip, ViewState};
use crate::record::{Own, Record};
use crate::wire::Proposal;
use minuet_core::block::Body;
use minuet_core::certificate::CertificateKind;
use minuet_core::{Digest, View};
use std::collections::BTreeMap;
use std::sync::Arc;
use thiserror::Error;

/// A replica with the blocks that its journal holds.
#[derive(Debug)]
pub struct Recovered {
    /// Ready for [`crate::input::Input::Start`].
    pub replica: Replica,
    /// Blocks above the final one, with the proposals in which they came.
    pub blocks: BTreeMap<Digest, (Proposal, Arc<Body>)>,
}

/// The journal contradicts itself: it is not this validator's, or it was tampered with.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RecoveryError {
    /// Two different votes in one view.
    #[error(
        "the journal holds two different votes of view {view}: it is damaged; do not sign with it (see docs/operations.md)"
    )]
    TwoVotes {
        /// The view.
        view: View,
    },
}

impl Replica {
    /// A replica that remembers `records`, on top of the newest stored final block. Without records and at genesis it
    /// begins with view 1.
    ///
    /// # Errors
    /// [`RecoveryError`] if the records contradict each other.
    pub fn recover(config: ReplicaConfig, tip: Tip, records: Vec<Record>) -> Result<Recovered, RecoveryError> {
        let quorums = config.rules.committee.quorums();
        let delta_us = config.timing.delta_base_us;
        let view = tip.header.view().next();
        let mut replica = Self {
            quorums,
            view,
            floor: View::GENESIS,
            entry_proof: tip.finalization.clone(),
            tip,
            pending_final: None,
            gap: None,
            links_changed: true,
            views: BTreeMap::new(),
            blocks: BTreeMap::new(),
            history: vec![LeaderHistory::default(); quorums.n()],
            delta_us,
            has_gap: false,
            halted: false,
            config,
        };
        let mut blocks = BTreeMap::new();
        for record in records {
            replica.replay(record, &mut blocks)?;
        }
        replica.entry_proof = match replica.views.get(&replica.view.previous()) {
            Some(state) => state.proof().cloned(),
            None => replica.tip.finalization.clone().filter(|proof| proof.view == replica.view.previous()),
        };
        Ok(Recovered { replica, blocks })
    }

    fn replay(
        &mut self,
        record: Record,
        blocks: &mut BTreeMap<Digest, (Proposal, Arc<Body>)>,
    ) -> Result<(), RecoveryError> {
        let view = record.view();
        if let Record::Floor(floor) = record {
            self.floor = self.floor.max(floor);
            return Ok(());
        }
        if view <= self.tip.header.view() {
            return Ok(());
        }
        let n = self.quorums.n();
        let state = self.views.entry(view).or_insert_with(|| ViewState::new(n));
        let entered = match record {
            Record::Own { own, .. } => {
                Self::replay_own(state, view, own)?;
                view
            }
            Record::Certificate(certificate) => {
                match certificate.kind {
                    CertificateKind::Nullification => state.nullification = Some(certificate.clone()),
                    kind => {
                        if kind == CertificateKind::Finalization {
                            state.finalization = Some(certificate.clone());
                        }
                        state.notarizations.insert(certificate.digest, certificate.clone());
                    }
                }
                self.note_finalization(&certificate);
                view.next()
            }
            Record::Block { proposal, body } => {
                let header = proposal.header.clone();
                state.proposal.get_or_insert(header.digest());
                self.blocks.insert(header.digest(), BlockEntry { header, valid: None });
                for proof in proposal.parent_proof.iter().chain(&proposal.gap) {
                    self.replay(Record::Certificate(Arc::new(proof.clone())), blocks)?;
                }
                blocks.insert(proposal.header.digest(), (proposal, body));
                view
            }
            Record::Floor(_) => view,
        };
        self.view = self.view.max(entered);
        Ok(())
    }

    fn replay_own(state: &mut ViewState, view: View, own: Own) -> Result<(), RecoveryError> {
        let place = match own {
            Own::Propose(_) => &mut state.own_proposed,
            Own::Notarize(_) => &mut state.own_notarized,
            Own::Nullify => {
                state.own_nullified = true;
                return Ok(());
            }
        };
        let (Own::Propose(digest) | Own::Notarize(digest)) = own else { return Ok(()) };
        if place.is_some_and(|said| said != digest) {
            return Err(RecoveryError::TwoVotes { view });
        }
        *place = Some(digest);
        Ok(())
    }
}
