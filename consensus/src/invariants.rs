//! The named invariants of docs/protocol.md §4 that one replica can check of itself, after every step.

use crate::quorum;
use crate::replica::Replica;
use minuet_core::certificate::CertificateKind;

/// Asserts them all.
///
/// # Panics
/// Names the invariant that is broken; always a bug.
pub fn check(replica: &Replica) {
    let tip = replica.tip().header.view();
    assert!(replica.view() > tip, "R9: the current view is above the final one");
    for (view, state) in replica.views().range(replica.view().previous()..=replica.view()) {
        assert!(*view > tip, "L-PRUNE: nothing is kept of final views");
        if let (Some(proposed), Some(notarized)) = (state.own_proposed, state.own_notarized) {
            assert_eq!(proposed, notarized, "S-ONE-VOTE: a leader votes for its own proposal in view {view}");
        }
        if let Some(finalization) = &state.finalization {
            assert_eq!(finalization.kind, CertificateKind::Finalization, "S-CERT in view {view}");
            let count = finalization.signers.count();
            assert!(count >= quorum::l(replica.quorums()), "S-QUORUM: {count} signers finalize view {view}");
        }
    }
}
