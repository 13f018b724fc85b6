//! Files of at most 600 lines, functions of at most 70; tests do not count.

use crate::assert_none;
use crate::sources::{is_test_file, item_end, lines_without_tests, tracked};

const MAX_FILE_LINES: usize = 600;
const MAX_FUNCTION_LINES: usize = 70;

fn is_function(line: &str) -> bool {
    let mut words = line.trim_start().split(' ').peekable();
    while let Some(word) = words.peek() {
        let modifier =
            matches!(*word, "pub" | "const" | "async" | "unsafe" | "extern" | "\"C\"") || word.starts_with("pub(");
        if !modifier {
            break;
        }
        words.next();
    }
    words.next() == Some("fn")
}

fn check(path: &str, text: &str) -> Vec<String> {
    let kept = lines_without_tests(text);
    let mut findings = Vec::new();
    if kept.len() > MAX_FILE_LINES {
        findings.push(format!("{path}: {} lines without tests, {MAX_FILE_LINES} are allowed", kept.len()));
    }
    let lines: Vec<&str> = kept.iter().map(|(_, line)| *line).collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_function(line)) {
        let length = item_end(&lines, at) - at + 1;
        if length > MAX_FUNCTION_LINES {
            let name = line.trim();
            findings.push(format!("{path}:{}: {length} lines, {MAX_FUNCTION_LINES} are allowed: {name}", kept[at].0));
        }
    }
    findings
}

#[test]
fn files_and_functions_are_short() {
    let sources = tracked(".rs").into_iter().filter(|source| !is_test_file(&source.path));
    assert_none("too long", &sources.flat_map(|source| check(&source.path, &source.text)).collect::<Vec<_>>());
}

#[test]
fn a_long_file_is_found_and_its_tests_do_not_count() {
    let limit = "const A: u8 = 0;\n".repeat(600);
    assert!(check("a.rs", &limit).is_empty());
    let tests = format!("{limit}#[cfg(test)]\nmod tests {{\n    const B: u8 = 0;\n}}\n");
    assert!(check("a.rs", &tests).is_empty());
    assert_eq!(check("a.rs", &format!("{limit}const C: u8 = 0;\n")).len(), 1);
}

#[test]
fn a_long_function_is_found_in_every_form() {
    for head in ["fn a() {", "    pub(crate) async fn a() {", "    pub const fn a(\n        b: u8,\n    ) -> u8 {"] {
        let indent = " ".repeat(head.len() - head.trim_start().len());
        let body = |lines| format!("{head}\n{}{indent}}}\n", format!("{indent}    b();\n").repeat(lines));
        let frame = head.lines().count() + 1;
        assert!(check("a.rs", &body(70 - frame)).is_empty(), "{head}");
        let findings = check("a.rs", &body(71 - frame));
        assert!(findings.len() == 1 && findings[0].starts_with("a.rs:1: 71 lines"), "{head}: {findings:?}");
    }
}

#[test]
fn functions_without_a_body_do_not_run_on() {
    let text = format!("trait A {{\n    fn a(\n        b: u8,\n    ) -> u8;\n{}}}\n", "    const B: u8;\n".repeat(80));
    assert!(check("a.rs", &text).is_empty());
}
