//! The tracked files, and which of their lines are tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Source {
    /// Relative to the workspace root, with slashes.
    pub path: String,
    pub text: String,
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("core lies in the workspace root").to_path_buf()
}

/// Tracked files with this ending that still exist, in order.
pub fn tracked(ending: &str) -> Vec<Source> {
    let output = Command::new("git").args(["-c", "safe.directory=*", "ls-files", "-z"]).current_dir(root()).output();
    let output = output.expect("this check asks git which files are tracked: install git ('make setup')");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).expect("paths are UTF-8");
    let paths = listed.split('\0').filter(|path| path.ends_with(ending) && root().join(path).is_file());
    let sources: Vec<_> = paths
        .map(|path| Source {
            path: path.to_owned(),
            text: fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}")),
        })
        .collect();
    assert!(!sources.is_empty(), "no tracked file ends in '{ending}'");
    sources
}

/// Files that only tests and benchmarks compile.
pub fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let in_folder = |folder: &str| path.split('/').any(|part| part == folder);
    in_folder("tests")
        || in_folder("benches")
        || name == "tests.rs"
        || name == "testing.rs"
        || name.ends_with("_tests.rs")
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Where the item that starts at `lines[start]` ends (rustfmt's layout: a closing brace under the first line).
pub fn item_end(lines: &[&str], start: usize) -> usize {
    let indent = indent_of(lines[start]);
    let closes = |line: &str| {
        let trimmed = line.trim_end();
        indent_of(line) == indent && (trimmed.ends_with(';') || trimmed.ends_with('}'))
    };
    (start..lines.len()).find(|at| closes(lines[*at])).unwrap_or(lines.len() - 1)
}

/// Numbered lines (from 1) without the items under `#[cfg(test)]`.
pub fn lines_without_tests(text: &str) -> Vec<(usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if lines[at].trim() == "#[cfg(test)]" {
            let mut item = at;
            while item + 1 < lines.len() && lines[item].trim_start().starts_with("#[") {
                item += 1;
            }
            at = item_end(&lines, item) + 1;
        } else {
            kept.push((at + 1, lines[at]));
            at += 1;
        }
    }
    kept
}

#[test]
fn items_under_cfg_test_are_left_out_and_nothing_else() {
    let text = "mod a;\n#[cfg(test)]\nmod tests;\nfn b() {\n    1;\n}\n#[cfg(test)]\n#[rustfmt::skip]\nmod c {\n    \
                fn d() {\n    }\n}\nfn e() {}\n";
    let kept: Vec<_> = lines_without_tests(text).into_iter().map(|(number, _)| number).collect();
    assert_eq!(kept, [1, 4, 5, 6, 13]);
}

#[test]
fn test_files_are_known_by_folder_and_name() {
    for path in ["core/tests/a.rs", "core/src/ring/tests.rs", "node/src/layout_tests.rs", "core/benches/crypto.rs"] {
        assert!(is_test_file(path), "{path}");
    }
    for path in ["core/src/lib.rs", "node/src/contests.rs"] {
        assert!(!is_test_file(path), "{path}");
    }
}
