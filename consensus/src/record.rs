//! Journal records: what a validator must remember to never contradict itself (docs/protocol.md §3).

use crate::wire::Proposal;
use alloy_rlp::{RlpDecodable, RlpEncodable};
use minuet_core::block::{Body, MAX_BODY_BYTES};
use minuet_core::certificate::Certificate;
use minuet_core::codec::{self, CodecError};
use minuet_core::messages::JournalRecord;
use minuet_core::{Bytes, Digest, View};
use std::sync::Arc;

/// The longest record: a proposal with its body.
pub const MAX_RECORD_BYTES: usize = MAX_BODY_BYTES + 64 * 1024;

/// What this validator decided to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Own {
    /// As leader: propose this block.
    Propose(Digest),
    /// Vote for this block.
    Notarize(Digest),
    /// Vote to leave the view.
    Nullify,
}

/// One journal record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A decision; written before the signature is made.
    Own {
        /// About which view.
        view: View,
        /// What.
        own: Own,
    },
    /// An entry proof, or the ground of a vote by certificate.
    Certificate(Arc<Certificate>),
    /// A block that this validator votes for: its proposal (header and attached proofs) and its body.
    Block {
        /// As it came from the leader, or as it was made.
        proposal: Proposal,
        /// Its transactions.
        body: Arc<Body>,
    },
    /// Nothing at or below this view may ever be signed again (D-FLOOR).
    Floor(View),
}

#[derive(Clone, RlpEncodable, RlpDecodable)]
struct RecordFields {
    kind: u8,
    view: View,
    digest: Digest,
    payload: Bytes,
    body: Bytes,
}

impl Record {
    /// The view that decides when the record may be forgotten.
    #[must_use]
    pub fn view(&self) -> View {
        match self {
            Self::Own { view, .. } | Self::Floor(view) => *view,
            Self::Certificate(certificate) => certificate.view,
            Self::Block { proposal, .. } => proposal.header.view(),
        }
    }

    /// The journal's form. A floor is tagged above its own view, so that pruning up to the floor keeps it.
    #[must_use]
    pub fn to_journal(&self) -> JournalRecord {
        let tag = match self {
            Self::Floor(view) => view.next().0,
            _ => self.view().0,
        };
        JournalRecord { tag, payload: codec::encode(&self.fields()).into() }
    }

    fn fields(&self) -> RecordFields {
        let mut fields = RecordFields {
            kind: 0,
            view: self.view(),
            digest: Digest::ZERO,
            payload: Bytes::new(),
            body: Bytes::new(),
        };
        match self {
            Self::Own { own: Own::Propose(digest), .. } => (fields.kind, fields.digest) = (1, *digest),
            Self::Own { own: Own::Notarize(digest), .. } => (fields.kind, fields.digest) = (2, *digest),
            Self::Own { own: Own::Nullify, .. } => fields.kind = 3,
            Self::Certificate(certificate) => (fields.kind, fields.payload) = (4, certificate.to_bytes().into()),
            Self::Block { proposal, body } => {
                fields.kind = 5;
                fields.payload = proposal.to_bytes().into();
                fields.body = body.encode().into();
            }
            Self::Floor(_) => fields.kind = 6,
        }
        fields
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// Bytes that this program did not write.
    pub fn from_journal(record: &JournalRecord) -> Result<Self, CodecError> {
        const WHAT: &str = "journal record";
        let fields: RecordFields = codec::decode(WHAT, &record.payload, MAX_RECORD_BYTES)?;
        let RecordFields { kind, view, digest, payload, body } = fields;
        let record = match (kind, digest.is_zero(), payload.is_empty(), body.is_empty()) {
            (1, _, true, true) => Self::Own { view, own: Own::Propose(digest) },
            (2, _, true, true) => Self::Own { view, own: Own::Notarize(digest) },
            (3, true, true, true) => Self::Own { view, own: Own::Nullify },
            (4, true, _, true) => Self::Certificate(Arc::new(Certificate::from_bytes(&payload)?)),
            (5, true, ..) => {
                Self::Block { proposal: Proposal::from_bytes(&payload)?, body: Arc::new(Body::decode(&body)?) }
            }
            (6, true, true, true) => Self::Floor(view),
            _ => {
                let reason = "unknown kind, or a field that its kind does not have: written by a newer version?";
                return Err(CodecError::malformed(WHAT, reason));
            }
        };
        if record.view() != view {
            return Err(CodecError::malformed(WHAT, "it names another view than what it holds"));
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests;
