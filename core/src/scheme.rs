//! How a committee's statements are signed: with BLS, whose certificates are one aggregate however many signed, or with
//! Ed25519, whose certificates hold each signer's own signature and are checked some ten times as fast while the
//! committee is small (docs/decisions/0016). The genesis says which; a chain has one scheme only.
//!
//! Owns: signatures of statements and of quorums in wire form, and the verdicts on them. Never does: decide what is signed,
//! count signers or know quorums.
//!
//! Invariants:
//! - A signature of the other scheme is a wrong signature, never a right one.
//! - What Ed25519 keys sign here starts with a domain of its own: they are those of the connections, and nothing that a
//!   connection or a transaction signs can pass as a statement.

use std::fmt;

use alloy_rlp::{BufMut, Decodable, Encodable, Header};
use serde::{Deserialize, Serialize};

use crate::bls::{self, BlsPublicKey, BlsSecretKey, BlsSignature};
use crate::committee::Validator;
use crate::ed25519::{self, Ed25519SecretKey, Ed25519Signature};
use crate::{B256, ValidatorIndex, domain};

/// The largest committee that may sign with Ed25519: its certificates take 2 KiB.
pub const MAX_ED25519_VALIDATORS: usize = 32;

/// Which signatures a chain's statements have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatementScheme {
    /// BLS12-381: one aggregate for a quorum.
    #[default]
    Bls,
    /// Ed25519 by the validators' network keys: a list for a quorum, of [`MAX_ED25519_VALIDATORS`] at most.
    Ed25519,
}

/// One validator's signature under a statement. Holding one says nothing about its validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatementSignature {
    /// 48 bytes.
    Bls(BlsSignature),
    /// 64 bytes.
    Ed25519(Ed25519Signature),
}

/// A quorum's signature under a statement. Holding one says nothing about its validity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuorumSignature {
    /// The aggregate, 48 bytes.
    Bls(BlsSignature),
    /// Each signer's own, ascending by their indexes, 64 bytes each.
    Ed25519(Vec<Ed25519Signature>),
}

/// A signer with its keys and what it is said to have signed.
pub type Signed<'a> = (ValidatorIndex, &'a Validator, StatementSignature);

/// What signs statements: a key in a node. A simulation may have something cheaper, with a verifier to match.
pub trait StatementKey: Send {
    /// Signs a [`crate::statement::Statement::message`]. The same message gives the same signature.
    fn sign_statement(&self, message: &B256) -> StatementSignature;
}

impl StatementKey for BlsSecretKey {
    fn sign_statement(&self, message: &B256) -> StatementSignature {
        self.sign(message.as_slice()).into()
    }
}

impl StatementKey for Ed25519SecretKey {
    fn sign_statement(&self, message: &B256) -> StatementSignature {
        self.sign(&ed25519_message(message)).into()
    }
}

/// What an Ed25519 key signs for a statement's message.
fn ed25519_message(message: &B256) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(domain::ED25519_STATEMENT);
    bytes[32..].copy_from_slice(message.as_slice());
    bytes
}

impl StatementScheme {
    /// What a new chain of `n` validators takes unless told otherwise: the cheaper one.
    #[must_use]
    pub const fn for_committee_of(n: usize) -> Self {
        if n <= MAX_ED25519_VALIDATORS { Self::Ed25519 } else { Self::Bls }
    }

    /// Whether it is what a genesis means that names none.
    #[must_use]
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub const fn is_default(&self) -> bool {
        matches!(self, Self::Bls)
    }

