//! Runs a validator: wires the services and their threads.

use crate::config::Prepared;
use crate::exit::{Exit, Failure};

/// Runs until the process is told to stop.
///
/// # Errors
/// Whatever ends the node other than a request to stop.
pub fn run_node(prepared: Prepared) -> Result<(), Failure> {
    drop(prepared);
    Err(Failure::new(Exit::Generic, "this build has no node in it"))
}
