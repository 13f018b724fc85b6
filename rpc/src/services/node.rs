//! NodeService.

use super::{Services, Shared};
use crate::convert::wire;
use crate::proto::get_health_response::Status as Health;
use crate::proto::node_service_server::NodeService;
use crate::refusal::invalid;
use crate::{health, process, proto};
use minuet_core::evidence::{Evidence, KEY_BYTES};
use minuet_core::rejection::RejectReason;
use prost::bytes::Bytes as WireBytes;
use std::collections::HashMap;
use tonic::{Request, Response, Status};

/// Pieces of evidence in one answer.
const MAX_EVIDENCE: usize = 256;

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Reasons that applied at least once.
fn rejected_by_reason(shared: &Shared) -> HashMap<String, u64> {
    let messages =
        RejectReason::ALL.iter().map(|reason| (reason.word().to_owned(), shared.status.rejections.of(*reason)));
    let network = shared.peers.rejects().into_iter().map(|(word, count)| (format!("p2p_{word}"), count));
    messages.chain(network).filter(|(_, count)| *count > 0).collect()
}

fn status(shared: &Shared) -> Result<proto::GetStatusResponse, Status> {
    let (height, digest) = shared.read(|chain| chain.tip())?;
    let header = shared.read(|chain| chain.header_by_height(height))?;
    let (genesis, vital) = (&shared.genesis, &shared.status);
    let quorums = genesis.committee().quorums();
    let finality = shared.feed.finality();
    Ok(proto::GetStatusResponse {
        version: shared.version.clone(),
        chain_id: genesis.chain_id(),
        genesis_hash: wire(genesis.digest()),
        genesis_fingerprint: wire(genesis.fingerprint()),
        validator_index: shared.validator.map(|index| index.0.into()),
        view: vital.view.get(),
        finalized_view: vital.finalized_view.get(),
        height: height.0,
        hash: wire(digest),
        block_time_ms: header.as_ref().map_or(0, |header| header.time().0),
        known_height: vital.known_height.get().max(height.0),
        peers: u32::try_from(vital.peers.get()).unwrap_or(u32::MAX),
        pool_pending: vital.pending.get(),
        pool_queued: vital.queued.get(),
        pool_bytes: vital.pool_bytes.get(),
        base_fee: header.as_ref().map_or(0, |header| header.base_fee()),
        min_base_fee: genesis.fees().min_base_fee,
        n: small(quorums.n()),
        f: small(quorums.f()),
        m: small(quorums.m()),
        l: small(quorums.l()),
        nullified_views: vital.nullified_views.get(),
        proposed_blocks: vital.proposed_blocks.get(),
        delta_ms: vital.delta_ms.get(),
        journal_sync_us: vital.journal_sync_us.get(),
        commit_us: vital.commit_us.get(),
        uptime_ms: u64::try_from(shared.started_at.elapsed().as_millis()).unwrap_or(u64::MAX),
        finality_p50_us: finality.p50_us,
        finality_p99_us: finality.p99_us,
        finality_samples: small(finality.samples),
        finalized_transactions: vital.finalized_transactions.get(),
        admitted_transactions: vital.admitted.get(),
        refused_transactions: vital.refused.get(),
        rejected_messages: vital.rejections.total(),
        rejected_by_reason: rejected_by_reason(shared),
        evidence_count: vital.evidence.get(),
        bytes_received: vital.bytes_received.get(),
        bytes_sent: vital.bytes_sent.get(),
        resident_bytes: process::resident_bytes(),
        cpu_ms: process::cpu_ms(),
        recovered_blocks: shared.feed.recovered(),
        oldest_height: shared.read(|chain| chain.oldest())?.0,
        disk_free_bytes: vital.disk_free_bytes.get(),
        pool_log_bytes: vital.pool_log_bytes.get(),
        role: shared.role.name().to_owned(),
    })
}

fn evidence_message(evidence: &Evidence) -> proto::Evidence {
    proto::Evidence {
        kind: evidence.kind().to_owned(),
        view: evidence.view().0,
        validator_index: evidence.validator().map(|index| index.0.into()),
        messages: evidence.messages().into_iter().map(wire).collect(),
        encoded: wire(evidence.to_bytes()),
    }
}

#[tonic::async_trait]
impl NodeService for Services {
    async fn get_status(
        &self,
        _request: Request<proto::GetStatusRequest>,
    ) -> Result<Response<proto::GetStatusResponse>, Status> {
        let _permit = self.0.limits.call()?;
        status(&self.0).map(Response::new)
    }

    async fn get_peers(
        &self,
        _request: Request<proto::GetPeersRequest>,
    ) -> Result<Response<proto::GetPeersResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let peers = self.0.peers.peers().into_iter().map(|peer| proto::Peer {
            id: peer.id.0,
            validator_index: peer.validator.map(|index| index.0.into()),
            network_key: wire(peer.network_key),
            address: peer.address,
            connected: peer.connected,
            inbound: peer.inbound,
            rtt_us: peer.rtt_us,
            bytes_received: peer.bytes_received,
            bytes_sent: peer.bytes_sent,
            last_error: peer.last_error,
            banned_for_ms: peer.banned_for_ms,
            bans: peer.bans,
            score: peer.score,
            follower: peer.follower,
        });
        Ok(Response::new(proto::GetPeersResponse { peers: peers.collect() }))
    }

    async fn get_evidence(
        &self,
        request: Request<proto::GetEvidenceRequest>,
    ) -> Result<Response<proto::GetEvidenceResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let proto::GetEvidenceRequest { from, limit } = request.into_inner();
        if !from.is_empty() && from.len() != KEY_BYTES {
            let text = format_args!("must be empty or an answer's next ({KEY_BYTES} bytes), not {} bytes", from.len());
            return Err(invalid("from", "evidence_key_length", text));
        }
        let limit = match usize::try_from(limit) {
            Ok(limit @ 1..=MAX_EVIDENCE) => limit,
            Ok(0) => MAX_EVIDENCE,
            _ => return Err(invalid("limit", "limit_range", format_args!("{limit} is above {MAX_EVIDENCE}"))),
        };
        // One more says where to go on.
        let mut found = self.0.read(|chain| chain.evidence(&from, limit + 1))?;
        let next = found.get(limit).map_or_else(WireBytes::new, |evidence| wire(evidence.key()));
        found.truncate(limit);
        let evidence = found.iter().map(evidence_message).collect();
        Ok(Response::new(proto::GetEvidenceResponse { evidence, next }))
    }

    async fn get_health(
        &self,
        _request: Request<proto::GetHealthRequest>,
    ) -> Result<Response<proto::GetHealthResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let mut reasons = health::reasons(&self.0);
        let status = if reasons.is_empty() { Health::Serving } else { Health::NotServing };
        reasons.extend(health::low_disk(&self.0.status));
        Ok(Response::new(proto::GetHealthResponse { status: status.into(), reasons }))
    }
}
