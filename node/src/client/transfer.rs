//! `minuet transfer`.

use super::account::signing_key;
use super::{block_on, connect, refused};
use crate::cli::TransferArgs;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::transaction::{EmptyList, Transaction, UnsignedTransaction, address_of};
use minuet_core::{Digest, U256};
use minuet_rpc::client::{Client, hash};
use minuet_rpc::proto::transaction_state::State;
use minuet_rpc::proto::{FinalOutcome, final_outcome};
use serde_json::json;
use std::time::{Duration, Instant};

/// Signs, sends and, unless told otherwise, waits until final.
///
/// # Errors
/// The key's, the node's refusal, or that it was dropped, reverted or not final in time.
pub fn transfer(args: &TransferArgs) -> Result<Output, Failure> {
    let key = signing_key(&args.signer)?;
    block_on(send(args, &key))
}

async fn send(args: &TransferArgs, key: &Ed25519SecretKey) -> Result<Output, Failure> {
    let mut client = connect(&args.node.url).await?;
    let transaction = build(args, key, &mut client).await?;
    let name = transaction.hash();
    let envelope = transaction.envelope().clone();
    let start = Instant::now();
    if args.no_wait {
        client.submit(envelope).await.map_err(|error| refused(&error))?;
        let json = json!({"ok": true, "hash": name, "nonce": transaction.nonce(), "state": "admitted"});
        return Ok(Output::new(format!("{name}\nadmitted; follow it with: minuet tx {name}"), json));
    }
    let timeout = Duration::from_secs(args.timeout.into());
    let answer = client.submit_and_wait(envelope, timeout).await.map_err(|error| refused(&error))?;
    let latency_ms = (start.elapsed().as_secs_f64() * 100_000.0).round() / 100.0;
    match answer.state.and_then(|state| state.state) {
        Some(State::Final(outcome)) => Ok(finished(&transaction, &outcome, latency_ms)),
        Some(State::Dropped(dropped)) => {
            Err(Failure::new(Exit::Rejected, format!("{name} was dropped: {}", dropped.reason)))
        }
        _ => {
            let reason =
                format!("{name} is not final after {} s and may still become so: minuet tx {name}", args.timeout);
            Err(Failure::new(Exit::Rejected, reason))
        }
    }
}

async fn build(args: &TransferArgs, key: &Ed25519SecretKey, client: &mut Client) -> Result<Transaction, Failure> {
    let status = client.status().await.map_err(|error| refused(&error))?;
    let genesis: Digest = hash(&status.genesis_hash).map_err(|error| refused(&error))?;
    let sender = address_of(&key.public_key());
    let nonce = match args.nonce {
        Some(nonce) => nonce,
        None => client.next_nonce(&sender).await.map_err(|error| refused(&error))?,
    };
    let tip = args.priority_fee_per_gas;
    let default_fee = u128::from(status.base_fee.max(status.min_base_fee)).saturating_mul(2).saturating_add(tip);
    let mut unsigned = UnsignedTransaction {
        chain_id: status.chain_id,
        nonce,
        max_priority_fee_per_gas: tip,
        max_fee_per_gas: args.max_fee_per_gas.unwrap_or(default_fee),
        gas_limit: 0,
        to: args.to,
        value: args.value,
        data: args.data.clone().unwrap_or_default(),
        access_list: EmptyList,
        public_key: key.public_key(),
    };
    unsigned.gas_limit = unsigned.intrinsic_gas();
    Ok(unsigned.sign(key, &genesis))
}

fn finished(transaction: &Transaction, outcome: &FinalOutcome, latency_ms: f64) -> Output {
    let fields = transaction.fields();
    let succeeded = outcome.status() == final_outcome::Status::Succeeded;
    let word = if succeeded { "succeeded" } else { "reverted" };
    let fee = outcome.fee.parse().unwrap_or(U256::ZERO);
    let name = transaction.hash();
    let text = format!(
        "{name}\nfinal in block {} after {latency_ms} ms: {word}\n{} from {} to {}, fee {}",
        outcome.height,
        crate::amount::ether(fields.value),
        transaction.sender(),
        fields.to,
        crate::amount::ether(fee)
    );
    let json = json!({
        "ok": succeeded, "hash": name, "state": "final", "status": word, "height": outcome.height,
        "block_hash": format!("0x{}", hex::encode(&outcome.block_hash)), "index": outcome.index,
        "latency_ms": latency_ms, "nonce": transaction.nonce(), "sender": transaction.sender(), "to": fields.to,
        "value": fields.value.to_string(), "fee": outcome.fee, "gas_used": outcome.gas_used,
    });
    let failure =
        (!succeeded).then(|| Failure::new(Exit::Rejected, format!("{name} was reverted: only its fee was charged")));
    Output { text, json, failure }
}
