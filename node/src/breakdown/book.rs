//! Everything that was recorded of a run, from the files of all processes: which moment was when, and where.
//!
//! Owns: the first occurrence of each moment. Never does: guess one that is not there.

use crate::exit::{Exit, Failure};
use crate::spans::{Line, Moment, read};
use minuet_core::spans;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// Whose file: a validator's place.
pub type Node = usize;

/// The moments of one transfer. Those of nodes in the order in which they were read, each node's first alone.
#[derive(Debug, Default)]
pub struct Transfer {
    /// When it was to be made, and when its client handed it on.
    pub offered: Option<(u64, u64)>,
    /// When its client knew that it is final.
    pub final_us: Option<u64>,
    /// The views in whose blocks it is, with their leaders.
    pub included: Vec<(u64, Node)>,
    at: Vec<(&'static str, Node, u64)>,
}

impl Transfer {
    /// When something happened to it at a node.
    #[must_use]
    pub fn at(&self, name: &str, node: Node) -> Option<u64> {
        self.all(name).find(|(other, _)| *other == node).map(|(_, at_us)| at_us)
    }

    /// Where and when something happened to it first.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<(Node, u64)> {
        self.all(name).min_by_key(|(_, at_us)| *at_us)
    }

    fn all(&self, name: &str) -> impl Iterator<Item = (Node, u64)> {
        self.at.iter().filter(move |(other, ..)| *other == name).map(|(_, node, at_us)| (*node, *at_us))
    }

    fn take(&mut self, name: &'static str, node: Node, at_us: u64) {
        if self.at(name, node).is_none() {
            self.at.push((name, node, at_us));
        }
    }
}

/// All moments of a run.
#[derive(Debug, Default)]
pub struct Book {
    /// Validators.
    pub nodes: usize,
    /// By the beginning of the hash.
    pub transfers: BTreeMap<u64, Transfer>,
    /// Moments that their recorders lost.
    pub lost: u64,
    /// Lines that are none.
    pub unreadable: u64,
    /// Ordered so that the views of one moment at one node follow each other.
    views: BTreeMap<(&'static str, Node, u64), u64>,
    /// Transactions of final blocks.
    transactions: BTreeMap<u64, u64>,
    /// Durations that were measured where they happened, with the moments at which they were told.
    durations: BTreeMap<&'static str, Vec<(u64, u64)>>,
}

impl Book {
    /// Of a network of so many validators.
    #[must_use]
    pub fn of(nodes: usize) -> Self {
        Self { nodes, ..Self::default() }
    }

    /// Reads the file of a node, or of the client: then without a number.
    ///
    /// # Errors
    /// The file's.
    pub fn read(&mut self, path: &Path, node: Option<Node>) -> Result<(), Failure> {
        read(path, |line| self.take(node, line))
            .map_err(|error| Failure::new(Exit::Generic, format!("{}: {error}", path.display())))
    }

    /// Takes one line of a file.
    pub fn take(&mut self, node: Option<Node>, line: Option<Line>) {
        match line {
            Some(Line::Moment(moment)) => match spans::ALL.iter().find(|name| **name == moment.name) {
                Some(name) => self.note(node, name, &moment),
                None => self.unreadable += 1,
            },
            Some(Line::Lost { lost }) => self.lost += lost,
            None => self.unreadable += 1,
        }
    }

    fn note(&mut self, node: Option<Node>, name: &'static str, moment: &Moment<String>) {
        let Moment { at_us, view, hash, count, .. } = *moment;
        match (name, node, view, hash) {
            (spans::OFFERED, None, _, Some(hash)) => {
                let due_us = at_us.saturating_sub(count.unwrap_or(0));
                self.transfers.entry(hash).or_default().offered.get_or_insert((due_us, at_us));
            }
            (spans::FINAL, None, _, Some(hash)) => {
                self.transfers.entry(hash).or_default().final_us.get_or_insert(at_us);
            }
            (spans::INCLUDED, Some(node), Some(view), Some(hash)) => {
                self.transfers.entry(hash).or_default().included.push((view, node));
            }
            (_, Some(node), None, Some(hash)) => self.transfers.entry(hash).or_default().take(name, node, at_us),
            (_, Some(node), Some(view), None) => {
                if let (spans::STORED, Some(count)) = (name, count) {
                    self.transactions.insert(view, count);
                }
                self.views.entry((name, node, view)).or_insert(at_us);
            }
            (_, Some(_), None, None) => {
                self.durations.entry(name).or_default().extend(count.map(|took_us| (at_us, took_us)));
            }
            _ => self.unreadable += 1,
        }
    }

    /// When something of a view happened at a node.
    #[must_use]
    pub fn at(&self, name: &'static str, node: Node, view: u64) -> Option<u64> {
        self.views.get(&(name, node, view)).copied()
    }

    /// The same of this view or, if there is nothing, of the next one of which there is: a finalization, and a commit, are
    /// of all views below.
    #[must_use]
    pub fn at_or_above(&self, name: &'static str, node: Node, view: u64) -> Option<u64> {
        self.views.range((name, node, view)..=(name, node, u64::MAX)).next().map(|(_, at_us)| *at_us)
    }

    /// Where the view's block was proposed, and when.
    #[must_use]
    pub fn proposed(&self, view: u64) -> Option<(Node, u64)> {
        (0..self.nodes).find_map(|node| Some((node, self.at(spans::PROPOSED, node, view)?)))
    }

    /// Transactions of a view's block, if that is final.
    #[must_use]
    pub fn transactions_of(&self, view: u64) -> Option<u64> {
        self.transactions.get(&view).copied()
    }

    /// Views that were proposed in and whose block is final.
    pub fn final_views(&self) -> impl Iterator<Item = u64> {
        self.transactions.keys().copied()
    }

    /// Durations that were told of within a time.
    #[must_use]
    pub fn durations(&self, name: &'static str, within: &Range<u64>) -> Vec<u64> {
        let told = self.durations.get(name).into_iter().flatten();
        told.filter(|(at_us, _)| within.contains(at_us)).map(|(_, took_us)| *took_us).collect()
    }

    /// Of all that was proposed and offered: the first moment and the one after the last.
    #[must_use]
    pub fn time(&self) -> Range<u64> {
        let proposed = self.views.iter().filter(|((name, ..), _)| *name == spans::PROPOSED).map(|(_, at_us)| *at_us);
        let offered = self.transfers.values().filter_map(|transfer| Some(transfer.offered?.0));
        // With a load, what counts is the time in which it was made.
        let (first, last) = bounds(offered).or_else(|| bounds(proposed)).unwrap_or((0, 0));
        first..last.saturating_add(1)
    }
}

fn bounds(times: impl Iterator<Item = u64>) -> Option<(u64, u64)> {
    times.fold(None, |bounds, time| match bounds {
        None => Some((time, time)),
        Some((first, last)) => Some((time.min(first), time.max(last))),
    })
}
