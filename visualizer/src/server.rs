//! Starting and stopping: the listener, the thread "minuet-dashboard" with its runtime, and the connections on it.

use crate::config::{VisualizerConfig, VisualizerError};
use crate::feed::Feed;
use crate::fleet::{self, FleetWatch};
use crate::health::now_ms;
use crate::http;
use crate::idle::Impatient;
use crate::publisher::{self, Shown};
use crate::source::{BlockSource, PeerSource};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use minuet_core::ValidatorIndex;
use minuet_core::genesis::Genesis;
use minuet_core::status::NodeStatus;
use minuet_core::views::ViewRing;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};

/// The name of the dashboard's thread.
const THREAD: &str = "minuet-dashboard";
/// Clients of the stream at a time.
pub const MAX_CLIENTS: usize = 1024;
/// Connections besides theirs.
const OTHER_CONNECTIONS: usize = 128;
/// What the kernel keeps for one client that does not read.
const SEND_BUFFER_BYTES: u32 = 64 << 10;
const BACKLOG: u32 = 1024;
/// A request's head has to come within this time, also the next one of a connection that is kept.
const REQUEST_WITHIN: Duration = Duration::from_secs(3);
/// A client that takes nothing for so long is dropped.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// Of a request's head, and of what waits to be written.
const CONNECTION_BUFFER_BYTES: usize = 16 << 10;
/// Event numbers begin with the milliseconds of the start times this: a number of an earlier start is never a later one's.
const EVENTS_PER_MS: u64 = 1000;
/// How far the dashboard's thread stands behind the node's others.
const NICENESS: i32 = 10;
/// After a failure to accept, which is the system's lack of something.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What the dashboard is wired to.
pub struct VisualizerContext {
    /// The chain's identity.
    pub genesis: Arc<Genesis>,
    /// Vital signs.
    pub status: Arc<NodeStatus>,
    /// The views.
    pub views: Arc<ViewRing>,
    /// This node's place in the committee.
    pub validator: Option<ValidatorIndex>,
    /// What this node is to the chain: `validator`, `observer` or `follower`.
    pub role: &'static str,
    /// The program's version.
    pub version: String,
    /// Final blocks.
    pub chain: Arc<dyn BlockSource>,
    /// Known nodes.
    pub peers: Arc<dyn PeerSource>,
    /// Clients of the stream at a time, [`MAX_CLIENTS`] unless the system has not as many files.
    pub max_clients: usize,
}

/// What all requests use.
pub struct Shared {
    pub local_address: SocketAddr,
    pub genesis: Arc<Genesis>,
    pub status: Arc<NodeStatus>,
    pub views: Arc<ViewRing>,
    pub validator: Option<ValidatorIndex>,
    pub role: &'static str,
    pub version: String,
    pub chain: Arc<dyn BlockSource>,
    pub peers: Arc<dyn PeerSource>,
    pub started: Instant,
    pub max_clients: usize,
    /// Places for clients of the stream.
    pub clients: Arc<Semaphore>,
    pub feed: Feed,
    pub fleet: FleetWatch,
    /// Locked before the feed.
    pub shown: Mutex<Shown>,
}

impl Shared {
    pub fn uptime_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The running dashboard. Dropping it stops it, as [`VisualizerHandle::shutdown`] does.
#[derive(Debug)]
pub struct VisualizerHandle {
    local_address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl VisualizerHandle {
    /// Where it listens; the port is the real one.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// The page's address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.local_address)
    }

    /// Closes all connections and returns when the thread has ended.
    pub fn shutdown(mut self) {
        self.stop_and_join();
    }

    fn stop_and_join(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread {THREAD} has panicked");
        }
    }
}

impl Drop for VisualizerHandle {
    fn drop(&mut self) {
        self.stop_and_join();
    }
}

/// Binds the address and starts the thread.
///
/// # Errors
/// A useless setting, an address in use (named with its key), an unreadable chain tip, no thread.
pub fn spawn(config: &VisualizerConfig, context: VisualizerContext) -> Result<VisualizerHandle, VisualizerError> {
    start(config, context, READ_WITHIN).map(|(handle, _)| handle)
}

/// The same, with the patience for clients that do not read.
pub fn start(
    config: &VisualizerConfig,
    context: VisualizerContext,
    patience: Duration,
) -> Result<(VisualizerHandle, Arc<Shared>), VisualizerError> {
    config.check().map_err(VisualizerError::Config)?;
    context.chain.tip()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_name("minuet-dashboard-read")
        .max_blocking_threads(2)
        .build()
        .map_err(VisualizerError::Thread)?;
    let address = config.listen_address;
    let bound = {
        let _inside = runtime.enter();
        listen(address).and_then(|listener| Ok((listener.local_addr()?, listener)))
    };
    let (local_address, listener) = bound.map_err(|source| VisualizerError::Bind { address, source })?;
    let shared = Arc::new(share(config, context, local_address));
    let serving = shared.clone();
    let (stop, stopped) = watch::channel(false);
    let entries = config.fleet.clone();
    let thread = std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
        yield_to_others();
        runtime.block_on(async {
            fleet::watch(&serving, &entries, &stopped);
            tokio::spawn(publisher::run(serving.clone(), stopped.clone()));
            serve(listener, &serving, patience, stopped).await;
        });
        // Open streams would never end by themselves.
        runtime.shutdown_background();
    });
    let thread = Some(thread.map_err(VisualizerError::Thread)?);
    Ok((VisualizerHandle { local_address, stop, thread }, shared))
}

/// A thousand clients cost a tenth of a processor: consensus and ledger come first. On Linux this is of the thread alone.
fn yield_to_others() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the dashboard runs at the priority of the rest");
    }
}

fn share(config: &VisualizerConfig, context: VisualizerContext, local_address: SocketAddr) -> Shared {
    let started_at_ms = now_ms();
    let shared = Shared {
        local_address,
        genesis: context.genesis,
        status: context.status,
        views: context.views,
        validator: context.validator,
        role: context.role,
        version: context.version,
        chain: context.chain,
        peers: context.peers,
        started: Instant::now(),
        max_clients: context.max_clients,
        clients: Arc::new(Semaphore::new(context.max_clients)),
        feed: Feed::new(started_at_ms.saturating_mul(EVENTS_PER_MS)),
        fleet: FleetWatch::new(&config.fleet),
        shown: Mutex::new(Shown::default()),
    };
    let shown = Shown::of(&shared);
    Shared { shown: Mutex::new(shown), ..shared }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    // Accepted connections have the listener's.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn serve(listener: TcpListener, shared: &Arc<Shared>, patience: Duration, mut stopped: watch::Receiver<bool>) {
    let router = http::router(shared);
    let connections = Arc::new(Semaphore::new(shared.max_clients + OTHER_CONNECTIONS));
    let accepting = async {
        loop {
            // Beyond the limit, connections wait in the kernel.
            let Ok(place) = connections.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let router = router.clone();
                    tokio::spawn(async move {
                        converse(stream, router, patience).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "the dashboard takes no connection");
                    _ = tokio::time::timeout(ACCEPT_AGAIN, std::future::pending::<()>()).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        // A handle that is gone means the same.
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

async fn converse(stream: TcpStream, router: Router, patience: Duration) {
    // Small pieces at once; a connection that is gone already is noticed below.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Impatient::new(stream, patience));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_WITHIN)
        .max_buf_size(CONNECTION_BUFFER_BYTES)
        .serve_connection(io, TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        tracing::trace!(%error, "a client of the dashboard has gone");
    }
}
