//! What the rules cost: one step of a replica for each kind of input, and the steps of a whole view.
//!
//! Every step does what it is there for: what came of it is checked once before it is measured.

#[path = "../../core/benches/support/mod.rs"]
mod support;

#[allow(dead_code, reason = "shared with the tests of the rules, which use all of it")]
#[path = "../src/fixture.rs"]
mod fixture;

// The fixture names them as the library does.
use minuet_consensus::{header_rules, replica, verify};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use fixture::{Fixture, notarize, nullify, v};
use minuet_consensus::effect::Effect;
use minuet_consensus::input::{Input, Timer};
use minuet_core::bls::BlsSignature;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{B256, ValidatorIndex, View};
use replica::Replica;
use std::sync::Arc;
use support::of;
use verify::{Authenticated, Verified};

const COMMITTEES: [u16; 2] = [6, 50];
/// Leads neither view 1 nor view 2.
const ME: u16 = 0;
/// Blocks of a served range.
const RANGE: u64 = 32;
/// The rules check no signature: these only take their place.
const SIGNATURE: BlsSignature = BlsSignature([1; 48]);

/// A committee with the first blocks of its chain.
struct World {
    fixture: Fixture,
    n: u16,
    /// Of view 1, without transactions.
    first: Arc<BlockHeader>,
}

/// A replica, what it is given next, and whether that had its effect.
struct Case {
    name: &'static str,
    replica: Replica,
    input: Input,
    holds: fn(&Replica, &[Effect]) -> bool,
}

fn straight<T>(value: T, signer: ValidatorIndex) -> Authenticated<T> {
    Authenticated::from_peer(value, signer, signer.peer()).expect("straight from its signer")
}

fn signed(statement: Statement, signer: u16) -> SignedStatement {
    SignedStatement { statement, signer: v(signer), signature: SIGNATURE.into() }
}

fn step(replica: &mut Replica, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    replica.step(input, &mut effects);
    effects
}

fn casts(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Cast { .. }))
}

fn enters(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Enter { .. }))
}

fn commits(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Commit { .. }))
}

/// Statements that replica 0 holds of view 1, on its only proposal.
fn votes_held(replica: &Replica) -> usize {
    let state = &replica.views()[&View(1)];
    let digest = state.proposal.expect("view 1 has a proposal");
    state.tally.count(&notarize(1, digest))
}

impl World {
    fn new(n: u16) -> Self {
        let fixture = Fixture::new(n);
        let first = fixture.block(&fixture.genesis, 1, 0);
        Self { fixture, n, first }
    }

    fn fresh(&self, me: u16) -> Replica {
        let recovered = Replica::recover(self.fixture.config(Some(me)), self.fixture.tip(), Vec::new());
        recovered.expect("no records contradict each other").replica
    }

    fn started(&self, me: u16) -> Replica {
        let mut replica = self.fresh(me);
        step(&mut replica, Input::Start);
        replica
    }

    fn proposal(&self, header: &Arc<BlockHeader>) -> Input {
        Input::Proposal(straight(Arc::clone(header), header.proposer()))
    }

    fn vote(&self) -> Statement {
        notarize(1, self.first.digest())
    }

    fn statement(&self, signer: u16) -> Input {
        Input::Statement(straight(signed(self.vote(), signer), v(signer)))
    }

    fn own_vote(&self) -> Input {
        Input::Checked(Verified::own(signed(self.vote(), ME)))
    }

    /// Everything that a validator gets in view 1 before so many votes in all, its own included.
    fn voted(&self, votes: usize) -> Replica {
        let mut replica = self.started(ME);
        step(&mut replica, self.proposal(&self.first));
        step(&mut replica, self.own_vote());
        for signer in 1..u16::try_from(votes).expect("at most the committee") {
            step(&mut replica, self.statement(signer));
        }
        replica
    }

    fn certificate(&self, kind: CertificateKind, statement: Statement) -> Input {
        let n = usize::from(self.n);
        let signers = (0..kind.threshold(self.fixture.rules.committee.quorums())).map(|place| v(place as u16 + 1));
        Input::Certificate(Verified::own(Certificate::from_checked(kind, &statement, n, signers, SIGNATURE)))
    }

    /// A block of view 1 with transactions, which must be executed before it gets a vote.
    fn full_block(&self) -> Arc<BlockHeader> {
        let root = B256::repeat_byte(3);
        let parts = HeaderParts {
            state_root: root,
            transactions_root: root,
            receipts_root: root,
            gas_used: 21_000,
            ..self.first.parts()
        };
        Arc::new(BlockHeader::seal(&parts))
    }

    /// Blocks on genesis, one a view, and the finalization of the last.
    fn final_chain(&self) -> Input {
        let mut headers = Vec::new();
        let mut parent = Arc::clone(&self.fixture.genesis);
        for view in 1..=RANGE {
            parent = self.fixture.block(&parent, view, 0);
            headers.push(Arc::clone(&parent));
        }
        let statement = notarize(RANGE, parent.digest());
        let Input::Certificate(finalization) = self.certificate(CertificateKind::Finalization, statement) else {
            unreachable!("it makes certificates")
        };
        Input::FinalChain { headers, finalization: Some(finalization) }
    }

    fn notarized(&self) -> Input {
        self.certificate(CertificateKind::Notarization, self.vote())
    }

    fn finalized(&self) -> Input {
        self.certificate(CertificateKind::Finalization, self.vote())
    }

