//! One block in detail, read from the store.

use crate::source::BlockSource;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::store::StoreError;
use minuet_core::{Digest, Height, keccak256};
use serde::Serialize;

/// Hashes that one answer lists.
const MAX_HASHES: usize = 200;

/// `/api/blocks/{height}`
#[derive(Debug, Serialize)]
pub struct BlockDetail {
    height: u64,
    view: u64,
    hash: Digest,
    parent_hash: Digest,
    leader: u16,
    tx_count: usize,
    bytes: usize,
    time_ms: u64,
    gas_used: u64,
    gas_limit: u64,
    /// Wei, in decimal digits: a page reads numbers only up to 2⁵³.
    base_fee: String,
    state_root: Digest,
    transactions_root: Digest,
    receipts_root: Digest,
    certificate: Option<CertificateDetail>,
    transactions: Vec<Digest>,
}

#[derive(Debug, Serialize)]
struct CertificateDetail {
    view: u64,
    kind: &'static str,
    signers: Vec<u16>,
    block: Digest,
}

/// Why there is no block.
#[derive(Debug)]
pub enum NoBlock {
    /// In words for the client.
    NotThere(String),
    /// The store cannot be read.
    Failed(StoreError),
}

impl From<StoreError> for NoBlock {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Reads a final block; may block for a disk's time.
pub fn read(chain: &dyn BlockSource, height: u64) -> Result<BlockDetail, NoBlock> {
    let (tip, _) = chain.tip()?;
    if height > tip.0 {
        return Err(NoBlock::NotThere(format!("block {height} is not final yet: the newest final block is {tip}")));
    }
    let Some(header) = chain.header(Height(height))? else {
        let oldest = chain.oldest()?;
        return Err(NoBlock::NotThere(format!("block {height} is no longer kept: the oldest here is {oldest}")));
    };
    let body = chain.body(Height(height))?.unwrap_or_default();
    Ok(BlockDetail {
        height,
        view: header.view().0,
        hash: header.digest(),
        parent_hash: header.parent(),
        leader: header.proposer().0,
        tx_count: body.transactions.len(),
        bytes: body.transactions.iter().map(|envelope| envelope.len()).sum(),
        time_ms: header.time().0,
        gas_used: header.gas_used(),
        gas_limit: header.ethereum().gas_limit,
        base_fee: header.base_fee().to_string(),
        state_root: header.state_root(),
        transactions_root: header.transactions_root(),
        receipts_root: header.ethereum().receipts_root,
        certificate: chain.certificate(Height(height))?.map(detail),
        transactions: body.transactions.iter().take(MAX_HASHES).map(keccak256).collect(),
    })
}

fn detail(certificate: Certificate) -> CertificateDetail {
    CertificateDetail {
        view: certificate.view.0,
        kind: match certificate.kind {
            CertificateKind::Notarization => "notarization",
            CertificateKind::Nullification => "nullification",
            CertificateKind::Finalization => "finalization",
        },
        signers: certificate.signers.iter().map(|signer| signer.0).collect(),
        block: certificate.digest,
    }
}
