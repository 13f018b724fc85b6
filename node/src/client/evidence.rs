//! `minuet evidence`.

use super::{block_on, connect, refused};
use crate::cli::EvidenceArgs;
use crate::exit::Failure;
use crate::output::Output;
use minuet_rpc::proto::{Evidence, GetEvidenceRequest};
use serde_json::json;

/// Everything that a node keeps, oldest view first.
///
/// # Errors
/// The node's.
pub fn evidence(args: &EvidenceArgs) -> Result<Output, Failure> {
    let pieces = block_on(async {
        let mut client = connect(&args.node.url).await?;
        let mut pieces: Vec<Evidence> = Vec::new();
        let mut from = Vec::new().into();
        loop {
            let request = GetEvidenceRequest { from, limit: 0 };
            let page = client.node.get_evidence(request).await.map_err(|status| refused(&status.into()))?.into_inner();
            pieces.extend(page.evidence);
            from = page.next;
            if from.is_empty() {
                return Ok(pieces);
            }
        }
    })?;
    let lines: Vec<String> = pieces.iter().map(line).collect();
    let text = if lines.is_empty() { "no evidence of misbehaviour".to_owned() } else { lines.join("\n") };
    let entries: Vec<_> = pieces.iter().map(entry).collect();
    Ok(Output::new(text, json!({"ok": true, "evidence": entries})))
}

fn line(piece: &Evidence) -> String {
    let whose =
        piece.validator_index.map_or_else(|| "more than f validators".to_owned(), |index| format!("validator {index}"));
    format!("view {:>8}  {:<24}  {whose}  0x{}", piece.view, piece.kind, hex::encode(&piece.encoded))
}

fn entry(piece: &Evidence) -> serde_json::Value {
    let messages: Vec<String> = piece.messages.iter().map(|message| format!("0x{}", hex::encode(message))).collect();
    json!({"kind": piece.kind, "view": piece.view, "validator": piece.validator_index, "messages": messages})
}
