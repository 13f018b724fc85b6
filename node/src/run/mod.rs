//! Runs a node: the one place where the services meet. Opens store, ledger and journal, makes the rings, starts the
//! threads, waits for a reason to end, and ends them in the order in which their rings are abandoned.

mod adapters;
mod compact;
mod consensus;
mod dashboard;
mod face;
mod fail_stop;
pub(crate) mod first_use;
mod plan;
mod pool_log;
mod space;
mod wires;

use crate::config::{NodeConfig, Prepared};
use crate::datadir::DataDir;
use crate::exit::{Exit, Failure};
use crate::metrics::{Meters, MetricsHandle};
use crate::trace::TraceThread;
use face::Face;
use minuet_consensus::driver::{Driver, DriverConfig, Fatal};
use minuet_consensus::effect::Halt;
use minuet_consensus::replica::{ReplicaConfig, Tip};
use minuet_consensus::verify::Verifier;
use minuet_core::ValidatorIndex;
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::genesis::Genesis;
use minuet_core::messages::JournalRecord;
use minuet_core::ring::Waiter;
use minuet_core::scheme::{StatementKey, StatementScheme};
use minuet_core::status::NodeStatus;
use minuet_core::store::StoreError;
use minuet_core::views::ViewWriter;
use minuet_execution::{Ledger, LedgerDriver};
use minuet_mempool::MempoolDriver;
use minuet_p2p::{P2pHandle, P2pIdentity, P2pRings};
use minuet_rpc::{Role, RpcHandle};
use minuet_storage::{Journal, JournalConfig, JournalDriver, RealDirectory, RocksStore};
use minuet_visualizer::VisualizerHandle;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use wires::Wires;

pub(crate) use compact::compact;
pub(crate) use consensus::unix_us;
pub(crate) use wires::RingWatch;

/// Why the node ends.
pub(crate) enum End {
    /// SIGTERM or SIGINT.
    Signal,
    /// A service cannot go on.
    Failed(Failure),
}

