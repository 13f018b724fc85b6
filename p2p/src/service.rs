//! The thread: starts, runs until told to stop, ends.

use crate::closing::CloseReason;
use crate::config::{P2pConfig, P2pError, P2pIdentity};
use crate::connect::{accept_all, keep_connected};
use crate::hello::Hello;
use crate::hub::Hub;
use crate::inlets::Inlets;
use crate::rings::{P2pRings, P2pWaiter};
use crate::stats::P2pStats;
use crate::tls::TlsKey;
use crate::transport::Dialling;
use minuet_core::PeerId;
use minuet_core::messages::{BulkCommand, GossipCommand, UrgentCommand};
use minuet_core::ring::Receiver;
use minuet_core::status::NodeStatus;
use quinn::{ClientConfig, Endpoint, VarInt};
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// How old what observers see of the peers may be.
const REFRESH: Duration = Duration::from_secs(1);
/// For the goodbye to reach the peers.
const GOODBYE: Duration = Duration::from_millis(500);
const URGENT_AT_ONCE: usize = 256;
const BULK_AT_ONCE: usize = 16;

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
    let own_key = identity.key.public_key();
    let tls = TlsKey::new(&identity.key).map_err(|error| P2pError::Tls(error.to_string()))?;
    let own = own_hello(&identity)?;
    drop(identity);
    let others = || config.peers.iter().filter(|entry| entry.peer != own.sender);
    // A follower is nobody's server, whatever is configured.
    let is_open = config.max_followers > 0 && own.sender != PeerId::FOLLOWER;
    let allowed = if is_open { None } else { Some(others().map(|entry| entry.key).collect()) };
    let dialling = Dialling::new(tls, &config);
    let clients = others().map(|entry| Ok((entry.peer, dialling.client(entry.key)?)));
    let clients = clients.collect::<Result<BTreeMap<_, _>, P2pError>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| P2pError::System { what: "event loop", reason: error.to_string() })?;
    let endpoint = {
        let _within = runtime.enter();
        dialling.endpoint(socket, allowed)?
    };
    tracing::info!(%address, key = %own_key, peers = clients.len(), "p2p listens");

    let stop = Arc::new(Notify::new());
    let stats = Arc::new(P2pStats::default());
    let P2pRings { certificates, consensus, bulk, transactions, consensus_events, mempool_events, observer, .. } =
        rings;
    let inlets = Inlets::new(certificates, consensus, bulk, transactions, [consensus_events, mempool_events]);
    let inlets = inlets.observed_by(observer);
    let commands = Commands { urgent: rings.urgent, bulk: rings.bulk_commands, gossip: rings.gossip };
    let hub = Arc::new(Hub::new(config, own, inlets, Arc::clone(&stats), status));
    let told = Arc::clone(&stop);
    let run = move || runtime.block_on(serve(hub, endpoint, clients, commands, waiter, told));
    let thread = std::thread::Builder::new().name("minuet-p2p".to_owned()).spawn(run);
    let thread = thread.map_err(|error| P2pError::System { what: "thread minuet-p2p", reason: error.to_string() })?;
    Ok(P2pHandle { address, stats, stop, thread: Some(thread) })
}

fn own_hello(identity: &P2pIdentity) -> Result<Hello, P2pError> {
    let instance = getrandom::u64()
        .map_err(|error| P2pError::System { what: "randomness (check /dev/urandom)", reason: error.to_string() })?;
    Ok(Hello {
        version: identity.protocol_version,
        genesis_fingerprint: identity.genesis_fingerprint,
        genesis_digest: identity.genesis_digest,
        chain_id: identity.chain_id,
        sender: identity.peer,
        recipient: identity.peer,
        instance,
    })
}

async fn serve(
    hub: Arc<Hub>,
    endpoint: Endpoint,
    clients: BTreeMap<PeerId, ClientConfig>,
    commands: Commands,
    waiter: P2pWaiter,
    stop: Arc<Notify>,
) {
    let mut tasks = JoinSet::new();
    tasks.spawn(accept_all(Arc::clone(&hub), endpoint.clone()));
    for (peer, client) in clients {
        if let Some(slot) = hub.slots.get(&peer) {
            tasks.spawn(keep_connected(Arc::clone(&hub), endpoint.clone(), client, Arc::clone(slot)));
        }
    }
    let watched = Arc::clone(&hub);
    tasks.spawn(async move {
        let mut ticks = tokio::time::interval(REFRESH);
        loop {
            ticks.tick().await;
            watched.refresh();
        }
    });
    tokio::select! {
        () = stop.notified() => {}
        () = pump(&hub, commands, waiter) => {}
    }
    tasks.abort_all();
    let goodbye = CloseReason::Shutdown;
    endpoint.close(VarInt::from_u32(goodbye.code()), goodbye.to_string().as_bytes());
    // What is still on its way after this is the peers' idle timeout's business.
    let _ = tokio::time::timeout(GOODBYE, endpoint.wait_idle()).await;
    tracing::info!("p2p stopped");
}

/// The far ends of the rings that feed the service.
struct Commands {
    urgent: Receiver<UrgentCommand>,
    bulk: Receiver<BulkCommand>,
    gossip: Receiver<GossipCommand>,
}

/// Carries commands from the rings to the links, and held frames into rings with room. Sleeps when there is neither.
/// Ends when consensus is gone.
async fn pump(hub: &Hub, mut commands: Commands, waiter: P2pWaiter) {
    let Commands { urgent, bulk, gossip } = &mut commands;
    loop {
        let mut done = 0;
        for UrgentCommand(command) in urgent.drain(URGENT_AT_ONCE) {
            hub.execute(command);
            done += 1;
        }
        for BulkCommand(command) in bulk.drain(BULK_AT_ONCE) {
            hub.execute(command);
            done += 1;
        }
        for GossipCommand(command) in gossip.drain(BULK_AT_ONCE) {
            hub.execute(command);
            done += 1;
        }
        crate::lock(&hub.inlets).flush();
        if done > 0 {
            // Let the writers send before more is taken in.
            tokio::task::yield_now().await;
            continue;
        }
        if urgent.is_finished() {
            return;
        }
        let has_work = || {
            let is_fed = !urgent.is_empty() || !bulk.is_empty() || !gossip.is_empty();
            is_fed || urgent.is_abandoned() || crate::lock(&hub.inlets).can_flush()
        };
        if waiter.announced.should_sleep(has_work) {
            waiter.rung.notified().await;
            waiter.announced.awake();
        }
    }
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
