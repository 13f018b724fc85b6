//! Words and calls that have no place in finished code.

use crate::assert_none;
use crate::sources::{is_test_file, lines_without_tests, tracked};

/// Nowhere, tests and comments included. Written in halves, so that this list does not find itself.
const NOWHERE: [(&str, &str); 9] = [
    (concat!("to", "do!("), "finish it or leave it out"),
    (concat!("unimple", "mented!("), "finish it or leave it out"),
    (concat!("d", "bg!("), "log it with tracing or leave it out"),
    (concat!("FIX", "ME"), "fix it"),
    (concat!("XX", "X"), "fix it"),
    (concat!("HA", "CK"), "do it well or say plainly why it is as it is"),
    (concat!("#[ig", "nore"), "a test runs or is deleted; a measurement is named in MAY_BE_SKIPPED"),
    (concat!("un", "safe {"), "the workspace has none"),
    (concat!("un", "safe impl"), "the workspace has none"),
];

/// Not in code that ships.
const NOT_IN_CODE: [(&str, &str); 1] =
    [(concat!(".unw", "rap()"), "return an error, or say with expect why it cannot fail")];

/// Waiting for time instead of for what is waited for; in code and in tests.
const SLEEPS: [&str; 3] = [concat!("thread::sl", "eep"), concat!("time::sl", "eep"), concat!("sl", "eep_until(")];

/// Files that may wait for time to pass, each with its reason.
const MAY_SLEEP: [(&str, &str); 10] = [
    ("node/src/localnet/mod.rs", "the deadline of --for"),
    ("node/src/localnet/watch.rs", "pause between attempts to reach a node that starts"),
    ("node/src/load/engine.rs", "the rate of the load is a schedule"),
    ("node/src/load/nodes.rs", "pause between calls to a node that is gone"),
    ("rpc/src/server.rs", "the deadline of a shutdown"),
    ("rpc/src/submit.rs", "the deadline of a waiting call"),
    ("p2p/src/connect.rs", "backoff between connection attempts"),
    ("p2p/src/reader.rs", "a peer's byte budget refills with time"),
    ("node/src/chaos/chance.rs", "moments drawn by chance, and measurements over a time"),
    ("node/src/chaos/proxy.rs", "delay is what it makes"),
];

/// Files whose measurements are tests that run only when asked for, each with its reason.
const MAY_BE_SKIPPED: [(&str, &str); 2] = [
    ("storage/src/journal/tests.rs", "bytes written to a real disk: a figure, not a verdict"),
    ("storage/src/rocks/tests.rs", "bytes written to a real disk: a figure, not a verdict"),
];

fn is_allowed(path: &str, word: &str) -> bool {
    word == NOWHERE[6].0 && MAY_BE_SKIPPED.iter().any(|(allowed, _)| *allowed == path)
}

fn check(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut note =
        |number: usize, word: &str, advice: &str| findings.push(format!("{path}:{number}: '{word}': {advice}"));
    for (number, line) in text.lines().enumerate() {
        for (word, advice) in NOWHERE.iter().filter(|(word, _)| line.contains(word) && !is_allowed(path, word)) {
            note(number + 1, word, advice);
        }
        for word in SLEEPS.iter().filter(|word| line.contains(**word) && !may_sleep(path)) {
            note(number + 1, word, "wait for the event, or name the file and the reason in MAY_SLEEP");
        }
    }
    if !is_test_file(path) {
        for (number, line) in lines_without_tests(text) {
            let code = if line.trim_start().starts_with("//") { "" } else { line };
            for (word, advice) in NOT_IN_CODE.iter().filter(|(word, _)| code.contains(word)) {
                note(number, word, advice);
            }
        }
    }
    findings
}

fn may_sleep(path: &str) -> bool {
    MAY_SLEEP.iter().any(|(allowed, _)| *allowed == path)
}

#[test]
fn no_banned_word_stands_in_the_sources() {
    let sources = tracked(".rs");
    assert_none("banned", &sources.iter().flat_map(|source| check(&source.path, &source.text)).collect::<Vec<_>>());
}

#[test]
fn every_file_that_may_sleep_does() {
    let sources = tracked(".rs");
    let sleeps = |path: &str| {
        let source = sources.iter().find(|source| source.path == path);
        source.is_some_and(|source| SLEEPS.iter().any(|word| source.text.contains(word)))
    };
    let stale = MAY_SLEEP.iter().filter(|(path, _)| !sleeps(path));
    assert_none("in MAY_SLEEP for nothing", &stale.map(|(path, _)| (*path).to_owned()).collect::<Vec<_>>());
}

#[test]
fn every_banned_word_is_found() {
    for (word, _) in NOWHERE {
        assert_eq!(check("core/src/a.rs", &format!("fn a() {{\n    {word}\n}}\n")).len(), 1, "{word}");
        assert_eq!(check("core/tests/a.rs", &format!("// {word}\n")).len(), 1, "{word}");
    }
    for (word, _) in NOT_IN_CODE {
        let line = format!("    a(){word};\n");
        assert_eq!(check("core/src/a.rs", &line).len(), 1);
        assert!(check("core/src/a/tests.rs", &line).is_empty());
        assert!(check("core/src/a.rs", &format!("#[cfg(test)]\nmod tests {{\n{line}}}\n")).is_empty());
        assert!(check("core/src/a.rs", &format!("/// like a(){word}\n")).is_empty());
    }
    assert!(
        check(MAY_BE_SKIPPED[0].0, NOWHERE[6].0).is_empty() && !check(MAY_BE_SKIPPED[0].0, NOWHERE[0].0).is_empty()
    );
    for word in SLEEPS {
        for path in ["core/src/a.rs", "core/tests/a.rs"] {
            assert!(!check(path, &format!("    {word}(second);\n")).is_empty(), "{word} in {path}");
        }
        assert!(check(MAY_SLEEP[0].0, &format!("    {word}(second);\n")).is_empty());
    }
}