/// Everything that runs, in the order in which it is ended.
struct Running {
    status: Arc<NodeStatus>,
    consensus: consensus::ConsensusThread,
    p2p: P2pHandle,
    rpc: RpcHandle,
    dashboard: Option<VisualizerHandle>,
    others: Vec<(&'static str, JoinHandle<()>)>,
    /// Of a node without a journal: consensus would take the end of these rings for the journal's.
    _no_journal: Option<wires::JournalEnds>,
    store: Arc<RocksStore>,
    space: space::SpaceThread,
    trace: Option<TraceThread>,
    /// Answers until the end, so that it can say that the node is stopping.
    metrics: Option<MetricsHandle>,
    /// Its lock is held for as long as anything may write there.
    _data_dir: DataDir,
}

/// As much as a main thread has; what is not touched costs nothing.
const START_STACK_BYTES: usize = 8 << 20;

/// Runs until the process is told to stop; told so while it starts, it stops once it has.
///
/// # Errors
/// Whatever keeps the node from starting, or ends it other than a request to stop; the exit code tells the class.
pub fn run_node(config: NodeConfig) -> Result<(), Failure> {
    let (ends, ended) = channel();
    stop_on_signals(&ends)?;
    stop_on_panic();
    start_workers()?;
    let data_dir = config.data_dir.clone();
    let running = start_with_ledger(config, ends)?;
    tracing::info!(data_dir = %data_dir.display(), "the node runs");
    let outcome = wait(&ended);
    running.stop();
    outcome
}

/// The threads that check signatures and hash nodes of the trie, with a name of their own: otherwise they take that of
/// the thread that has work for them first.
fn start_workers() -> Result<(), Failure> {
    rayon::ThreadPoolBuilder::new()
        .thread_name(|index| format!("minuet-work-{index}"))
        .build_global()
        .map_err(|error| Failure::new(Exit::Generic, format!("the pool for work did not start: {error}")))
}

/// Starts the node on the thread that is the ledger's afterwards. What that thread replaces block by block, the state, and
/// the genesis before it then lie where the allocator gives the thread memory again; otherwise they leave some 20 MiB of
/// holes (of 101,000 accounts) that nobody fills.
fn start_with_ledger(config: NodeConfig, ends: Sender<End>) -> Result<Running, Failure> {
    let (started, outcome) = channel();
    let work = move || match Prepared::new(config).and_then(|prepared| start(prepared, &ends)) {
        Ok((running, ledger, waiter)) => {
            // Whoever asked waits for it.
            let _ = started.send(Ok(running));
            drop(started);
            run_ledger(ledger, &waiter, &ends);
        }
        Err(failure) => {
            let _ = started.send(Err(failure));
        }
    };
    let builder = std::thread::Builder::new().name("minuet-ledger".to_owned()).stack_size(START_STACK_BYTES);
    let thread = builder.spawn(work).map_err(|error| no_thread(&error))?;
    let ended = |_| Failure::new(Exit::Bug, "the ledger's thread ended without saying why");
    let mut running = outcome.recv().map_err(ended)??;
    running.others.push(("ledger", thread));
    Ok(running)
}

fn wait(ended: &Receiver<End>) -> Result<(), Failure> {
    match ended.recv() {
        Ok(End::Signal) => {
            tracing::info!("told to stop");
            Ok(())
        }
        Ok(End::Failed(failure)) => Err(failure),
        Err(_) => Err(Failure::new(Exit::Generic, "every service ended without saying why")),
    }
}

fn start(mut prepared: Prepared, ends: &Sender<End>) -> Result<(Running, LedgerDriver, Waiter), Failure> {
    let status = Arc::new(NodeStatus::default());
    let plan = plan::Plan::new(&prepared)?;
    let meters = Meters::open(&prepared.config.metrics)?;
    let store = RocksStore::open(prepared.data_dir.path().join("db"), plan.rocks).map_err(|error| storage(&error))?;
    let watched = Arc::new(fail_stop::FailStop::new(store.clone(), status.clone(), ends.clone()));
    minuet_execution::chain::begin(&*watched, &prepared.genesis).map_err(|error| storage(&error))?;
    // Before the state is loaded, which then takes the memory that the accounts had.
    prepared.genesis.forget_accounts();
    let genesis = Arc::new(prepared.genesis.clone());
    let ledger = Ledger::open(watched, &genesis, plan.ledger).map_err(|error| storage(&error))?;
    let reader = ledger.reader().clone();
    let Voice { journal, records, signer } = find_voice(&prepared, &genesis, plan.journal)?;
    let role = role(prepared.validator, signer);
    let pool_log =
        pool_log::open(&prepared.data_dir.path().join("pool"), genesis.fingerprint(), prepared.config.mempool.log_mb)?;
    let Wires { bells, consensus, mut network, mempool, ledger: ledger_rings, journal: journal_rings, api, rings } =
        wires::connect();

    let trace = open_trace(&prepared.config.trace.received, &mut network)?;
    let tip = stored_tip(&ledger)?;
    let views = ViewWriter::new();
    let shown = views.ring();
    let config = driver_config(&plan, &genesis, (signer, statement_key(&genesis, &mut prepared)), &status, views);
    let clock = consensus::Clock::start();
    let driver = Driver::new(config, tip, &records, consensus, clock.now()).map_err(|error| fatal(&error))?;
    drop(records);

    let identity = P2pIdentity::new(plan.peer, prepared.network_key, &genesis);
    let p2p = minuet_p2p::spawn(plan.p2p, identity, network, bells.p2p, status.clone())
        .map_err(|error| Failure::new(Exit::Network, error))?;
    let (validator, stats) = (prepared.validator, p2p.stats());
    let face = Face { genesis: &genesis, status: &status, validator, signer, role, reader: &reader, p2p: stats };
    let context = face.context(api, meters.as_ref().map(Meters::calls));
    let rpc =
        minuet_rpc::spawn(prepared.config.rpc.clone(), context).map_err(|error| Failure::new(Exit::Network, error))?;
    let sources = face.sources(rings, shown.clone(), &store, &prepared.config.mempool);
    let metrics = meters.map(|meters| meters.start(&sources)).transpose()?;
    let dashboard = dashboard::spawn(&prepared.config.visualizer, &face, shown);

    let rules = minuet_mempool::ChainRules::from(&*genesis);
    let mempool = MempoolDriver::new(plan.mempool, rules, Arc::new(reader), mempool, status.clone(), pool_log);
    let ledger = LedgerDriver::new(ledger, ledger_rings, status.clone(), Box::new(consensus::unix_us));
    let mut others = vec![("mempool", pool_log::spawn(mempool, bells.mempool, ends)?)];
    let low_disk_bytes = prepared.config.storage.low_disk_mb << 20;
    let space = space::spawn(prepared.data_dir.path(), low_disk_bytes, store.clone(), status.clone(), ends.clone())?;
    let no_journal = spawn_journal(journal, journal_rings, &status, bells.journal, &mut others)?;
    let consensus = consensus::spawn(driver, bells.consensus, bells.wake_consensus, clock, ends.clone())?;
    tracing::info!(
        validator = signer.map(|index| index.0), role = role.name(), genesis = %genesis.digest(), p2p = %p2p.local_address(), api = %rpc.url(),
        height = status.height.get(), "started"
    );
    let running = Running {
        status,
        consensus,
        p2p,
        rpc,
        dashboard,
        others,
        _no_journal: no_journal,
        store,
        space,
        trace,
        metrics,
        _data_dir: prepared.data_dir,
    };
    Ok((running, ledger, bells.ledger))
}

/// Lets every signed message from peers be written down, if that is asked for.
fn open_trace(file: &Path, network: &mut P2pRings) -> Result<Option<TraceThread>, Failure> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let (observer, thread) = crate::trace::open(file)?;
    network.observer = Some(observer);
    Ok(Some(thread))
}

