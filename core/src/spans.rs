//! Names of the moments that a node tells of while spans are recorded (`minuet node --spans`): what happens to one
//! transfer and to one view, in the order in which it happens.
//!
//! Owns: the names, so that those who tell and those who add up cannot differ. Never does: tell. Whoever tells uses the
//! facade of `tracing` at the level of traces with [`TARGET`] as target and one of the names as the event's name, and never
//! reads a clock for it: whoever records takes the time. Fields are `view`, `hash` (a transaction's, as bytes) and `count`.

/// The target of all these events. Nothing else has it.
pub const TARGET: &str = "minuet::span";

macro_rules! moments {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: &str = $word;)+

        /// All names.
        pub const ALL: &[&str] = &[$($name,)+];
    };
}

moments! {
    /// A client hands a transfer to its node. `hash`; `count`: microseconds since it was due.
    OFFERED = "offered";
    /// The API has a transaction's bytes. `hash`.
    RECEIVED = "received";
    /// The pool has taken up a client's transaction. `hash`.
    TAKEN = "taken";
    /// The pool has taken up a peer's transaction that was not there yet. `hash`.
    HEARD = "heard";
    /// A transaction is in the pool: signature checked, a client's also in the pool log. `hash`.
    ADMITTED = "admitted";
    /// It goes to the network for the peers. `hash`.
    GOSSIPED = "gossiped";
    /// It is in an own block. `hash`, `view`.
    INCLUDED = "included";
    /// A client knows that it is final on all nodes. `hash`.
    FINAL = "final";

    /// A view began here. `view`.
    ENTERED = "entered";
    /// The leader is asked for a block. `view`.
    ASKED = "asked";
    /// The pool has chosen transactions for it. `view`, `count`: transactions.
    SELECTED = "selected";
    /// It is there: executed, with its roots. `view`, `count`: transactions.
    BUILT = "built";
    /// The proposal is durable and signed, and goes to the network. `view`.
    PROPOSED = "proposed";
    /// The leader's proposal is here. `view`.
    PROPOSAL = "proposal";
    /// The block's transactions are here. `view`.
    BODY = "body";
    /// The block was executed and is as its header says. `view`.
    JUDGED = "judged";
    /// The rules vote for it. `view`.
    DECIDED = "decided";
    /// The vote is durable and signed, and goes to the network. `view`.
    VOTED = "voted";
    /// M votes are held and checked. `view`.
    NOTARIZED = "notarized";
    /// L votes are held and checked. `view`.
    FINALIZED = "finalized";
    /// The ledger is asked to store the blocks up to this view's. `view`.
    COMMITTING = "committing";
    /// A block and its state are on the disk. `view`, `count`: transactions.
    STORED = "stored";
    /// Clients are told of it. `view`, `count`: transactions.
    TOLD = "told";

    /// The journal wrote and synced. `count`: microseconds of the sync.
    SYNCED = "synced";
    /// The ledger executed a block, roots included. `count`: microseconds.
    EXECUTED = "executed";
    /// The state root of that. `count`: microseconds.
    ROOTED = "rooted";
    /// The ledger stored final blocks. `count`: microseconds.
    WRITTEN = "written";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_moments_have_one_name() {
        assert_eq!(ALL.iter().collect::<BTreeSet<_>>().len(), ALL.len());
    }
}
