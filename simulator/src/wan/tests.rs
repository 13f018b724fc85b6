//! The network, the rules on it, and their figures beside the reference.

mod network;
mod rows;
mod whole;

use super::chain;
use super::links::Links;
use super::placement::Placement;
use super::production::{self, Setup};
use super::regions::Regions;
use super::report::Single;
use super::rules::Protocol;
use super::sizes::Sizes;
use super::study::{Conditions, Options, single};
use super::world::{Physics, World};

/// Views alone, of one protocol in one place.
#[derive(Clone, Debug)]
struct Alone {
    regions: &'static str,
    protocol: Protocol,
    block: Option<(usize, f64)>,
    seed: u64,
    passes: usize,
    whole_ms: bool,
}

impl Alone {
    fn new(regions: &'static str, protocol: Protocol) -> Self {
        Self { regions, protocol, block: None, seed: 1, passes: 1, whole_ms: false }
    }

    fn links(&self) -> Links {
        let table = Regions::load();
        let places = Placement::parse(&table, self.regions, None).expect("a preset").regions();
        Links::new(&table, &places, self.seed, self.whole_ms)
    }

    fn run(&self) -> Single {
        let (links, block_bytes) = (self.links(), self.block.map_or(0, |(bytes, _)| bytes));
        let physics = Physics { bandwidth_mbit: self.block.map(|(_, mbit)| mbit), ..Physics::default() };
        let n = links.n();
        if self.protocol == Protocol::Minimmit {
            let setup = Setup { block_bytes, delta_us: 250_000, seed: self.seed };
            return single(&production::alone(links, physics, setup, self.passes).trace, n);
        }
        let mut world = World::new(links, physics);
        single(&chain::alone(&mut world, self.protocol.rules(n), Sizes::of(n, block_bytes), self.passes), n)
    }
}

fn options(regions: &str, protocols: &[Protocol]) -> Options {
    let table = Regions::load();
    Options {
        placement: Placement::parse(&table, regions, None).expect("regions of the table"),
        table,
        protocols: protocols.to_vec(),
        conditions: Conditions::default(),
        views: 40,
        passes: Some(1),
        seed: 1,
        delta_ms: 250,
        whole_ms: false,
    }
}
