//! Minimmit by the production rules: one [`Replica`] for each validator on the network, with the work of its driver done
//! here. Signatures are stand-ins; nobody lies, so every check would succeed and only its time is counted.
//!
//! Left out, because nothing is ever lost here: fetching, saying things again, the journal's content. Like the driver, it
//! sends headers ahead of bodies, signs nothing before it is durable, takes a certificate that it holds for nothing, and
//! proposes an empty block if the parent is not executed in time.

mod blocks;

use super::links::Links;
use super::sizes;
use super::trace::{NEVER, Trace, ViewTrace};
use super::world::{Delivery, Lane, Physics, World};
use minuet_consensus::effect::Effect;
use minuet_consensus::header_rules::ChainRules;
use minuet_consensus::input::{Input, Timer};
use minuet_consensus::replica::{Replica, ReplicaConfig, Timing, Tip};
use minuet_consensus::verify::{Authenticated, Verified};
use minuet_consensus::wire::Proposal;
use minuet_core::bls::{BlsSecretKey, BlsSignature};
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::committee::{Committee, Validator};
use minuet_core::ed25519::Ed25519PublicKey;
use minuet_core::fees::FeeRules;
use minuet_core::header::BlockHeader;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{Address, B256, Digest, TimeMs, ValidatorIndex, View};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Δ at most, as a node has it by default.
const DELTA_MAX_US: u64 = 2_000_000;
/// Virtual time after which a chain that has not got there never will.
const GIVE_UP_NS: u64 = 3_600_000_000_000;

/// What reaches a validator: from others, or from itself later.
#[derive(Clone)]
pub enum Message {
    /// A header with its proofs; also the leader's vote.
    Proposal(Arc<Proposal>),
    /// The transactions of a block.
    Body(Digest),
    /// A vote, or a vote to leave a view.
    Statement(SignedStatement),
    /// A quorum's proof.
    Certificate(Arc<Certificate>),
    /// The own statement is durable.
    Say(Statement),
    /// The own block is durable.
    SayProposal(Arc<Proposal>),
    /// The ledger is done with somebody's block.
    Executed(Digest),
    /// The ledger is done with the own block on this parent.
    Sealed(View, Digest),
    /// The parent was not executed in time.
    Empty(View, Digest),
    /// A timer that was set for this moment.
    Timer(Timer, u64),
}

/// How the chain runs.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Bytes of transactions in a block.
    pub block_bytes: usize,
    /// Δ at its base.
    pub delta_us: u64,
    /// Draws nothing; makes headers of different runs differ.
    pub seed: u64,
}

struct Node {
    replica: Replica,
    timers: BTreeMap<Timer, u64>,
    bodies: BTreeSet<Digest>,
    executed: BTreeSet<Digest>,
    /// The ledger's thread is busy until then.
    ledger_free: u64,
    /// The block to make once its parent is executed.
    building: Option<(View, Digest)>,
}

/// Production replicas on the network.
pub struct Production {
    world: World<Message>,
    setup: Setup,
    rules: ChainRules,
    nodes: Vec<Node>,
    headers: BTreeMap<Digest, Arc<BlockHeader>>,
    /// One view at a time: the next proposal waits until nothing is under way, and certificates are not sent on.
    alone: bool,
    held: Option<(usize, View, Digest)>,
    inputs: VecDeque<(usize, Input)>,
    is_feeding: bool,
    /// By view, from view 1 on.
    views: Vec<ViewTrace>,
    nullified: u64,
}

/// What a run of replicas left behind.
pub struct Run {
    /// The views.
    pub trace: Trace,
    /// Views that validators left without a block.
    pub nullified: u64,
    /// The links, for what comes after.
    pub links: Links,
}

/// One view for each validator as its leader, one after the other, `passes` times.
pub fn alone(links: Links, physics: Physics, setup: Setup, passes: usize) -> Run {
    let views = links.n() * passes;
    Production::new(links, physics, setup, true).run(views)
}

/// Views of which each begins with the one before.
pub fn steady(links: Links, physics: Physics, setup: Setup, views: usize) -> Run {
    Production::new(links, physics, setup, false).run(views)
}

