//! Figures of others to hold ours against: what the public Minimmit estimator's model gives.
//!
//! Each row is one pass: every validator proposes once. The rows of 50 validators come from delays in whole milliseconds,
//! so each hop is half a millisecond shorter than the table says; those of six from 36 observations each.

use super::rules::Protocol;
use super::study::Conditions;

/// View progress and finality, mean and median each, in milliseconds.
pub type Cells = [f64; 4];

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The preset.
    pub regions: &'static str,
    /// Whose it is.
    pub protocols: &'static [Protocol],
    /// Bytes of the block, and megabits per second; none for no limit.
    pub block: Option<(usize, f64)>,
    /// The figures.
    pub cells: Cells,
}

const OURS: &[Protocol] = &[Protocol::Minimmit, Protocol::Restated];
const ANY_MINIMMIT: &[Protocol] = &[Protocol::Minimmit, Protocol::Restated, Protocol::Estimator];
const ESTIMATOR: &[Protocol] = &[Protocol::Estimator];
const SIMPLEX: &[Protocol] = &[Protocol::Simplex];
const SMALL: Option<(usize, f64)> = Some((32 * 1024, 1_000.0));
const LARGE: Option<(usize, f64)> = Some((1024 * 1024, 1_000.0));

const fn row(regions: &'static str, protocols: &'static [Protocol], block: Option<(usize, f64)>, cells: Cells) -> Row {
    Row { regions, protocols, block, cells }
}

/// All rows.
pub const ROWS: [Row; 12] = [
    row("global", OURS, None, [118.0, 123.0, 208.0, 203.0]),
    row("global", ESTIMATOR, None, [134.0, 132.0, 208.0, 203.0]),
    row("global", SIMPLEX, None, [183.0, 183.0, 287.0, 287.0]),
    row("global", &[Protocol::Kudzu], None, [178.0, 178.0, 208.0, 203.0]),
    row("us", ANY_MINIMMIT, None, [24.0, 24.0, 50.0, 47.0]),
    row("us", SIMPLEX, None, [46.0, 44.0, 73.0, 70.0]),
    row("six", ANY_MINIMMIT, None, [97.0, 103.0, 171.0, 164.0]),
    row("six", SIMPLEX, None, [171.0, 164.0, 274.0, 269.0]),
    row("local", ANY_MINIMMIT, None, [4.5, 4.2, 7.0, 7.0]),
    row("global", ESTIMATOR, SMALL, [146.0, 144.0, 220.0, 215.0]),
    row("global", ESTIMATOR, LARGE, [545.0, 543.0, 619.0, 614.0]),
    row("global", SIMPLEX, LARGE, [594.0, 594.0, 698.0, 698.0]),
];

/// The row that a run can be held against.
pub fn find(regions: &str, protocol: Protocol, conditions: &Conditions) -> Option<Row> {
    if conditions.real {
        return None;
    }
    let block = conditions.bandwidth_mbit.map(|mbit| (conditions.block_bytes, mbit));
    let fits = |row: &&Row| row.regions == regions && row.protocols.contains(&protocol) && row.block == block;
    ROWS.iter().find(fits).copied()
}
