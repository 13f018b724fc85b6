//! One simulated node: the production drivers of consensus, mempool, ledger and journal on one thread, and the disk that
//! outlives them.
//!
//! A life is what runs between a start and an end. Everything in it is lost at its end but what the disk kept.

use crate::chain::{Chain, Signatures};
use crate::rings::{Ends, Wires, connect};
use crate::signatures;
use minuet_consensus::driver::{Driver, DriverConfig, Fatal, Now};
use minuet_consensus::record::Record;
use minuet_consensus::replica::{ReplicaConfig, Timing, Tip};
use minuet_core::header::BlockHeader;
use minuet_core::messages::{
    BulkCommand, BulkFrame, CertificateFrame, ConsensusFrame, FinalizedBlock, GossipCommand, JournalRecord,
    JournalRequest, NetworkCommand, PeerEvent, PeerFrame, Submission, TransactionFrame, UrgentCommand,
};
use minuet_core::status::NodeStatus;
use minuet_core::wire::FrameKind;
use minuet_core::{Bytes, Height, TimeMs, ValidatorIndex, View};
use minuet_execution::chain::ChainReader;
use minuet_execution::{Ledger, LedgerDriver, LedgerOptions, Turn, Workers};
use minuet_mempool::{ChainRules, MempoolConfig, MempoolDriver};
use minuet_storage::files::Fault;
use minuet_storage::{Journal, JournalConfig, JournalDriver, MemoryDirectory, MemoryStore};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

const JOURNAL: JournalConfig = JournalConfig { segment_bytes: 64 << 10, max_group_bytes: 4 << 20 };
/// Turns of one node at one moment of virtual time: more is a loop without an end.
const MAX_TURNS: usize = 10_000;
const NEVER: u64 = u64::MAX;

/// What a node is made with.
#[derive(Clone)]
pub struct Setup {
    pub chain: Arc<Chain>,
    pub signatures: Signatures,
    pub timing: Timing,
    pub linger_us: u64,
    /// Executed blocks that a ledger keeps above the final ones, unless they are final by the rules.
    pub most_unfinalized: usize,
    /// Real time at which virtual time began: mempool deadlines are counted from it.
    pub base: Instant,
}

/// How long a node's parts take, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Write and sync of the journal.
    pub sync_us: u64,
    /// Whatever the ledger does.
    pub ledger_us: u64,
}

/// What outlives a node.
#[derive(Clone, Default)]
pub struct Disk {
    pub directory: MemoryDirectory,
    pub store: Arc<MemoryStore>,
    /// Whether the key has signed: a journal without records beside it means that it was lost (D-WIPED).
    pub is_used: bool,
}

/// Why a node ended by itself.
#[derive(Clone, Debug)]
pub enum Stop {
    /// Consensus says so.
    Fatal(Fatal),
    /// The ledger's store failed, or it was asked for nonsense.
    Ledger(String),
    /// It does not start: the disk is damaged.
    Damaged(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fatal(fatal) => write!(out, "{fatal}"),
            Self::Ledger(reason) => write!(out, "the ledger: {reason}"),
            Self::Damaged(reason) => write!(out, "its disk: {reason}"),
        }
    }
}

/// What a node started with.
pub struct Started {
    pub records: Vec<Record>,
    pub height: Height,
    /// View of the newest block that its ledger has.
    pub tip_view: View,
    /// Whether it signs.
    pub signs: bool,
}

/// What the world hears of a node's turns.
pub trait Watcher {
    /// These records are durable now.
    fn durable(&mut self, slot: usize, records: &[JournalRecord]);
    /// Consensus has turned.
    fn turned(&mut self, slot: usize, driver: &Driver);
    /// A block is final and durable.
    fn finalized(&mut self, slot: usize, block: &FinalizedBlock);
    /// So was this one before, whose event had no room in the ring: observers read it from the store.
    fn completed(&mut self, slot: usize, header: &BlockHeader);
    /// The node wants this of the network.
    fn commanded(&mut self, slot: usize, command: NetworkCommand);
    /// The journal failed: from now on nothing new may be signed.
    fn journal_failed(&mut self, slot: usize);
}

