//! `make bench ARGS=--quick` reaches targets that understand it alone, and names of benchmarks say what is measured.

use crate::assert_none;
use crate::sources::tracked;
use toml::Table;

const OPENS_A_GROUP: &str = "benchmark_group(\"";

/// Targets of a manifest whose own test harness would run: it knows none of criterion's flags.
fn harnesses(folder: &str, manifest: &Table, has_library: bool, has_program: bool) -> Vec<String> {
    let is_off = |target: &toml::Value| target.get("bench").and_then(toml::Value::as_bool) == Some(false);
    let programs = manifest.get("bin").and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut findings = Vec::new();
    if (has_library || manifest.contains_key("lib")) && !manifest.get("lib").is_some_and(is_off) {
        findings.push(format!("{folder}: add 'bench = false' to [lib]"));
    }
    if programs.iter().any(|program| !is_off(program)) || (has_program && programs.is_empty()) {
        findings.push(format!("{folder}: name the program in [[bin]], with 'bench = false'"));
    }
    findings
}

/// Names in a file of benchmarks that are not `module::operation`; what is behind the slash is always pairs.
fn bad_names(path: &str, text: &str) -> Vec<String> {
    let names = text.match_indices(OPENS_A_GROUP).filter_map(|(at, _)| {
        let name = &text[at + OPENS_A_GROUP.len()..];
        name.split_once('"').map(|(name, _)| name)
    });
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let is_good = |name: &&str| matches!(name.split("::").collect::<Vec<_>>()[..], [module, operation] if is_word(module) && is_word(operation));
    names.filter(|name| !is_good(name)).map(|name| format!("{path}: '{name}' is not module::operation")).collect()
}

#[test]
fn no_harness_but_criterions_runs_in_benchmarks() {
    let (manifests, sources) = (tracked("Cargo.toml"), tracked(".rs"));
    let is_there = |path: String| sources.iter().any(|source| source.path == path);
    let members = manifests.iter().filter_map(|source| Some((source.path.strip_suffix("/Cargo.toml")?, &source.text)));
    let findings = members.filter(|(folder, _)| *folder != "fuzz").flat_map(|(folder, text)| {
        let manifest = text.parse().unwrap_or_else(|error| panic!("{folder}/Cargo.toml: {error}"));
        let (library, program) = (format!("{folder}/src/lib.rs"), format!("{folder}/src/main.rs"));
        harnesses(folder, &manifest, is_there(library), is_there(program))
    });
    assert_none("harnesses", &findings.collect::<Vec<_>>());
}

#[test]
fn benchmarks_are_named_by_module_and_operation() {
    let sources = tracked(".rs");
    let benches = sources.iter().filter(|source| source.path.contains("/benches/"));
    assert_none("names", &benches.flat_map(|source| bad_names(&source.path, &source.text)).collect::<Vec<_>>());
}

#[test]
fn a_harness_and_a_bad_name_are_found() {
    let count = |text: &str, library, program| harnesses("a", &text.parse().unwrap(), library, program).len();
    assert_eq!(count("[lib]\nbench = false\n[[bin]]\nname = \"b\"\nbench = false\n", true, true), 0);
    for (text, library, program) in [
        ("", true, false),
        ("", false, true),
        ("[lib]\n", false, false),
        ("[lib]\nbench = true\n", true, false),
        ("[[bin]]\nname = \"b\"\n", false, true),
    ] {
        assert_eq!(count(text, library, program), 1, "{text}");
    }
    let group = |name: &str| bad_names("a", &format!("{OPENS_A_GROUP}{name}\")")).len();
    assert_eq!(group("state::root_2"), 0);
    for name in ["state", "state::", "state root::b", "a::b::c", "State::root"] {
        assert_eq!(group(name), 1, "{name}");
    }
}
