//! What a command prints at its end: text for people, or one JSON object with `--json`.

use serde_json::Value;

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