/// A running node.
struct Life {
    consensus: Driver,
    mempool: MempoolDriver<MemoryDirectory>,
    ledger: LedgerDriver,
    journal: JournalDriver<MemoryDirectory>,
    ends: Ends,
    /// For what was dropped of the events.
    reader: ChainReader,
    /// The highest block that was shown as final.
    shown: Height,
    boot_us: u64,
    consensus_due: u64,
    mempool_due: u64,
    ledger_due: u64,
    journal_due: u64,
    /// Asked of the journal, not written yet.
    waiting: Vec<JournalRequest>,
}

/// A place in the network where a node runs, or does not.
pub struct Node {
    pub slot: usize,
    pub index: ValidatorIndex,
    pub disk: Disk,
    /// Starts so far.
    pub lives: u32,
    /// How far its wall clock is ahead, in milliseconds.
    pub skew_ms: i64,
    pub pace: Pace,
    /// When the world has promised to come back.
    pub wake_us: u64,
    life: Option<Life>,
}

impl Node {
    pub fn new(slot: usize, index: ValidatorIndex, pace: Pace) -> Self {
        Self { slot, index, disk: Disk::default(), lives: 0, skew_ms: 0, pace, wake_us: NEVER, life: None }
    }

    pub const fn is_up(&self) -> bool {
        self.life.is_some()
    }

    pub fn driver(&self) -> Option<&Driver> {
        self.life.as_ref().map(|life| &life.consensus)
    }

    /// The newest final block that its ledger has.
    pub fn tip(&self) -> Option<(Height, minuet_core::Digest)> {
        self.life.as_ref().map(|life| {
            let tip = life.ledger.ledger().tip();
            (tip.height(), tip.digest())
        })
    }

    /// Starts from the disk, as `minuet node` does.
    pub fn start(&mut self, setup: &Setup, now_us: u64) -> Result<Started, Stop> {
        let genesis = &setup.chain.genesis;
        let damaged = |error: &dyn std::fmt::Display| Stop::Damaged(error.to_string());
        let kept = setup.most_unfinalized;
        let options = LedgerOptions { workers: Workers::Inline, most_unfinalized: kept, ..LedgerOptions::default() };
        let ledger = Ledger::open(self.disk.store.clone(), genesis, options).map_err(|error| damaged(&error))?;
        let (mut journal, records) = Journal::open(self.disk.directory.clone(), genesis.fingerprint(), JOURNAL)
            .map_err(|error| damaged(&error))?;
        let signs = !records.is_empty() || !self.disk.is_used;
        if records.is_empty() && signs {
            let floor = Record::Floor(View::GENESIS).to_journal();
            journal.append(&[floor]).and_then(|()| journal.sync()).map_err(|error| damaged(&error))?;
            self.disk.is_used = true;
        }
        let tip = Tip {
            header: ledger.tip().clone(),
            finalization: ledger
                .reader()
                .certificate(ledger.tip().height())
                .map_err(|error| damaged(&error))?
                .map(Arc::new),
        };
        let (height, tip_view) = (tip.header.height(), tip.header.view());
        let status = Arc::new(NodeStatus::default());
        let (Wires { consensus, mempool, ledger: ledger_rings, journal_requests, journal_replies }, ends) = connect();
        let config = DriverConfig {
            replica: ReplicaConfig {
                me: signs.then_some(self.index),
                rules: setup.chain.rules(),
                timing: setup.timing,
            },
            verifier: setup.chain.verifier(setup.signatures),
            key: signs.then(|| setup.chain.key(self.index, setup.signatures)),
            max_block_bytes: 64 << 10,
            linger_us: setup.linger_us,
            status: status.clone(),
            views: None,
        };
        self.lives += 1;
        let now = Now { mono_us: 0, wall: self.wall(now_us) };
        let driver = Driver::new(config, tip, &records, consensus, now).map_err(Stop::Fatal)?;
        let rules = ChainRules::from(genesis);
        let pool = MempoolConfig { signatures: signatures::CHECK, ..MempoolConfig::default() };
        let reader = ledger.reader().clone();
        let state = Arc::new(reader.clone());
        let mempool = MempoolDriver::new(pool, rules, state, mempool, status.clone(), None);
        let ledger = LedgerDriver::new(ledger, ledger_rings, status.clone(), Box::new(|| 0));
        let journal = JournalDriver::new(journal, journal_requests, journal_replies, status);
        self.life = Some(Life {
            consensus: driver,
            mempool,
            ledger,
            journal,
            ends,
            reader,
            shown: height,
            boot_us: now_us,
            consensus_due: now_us,
            mempool_due: now_us,
            ledger_due: NEVER,
            journal_due: NEVER,
            waiting: Vec::new(),
        });
        let records = records.iter().map(|record| Record::from_journal(record).expect("the driver has read it"));
        Ok(Started { records: records.collect(), height, tip_view, signs })
    }

