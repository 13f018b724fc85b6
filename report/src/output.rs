//! Everything that is written, and where.
//!
//! Invariant: page and plots are a function of the results alone.

use crate::measure::{median, rounded};
use crate::page;
use crate::plots;
use crate::results::Results;
use crate::trouble::Trouble;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// The kept results within a folder.
pub const RESULTS_FILE: &str = "benchmarks/results.json";
/// What `minuet limits` reads.
pub const FIGURES_FILE: &str = "benchmarks/figures.json";
/// The page.
pub const PAGE_FILE: &str = "benchmarks.md";

/// The files of a folder that the results make: path within it, and text. A plot without anything to show is no file.
///
/// # Errors
/// A number that JSON has no form for.
pub fn files(results: &Results) -> Result<Vec<(String, String)>, Trouble> {
    let drawn = plots::all(results).into_iter().filter_map(|plot| Some((plot.path(), plot.svg?)));
    let mut files: Vec<(String, String)> = drawn.collect();
    files.push((PAGE_FILE.to_owned(), page::page(results)));
    files.push((RESULTS_FILE.to_owned(), results.to_json()?));
    files.extend(figures(results).map(|text| (FIGURES_FILE.to_owned(), text)));
    Ok(files)
}

/// Writes them. Plots that have nothing to show any more go.
///
/// # Errors
/// The file system's.
pub fn write(results: &Results, folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let files = files(results)?;
    let stale = plots::all(results).into_iter().filter(|plot| plot.svg.is_none()).map(|plot| folder.join(plot.path()));
    for path in stale.filter(|path| path.exists()) {
        fs::remove_file(&path).map_err(|error| failed(&path, &error))?;
    }
    let mut written = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        put(&path, &text)?;
        written.push(path);
    }
    Ok(written)
}

/// Writes the results alone, so that nothing is lost if a later scenario fails.
///
/// # Errors
/// The file system's.
pub fn keep(results: &Results, folder: &Path) -> Result<(), Trouble> {
    put(&folder.join(RESULTS_FILE), &results.to_json()?)
}

/// Writes what `minuet limits` reads, if it was measured; answers where.
///
/// # Errors
/// The file system's.
pub fn write_figures(results: &Results, folder: &Path) -> Result<Option<PathBuf>, Trouble> {
    let Some(text) = figures(results) else { return Ok(None) };
    let path = folder.join(FIGURES_FILE);
    put(&path, &text)?;
    Ok(Some(path))
}

fn put(path: &Path, text: &str) -> Result<(), Trouble> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|error| failed(parent, &error))?;
    fs::write(path, text).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::new(format_args!("{} cannot be written: {error}", path.display()))
}

fn figures(results: &Results) -> Option<String> {
    let (closed, idle) = (results.closed.as_ref()?, results.idle.as_ref()?);
    let of = |value: Option<f64>| value.map(rounded);
    let tps = of(median(closed.runs.iter().map(|run| run.load.tps)))?;
    let blocks = of(median(closed.runs.iter().map(|run| run.load.blocks as f64 / run.load.seconds)))?;
    let finality = of(median(idle.runs.iter().map(|run| run.finality_p50_ms)))?;
    let cores = of(median(closed.runs.iter().map(crate::results::Closed::cores)));
    let figures = json!({
        "machine": closed.taken.machine, "commit": closed.taken.commit, "date": closed.taken.date, "tps": tps,
        "blocks_per_second": blocks, "idle_finality_p50_ms": finality, "cpu_cores_used": cores,
    });
    Some(format!("{figures:#}\n"))
}
