//! `minuet block --verify`: a block checked against the genesis alone. Everything shown is from what was checked.

use super::query::hex0x;
use super::{block_on, connect, refused};
use crate::cli::BlockArgs;
use crate::config::read_genesis;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use minuet_core::block::Body;
use minuet_core::finality_proof::{FinalityProof, MAX_PROOF_BYTES, Proven, ProvenBy};
use minuet_core::genesis::Genesis;
use minuet_core::header::BlockHeader;
use minuet_core::{B256, Bytes, keccak256};
use minuet_rpc::client::{Client, WhichBlock};
use minuet_rpc::proto::TransactionDetail;
use serde_json::json;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// Checks a block by the proof of a node, or by a kept one.
///
/// # Errors
/// [`Exit::Unproven`] naming the check that failed; the genesis', the node's, the files'.
pub fn block(args: &BlockArgs, which: WhichBlock, genesis: &Path) -> Result<Output, Failure> {
    let genesis = read_genesis(genesis)?;
    if let Some(file) = &args.proof {
        let proof = read_proof(file)?;
        let proven = check(&proof, which, &genesis)?;
        return Ok(describe(&proof, &proven, &genesis, None));
    }
    block_on(async {
        let mut client = connect(&args.node.url).await?;
        let proof = client.finality_proof(which).await.map_err(|error| refused(&error))?;
        let proven = check(&proof, which, &genesis)?;
        let transactions = if args.transactions { Some(transactions(&mut client, proven.header).await?) } else { None };
        if let Some(file) = &args.save_proof {
            save_proof(file, &proof)?;
        }
        Ok(describe(&proof, &proven, &genesis, transactions))
    })
}

fn unproven(reason: impl Display) -> Failure {
    Failure::new(Exit::Unproven, format!("not proven: {reason}"))
}

/// The proof holds, and it is of the block that was asked for.
fn check<'a>(proof: &'a FinalityProof, which: WhichBlock, genesis: &Genesis) -> Result<Proven<'a>, Failure> {
    let proven = proof.verify(genesis).map_err(unproven)?;
    let (height, hash) = (proven.header.height(), proven.header.digest());
    let is_it = match which {
        // Which block is the newest is the node's word; that it is final is not.
        WhichBlock::Latest => true,
        WhichBlock::Height(asked) => asked == height,
        WhichBlock::Hash(asked) => asked == hash,
    };
    if is_it { Ok(proven) } else { Err(unproven(format_args!("the proof is of block {height}, {hash}"))) }
}

/// The hashes of the block's transactions, which the header's root binds.
async fn transactions(client: &mut Client, header: &BlockHeader) -> Result<Vec<B256>, Failure> {
    let block = client.block(&header.digest(), TransactionDetail::Full).await.map_err(|error| refused(&error))?;
    if block.header_rlp[..] != header.encode() {
        return Err(unproven("block: the node gives another header under the proven hash"));
    }
    let envelopes = block.transactions.into_iter().map(|entry| Bytes(entry.transaction.unwrap_or_default().envelope));
    let body = Body { transactions: envelopes.collect() };
    let (found, expected) = (body.root(), header.transactions_root());
    if found != expected {
        let reason =
            format_args!("transactions: the root of those that the node gives is {found}, the header's {expected}");
        return Err(unproven(reason));
    }
    Ok(body.transactions.iter().map(keccak256).collect())
}

fn read_proof(path: &Path) -> Result<FinalityProof, Failure> {
    let unreadable = |error| Failure::new(Exit::Usage, format!("cannot read proof {}: {error}", path.display()));
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to see that it is too long.
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_PROOF_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    FinalityProof::decode(&bytes).map_err(|error| unproven(format_args!("{}: {error}", path.display())))
}

fn save_proof(path: &Path, proof: &FinalityProof) -> Result<(), Failure> {
    let failed = |error| Failure::new(Exit::Usage, format!("cannot write proof {}: {error}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(&proof.encode()).and_then(|()| file.sync_all()).map_err(failed)
}

fn describe(proof: &FinalityProof, proven: &Proven<'_>, genesis: &Genesis, transactions: Option<Vec<B256>>) -> Output {
    let header = proven.header;
    let ethereum = header.ethereum();
    let n = genesis.committee().n();
    let final_by = match proven.by {
        ProvenBy::Genesis => "definition: it is block 0 of this genesis".to_owned(),
        ProvenBy::Certificate { height, view, signers } => {
            let above = height.0.saturating_sub(header.height().0);
            let whose = if above == 0 { "its own".to_owned() } else { format!("block {height}'s ({above} above)") };
            format!("{whose} certificate of view {view}, signed by {signers} of {n} validators")
        }
    };
    let listed = match &transactions {
        None => "not checked (--transactions does)".to_owned(),
        Some(hashes) => format!("{}, checked against the header's root", hashes.len()),
    };
    let mut text = format!(
        "block {}  {}\nproven        final by {final_by}\nagainst       genesis {} of chain {}\nparent        {}\n\
         view          {} (parent's {}), proposed by validator {}\ntime          {} ms\ntransactions  {listed}\n\
         gas           {} of {}\nbase fee      {} wei\nstate root    {}",
        header.height(),
        header.digest(),
        genesis.fingerprint(),
        genesis.chain_id(),
        header.parent(),
        header.view(),
        header.parent_view(),
        header.proposer(),
        header.time(),
        header.gas_used(),
        ethereum.gas_limit,
        header.base_fee(),
        header.state_root(),
    );
    for hash in transactions.iter().flatten() {
        text.push_str(&format!("\n  {hash}"));
    }
    let mut json = json!({
        "ok": true, "verified": true, "height": header.height().0, "hash": header.digest(),
        "parent_hash": header.parent(), "view": header.view().0, "parent_view": header.parent_view().0,
        "epoch": header.epoch().0, "proposer": header.proposer().0, "time_ms": header.time().0,
        "fee_recipient": ethereum.beneficiary, "state_root": header.state_root(),
        "transactions_root": header.transactions_root(), "receipts_root": ethereum.receipts_root,
        "gas_limit": ethereum.gas_limit, "gas_used": header.gas_used(), "base_fee": header.base_fee(),
        "header_rlp": hex0x(&header.encode()), "proof_headers": proof.headers().len(), "validators": n,
        "chain_id": genesis.chain_id(), "genesis_fingerprint": genesis.fingerprint(),
        "transactions_verified": transactions.is_some(), "transaction_hashes": transactions.unwrap_or_default(),
    });
    if let ProvenBy::Certificate { height, view, signers } = proven.by {
        json["certificate_height"] = json!(height.0);
        json["certificate_view"] = json!(view.0);
        json["finalization_signers"] = json!(signers);
    }
    Output::new(text, json)
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
