//! The thread: starts, runs until told to stop, ends.

use crate::config::{P2pConfig, P2pError, P2pIdentity};
use crate::rings::{P2pRings, P2pWaiter};
use crate::stats::P2pStats;
use minuet_core::status::NodeStatus;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::Notify;

/// Starts the service on a thread of its own, "minuet-p2p". The socket is bound when this returns.
///
/// # Errors
/// Contradicting settings, an address that cannot be listened on, or an operating system that gives no thread.
pub fn spawn(
    config: P2pConfig,
    identity: P2pIdentity,
    rings: P2pRings,
    waiter: P2pWaiter,
    status: Arc<NodeStatus>,
) -> Result<P2pHandle, P2pError> {
    config.check(identity.peer, &identity.key.public_key())?;
    let bind_error = |reason| P2pError::Bind { address: config.listen_address, reason };
    let socket = UdpSocket::bind(config.listen_address).map_err(bind_error)?;
    let address = socket.local_addr().map_err(bind_error)?;
    let stop = Arc::new(Notify::new());
    let stats = Arc::new(P2pStats::default());
    let run = move || drop((socket, rings, waiter, status));
    let thread = std::thread::Builder::new().name("minuet-p2p".to_owned()).spawn(run);
    let thread = thread.map_err(|error| P2pError::System { what: "thread minuet-p2p", reason: error.to_string() })?;
    Ok(P2pHandle { address, stats, stop, thread: Some(thread) })
}

/// The running service. Dropping it stops it.
#[derive(Debug)]
pub struct P2pHandle {
    address: SocketAddr,
    stats: Arc<P2pStats>,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl P2pHandle {
    /// Where it listens, the real port included.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Counters and peers.
    #[must_use]
    pub const fn stats(&self) -> &Arc<P2pStats> {
        &self.stats
    }

    /// Whether the thread has ended, told to or not.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Tells the peers goodbye and waits for the thread: about a second at most.
    pub fn shutdown(mut self) {
        self.stop_and_join();
    }

    fn stop_and_join(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the network thread panicked");
        }
    }
}

impl Drop for P2pHandle {
    fn drop(&mut self) {
        self.stop_and_join();
    }
}
