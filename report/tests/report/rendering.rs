use crate::made_up::{self, whole};
use minuet_report::output::{FIGURES_FILE, PAGE_FILE, RESULTS_FILE, files, write};
use minuet_report::plots;
use minuet_report::results::Results;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn by_name(results: &Results) -> BTreeMap<String, String> {
    files(results).unwrap().into_iter().collect()
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/golden")
}

#[test]
fn everything_is_written_as_it_was_before_byte_for_byte() {
    let rendered = by_name(&whole());
    for (name, text) in &rendered {
        // Not named as Markdown: its links lead nowhere from here.
        let path = golden().join(name.replace('/', "-").replace(".md", ".golden"));
        if std::env::var_os("UPDATE_GOLDENS").is_some() {
            fs::create_dir_all(golden()).unwrap();
            fs::write(&path, text).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(*text == expected, "{name} differs; if that is meant: UPDATE_GOLDENS=1\n{text}");
    }
    assert_eq!(fs::read_dir(golden()).unwrap().count(), rendered.len());
}

#[test]
fn what_was_kept_is_written_again_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    write(&whole(), folder.path()).unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let before: Vec<String> = by_name(&whole()).keys().map(|name| read(name)).collect();
    let kept = Results::read(&folder.path().join(RESULTS_FILE)).unwrap();
    assert_eq!(kept, whole());
    write(&kept, folder.path()).unwrap();
    assert_eq!(before, by_name(&whole()).keys().map(|name| read(name)).collect::<Vec<_>>());
}

#[test]
fn every_plot_is_well_formed_and_has_every_series() {
    let series: [&[&str]; 5] = [
        &["median", "99th percentile"],
        &["median", "90th percentile", "99th percentile", "killed", "started again"],
        &["transfers per second"],
        &["next view", "next view, delays alone", "final", "final, delays alone"],
        &["state::root", "state::root_one_core"],
    ];
    let plots = plots::all(&whole());
    assert_eq!(plots.len(), series.len());
    for (plot, names) in plots.iter().zip(series) {
        let svg = plot.svg.as_ref().unwrap();
        let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{}: {error}\n{svg}", plot.name));
        assert_eq!(document.root_element().tag_name().name(), "svg");
        let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
        for name in names {
            assert!(texts.contains(name), "{}: no '{name}' in {texts:?}", plot.name);
        }
        // Each series is a line with its name: what the legend says is there.
        let lines = document.descendants().filter(|node| node.has_tag_name("path") && node.has_children());
        assert_eq!(lines.count(), names.iter().filter(|name| !["killed", "started again"].contains(name)).count());
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

#[test]
fn a_band_is_drawn_where_runs_differ_and_only_there() {
    let bands = |results: &Results| plots::all(results)[0].svg.as_ref().unwrap().matches("fill-opacity").count();
    assert!(bands(&whole()) > 0);
    let mut one = whole();
    one.curve.as_mut().unwrap().runs.truncate(1);
    assert_eq!(bands(&one), 0);
}

#[test]
fn without_results_all_is_not_measured_and_nothing_is_drawn() {
    let rendered = by_name(&Results::default());
    assert_eq!(rendered.keys().collect::<Vec<_>>(), [PAGE_FILE, RESULTS_FILE]);
    let page = &rendered[PAGE_FILE];
    assert!(page.contains("Nothing was measured yet") && !page.contains(".svg"), "{page}");
    let figures = page.split("## Figures").nth(1).unwrap().split("\n## ").next().unwrap();
    for row in figures.lines().filter(|line| line.starts_with("| ")).skip(1) {
        assert!(row.contains("| not measured | – | – |"), "{row}");
    }
}

#[test]
fn a_plot_that_has_nothing_to_show_any_more_goes() {
    let folder = tempfile::tempdir().unwrap();
    write(&whole(), folder.path()).unwrap();
    let plot = folder.path().join("images/benchmarks/latency-load.svg");
    assert!(plot.exists());
    write(&Results { curve: None, ..whole() }, folder.path()).unwrap();
    assert!(!plot.exists());
    assert!(folder.path().join("images/benchmarks/block-size.svg").exists());
}

#[test]
fn quick_runs_and_busy_machines_are_told_of_and_which_scenarios_they_were() {
    let page = |results: &Results| by_name(results)[PAGE_FILE].clone();
    let quiet = page(&whole());
    assert!(!quiet.contains("quick run") && !quiet.contains("busy") && !quiet.contains("other runs"), "{quiet}");
    let mut some = whole();
    let taken = &mut some.disk.as_mut().unwrap().taken;
    (taken.quick, taken.load_before, taken.date) = (true, 2.3, "2026-01-01".to_owned());
    let page = page(&some);
    for words in
        ["to try the report out: disk.", "busy with other work: disk.", "1 of 16 scenarios are from other runs"]
    {
        assert!(page.contains(words), "no '{words}'");
    }
    assert!(page.contains("2026-01-02, 2 × Some CPU"), "the newest run's machine stands above");
}

#[test]
fn limits_gets_the_median_of_the_closed_loop_and_nothing_if_there_was_none() {
    let figures: serde_json::Value = serde_json::from_str(&by_name(&whole())[FIGURES_FILE]).unwrap();
    assert_eq!(figures["tps"], 10_100.5);
    assert_eq!(figures["idle_finality_p50_ms"], 7.9);
    assert_eq!(figures["blocks_per_second"], 5.0);
    assert_eq!(figures["cpu_cores_used"], 1.975);
    assert_eq!((&figures["date"], &figures["commit"]), (&"2026-01-02".into(), &made_up::taken().commit.into()));
    assert!(!by_name(&Results { closed: None, ..whole() }).contains_key(FIGURES_FILE));
    assert!(!by_name(&Results { idle: None, ..whole() }).contains_key(FIGURES_FILE));
}

#[test]
fn another_version_of_the_results_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.json");
    fs::write(&path, "{\"version\": 0}").unwrap();
    assert!(Results::read(&path).unwrap_err().to_string().contains("version 0 instead of"));
    fs::write(&path, "{\"version\": 1, \"idel\": null}").unwrap();
    assert!(Results::read(&path).unwrap_err().to_string().contains("idel"));
}

#[test]
fn the_repositorys_page_and_plots_are_what_its_results_make() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let results = Results::read(&docs.join(RESULTS_FILE)).unwrap();
    for (name, text) in by_name(&results) {
        let found = fs::read_to_string(docs.join(&name)).unwrap_or_else(|error| panic!("docs/{name}: {error}"));
        let advice = "write it anew with make bench-report ARGS=--render-only";
        assert!(found == text, "docs/{name} was edited by hand, or the report's layout is another one: {advice}");
    }
    for plot in plots::all(&results).into_iter().filter(|plot| plot.svg.is_none()) {
        assert!(!docs.join(plot.path()).exists(), "docs/{} shows what was not measured", plot.path());
    }
}
