//! Six drivers over a network, ledgers, mempools and journals that the test plays, in virtual time.

use super::bench::{Bench, START, transaction};
use crate::driver::Now;
use crate::fixture::v;
use crate::wire::{Proposal, Response};
use minuet_core::bls::BlsSignature;
use minuet_core::messages::{NetworkCommand, PeerEvent};
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::views::{OwnStatement, SlotStatus};
use minuet_core::wire::{FrameKind, Recipients};
use minuet_core::{Bytes, Digest, Height, PeerId, TimeMs, View};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One way through the network.
const HOP_US: u64 = 1_000;

struct Cluster {
    nodes: Vec<Option<Bench>>,
    now: Now,
    wire: VecDeque<(u64, usize, PeerId, FrameKind, Bytes)>,
    votes: BTreeMap<(u16, View), Digest>,
    nullified: BTreeSet<(u16, View)>,
    blames: usize,
    transactions: bool,
    /// Changes what this node answers to requests; `None` swallows it.
    tamper: BTreeMap<usize, fn(Response) -> Option<Response>>,
}

impl Cluster {
    fn new(transactions: bool) -> Self {
        let mut cluster = Self {
            nodes: (0..6).map(|me| Some(Bench::new(me))).collect(),
            now: START,
            wire: VecDeque::new(),
            votes: BTreeMap::new(),
            nullified: BTreeSet::new(),
            blames: 0,
            transactions,
            tamper: BTreeMap::new(),
        };
        cluster.connect();
        cluster
    }

    fn connect(&mut self) {
        let alive: Vec<usize> = (0..6).filter(|me| self.nodes[*me].is_some()).collect();
        for (me, node) in self.nodes.iter_mut().enumerate() {
            let Some(node) = node else { continue };
            if self.transactions {
                node.transactions = vec![transaction(me as u64)];
            }
            for other in alive.iter().filter(|other| **other != me) {
                node.peer(PeerEvent::Up(PeerId(u32::try_from(*other).expect("small"))));
            }
        }
    }

    /// All nodes come back with their journals and stored chains, nothing else.
    fn restart_all(&mut self) {
        self.wire.clear();
        for (me, node) in self.nodes.iter_mut().enumerate() {
            if let Some(old) = node.take() {
                let me = u16::try_from(me).expect("small");
                *node = Some(Bench::with(me, old.journal, old.ledger, self.now, 4096));
            }
        }
        self.connect();
    }

    /// S-ONE-VOTE and S-NO-VOTE-AFTER-NULL of everything that leaves a node.
    fn note(&mut self, kind: FrameKind, payload: &[u8]) {
        let signed: Vec<(u16, Statement)> = match kind {
            FrameKind::Statement => {
                let signed = SignedStatement::from_bytes(payload).expect("own form");
                vec![(signed.signer.0, signed.statement)]
            }
            FrameKind::Proposal => {
                let header = Proposal::from_bytes(payload).expect("own form").header;
                vec![(header.proposer().0, Statement::Notarize { view: header.view(), digest: header.digest() })]
            }
            _ => Vec::new(),
        };
        for (signer, statement) in signed {
            let key = (signer, statement.view());
            match statement.digest() {
                Some(digest) => assert_eq!(*self.votes.entry(key).or_insert(digest), digest, "S-ONE-VOTE {key:?}"),
                None => {
                    self.nullified.insert(key);
                }
            }
        }
    }

    fn turn(&mut self, me: usize) -> bool {
        let Some(node) = &mut self.nodes[me] else { return false };
        node.now = self.now;
        node.turn();
        let worked = node.serve_ledger() | node.serve_mempool() | node.sync() | node.driver.has_work();
        let sent = node.sent();
        for command in sent {
            match command {
                NetworkCommand::Blame { .. } => self.blames += 1,
                NetworkCommand::Send { to, kind, payload } => {
                    assert!(payload.len() <= kind.max_bytes(), "B-FRAME");
                    let payload = match (kind, self.tamper.get(&me)) {
                        (FrameKind::Response, Some(tamper)) => {
                            let tampered = tamper(Response::from_bytes(&payload).expect("own form"));
                            let Some(tampered) = tampered else { continue };
                            Bytes::from(tampered.to_bytes())
                        }
                        _ => payload,
                    };
                    self.note(kind, &payload);
                    let from = v(u16::try_from(me).expect("small")).peer();
                    for other in (0..6).filter(|other| *other != me) {
                        let wanted = to == Recipients::All
                            || to == Recipients::One(PeerId(u32::try_from(other).expect("small")));
                        if wanted {
                            self.wire.push_back((self.now.mono_us + HOP_US, other, from, kind, payload.clone()));
                        }
                    }
                }
            }
        }
        worked
    }

