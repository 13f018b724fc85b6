//! The commands. Each holds the data directory's lock while it works, but `show`, which only reads.

use super::export_file::{self, ExportFile, Outlet};
use super::install::{self, Unfinished};
use super::marker;
use crate::cli::{Global, JournalCommand};
use crate::config::{self, Files, NodeConfig, Overrides};
use crate::datadir::DataDir;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::run::first_use;
use minuet_consensus::record::{Own, Record};
use minuet_core::View;
use minuet_core::bls::PUBLIC_KEY_BYTES;
use minuet_core::messages::JournalRecord;
use serde_json::json;
use std::path::Path;

/// Above any view that a chain reaches; a slip of the finger is not.
const MAX_VIEW: u64 = 1 << 53;

/// Runs `journal export`, `import`, `show` or `new`.
///
/// # Errors
/// What is wrong and what to do. Nothing is half done then: the same command may be given again.
pub fn run(command: &JournalCommand, global: &Global) -> Result<Output, Failure> {
    match command {
        JournalCommand::Export { config, overrides, out } => export(&Place::new(config, overrides, global)?, out),
        JournalCommand::Import { config, overrides, file } => import(&Place::new(config, overrides, global)?, file),
        JournalCommand::Show { config, overrides } => show(&Place::new(config, overrides, global)?),
        JournalCommand::New { config, overrides, above_view } => {
            begin_above(&Place::new(config, overrides, global)?, View(*above_view))
        }
    }
}

/// A validator's configuration with its files.
struct Place {
    config: NodeConfig,
    files: Files,
    validator: u16,
    /// The validator's public BLS key.
    key: [u8; PUBLIC_KEY_BYTES],
}

impl Place {
    fn new(config: &Path, overrides: &Overrides, global: &Global) -> Result<Self, Failure> {
        let config = config::load(config, std::env::vars(), overrides, global.log())?;
        let files = config::read_files(&config)?;
        let no_validator = "these keys belong to no validator of this genesis: only a validator has a journal";
        let (Some(validator), Some(bls_key)) = (files.validator, &files.bls_key) else {
            return Err(Failure::new(Exit::Keys, no_validator));
        };
        let key = bls_key.public_key().to_bytes();
        Ok(Self { config, files, validator: validator.0, key })
    }

    fn lock(&self) -> Result<DataDir, Failure> {
        let genesis = &self.files.genesis;
        DataDir::open(&self.config.data_dir, genesis.chain_id(), genesis.fingerprint())
    }

    fn refused(&self, reason: impl std::fmt::Display) -> Failure {
        Failure::new(Exit::DataDirectory, format!("data directory {}: {reason}", self.config.data_dir.display()))
    }
}

fn export(place: &Place, out: &Path) -> Result<Output, Failure> {
    let (config, genesis) = (&place.config, &place.files.genesis);
    if !config.data_dir.is_dir() {
        return Err(place.refused("is not there: nothing to export"));
    }
    let data_dir = place.lock()?;
    let found = install::read(data_dir.path(), genesis.fingerprint())?;
    let Some(found) = found.filter(|found| !found.records.is_empty()) else {
        return Err(place.refused("holds no journal, or an empty one: this validator has said nothing here"));
    };
    let export = ExportFile { genesis: genesis.fingerprint(), key: place.key, records: found.records, is_used: false };
    let bytes = export.encode();
    let outlet = Outlet::open(out, &bytes)?;
    marker::record(data_dir.path(), out)?;
    outlet.write(&bytes)?;
    let (validator, records, said) = (place.validator, export.records.len(), Said::of(&export.records)?);
    let text = format!(
        "exported the journal of validator {validator}: {records} records, {} bytes, to {}\n\
         this data directory never starts the validator again; import the file once, where it is to run",
        bytes.len(),
        out.display()
    );
    let json = json!({
        "ok": true, "validator": validator, "file": out, "records": records, "bytes": bytes.len(),
        "highest_view": said.highest.0, "floor": said.floor.0,
    });
    Ok(Output::new(text, json))
}

