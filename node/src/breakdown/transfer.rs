//! The way of one transfer, from the moment at which it was due to the moment at which its client knows that it is final on
//! all nodes, cut into stages that follow each other without gaps: for every transfer they add up to its latency.
//!
//! Of the six nodes the way goes over those that it waited for: the one that it was given to, the leader of its block, the
//! validator whose vote was the last that a quorum needed, and the node that knew last.

use super::book::{Book, Node, Transfer};
use minuet_core::committee::Quorums;
use minuet_core::spans;
use std::collections::BTreeMap;
use std::ops::Range;

/// The stages in their order, with what each is.
pub const STAGES: [(&str, &str); 17] = [
    ("client", "due until signed and handed to its node's queue"),
    ("submission", "client's queue, gRPC, until the API has the bytes"),
    ("pool queue", "until the pool takes it up"),
    ("admission", "decoding, state, signature, pool log"),
    ("gossip out", "until it goes to the network"),
    ("gossip", "network, until the leader's pool takes it up"),
    ("admission (leader)", "the same checks there"),
    ("leader's turn", "until it is chosen for a block"),
    ("build", "execution and roots of the block at the leader"),
    ("proposal journal", "append, sync, signature"),
    ("proposal", "network, until header and body are at the deciding voter"),
    ("execution", "the block judged there"),
    ("vote journal", "vote decided, append, sync, signature"),
    ("quorum", "votes on their way, gathered and checked, at the last node"),
    ("commit", "one batch of RocksDB, synced, at the last node"),
    ("notification", "until that node tells its clients"),
    ("client hears", "until the client knows it of all nodes"),
];

/// Microseconds of each stage.
pub type Stages = [u64; STAGES.len()];

/// Those that were offered within a time: their stages, and how many have none because a moment is missing, by its name.
#[must_use]
pub fn stages_of_all(book: &Book, quorums: Quorums, within: &Range<u64>) -> (Vec<Stages>, BTreeMap<&'static str, u64>) {
    let mut all = Vec::new();
    let mut unknown: BTreeMap<&'static str, u64> = BTreeMap::new();
    for transfer in book.transfers.values() {
        if !transfer.offered.is_some_and(|(due_us, _)| within.contains(&due_us)) {
            continue;
        }
        match stages(book, quorums, transfer) {
            Ok(stages) => all.push(stages),
            Err(missing) => *unknown.entry(missing).or_default() += 1,
        }
    }
    (all, unknown)
}

/// One transfer's.
///
/// # Errors
/// The name of a moment that is missing.
pub fn stages(book: &Book, quorums: Quorums, transfer: &Transfer) -> Result<Stages, &'static str> {
    let moments = way(book, quorums, transfer)?;
    let mut stages = [0; STAGES.len()];
    for (stage, ends) in stages.iter_mut().zip(moments.windows(2)) {
        *stage = ends[1].saturating_sub(ends[0]);
    }
    Ok(stages)
}

/// The moments between the stages, ascending.
fn way(book: &Book, quorums: Quorums, transfer: &Transfer) -> Result<[u64; STAGES.len() + 1], &'static str> {
    let (due, offered) = transfer.offered.ok_or(spans::OFFERED)?;
    let end = transfer.final_us.ok_or(spans::FINAL)?;
    let (home, received) = transfer.first(spans::RECEIVED).ok_or(spans::RECEIVED)?;
    let is_final = |(view, _): &&(u64, Node)| book.transactions_of(*view).is_some();
    let (view, leader) = *transfer.included.iter().find(is_final).ok_or(spans::INCLUDED)?;
    let of_transfer = |name, node| transfer.at(name, node).ok_or(name);
    let of_view = |name, node| book.at(name, node, view).ok_or(name);

    let admitted = of_transfer(spans::ADMITTED, home)?;
    let [gossiped, heard, at_leader] = if home == leader {
        [admitted; 3]
    } else {
        let [gossiped, heard] = [of_transfer(spans::GOSSIPED, home)?, of_transfer(spans::HEARD, leader)?];
        [gossiped, heard, of_transfer(spans::ADMITTED, leader)?]
    };
    let proposed = of_view(spans::PROPOSED, leader)?;
    let (voter, voted) = deciding_vote(book, quorums, view, (leader, proposed))?;
    let [here, judged] = if voter == leader {
        [proposed; 2]
    } else {
        let here = of_view(spans::PROPOSAL, voter)?.max(of_view(spans::BODY, voter)?);
        [here, of_view(spans::JUDGED, voter)?]
    };
    let (last, told) = told_last(book, view)?;
    let finalized = book.at_or_above(spans::FINALIZED, last, view).ok_or(spans::FINALIZED)?;
    let mut moments = [
        due,
        offered,
        received,
        of_transfer(spans::TAKEN, home)?,
        admitted,
        gossiped,
        heard,
        at_leader,
        of_view(spans::SELECTED, leader)?,
        of_view(spans::BUILT, leader)?,
        proposed,
        here,
        judged,
        voted,
        finalized,
        of_view(spans::STORED, last)?,
        told,
        end,
    ];
    in_order(&mut moments);
    Ok(moments)
}

/// The first and the last moment stand; none between them lies behind one that follows it. A vote by certificate, for
/// example, can be cast before the block is judged: then it did not wait for that.
fn in_order(moments: &mut [u64]) {
    let Some(first) = moments.first().copied() else { return };
    for place in (1..moments.len()).rev() {
        moments[place - 1] = moments[place - 1].min(moments[place]);
    }
    for moment in moments {
        *moment = (*moment).max(first);
    }
}

/// The vote that made a quorum for finality possible: the leader's proposal is one, too.
fn deciding_vote(
    book: &Book,
    quorums: Quorums,
    view: u64,
    (leader, proposed): (Node, u64),
) -> Result<(Node, u64), &'static str> {
    let voted = |node| if node == leader { Some(proposed) } else { book.at(spans::VOTED, node, view) };
    let mut votes: Vec<(u64, Node)> = (0..book.nodes).filter_map(|node| Some((voted(node)?, node))).collect();
    votes.sort_unstable();
    let needed = quorums.l();
    votes.get(needed.saturating_sub(1)).map(|(at_us, node)| (*node, *at_us)).ok_or(spans::VOTED)
}

/// The node whose clients were told last; all must have been.
fn told_last(book: &Book, view: u64) -> Result<(Node, u64), &'static str> {
    let mut last = (0, 0);
    for node in 0..book.nodes {
        let told = book.at(spans::TOLD, node, view).ok_or(spans::TOLD)?;
        if told >= last.1 {
            last = (node, told);
        }
    }
    Ok(last)
}
