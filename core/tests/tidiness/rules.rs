//! Every rule of docs/protocol.md is cited in the code that carries it out.

use crate::assert_none;
use crate::sources::{is_test_file, tracked};
use std::fs;

/// Ids of the table of rules: rows that start with `| R1 propose |`.
fn rule_ids(protocol: &str) -> Vec<String> {
    let first_words = protocol.lines().filter_map(|line| line.strip_prefix("| R")?.split(' ').next());
    first_words.filter(|id| id.parse::<u32>().is_ok()).map(|id| format!("R{id}")).collect()
}

/// Whether the id stands in the text as a word of its own.
fn cites(text: &str, id: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(id).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + id.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

fn uncited(ids: &[String], sources: &[String]) -> Vec<String> {
    ids.iter().filter(|id| !sources.iter().any(|text| cites(text, id))).cloned().collect()
}

#[test]
fn every_rule_is_cited_in_consensus() {
    let protocol = fs::read_to_string(crate::sources::root().join("docs/protocol.md")).unwrap();
    let ids = rule_ids(&protocol);
    assert_eq!(ids.len(), 14, "{ids:?}");
    let sources = tracked(".rs").into_iter();
    let sources = sources.filter(|source| source.path.starts_with("consensus/src/") && !is_test_file(&source.path));
    let texts: Vec<_> = sources.map(|source| source.text).collect();
    assert_none("rules without a citation in consensus/src", &uncited(&ids, &texts));
}

#[test]
fn a_rule_without_a_citation_is_found() {
    let protocol = "| id | rule |\n|---|---|\n| R1 propose | … |\n| R2 vote | … |\n| R13 backoff | … |\n| Rest | … |\n";
    let ids = rule_ids(protocol);
    assert_eq!(ids, ["R1", "R2", "R13"]);
    let sources = ["/// Carries out R1, not R12.".to_owned(), "// FOR2 R2D; (R13)".to_owned()];
    assert_eq!(uncited(&ids, &sources), ["R2"]);
}
