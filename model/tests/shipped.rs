//! The shipped program has no rule-breaking variant in it, and nothing that it is built from could have one.

use minuet_consensus::mutation::Mutation;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const MUTANTS: &str = "minuet-mutants";

fn metadata() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("model lies in the workspace root");
    // Of other platforms nothing need be there.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", &platform])
        .current_dir(root)
        .output()
        .expect("this check asks cargo what depends on what");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// Every package that is compiled into this one, by name; what only its tests use is not.
fn built_from(metadata: &Value, package: &str) -> BTreeSet<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names: BTreeMap<String, String> =
        list(&metadata["packages"]).iter().map(|package| (word(&package["id"]), word(&package["name"]))).collect();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let kinds = |dep: &Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].as_str() != Some("dev"));
        let used =
            list(&node["deps"]).iter().filter(|dep| kinds(dep)).map(|dep| names[&word(&dep["pkg"])].clone()).collect();
        uses.insert(names[&word(&node["id"])].clone(), used);
    }
    let mut found = BTreeSet::new();
    let mut open = vec![package.to_owned()];
    while let Some(package) = open.pop() {
        open.extend(uses.get(&package).into_iter().flatten().filter(|used| !found.contains(*used)).cloned());
        found.insert(package);
    }
    found
}

#[test]
fn the_node_is_not_built_from_the_rule_breaking_rules() {
    let metadata = metadata();
    let node = built_from(&metadata, "minuet-node");
    assert!(node.contains("minuet-consensus") && node.contains("minuet-core"), "{node:?}");
    assert!(!node.contains(MUTANTS), "minuet-node is built from {MUTANTS}");
    assert!(built_from(&metadata, "minuet-model").contains(MUTANTS), "this check sees the edge where there is one");
}

/// The program, as the build of the workspace left it beside this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in deps/").to_path_buf();
    folder.join(format!("minuet{}", std::env::consts::EXE_SUFFIX))
}

fn has(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn the_program_has_no_text_of_a_rule_breaking_variant_and_the_other_build_has_all() {
    let read = |path: &Path| {
        std::fs::read(path).unwrap_or_else(|error| {
            panic!("{}: {error}: build the whole workspace first ('make build')", path.display())
        })
    };
    let shipped = read(&program());
    let broken = read(&std::env::current_exe().expect("this test is a file"));
    assert!(has(&shipped, "minuet"), "this is not the program");
    for mutation in Mutation::ALL {
        // Texts of the other build alone: this test's own source names none of them.
        assert!(has(&broken, mutation.what()), "{}: not where it belongs", mutation.name());
        assert!(!has(&shipped, mutation.what()), "{} is in the shipped program", mutation.name());
    }
}
