//! `minuet compact`: what a node keeps on its disk, at its smallest and column by column.

use super::plan::Plan;
use super::storage;
use crate::config::Prepared;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use minuet_storage::RocksStore;
use serde_json::{Map, Value, json};

/// Compacts the database of a node that does not run. The chain is not touched: the same entries in fewer bytes.
///
/// # Errors
/// There is no database, or it cannot be opened or written.
pub fn compact(prepared: Prepared) -> Result<Output, Failure> {
    let path = prepared.data_dir.path().join("db");
    if !path.join("CURRENT").exists() {
        let reason = format!("{} holds no database: start the node once", path.display());
        return Err(Failure::new(Exit::DataDirectory, reason));
    }
    let store = RocksStore::open(&path, Plan::new(&prepared)?.rocks).map_err(|error| storage(&error))?;
    store.compact().map_err(|error| storage(&error))?;
    let columns = store.column_bytes().map_err(|error| storage(&error))?;
    let bytes: u64 = columns.iter().map(|(_, bytes)| bytes).sum();
    let text: Vec<String> =
        columns.iter().map(|(column, bytes)| format!("{:<18} {bytes:>14}", column.name())).collect();
    let columns: Map<String, Value> =
        columns.into_iter().map(|(column, bytes)| (column.name().to_owned(), json!(bytes))).collect();
    let text = format!("{}\n{:<18} {bytes:>14}", text.join("\n"), "all");
    Ok(Output::new(text, json!({"ok": true, "bytes": bytes, "columns": columns})))
}
