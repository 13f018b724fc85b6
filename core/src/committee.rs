//! Who the validators are and how many of them make a quorum. The only place with quorum arithmetic (S-QUORUM).

use crate::bls::BlsPublicKey;
use crate::ed25519::Ed25519PublicKey;
use crate::scheme::{MAX_ED25519_VALIDATORS, StatementScheme};
use crate::{Address, ValidatorIndex, View};
use std::collections::BTreeSet;
use thiserror::Error;

/// The largest committee: a bitmap of it is 64 bytes.
pub const MAX_VALIDATORS: usize = 512;

/// The thresholds that follow from the number of validators (docs/protocol.md §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorums {
    n: usize,
}

impl Quorums {
    /// The thresholds for `n` validators, 1 to [`MAX_VALIDATORS`].
    ///
    /// # Errors
    /// [`CommitteeError::Empty`] or [`CommitteeError::TooMany`].
    pub const fn new(n: usize) -> Result<Self, CommitteeError> {
        match n {
            0 => Err(CommitteeError::Empty),
            n if n > MAX_VALIDATORS => Err(CommitteeError::TooMany { count: n }),
            n => Ok(Self { n }),
        }
    }

    /// Validators.
    #[must_use]
    pub const fn n(self) -> usize {
        self.n
    }

    /// Faulty validators that are tolerated: (n−1)/5 rounded down. 0 below six validators.
    #[must_use]
    pub const fn f(self) -> usize {
        (self.n - 1) / 5
    }

    /// M = 2f+1: statements that make a notarization or a nullification. Never n−3f, which deadlocks at n=7.
    #[must_use]
    pub const fn m(self) -> usize {
        2 * self.f() + 1
    }

    /// L = n−f: notarize statements that make a finalization.
    #[must_use]
    pub const fn l(self) -> usize {
        self.n - self.f()
    }

    /// f+1: so many statements hold one of an honest validator (R11).
    #[must_use]
    pub const fn one_honest(self) -> usize {
        self.f() + 1
    }
}

/// One validator's public side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Checks its statements on a chain of [`StatementScheme::Bls`].
    pub bls_key: BlsPublicKey,
    /// Identifies its connections; checks its statements on a chain of [`StatementScheme::Ed25519`].
    pub network_key: Ed25519PublicKey,
    /// Receives the priority fees of the blocks it proposes.
    pub fee_recipient: Address,
}

/// The validators of one epoch, in genesis order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committee {
    validators: Vec<Validator>,
    quorums: Quorums,
    scheme: StatementScheme,
}

/// Why a set of validators is no committee.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CommitteeError {
    /// No validator at all.
    #[error("the committee is empty: name at least one validator (six tolerate one fault)")]
    Empty,
    /// More than a bitmap holds.
    #[error("{count} validators: at most {MAX_VALIDATORS} are supported")]
    TooMany {
        /// How many were named.
        count: usize,
    },
    /// Certificates would be long, and slower to check than with BLS.
    #[error("{count} validators: at most {MAX_ED25519_VALIDATORS} can sign with Ed25519, take BLS")]
    TooManyForEd25519 {
        /// How many were named.
        count: usize,
    },
    /// A key that stands twice would vote twice.
    #[error("validator {index} repeats the {key} key of an earlier validator: every validator needs keys of its own")]
    Duplicate {
        /// Which validator repeats it.
        index: usize,
        /// `BLS` or `network`.
        key: &'static str,
    },
}

impl Committee {
    /// A committee in the given order that signs with BLS.
    ///
    /// # Errors
    /// An empty, too large or duplicate set.
    pub fn new(validators: Vec<Validator>) -> Result<Self, CommitteeError> {
        Self::with_scheme(validators, StatementScheme::Bls)
    }

    /// A committee in the given order.
    ///
    /// # Errors
    /// An empty, too large or duplicate set.
    pub fn with_scheme(validators: Vec<Validator>, scheme: StatementScheme) -> Result<Self, CommitteeError> {
        let quorums = Quorums::new(validators.len())?;
        if scheme == StatementScheme::Ed25519 && quorums.n() > MAX_ED25519_VALIDATORS {
            return Err(CommitteeError::TooManyForEd25519 { count: quorums.n() });
        }
        let mut bls = BTreeSet::new();
        let mut network = BTreeSet::new();
        for (index, validator) in validators.iter().enumerate() {
            if !bls.insert(validator.bls_key.to_bytes()) {
                return Err(CommitteeError::Duplicate { index, key: "BLS" });
            }
            if !network.insert(validator.network_key) {
                return Err(CommitteeError::Duplicate { index, key: "network" });
            }
        }
        Ok(Self { validators, quorums, scheme })
    }

    /// How its statements are signed.
    #[must_use]
    pub const fn scheme(&self) -> StatementScheme {
        self.scheme
    }

    /// The thresholds.
    #[must_use]
    pub const fn quorums(&self) -> Quorums {
        self.quorums
    }

    /// Number of validators.
    #[must_use]
    pub const fn n(&self) -> usize {
        self.quorums.n
    }

    /// The leader of a view: round robin in genesis order.
    #[must_use]
    pub fn leader(&self, view: View) -> ValidatorIndex {
        leader_of(view, self.n())
    }

    /// The validator with this index, if there is one.
    #[must_use]
    pub fn get(&self, index: ValidatorIndex) -> Option<&Validator> {
        self.validators.get(index.as_usize())
    }

    /// Whether a peer's claimed index exists.
    #[must_use]
    pub fn contains(&self, index: ValidatorIndex) -> bool {
        index.as_usize() < self.n()
    }

    /// All validators in order.
    pub fn iter(&self) -> impl Iterator<Item = (ValidatorIndex, &Validator)> {
        (0u16..).map(ValidatorIndex).zip(&self.validators)
    }

    /// Whose network key this is.
    #[must_use]
    pub fn by_network_key(&self, key: &Ed25519PublicKey) -> Option<ValidatorIndex> {
        self.iter().find(|(_, validator)| validator.network_key == *key).map(|(index, _)| index)
    }
}

/// Round robin over `n` validators: view 1 is led by validator 1 mod n. Pure, for the rules and the model checker.
///
/// # Panics
/// When `n` is 0 or beyond [`MAX_VALIDATORS`], which [`Quorums::new`] refuses.
#[must_use]
pub fn leader_of(view: View, n: usize) -> ValidatorIndex {
    assert!(n > 0 && n <= MAX_VALIDATORS, "committee size is checked by Quorums::new");
    let place = view.0 % n as u64;
    ValidatorIndex(u16::try_from(place).expect("below MAX_VALIDATORS"))
}

#[cfg(test)]
mod tests;