/// Distinct keys that sign nothing.
fn committee(n: usize) -> Committee {
    let validator = |place: usize| {
        let mut material = [1; 32];
        material[..8].copy_from_slice(&(place as u64 + 1).to_be_bytes());
        Validator {
            bls_key: BlsSecretKey::from_ikm(&material).public_key(),
            network_key: Ed25519PublicKey(material),
            fee_recipient: Address::left_padding_from(&material[..8]),
        }
    };
    Committee::new((0..n).map(validator).collect()).expect("distinct keys of a committee whose size was checked")
}

impl Production {
    fn new(links: Links, physics: Physics, setup: Setup, alone: bool) -> Self {
        let n = links.n();
        let fees = FeeRules::default();
        let rules = ChainRules { committee: Arc::new(committee(n)), fees };
        let root = B256::repeat_byte(9);
        let name = B256::left_padding_from(&setup.seed.to_be_bytes());
        let genesis = BlockHeader::genesis(name, root, TimeMs(0), fees.block_gas_limit, fees.initial_base_fee);
        let genesis = Arc::new(genesis);
        let node = |me: u16| {
            let timing = Timing { empty_block_delay_us: 0, delta_base_us: setup.delta_us, delta_max_us: DELTA_MAX_US };
            let config = ReplicaConfig { me: Some(ValidatorIndex(me)), rules: rules.clone(), timing };
            let tip = Tip { header: genesis.clone(), finalization: None };
            Node {
                replica: Replica::recover(config, tip, Vec::new()).expect("no records contradict each other").replica,
                timers: BTreeMap::new(),
                bodies: BTreeSet::new(),
                executed: BTreeSet::from([genesis.digest()]),
                ledger_free: 0,
                building: None,
            }
        };
        let nodes = (0..n).map(|me| node(u16::try_from(me).expect("a committee's size"))).collect();
        let headers = BTreeMap::from([(genesis.digest(), genesis.clone())]);
        Self {
            world: World::new(links, physics),
            setup,
            rules,
            nodes,
            headers,
            alone,
            held: None,
            inputs: VecDeque::new(),
            is_feeding: false,
            views: Vec::new(),
            nullified: 0,
        }
    }

    /// Until everybody has seen so many views final.
    fn run(mut self, views: usize) -> Run {
        for me in 0..self.nodes.len() {
            self.feed(me, Input::Start);
        }
        loop {
            while let Some(delivery) = self.world.next() {
                self.deliver(delivery);
                if self.has_reached(views) {
                    return self.finish(views);
                }
            }
            match self.held.take() {
                Some((me, view, parent)) if view.0 <= views as u64 => self.build(me, view, parent),
                _ => return self.finish(views),
            }
        }
    }

    /// Whether a chain is done: everybody has a final block from there on. A view alone ends when nothing is under way.
    fn has_reached(&self, views: usize) -> bool {
        let reached = |node: &Node| node.replica.tip().header.view().0 >= views as u64;
        !self.alone && (self.nodes.iter().all(reached) || self.world.now() > GIVE_UP_NS)
    }

    fn finish(mut self, views: usize) -> Run {
        self.views.truncate(views);
        let trace = Trace { views: self.views, traffic: self.world.traffic() };
        Run { trace, nullified: self.nullified, links: self.world.links().clone() }
    }

    fn view_mut(&mut self, view: View) -> &mut ViewTrace {
        let (n, place) = (self.nodes.len(), view.0.saturating_sub(1) as usize);
        while self.views.len() <= place {
            let leader = self.rules.committee.leader(View(self.views.len() as u64 + 1));
            self.views.push(ViewTrace::new(n, leader.as_usize()));
        }
        &mut self.views[place]
    }

    fn feed(&mut self, me: usize, input: Input) {
        self.inputs.push_back((me, input));
        if std::mem::replace(&mut self.is_feeding, true) {
            return;
        }
        // Effects of one input are carried out before the next, as the driver does.
        let mut effects = Vec::new();
        while let Some((me, input)) = self.inputs.pop_front() {
            self.nodes[me].replica.step(input, &mut effects);
            for effect in effects.drain(..) {
                self.perform(me, effect);
            }
        }
        self.is_feeding = false;
    }

