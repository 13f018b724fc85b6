//! Replicas that exchange inputs and effects directly; signatures are stand-ins that only the harness judges.

use crate::effect::{Effect, Event, Ground, Halt};
use crate::fixture::{Fixture, v};
use crate::input::{Input, Timer};
use crate::record::{Own, Record};
use crate::replica::{Replica, Tip};
use crate::verify::{Authenticated, Verified};
use crate::wire::Proposal;
use minuet_core::bls::BlsSignature;
use minuet_core::certificate::Certificate;
use minuet_core::header::BlockHeader;
use minuet_core::scheme::StatementSignature;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{Digest, Height, ValidatorIndex, View};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub const FORGED: StatementSignature = StatementSignature::Bls(BlsSignature([0xff; 48]));

pub fn signed(statement: Statement, signer: u16) -> SignedStatement {
    let byte = u8::try_from(signer).expect("few validators");
    SignedStatement { statement, signer: v(signer), signature: BlsSignature([byte; 48]).into() }
}

pub fn forged(statement: Statement, signer: u16) -> SignedStatement {
    SignedStatement { signature: FORGED, ..signed(statement, signer) }
}

pub fn straight<T>(value: T, signer: ValidatorIndex) -> Authenticated<T> {
    Authenticated::from_peer(value, signer, signer.peer()).expect("its own connection")
}

/// What travels between replicas.
#[derive(Clone, Debug)]
pub enum Message {
    Statement(SignedStatement),
    Proposal(Arc<BlockHeader>, Vec<Certificate>),
    Certificate(Certificate),
    Header(Arc<BlockHeader>),
    WantProof(View),
    WantBlock(Digest),
}

#[derive(Clone, Debug)]
pub struct Envelope {
    pub from: u16,
    pub to: u16,
    pub message: Message,
}

/// One replica with what a driver would keep for it.
pub struct Node {
    pub replica: Replica,
    pub records: Vec<Record>,
    pub stored: Tip,
    pub chain: Vec<Digest>,
    pub timers: BTreeMap<Timer, u64>,
    pub events: Vec<Event>,
    pub builds: Vec<(View, Digest, bool, u64)>,
    pub halt: Option<Halt>,
    pub dead: bool,
    asked: BTreeSet<(View, Digest)>,
}

/// Honest replicas, the messages between them, and everything that any honest key ever said.
pub struct Net {
    pub fixture: Fixture,
    pub nodes: Vec<Node>,
    pub queue: VecDeque<Envelope>,
    pub headers: BTreeMap<Digest, Arc<BlockHeader>>,
    pub finalized: BTreeMap<Height, Digest>,
    pub votes: BTreeMap<(u16, View), Digest>,
    pub nullified: BTreeSet<(u16, View)>,
    proposals: BTreeMap<(u16, View), Digest>,
    inputs: VecDeque<(u16, Input)>,
    feeding: bool,
}

impl Net {
    pub fn new(n: u16) -> Self {
        let fixture = Fixture::new(n);
        let nodes = (0..n).map(|me| Node::recover(&fixture, me, fixture.tip(), Vec::new())).collect();
        let headers = BTreeMap::from([(fixture.genesis.digest(), fixture.genesis.clone())]);
        Self {
            fixture,
            nodes,
            queue: VecDeque::new(),
            headers,
            finalized: BTreeMap::new(),
            votes: BTreeMap::new(),
            nullified: BTreeSet::new(),
            proposals: BTreeMap::new(),
            inputs: VecDeque::new(),
            feeding: false,
        }
    }

    pub fn start(&mut self) {
        for me in 0..self.n() {
            self.feed(me, Input::Start);
        }
    }

    pub fn n(&self) -> u16 {
        u16::try_from(self.nodes.len()).expect("few validators")
    }

    pub fn node(&self, me: u16) -> &Node {
        &self.nodes[usize::from(me)]
    }

    /// A replica that forgot everything but its records and its stored chain.
    pub fn restart(&mut self, me: u16) {
        let node = &mut self.nodes[usize::from(me)];
        let records = node.records.iter().map(|record| Record::from_journal(&record.to_journal()).expect("own form"));
        let fresh = Node::recover(&self.fixture, me, node.stored.clone(), records.collect());
        let (chain, before) = (std::mem::take(&mut node.chain), node.replica.view());
        assert!(fresh.replica.view() <= before.next(), "a restart invents no views");
        *node = Node { chain, ..fresh };
        self.feed(me, Input::Start);
        self.repeat(me);
    }