    /// As in a genesis file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bls => "bls",
            Self::Ed25519 => "ed25519",
        }
    }

    /// Joins distinct signers' signatures of one message and checks them together; `None` if one of them is wrong.
    #[must_use]
    pub fn gather(self, signed: &[Signed<'_>], message: &B256) -> Option<QuorumSignature> {
        match self {
            Self::Bls => {
                let pairs = signed.iter().map(bls_pair).collect::<Option<Vec<_>>>()?;
                bls::aggregate_and_verify(&pairs, message.as_slice()).ok().map(Into::into)
            }
            Self::Ed25519 => {
                let mut sorted = signed.to_vec();
                sorted.sort_unstable_by_key(|(signer, ..)| *signer);
                let signatures = sorted.iter().map(|(_, _, signature)| match signature {
                    StatementSignature::Ed25519(signature) => Some(*signature),
                    StatementSignature::Bls(_) => None,
                });
                let signatures = signatures.collect::<Option<Vec<_>>>().filter(|list| !list.is_empty())?;
                let is_genuine = self.verify_each(&sorted, message).iter().all(|good| *good);
                is_genuine.then_some(QuorumSignature::Ed25519(signatures))
            }
        }
    }

    /// Checks a quorum's signature of exactly these signers, ascending by their indexes.
    #[must_use]
    pub fn verify_quorum(
        self,
        signers: &[(ValidatorIndex, &Validator)],
        message: &B256,
        signature: &QuorumSignature,
    ) -> bool {
        match (self, signature) {
            (Self::Bls, QuorumSignature::Bls(aggregate)) => {
                let keys: Vec<&BlsPublicKey> = signers.iter().map(|(_, validator)| &validator.bls_key).collect();
                bls::verify_aggregate(&keys, message.as_slice(), aggregate).is_ok()
            }
            (Self::Ed25519, QuorumSignature::Ed25519(list)) => {
                let signed = signers.iter().zip(list).map(|((signer, validator), signature)| {
                    (*signer, *validator, StatementSignature::Ed25519(*signature))
                });
                let fits = !list.is_empty() && list.len() == signers.len();
                fits && self.verify_each(&signed.collect::<Vec<_>>(), message).iter().all(|good| *good)
            }
            _ => false,
        }
    }

    /// The verdict on each signature alone (safe against offsets that cancel out).
    #[must_use]
    pub fn verify_each(self, signed: &[Signed<'_>], message: &B256) -> Vec<bool> {
        let mut verdicts = vec![false; signed.len()];
        match self {
            Self::Bls => {
                let known = signed.iter().enumerate().filter_map(|(place, item)| Some((place, bls_pair(item)?)));
                let (places, pairs): (Vec<_>, Vec<_>) = known.unzip();
                let found = match pairs.as_slice() {
                    [(key, signature)] => vec![key.verify(message.as_slice(), signature).is_ok()],
                    _ => bls::verify_each(&pairs, message.as_slice()),
                };
                places.iter().zip(found).for_each(|(place, verdict)| verdicts[*place] = verdict);
            }
            Self::Ed25519 => {
                let message = ed25519_message(message);
                let mut places = Vec::with_capacity(signed.len());
                let mut items = Vec::with_capacity(signed.len());
                for (place, (_, validator, signature)) in signed.iter().enumerate() {
                    if let StatementSignature::Ed25519(signature) = *signature {
                        places.push(place);
                        items.push(ed25519::Item { key: validator.network_key, signature, message: message.to_vec() });
                    }
                }
                let found = ed25519::verify_each_known(&items);
                places.iter().zip(found).for_each(|(place, verdict)| verdicts[*place] = verdict);
            }
        }
        verdicts
    }
}

/// `None` if it is of the other scheme.
fn bls_pair<'a>((_, validator, signature): &Signed<'a>) -> Option<(&'a BlsPublicKey, BlsSignature)> {
    signature.bls().map(|signature| (&validator.bls_key, signature))
}

impl fmt::Display for StatementScheme {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl StatementSignature {
    /// Takes bytes as they are, by their length: `None` for any but a signature's.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            bls::SIGNATURE_BYTES => BlsSignature::from_bytes(bytes).ok().map(Self::Bls),
            ed25519::SIGNATURE_BYTES => Ed25519Signature::from_slice(bytes).ok().map(Self::Ed25519),
            _ => None,
        }
    }

    /// The wire form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Bls(signature) => signature.as_bytes(),
            Self::Ed25519(signature) => signature.as_bytes(),
        }
    }
}

