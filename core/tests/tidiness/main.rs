//! The project's conventions, as checks over every tracked file: sizes, words, dependencies, links and rule ids. Each
//! check is a function from text to findings, with a test that shows it fails on a bad sample.

mod benches;
mod dependencies;
mod links;
mod rules;
mod sizes;
mod sources;
mod words;

/// Fails with one line per finding.
fn assert_none(what: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{what}:\n  {}", findings.join("\n  "));
}
