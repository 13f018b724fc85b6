//! The last measured figures of the whole node, as `make bench-report` leaves them in a file.

use crate::exit::{Exit, Failure};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Where they are looked for.
pub const FIGURES_FILE: &str = "docs/benchmarks/figures.json";
/// Without a word about it in the file.
const VALIDATORS: usize = 6;

/// What a network of validators reached on one machine.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Figures {
    /// Cores and model, and more about it.
    pub machine: String,
    /// Of the program.
    pub commit: String,
    /// Of the run.
    pub date: String,
    /// Final transactions a second in a closed loop.
    pub tps: f64,
    /// Meanwhile.
    pub blocks_per_second: f64,
    /// From proposal to final on every node, without load.
    pub idle_finality_p50_ms: f64,
    /// By all validators and the client, in the closed loop.
    pub cpu_cores_used: Option<f64>,
    /// That shared the machine.
    #[serde(default = "six")]
    pub validators: usize,
}

const fn six() -> usize {
    VALIDATORS
}

/// Figures and the file that they are from; `None` if none is named and there is none where they usually are.
///
/// # Errors
/// A named file that is not there; one that cannot be read or is not what it should be.
pub fn read(named: Option<&Path>) -> Result<Option<(PathBuf, Figures)>, Failure> {
    let path = named.unwrap_or(Path::new(FIGURES_FILE));
    let refused = |reason: String| {
        let reason = format!(
            "figures {}: {reason}; 'make bench-report' writes such a file, and --figures names another one",
            path.display()
        );
        Failure::new(Exit::Usage, reason)
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(format!("cannot be read: {error}"))),
    };
    let figures: Figures = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
    figures.check().map_err(refused)?;
    Ok(Some((path.to_path_buf(), figures)))
}

impl Figures {
    fn check(&self) -> Result<(), String> {
        let numbers = [
            ("tps", self.tps),
            ("blocks_per_second", self.blocks_per_second),
            ("idle_finality_p50_ms", self.idle_finality_p50_ms),
            ("cpu_cores_used", self.cpu_cores_used.unwrap_or(1.0)),
            ("validators", self.validators as f64),
        ];
        match numbers.into_iter().find(|(_, value)| !(value.is_finite() && *value > 0.0)) {
            Some((name, value)) => Err(format!("{name} is {value}, it must be above 0")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"machine":"2 × AMD EPYC, Linux","commit":"a6cb75e","date":"2026-11-21","tps":5614.5,
        "blocks_per_second":9.5,"idle_finality_p50_ms":9.02,"cpu_cores_used":null}"#;

    fn read_text(text: &str) -> Result<Figures, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("figures.json");
        fs::write(&path, text).unwrap();
        read(Some(&path)).map(|found| found.unwrap().1).map_err(|failure| {
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.message.contains("figures.json") && failure.message.contains("make bench-report"));
            failure.message
        })
    }

    #[test]
    fn figures_are_read_with_the_processor_time_or_without() {
        let figures = read_text(GOOD).unwrap();
        assert_eq!((figures.tps, figures.cpu_cores_used, figures.validators), (5614.5, None, 6));
        let more = GOOD.replace("null", "1.9, \"validators\": 11, \"something_new\": true");
        let figures = read_text(&more).unwrap();
        assert_eq!((figures.cpu_cores_used, figures.validators), (Some(1.9), 11));
    }

    #[test]
    fn a_file_that_is_not_what_it_should_be_is_refused_with_what_is_wrong() {
        for (text, reason) in [
            ("", "EOF"),
            ("# Benchmarks", "expected value"),
            (&GOOD.replace("\"tps\":5614.5,", ""), "missing field `tps`"),
            (&GOOD.replace("5614.5", "\"many\""), "expected f64"),
            (&GOOD.replace("5614.5", "0"), "tps is 0, it must be above 0"),
            (&GOOD.replace("9.02", "-1"), "idle_finality_p50_ms is -1"),
            (&GOOD.replace("null", "0"), "cpu_cores_used is 0"),
        ] {
            let message = read_text(text).unwrap_err();
            assert!(message.contains(reason), "'{reason}' is missing in: {message}");
        }
    }

    #[test]
    fn a_named_file_must_be_there() {
        let failure = read(Some(Path::new("/nowhere/figures.json"))).unwrap_err();
        assert!(failure.message.contains("/nowhere/figures.json: cannot be read: No such file"), "{failure}");
    }
}
