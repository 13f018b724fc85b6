//! One line of a trace: what a frame held, taken apart into single signed messages.

use minuet_consensus::wire::{Proposal, Response};
use minuet_core::certificate::{Certificate, CertificateKind, SignerBitmap};
use minuet_core::codec::CodecError;
use minuet_core::messages::PeerFrame;
use minuet_core::scheme::{QuorumSignature, StatementSignature};
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::wire::FrameKind;
use minuet_core::{Digest, ValidatorIndex, View};
use serde::{Deserialize, Serialize};

/// Version of the lines.
pub const TRACE_VERSION: u8 = 1;

/// A line. Times are Unix microseconds by the clock of the machine that received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// A node began to write; one that wrote before and has no stop was killed.
    Start {
        /// False once anything was lost, whatever else could still be written.
        complete: bool,
        /// Version of the lines that follow.
        version: u8,
        /// When.
        time_us: u64,
        /// Of the node.
        pid: u32,
    },
    /// A signed message.
    Message(Message),
    /// A frame that should hold signed messages and cannot be read.
    Malformed {
        /// When it came.
        time_us: u64,
        /// Who sent it.
        peer: u32,
        /// What it claimed to be.
        frame: String,
        /// Its length.
        bytes: usize,
    },
    /// Messages are missing here.
    Incomplete {
        /// When this was noticed.
        time_us: u64,
        /// Frames or lines that were lost.
        lost: u64,
    },
    /// The node stopped in order: nothing is missing at the end.
    Stop {
        /// When.
        time_us: u64,
        /// Messages since the start.
        messages: u64,
    },
}

/// What a signed message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A vote for a block.
    Notarize,
    /// A vote against a view.
    Nullify,
    /// A leader's block, and its vote for it.
    Proposal,
    /// M votes for a block.
    Notarization,
    /// M votes against a view.
    Nullification,
    /// L votes for a block.
    Finalization,
}

/// One signed message, whether it came alone or within another one. Nobody has checked its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When the frame came.
    pub time_us: u64,
    /// Who sent the frame: a validator's index, or a follower's number.
    pub peer: u32,
    /// The frame that held it.
    pub frame: String,
    /// What it is.
    pub kind: Kind,
    /// The view that it is about.
    pub view: u64,
    /// The block, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<Digest>,
    /// Who signed a statement or a proposal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signer: Option<u16>,
    /// Who signed a certificate: the bitmap in hexadecimal, bit i of byte j is validator 8j + i.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signers: Option<String>,
    /// One signature, or a quorum's, in hexadecimal.
    pub signature: String,
}

/// What a message is, for checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// One validator's statement; whether it came as a proposal.
    Statement(SignedStatement, bool),
    /// A quorum's.
    Certificate(Certificate),
}

/// Whether frames of this kind hold signed messages of validators.
#[must_use]
pub const fn holds_signed(kind: FrameKind) -> bool {
    matches!(kind, FrameKind::Certificate | FrameKind::Statement | FrameKind::Proposal | FrameKind::Response)
}

/// The lines of a frame, in its order.
#[must_use]
pub fn lines_of(frame: &PeerFrame, time_us: u64) -> Vec<Line> {
    match signed_in(frame) {
        Ok(signed) => signed.iter().map(|signed| Line::Message(Message::of(signed, frame, time_us))).collect(),
        Err(_) => vec![Line::Malformed {
            time_us,
            peer: frame.peer.0,
            frame: frame.kind.name().to_owned(),
            bytes: frame.payload.len(),
        }],
    }
}

fn signed_in(frame: &PeerFrame) -> Result<Vec<Signed>, CodecError> {
    let bytes = &frame.payload;
    Ok(match frame.kind {
        FrameKind::Certificate => vec![Signed::Certificate(Certificate::from_bytes(bytes)?)],
        FrameKind::Statement => vec![Signed::Statement(SignedStatement::from_bytes(bytes)?, false)],
        FrameKind::Proposal => {
            let Proposal { header, parent_proof, gap, signature } = Proposal::from_bytes(bytes)?;
            let statement = Statement::Notarize { view: header.view(), digest: header.digest() };
            let vote = SignedStatement { statement, signer: header.proposer(), signature };
            let attached = parent_proof.into_iter().chain(gap).map(Signed::Certificate);
            [Signed::Statement(vote, true)].into_iter().chain(attached).collect()
        }
        FrameKind::Response => match Response::from_bytes(bytes)? {
            Response::Proofs { certificates, statements } => {
                let statements = statements.into_iter().map(|signed| Signed::Statement(signed, false));
                certificates.into_iter().map(Signed::Certificate).chain(statements).collect()
            }
            Response::Blocks(blocks) => {
                blocks.into_iter().filter_map(|block| block.finalization).map(Signed::Certificate).collect()
            }
        },
        FrameKind::Body | FrameKind::Transactions | FrameKind::Request => Vec::new(),
    })
}