const fn role(validator: Option<ValidatorIndex>, signer: Option<ValidatorIndex>) -> Role {
    match (validator, signer) {
        (None, _) => Role::Follower,
        (Some(_), None) => Role::Observer,
        (Some(_), Some(_)) => Role::Validator,
    }
}

/// What a node may say, and what it has said.
struct Voice {
    journal: Option<Journal<RealDirectory>>,
    records: Vec<JournalRecord>,
    signer: Option<ValidatorIndex>,
}

/// A follower says nothing, so it has no journal: an empty one must never stand beside a key that has signed.
fn find_voice(prepared: &Prepared, genesis: &Genesis, config: JournalConfig) -> Result<Voice, Failure> {
    if prepared.validator.is_none() {
        return Ok(Voice { journal: None, records: Vec::new(), signer: None });
    }
    let (mut journal, records) = open_journal(&prepared.data_dir.path().join("journal"), genesis, config)?;
    let is_empty = records.is_empty();
    let signer = first_use::may_sign(&prepared.config.keys.bls, prepared.validator, &mut journal, is_empty)?;
    Ok(Voice { journal: Some(journal), records, signer })
}

fn open_journal(
    path: &Path,
    genesis: &Genesis,
    config: JournalConfig,
) -> Result<(Journal<RealDirectory>, Vec<JournalRecord>), Failure> {
    let directory = RealDirectory::open_or_create(path)
        .map_err(|error| Failure::new(Exit::DataDirectory, format!("journal directory {}: {error}", path.display())))?;
    Journal::open(directory, genesis.fingerprint(), config).map_err(|error| Failure::new(Exit::Storage, error))
}

/// The key that the chain's scheme asks for.
fn statement_key(genesis: &Genesis, prepared: &mut Prepared) -> Option<Box<dyn StatementKey>> {
    match genesis.committee().scheme() {
        StatementScheme::Bls => prepared.bls_key.take().map(|key| Box::new(key) as Box<dyn StatementKey>),
        StatementScheme::Ed25519 => Some(Box::new(Ed25519SecretKey::from_bytes(&prepared.network_key.to_bytes()))),
    }
}

fn driver_config(
    plan: &plan::Plan,
    genesis: &Genesis,
    (signer, key): (Option<ValidatorIndex>, Option<Box<dyn StatementKey>>),
    status: &Arc<NodeStatus>,
    views: ViewWriter,
) -> DriverConfig {
    let committee = Arc::new(genesis.committee().clone());
    let rules = minuet_consensus::header_rules::ChainRules { committee: committee.clone(), fees: *genesis.fees() };
    DriverConfig {
        replica: ReplicaConfig { me: signer, rules, timing: plan.timing },
        verifier: Verifier::new(committee, genesis.signing_context()),
        key: key.filter(|_| signer.is_some()),
        max_block_bytes: plan.max_block_bytes,
        linger_us: plan.linger_us,
        status: status.clone(),
        views: Some(views),
    }
}

fn stored_tip(ledger: &Ledger) -> Result<Tip, Failure> {
    let header = ledger.tip().clone();
    let finalization = ledger.reader().certificate(header.height()).map_err(|error| storage(&error))?;
    Ok(Tip { header, finalization: finalization.map(Arc::new) })
}

