//! Runs the protocols on one network and gathers what they took.

use super::chain;
use super::costs::Costs;
use super::links::Links;
use super::placement::Placement;
use super::production::{self, Setup};
use super::reference;
use super::regions::Regions;
use super::report::{Causes, Comparison, Conditioned, Faster, ProtocolReport, Report, Single, Steady};
use super::rules::Protocol;
use super::sizes::Sizes;
use super::stats::{Summary, spread};
use super::trace::{NEVER, Trace};
use super::transactions;
use super::world::{Physics, World};

/// Views at the beginning of a chain that are not measured.
const WARM_UP: usize = 5;
/// Proposals of single views at least, by as many passes as it takes.
const PROPOSALS: usize = 500;

/// What the network and the machines are like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Bytes of transactions in a block.
    pub block_bytes: usize,
    /// Megabits per second of each validator, both ways; none for no limit.
    pub bandwidth_mbit: Option<f64>,
    /// Count the wire's own bytes and processing time.
    pub real: bool,
}

/// What to study.
#[derive(Clone, Debug)]
pub struct Options {
    /// The delays.
    pub table: Regions,
    /// Where the validators are.
    pub placement: Placement,
    /// What to compare.
    pub protocols: Vec<Protocol>,
    /// The network and machines.
    pub conditions: Conditions,
    /// Views of each chain.
    pub views: usize,
    /// Times that every validator proposes a view of its own; by default as many as give 500 proposals.
    pub passes: Option<usize>,
    /// Draws everything.
    pub seed: u64,
    /// Δ at its base, for the production rules.
    pub delta_ms: u64,
    /// Cut delays down to whole milliseconds, as the public estimator does.
    pub whole_ms: bool,
}

impl Options {
    /// How often every validator proposes a view of its own.
    #[must_use]
    pub fn passes(&self) -> usize {
        self.passes.unwrap_or_else(|| PROPOSALS.div_ceil(self.placement.n())).max(1)
    }

    fn links(&self) -> Links {
        Links::new(&self.table, &self.placement.regions(), self.seed, self.whole_ms)
    }
}

/// Runs it all.
#[must_use]
pub fn study(options: &Options) -> Report {
    let n = options.placement.n();
    let protocols: Vec<_> = options.protocols.iter().map(|protocol| protocol_report(options, *protocol)).collect();
    let conditions = options.conditions;
    Report {
        regions: options.placement.to_string(),
        region_count: options.placement.region_count(),
        validators: n,
        faulty: n.saturating_sub(1) / 5,
        seed: options.seed,
        views: options.views,
        passes: options.passes(),
        conditions: Conditioned {
            block_bytes: conditions.block_bytes,
            bandwidth_mbit: conditions.bandwidth_mbit,
            real: conditions.real,
            whole_ms: options.whole_ms,
            delta_ms: options.delta_ms,
        },
        faster: faster(&protocols),
        protocols,
    }
}

fn protocol_report(options: &Options, protocol: Protocol) -> ProtocolReport {
    let conditions = options.conditions;
    let ideal = Physics::default();
    let limited = Physics { bandwidth_mbit: conditions.bandwidth_mbit, framing: conditions.real, ..ideal };
    let real = Physics { costs: Costs::MEASURED, ..limited };
    let (single, steady) = measure(options, protocol, if conditions.real { real } else { limited });
    let causes = conditions.real.then(|| {
        let propagation = measure(options, protocol, ideal);
        let serialization = measure(options, protocol, limited);
        causes([&propagation, &serialization, &(single.clone(), steady.clone())])
    });
    let row = reference::find(&options.placement.to_string(), protocol, &conditions);
    ProtocolReport {
        id: protocol.id(),
        name: protocol.name(),
        protocol,
        thresholds: protocol.rules(options.placement.n()).to_string(),
        reference: row.map(|row| compare(row.cells, &single)),
        single,
        steady,
        causes,
    }
}

fn measure(options: &Options, protocol: Protocol, physics: Physics) -> (Single, Steady) {
    let (n, passes) = (options.placement.n(), options.passes());
    let views = options.views + WARM_UP;
    if protocol == Protocol::Minimmit {
        let block_bytes = options.conditions.block_bytes;
        let setup = Setup { block_bytes, delta_us: options.delta_ms.saturating_mul(1_000), seed: options.seed };
        let alone = production::alone(options.links(), physics, setup, passes);
        let mut chain = production::steady(options.links(), physics, setup, views);
        // What is under way at the end counts in part: per block over all blocks of the run.
        let steady = steady(options, &mut chain.trace, &chain.links, physics, chain.nullified);
        return (single(&alone.trace, n), steady);
    }
    let (rules, sizes) = (protocol.rules(n), Sizes::of(n, options.conditions.block_bytes));
    let mut world = World::new(options.links(), physics);
    let alone = chain::alone(&mut world, rules, sizes, passes);
    let mut world = World::new(options.links(), physics);
    let mut chain = chain::steady(&mut world, rules, sizes, views);
    (single(&alone, n), steady(options, &mut chain, world.links(), physics, 0))
}

