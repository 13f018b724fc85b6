//! A driver between rings whose other ends the test holds, with stand-ins for ledger, mempool and journal.

use crate::driver::{Driver, DriverConfig, DriverRings, Fatal, Now};
use crate::fixture::{Fixture, key, v};
use crate::replica::Tip;
use minuet_core::block::{Block, Body};
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::messages::{
    BulkCommand, BulkFrame, CertificateFrame, ChainQuery, ConsensusFrame, FinalBlock, JournalRecord, JournalReply,
    JournalRequest, LedgerReply, LedgerRequest, MempoolReply, MempoolRequest, NetworkCommand, PeerEvent, PeerFrame,
    UrgentCommand, Verdict,
};
use minuet_core::ring::{Doorbell, Receiver, Sender, ring, ring_with_capacity};
use minuet_core::status::NodeStatus;
use minuet_core::transaction::{EmptyList, Transaction, UnsignedTransaction};
use minuet_core::views::{ViewRing, ViewWriter};
use minuet_core::wire::{FrameKind, Lane, Recipients};
use minuet_core::{Address, Bytes, Digest, PeerId, TimeMs, U256, ValidatorIndex, View, keccak256};
use std::collections::BTreeSet;
use std::sync::Arc;

pub const START: Now = Now { mono_us: 1_000_000, wall: TimeMs(5_000_000) };

pub struct Ends {
    pub certificates: Sender<CertificateFrame>,
    pub votes: Sender<ConsensusFrame>,
    pub bulk: Sender<BulkFrame>,
    pub peers: Sender<PeerEvent>,
    pub urgent_out: Receiver<UrgentCommand>,
    pub bulk_out: Receiver<BulkCommand>,
    pub mempool_out: Receiver<MempoolRequest>,
    pub mempool: Sender<MempoolReply>,
    pub ledger_out: Receiver<LedgerRequest>,
    pub ledger: Sender<LedgerReply>,
    pub journal_out: Receiver<JournalRequest>,
    pub journal: Sender<JournalReply>,
}

pub fn rings(urgent_capacity: usize) -> (DriverRings, Ends) {
    let bell = Doorbell::silent();
    let (certificates_in, certificates) = ring(&bell);
    let (votes_in, votes) = ring(&bell);
    let (bulk_in, bulk) = ring(&bell);
    let (peers_in, peers) = ring(&bell);
    let (urgent_out, urgent) = ring_with_capacity(urgent_capacity, &bell);
    let (bulk_out, bulk_sent) = ring(&bell);
    let (mempool_out, mempool_asked) = ring(&bell);
    let (mempool_in, mempool) = ring(&bell);
    let (ledger_out, ledger_asked) = ring(&bell);
    let (ledger_in, ledger) = ring(&bell);
    let (journal_out, journal_asked) = ring(&bell);
    let (journal_in, journal) = ring(&bell);
    let rings = DriverRings {
        certificates,
        votes,
        bulk,
        peers,
        urgent_out,
        bulk_out,
        mempool_out,
        mempool,
        ledger_out,
        ledger,
        journal_out,
        journal,
    };
    let ends = Ends {
        certificates: certificates_in,
        votes: votes_in,
        bulk: bulk_in,
        peers: peers_in,
        urgent_out: urgent,
        bulk_out: bulk_sent,
        mempool_out: mempool_asked,
        mempool: mempool_in,
        ledger_out: ledger_asked,
        ledger: ledger_in,
        journal_out: journal_asked,
        journal: journal_in,
    };
    (rings, ends)
}

/// One node. The journal answers only when the test says so; the ledger and the mempool when asked to work.
pub struct Bench {
    pub fixture: Fixture,
    pub driver: Driver,
    pub ends: Ends,
    pub now: Now,
    pub deadline: Option<u64>,
    /// Durable records.
    pub journal: Vec<JournalRecord>,
    /// Appends that are not durable yet.
    pub appends: Vec<(u64, Vec<JournalRecord>)>,
    /// How often the journal was told that a record comes soon.
    pub roused: usize,
    pub ledger: Ledger,
    /// Transactions that the mempool gives for each block.
    pub transactions: Vec<Arc<Transaction>>,
    pub asked_mempool: Vec<MempoolRequest>,
    pub status: Arc<NodeStatus>,
    /// What observers see.
    pub shown: Arc<ViewRing>,
}

/// What a ledger remembers, restarts included.
#[derive(Clone, Default)]
pub struct Ledger {
    pub chain: Vec<FinalBlock>,
    blocks: Vec<Block>,
    executed: BTreeSet<Digest>,
    pub requests: Vec<LedgerRequest>,
    /// Blocks that do not execute as their headers say.
    pub wrong: BTreeSet<Digest>,
    /// Whether it has no room but for what is final by the rules.
    pub is_full: bool,
}

impl Bench {
    pub fn new(me: u16) -> Self {
        Self::with(me, Vec::new(), Ledger::default(), START, 4096)
    }