    fn wall(&self, now_us: u64) -> TimeMs {
        let now = crate::chain::BEGIN_MS + now_us / 1000;
        TimeMs(now.saturating_add_signed(self.skew_ms))
    }

    /// The process ends, the disk stays as it is. With `power`, what was not synced is lost or torn as chance has it; if
    /// the journal was asked to write, the power may fail in the middle of that.
    pub fn end(&mut self, power: Option<u64>) {
        let life = self.life.take();
        self.wake_us = NEVER;
        match power {
            None => {
                self.disk.directory.kill();
                self.disk.store.fail_next_writes(0);
            }
            Some(seed) => {
                if let Some(mut life) = life {
                    life.collect_journal();
                    if !life.waiting.is_empty() && seed & 1 == 0 {
                        self.disk.directory.fail_syncs(0, Fault::Device);
                        life.pass_on();
                        let _ = life.journal.turn();
                    }
                }
                self.disk.directory.crash(seed);
                self.disk.store.lose_unsynced();
            }
        }
    }

    /// Hands a frame in; false if there is no room yet.
    pub fn deliver(&mut self, from: ValidatorIndex, kind: FrameKind, payload: &Bytes) -> bool {
        let Some(life) = &mut self.life else { return true };
        let frame = PeerFrame { peer: from.peer(), kind, payload: payload.clone() };
        match kind {
            FrameKind::Certificate => life.ends.certificates.try_send(CertificateFrame(frame)).is_ok(),
            FrameKind::Statement | FrameKind::Proposal => life.ends.votes.try_send(ConsensusFrame(frame)).is_ok(),
            FrameKind::Body | FrameKind::Request | FrameKind::Response => {
                life.ends.bulk.try_send(BulkFrame(frame)).is_ok()
            }
            FrameKind::Transactions => {
                life.ends.transactions.send_or_drop(TransactionFrame(frame));
                true
            }
        }
    }

    /// Tells who is connected.
    pub fn meet(&mut self, event: PeerEvent) {
        if let Some(life) = &mut self.life {
            // More than a thousand at one moment do not happen here.
            let told = [life.ends.peers.try_send(event).is_ok(), life.ends.mempool_peers.try_send(event).is_ok()];
            assert_eq!(told, [true, true], "the rings of peer events have room");
        }
    }

    /// A client's transaction.
    pub fn submit(&mut self, envelope: Bytes) {
        if let Some(life) = &mut self.life {
            // A full ring refuses the caller, who comes again.
            let _ = life.ends.submissions.try_send(Submission::Submit { envelope, reply: Box::new(|_| {}) });
        }
    }

    /// Lets every part do what it can at this moment. Returns when there is something to do again.
    pub fn turn(&mut self, setup: &Setup, now_us: u64, watcher: &mut impl Watcher) -> Result<u64, Stop> {
        let (slot, pace, wall) = (self.slot, self.pace, self.wall(now_us));
        let Some(life) = &mut self.life else { return Ok(NEVER) };
        for _ in 0..MAX_TURNS {
            let mut did = life.turn_consensus(now_us, wall, slot, watcher)?;
            did |= life.turn_mempool(setup.base, now_us);
            did |= life.turn_ledger(now_us, pace.ledger_us).map_err(Stop::Ledger)?;
            did |= life.turn_journal(now_us, pace.sync_us, slot, watcher);
            life.send(slot, watcher);
            if !did {
                let due = life.consensus_due.min(life.mempool_due).min(life.ledger_due).min(life.journal_due);
                return Ok(due.max(now_us + 1));
            }
        }
        panic!("a node turns for ever at one moment");
    }
}