    fn step(&mut self) {
        while self.wire.front().is_some_and(|(at, ..)| *at <= self.now.mono_us) {
            let Some((_, to, from, kind, payload)) = self.wire.pop_front() else { break };
            if let Some(node) = &mut self.nodes[to] {
                assert!(node.receive_from(from, kind, payload), "the rings are large enough for six");
            }
        }
        while (0..6).fold(false, |worked, me| self.turn(me) | worked) {}
        let arrivals = self.wire.front().map(|(at, ..)| *at);
        let deadlines = self.nodes.iter().flatten().filter_map(|node| node.deadline);
        let next = arrivals.into_iter().chain(deadlines).min().expect("timers always run");
        let next = next.max(self.now.mono_us + 50);
        let wall = TimeMs(START.wall.0 + (next - START.mono_us) / 1000);
        self.now = Now { mono_us: next, wall };
    }

    fn run_to_height(&mut self, height: usize) {
        let before_us = self.now.mono_us;
        while self.nodes.iter().flatten().any(|node| node.ledger.chain.len() < height) {
            self.step();
            let heights: Vec<_> = self.nodes.iter().flatten().map(|node| node.ledger.chain.len()).collect();
            assert!(self.now.mono_us - before_us < 60_000_000, "a minute without height {height}: {heights:?}");
        }
    }

    /// S-AGREE.
    fn check(&self) {
        let mut finalized = BTreeMap::new();
        for node in self.nodes.iter().flatten() {
            for stored in &node.ledger.chain {
                let header = stored.block.header();
                let digest = *finalized.entry(header.height()).or_insert(header.digest());
                assert_eq!(digest, header.digest(), "S-AGREE at height {}", header.height());
            }
            assert!(node.ledger.chain.last().is_some_and(|last| last.finalization.is_some()));
        }
        assert!(finalized.contains_key(&Height(1)));
    }
}

#[test]
fn six_drivers_reach_finality_with_transactions_and_blame_nobody() {
    let mut cluster = Cluster::new(true);
    cluster.run_to_height(20);
    cluster.check();
    assert!(cluster.nullified.is_empty());
    assert_eq!(cluster.blames, 0);
    assert!(cluster.now.mono_us - START.mono_us < 1_000_000, "twenty blocks of a few hops each");
    let full =
        cluster.nodes[0].iter().flat_map(|node| &node.ledger.chain).filter(|b| !b.block.body().transactions.is_empty());
    assert!(full.count() >= 19);
}

#[test]
fn six_drivers_without_transactions_make_empty_blocks_at_their_pace() {
    let mut cluster = Cluster::new(false);
    cluster.run_to_height(10);
    cluster.check();
    assert!(cluster.nullified.is_empty());
    let took_us = cluster.now.mono_us - START.mono_us;
    assert!((450_000..1_000_000).contains(&took_us), "{took_us}");
}

#[test]
fn five_drivers_reach_finality_without_the_sixth() {
    for dead in [0, 1] {
        let mut cluster = Cluster::new(dead == 0);
        cluster.nodes[dead] = None;
        cluster.run_to_height(30);
        cluster.check();
        assert_eq!(cluster.blames, 0);
    }
}