fn import(place: &Place, file: &Path) -> Result<Output, Failure> {
    let genesis = &place.files.genesis;
    let export = ExportFile::read(file)?;
    let refused =
        |reason: String| Failure::new(Exit::DataDirectory, format!("journal export {}: {reason}", file.display()));
    if export.genesis != genesis.fingerprint() {
        let (found, expected) = (export.genesis, genesis.fingerprint());
        return Err(refused(format!("belongs to the chain with genesis {found}, this one is {expected}")));
    }
    if export.key != place.key {
        let path = place.config.keys.bls.display();
        return Err(refused(format!(
            "belongs to another validator than {path}: move that validator's keys here as well"
        )));
    }
    if export.is_used {
        return Err(refused(
            "was imported already: a journal lives in one place. Run the validator where it was imported; if that place \
             never started it and is gone, export once more from the source"
                .to_owned(),
        ));
    }
    let said = Said::of(&export.records)?;
    let data_dir = place.lock()?;
    install::refuse_existing(data_dir.path(), genesis.fingerprint())?;
    first_use::consume(&place.config.keys.bls)?;
    let segment_mb = place.config.storage.journal_segment_mb;
    let journal = Unfinished::write(&data_dir, genesis.fingerprint(), segment_mb, &export.records)?;
    // Used before it is in place: cut off in between, it is copied once more, never taken twice by mistake.
    export_file::mark_used(file)?;
    journal.put_in_place()?;
    let (validator, records) = (place.validator, export.records.len());
    let text = format!(
        "imported the journal of validator {validator}: {records} records, said up to view {}\n\
         start the node here; it catches up and signs on. {} is marked as used: keep no other copy of it",
        said.highest,
        file.display()
    );
    let json = json!({
        "ok": true, "validator": validator, "data_dir": place.config.data_dir, "records": records,
        "highest_view": said.highest.0, "floor": said.floor.0,
    });
    Ok(Output::new(text, json))
}

fn show(place: &Place) -> Result<Output, Failure> {
    let (data_dir, genesis) = (&place.config.data_dir, &place.files.genesis);
    DataDir::check(data_dir, genesis.chain_id(), genesis.fingerprint())?;
    let exported = marker::read(data_dir)?;
    let Some(found) = install::read(data_dir, genesis.fingerprint())? else {
        return Err(place.refused("holds no journal"));
    };
    let said = Said::of(&found.records)?;
    let (records, segments, validator) = (found.records.len(), found.segments, place.validator);
    let mut lines = vec![
        format!("validator      {validator}"),
        format!("records        {records} in {segments} segments"),
        format!("statements     {} of {} views", said.statements, said.views),
        format!("highest view   {} (of which anything was said)", said.highest),
        format!("floor          {} (nothing at or below is signed)", said.floor),
    ];
    for export in exported.iter().flat_map(|exported| &exported.exports) {
        lines.push(format!("exported       {} to {}: it never starts here again", export.at, export.file));
    }
    let json = json!({
        "ok": true, "validator": validator, "records": records, "segments": segments, "statements": said.statements,
        "views": said.views, "highest_view": said.highest.0, "floor": said.floor.0, "exported": exported.is_some(),
    });
    Ok(Output::new(lines.join("\n"), json))
}

fn begin_above(place: &Place, above: View) -> Result<Output, Failure> {
    let genesis = &place.files.genesis;
    if !(1..MAX_VIEW).contains(&above.0) {
        return Err(Failure::new(Exit::Usage, format!("--above-view {above} is no view that a chain is near to")));
    }
    if first_use::marker_of(&place.config.keys.bls).exists() {
        let path = place.config.keys.bls.display();
        return Err(Failure::new(Exit::Keys, format!("{path} has never signed: start the node, it needs no floor")));
    }
    let data_dir = place.lock()?;
    marker::refuse_exported(data_dir.path())?;
    install::refuse_existing(data_dir.path(), genesis.fingerprint())?;
    let segment_mb = place.config.storage.journal_segment_mb;
    let records = [Record::Floor(above).to_journal()];
    Unfinished::write(&data_dir, genesis.fingerprint(), segment_mb, &records)?.put_in_place()?;
    let validator = place.validator;
    let text = format!(
        "a new journal for validator {validator}: it signs in views above {above} only, and follows until then\n\
         if its key has signed in a view above {above}, or runs elsewhere, the chain can fork"
    );
    Ok(Output::new(text, json!({"ok": true, "validator": validator, "floor": above.0})))
}

/// What a journal's records bind the validator to.
#[derive(Debug, Default)]
struct Said {
    statements: usize,
    views: usize,
    highest: View,
    floor: View,
}

impl Said {
    fn of(records: &[JournalRecord]) -> Result<Self, Failure> {
        let mut said = Self::default();
        let mut views = std::collections::BTreeSet::new();
        for record in records {
            let record = Record::from_journal(record).map_err(|error| {
                Failure::new(Exit::Storage, format!("the journal holds a record that cannot be read: {error}"))
            })?;
            match record {
                Record::Own { view, own: Own::Propose(_) | Own::Notarize(_) | Own::Nullify } => {
                    said.statements += 1;
                    views.insert(view);
                }
                Record::Floor(view) => said.floor = said.floor.max(view),
                Record::Certificate(_) | Record::Block { .. } => {}
            }
        }
        said.views = views.len();
        said.highest = views.last().copied().unwrap_or_default();
        Ok(said)
    }
}