    fn timeouts_and_blocks(&self) -> Vec<Case> {
        let full = self.full_block();
        let mut with_full = self.started(ME);
        step(&mut with_full, self.proposal(&full));
        let case = |name, replica, input, holds| Case { name, replica, input, holds };
        vec![
            case("start", self.fresh(ME), Input::Start, |_, effects| enters(effects)),
            case("timeout_nullify", self.started(ME), Input::Timeout(Timer::Nullify(View(1))), |_, effects| {
                casts(effects)
            }),
            case("timeout_stuck", self.started(ME), Input::Timeout(Timer::Stuck(View(1))), |_, effects| {
                effects.contains(&Effect::Rebroadcast(View(1)))
            }),
            case("handed", self.started(ME), Input::Handed(View(1)), |_, effects| {
                matches!(effects, [Effect::SetTimer { .. }])
            }),
            case("proposal", self.started(ME), self.proposal(&self.first), |_, effects| casts(effects)),
            case("proposal_to_execute", self.started(ME), self.proposal(&full), |_, effects| {
                matches!(effects, [Effect::Judge(_)])
            }),
            case("judged", with_full, Input::Judged { digest: full.digest(), valid: true }, |_, effects| {
                casts(effects)
            }),
            case("header", self.started(ME), Input::Header(Arc::clone(&self.first)), |replica, effects| {
                effects.is_empty() && replica.tip().header.view() == View::GENESIS
            }),
            case("built", self.started(1), Input::Built { header: Arc::clone(&self.first) }, |_, effects| {
                matches!(effects, [Effect::Propose { .. }])
            }),
        ]
    }

    fn votes_and_proofs(&self) -> Vec<Case> {
        let quorums = self.fixture.rules.committee.quorums();
        let (m, l) = (quorums.m(), quorums.l());
        let mut notarized = self.voted(m);
        step(&mut notarized, self.notarized());
        let last = |count: usize| self.statement(u16::try_from(count).expect("at most the committee"));
        let mut proposed = self.started(ME);
        step(&mut proposed, self.proposal(&self.first));
        // All but the own one, the last of them forged.
        let verdicts = (1..m).map(|signer| (v(signer as u16), signer + 1 < m)).collect();
        let case = |name, replica, input, holds| Case { name, replica, input, holds };
        vec![
            case("statement", self.voted(1), last(1), |replica, effects| {
                effects.is_empty() && votes_held(replica) == 2
            }),
            case("statement_that_notarizes", self.voted(m - 1), last(m - 1), |replica, effects| {
                matches!(effects, [Effect::Check { .. }]) && votes_held(replica) == replica.quorums().m()
            }),
            case("statement_that_finalizes", self.voted(l - 1), last(l - 1), |replica, effects| {
                effects.iter().any(
                    |effect| matches!(effect, Effect::Check { kind, .. } if *kind == CertificateKind::Finalization),
                ) && votes_held(replica) == replica.quorums().l()
            }),
            case("checked", proposed, self.own_vote(), |replica, _| votes_held(replica) == 1),
            case("settled", self.voted(m), Input::Settled { statement: self.vote(), verdicts }, |replica, _| {
                votes_held(replica) == replica.quorums().m() - 1
            }),
            case("notarization", self.voted(m), self.notarized(), |replica, effects| {
                enters(effects) && replica.view() == View(2)
            }),
            case(
                "nullification",
                self.started(ME),
                self.certificate(CertificateKind::Nullification, nullify(1)),
                |_, effects| enters(effects),
            ),
            case("finalization", notarized, self.finalized(), |_, effects| commits(effects)),
            case("final_chain", self.started(ME), self.final_chain(), |replica, effects| {
                commits(effects) && replica.tip().header.view() == View(RANGE)
            }),
        ]
    }

    /// What a validator is given in a view without faults.
    fn inputs_of_a_view(&self) -> Vec<Input> {
        let l = self.fixture.rules.committee.quorums().l();
        let m = self.fixture.rules.committee.quorums().m();
        let mut inputs = vec![self.proposal(&self.first), self.own_vote()];
        inputs.extend((1..m as u16).map(|signer| self.statement(signer)));
        inputs.push(self.notarized());
        inputs.extend((m as u16..l as u16).map(|signer| self.statement(signer)));
        inputs.push(self.finalized());
        inputs
    }
}

fn bench_steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replica::step");
    for n in COMMITTEES {
        let world = World::new(n);
        for case in world.timeouts_and_blocks().into_iter().chain(world.votes_and_proofs()) {
            let Case { name, replica, input, holds } = case;
            let mut tried = replica.clone();
            let effects = step(&mut tried, input.clone());
            assert!(holds(&tried, &effects), "{name} with {n} validators: {effects:?}");
            group.bench_function(of(&[("input", &name), ("validators", &n)]), |bencher| {
                bencher.iter_batched(
                    || (replica.clone(), input.clone(), Vec::with_capacity(16)),
                    |(mut replica, input, mut effects)| {
                        replica.step(input, &mut effects);
                        (replica, effects)
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
}

fn bench_views(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replica::view");
    for n in COMMITTEES {
        let world = World::new(n);
        let (started, inputs) = (world.started(ME), world.inputs_of_a_view());
        let run = |mut replica: Replica, inputs: Vec<Input>| {
            let mut effects = Vec::with_capacity(64);
            inputs.into_iter().for_each(|input| replica.step(input, &mut effects));
            (replica, effects)
        };
        let (replica, effects) = run(started.clone(), inputs.clone());
        assert!(replica.view() == View(2) && commits(&effects), "{effects:?}");
        group.bench_function(of(&[("validators", &n)]), |bencher| {
            bencher.iter_batched(
                || (started.clone(), inputs.clone()),
                |(replica, inputs)| run(replica, inputs),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = bench_steps, bench_views
}
criterion_main!(benches);