    pub fn with(me: u16, journal: Vec<JournalRecord>, ledger: Ledger, now: Now, urgent_capacity: usize) -> Self {
        let fixture = Fixture::new(6);
        let (rings, ends) = rings(urgent_capacity);
        let status = Arc::new(NodeStatus::default());
        let views = ViewWriter::new();
        let shown = views.ring();
        let config = DriverConfig {
            replica: fixture.config(Some(me)),
            verifier: fixture.verifier(),
            key: Some(Box::new(key(me))),
            max_block_bytes: 1_000_000,
            linger_us: 0,
            status: status.clone(),
            views: Some(views),
        };
        let tip = ledger.chain.last().map_or(fixture.tip(), |last| Tip {
            header: last.block.header().clone(),
            finalization: last.finalization.clone().map(Arc::new),
        });
        let mut ledger = Ledger { requests: Vec::new(), blocks: Vec::new(), executed: BTreeSet::new(), ..ledger };
        ledger.executed.insert(tip.header.digest());
        let driver = Driver::new(config, tip, &journal, rings, now).expect("a usable journal");
        Self {
            fixture,
            driver,
            ends,
            now,
            deadline: None,
            journal,
            appends: Vec::new(),
            roused: 0,
            ledger,
            transactions: Vec::new(),
            asked_mempool: Vec::new(),
            status,
            shown,
        }
    }

    pub fn turn(&mut self) {
        self.deadline = self.driver.turn(self.now).expect("no fatal error");
        self.collect_appends();
    }

    pub fn failing_turn(&mut self) -> Fatal {
        self.driver.turn(self.now).expect_err("a fatal error")
    }

    pub fn pass_us(&mut self, us: u64) {
        self.now.mono_us += us;
        self.now.wall = TimeMs(START.wall.0 + (self.now.mono_us - START.mono_us) / 1000);
    }

    fn collect_appends(&mut self) {
        while let Some(request) = self.ends.journal_out.try_recv() {
            match request {
                JournalRequest::Append { ticket, records } => self.appends.push((ticket, records)),
                JournalRequest::Rouse => self.roused += 1,
                JournalRequest::Prune { .. } => {}
            }
        }
    }

    /// Everything that was appended becomes durable, and the driver hears of it.
    pub fn sync(&mut self) -> bool {
        self.collect_appends();
        let Some((ticket, _)) = self.appends.last() else { return false };
        self.ends.journal.send_fitting(JournalReply::Durable { ticket: *ticket }).expect("the driver lives");
        self.journal.extend(self.appends.drain(..).flat_map(|(_, records)| records));
        true
    }

    /// Turns and syncs until nothing happens without time or peers.
    pub fn settle(&mut self) {
        for _ in 0..1000 {
            self.turn();
            let worked = self.serve_ledger() | self.serve_mempool();
            if !(self.sync() | worked) && !self.driver.has_work() {
                return;
            }
        }
        panic!("the driver never comes to rest");
    }

    pub fn sent(&mut self) -> Vec<NetworkCommand> {
        let urgent = std::iter::from_fn(|| self.ends.urgent_out.try_recv().map(|command| command.0));
        let mut sent: Vec<_> = urgent.collect();
        sent.extend(std::iter::from_fn(|| self.ends.bulk_out.try_recv().map(|command| command.0)));
        sent
    }

    /// Payloads of one kind among what was sent since the last look; the rest is dropped.
    pub fn sent_of(&mut self, wanted: FrameKind) -> Vec<(Recipients, Bytes)> {
        let of_kind = self.sent().into_iter().filter_map(|command| match command {
            NetworkCommand::Send { to, kind, payload } if kind == wanted => Some((to, payload)),
            _ => None,
        });
        of_kind.collect()
    }

    pub fn receive(&mut self, from: u16, kind: FrameKind, payload: impl Into<Bytes>) {
        self.receive_from(v(from).peer(), kind, payload.into());
    }

    /// `false` if the ring is full: a network would wait.
    pub fn receive_from(&mut self, peer: PeerId, kind: FrameKind, payload: Bytes) -> bool {
        let frame = PeerFrame { peer, kind, payload };
        match kind.lane() {
            Lane::Certificates => self.ends.certificates.try_send(CertificateFrame(frame)).is_ok(),
            Lane::Votes | Lane::Headers => self.ends.votes.try_send(ConsensusFrame(frame)).is_ok(),
            _ => self.ends.bulk.try_send(BulkFrame(frame)).is_ok(),
        }
    }

    pub fn peer(&mut self, event: PeerEvent) {
        self.ends.peers.try_send(event).expect("room for few peers");
    }

    pub fn serve_mempool(&mut self) -> bool {
        let mut worked = false;
        while let Some(request) = self.ends.mempool_out.try_recv() {
            if let MempoolRequest::Select { view, .. } = &request
                && !self.transactions.is_empty()
            {
                let transactions = self.transactions.clone();
                self.reply_selected(*view, transactions);
                worked = true;
            }
            self.asked_mempool.push(request);
        }
        worked
    }

