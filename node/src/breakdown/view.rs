//! The parts of a view: at its leader, at the others, at all. They overlap, so that they do not add up; what is shown is
//! each node's time, and that of the slowest node of each view.

use super::book::{Book, Node};
use minuet_core::spans;
use std::ops::Range;

/// Who is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Leader,
    Others,
    All,
}

/// From where on a part is counted.
#[derive(Clone, Copy, Debug)]
enum From {
    /// A moment at the same node.
    Here(&'static str),
    /// The later one of the header's and the body's arrival.
    Complete,
    /// The leader's proposal.
    Proposal,
    /// The proposal of the view before.
    LastProposal,
}

/// The last moment of a part, and of which view.
#[derive(Clone, Copy, Debug)]
enum Until {
    This(&'static str),
    /// A later view's serves as well.
    ThisOrAbove(&'static str),
    Next(&'static str),
}

/// A part: who, its name, from where to where, and whether blocks without transactions have it.
struct Part(Who, &'static str, From, Until, bool);

const PARTS: [Part; 15] = [
    Part(Who::Leader, "last proposal → this one", From::LastProposal, Until::This(spans::PROPOSED), true),
    Part(Who::Leader, "asked → transactions chosen", From::Here(spans::ASKED), Until::This(spans::SELECTED), false),
    Part(Who::Leader, "transactions → block built", From::Here(spans::SELECTED), Until::This(spans::BUILT), false),
    Part(Who::Leader, "asked → empty block", From::Here(spans::ASKED), Until::This(spans::BUILT), true),
    Part(Who::Leader, "built → proposal sent (journal)", From::Here(spans::BUILT), Until::This(spans::PROPOSED), true),
    Part(Who::Others, "proposal sent → header here", From::Proposal, Until::This(spans::PROPOSAL), true),
    Part(Who::Others, "proposal sent → body here", From::Proposal, Until::This(spans::BODY), false),
    Part(Who::Others, "both here → judged", From::Complete, Until::This(spans::JUDGED), false),
    Part(Who::Others, "vote decided → sent (journal)", From::Here(spans::DECIDED), Until::This(spans::VOTED), true),
    Part(Who::All, "proposal sent → M", From::Proposal, Until::This(spans::NOTARIZED), true),
    Part(Who::All, "proposal sent → next view entered", From::Proposal, Until::Next(spans::ENTERED), true),
    Part(Who::All, "proposal sent → L", From::Proposal, Until::ThisOrAbove(spans::FINALIZED), true),
    Part(Who::All, "L → stored", From::Here(spans::FINALIZED), Until::This(spans::STORED), true),
    Part(Who::All, "stored → clients told", From::Here(spans::STORED), Until::This(spans::TOLD), true),
    Part(Who::All, "proposal sent → clients told", From::Proposal, Until::This(spans::TOLD), true),
];

/// What is shown of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartTimes {
    /// Who.
    pub who: &'static str,
    /// From where to where.
    pub name: &'static str,
    /// Microseconds, one for each view and node.
    pub each: Vec<u64>,
    /// Of each view the most.
    pub slowest: Vec<u64>,
    /// How often a moment was missing.
    pub missing: u64,
}

/// The parts of the views that were proposed in within a time, and their number. Either of blocks with transactions, or
/// of those without.
#[must_use]
pub fn parts_of_all(book: &Book, within: &Range<u64>, with_transactions: bool) -> (Vec<PartTimes>, u64) {
    let mut views = Vec::new();
    for view in book.final_views() {
        let Some((leader, at_us)) = book.proposed(view).filter(|(_, at_us)| within.contains(at_us)) else { continue };
        if (book.transactions_of(view) > Some(0)) == with_transactions {
            views.push((view, leader, at_us));
        }
    }
    let is_wanted = |part: &&Part| match part {
        // Without transactions none are chosen.
        Part(Who::Leader, _, From::Here(spans::ASKED), Until::This(spans::BUILT), _) => !with_transactions,
        Part(.., also_empty) => with_transactions || *also_empty,
    };
    let parts = PARTS.iter().filter(is_wanted).map(|part| times(book, part, &views));
    (parts.collect(), views.len() as u64)
}

fn times(book: &Book, Part(who, name, from, until, _): &Part, views: &[(u64, Node, u64)]) -> PartTimes {
    let who_name = match who {
        Who::Leader => "leader",
        Who::Others => "others",
        Who::All => "all",
    };
    let mut times = PartTimes { who: who_name, name, ..PartTimes::default() };
    for (view, leader, proposed) in views {
        let mut slowest = None;
        for node in (0..book.nodes).filter(|node| *who == Who::All || (*who == Who::Leader) == (node == leader)) {
            let begin = begin(book, *from, *view, node, *proposed);
            let end = match until {
                Until::This(name) => book.at(name, node, *view),
                Until::ThisOrAbove(name) => book.at_or_above(name, node, *view),
                Until::Next(name) => book.at(name, node, view.saturating_add(1)),
            };
            match begin.zip(end) {
                Some((begin, end)) => {
                    let took_us = end.saturating_sub(begin);
                    times.each.push(took_us);
                    slowest = slowest.max(Some(took_us));
                }
                None => times.missing += 1,
            }
        }
        times.slowest.extend(slowest);
    }
    times
}

fn begin(book: &Book, from: From, view: u64, node: Node, proposed: u64) -> Option<u64> {
    match from {
        From::Proposal => Some(proposed),
        From::LastProposal => book.proposed(view.checked_sub(1)?).map(|(_, at_us)| at_us),
        From::Complete => Some(book.at(spans::PROPOSAL, node, view)?.max(book.at(spans::BODY, node, view)?)),
        From::Here(spans::FINALIZED) => book.at_or_above(spans::FINALIZED, node, view),
        From::Here(name) => book.at(name, node, view),
    }
}
