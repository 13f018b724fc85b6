//! `minuet trace check`: reads traces of many nodes and holds them against each other.

use super::book::{Book, Report};
use super::reader::Tail;
use crate::cli::TraceCommand;
use crate::config::read_genesis;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use minuet_core::genesis::Genesis;
use serde_json::json;
use std::path::PathBuf;

/// Findings shown as text at most; JSON has them all.
const SHOWN: usize = 20;

/// Runs `trace check`.
///
/// # Errors
/// A file that cannot be read. A contradiction is a result that fails.
pub fn run(command: &TraceCommand) -> Result<Output, Failure> {
    let TraceCommand::Check { files, genesis } = command;
    let genesis = read_genesis(genesis)?;
    let mut tails = Vec::new();
    for file in files {
        if !file.exists() {
            return Err(Failure::new(Exit::Usage, format!("{}: there is no such trace", file.display())));
        }
        tails.push(Tail::of(file));
    }
    let mut book = Book::of(&genesis);
    for tail in &mut tails {
        read_on(tail, &mut book)?;
    }
    let report = book.verify();
    Ok(report.output(files, &genesis))
}

/// Takes what a trace has got since the last time.
///
/// # Errors
/// A file that cannot be read.
pub fn read_on(tail: &mut Tail, book: &mut Book) -> Result<(), Failure> {
    let name = tail.path().display().to_string();
    let mut is_cut = tail.last_was_cut;
    let outcome = tail.read(|line| {
        let cut = line.is_none();
        book.take(&name, line, is_cut);
        is_cut = cut;
    });
    tail.last_was_cut = is_cut;
    outcome.map_err(|error| Failure::new(Exit::Generic, format!("trace {name}: {error}")))
}

impl Report {
    /// What makes a check fail, in words: contradictions, and traces that do not show everything.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let reason = if let Some(first) = self.findings.first() {
            format!("{} contradictions, the first: {first}", self.findings.len())
        } else if let Some(first) = self.incomplete.first() {
            format!("nothing contradictory, but the traces do not show everything: {first}")
        } else if self.messages == 0 {
            "the traces hold no message".to_owned()
        } else {
            return None;
        };
        Some(Failure::new(Exit::Violation, reason))
    }

    fn output(&self, files: &[PathBuf], genesis: &Genesis) -> Output {
        let mut text = format!(
            "{} messages in {} traces, {} views; checked the signatures of {} statements and {} certificates\n\
             contradictions {}  nullified after voting with evidence (allowed) {}  invalid signatures {}  malformed {}",
            self.messages,
            files.len(),
            self.views,
            self.statements,
            self.certificates,
            self.findings.len(),
            self.justified,
            self.invalid.len(),
            self.malformed
        );
        let findings: Vec<String> = self.findings.iter().map(ToString::to_string).collect();
        for line in [&findings, &self.incomplete, &self.invalid].into_iter().flat_map(|list| list.iter().take(SHOWN)) {
            text.push_str(&format!("\n  {line}"));
        }
        let failure = self.failure();
        let json = json!({
            "ok": failure.is_none(), "traces": files.len(), "messages": self.messages, "views": self.views,
            "statements": self.statements, "certificates": self.certificates, "contradictions": findings,
            "justified_nullifies": self.justified, "invalid": self.invalid, "malformed": self.malformed,
            "incomplete": self.incomplete, "genesis": genesis.digest(),
        });
        Output { text, json, failure }
    }
}
