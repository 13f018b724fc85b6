//! What commands share when they talk to nodes: a runtime, a connection, and errors that say what to do.

mod account;
mod evidence;
mod finality;
mod fleet;
mod query;
mod transfer;
mod verify;

pub use account::run as account;
pub use evidence::evidence;
pub use finality::{FinalBlock, Merger, percentile_ms};
pub use query::{block, status, tx};
pub use transfer::transfer;

use crate::exit::{Exit, Failure};
use minuet_rpc::client::{Client, ClientError};
use std::future::Future;
use tonic::Code;

/// Runs a command's asynchronous part on this thread.
///
/// # Errors
/// The command's, or that the system gives no runtime.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(Exit::Generic, format!("cannot start: {error}")))?.block_on(work)
}

/// Connects to a node.
///
/// # Errors
/// [`Exit::Unreachable`] with how to start one.
pub async fn connect(url: &str) -> Result<Client, Failure> {
    Client::connect(url).await.map_err(|error| {
        Failure::new(
            Exit::Unreachable,
            format!("{error} Start one with 'make localnet', or name another with --node URL"),
        )
    })
}

/// A node's refusal as this program's failure.
#[must_use]
pub fn refused(error: &ClientError) -> Failure {
    let exit = match error {
        ClientError::Connect { .. } => Exit::Unreachable,
        ClientError::BadAnswer(_) => Exit::Generic,
        ClientError::BadProof(_) => Exit::Unproven,
        ClientError::Refused(status) => match status.code() {
            Code::NotFound => Exit::NotFound,
            Code::Unavailable | Code::Unknown => Exit::Unreachable,
            Code::Internal => Exit::Generic,
            _ => Exit::Rejected,
        },
    };
    Failure::new(exit, error)
}