impl QuorumSignature {
    /// Takes bytes as they are, by their length: `None` for any but a quorum's.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let chunks = bytes.chunks_exact(ed25519::SIGNATURE_BYTES);
        match bytes.len() {
            bls::SIGNATURE_BYTES => BlsSignature::from_bytes(bytes).ok().map(Self::Bls),
            0 => None,
            _ if !chunks.remainder().is_empty() || chunks.len() > MAX_ED25519_VALIDATORS => None,
            _ => chunks.map(|chunk| Ed25519Signature::from_slice(chunk).ok()).collect::<Option<_>>().map(Self::Ed25519),
        }
    }

    /// Joins signatures as they are; `None` if they are of two schemes, or one of them is no curve point that could be
    /// added. Of ascending signers.
    #[must_use]
    pub fn join(signatures: &[StatementSignature]) -> Option<Self> {
        let bls: Option<Vec<_>> = signatures.iter().map(|signature| signature.bls()).collect();
        if let Some(signatures) = bls {
            return bls::aggregate(&signatures).ok().map(Self::Bls);
        }
        let list = signatures.iter().map(|signature| match signature {
            StatementSignature::Ed25519(signature) => Some(*signature),
            StatementSignature::Bls(_) => None,
        });
        list.collect::<Option<_>>().map(Self::Ed25519)
    }

    /// Whether it can be the signature of so many signers.
    #[must_use]
    pub fn fits(&self, signers: usize) -> bool {
        match self {
            Self::Bls(_) => true,
            Self::Ed25519(list) => list.len() == signers,
        }
    }

    /// The wire form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Bls(aggregate) => aggregate.to_bytes().to_vec(),
            Self::Ed25519(list) => list.iter().flat_map(|signature| signature.0).collect(),
        }
    }

    fn byte_len(&self) -> usize {
        match self {
            Self::Bls(_) => bls::SIGNATURE_BYTES,
            Self::Ed25519(list) => list.len() * ed25519::SIGNATURE_BYTES,
        }
    }
}

impl StatementSignature {
    /// The BLS signature, if it is one.
    #[must_use]
    pub const fn bls(&self) -> Option<BlsSignature> {
        match self {
            Self::Bls(signature) => Some(*signature),
            Self::Ed25519(_) => None,
        }
    }
}

impl From<BlsSignature> for StatementSignature {
    fn from(signature: BlsSignature) -> Self {
        Self::Bls(signature)
    }
}

impl From<Ed25519Signature> for StatementSignature {
    fn from(signature: Ed25519Signature) -> Self {
        Self::Ed25519(signature)
    }
}

impl From<BlsSignature> for QuorumSignature {
    fn from(signature: BlsSignature) -> Self {
        Self::Bls(signature)
    }
}

/// Of one signer.
impl From<StatementSignature> for QuorumSignature {
    fn from(signature: StatementSignature) -> Self {
        match signature {
            StatementSignature::Bls(signature) => Self::Bls(signature),
            StatementSignature::Ed25519(signature) => Self::Ed25519(vec![signature]),
        }
    }
}

impl Encodable for StatementSignature {
    fn encode(&self, out: &mut dyn BufMut) {
        self.as_bytes().encode(out);
    }

    fn length(&self) -> usize {
        self.as_bytes().length()
    }
}

impl Decodable for StatementSignature {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let bytes = Header::decode_bytes(buf, false)?;
        Self::from_bytes(bytes).ok_or(alloy_rlp::Error::Custom("a signature has 48 bytes (BLS) or 64 (Ed25519)"))
    }
}

impl Encodable for QuorumSignature {
    fn encode(&self, out: &mut dyn BufMut) {
        self.to_bytes()[..].encode(out);
    }

    fn length(&self) -> usize {
        let payload_length = self.byte_len();
        Header { list: false, payload_length }.length() + payload_length
    }
}

impl Decodable for QuorumSignature {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let bytes = Header::decode_bytes(buf, false)?;
        let refused = "a quorum's signature has 48 bytes (BLS) or 64 for each signer (Ed25519)";
        Self::from_bytes(bytes).ok_or(alloy_rlp::Error::Custom(refused))
    }
}

#[cfg(test)]
mod tests;
