//! The rows that come from criterion.

use super::{Row, find, missing};
use crate::page::words::ns;
use crate::results::{Measured, Part, Results};

impl Part {
    /// What is before the keys.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// The value of a key, if it is a number.
    #[must_use]
    pub fn key(&self, key: &str) -> Option<u64> {
        let pairs = self.name.split('/').skip(1).flat_map(|rest| rest.split(','));
        pairs.filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key)?.1.parse().ok()
    }
}

const MS: f64 = 1e6;
const MILLION: u64 = 1_000_000;

/// What, whose, how much at most in milliseconds, and where it is found.
type Target = (&'static str, &'static str, f64, &'static str, &'static [(&'static str, u64)]);

const TARGETS: [Target; 3] = [
    (
        "1,000 transfers (1,000 keys): decode, hash, signatures, stateless checks, cold",
        "9.1 ms (signatures only)",
        4.5,
        "validation::stateless_cold",
        &[("transfers", 1000)],
    ),
    ("the same, seen at admission", "–", 0.8, "validation::stateless", &[("transfers", 1000)]),
    (
        "the whole validation of that block with execution, receipts and all roots, 1 million accounts, signatures seen",
        "–",
        12.0,
        "validation::whole",
        &[("transfers", 1000), ("accounts", MILLION)],
    ),
];

/// Four rows.
pub fn rows(results: &Results) -> Vec<Row> {
    let parts = results.parts.as_ref();
    let mut rows: Vec<Row> = TARGETS.iter().map(|target| row(parts, target)).collect();
    rows.push(state_root(parts));
    rows
}

fn all(parts: &Measured<Vec<Part>>) -> &[Part] {
    parts.runs.last().map_or(&[], Vec::as_slice)
}

fn row(parts: Option<&Measured<Vec<Part>>>, (what, peer, at_most_ms, operation, keys): &Target) -> Row {
    let row = missing(what, peer, format!("≤ {at_most_ms} ms"));
    let Some(parts) = parts else { return row };
    let Some(part) = find(all(parts), operation, keys) else { return row };
    let measured = format!("{} (`{}`)", ns(part.median_ns), part.name);
    row.found(measured, Some(part.median_ns <= at_most_ms * MS), parts.command())
}

fn state_root(parts: Option<&Measured<Vec<Part>>>) -> Row {
    let reach = "≤ 10 ms, and ≤ 2 × of that at 10 million".to_owned();
    let row = missing("state root after 1,000 transfers, 1 million accounts", "–", reach);
    let Some(parts) = parts else { return row };
    let at = |accounts: u64| find(all(parts), "state::root", &[("transfers", 1000), ("accounts", accounts)]);
    let Some(million) = at(MILLION) else { return row };
    let fits = million.median_ns <= 10.0 * MS;
    let (measured, reached) = match at(10 * MILLION) {
        Some(ten) => {
            let times = ten.median_ns / million.median_ns;
            (
                format!("{}; {} at 10 million ({times:.1} ×)", ns(million.median_ns), ns(ten.median_ns)),
                Some(fits && times <= 2.0),
            )
        }
        None => (format!("{}; 10 million not measured", ns(million.median_ns)), (!fits).then_some(false)),
    };
    row.found(measured, reached, parts.command())
}
