//! `minuet tx`, `minuet block` and `minuet status`.

use super::{block_on, connect, refused};
use crate::cli::{BlockArgs, StatusArgs, TxArgs};
use crate::exit::{Exit, Failure};
use crate::localnet::Manifest;
use crate::output::Output;
use minuet_core::{B256, Height};
use minuet_rpc::client::WhichBlock;
use minuet_rpc::proto::transaction_state::State;
use minuet_rpc::proto::{Block, GetStatusResponse, TransactionDetail, final_outcome};
use serde_json::{Value, json};

pub(super) fn hex0x(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// What became of a transaction.
///
/// # Errors
/// The node's; exit code 12 for one that the node does not know.
pub fn tx(args: &TxArgs) -> Result<Output, Failure> {
    block_on(async {
        let mut client = connect(&args.node.url).await?;
        let answer = client.transaction(&args.hash).await.map_err(|error| refused(&error))?;
        let state = answer.state.and_then(|state| state.state);
        let (mut text, mut json) = describe_state(args.hash, state.as_ref());
        if let Some(fields) = answer.transaction {
            let (sender, to) = (hex0x(&fields.sender), hex0x(&fields.to));
            text.push_str(&format!("\n{} wei from {sender} to {to}, nonce {}", fields.value, fields.nonce));
            json["transaction"] = json!({
                "sender": sender, "to": to, "value": fields.value, "nonce": fields.nonce,
                "gas_limit": fields.gas_limit, "max_fee_per_gas": fields.max_fee_per_gas,
                "max_priority_fee_per_gas": fields.max_priority_fee_per_gas, "chain_id": fields.chain_id,
                "data": hex0x(&fields.data), "public_key": hex0x(&fields.public_key),
            });
        }
        let unknown = matches!(state, None | Some(State::Unknown(_)));
        let failure = unknown.then(|| Failure::new(Exit::NotFound, format!("{} is not known to this node", args.hash)));
        json["ok"] = json!(!unknown);
        Ok(Output { text, json, failure })
    })
}

fn describe_state(hash: B256, state: Option<&State>) -> (String, Value) {
    let mut json = json!({"hash": hash});
    let text = match state {
        Some(State::Final(outcome)) => {
            let succeeded = outcome.status() == final_outcome::Status::Succeeded;
            let word = if succeeded { "succeeded" } else { "reverted" };
            json["state"] = json!("final");
            json["status"] = json!(word);
            json["height"] = json!(outcome.height);
            json["block_hash"] = json!(hex0x(&outcome.block_hash));
            json["index"] = json!(outcome.index);
            json["gas_used"] = json!(outcome.gas_used);
            json["fee"] = json!(outcome.fee);
            format!("final in block {} at place {}: {word}, fee {} wei", outcome.height, outcome.index, outcome.fee)
        }
        Some(State::Included(place)) => {
            json["state"] = json!("included");
            json["height"] = json!(place.height);
            format!("included in block {}, not final yet", place.height)
        }
        Some(State::Pending(_)) => {
            json["state"] = json!("pending");
            "pending: waits for a block".to_owned()
        }
        Some(State::Queued(_)) => {
            json["state"] = json!("queued");
            "queued: waits for the sender's transactions with lower nonces".to_owned()
        }
        Some(State::Dropped(dropped)) => {
            json["state"] = json!("dropped");
            json["reason"] = json!(dropped.reason);
            format!("dropped: {}", dropped.reason)
        }
        Some(State::Unknown(_)) | None => {
            json["state"] = json!("unknown");
            "unknown: never seen by this node, or forgotten".to_owned()
        }
    };
    (format!("{hash}\n{text}"), json)
}

/// A final block.
///
/// # Errors
/// The node's; exit code 12 for one that is not final.
pub fn block(args: &BlockArgs) -> Result<Output, Failure> {
    let which = which_block(&args.which)?;
    if let Some(genesis) = &args.genesis {
        return super::verify::block(args, which, genesis);
    }
    let detail = if args.transactions { TransactionDetail::Hashes } else { TransactionDetail::Unspecified };
    block_on(async {
        let mut client = connect(&args.node.url).await?;
        let answer = match which {
            WhichBlock::Latest => client.latest_block(detail).await,
            WhichBlock::Height(height) => client.block_at(height, detail).await,
            WhichBlock::Hash(hash) => client.block(&hash, detail).await,
        };
        Ok(describe_block(&answer.map_err(|error| refused(&error))?))
    })
}

fn which_block(text: &str) -> Result<WhichBlock, Failure> {
    let height = || text.parse().ok().map(|height| WhichBlock::Height(Height(height)));
    let hash = || text.parse().ok().map(WhichBlock::Hash);
    let latest = (text == "latest").then_some(WhichBlock::Latest);
    latest.or_else(height).or_else(hash).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("'{text}' is neither a height, nor a block's hash, nor 'latest'"))
    })
}

