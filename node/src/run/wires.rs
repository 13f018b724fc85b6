//! All rings and bells of a node, made in one place: each ring with the bell of the thread that it feeds, and with the
//! sender's bell where the sender holds what does not fit.

use minuet_consensus::driver::DriverRings;
use minuet_core::messages::{
    Admitted, FinalizedBlock, JournalReply, JournalRequest, LedgerReply, LedgerRequest, MempoolReply, MempoolRequest,
    StateNotice, Submission,
};
use minuet_core::ring::{Doorbell, Receiver, RingMessage, RingStats, Sender, Waiter, ring, ring_with_room_bell};
use minuet_execution::LedgerRings;
use minuet_mempool::MempoolRings;
use minuet_p2p::{P2pRings, P2pWaiter};
use minuet_rpc::FinalizedBell;
use std::sync::Arc;

/// What each thread sleeps on.
pub struct Bells {
    pub consensus: Waiter,
    pub mempool: Waiter,
    pub ledger: Waiter,
    pub journal: Waiter,
    pub p2p: P2pWaiter,
    /// Wakes consensus to stop it.
    pub wake_consensus: Doorbell,
}

/// The journal's ends.
pub struct JournalEnds {
    pub requests: Receiver<JournalRequest>,
    pub replies: Sender<JournalReply>,
}

/// The API's ends.
pub struct ApiEnds {
    pub submissions: Sender<Submission>,
    pub finalized: Receiver<FinalizedBlock>,
    pub bell: FinalizedBell,
}

/// Everything that connects the services.
pub struct Wires {
    pub bells: Bells,
    pub consensus: DriverRings,
    pub network: P2pRings,
    pub mempool: MempoolRings,
    pub ledger: LedgerRings,
    pub journal: JournalEnds,
    pub api: ApiEnds,
    /// What the rings count, for observers.
    pub rings: Vec<RingWatch>,
}

/// A ring's counters under the name by which observers show them: the ring's own, except that two rings carry one type.
pub struct RingWatch {
    pub name: &'static str,
    pub stats: Arc<RingStats>,
}

/// A ring whose sender holds what does not fit and is rung when there is room.
fn pair<T: RingMessage>(receiver: &Doorbell, sender: &Doorbell) -> (Sender<T>, Receiver<T>) {
    ring_with_room_bell(T::CAPACITY, receiver, sender)
}

/// Makes them all.
pub fn connect() -> Wires {
    let (consensus_bell, consensus_waiter) = Doorbell::new();
    let (mempool_bell, mempool_waiter) = Doorbell::new();
    let (ledger_bell, ledger_waiter) = Doorbell::new();
    let (journal_bell, journal_waiter) = Doorbell::new();
    let (p2p_bell, p2p_waiter) = minuet_p2p::bell();
    let (api_bell, finalized_bell) = minuet_rpc::finalized_bell();

    let (network, from_p2p, mempool_p2p) = P2pRings::connect(&p2p_bell, &consensus_bell, &mempool_bell);
    let (mempool_out, requests) = pair::<MempoolRequest>(&mempool_bell, &consensus_bell);
    let (replies, mempool) = ring::<MempoolReply>(&consensus_bell);
    let (ledger_out, ledger_requests) = pair::<LedgerRequest>(&ledger_bell, &consensus_bell);
    let (ledger_replies, ledger) = ring::<LedgerReply>(&consensus_bell);
    let (journal_out, journal_requests) = pair::<JournalRequest>(&journal_bell, &consensus_bell);
    let (journal_replies, journal) = ring::<JournalReply>(&consensus_bell);
    let (notices_out, notices) = pair::<StateNotice>(&mempool_bell, &ledger_bell);
    let (admitted_out, admitted) = ring::<Admitted>(&Doorbell::silent());
    let (submissions_out, submissions) = ring::<Submission>(&mempool_bell);
    let (events, finalized) = ring::<FinalizedBlock>(&api_bell);

    let mut wires = Wires {
        rings: Vec::new(),
        bells: Bells {
            consensus: consensus_waiter,
            mempool: mempool_waiter,
            ledger: ledger_waiter,
            journal: journal_waiter,
            p2p: p2p_waiter,
            wake_consensus: consensus_bell,
        },
        consensus: DriverRings {
            certificates: from_p2p.certificates,
            votes: from_p2p.consensus,
            bulk: from_p2p.bulk,
            peers: from_p2p.events,
            urgent_out: from_p2p.urgent,
            bulk_out: from_p2p.bulk_commands,
            mempool_out,
            mempool,
            ledger_out,
            ledger,
            journal_out,
            journal,
        },
        network,
        mempool: MempoolRings {
            notices,
            peer_events: mempool_p2p.events,
            requests,
            submissions,
            frames: mempool_p2p.transactions,
            replies,
            gossip: mempool_p2p.gossip,
            admitted: admitted_out,
        },
        ledger: LedgerRings {
            requests: ledger_requests,
            replies: ledger_replies,
            admitted,
            notices: notices_out,
            events,
        },
        journal: JournalEnds { requests: journal_requests, replies: journal_replies },
        api: ApiEnds { submissions: submissions_out, finalized, bell: finalized_bell },
    };
    wires.rings = watches(&wires);
    wires
}

fn watches(wires: &Wires) -> Vec<RingWatch> {
    let Wires { consensus, network, mempool, ledger, api, .. } = wires;
    let own_names = [
        consensus.certificates.stats(),
        consensus.votes.stats(),
        consensus.bulk.stats(),
        consensus.urgent_out.stats(),
        consensus.bulk_out.stats(),
        consensus.mempool_out.stats(),
        consensus.mempool.stats(),
        consensus.ledger_out.stats(),
        consensus.ledger.stats(),
        consensus.journal_out.stats(),
        consensus.journal.stats(),
        mempool.submissions.stats(),
        mempool.frames.stats(),
        mempool.gossip.stats(),
        mempool.admitted.stats(),
        ledger.notices.stats(),
        api.finalized.stats(),
    ];
    let named = own_names.into_iter().map(|stats| RingWatch { name: stats.name(), stats: Arc::clone(stats) });
    let events = [
        ("p2p_consensus_events", network.consensus_events.stats()),
        ("p2p_mempool_events", network.mempool_events.stats()),
    ];
    let events = events.map(|(name, stats)| RingWatch { name, stats: Arc::clone(stats) });
    named.chain(events).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_ring_is_watched_once_under_a_name_of_its_own() {
        let wires = connect();
        let names: BTreeSet<_> = wires.rings.iter().map(|ring| ring.name).collect();
        assert_eq!(names.len(), wires.rings.len());
        // One for each message type that crosses between threads, and one more for peer events, which go two ways.
        let declared = include_str!("../../../core/src/messages.rs").matches("\nring_message!(").count();
        assert_eq!(names.len(), declared + 1);
    }
}