impl Message {
    fn of(signed: &Signed, frame: &PeerFrame, time_us: u64) -> Self {
        let (statement, signature) = match signed {
            Signed::Statement(signed, _) => (signed.statement, hex::encode(signed.signature.as_bytes())),
            Signed::Certificate(certificate) => {
                (certificate.statement(), hex::encode(certificate.signature.to_bytes()))
            }
        };
        let kind = match signed {
            Signed::Statement(_, true) => Kind::Proposal,
            Signed::Statement(SignedStatement { statement: Statement::Notarize { .. }, .. }, _) => Kind::Notarize,
            Signed::Statement(..) => Kind::Nullify,
            Signed::Certificate(certificate) => match certificate.kind {
                CertificateKind::Notarization => Kind::Notarization,
                CertificateKind::Nullification => Kind::Nullification,
                CertificateKind::Finalization => Kind::Finalization,
            },
        };
        let (signer, signers) = match signed {
            Signed::Statement(signed, _) => (Some(signed.signer.0), None),
            Signed::Certificate(certificate) => (None, Some(hex::encode(certificate.signers.as_bytes()))),
        };
        Self {
            time_us,
            peer: frame.peer.0,
            frame: frame.kind.name().to_owned(),
            kind,
            view: statement.view().0,
            digest: statement.digest(),
            signer,
            signers,
            signature,
        }
    }

    /// The message for a check against a committee of `n`.
    ///
    /// # Errors
    /// A line that no node writes, or a bitmap of another committee.
    pub fn signed(&self, n: usize) -> Result<Signed, String> {
        let view = View(self.view);
        let bytes = hex::decode(&self.signature).map_err(|error| format!("signature: {error}"))?;
        let digest = || self.digest.ok_or_else(|| format!("a {:?} without a digest", self.kind));
        let certificate = |kind, digest| {
            let text = self.signers.as_deref().ok_or("a certificate without signers")?;
            let signers = bitmap(text, n)?;
            let signature = QuorumSignature::from_bytes(&bytes).filter(|signature| signature.fits(signers.count()));
            let signature = signature.ok_or_else(|| format!("{} bytes are no quorum's signature", bytes.len()))?;
            Ok(Signed::Certificate(Certificate { kind, view, digest, signers, signature }))
        };
        let statement = |statement, is_proposal| {
            let signer = self.signer.map(ValidatorIndex).ok_or("a statement without a signer")?;
            let signature = StatementSignature::from_bytes(&bytes)
                .ok_or_else(|| format!("{} bytes are no signature", bytes.len()))?;
            Ok(Signed::Statement(SignedStatement { statement, signer, signature }, is_proposal))
        };
        match self.kind {
            Kind::Notarize => statement(Statement::Notarize { view, digest: digest()? }, false),
            Kind::Proposal => statement(Statement::Notarize { view, digest: digest()? }, true),
            Kind::Nullify => statement(Statement::Nullify { view }, false),
            Kind::Notarization => certificate(CertificateKind::Notarization, digest()?),
            Kind::Finalization => certificate(CertificateKind::Finalization, digest()?),
            Kind::Nullification => certificate(CertificateKind::Nullification, Digest::ZERO),
        }
    }
}

fn bitmap(text: &str, n: usize) -> Result<SignerBitmap, String> {
    let bytes = hex::decode(text).map_err(|error| format!("signers: {error}"))?;
    let mut signers = SignerBitmap::new(n);
    for (index, bit) in (0u16..).zip(bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1))) {
        if bit == 1 && !signers.insert(ValidatorIndex(index)) {
            return Err(format!("signers {text}: no bitmap of a committee of {n}"));
        }
    }
    if signers.as_bytes().len() == bytes.len() {
        Ok(signers)
    } else {
        Err(format!("signers {text}: no bitmap of a committee of {n}"))
    }
}
