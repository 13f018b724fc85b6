//! Grafana's dashboards: tables of panels here, JSON in deployments/grafana/dashboards. `UPDATE_DASHBOARDS=1` writes the JSON.

mod consensus;
mod fleet;
mod load;
mod model;
mod validator;
mod wires;

use crate::path;
use model::Dashboard;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

const FOLDER: &str = "deployments/grafana/dashboards";

pub fn all() -> Vec<Dashboard> {
    vec![fleet::dashboard(), consensus::dashboard(), load::dashboard(), wires::dashboard(), validator::dashboard()]
}

#[test]
fn the_dashboards_are_what_their_tables_say() {
    let update = std::env::var_os("UPDATE_DASHBOARDS").is_some();
    for dashboard in all() {
        let file = path(FOLDER).join(format!("{}.json", dashboard.name));
        let wanted = dashboard.json();
        if update {
            fs::create_dir_all(path(FOLDER)).unwrap();
            fs::write(&file, serde_json::to_string_pretty(&wanted).unwrap() + "\n").unwrap();
        }
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let there: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let advice = "change the tables in core/tests/deployments/dashboards, then write it with UPDATE_DASHBOARDS=1";
        assert!(there == wanted, "{} is not what its table says: {advice}", file.display());
    }
    let names: BTreeSet<String> = all().iter().map(|dashboard| format!("{}.json", dashboard.name)).collect();
    let there =
        crate::files(FOLDER, ".json").into_iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned());
    assert_eq!(there.collect::<BTreeSet<_>>(), names, "files in {FOLDER}");
}

/// Panels that overlap or stand out of the grid, or that share a name or number.
fn misplaced(dashboard: &Value) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        let cells = (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y)));
        let overlapping = cells.filter(|cell| !taken.insert(*cell)).count();
        if overlapping > 0 || at("x") + at("w") > 24 {
            findings.push(format!("{title}: its place is taken or outside"));
        }
        // A row may be called like a panel.
        let kind = panel["type"] == "row";
        if !seen.insert((kind, title.to_owned())) || !seen.insert((kind, panel["id"].to_string())) {
            findings.push(format!("{title}: its name or number is taken"));
        }
    }
    findings
}

#[test]
fn panels_have_places_and_names_of_their_own() {
    for dashboard in all() {
        let findings = misplaced(&dashboard.json());
        assert!(findings.is_empty(), "{}: {findings:#?}", dashboard.name);
    }
    let mut json = fleet::dashboard().json();
    json["panels"][2]["gridPos"] = json["panels"][1]["gridPos"].clone();
    json["panels"][2]["title"] = json["panels"][1]["title"].clone();
    assert_eq!(misplaced(&json).len(), 2);
}

#[test]
fn a_tables_columns_have_the_same_labels_so_that_they_become_one_line() {
    for dashboard in all() {
        for panel in dashboard.panels().filter(|panel| panel.is_table()) {
            let by: BTreeSet<_> =
                panel.queries.iter().map(|(expr, _)| expr.split_once(" (").map(|(how, _)| how)).collect();
            let labels: BTreeSet<_> = panel.queries.iter().map(|(expr, _)| expr.split(") (").next().unwrap()).collect();
            assert!(by == BTreeSet::from([Some("max by")]) && labels.len() == 1, "{}: {labels:?}", dashboard.name);
        }
    }
}

#[test]
fn the_dashboards_together_show_every_subsystem() {
    let dashboards = all();
    let exprs = || dashboards.iter().flat_map(|dashboard| dashboard.panels()).flat_map(|panel| &panel.queries);
    let subsystems = ["consensus", "mempool", "execution", "storage", "p2p", "ring", "api", "process", "node"];
    for subsystem in subsystems {
        assert!(exprs().any(|(expr, _)| expr.contains(&format!("minuet_{subsystem}_"))), "{subsystem}");
    }
    // The page of one validator shows all of them.
    let one = dashboards.iter().find(|dashboard| dashboard.name == "validator").unwrap();
    let one: Vec<&str> = one.panels().flat_map(|panel| &panel.queries).map(|(expr, _)| *expr).collect();
    for subsystem in subsystems {
        assert!(one.iter().any(|expr| expr.contains(&format!("minuet_{subsystem}_"))), "{subsystem}");
    }
}
