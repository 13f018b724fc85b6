//! What travels between nodes, as the network sees it: kinds of frame with their lane and size limit (B-FRAME).
//!
//! The network moves the payloads as opaque bytes; `consensus` and `mempool` own their formats.

use crate::PeerId;
use crate::block::MAX_BODY_BYTES;
use crate::certificate::MAX_CERTIFICATE_BYTES;

/// Version of the handshake and of every frame; nodes of another version are refused.
pub const PROTOCOL_VERSION: u32 = 1;

/// A stream of its own per peer and direction; earlier lanes are sent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Certificates.
    Certificates,
    /// Statements.
    Votes,
    /// Proposals: headers with attached proofs.
    Headers,
    /// Block bodies.
    Bodies,
    /// Transaction gossip.
    Transactions,
    /// Requests and answers.
    Sync,
}

impl Lane {
    /// All lanes, most urgent first.
    pub const ALL: [Self; 6] =
        [Self::Certificates, Self::Votes, Self::Headers, Self::Bodies, Self::Transactions, Self::Sync];

    /// For metrics and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificates => "certificates",
            Self::Votes => "votes",
            Self::Headers => "headers",
            Self::Bodies => "bodies",
            Self::Transactions => "transactions",
            Self::Sync => "sync",
        }
    }
}

/// What a frame's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrameKind {
    /// One [`crate::certificate::Certificate`].
    Certificate,
    /// One [`crate::statement::SignedStatement`].
    Statement,
    /// A header with its proofs and its proposer's signature.
    Proposal,
    /// A block's transactions under its digest.
    Body,
    /// A list of transaction envelopes.
    Transactions,
    /// Asks for proofs or blocks.
    Request,
    /// Answers a request.
    Response,
}

impl FrameKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Certificate,
        Self::Statement,
        Self::Proposal,
        Self::Body,
        Self::Transactions,
        Self::Request,
        Self::Response,
    ];

    /// The byte on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Certificate => 1,
            Self::Statement => 2,
            Self::Proposal => 3,
            Self::Body => 4,
            Self::Transactions => 5,
            Self::Request => 6,
            Self::Response => 7,
        }
    }

    /// The kind of this byte.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The lane on which this kind travels; on another lane it is refused.
    #[must_use]
    pub const fn lane(self) -> Lane {
        match self {
            Self::Certificate => Lane::Certificates,
            Self::Statement => Lane::Votes,
            Self::Proposal => Lane::Headers,
            Self::Body => Lane::Bodies,
            Self::Transactions => Lane::Transactions,
            Self::Request | Self::Response => Lane::Sync,
        }
    }

    /// Longest payload in bytes; checked before anything is allocated.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::Certificate => MAX_CERTIFICATE_BYTES,
            Self::Statement => 128,
            Self::Proposal => 48 * 1024,
            Self::Body => MAX_BODY_BYTES + 64,
            Self::Transactions => 256 * 1024,
            Self::Request => 1024,
            Self::Response => MAX_BODY_BYTES + 256 * 1024,
        }
    }

    /// For metrics and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Statement => "statement",
            Self::Proposal => "proposal",
            Self::Body => "body",
            Self::Transactions => "transactions",
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// Whom a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// Every connected validator.
    All,
    /// Every connected node that only follows.
    Followers,
    /// One peer; dropped and counted if it is not connected.
    One(PeerId),
}

/// What a peer did wrong, provably: the network scores it and in the end bans it for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offence {
    /// A payload that does not decode.
    Malformed,
    /// A bad signature on something that the peer itself signs.
    BadSignature,
    /// A certificate that does not verify.
    BadCertificate,
    /// A block or transaction that breaks the rules.
    Invalid,
    /// An answer to nothing that was asked.
    Unrequested,
    /// More than its share.
    Flood,
}

/// Points at which a peer is banned.
pub const BAN_POINTS: u64 = 100;
/// Points forgiven per second.
pub const FORGIVEN_PER_SECOND: u64 = 1;

impl Offence {
    /// Its weight: what only a faulty program or a liar does counts half a ban.
    #[must_use]
    pub const fn points(self) -> u64 {
        match self {
            Self::BadSignature | Self::BadCertificate => 50,
            Self::Malformed | Self::Invalid => 20,
            Self::Flood => 10,
            Self::Unrequested => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_codes_are_distinct_and_read_back() {
        for kind in FrameKind::ALL {
            assert_eq!(FrameKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(FrameKind::from_code(0), None);
        assert_eq!(FrameKind::from_code(8), None);
    }
}