/// Passes of `n` views each.
pub fn single(trace: &Trace, n: usize) -> Single {
    let (view, finality) = trace.summaries();
    let passes: Vec<[f64; 4]> = trace
        .views
        .chunks(n)
        .map(|views| cells(Trace { views: views.to_vec(), ..Trace::default() }.summaries()))
        .collect();
    let pass_sd_ms = [0, 1, 2, 3].map(|cell| spread(&passes.iter().map(|pass| pass[cell]).collect::<Vec<_>>()).1);
    Single { view, finality, pass_sd_ms }
}

/// View mean, view median, finality mean, finality median.
pub fn cells((view, finality): (Summary, Summary)) -> [f64; 4] {
    [view.mean_ms, view.p50_ms, finality.mean_ms, finality.p50_ms]
}

fn steady(options: &Options, trace: &mut Trace, links: &Links, physics: Physics, nullified: u64) -> Steady {
    let proposed = trace.views.iter().filter(|view| view.proposed != NEVER).count().max(1) as f64;
    let empty = trace.measured(WARM_UP).filter(|view| !view.carries).count();
    let transaction = transactions::latencies(trace, WARM_UP, links, physics.costs.hop_ns, options.seed);
    Steady {
        interval: Summary::of(&trace.intervals(WARM_UP)),
        view: Summary::of(&trace.view_progress(WARM_UP)),
        finality: Summary::of(&trace.finality(WARM_UP)),
        transaction: Summary::of(&transaction),
        messages_per_block: trace.traffic.messages as f64 / proposed,
        bytes_per_block: trace.traffic.bytes as f64 / proposed,
        views_without_block: nullified,
        empty_blocks: empty as u64,
    }
}

/// Of the same run on the ideal network, with bandwidth, and with everything.
fn causes([ideal, limited, real]: [&(Single, Steady); 3]) -> Vec<Causes> {
    type Mean = fn(&(Single, Steady)) -> f64;
    let means: [(&'static str, Mean); 6] = [
        ("one view, view latency", |(single, _)| single.view.mean_ms),
        ("one view, finality", |(single, _)| single.finality.mean_ms),
        ("chain, block interval", |(_, steady)| steady.interval.mean_ms),
        ("chain, view latency", |(_, steady)| steady.view.mean_ms),
        ("chain, finality", |(_, steady)| steady.finality.mean_ms),
        ("chain, transaction", |(_, steady)| steady.transaction.mean_ms),
    ];
    let cause = |(of, mean): (&'static str, Mean)| Causes {
        of,
        propagation_ms: mean(ideal),
        serialization_ms: mean(limited) - mean(ideal),
        processing_ms: mean(real) - mean(limited),
        total_ms: mean(real),
    };
    means.into_iter().map(cause).collect()
}

fn compare(reference: [f64; 4], single: &Single) -> Comparison {
    let ours = cells((single.view, single.finality));
    let percent = |part: f64, cell: usize| 100.0 * part / reference[cell];
    Comparison {
        reference_ms: reference,
        ours_ms: ours,
        difference_percent: [0, 1, 2, 3].map(|cell| percent(ours[cell] - reference[cell], cell)),
        one_pass_sd_percent: [0, 1, 2, 3].map(|cell| percent(single.pass_sd_ms[cell], cell)),
    }
}

/// The first Minimmit against those that are none.
fn faster(protocols: &[ProtocolReport]) -> Vec<Faster> {
    let is_ours = |report: &&ProtocolReport| matches!(report.protocol, Protocol::Minimmit | Protocol::Restated);
    let Some(ours) = protocols.iter().find(is_ours) else { return Vec::new() };
    let others = [Protocol::Simplex, Protocol::HotStuff, Protocol::Kudzu];
    let others = others.iter().filter_map(|other| protocols.iter().find(|report| report.protocol == *other));
    let below = |ours: Summary, theirs: Summary| 100.0 * (1.0 - ours.mean_ms / theirs.mean_ms);
    let faster = others.map(|other| Faster {
        than: other.name,
        interval_percent: below(ours.steady.interval, other.steady.interval),
        view_percent: below(ours.steady.view, other.steady.view),
        finality_percent: below(ours.steady.finality, other.steady.finality),
        transaction_percent: below(ours.steady.transaction, other.steady.transaction),
    });
    faster.collect()
}
