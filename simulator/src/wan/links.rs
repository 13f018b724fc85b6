//! How long messages are under way: a normal delay for each ordered pair of validators, from the table of regions.

use super::random::Stream;
use super::regions::Regions;

/// Nanoseconds in a millisecond.
pub const MS: f64 = 1e6;

/// Delays between validators. The k-th message of a pair meets the same delay whatever else happens.
#[derive(Clone, Debug)]
pub struct Links {
    n: usize,
    /// Mean and standard deviation, in nanoseconds.
    normal: Vec<(f64, f64)>,
    streams: Vec<Stream>,
    drawn: Vec<u64>,
    whole_ms: bool,
}

impl Links {
    /// Links between validators in these regions. `whole_ms` cuts every delay down to whole milliseconds, as the public
    /// estimator does.
    pub fn new(table: &Regions, places: &[usize], seed: u64, whole_ms: bool) -> Self {
        let pairs = || places.iter().flat_map(|from| places.iter().map(move |to| (*from, *to)));
        let normal = pairs().map(|(from, to)| table.one_way_ms(from, to)).map(|(mean, sd)| (mean * MS, sd * MS));
        let count = places.len() * places.len();
        Self {
            n: places.len(),
            normal: normal.collect(),
            streams: (0..count as u64).map(|pair| Stream::new(seed, pair)).collect(),
            drawn: vec![0; count],
            whole_ms,
        }
    }

    /// Number of validators.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The delay of the next message, in nanoseconds: never negative, none to oneself.
    pub fn draw(&mut self, from: usize, to: usize) -> u64 {
        let pair = from * self.n + to;
        self.drawn[pair] = sample(self.normal[pair], from == to, self.whole_ms, &mut self.streams[pair]);
        self.drawn[pair]
    }

    /// The delay of the message before: of what leaves in the same moment on the same connection.
    pub fn again(&self, from: usize, to: usize) -> u64 {
        self.drawn[from * self.n + to]
    }

    /// A delay out of the order of messages, by chance from elsewhere.
    pub fn sample(&self, from: usize, to: usize, chance: &mut Stream) -> u64 {
        sample(self.normal[from * self.n + to], from == to, self.whole_ms, chance)
    }
}

fn sample((mean, sd): (f64, f64), own: bool, whole_ms: bool, chance: &mut Stream) -> u64 {
    if own {
        return 0;
    }
    // The conversion keeps what is negative at zero.
    let delay = (mean + sd * chance.normal()) as u64;
    if whole_ms { delay - delay % 1_000_000 } else { delay }
}
