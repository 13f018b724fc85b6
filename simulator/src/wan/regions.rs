//! Regions of Amazon Web Services and the round-trip times between them, as measured by cloudping.co.

use serde::Deserialize;

/// Round-trip times in milliseconds; its first entry says where they come from.
const TABLE: &str = include_str!("../../data/aws-rtt.json");

/// The table: who is how far from whom.
#[derive(Clone, Debug, Deserialize)]
pub struct Regions {
    /// What was measured, by whom.
    #[serde(rename = "what")]
    pub source: String,
    regions: Vec<String>,
    p50_ms: Vec<Vec<f64>>,
    p90_ms: Vec<Vec<f64>>,
}

impl Regions {
    /// The table of this repository.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn load() -> Self {
        let table: Self = serde_json::from_str(TABLE).expect("the table is part of the program");
        let n = table.regions.len();
        let square = |rows: &[Vec<f64>]| rows.len() == n && rows.iter().all(|row| row.len() == n);
        assert!(square(&table.p50_ms) && square(&table.p90_ms), "one row and one column for each region");
        table
    }

    /// The names, in the order of their numbers.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.regions
    }

    /// The number of a region, if there is one of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.regions.iter().position(|region| region == name)
    }

    /// Mean and standard deviation of the delay one way, in milliseconds: half of the median, and half of what the slowest
    /// tenth takes longer than the median.
    #[must_use]
    pub fn one_way_ms(&self, from: usize, to: usize) -> (f64, f64) {
        let (p50, p90) = (self.p50_ms[from][to], self.p90_ms[from][to]);
        (p50 / 2.0, (p90 - p50) / 2.0)
    }
}