fn run_ledger(ledger: LedgerDriver, waiter: &Waiter, ends: &Sender<End>) {
    if let Err(error) = minuet_execution::ledger::thread::run(ledger, waiter) {
        // The receiver is gone only if the node is stopping already.
        let _ = ends.send(End::Failed(Failure::new(Exit::Storage, error)));
    }
}

/// Starts the journal's thread; without a journal its rings' ends come back.
fn spawn_journal(
    journal: Option<Journal<RealDirectory>>,
    rings: wires::JournalEnds,
    status: &Arc<NodeStatus>,
    waiter: Waiter,
    others: &mut Vec<(&'static str, JoinHandle<()>)>,
) -> Result<Option<wires::JournalEnds>, Failure> {
    let Some(journal) = journal else { return Ok(Some(rings)) };
    let journal = JournalDriver::new(journal, rings.requests, rings.replies, status.clone());
    // Its failure reaches consensus as a reply, which stops the node; the thread's own result says nothing more.
    let thread = minuet_storage::journal::thread::spawn(journal, waiter).map_err(|e| no_thread(&e))?;
    others.push(("journal", joined("journal", thread)?));
    Ok(None)
}

/// The same thread without its result.
fn joined<T: Send + 'static>(name: &'static str, thread: JoinHandle<T>) -> Result<JoinHandle<()>, Failure> {
    let watch = move || {
        if thread.join().is_err() {
            tracing::error!(name, "the thread panicked");
        }
    };
    std::thread::Builder::new().name(format!("end-of-{name}")).spawn(watch).map_err(|error| no_thread(&error))
}

impl Running {
    /// Consensus first: nothing is signed any more. Then the outside, then those who finish what they were asked.
    fn stop(self) {
        self.status.stopping.store(true, Ordering::Relaxed);
        self.consensus.stop();
        self.rpc.shutdown();
        if let Some(dashboard) = self.dashboard {
            dashboard.shutdown();
        }
        self.p2p.shutdown();
        if let Some(trace) = self.trace {
            trace.finish();
        }
        for (name, thread) in self.others {
            if thread.join().is_err() {
                tracing::error!(name, "the thread panicked");
            }
        }
        if let Err(error) = self.store.flush() {
            tracing::error!(%error, "the database was not flushed; its log has everything");
        }
        self.store.stop_compactions();
        self.space.stop();
        if let Some(metrics) = self.metrics {
            metrics.stop();
        }
        tracing::info!("stopped");
    }
}

fn stop_on_signals(ends: &Sender<End>) -> Result<(), Failure> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Failure::new(Exit::Generic, format!("signals cannot be received: {error}")))?;
    let ends = ends.clone();
    let watch = move || {
        for _ in signals.forever() {
            // The receiver is gone once the node is stopping: a second signal changes nothing.
            let _ = ends.send(End::Signal);
        }
    };
    std::thread::Builder::new().name("minuet-signals".to_owned()).spawn(watch).map_err(|error| no_thread(&error))?;
    Ok(())
}

/// A panic is a bug in this program: nothing goes on with half a node. Everything acknowledged is durable already.
fn stop_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed").to_owned();
        let trace = std::backtrace::Backtrace::force_capture();
        tracing::error!(thread = name, %panic, %trace, "BUG: the node stops");
        std::process::exit(i32::from(Exit::Bug as u8));
    }));
}

fn storage(error: &StoreError) -> Failure {
    match error {
        StoreError::Mismatch { .. } => Failure::new(Exit::DataDirectory, error),
        _ => Failure::new(Exit::Storage, error),
    }
}

fn no_thread(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Generic, format!("the system gives no thread: {error}"))
}

/// The exit code of what stops consensus.
pub(crate) fn fatal(error: &Fatal) -> Failure {
    let exit = match error {
        Fatal::Journal(_) | Fatal::Recovery(_) | Fatal::Record(_) => Exit::Storage,
        Fatal::Halt(Halt::ConflictingFinalization { .. }) => Exit::SafetyHalt,
        Fatal::Halt(Halt::OwnSignature { .. }) => Exit::DoubledValidator,
        Fatal::StateMismatch { .. } => Exit::StateMismatch,
    };
    Failure::new(exit, error)
}