    /// As the driver does: the effects of one input are carried out before the next input.
    pub fn feed(&mut self, me: u16, input: Input) {
        self.inputs.push_back((me, input));
        if std::mem::replace(&mut self.feeding, true) {
            return;
        }
        while let Some((me, input)) = self.inputs.pop_front() {
            if self.node(me).dead || self.node(me).halt.is_some() {
                continue;
            }
            let mut effects = Vec::new();
            self.nodes[usize::from(me)].replica.step(input, &mut effects);
            for effect in effects {
                self.perform(me, effect);
            }
        }
        self.feeding = false;
    }

    fn send(&mut self, from: u16, message: &Message) {
        for to in (0..self.n()).filter(|to| *to != from) {
            self.queue.push_back(Envelope { from, to, message: message.clone() });
        }
    }

    fn perform(&mut self, me: u16, effect: Effect) {
        let node = &mut self.nodes[usize::from(me)];
        match effect {
            Effect::Cast { statement, ground } => self.cast(me, statement, &ground),
            Effect::Propose { header, parent_proof, gap } => self.propose(me, header, parent_proof, gap),
            Effect::Share(certificate) => self.send(me, &Message::Certificate((*certificate).clone())),
            Effect::SetTimer { timer, after_us } => {
                node.timers.insert(timer, after_us);
            }
            Effect::Build { view, parent, only_empty, empty_after_us } => {
                node.builds.push((view, parent, only_empty, empty_after_us));
                let parent = self.headers[&parent].clone();
                let header = self.fixture.block(&parent, view.0, 1000 * view.0);
                self.feed(me, Input::Built { header });
            }
            Effect::Check { kind, statement } => {
                let Some(state) = node.replica.views().get(&statement.view()) else { return };
                let signatures = state.tally.signatures(&statement);
                if signatures.len() < kind.threshold(node.replica.quorums()) {
                    return;
                }
                if signatures.iter().any(|(_, signature)| *signature == FORGED) {
                    return self.settle(me, statement, &signatures);
                }
                let signers = signatures.iter().map(|(signer, _)| *signer);
                let n = self.nodes.len();
                let joined = Certificate::from_checked(kind, &statement, n, signers, BlsSignature([1; 48]));
                self.feed(me, Input::Certificate(Verified::own(joined)));
            }
            Effect::CheckEach(statements) => {
                for statement in statements {
                    let Some(state) = self.node(me).replica.views().get(&statement.view()) else { continue };
                    let open = state.tally.unverified(&statement);
                    self.settle(me, statement, &open);
                }
            }
            Effect::CheckConflicts(pairs) => {
                for signed in pairs.into_iter().flatten() {
                    self.settle(me, signed.statement, &[(signed.signer, signed.signature)]);
                }
            }
            Effect::Commit { blocks, finalization } => self.commit(me, &blocks, finalization),
            Effect::FetchProof(view) => self.ask(me, view, Digest::ZERO, &Message::WantProof(view)),
            Effect::FetchBlock { digest, .. } => self.ask(me, View::GENESIS, digest, &Message::WantBlock(digest)),
            Effect::Rebroadcast(_) => self.repeat(me),
            Effect::Report(event) => node.events.push(event),
            Effect::Halt(halt) => node.halt = Some(halt),
            Effect::Enter { view, .. } => {
                node.timers.retain(|timer, _| matches!(timer, Timer::Nullify(of) | Timer::Stuck(of) if *of >= view));
            }
            Effect::Judge(digest) => panic!("empty blocks need no execution: {digest}"),
        }
    }

    fn settle(&mut self, me: u16, statement: Statement, signatures: &[(ValidatorIndex, StatementSignature)]) {
        let verdicts = signatures.iter().map(|(signer, signature)| (*signer, *signature != FORGED)).collect();
        self.feed(me, Input::Settled { statement, verdicts });
    }

    fn ask(&mut self, me: u16, view: View, digest: Digest, message: &Message) {
        if self.nodes[usize::from(me)].asked.insert((view, digest)) {
            self.send(me, message);
        }
    }

    /// S-ONE-VOTE and S-NO-VOTE-AFTER-NULL over everything that this key ever said, restarts included.
    fn note(&mut self, me: u16, statement: Statement) {
        let key = (me, statement.view());
        match statement.digest() {
            Some(digest) => {
                let said = *self.votes.entry(key).or_insert(digest);
                assert_eq!(said, digest, "S-ONE-VOTE: {me} in {}", key.1);
                assert!(!self.nullified.contains(&key), "S-NO-VOTE-AFTER-NULL: {me} in {}", key.1);
            }
            None => {
                self.nullified.insert(key);
            }
        }
    }