fn describe_block(block: &Block) -> Output {
    let signers = block.finalization.as_ref().map(|certificate| certificate.signer_count);
    let hashes: Vec<String> = block.transaction_hashes.iter().map(|hash| hex0x(hash)).collect();
    let mut text = format!(
        "block {}  {}\nparent        {}\nview          {} (parent's {}), proposed by validator {}\ntime          {} ms\n\
         transactions  {}\ngas           {} of {}\nbase fee      {} wei\nstate root    {}\nfinalized by  {}",
        block.height,
        hex0x(&block.hash),
        hex0x(&block.parent_hash),
        block.view,
        block.parent_view,
        block.proposer,
        block.time_ms,
        block.transaction_count,
        block.gas_used,
        block.gas_limit,
        block.base_fee,
        hex0x(&block.state_root),
        signers.map_or("a later block's certificate".to_owned(), |count| format!("{count} validators"))
    );
    for hash in &hashes {
        text.push_str(&format!("\n  {hash}"));
    }
    let json = json!({
        "ok": true, "height": block.height, "hash": hex0x(&block.hash), "parent_hash": hex0x(&block.parent_hash),
        "view": block.view, "parent_view": block.parent_view, "epoch": block.epoch, "proposer": block.proposer,
        "time_ms": block.time_ms, "fee_recipient": hex0x(&block.fee_recipient), "state_root": hex0x(&block.state_root),
        "transactions_root": hex0x(&block.transactions_root), "receipts_root": hex0x(&block.receipts_root),
        "gas_limit": block.gas_limit, "gas_used": block.gas_used, "base_fee": block.base_fee,
        "transaction_count": block.transaction_count, "transaction_hashes": hashes, "finalization_signers": signers,
    });
    Output::new(text, json)
}

/// How one node, a whole localnet or any set of nodes is doing.
///
/// # Errors
/// With one node, the node's; with several, if none answers, or if they contradict each other.
pub fn status(args: &StatusArgs) -> Result<Output, Failure> {
    if !args.nodes.is_empty() {
        return super::fleet::status(&args.nodes);
    }
    if args.all {
        return super::fleet::status(&Manifest::read(&args.dir)?.rpc_urls());
    }
    block_on(async {
        let mut client = connect(&args.node.url).await?;
        let status = client.status().await.map_err(|error| refused(&error))?;
        Ok(Output::new(describe_status(&status), status_json(&args.node.url, &status)))
    })
}

fn describe_status(status: &GetStatusResponse) -> String {
    let lag = status.known_height.saturating_sub(status.height);
    format!(
        "version       {}\nchain         id {}, genesis {}\nrole          {}\nheight        {} ({lag} behind), view {}\n\
         finality      p50 {:.2} ms, p99 {:.2} ms over {} blocks\ncommittee     n={} f={} M={} L={}\n\
         peers         {}\npool          {} pending, {} queued, {} bytes\nbase fee      {} wei\n\
         nullified     {} views since start\nuptime        {} s, {} s of processor, {} MiB of memory\n\
         storage       blocks from {} on, {} MiB of disk free",
        status.version,
        status.chain_id,
        hex0x(&status.genesis_fingerprint),
        status.validator_index.map_or(status.role.clone(), |index| format!("{} {index}", status.role)),
        status.height,
        status.view,
        status.finality_p50_us as f64 / 1000.0,
        status.finality_p99_us as f64 / 1000.0,
        status.finality_samples,
        status.n,
        status.f,
        status.m,
        status.l,
        status.peers,
        status.pool_pending,
        status.pool_queued,
        status.pool_bytes,
        status.base_fee,
        status.nullified_views,
        status.uptime_ms / 1000,
        status.cpu_ms / 1000,
        status.resident_bytes / (1024 * 1024),
        status.oldest_height,
        status.disk_free_bytes / (1024 * 1024)
    )
}

pub(super) fn status_json(url: &str, status: &GetStatusResponse) -> Value {
    json!({
        "ok": true, "url": url, "version": status.version, "chain_id": status.chain_id,
        "genesis_hash": hex0x(&status.genesis_hash), "genesis_fingerprint": hex0x(&status.genesis_fingerprint),
        "role": status.role, "validator_index": status.validator_index, "height": status.height, "hash": hex0x(&status.hash),
        "view": status.view, "finalized_view": status.finalized_view, "known_height": status.known_height,
        "block_time_ms": status.block_time_ms, "peers": status.peers, "pool_pending": status.pool_pending,
        "pool_queued": status.pool_queued, "pool_bytes": status.pool_bytes, "base_fee": status.base_fee,
        "n": status.n, "f": status.f, "m": status.m, "l": status.l, "nullified_views": status.nullified_views,
        "proposed_blocks": status.proposed_blocks, "delta_ms": status.delta_ms,
        "finality_p50_ms": status.finality_p50_us as f64 / 1000.0,
        "finality_p99_ms": status.finality_p99_us as f64 / 1000.0,
        "journal_sync_us": status.journal_sync_us, "commit_us": status.commit_us, "uptime_ms": status.uptime_ms,
        "cpu_ms": status.cpu_ms, "resident_bytes": status.resident_bytes,
        "finalized_transactions": status.finalized_transactions, "rejected_by_reason": status.rejected_by_reason,
        "evidence_count": status.evidence_count,
        "finalized_transactions": status.finalized_transactions, "oldest_height": status.oldest_height,
        "disk_free_bytes": status.disk_free_bytes,
    })
}