impl Life {
    fn turn_consensus(
        &mut self,
        now_us: u64,
        wall: TimeMs,
        slot: usize,
        watcher: &mut impl Watcher,
    ) -> Result<bool, Stop> {
        if !self.consensus.has_work() && now_us < self.consensus_due {
            return Ok(false);
        }
        let now = Now { mono_us: now_us - self.boot_us, wall };
        let outcome = self.consensus.turn(now);
        // What it said before it ended is on its way.
        self.send(slot, watcher);
        watcher.turned(slot, &self.consensus);
        let deadline = outcome.map_err(Stop::Fatal)?;
        let due = deadline.map_or(NEVER, |mono_us| mono_us.saturating_add(self.boot_us));
        self.consensus_due = due.max(now_us + 1);
        Ok(true)
    }

    fn send(&mut self, slot: usize, watcher: &mut impl Watcher) {
        while let Some(UrgentCommand(command)) = self.ends.urgent_out.try_recv() {
            watcher.commanded(slot, command);
        }
        while let Some(BulkCommand(command)) = self.ends.bulk_out.try_recv() {
            watcher.commanded(slot, command);
        }
        while let Some(GossipCommand(command)) = self.ends.gossip_out.try_recv() {
            watcher.commanded(slot, command);
        }
        while let Some(block) = self.ends.finalized.try_recv() {
            self.show(slot, &block, watcher);
        }
    }

    /// As the API does: one sequence without gaps, completed from the store where the ring was full.
    fn show(&mut self, slot: usize, block: &FinalizedBlock, watcher: &mut impl Watcher) {
        while self.shown.next() < block.header.height() {
            // A store that fails now is asked again with the next block.
            let Ok(Some(header)) = self.reader.header(self.shown.next()) else { return };
            self.shown = header.height();
            watcher.completed(slot, &header);
        }
        self.shown = block.header.height();
        watcher.finalized(slot, block);
    }

    fn turn_mempool(&mut self, base: Instant, now_us: u64) -> bool {
        if !self.mempool.has_work() && now_us < self.mempool_due {
            return false;
        }
        let now = base + Duration::from_micros(now_us);
        // Without a pool log nothing can fail.
        let next = self.mempool.turn(now).ok().flatten();
        let due = next.map_or(NEVER, |next| micros_since(base, next));
        self.mempool_due = due.max(now_us + 1);
        true
    }

    fn turn_ledger(&mut self, now_us: u64, takes_us: u64) -> Result<bool, String> {
        if self.ledger_due == NEVER && self.ledger.has_work() {
            self.ledger_due = now_us + takes_us;
        }
        if now_us < self.ledger_due {
            return Ok(false);
        }
        self.ledger_due = NEVER;
        while self.ledger.turn().map_err(|error| error.to_string())? == Turn::Again {}
        Ok(true)
    }

    fn collect_journal(&mut self) {
        while let Some(request) = self.ends.journal_tap.try_recv() {
            self.waiting.push(request);
        }
    }

    fn pass_on(&mut self) -> Vec<JournalRecord> {
        let mut records = Vec::new();
        for request in self.waiting.drain(..) {
            if let JournalRequest::Append { records: appended, .. } = &request {
                records.extend(appended.iter().cloned());
            }
            // The driver's ring is as large, and it has been emptied.
            let _ = self.ends.journal_in.try_send(request);
        }
        records
    }

    fn turn_journal(&mut self, now_us: u64, takes_us: u64, slot: usize, watcher: &mut impl Watcher) -> bool {
        self.collect_journal();
        if self.journal_due == NEVER && !self.waiting.is_empty() {
            self.journal_due = now_us + takes_us;
        }
        if now_us < self.journal_due {
            return false;
        }
        self.journal_due = NEVER;
        let records = self.pass_on();
        match self.journal.turn() {
            Ok(_) => watcher.durable(slot, &records),
            Err(_) => watcher.journal_failed(slot),
        }
        true
    }
}

fn micros_since(base: Instant, moment: Instant) -> u64 {
    let since = moment.saturating_duration_since(base);
    u64::try_from(since.as_micros()).unwrap_or(NEVER)
}