    fn cast(&mut self, me: u16, statement: Statement, ground: &Ground) {
        let node = &mut self.nodes[usize::from(me)];
        match ground {
            Ground::Block => {
                let header = self.headers[&statement.digest().expect("a vote")].clone();
                node.journal_block(header);
            }
            Ground::Certificate(certificate) => node.records.push(Record::Certificate(certificate.clone())),
            Ground::Nullify => {}
        }
        node.journal_entry();
        let own = statement.digest().map_or(Own::Nullify, Own::Notarize);
        let is_past = node.replica.is_halted() || statement.view() <= node.replica.tip().header.view();
        assert!(is_past || node.replica.has_decided(statement.view(), own), "the driver would not sign it");
        node.records.push(Record::Own { view: statement.view(), own });
        self.note(me, statement);
        self.send(me, &Message::Statement(signed(statement, me)));
        self.feed(me, Input::Checked(Verified::own(signed(statement, me))));
    }

    fn propose(
        &mut self,
        me: u16,
        header: Arc<BlockHeader>,
        parent_proof: Option<Arc<Certificate>>,
        gap: Vec<Arc<Certificate>>,
    ) {
        let (view, digest) = (header.view(), header.digest());
        let said = *self.proposals.entry((me, view)).or_insert(digest);
        assert_eq!(said, digest, "S-ONE-PROPOSAL: {me} in {view}");
        let statement = Statement::Notarize { view, digest };
        self.note(me, statement);
        self.headers.insert(digest, header.clone());
        let node = &mut self.nodes[usize::from(me)];
        node.journal_block(header.clone());
        node.journal_entry();
        node.records.push(Record::Own { view, own: Own::Propose(digest) });
        node.records.push(Record::Own { view, own: Own::Notarize(digest) });
        let proofs = parent_proof.into_iter().chain(gap).map(|proof| (*proof).clone()).collect();
        self.send(me, &Message::Proposal(header, proofs));
        self.feed(me, Input::Checked(Verified::own(signed(statement, me))));
    }

    /// S-AGREE, S-CHAIN.
    fn commit(&mut self, me: u16, blocks: &[Digest], finalization: Arc<Certificate>) {
        for digest in blocks {
            let header = self.headers[digest].clone();
            let node = &mut self.nodes[usize::from(me)];
            assert_eq!(header.parent(), node.stored.header.digest(), "S-CHAIN");
            let final_here = *self.finalized.entry(header.height()).or_insert(*digest);
            assert_eq!(final_here, *digest, "S-AGREE at height {}", header.height());
            node.stored = Tip { header, finalization: None };
            node.chain.push(*digest);
        }
        self.nodes[usize::from(me)].stored.finalization = Some(finalization);
    }

    /// R10.
    fn repeat(&mut self, me: u16) {
        let node = &mut self.nodes[usize::from(me)];
        node.asked.clear();
        let replica = &node.replica;
        let mut messages = Vec::new();
        let proofs = replica.tip().finalization.iter().chain(replica.entry_proof());
        messages.extend(proofs.map(|proof| Message::Certificate((**proof).clone())));
        for view in replica.views().keys() {
            messages.extend(node.own_statements(*view, me));
        }
        if let Some(digest) = replica.views().get(&replica.view()).and_then(|state| state.own_proposed) {
            let header = self.headers[&digest].clone();
            let (parent_proof, gap) = replica.held_proofs(&header);
            let proofs = parent_proof.into_iter().chain(gap).map(|proof| (*proof).clone()).collect();
            messages.push(Message::Proposal(header, proofs));
        }
        for message in messages {
            self.send(me, &message);
        }
    }

    pub fn deliver(&mut self, Envelope { from, to, message }: Envelope) {
        if self.node(to).dead {
            return;
        }
        match message {
            Message::Statement(signed) => self.feed(to, Input::Statement(straight(signed, v(from)))),
            Message::Proposal(header, proofs) => {
                for proof in proofs {
                    self.certificate(to, proof);
                }
                let vote = Statement::Notarize { view: header.view(), digest: header.digest() };
                self.feed(to, Input::Proposal(straight(header, v(from))));
                self.feed(to, Input::Statement(straight(signed(vote, from), v(from))));
            }
            Message::Certificate(certificate) => self.certificate(to, certificate),
            Message::Header(header) => self.feed(to, Input::Header(header)),
            Message::WantProof(view) => self.answer_proof(to, from, view),
            Message::WantBlock(digest) => {
                let header = self.headers.get(&digest).cloned();
                let known = header.filter(|_| self.node(to).knows(&digest));
                self.queue.extend(known.map(|header| Envelope {
                    from: to,
                    to: from,
                    message: Message::Header(header),
                }));
            }
        }
    }

