//! Starting and stopping: the listener, the thread "minuet-api" with its runtime, and the tasks on it.

use crate::calls::{CallLayer, CallObserver};
use crate::config::{RpcConfig, RpcError};
use crate::events::{Feed, FinalizedBell};
use crate::health;
use crate::limits::Limits;
use crate::pool::Pool;
use crate::proto::FILE_DESCRIPTOR_SET;
use crate::proto::account_service_server::AccountServiceServer;
use crate::proto::block_service_server::BlockServiceServer;
use crate::proto::node_service_server::NodeServiceServer;
use crate::proto::subscription_service_server::SubscriptionServiceServer;
use crate::proto::transaction_service_server::TransactionServiceServer;
use crate::services::{Services, Shared};
use crate::source::{ChainSource, PeerSource, Role};
use minuet_core::ValidatorIndex;
use minuet_core::genesis::Genesis;
use minuet_core::messages::{FinalizedBlock, Submission};
use minuet_core::ring::{Receiver, Sender};
use minuet_core::status::NodeStatus;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tonic::transport::Server;
use tonic::transport::server::{Router, TcpIncoming};

/// The name of the interface's thread.
const THREAD: &str = "minuet-api";
/// A connection whose client does not answer is closed after about the sum of both.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Headers of one call, in bytes.
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// Above the longest wait and its bookkeeping: no call without a stream lives longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(75);

/// What the interface is wired to.
pub struct RpcContext {
    /// The chain's identity.
    pub genesis: Arc<Genesis>,
    /// Vital signs.
    pub status: Arc<NodeStatus>,
    /// This node's place in the committee.
    pub validator: Option<ValidatorIndex>,
    /// What this node is to the chain.
    pub role: Role,
    /// The program's version.
    pub version: String,
    /// Final blocks and accounts.
    pub chain: Arc<dyn ChainSource>,
    /// Known nodes.
    pub peers: Arc<dyn PeerSource>,
    /// api → mempool.
    pub submissions: Sender<Submission>,
    /// ledger → api; made with the bell whose other half is `finalized_bell`.
    pub finalized: Receiver<FinalizedBlock>,
    /// From [`finalized_bell`](crate::finalized_bell).
    pub finalized_bell: FinalizedBell,
    /// Who is told of every call; nobody unless set.
    pub calls: Option<Arc<dyn CallObserver>>,
}

/// What every call passes.
type Layers = tower_layer::Stack<CallLayer, tower_layer::Identity>;

/// The running interface. Dropping it stops it, as [`RpcHandle::shutdown`] does.
#[derive(Debug)]
pub struct RpcHandle {
    local_address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl RpcHandle {
    /// Where it listens; the port is the real one.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// The address as clients name it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.local_address)
    }

    /// Whether the thread still runs; false after a failure that the log names.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Ends open waits and streams with UNAVAILABLE, lets the others finish for at most `rpc.shutdown_ms`, and returns
    /// when the thread has ended.
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

impl Drop for RpcHandle {
    fn drop(&mut self) {
        self.stop_and_join();
    }
}

/// Binds the address and starts the thread.
///
/// # Errors
/// A useless setting, an address in use (named with its key), an unreadable chain tip, no thread.
pub fn spawn(config: RpcConfig, context: RpcContext) -> Result<RpcHandle, RpcError> {
    config.check()?;
    let address = config.listen_address;
    let bind_error = |source| RpcError::Bind { address, source };
    let listener = std::net::TcpListener::bind(address).map_err(bind_error)?;
    listener.set_nonblocking(true).map_err(bind_error)?;
    let local_address = listener.local_addr().map_err(bind_error)?;
    let (tip, _) = context.chain.tip()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_name("minuet-api-read")
        .max_blocking_threads(4)
        .build()
        .map_err(RpcError::Thread)?;
    let incoming = {
        let _inside = runtime.enter();
        TcpIncoming::from(tokio::net::TcpListener::from_std(listener).map_err(bind_error)?).with_nodelay(Some(true))
    };

    let (stop, stopped) = watch::channel(false);
    let limits = (config.recent_blocks, config.recent_bytes);
    let feed = Arc::new(Feed::new(Arc::clone(&context.chain), Arc::clone(&context.status), tip, limits));
    let (pool, funnel) = Pool::new(context.submissions, Duration::from_millis(config.request_timeout_ms));
    let grace = Duration::from_millis(config.shutdown_ms);
    let shared = Arc::new(Shared {
        limits: Limits::new(&config),
        genesis: context.genesis,
        status: context.status,
        validator: context.validator,
        role: context.role,
        version: context.version,
        chain: context.chain,
        peers: context.peers,
        pool,
        feed: Arc::clone(&feed),
        started_at: Instant::now(),
        stop: stopped.clone(),
        config,
    });
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let router = router(&shared, health_service, context.calls)?;
    let thread = std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
        runtime.block_on(async {
            health::announce(&reporter, health::reasons(&shared).is_empty()).await;
            tokio::spawn(funnel);
            tokio::spawn(feed.run(context.finalized, context.finalized_bell));
            tokio::spawn(health::report(shared, reporter));
            serve(router, incoming, stopped, grace).await;
        });
        // Reads under way are not waited for.
        runtime.shutdown_background();
    });
    Ok(RpcHandle { local_address, stop, thread: Some(thread.map_err(RpcError::Thread)?) })
}

fn router<H>(
    shared: &Arc<Shared>,
    health_service: tonic_health::pb::health_server::HealthServer<H>,
    calls: Option<Arc<dyn CallObserver>>,
) -> Result<Router<Layers>, RpcError>
where
    H: tonic_health::pb::health_server::Health,
{
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let no_reflection = |error: tonic_reflection::server::Error| RpcError::Reflection(error.to_string());
    let services = Services(Arc::clone(shared));
    let limit = shared.config.max_request_bytes;
    let max_calls = shared.config.max_calls_per_connection;
    Ok(Server::builder()
        .concurrency_limit_per_connection(usize::try_from(max_calls).unwrap_or(usize::MAX))
        .max_concurrent_streams(max_calls)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .timeout(CALL_TIMEOUT)
        .layer(CallLayer(calls))
        .add_service(health_service)
        .add_service(reflection().build_v1().map_err(no_reflection)?)
        .add_service(reflection().build_v1alpha().map_err(no_reflection)?)
        .add_service(AccountServiceServer::new(services.clone()).max_decoding_message_size(limit))
        .add_service(BlockServiceServer::new(services.clone()).max_decoding_message_size(limit))
        .add_service(TransactionServiceServer::new(services.clone()).max_decoding_message_size(limit))
        .add_service(NodeServiceServer::new(services.clone()).max_decoding_message_size(limit))
        .add_service(SubscriptionServiceServer::new(services).max_decoding_message_size(limit)))
}

/// Serves until told to stop; then open calls have `grace` to end.
async fn serve(router: Router<Layers>, incoming: TcpIncoming, stopped: watch::Receiver<bool>, grace: Duration) {
    let stop = |mut stopped: watch::Receiver<bool>| async move {
        // A handle that is gone means the same.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let serving = router.serve_with_incoming_shutdown(incoming, stop(stopped.clone()));
    let too_late = after(stop(stopped), grace);
    tokio::select! {
        served = serving => {
            if let Err(error) = served {
                tracing::error!(%error, "the interface has failed");
            }
        }
        () = too_late => tracing::warn!("open calls were cut off at shutdown"),
    }
}

async fn after(first: impl Future<Output = ()>, delay: Duration) {
    first.await;
    tokio::time::sleep(delay).await;
}
