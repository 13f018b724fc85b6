//! Searches with their outcome.

use crate::network::Search;
use crate::oracle::Check;
use crate::trace;
use crate::world::{Options, World};
use stateright::report::{ReportData, ReportDiscovery, Reporter};
use stateright::{Checker, HasDiscoveries, Model};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Where a search ends, if it does not run out of states first.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// At the first state that breaks one of these.
    pub until: Vec<Check>,
    /// After so many steps from state to state.
    pub steps: Option<usize>,
    /// Threads that search; the shortest way is found with one only.
    pub threads: usize,
    /// Tells how far it is.
    pub talks: bool,
}

/// A broken invariant with the way to it.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which.
    pub check: Check,
    /// Steps to it.
    pub steps: usize,
    /// In words.
    pub trace: Vec<String>,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Different states of the network.
    pub states: usize,
    /// Steps from state to state.
    pub steps: usize,
    /// Different states of one validator.
    pub locals: usize,
    /// The longest way.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// Every state was looked at.
    pub is_exhaustive: bool,
    /// The first state that breaks each broken invariant, worst invariants first.
    pub found: Vec<Found>,
}

/// Searches breadth first.
#[must_use]
pub fn search(options: Options, limits: &Limits) -> Summary {
    let began = Instant::now();
    let until = limits.until.iter().map(|check| check.name()).collect();
    let mut builder = Search::new(World::new(options)).checker().threads(limits.threads.max(1));
    builder = builder.finish_when(HasDiscoveries::AnyOf(until));
    if let Some(steps) = limits.steps {
        builder = builder.target_state_count(steps);
    }
    let checker = builder.spawn_bfs();
    let checker = if limits.talks { checker.join_and_report(&mut Progress) } else { checker.join() };
    let search = checker.model();
    let mut discoveries = checker.discoveries();
    let found = Check::ALL.into_iter().filter_map(|check| {
        let path = discoveries.remove(check.name())?.into_vec();
        Some(Found { check, steps: path.len() - 1, trace: trace::lines(search, &path) })
    });
    let found: Vec<Found> = found.collect();
    let is_cut = limits.steps.is_some_and(|steps| checker.state_count() >= steps);
    let is_found = found.iter().any(|found| limits.until.contains(&found.check));
    Summary {
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        locals: search.table.len(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        is_exhaustive: !is_cut && !is_found,
        found,
    }
}

/// One line now and then.
struct Progress;

impl Reporter<Search> for Progress {
    fn report_checking(&mut self, data: ReportData) {
        let seconds = data.duration.as_secs_f64();
        eprintln!(
            "{seconds:>7.0} s  {:>12} states  {:>13} steps  depth {}",
            data.unique_states, data.total_states, data.max_depth
        );
    }

    fn report_discoveries(&mut self, _: &Search, _: BTreeMap<&'static str, ReportDiscovery<Search>>) {}

    fn delay(&self) -> Duration {
        Duration::from_secs(2)
    }
}
