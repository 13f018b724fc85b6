//! Which crate may use which: the table of docs/architecture.md as data, held against every manifest.

use crate::assert_none;
use crate::sources::tracked;
use toml::Table;

/// Our crates by folder, and those of ours that each may depend on. Tests may use more ([dev-dependencies]).
const OURS: [(&str, &[&str]); 15] = [
    ("core", &[]),
    ("consensus", &["core"]),
    ("mempool", &["core"]),
    ("storage", &["core"]),
    ("execution", &["core", "storage"]),
    ("p2p", &["core"]),
    ("rpc", &["core"]),
    ("visualizer", &["core"]),
    ("simulator", &["core", "consensus", "mempool", "storage", "execution"]),
    ("mutants", &["core"]),
    ("seeded", &["core", "mutants", "execution", "mempool", "storage"]),
    ("model", &["core", "mutants"]),
    ("fuzzing", &["core", "consensus", "mempool", "storage", "execution", "p2p"]),
    ("report", &[]),
    ("node", &["core", "consensus", "mempool", "storage", "execution", "p2p", "rpc", "visualizer", "simulator"]),
];

/// Libraries whose name starts so, and the only crates that may use them, tests included.
const EXTERNAL: [(&str, &[&str]); 22] = [
    ("metrics", &["node"]),
    ("axum", &["visualizer", "node"]),
    ("hyper", &["visualizer", "node"]),
    ("tokio", &["p2p", "rpc", "visualizer", "node"]),
    ("tonic", &["rpc", "node"]),
    ("prost", &["rpc"]),
    ("protox", &["rpc"]),
    ("quinn", &["p2p"]),
    ("rustls", &["p2p"]),
    ("revm", &["execution"]),
    ("blst", &["core"]),
    ("ed25519", &["core"]),
    ("curve25519", &["core"]),
    ("rtrb", &["core"]),
    ("crossbeam", &["core"]),
    ("rocksdb", &["storage"]),
    ("clap", &["node", "report"]),
    ("indicatif", &["node"]),
    ("signal-hook", &["node", "report"]),
    ("stateright", &["model"]),
    ("peak_alloc", &["fuzzing"]),
    ("roxmltree", &["report"]),
];

/// Not of the workspace, and why: built by another compiler, for tests alone.
const OUTSIDE: [&str; 1] = ["fuzz"];

const TABLES: [&str; 3] = ["dependencies", "build-dependencies", "dev-dependencies"];

/// Names of the packages in one table of a manifest, renamed ones by their own name, per-target ones included.
fn packages(manifest: &Table, table: &str) -> Vec<String> {
    let targets = manifest.get("target").and_then(|targets| targets.as_table());
    let per_target = targets.into_iter().flat_map(|targets| targets.values()).filter_map(|target| target.get(table));
    let tables = manifest.get(table).into_iter().chain(per_target);
    let entries = tables.filter_map(|table| table.as_table()).flatten();
    entries.map(|(name, entry)| entry.get("package").and_then(|own| own.as_str()).unwrap_or(name).to_owned()).collect()
}

fn check(folder: &str, text: &str) -> Vec<String> {
    let manifest: Table = text.parse().unwrap_or_else(|error| panic!("{folder}/Cargo.toml: {error}"));
    let Some((_, ours)) = OURS.iter().find(|(name, _)| *name == folder) else {
        return vec![format!("{folder}: not in the table of crates")];
    };
    let mut findings = Vec::new();
    let own_name = manifest.get("package").and_then(|package| package.get("name")).and_then(|name| name.as_str());
    if own_name != Some(&format!("minuet-{folder}")) {
        findings.push(format!("{folder}: its package must be called minuet-{folder}"));
    }
    if manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(|on| on.as_bool()) != Some(true) {
        findings.push(format!("{folder}: add '[lints] workspace = true'"));
    }
    for table in TABLES {
        for package in packages(&manifest, table) {
            let of_ours = package.strip_prefix("minuet-").filter(|_| table != "dev-dependencies");
            if let Some(used) = of_ours.filter(|used| !ours.contains(used)) {
                findings.push(format!("{folder}: may not depend on {used} [{table}]"));
            }
            for (library, users) in EXTERNAL {
                if package.starts_with(library) && !users.contains(&folder) {
                    findings.push(format!("{folder}: {package} [{table}] is for {} only", users.join(", ")));
                }
            }
        }
    }
    findings
}

