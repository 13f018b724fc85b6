//! What a command prints at its end: text for people, or one JSON object with `--json`.

use serde_json::Value;
use std::fmt;
use std::io::{self, ErrorKind, Write};

/// The result of a command in both forms, and the code it ends with.
#[derive(Clone, Debug)]
pub struct Output {
    /// For people, without a final line break.
    pub text: String,
    /// One object.
    pub json: Value,
    /// Set when the command has a result to show and yet failed.
    pub failure: Option<crate::exit::Failure>,
}

impl Output {
    /// A successful result.
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, failure: None }
    }
}

/// Writes a line of result to standard output. A reader that has gone away has seen what it wanted: that is no error.
///
/// # Errors
/// Anything else, such as a full disk.
pub fn result_line(line: impl fmt::Display) -> io::Result<()> {
    quiet(writeln!(io::stdout().lock(), "{line}").and_then(|()| io::stdout().flush()))
}

/// Writes to standard error, for people; if nobody can read it, the work goes on all the same.
pub fn note(text: impl fmt::Display) {
    let _ = write!(io::stderr().lock(), "{text}");
}

/// As [`note`], with a line break.
pub fn note_line(line: impl fmt::Display) {
    note(format_args!("{line}\n"));
}

fn quiet(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_gone_away_is_no_error_and_a_full_disk_is_one() {
        assert!(quiet(Err(ErrorKind::BrokenPipe.into())).is_ok());
        assert!(quiet(Err(ErrorKind::StorageFull.into())).is_err());
    }
}