    fn certificate(&mut self, to: u16, certificate: Certificate) {
        self.feed(to, Input::Certificate(Verified::own(certificate)));
    }

    fn answer_proof(&mut self, me: u16, to: u16, view: View) {
        let node = self.node(me);
        let tip = node.replica.tip();
        let messages: Vec<Message> = if view <= tip.header.view() {
            tip.finalization.iter().map(|proof| Message::Certificate((**proof).clone())).collect()
        } else {
            let state = node.replica.views().get(&view);
            let proofs = state.into_iter().flat_map(|state| state.notarizations.values().chain(&state.nullification));
            let held: Vec<_> = proofs.map(|proof| Message::Certificate((**proof).clone())).collect();
            if held.is_empty() { node.own_statements(view, me) } else { held }
        };
        self.queue.extend(messages.into_iter().map(|message| Envelope { from: me, to, message }));
    }

    /// Delivers everything in order of sending.
    pub fn run(&mut self) {
        for _ in 0..200_000 {
            let Some(envelope) = self.queue.pop_front() else { return };
            self.deliver(envelope);
        }
        panic!("the replicas never come to rest");
    }

    /// Like [`Self::run`], until every living replica is in this view or above; blocks are made for ever otherwise.
    pub fn run_to_view(&mut self, view: u64) {
        for _ in 0..200_000 {
            if self.nodes.iter().all(|node| node.dead || node.replica.view() >= View(view)) {
                return;
            }
            let Some(envelope) = self.queue.pop_front() else { return };
            self.deliver(envelope);
        }
        panic!("the replicas never come to rest");
    }

    pub fn fire(&mut self, me: u16, timer: Timer) {
        self.nodes[usize::from(me)].timers.remove(&timer);
        self.feed(me, Input::Timeout(timer));
    }

    /// The timeout of everybody's current view.
    pub fn time_out(&mut self) {
        for me in 0..self.n() {
            let view = self.node(me).replica.view();
            self.fire(me, Timer::Nullify(view));
        }
    }

    /// Everybody says everything again.
    pub fn unstick(&mut self) {
        for me in 0..self.n() {
            let view = self.node(me).replica.view();
            self.fire(me, Timer::Stuck(view));
        }
    }
}

impl Node {
    pub fn recover(fixture: &Fixture, me: u16, stored: Tip, records: Vec<Record>) -> Self {
        let recovered = Replica::recover(fixture.config(Some(me)), stored.clone(), records.clone());
        Self {
            replica: recovered.expect("own records").replica,
            records,
            stored,
            chain: Vec::new(),
            timers: BTreeMap::new(),
            events: Vec::new(),
            builds: Vec::new(),
            halt: None,
            dead: false,
            asked: BTreeSet::new(),
        }
    }

    fn knows(&self, digest: &Digest) -> bool {
        self.replica.header(digest).is_some() || self.chain.contains(digest)
    }

    fn journal_block(&mut self, header: Arc<BlockHeader>) {
        let (parent_proof, gap) = self.replica.held_proofs(&header);
        let gap = gap.into_iter().take(crate::wire::MAX_GAP_PROOFS).map(|proof| (*proof).clone()).collect();
        let parent_proof = parent_proof.map(|proof| (*proof).clone());
        let proposal = Proposal { header, parent_proof, gap, signature: BlsSignature([0; 48]).into() };
        self.records.push(Record::Block { proposal, body: Arc::default() });
    }

    fn journal_entry(&mut self) {
        self.records.extend(self.replica.entry_proof().map(|proof| Record::Certificate(proof.clone())));
    }

    fn own_statements(&self, view: View, me: u16) -> Vec<Message> {
        let Some(state) = self.replica.views().get(&view) else { return Vec::new() };
        let notarized = state.own_notarized.map(|digest| Statement::Notarize { view, digest });
        let nullified = state.own_nullified.then_some(Statement::Nullify { view });
        notarized.into_iter().chain(nullified).map(|statement| Message::Statement(signed(statement, me))).collect()
    }
}