#[test]
fn crates_depend_on_what_the_table_allows() {
    let manifests = tracked("Cargo.toml");
    let crates = manifests.iter().filter_map(|source| Some((source.path.strip_suffix("/Cargo.toml")?, &source.text)));
    let crates = crates.filter(|(folder, _)| !OUTSIDE.contains(folder));
    assert_none("dependencies", &crates.flat_map(|(folder, text)| check(folder, text)).collect::<Vec<_>>());
}

#[test]
fn the_table_names_exactly_the_workspaces_members() {
    let manifests = tracked("Cargo.toml");
    let root = manifests.iter().find(|source| source.path == "Cargo.toml").expect("the root manifest is tracked");
    let root: Table = root.text.parse().unwrap();
    let mut members: Vec<_> =
        root["workspace"]["members"].as_array().unwrap().iter().map(|member| member.as_str().unwrap()).collect();
    let mut table: Vec<_> = OURS.iter().map(|(name, _)| *name).collect();
    members.sort_unstable();
    table.sort_unstable();
    assert_eq!(members, table);
}

#[test]
fn what_cargo_fuzz_builds_uses_the_fuzzing_crate_and_nothing_else_of_ours() {
    let manifests = tracked("Cargo.toml");
    let fuzz = manifests.iter().find(|source| source.path == "fuzz/Cargo.toml").expect("its manifest is tracked");
    let manifest: Table = fuzz.text.parse().unwrap();
    assert_eq!(packages(&manifest, "dependencies"), ["libfuzzer-sys", "minuet-fuzzing"]);
    let root = manifests.iter().find(|source| source.path == "Cargo.toml").expect("the root manifest is tracked");
    let root: Table = root.text.parse().unwrap();
    assert_eq!(root["workspace"]["exclude"].as_array().unwrap().len(), OUTSIDE.len());
}

#[test]
fn every_forbidden_edge_is_found() {
    let manifest =
        |folder: &str, rest: &str| format!("[package]\nname = \"minuet-{folder}\"\n[lints]\nworkspace = true\n{rest}");
    let count = |folder: &str, rest: &str| check(folder, &manifest(folder, rest)).len();
    assert_eq!(count("consensus", "[dependencies]\nminuet-core.workspace = true\n"), 0);
    assert_eq!(count("consensus", "[dev-dependencies]\nminuet-storage.workspace = true\n"), 0);
    for (folder, rest) in [
        ("consensus", "[dependencies]\nminuet-storage.workspace = true\n"),
        ("consensus", "[dependencies]\nstore = { package = \"minuet-storage\", path = \"../storage\" }\n"),
        ("rpc", "[build-dependencies]\nminuet-node.workspace = true\n"),
        ("mempool", "[target.'cfg(unix)'.dependencies]\ntokio.workspace = true\n"),
        ("consensus", "[dev-dependencies]\ntokio-stream.workspace = true\n"),
        ("node", "[dependencies]\nrocksdb.workspace = true\n"),
        ("p2p", "[dependencies]\ncrossbeam-channel = \"0.5\"\n"),
        ("wallet", "[dependencies]\n"),
    ] {
        assert_eq!(count(folder, rest), 1, "{folder}: {rest}");
    }
    assert_eq!(check("core", "[package]\nname = \"minuet-core\"\n").len(), 1);
    assert_eq!(check("core", "[package]\nname = \"core\"\n[lints]\nworkspace = true\n").len(), 1);
}
