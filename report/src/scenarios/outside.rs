//! Figures that others measure: `minuet limits`, and criterion in `make bench`.

use crate::cli::Plan;
use crate::measure::rounded;
use crate::output::write_figures;
use crate::results::{Limits, Measured, Part, Results};
use crate::stage::{Stage, args};
use crate::trouble::Trouble;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

pub fn limits_seconds(plan: &Plan) -> u64 {
    plan.runs as u64 * 30
}

pub fn limits(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    stage.end_network();
    // Its bounds are those at the rate of blocks that was just measured.
    let figures = write_figures(results, &stage.folder)?;
    let line = "limits --json";
    let mut args = args(line);
    args.extend(figures.into_iter().flat_map(|path| ["--figures".to_owned(), path.display().to_string()]));
    args.extend(["--dir".to_owned(), stage.dir.display().to_string()]);
    let runs = stage.repeat(|stage, _| {
        let answer = stage.ask_well(&args)?;
        read_limits(&answer)
            .ok_or_else(|| Trouble::new("'minuet limits --json' names no tps_limit or no limit of finality"))
    })?;
    results.limits = stage.measured(&[line.to_owned()], runs);
    Ok(())
}

/// The bound of throughput is that at the measured rate of blocks, where it is known.
fn read_limits(answer: &Value) -> Option<Limits> {
    let first = |values: [&Value; 2]| values.into_iter().find_map(Value::as_f64).map(rounded);
    Some(Limits {
        tps_limit: first([&answer["figures"]["tps_limit"], &answer["tps_limit"]])?,
        finality_limit_ms: first([&answer["finality_limit_ms"], &answer["finality"]["total_ms"]])?,
        finality_with_bls_limit_ms: answer["finality_with_bls"]["total_ms"].as_f64().map(rounded),
        finality_at_rest_limit_ms: answer["finality_at_rest"]["total_ms"].as_f64().map(rounded),
    })
}

pub const fn parts_seconds(_: &Plan) -> u64 {
    1
}

pub fn parts(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    let parts = criterion(&stage.target.join("criterion"))?;
    if parts.is_empty() {
        (stage.say)("    no figures there: 'make bench' first");
        return Ok(());
    }
    let commands = vec!["make bench".to_owned()];
    results.parts = Some(Measured { taken: stage.taken.clone(), commands, runs: vec![parts] });
    Ok(())
}

/// Everything that criterion measured last, by name.
///
/// # Errors
/// A file of its that is damaged.
pub fn criterion(folder: &Path) -> Result<Vec<Part>, Trouble> {
    let mut places = Vec::new();
    find(folder, &mut places);
    let mut parts = places.iter().map(|place| part(place)).collect::<Result<Vec<_>, _>>()?;
    parts.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(parts)
}

/// Folders named `new` with both files.
fn find(folder: &Path, places: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.file_name().is_some_and(|name| name == "new") {
            if path.join("benchmark.json").is_file() && path.join("estimates.json").is_file() {
                places.push(path);
            }
        } else if path.is_dir() {
            find(&path, places);
        }
    }
}

fn part(place: &Path) -> Result<Part, Trouble> {
    let read = |name: &str| {
        let path = place.join(name);
        let failed = |error: &dyn std::fmt::Display| Trouble::new(format_args!("{}: {error}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| failed(&error))?;
        serde_json::from_str::<Value>(&text).map_err(|error| failed(&error))
    };
    let (benchmark, estimates) = (read("benchmark.json")?, read("estimates.json")?);
    let damaged = |what: &str| Trouble::new(format_args!("{}: criterion gives no {what}", place.display()));
    let median = &estimates["median"];
    let number = |value: &Value, what: &str| value.as_f64().map(rounded).ok_or_else(|| damaged(what));
    Ok(Part {
        name: benchmark["full_id"].as_str().ok_or_else(|| damaged("full_id"))?.to_owned(),
        median_ns: number(&median["point_estimate"], "median")?,
        low_ns: number(&median["confidence_interval"]["lower_bound"], "lower bound")?,
        high_ns: number(&median["confidence_interval"]["upper_bound"], "upper bound")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_at_the_measured_rate_of_blocks_where_that_is_known() {
        let read = |text: &str| read_limits(&serde_json::from_str(text).unwrap());
        let limits = |tps_limit, finality_limit_ms| {
            Some(Limits {
                tps_limit,
                finality_limit_ms,
                finality_with_bls_limit_ms: None,
                finality_at_rest_limit_ms: None,
            })
        };
        assert_eq!(read(r#"{"tps_limit":9,"finality":{"total_ms":3.5},"figures":{"tps_limit":7}}"#), limits(7.0, 3.5));
        assert_eq!(read(r#"{"tps_limit":9,"finality_limit_ms":3,"figures":null}"#), limits(9.0, 3.0));
        let at_rest = read(r#"{"tps_limit":9,"finality_limit_ms":3,"finality_at_rest":{"total_ms":2.5}}"#);
        assert_eq!(at_rest.and_then(|limits| limits.finality_at_rest_limit_ms), Some(2.5));
        assert_eq!(read(r#"{"tps_limit":9,"finality":{}}"#), None);
    }

    #[test]
    fn criterions_last_figures_are_found_in_any_depth_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let make = |place: &str, name: &str, median: f64| {
            let place = folder.path().join(place);
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("benchmark.json"), format!("{{\"full_id\":\"{name}\"}}")).unwrap();
            let interval = format!("{{\"lower_bound\":{},\"upper_bound\":{}}}", median - 1.0, median + 1.0);
            let estimates =
                format!("{{\"median\":{{\"point_estimate\":{median},\"confidence_interval\":{interval}}}}}");
            fs::write(place.join("estimates.json"), estimates).unwrap();
        };
        make("state__root/accounts=10/new", "state::root/accounts=10", 12.3456);
        make("codec/new", "codec::block", 5.0);
        make("codec/base", "codec::block", 7.0);
        let found = criterion(folder.path()).unwrap();
        let names: Vec<_> = found.iter().map(|part| (part.name.as_str(), part.median_ns)).collect();
        assert_eq!(names, [("codec::block", 5.0), ("state::root/accounts=10", 12.346)]);
        assert!(criterion(&folder.path().join("nowhere")).unwrap().is_empty());
        fs::write(folder.path().join("codec/new/estimates.json"), "{}").unwrap();
        assert!(criterion(folder.path()).unwrap_err().to_string().contains("no median"));
    }
}