    fn deliver(&mut self, delivery: Delivery<Message>) {
        let Delivery { to: me, from, message } = delivery;
        let costs = self.world.costs();
        if from != me {
            self.world.spend(costs.message_ns);
        }
        match message {
            Message::Proposal(proposal) => self.on_proposal(me, from, &proposal),
            Message::Body(digest) => {
                self.nodes[me].bodies.insert(digest);
                self.execute(me, digest);
            }
            Message::Statement(signed) => {
                let straight = self.straight(signed, from);
                self.feed(me, Input::Statement(straight));
            }
            Message::Certificate(certificate) => self.on_certificate(me, &certificate),
            Message::Say(statement) => {
                let signed = self.sign(me, statement);
                let payload = signed.to_bytes().len();
                self.world.send_all(me, &Message::Statement(signed), payload, Lane::Urgent);
                self.feed(me, Input::Checked(Verified::own(signed)));
            }
            Message::SayProposal(proposal) => self.say_proposal(me, &proposal),
            Message::Executed(digest) => self.on_executed(me, digest),
            Message::Sealed(view, parent) => self.seal(me, view, parent, false),
            Message::Empty(view, parent) => {
                if self.nodes[me].building.take_if(|building| *building == (view, parent)).is_some() {
                    self.seal(me, view, parent, true);
                }
            }
            Message::Timer(timer, at) => {
                if self.nodes[me].timers.get(&timer) == Some(&at) {
                    self.nodes[me].timers.remove(&timer);
                    self.feed(me, Input::Timeout(timer));
                }
            }
        }
    }

    fn straight<T>(&self, value: T, from: usize) -> Authenticated<T> {
        let signer = ValidatorIndex(u16::try_from(from).expect("a committee's size"));
        Authenticated::from_peer(value, signer, signer.peer()).expect("straight from its signer")
    }

    fn sign(&mut self, me: usize, statement: Statement) -> SignedStatement {
        self.world.spend(self.world.costs().sign_ns);
        let signer = ValidatorIndex(u16::try_from(me).expect("a committee's size"));
        SignedStatement { statement, signer, signature: BlsSignature([1; 48]).into() }
    }

    fn on_proposal(&mut self, me: usize, from: usize, proposal: &Proposal) {
        for proof in proposal.parent_proof.iter().chain(&proposal.gap) {
            self.on_certificate(me, proof);
        }
        let header = &proposal.header;
        let statement = Statement::Notarize { view: header.view(), digest: header.digest() };
        let signer = ValidatorIndex(u16::try_from(from).expect("a committee's size"));
        let vote = SignedStatement { statement, signer, signature: proposal.signature };
        let straight = self.straight(header.clone(), from);
        self.feed(me, Input::Proposal(straight));
        let straight = self.straight(vote, from);
        self.feed(me, Input::Statement(straight));
    }

    /// What says nothing new costs no check (B-OLD).
    fn on_certificate(&mut self, me: usize, certificate: &Certificate) {
        let replica = &self.nodes[me].replica;
        let is_old = certificate.view <= replica.tip().header.view();
        if !is_old && !replica.holds(certificate) {
            self.world.spend(self.world.costs().verify_ns);
            self.feed(me, Input::Certificate(Verified::own(certificate.clone())));
        }
    }

    fn say_proposal(&mut self, me: usize, proposal: &Arc<Proposal>) {
        let header = &proposal.header;
        let statement = Statement::Notarize { view: header.view(), digest: header.digest() };
        let signed = self.sign(me, statement);
        let payload = proposal.to_bytes().len();
        self.world.send_all(me, &Message::Proposal(proposal.clone()), payload, Lane::Urgent);
        if !header.is_empty_block() {
            let payload = sizes::body_bytes(self.setup.block_bytes);
            self.world.send_all(me, &Message::Body(header.digest()), payload, Lane::Body);
        }
        self.feed(me, Input::Checked(Verified::own(signed)));
    }

