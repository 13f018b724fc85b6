//! Finality proofs out of the stored chain. Never does: verify one; whoever asks does.

use crate::convert;
use crate::proto::GetFinalizationResponse;
use crate::refusal::{inconsistent, refuse, store_failed};
use crate::source::ChainSource;
use minuet_core::Height;
use minuet_core::certificate::Certificate;
use minuet_core::finality_proof::MAX_PROOF_HEADERS;
use std::sync::Arc;
use tonic::{Code, Status};

/// The header path of a final block up to the next certificate. Reads up to thousands of headers, so on a thread that may
/// block.
pub async fn finalization(chain: Arc<dyn ChainSource>, height: Height) -> Result<GetFinalizationResponse, Status> {
    let read = tokio::task::spawn_blocking(move || read(chain.as_ref(), height)).await;
    read.map_err(|_| inconsistent(format_args!("the proof of block {height} cannot be read")))?
}

fn read(chain: &dyn ChainSource, height: Height) -> Result<GetFinalizationResponse, Status> {
    let certified = next_certificate(chain, height)?;
    let last = certified.as_ref().map_or(height, |(last, _)| *last);
    let mut header_rlps = Vec::new();
    for place in height.0..=last.0 {
        let header = chain.header_by_height(Height(place)).map_err(|error| store_failed(&error))?;
        let header = header.ok_or_else(|| inconsistent(format_args!("block {place} has no header")))?;
        header_rlps.push(header.encode().into());
    }
    let certificate = certified.map(|(_, certificate)| certificate);
    Ok(GetFinalizationResponse {
        header_rlps,
        certificate_rlp: certificate.as_ref().map(Certificate::to_bytes).unwrap_or_default().into(),
        finalization: certificate.as_ref().map(convert::certificate),
    })
}

/// The first certificate at or above a final block; block 0 needs none.
fn next_certificate(chain: &dyn ChainSource, from: Height) -> Result<Option<(Height, Certificate)>, Status> {
    if from == Height::GENESIS {
        return Ok(None);
    }
    let (tip, _) = chain.tip().map_err(|error| store_failed(&error))?;
    for height in (from.0..=tip.0).take(MAX_PROOF_HEADERS) {
        if let Some(found) = chain.certificate(Height(height)).map_err(|error| store_failed(&error))? {
            return Ok(Some((Height(height), found)));
        }
    }
    if tip.0.saturating_sub(from.0) < MAX_PROOF_HEADERS as u64 {
        return Err(inconsistent(format_args!("the newest final block, {tip}, has no certificate")));
    }
    let text = format!(
        "block {from} has no certificate within {MAX_PROOF_HEADERS} blocks, the longest proof there is: ask another node, \
         which may have one nearer"
    );
    Err(refuse(Code::OutOfRange, "proof_too_long", text))
}
