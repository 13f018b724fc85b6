//! A run that is told to stop: it makes no more transfers and waits for those under way; told twice, it sums up at once.

use crate::exit::{Exit, Failure};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for SIGINT and SIGTERM.
pub struct Stops {
    interrupt: Signal,
    terminate: Signal,
}

impl Stops {
    /// # Errors
    /// The operating system's.
    pub fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::new(Exit::Generic, format!("cannot listen for signals: {error}")))
        };
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