    fn perform(&mut self, me: usize, effect: Effect) {
        let sync_ns = self.world.costs().sync_ns;
        match effect {
            Effect::Cast { statement, .. } => self.world.after(me, sync_ns, Message::Say(statement)),
            Effect::Propose { header, parent_proof, gap } => {
                let proposal = Proposal {
                    header,
                    parent_proof: parent_proof.map(|proof| (*proof).clone()),
                    gap: gap.iter().map(|proof| (**proof).clone()).collect(),
                    signature: BlsSignature([1; 48]).into(),
                };
                self.world.after(me, sync_ns, Message::SayProposal(Arc::new(proposal)));
            }
            Effect::Share(certificate) if !self.alone => {
                let payload = certificate.to_bytes().len();
                self.world.send_all(me, &Message::Certificate(certificate), payload, Lane::Urgent);
            }
            Effect::SetTimer { timer, after_us } if !self.alone => self.set_timer(me, timer, after_us),
            Effect::Enter { view, .. } => self.on_enter(me, view),
            Effect::Build { view, parent, .. } if self.alone => self.held = Some((me, view, parent)),
            Effect::Build { view, parent, .. } => self.build(me, view, parent),
            Effect::Judge(digest) if self.nodes[me].executed.contains(&digest) => {
                self.feed(me, Input::Judged { digest, valid: true });
            }
            Effect::Judge(digest) => self.execute(me, digest),
            Effect::Check { kind, statement } => self.check(me, kind, statement),
            Effect::CheckEach(statements) => statements.into_iter().for_each(|said| self.check_each(me, said)),
            Effect::Commit { blocks, .. } => self.on_commit(me, &blocks),
            Effect::Halt(halt) => panic!("honest validators never contradict each other: {halt:?}"),
            // Nothing is lost: what is missing is on its way.
            Effect::FetchProof(_) | Effect::FetchBlock { .. } | Effect::Rebroadcast(_) => {}
            Effect::Share(_) | Effect::SetTimer { .. } | Effect::CheckConflicts(_) | Effect::Report(_) => {}
        }
    }

    /// The earlier of two with the same name counts, except that the stuck timer starts anew.
    fn set_timer(&mut self, me: usize, timer: Timer, after_us: u64) {
        let delay_ns = after_us.saturating_mul(1_000);
        let at = self.world.now() + delay_ns;
        let held = self.nodes[me].timers.get(&timer).copied();
        if matches!(timer, Timer::Stuck(_)) || held.is_none_or(|held| at < held) {
            self.nodes[me].timers.insert(timer, at);
            self.world.after(me, delay_ns, Message::Timer(timer, at));
        }
    }

    fn on_enter(&mut self, me: usize, view: View) {
        let now = self.world.now();
        self.view_mut(view);
        let node = &mut self.nodes[me];
        node.building = None;
        node.timers.retain(|timer, _| matches!(timer, Timer::Nullify(of) | Timer::Stuck(of) if *of >= view));
        let left = view.0.saturating_sub(1) as usize;
        for earlier in self.views[..left].iter_mut().rev().take_while(|earlier| earlier.progressed[me] == NEVER) {
            earlier.progressed[me] = now;
        }
        let states = self.nodes[me].replica.views();
        let without_block = states.get(&view.previous()).is_some_and(|state| !state.has_notarization());
        // Counted once: by the next leader, who must know.
        if without_block && view > View::FIRST && self.rules.committee.leader(view).as_usize() == me {
            self.nullified += 1;
        }
    }

    fn on_commit(&mut self, me: usize, blocks: &[Digest]) {
        let now = self.world.now();
        for digest in blocks {
            let view = self.headers[digest].view();
            self.view_mut(view).finalized[me] = now;
        }
    }

    fn check(&mut self, me: usize, kind: CertificateKind, statement: Statement) {
        let replica = &self.nodes[me].replica;
        let Some(state) = replica.views().get(&statement.view()) else { return };
        let signers: Vec<_> = state.tally.signatures(&statement).into_iter().map(|(signer, _)| signer).collect();
        if signers.len() < kind.threshold(replica.quorums()) {
            return;
        }
        self.world.spend(self.world.costs().gather_ns(signers.len()));
        let (n, aggregate) = (self.nodes.len(), BlsSignature([1; 48]));
        let joined = Certificate::from_checked(kind, &statement, n, signers.into_iter(), aggregate);
        self.feed(me, Input::Certificate(Verified::own(joined)));
    }

    fn check_each(&mut self, me: usize, statement: Statement) {
        let Some(state) = self.nodes[me].replica.views().get(&statement.view()) else { return };
        let verdicts: Vec<_> =
            state.tally.unverified(&statement).into_iter().map(|(signer, _)| (signer, true)).collect();
        self.world.spend(self.world.costs().verify_ns * verdicts.len() as u64);
        self.feed(me, Input::Settled { statement, verdicts });
    }
}
