//! What must be durable before a statement leaves (docs/protocol.md §3), as journal records in their order. Pure.
//!
//! Owns which records; when they are durable and what is sent then is the driver's (D-BEFORE-SEND).

use crate::effect::Ground;
use crate::mutation::{self, Mutation};
use crate::record::{Own, Record};
use crate::replica::Replica;
use crate::wire::{MAX_GAP_PROOFS, Proposal};
use minuet_core::View;
use minuet_core::block::Body;
use minuet_core::statement::Statement;
use std::sync::Arc;

/// What a journal holds of entry proofs since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Journaling {
    /// The newest view whose entry proof is journaled.
    entry: View,
}

impl Journaling {
    /// The records before a vote or a nullify. `block` is the voted block as it came, with its body: only for
    /// [`Ground::Block`].
    pub fn statement(
        &mut self,
        replica: &Replica,
        statement: Statement,
        ground: &Ground,
        block: Option<(Proposal, Arc<Body>)>,
    ) -> Vec<Record> {
        let mut records = Vec::new();
        let carried = match (ground, block) {
            (Ground::Block, Some((proposal, body))) => block_with_proofs(replica, proposal, body, &mut records),
            (Ground::Certificate(certificate), _) => {
                records.push(Record::Certificate(certificate.clone()));
                Some(certificate.view)
            }
            _ => None,
        };
        let nullifies = *ground == Ground::Nullify;
        if !(nullifies && mutation::is(Mutation::EntryProofNotDurable)) {
            self.entry_proof(replica, carried, &mut records);
        }
        let own = statement.digest().map_or(Own::Nullify, Own::Notarize);
        if !(nullifies && mutation::is(Mutation::ForgottenRecord)) {
            records.push(Record::Own { view: statement.view(), own });
        }
        records
    }

    /// The records before the own proposal, which is a vote too.
    pub fn proposal(&mut self, replica: &Replica, proposal: Proposal, body: Arc<Body>) -> Vec<Record> {
        let (view, digest) = (proposal.header.view(), proposal.header.digest());
        let carried = proposal.parent_proof.as_ref().map(|proof| proof.view);
        let mut records = vec![Record::Block { proposal, body }];
        self.entry_proof(replica, carried, &mut records);
        records.push(Record::Own { view, own: Own::Propose(digest) });
        records.push(Record::Own { view, own: Own::Notarize(digest) });
        records
    }

    /// The proof by which the current view was entered goes with the first statement after it, unless the proposal
    /// already carries it (D-ENTRY: a restart comes back to no earlier view).
    fn entry_proof(&mut self, replica: &Replica, carried: Option<View>, records: &mut Vec<Record>) {
        let Some(proof) = replica.entry_proof() else { return };
        if proof.view <= self.entry {
            return;
        }
        self.entry = proof.view;
        if carried != Some(proof.view) {
            records.push(Record::Certificate(proof.clone()));
        }
    }
}

/// A block that is voted for, with the proofs that are held here: those that its leader attached may be forged, and what
/// the journal holds is believed after a restart. Returns the view of the parent's proof.
fn block_with_proofs(
    replica: &Replica,
    mut proposal: Proposal,
    body: Arc<Body>,
    records: &mut Vec<Record>,
) -> Option<View> {
    let (parent_proof, gap) = replica.held_proofs(&proposal.header);
    for proof in gap.iter().skip(MAX_GAP_PROOFS) {
        records.push(Record::Certificate(proof.clone()));
    }
    proposal.gap = gap.iter().take(MAX_GAP_PROOFS).map(|proof| (**proof).clone()).collect();
    proposal.parent_proof = parent_proof.map(|proof| (*proof).clone());
    let carried = proposal.parent_proof.as_ref().map(|proof| proof.view);
    records.push(Record::Block { proposal, body });
    carried
}
