//! A readable record of a run: one line an event, fixed width.

use minuet_consensus::wire::{BodyMessage, Proposal, Request};
use minuet_core::certificate::Certificate;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::wire::FrameKind;
use minuet_core::{Bytes, Digest};

/// Lines, if they are wanted.
pub struct Trace(Option<Vec<String>>);

impl Trace {
    pub const fn new(wanted: bool) -> Self {
        Self(if wanted { Some(Vec::new()) } else { None })
    }

    pub fn line(&mut self, now_us: u64, slot: usize, words: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.0 {
            lines.push(format!("{:>6}.{:06} {slot:>3} {}", now_us / 1_000_000, now_us % 1_000_000, words()));
        }
    }

    pub fn take(&mut self) -> Vec<String> {
        self.0.take().unwrap_or_default()
    }
}

fn short(digest: &Digest) -> String {
    format!("{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3])
}

/// A frame in a few words.
pub fn describe(kind: FrameKind, payload: &Bytes) -> String {
    let name = kind.name();
    let words = match kind {
        FrameKind::Statement => SignedStatement::from_bytes(payload).ok().map(|signed| match signed.statement {
            Statement::Notarize { view, digest } => format!("view {view} notarize {}", short(&digest)),
            Statement::Nullify { view } => format!("view {view} nullify"),
        }),
        FrameKind::Certificate => Certificate::from_bytes(payload).ok().map(|certificate| {
            let (view, digest) = (certificate.view, short(&certificate.digest));
            format!("view {view} {:?} {digest} by {}", certificate.kind, certificate.signers.count())
        }),
        FrameKind::Proposal => Proposal::from_bytes(payload).ok().map(|proposal| {
            let header = &proposal.header;
            let (digest, parent) = (short(&header.digest()), short(&header.parent()));
            format!(
                "view {} {digest} on view {} {parent}, gap {}",
                header.view(),
                header.parent_view(),
                proposal.gap.len()
            )
        }),
        FrameKind::Body => BodyMessage::from_bytes(payload)
            .ok()
            .map(|body| format!("{} with {} transactions", short(&body.digest), body.body.transactions.len())),
        FrameKind::Request => Request::from_bytes(payload).ok().map(|request| format!("{request:?}")),
        FrameKind::Transactions | FrameKind::Response => Some(format!("{} bytes", payload.len())),
    };
    format!("{name:<12} {}", words.unwrap_or_else(|| format!("malformed, {} bytes", payload.len())))
}
