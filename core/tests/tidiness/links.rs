//! Relative links in Markdown lead somewhere.

use crate::assert_none;
use crate::sources::{root, tracked};
use std::path::Path;

/// Targets of `[text](target)` outside code, without their fragment; those of other places left out.
fn relative_targets(text: &str) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect();
        for rest in prose.split("](").skip(1).filter(|_| !in_code) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                targets.push((number + 1, file.to_owned()));
            }
        }
    }
    targets
}

fn check(path: &str, text: &str, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let broken = relative_targets(text).into_iter().filter(|(_, target)| !exists(&folder.join(target)));
    broken.map(|(number, target)| format!("{path}:{number}: {target}")).collect()
}

#[test]
fn links_lead_somewhere() {
    let exists = |path: &Path| root().join(path).exists();
    let findings = tracked(".md").into_iter().flat_map(|source| check(&source.path, &source.text, exists));
    assert_none("broken links", &findings.collect::<Vec<_>>());
}

#[test]
fn a_broken_link_is_found() {
    let text = "# A\n[good](b.md#c) [far](https://example.org/x) [here](#a)\n`[code](no.md)`\n```\n[x](no.md)\n```\n\
                [bad](../no.md) ![image](no.png \"title\")\n";
    let findings = check("docs/a.md", text, |path| path == Path::new("docs/b.md"));
    assert_eq!(findings, ["docs/a.md:7: ../no.md", "docs/a.md:7: no.png"]);
}
