//! The rules as text: what each alert says and where it leads.

use crate::read;

pub const RECORDING: &str = "deployments/prometheus/rules/recording.yml";
pub const ALERTS: &str = "deployments/prometheus/rules/alerts.yml";
const RUNBOOKS: &str = "docs/operations.md";

/// A recording rule or an alert.
pub struct Rule {
    pub name: String,
    block: String,
}

impl Rule {
    /// A field, where it stands on one line or, behind `>-`, on the more indented lines below it.
    pub fn field(&self, key: &str) -> Option<String> {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let lines: Vec<&str> = self.block.lines().collect();
        let at = lines.iter().position(|line| line.trim_start().starts_with(&format!("{key}:")))?;
        let value = lines[at].split_once(':')?.1.trim();
        if value != ">-" {
            return Some(value.to_owned());
        }
        let below = lines[at + 1..].iter().take_while(|line| indent(line) > indent(lines[at]));
        Some(below.map(|line| line.trim()).collect::<Vec<_>>().join(" "))
    }

    pub fn expr(&self) -> String {
        self.field("expr").unwrap_or_else(|| panic!("{} has no expression", self.name))
    }
}

/// The rules of a file that begin with `- alert:` or `- record:`.
pub fn rules(text: &str, kind: &str) -> Vec<Rule> {
    let start = format!("- {kind}: ");
    let mut rules: Vec<Rule> = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if let Some(name) = line.trim_start().strip_prefix(&start) {
            rules.push(Rule { name: name.trim().to_owned(), block: String::new() });
        } else if let Some(rule) = rules.last_mut() {
            rule.block += line;
            rule.block += "\n";
        }
    }
    rules
}

pub fn alerts() -> Vec<Rule> {
    rules(&read(ALERTS), "alert")
}

pub fn recorded() -> Vec<Rule> {
    rules(&read(RECORDING), "record")
}

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// What stands under the heading with this anchor.
fn section<'a>(text: &'a str, wanted: &str) -> Option<Vec<&'a str>> {
    let mut lines = text.lines().skip_while(|line| !(line.starts_with('#') && anchor(line) == wanted));
    lines.next()?;
    Some(lines.take_while(|line| !line.starts_with('#')).collect())
}

/// What is wrong with an alert.
fn check(alert: &Rule, manual: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut note = |what: &str| findings.push(format!("{}: {what}", alert.name));
    if !alert.field("severity").is_some_and(|severity| ["critical", "warning"].contains(&severity.as_str())) {
        note("its severity is critical or warning");
    }
    for key in ["summary", "description"] {
        let names_it = |text: &String| {
            text.contains("alidator {{ $labels.node }}") || text.contains("validator {{ $labels.validator }}")
        };
        if !alert.field(key).as_ref().is_some_and(names_it) {
            note(&format!("its {key} names no validator"));
        }
    }
    let url = alert.field("runbook_url").unwrap_or_default();
    let Some(wanted) = url.strip_prefix(&format!("{RUNBOOKS}#")) else {
        note(&format!("its runbook_url does not begin with {RUNBOOKS}#"));
        return findings;
    };
    match section(manual, wanted) {
        None => note(&format!("no heading of {RUNBOOKS} has the anchor #{wanted}")),
        Some(lines) => {
            for part in ["*Means.*", "*Look at.*", "*Do.*"] {
                if !lines.iter().any(|line| line.contains(part)) {
                    note(&format!("its runbook entry has no part {part}"));
                }
            }
        }
    }
    findings
}

#[test]
fn every_alert_names_the_validator_and_leads_to_its_runbook_entry() {
    let manual = read(RUNBOOKS);
    let alerts = alerts();
    assert_eq!(alerts.len(), 13);
    let findings: Vec<String> = alerts.iter().flat_map(|alert| check(alert, &manual)).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn an_alert_without_words_or_runbook_is_found() {
    let manual =
        "# A\n### MinuetGood\n*Means.* x *Look at.* y\n*Do.* z\n### Half done\n*Means.* x\n# B\n*Look at.* *Do.*\n";
    let alert = |severity: &str, summary: &str, url: &str| {
        let text = format!(
            "- alert: X\n  expr: a > 1\n  labels:\n    severity: {severity}\n  annotations:\n    summary: {summary}\n    \
             description: >-\n      Of validator\n      {{{{ $labels.node }}}}.\n    runbook_url: {url}\n"
        );
        check(&rules(&text, "alert")[0], manual).len()
    };
    let good = "Validator {{ $labels.node }} is down";
    assert_eq!(alert("warning", good, "docs/operations.md#minuetgood"), 0);
    assert_eq!(alert("bad", good, "docs/operations.md#minuetgood"), 1);
    assert_eq!(alert("warning", "Something is down", "docs/operations.md#minuetgood"), 1);
    assert_eq!(alert("warning", good, "docs/operations.md#gone"), 1);
    assert_eq!(alert("warning", good, "operations.md#minuetgood"), 1);
    assert_eq!(alert("warning", good, "docs/operations.md#half-done"), 2);
}