#[test]
fn all_nodes_show_the_same_chain_and_every_vote() {
    let mut cluster = Cluster::new(true);
    cluster.nodes[3] = None;
    cluster.run_to_height(30);
    let mut nullified = 0;
    for node in cluster.nodes.iter().flatten() {
        let mut heights = Vec::new();
        for slot in node.shown.slots() {
            assert_eq!(slot.leader, node.fixture.leader(slot.view.0));
            assert!(!slot.votes.contains(v(3)) && !slot.nullify_votes.contains(v(3)), "it is dead: {slot:?}");
            match slot.status() {
                SlotStatus::Finalized => {
                    let (proposal, block) = (slot.proposal.expect("it is final"), slot.block.expect("it is final"));
                    let stored = node.ledger.chain.iter().find(|stored| stored.block.digest() == block);
                    let stored = stored.expect("shown as final without being stored");
                    assert_eq!(proposal.height, stored.block.header().height());
                    assert_eq!(proposal.tx_count, Some(stored.block.body().transactions.len() as u64));
                    assert!(slot.votes.len() >= 3 && slot.finality_us().is_some() && slot.own.is_some(), "{slot:?}");
                    heights.push(proposal.height.0);
                }
                SlotStatus::Nullified => {
                    nullified += 1;
                    assert_eq!(slot.leader, v(3));
                    assert!(slot.nullify_votes.len() >= 3, "{slot:?}");
                    assert!(matches!(slot.own, Some(OwnStatement::Timeout | OwnStatement::Skip)), "{slot:?}");
                }
                SlotStatus::InProgress | SlotStatus::Notarized => {
                    assert!(slot.view.plus(2) >= node.shown.newest(), "it came to nothing: {slot:?}");
                }
                SlotStatus::NullifiedLate => panic!("nobody moved on without the others: {slot:?}"),
            }
        }
        let stored = node.ledger.chain.len() as u64;
        assert_eq!(heights, (1..=stored).collect::<Vec<_>>(), "every stored block, in the order of the views");
    }
    assert!(nullified > 0, "validator 3 had its turns");
}

#[test]
fn a_sixth_that_comes_late_catches_up_and_takes_part() {
    let mut cluster = Cluster::new(true);
    cluster.nodes[2] = None;
    cluster.run_to_height(40);
    cluster.nodes[2] = Some(Bench::with(2, Vec::new(), super::bench::Ledger::default(), cluster.now, 4096));
    for other in (0..6).filter(|other| *other != 2) {
        let peer = PeerId(u32::try_from(other).expect("small"));
        cluster.nodes[2].as_mut().expect("just made").peer(PeerEvent::Up(peer));
        cluster.nodes[other].as_mut().expect("alive").peer(PeerEvent::Up(PeerId(2)));
    }
    cluster.run_to_height(90);
    cluster.check();
    let by_it =
        cluster.nodes[0].iter().flat_map(|node| &node.ledger.chain).any(|b| b.block.header().proposer() == v(2));
    assert!(by_it, "it leads again");
}

#[test]
fn one_that_comes_late_catches_up_although_one_peer_forges_and_another_is_silent() {
    let mut cluster = Cluster::new(true);
    cluster.nodes[2] = None;
    cluster.run_to_height(60);
    cluster.tamper.insert(0, |_| None);
    cluster.tamper.insert(1, |response| match response {
        Response::Blocks(mut blocks) => {
            for proof in blocks.iter_mut().filter_map(|served| served.finalization.as_mut()) {
                proof.signature = BlsSignature([7; 48]).into();
            }
            Some(Response::Blocks(blocks))
        }
        proofs @ Response::Proofs { .. } => Some(proofs),
    });
    cluster.nodes[2] = Some(Bench::with(2, Vec::new(), super::bench::Ledger::default(), cluster.now, 4096));
    for other in (0..6).filter(|other| *other != 2) {
        let peer = PeerId(u32::try_from(other).expect("small"));
        cluster.nodes[2].as_mut().expect("just made").peer(PeerEvent::Up(peer));
        cluster.nodes[other].as_mut().expect("alive").peer(PeerEvent::Up(PeerId(2)));
    }
    cluster.run_to_height(100);
    cluster.check();
}

#[test]
fn all_six_restart_from_their_journals_in_the_middle_of_a_view() {
    for steps in 0..24 {
        let mut cluster = Cluster::new(steps % 2 == 0);
        cluster.run_to_height(3);
        for _ in 0..steps {
            cluster.step();
        }
        let least = cluster.nodes.iter().flatten().map(|node| node.ledger.chain.len()).min().expect("six");
        cluster.restart_all();
        cluster.run_to_height(least + 6);
        cluster.check();
        assert_eq!(cluster.blames, 0, "after {steps} steps");
    }
}

#[test]
fn a_cluster_that_restarts_again_and_again_still_moves() {
    let mut cluster = Cluster::new(true);
    for round in 1..=15 {
        for _ in 0..(7 + round * 5) {
            cluster.step();
        }
        cluster.restart_all();
    }
    let least = cluster.nodes.iter().flatten().map(|node| node.ledger.chain.len()).max().expect("six");
    cluster.run_to_height(least + 5);
    cluster.check();
}
