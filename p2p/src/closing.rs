//! Why connections are closed: a code for programs and a text for people, sent to the peer and logged on both sides.

use crate::frame::FrameError;
use crate::stats::Reject;
use minuet_core::B256;
use minuet_core::PeerId;
use minuet_core::ed25519::Ed25519PublicKey;
use quinn::{ConnectionError, VarInt};

/// Why one side closes a connection. The texts are read by the other side's operator: "you" is whoever reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The node is stopping.
    #[error("the node is shutting down")]
    Shutdown,
    /// Not the first bytes of a Minuet handshake.
    #[error("malformed handshake: {0}")]
    Malformed(&'static str),
    /// No handshake in time.
    #[error("no handshake within {0} ms")]
    HandshakeTimeout(u64),
    /// Another protocol version.
    #[error("wrong protocol version: you speak {theirs}, this node {ours}; run the same release on both")]
    WrongVersion {
        /// The reader's.
        theirs: u32,
        /// The sender's.
        ours: u32,
    },
    /// Another genesis.
    #[error("wrong genesis: yours is {theirs}, this node's {ours}; use the same genesis file on both")]
    WrongGenesis {
        /// The reader's fingerprint or, if these are equal, block 0's digest.
        theirs: B256,
        /// The sender's.
        ours: B256,
    },
    /// Another chain id.
    #[error("wrong chain id: yours is {theirs}, this node's {ours}; use the same genesis file on both")]
    WrongChain {
        /// The reader's.
        theirs: u64,
        /// The sender's.
        ours: u64,
    },
    /// The key is another index's.
    #[error(
        "wrong index: you claim to be validator {claimed}, but your key is that of {actual:?}; check validator_index and the key file"
    )]
    WrongIndex {
        /// What the reader said.
        claimed: PeerId,
        /// Whose key it proved.
        actual: Option<PeerId>,
    },
    /// The handshake is addressed to somebody else.
    #[error("wrong addressee: you look for validator {wanted}, this node is {own}; check the peer addresses")]
    WrongAddressee {
        /// Whom the reader dialled.
        wanted: PeerId,
        /// Who is here.
        own: PeerId,
    },
    /// There is a link already, and it stays.
    #[error("duplicate: this node keeps the other connection between the two")]
    Duplicate,
    /// A newer connection of the same peer takes over.
    #[error("replaced by a newer connection")]
    Replaced,
    /// B-FRAME broken.
    #[error("bad frame: {0}")]
    BadFrame(#[from] FrameError),
    /// A lane was closed or reset, within a frame or not.
    #[error("the {0} lane ended")]
    LaneEnded(&'static str),
    /// More streams than lanes.
    #[error("more streams than lanes")]
    ExtraStream,
    /// Banned for now.
    #[error("banned for {seconds} s after repeated offences, the last one: {offence}")]
    Banned {
        /// How much longer.
        seconds: u64,
        /// What tipped the scale.
        offence: &'static str,
    },
    /// The peer does not take what it is sent.
    #[error("too slow: {0} bytes wait for you on the {1} lane")]
    TooSlow(usize, &'static str),
    /// A key that is no validator's, of a node that does not say that it only follows.
    #[error(
        "unknown key: {0} is no validator's network key in this node's genesis; use the key and the genesis that \
         belong together"
    )]
    UnknownKey(Ed25519PublicKey),
    /// As many followers as this node takes.
    #[error(
        "no room: this node takes {0} followers (p2p.max_followers), and all places are taken; dial another validator"
    )]
    Full(usize),
    /// A follower that sends more than requests.
    #[error("a node that only follows may send requests only, not a {0} frame")]
    NotAllowed(&'static str),
    /// Closed without a special reason by this service itself.
    #[error("internal error")]
    Internal,
}

impl CloseReason {
    /// On the wire. Never reused for another meaning.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Shutdown => 0,
            Self::Malformed(_) => 1,
            Self::HandshakeTimeout(_) => 2,
            Self::WrongVersion { .. } => 3,
            Self::WrongGenesis { .. } => 4,
            Self::WrongChain { .. } => 5,
            Self::WrongIndex { .. } => 6,
            Self::WrongAddressee { .. } => 7,
            Self::Duplicate => 8,
            Self::Replaced => 9,
            Self::BadFrame(_) => 10,
            Self::LaneEnded(_) => 11,
            Self::ExtraStream => 12,
            Self::Banned { .. } => 13,
            Self::TooSlow(..) => 14,
            Self::Internal => 15,
            Self::UnknownKey(_) => 16,
            Self::Full(_) => 17,
            Self::NotAllowed(_) => 18,
        }
    }

    /// Under which it is counted.
    pub(crate) const fn reject(&self) -> Option<Reject> {
        Some(match self {
            Self::Malformed(_) | Self::HandshakeTimeout(_) => Reject::Handshake,
            Self::WrongVersion { .. } => Reject::WrongVersion,
            Self::WrongGenesis { .. } | Self::WrongChain { .. } => Reject::WrongGenesis,
            Self::WrongIndex { .. } | Self::WrongAddressee { .. } | Self::UnknownKey(_) => Reject::UnknownKey,
            Self::Full(_) => Reject::NoRoom,
            Self::NotAllowed(_) => Reject::NotAllowed,
            Self::Duplicate => Reject::Duplicate,
            Self::BadFrame(error) => error.reject(),
            Self::LaneEnded(_) => Reject::LaneEnded,
            Self::ExtraStream => Reject::ExtraStream,
            Self::Banned { .. } => Reject::Banned,
            Self::TooSlow(..) => Reject::TooSlow,
            Self::Shutdown | Self::Replaced | Self::Internal => return None,
        })
    }

    /// Whether the two nodes will never understand each other as they are configured: an operator must act.
    pub(crate) const fn is_misconfiguration(&self) -> bool {
        is_misconfiguration(self.code())
    }

    /// Closes the connection and lets the peer read why.
    pub(crate) fn close(&self, connection: &quinn::Connection) {
        connection.close(VarInt::from_u32(self.code()), self.to_string().as_bytes());
    }
}

/// Codes of reasons that only an operator can remove.
pub(crate) const fn is_misconfiguration(code: u32) -> bool {
    matches!(code, 3..=7 | 16)
}

/// Why a connection ended, for the log of the side that did not end it.
pub(crate) fn describe(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            format!("the peer closed: {}", printable(&close.reason))
        }
        ConnectionError::ConnectionClosed(close) if !close.reason.is_empty() => {
            format!("the peer refused: {}", printable(&close.reason))
        }
        ConnectionError::TransportError(error) if !error.reason.is_empty() => {
            format!("refused here: {}", printable(error.reason.as_bytes()))
        }
        ConnectionError::TimedOut => "no answer: the peer is down, unreachable or its address is wrong".to_owned(),
        other => other.to_string(),
    }
}

/// Whether it was this node that refused the other's TLS key, or the other this node's.
pub(crate) fn is_key_refusal(error: &ConnectionError) -> bool {
    matches!(error, ConnectionError::ConnectionClosed(_) | ConnectionError::TransportError(_))
}

/// A stranger's text for a log: bounded, one line, nothing that a terminal would obey.
fn printable(reason: &[u8]) -> String {
    let reason = reason.get(..300).unwrap_or(reason);
    String::from_utf8_lossy(reason).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
