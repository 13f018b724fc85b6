//! `minuet keys`.

use super::{BLS_FILE, KeyKind, NETWORK_FILE, generate, public_entry, read_bls, read_ed25519};
use crate::cli::KeysCommand;
use crate::exit::Failure;
use crate::output::{Output, note_line};
use minuet_core::genesis::GenesisValidator;
use serde_json::json;

/// Runs `keys generate` or `keys show`.
///
/// # Errors
/// As the key files do.
pub fn run(command: &KeysCommand) -> Result<Output, Failure> {
    let (entry, dir) = match command {
        KeysCommand::Generate { dir, fee_recipient } => (generate(dir, *fee_recipient)?, dir),
        KeysCommand::Show { dir, fee_recipient } => {
            let bls = read_bls(&dir.join(BLS_FILE))?;
            let network = read_ed25519(&dir.join(NETWORK_FILE), KeyKind::Network)?;
            (public_entry(&bls, &network, *fee_recipient), dir)
        }
    };
    let text = serde_json::to_string_pretty(&entry).unwrap_or_default();
    if matches!(command, KeysCommand::Generate { .. }) {
        note_line(format_args!(
            "Secrets in {}; this is the public entry for the genesis, also in validator.json there:",
            dir.display()
        ));
    }
    Ok(Output::new(text, entry_json(&entry)))
}

fn entry_json(entry: &GenesisValidator) -> serde_json::Value {
    json!(entry)
}
