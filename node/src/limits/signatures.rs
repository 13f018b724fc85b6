//! What signatures cost: of transactions, and of votes by both schemes. The production code on the calling thread.

use super::clock::cost_us;
use super::effort::Effort;
use super::workload::{Workload, bls_secret, network_secret};
use minuet_core::committee::{Quorums, Validator};
use minuet_core::ed25519;
use minuet_core::scheme::{Signed, StatementKey, StatementScheme};
use minuet_core::statement::{SigningContext, Statement};
use minuet_core::{Address, Digest, Epoch, ValidatorIndex, View};
use std::hint::black_box;

/// Signatures that are handed over together.
pub const BATCHES: [usize; 3] = [64, 256, 1_024];
const SPAN_MS: u64 = 600;

/// Microseconds of one core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ed25519Costs {
    /// One signature alone.
    pub one_us: f64,
    /// Each of a batch, for [`BATCHES`].
    pub batch_us: [f64; BATCHES.len()],
}

impl Ed25519Costs {
    /// The cheapest way.
    #[must_use]
    pub fn lowest_us(&self) -> f64 {
        self.batch_us.iter().copied().fold(self.one_us, f64::min)
    }
}

/// Microseconds of one core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatementCosts {
    /// Signing a vote.
    pub sign_us: f64,
    /// Checking one vote alone.
    pub verify_us: f64,
    /// Gathering and checking M votes.
    pub check_m_us: f64,
    /// Gathering and checking L votes.
    pub check_l_us: f64,
}

/// Signatures of transfers, from keys as bytes.
///
/// # Panics
/// If a signature made here does not verify: a bug.
pub fn ed25519(workload: &mut Workload, effort: Effort) -> Ed25519Costs {
    let most = BATCHES.into_iter().max().unwrap_or(1);
    let (genesis, mut items) = (workload.genesis().digest(), Vec::new());
    while items.len() < most {
        items.extend(workload.round().0.iter().map(|transfer| transfer.signature_item(&genesis)));
    }
    let first = &items[0];
    let one_us = cost_us(effort.span(SPAN_MS), || {
        assert!(ed25519::verify(&first.key, black_box(&first.message), &first.signature).is_ok(), "signed here");
    });
    let batch_us = BATCHES.map(|count| {
        let batch = &items[..count];
        let whole = cost_us(effort.span(SPAN_MS), || {
            assert!(ed25519::verify_batch_inline(black_box(batch)).iter().all(|good| *good), "signed here");
        });
        whole / count as f64
    });
    Ed25519Costs { one_us, batch_us }
}

/// Votes of a committee with these quorums.
///
/// # Panics
/// If a vote made here does not verify: a bug.
pub fn statements(scheme: StatementScheme, quorums: Quorums, effort: Effort) -> StatementCosts {
    let context = SigningContext { genesis: Digest::repeat_byte(7), epoch: Epoch(0) };
    let vote = Statement::Notarize { view: View(1), digest: Digest::repeat_byte(1) };
    let message = vote.message(&context);
    let signers = (0..u16::try_from(quorums.l()).unwrap_or(u16::MAX)).map(ValidatorIndex);
    let keys: Vec<Box<dyn StatementKey>> = signers.clone().map(|signer| statement_key(scheme, signer)).collect();
    let validators: Vec<Validator> = signers.clone().map(validator).collect();
    let signatures = signers.zip(&keys).map(|(signer, key)| (signer, key.sign_statement(&message)));
    let votes: Vec<Signed<'_>> =
        signatures.zip(&validators).map(|((signer, signature), validator)| (signer, validator, signature)).collect();
    let gather = |count: usize| {
        cost_us(effort.span(SPAN_MS), || {
            assert!(scheme.gather(black_box(&votes[..count]), &message).is_some(), "signed here");
        })
    };
    StatementCosts {
        sign_us: cost_us(effort.span(SPAN_MS), || {
            black_box(vote.sign(ValidatorIndex(0), &*keys[0], black_box(&context)));
        }),
        verify_us: cost_us(effort.span(SPAN_MS), || {
            assert_eq!(scheme.verify_each(black_box(&votes[..1]), &message), [true], "signed here");
        }),
        check_m_us: gather(quorums.m()),
        check_l_us: gather(quorums.l()),
    }
}

fn statement_key(scheme: StatementScheme, signer: ValidatorIndex) -> Box<dyn StatementKey> {
    match scheme {
        StatementScheme::Bls => Box::new(bls_secret(signer.0)),
        StatementScheme::Ed25519 => Box::new(network_secret(signer.0)),
    }
}

fn validator(signer: ValidatorIndex) -> Validator {
    Validator {
        bls_key: bls_secret(signer.0).public_key(),
        network_key: network_secret(signer.0).public_key(),
        fee_recipient: Address::ZERO,
    }
}