    pub fn reply_selected(&mut self, view: View, transactions: Vec<Arc<Transaction>>) {
        self.ends.mempool.send_fitting(MempoolReply::Selected { view, transactions }).expect("the driver lives");
    }

    pub fn serve_ledger(&mut self) -> bool {
        let mut worked = false;
        while let Some(request) = self.ends.ledger_out.try_recv() {
            if let Some(reply) = self.ledger.answer(&request) {
                self.reply_ledger(reply);
            }
            self.ledger.requests.push(request);
            worked = true;
        }
        worked
    }

    pub fn reply_ledger(&mut self, reply: LedgerReply) {
        self.ends.ledger.send_fitting(reply).expect("the driver lives");
    }
}

impl Ledger {
    fn answer(&mut self, request: &LedgerRequest) -> Option<LedgerReply> {
        Some(match request {
            LedgerRequest::Judge { block, is_final } => {
                let has_room = *is_final || !self.is_full;
                let verdict = if has_room { self.judge(block) } else { Verdict::MissingParent };
                LedgerReply::Judged { digest: block.digest(), verdict }
            }
            LedgerRequest::Seal { view, parent, proposer, beneficiary, time, base_fee, transactions } => {
                let body = Body { transactions: transactions.iter().map(|tx| tx.envelope().clone()).collect() };
                let block = seal(*view, parent, *proposer, *beneficiary, *time, *base_fee, body);
                self.keep(&block);
                LedgerReply::Sealed { view: *view, block: Some(block) }
            }
            LedgerRequest::Commit { blocks, finalization } => self.commit(blocks, finalization),
            LedgerRequest::KeepEvidence(_) => return None,
            LedgerRequest::Serve { ticket, query } => {
                let chain = self.chain.iter();
                let blocks = match query {
                    ChainQuery::Digest(digest) => chain.filter(|b| b.block.digest() == *digest).cloned().collect(),
                    ChainQuery::Range { from, max_blocks, .. } => chain
                        .filter(|b| b.block.header().height() >= *from)
                        .take(*max_blocks as usize)
                        .cloned()
                        .collect(),
                };
                LedgerReply::Served { ticket: *ticket, blocks }
            }
        })
    }

    fn keep(&mut self, block: &Block) {
        self.executed.insert(block.digest());
        self.blocks.push(block.clone());
    }

    fn judge(&mut self, block: &Block) -> Verdict {
        let parent = block.header().parent();
        if !self.executed.contains(&parent) {
            return Verdict::MissingParent;
        }
        if self.wrong.contains(&block.digest()) {
            return Verdict::Invalid("the test says so".to_owned());
        }
        assert_eq!(block.body().root(), block.header().transactions_root());
        self.keep(block);
        Verdict::Valid
    }

    fn commit(&mut self, blocks: &[Digest], finalization: &minuet_core::certificate::Certificate) -> LedgerReply {
        for digest in blocks {
            let block = self.blocks.iter().find(|block| block.digest() == *digest).expect("only judged blocks").clone();
            let parent = self.chain.last().map(|last| last.block.digest());
            assert!(parent.is_none_or(|parent| parent == block.header().parent()), "oldest first");
            self.chain.push(FinalBlock { block, finalization: None });
        }
        let last = self.chain.last_mut().expect("at least one block");
        last.finalization = Some(finalization.clone());
        LedgerReply::Committed { height: last.block.header().height(), digest: last.block.digest() }
    }
}

pub fn seal(
    view: View,
    parent: &BlockHeader,
    proposer: ValidatorIndex,
    beneficiary: Address,
    time: TimeMs,
    base_fee: u64,
    body: Body,
) -> Block {
    let state_root = keccak256([parent.state_root(), body.root()].concat());
    let header = BlockHeader::seal(&HeaderParts {
        epoch: parent.epoch(),
        view,
        parent_view: parent.view(),
        proposer,
        parent: parent.digest(),
        height: parent.height().next(),
        time,
        beneficiary,
        state_root,
        transactions_root: body.root(),
        receipts_root: keccak256([1]),
        gas_limit: parent.ethereum().gas_limit,
        gas_used: 21_000 * body.transactions.len() as u64,
        base_fee,
    });
    Block::new(Arc::new(header), Arc::new(body)).expect("its own body")
}

pub fn transaction(nonce: u64) -> Arc<Transaction> {
    let secret = Ed25519SecretKey::from_bytes(&[3; 32]);
    let unsigned = UnsignedTransaction {
        chain_id: 1,
        nonce,
        max_priority_fee_per_gas: 1,
        max_fee_per_gas: 2_000_000,
        gas_limit: 21_000,
        to: Address::repeat_byte(5),
        value: U256::from(1),
        data: Bytes::new(),
        access_list: EmptyList,
        public_key: Ed25519PublicKey([0; 32]),
    };
    Arc::new(unsigned.sign(&secret, &Digest::ZERO))
}
