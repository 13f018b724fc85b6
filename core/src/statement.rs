//! Statements: what one validator signs. A vote for a block (notarize) or against a view (nullify).

use crate::codec::{self, CodecError};
use crate::committee::Committee;
pub use crate::scheme::StatementKey;
use crate::scheme::StatementSignature;
use crate::{B256, Digest, Epoch, ValidatorIndex, View, domain, keccak256};
use alloy_rlp::{BufMut, Decodable, Encodable, RlpDecodable, RlpEncodable};

/// The longest encoded signed statement, in bytes.
pub const MAX_STATEMENT_BYTES: usize = 128;

/// The chain and committee that a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningContext {
    /// Digest of block 0.
    pub genesis: Digest,
    /// Epoch of the committee.
    pub epoch: Epoch,
}

/// What a validator says about a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Statement {
    /// A vote for the block with this digest.
    Notarize {
        /// The block's view.
        view: View,
        /// The block.
        digest: Digest,
    },
    /// A vote to leave the view without a block.
    Nullify {
        /// The view.
        view: View,
    },
}

impl Statement {
    /// The view that it is about.
    #[must_use]
    pub const fn view(&self) -> View {
        match self {
            Self::Notarize { view, .. } | Self::Nullify { view } => *view,
        }
    }

    /// The block that it votes for.
    #[must_use]
    pub const fn digest(&self) -> Option<Digest> {
        match self {
            Self::Notarize { digest, .. } => Some(*digest),
            Self::Nullify { .. } => None,
        }
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Notarize { .. } => 1,
            Self::Nullify { .. } => 2,
        }
    }

    /// What a validator signs: a hash over domain, kind, genesis, epoch, view and digest (zero for nullify).
    #[must_use]
    pub fn message(&self, context: &SigningContext) -> B256 {
        let mut preimage = [0u8; 113];
        preimage[..32].copy_from_slice(domain::STATEMENT);
        preimage[32] = self.kind();
        preimage[33..65].copy_from_slice(context.genesis.as_slice());
        preimage[65..73].copy_from_slice(&context.epoch.0.to_be_bytes());
        preimage[73..81].copy_from_slice(&self.view().0.to_be_bytes());
        preimage[81..].copy_from_slice(self.digest().unwrap_or_default().as_slice());
        keccak256(preimage)
    }

    /// Signs as a validator. Only the driver's signing gate calls this (D-BEFORE-SEND).
    #[must_use]
    pub fn sign(self, signer: ValidatorIndex, key: &dyn StatementKey, context: &SigningContext) -> SignedStatement {
        SignedStatement { statement: self, signer, signature: key.sign_statement(&self.message(context)) }
    }
}

#[derive(RlpEncodable, RlpDecodable)]
struct StatementFields {
    kind: u8,
    view: View,
    digest: Digest,
}

impl Encodable for Statement {
    fn encode(&self, out: &mut dyn BufMut) {
        self.fields().encode(out);
    }
    fn length(&self) -> usize {
        self.fields().length()
    }
}

impl Statement {
    fn fields(&self) -> StatementFields {
        StatementFields { kind: self.kind(), view: self.view(), digest: self.digest().unwrap_or_default() }
    }
}

impl Decodable for Statement {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let fields = StatementFields::decode(buf)?;
        match fields.kind {
            1 => Ok(Self::Notarize { view: fields.view, digest: fields.digest }),
            2 if fields.digest.is_zero() => Ok(Self::Nullify { view: fields.view }),
            2 => Err(alloy_rlp::Error::Custom("a nullify statement names no block")),
            _ => Err(alloy_rlp::Error::Custom("unknown kind of statement")),
        }
    }
}

/// A statement with its signer and signature; the signature is not checked by decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, RlpEncodable, RlpDecodable)]
pub struct SignedStatement {
    /// What is said.
    pub statement: Statement,
    /// Who says so.
    pub signer: ValidatorIndex,
    /// By the signer's key.
    pub signature: StatementSignature,
}

impl SignedStatement {
    /// Whether the signature is its signer's, under this statement on this chain.
    #[must_use]
    pub fn is_genuine(&self, committee: &Committee, context: &SigningContext) -> bool {
        committee.get(self.signer).is_some_and(|validator| {
            let item = (self.signer, validator, self.signature);
            committee.scheme().verify_each(&[item], &self.statement.message(context)) == [true]
        })
    }

    /// The wire form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads the wire form.
    ///
    /// # Errors
    /// Anything but one canonical statement.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode("statement", bytes, MAX_STATEMENT_BYTES)
    }
}

#[cfg(test)]
mod tests;
