//! Prometheus' own checks, and the tests of the alerts: each has a series that fires it and one that does not.

use crate::rules::{ALERTS, RECORDING, alerts};
use crate::{files, path, read};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const FOLDER: &str = "deployments/prometheus";
const TESTS: &str = "deployments/prometheus/tests";

fn promtool<A: AsRef<std::ffi::OsStr>>(folder: &Path, command: &[&str], arguments: &[A]) -> Output {
    let output = Command::new("promtool").args(command).args(arguments).current_dir(folder).output();
    output.unwrap_or_else(|error| {
        panic!("promtool checks the rules, and cannot be run ({error}): install Prometheus ('make test' does it)")
    })
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What is expected of alerts, by the name of the test: the alert, and whether it fires.
fn expectations() -> BTreeMap<String, (String, bool)> {
    let mut found = BTreeMap::new();
    let (mut name, mut alert) = (String::new(), String::new());
    for file in files(TESTS, ".yml") {
        for line in fs::read_to_string(file).unwrap().lines().map(str::trim) {
            if let Some(value) = line.strip_prefix("- name: ") {
                name = value.to_owned();
            } else if let Some(value) = line.strip_prefix("- alertname: ") {
                alert = value.to_owned();
            } else if let Some(value) = line.strip_prefix("exp_alerts:") {
                let before = found.insert(name.clone(), (alert.clone(), value.is_empty()));
                assert!(before.is_none(), "two tests are called '{name}'");
            }
        }
    }
    found
}

/// Which tests fail with the alerts changed.
fn failing(change: impl Fn(&str) -> Option<String>) -> BTreeSet<String> {
    let dir = tempfile::tempdir().unwrap();
    for name in ["rules", "tests"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    for file in files(TESTS, ".yml") {
        fs::copy(&file, dir.path().join("tests").join(file.file_name().unwrap())).unwrap();
    }
    fs::copy(path(RECORDING), dir.path().join("rules/recording.yml")).unwrap();
    let changed: Vec<_> = read(ALERTS).lines().filter_map(change).collect();
    fs::write(dir.path().join("rules/alerts.yml"), changed.join("\n")).unwrap();
    let output = promtool(
        dir.path(),
        &["test", "rules"],
        &files(TESTS, ".yml").iter().map(|file| Path::new("tests").join(file.file_name().unwrap())).collect::<Vec<_>>(),
    );
    let text = said(&output);
    assert!(!text.contains("error"), "{text}");
    text.lines().filter_map(|line| line.trim().strip_prefix("name: ")?.strip_suffix(',').map(str::to_owned)).collect()
}

#[test]
fn prometheus_accepts_configuration_and_rules() {
    let output = promtool(&path(FOLDER), &["check", "config", "--lint-fatal"], &["prometheus.yml"]);
    assert!(output.status.success(), "{}", said(&output));
    let output =
        promtool(&path(FOLDER), &["check", "rules", "--lint-fatal"], &["rules/recording.yml", "rules/alerts.yml"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn every_alert_fires_when_it_should_and_not_otherwise() {
    let expectations = expectations();
    for alert in alerts() {
        for fires in [true, false] {
            let has_one = expectations.values().any(|(name, expected)| *name == alert.name && *expected == fires);
            assert!(
                has_one,
                "{} has no test in {TESTS} in which it {}",
                alert.name,
                if fires { "fires" } else { "is quiet" }
            );
        }
    }
    let output = promtool(&path(TESTS), &["test", "rules"], &files(TESTS, ".yml"));
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn those_tests_see_an_alert_that_never_fires_and_one_that_always_does() {
    let with = |expr: &'static str| {
        failing(move |line| {
            let indent = line.len() - line.trim_start().len();
            match line.trim_start() {
                text if text.starts_with("expr: ") => Some(format!("{}expr: {expr}", &line[..indent])),
                text if text.starts_with("for: ") => None,
                _ => Some(line.to_owned()),
            }
        })
    };
    let named = |fires: bool| {
        let wanted = expectations().into_iter().filter(move |(_, (_, expected))| *expected == fires);
        wanted.map(|(name, _)| name).collect::<BTreeSet<_>>()
    };
    assert_eq!(with("vector(0) > 1"), named(true));
    // Those that expect it find it with other labels and words.
    let all: BTreeSet<_> = named(true).union(&named(false)).cloned().collect();
    assert_eq!(with("vector(1)"), all);
}
