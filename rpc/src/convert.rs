//! Between the wire's messages and the project's types: fields are checked on the way in, amounts become decimal text on
//! the way out.

use crate::proto;
use crate::refusal::{inconsistent, invalid, store_failed};
use crate::source::ChainSource;
use minuet_core::certificate::Certificate;
use minuet_core::header::BlockHeader;
use minuet_core::messages::FinalizedBlock;
use minuet_core::receipt::Receipt;
use minuet_core::transaction::{MAX_TRANSACTION_BYTES, Transaction};
use minuet_core::{Address, B256, Bytes, Height, U256};
use prost::bytes::Bytes as WireBytes;
use std::sync::Arc;
use tonic::Status;

/// A final block with its outcomes.
#[derive(Clone, Debug)]
pub struct FinalEntry {
    pub header: Arc<BlockHeader>,
    pub transactions: Arc<[Arc<Transaction>]>,
    /// One a transaction.
    pub receipts: Arc<[Receipt]>,
    pub body_bytes: usize,
    /// Unix microseconds; unknown for blocks read back from the store.
    pub stored_at_us: Option<u64>,
}

impl From<FinalizedBlock> for FinalEntry {
    fn from(block: FinalizedBlock) -> Self {
        Self {
            header: block.header,
            transactions: block.transactions,
            receipts: block.receipts,
            body_bytes: block.body_bytes,
            stored_at_us: Some(block.stored_at_us),
        }
    }
}

impl FinalEntry {
    /// Memory that it keeps: envelopes, their decoded fields, receipts and what the allocator adds.
    pub fn memory_bytes(&self) -> usize {
        const EACH: usize = size_of::<Transaction>() + size_of::<Receipt>() + 64;
        self.transactions.len().saturating_mul(EACH).saturating_add(self.body_bytes)
    }

    /// From the proposer's clock to stored here.
    pub fn finality_us(&self) -> Option<u64> {
        let proposed_us = self.header.time().0.saturating_mul(1000);
        self.stored_at_us.map(|stored| stored.saturating_sub(proposed_us))
    }

    /// What became of the transaction at a place of the block.
    pub fn outcome(&self, index: u32) -> Result<proto::FinalOutcome, Status> {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let (Some(transaction), Some(receipt)) = (self.transactions.get(place), self.receipts.get(place)) else {
            return Err(inconsistent(format_args!("block {} has no transaction {index}", self.header.height())));
        };
        let used_before = place.checked_sub(1).and_then(|before| self.receipts.get(before));
        let used_before = used_before.map_or(0, |receipt| receipt.cumulative_gas_used);
        let gas_used = receipt.cumulative_gas_used.saturating_sub(used_before);
        let base_fee = self.header.base_fee();
        let tip = transaction.fields().effective_tip(base_fee).unwrap_or_default();
        let price = U256::from(base_fee).saturating_add(U256::from(tip));
        let status = if receipt.success {
            proto::final_outcome::Status::Succeeded
        } else {
            proto::final_outcome::Status::Reverted
        };
        Ok(proto::FinalOutcome {
            status: status.into(),
            height: self.header.height().0,
            block_hash: wire(self.header.digest()),
            index,
            gas_used,
            fee: price.saturating_mul(U256::from(gas_used)).to_string(),
            block_time_ms: self.header.time().0,
            stored_at_us: self.stored_at_us,
        })
    }

    /// Every transaction of the block with its outcome.
    pub fn outcomes(&self) -> Result<Vec<(&Arc<Transaction>, proto::FinalOutcome)>, Status> {
        (0u32..)
            .zip(self.transactions.iter())
            .map(|(index, transaction)| Ok((transaction, self.outcome(index)?)))
            .collect()
    }

    /// The hashes in order.
    pub fn hashes(&self) -> Vec<WireBytes> {
        self.transactions.iter().map(|transaction| wire(transaction.hash())).collect()
    }
}

/// Reads a final block with its outcomes from the store; `None` if the height is not final. Blocks the thread.
pub fn read_block(chain: &dyn ChainSource, height: Height) -> Result<Option<FinalEntry>, Status> {
    let Some(header) = chain.header_by_height(height).map_err(|error| store_failed(&error))? else { return Ok(None) };
    if header.is_empty_block() {
        let (transactions, receipts) = (Arc::new([]), Arc::new([]));
        return Ok(Some(FinalEntry { header, transactions, receipts, body_bytes: 0, stored_at_us: None }));
    }
    let body = chain.body(height).map_err(|error| store_failed(&error))?;
    let body = body.ok_or_else(|| inconsistent(format_args!("block {height} has no body")))?;
    let receipts = chain.receipts(height).map_err(|error| store_failed(&error))?.unwrap_or_default();
    if receipts.len() != body.transactions.len() {
        return Err(inconsistent(format_args!("block {height} has not one receipt a transaction")));
    }
    let decoded = body.transactions.iter().map(|envelope| Transaction::decode(envelope).map(Arc::new));
    let transactions: Result<Arc<[_]>, _> = decoded.collect();
    let transactions = transactions.map_err(|error| inconsistent(format_args!("block {height}: {error}")))?;
    let body_bytes = body.transactions.iter().map(|envelope| envelope.len()).sum();
    Ok(Some(FinalEntry { header, transactions, receipts: receipts.into(), body_bytes, stored_at_us: None }))
}

/// Bytes for the wire.
pub fn wire(bytes: impl AsRef<[u8]>) -> WireBytes {
    WireBytes::copy_from_slice(bytes.as_ref())
}

/// A 32-byte hash from a request.
pub fn hash_field(field: &str, bytes: &[u8]) -> Result<B256, Status> {
    let found = bytes.len();
    B256::try_from(bytes).map_err(|_| invalid(field, "hash_length", format_args!("must be 32 bytes, not {found}")))
}

/// A 20-byte address from a request.
pub fn address_field(field: &str, bytes: &[u8]) -> Result<Address, Status> {
    let found = bytes.len();
    Address::try_from(bytes)
        .map_err(|_| invalid(field, "address_length", format_args!("must be 20 bytes, not {found}")))
}

/// An envelope of an allowed length from a request; its content is the pool's business.
pub fn envelope_field(bytes: WireBytes) -> Result<Bytes, Status> {
    match bytes.len() {
        0 => Err(invalid("envelope", "transaction_malformed", "empty: send the signed EIP-2718 envelope")),
        // A copy: the transaction may stay in the pool for long, and the received bytes are a part of the whole request.
        1..=MAX_TRANSACTION_BYTES => Ok(Bytes::copy_from_slice(&bytes)),
        long => {
            let text = format!("{long} bytes, at most {MAX_TRANSACTION_BYTES} are allowed");
            Err(invalid("envelope", "transaction_too_long", text))
        }
    }
}

/// A transaction's fields.
pub fn transaction(transaction: &Transaction) -> proto::Transaction {
    let fields = transaction.fields();
    proto::Transaction {
        hash: wire(transaction.hash()),
        sender: wire(transaction.sender()),
        to: wire(fields.to),
        value: fields.value.to_string(),
        nonce: fields.nonce,
        gas_limit: fields.gas_limit,
        max_fee_per_gas: fields.max_fee_per_gas.to_string(),
        max_priority_fee_per_gas: fields.max_priority_fee_per_gas.to_string(),
        chain_id: fields.chain_id,
        data: fields.data.0.clone(),
        public_key: wire(fields.public_key.as_bytes()),
        envelope: transaction.envelope().0.clone(),
    }
}

/// A quorum's signature.
pub fn certificate(certificate: &Certificate) -> proto::Certificate {
    proto::Certificate {
        view: certificate.view.0,
        hash: wire(certificate.digest),
        signer_bitmap: wire(certificate.signers.as_bytes()),
        signer_count: u32::try_from(certificate.signers.count()).unwrap_or(u32::MAX),
        signature: certificate.signature.to_bytes().into(),
    }
}

/// A block in as much detail as asked for.
pub fn block(
    entry: &FinalEntry,
    detail: proto::TransactionDetail,
    finalization: Option<&Certificate>,
) -> Result<proto::Block, Status> {
    let header = &entry.header;
    let ethereum = header.ethereum();
    let (hashes, transactions) = match detail {
        proto::TransactionDetail::Unspecified => (Vec::new(), Vec::new()),
        proto::TransactionDetail::Hashes => (entry.hashes(), Vec::new()),
        proto::TransactionDetail::Full => (entry.hashes(), full_transactions(entry)?),
    };
    Ok(proto::Block {
        hash: wire(header.digest()),
        height: header.height().0,
        view: header.view().0,
        parent_view: header.parent_view().0,
        epoch: header.epoch().0,
        proposer: header.proposer().0.into(),
        parent_hash: wire(header.parent()),
        time_ms: header.time().0,
        fee_recipient: wire(ethereum.beneficiary),
        state_root: wire(header.state_root()),
        transactions_root: wire(header.transactions_root()),
        receipts_root: wire(ethereum.receipts_root),
        gas_limit: ethereum.gas_limit,
        gas_used: header.gas_used(),
        base_fee: header.base_fee(),
        transaction_count: count(entry.transactions.len()),
        transaction_hashes: hashes,
        transactions,
        header_rlp: header.encode().into(),
        finalization: finalization.map(certificate),
    })
}

fn full_transactions(entry: &FinalEntry) -> Result<Vec<proto::FinalTransaction>, Status> {
    let outcomes = entry.outcomes()?.into_iter();
    let full = outcomes.map(|(inner, outcome)| proto::FinalTransaction {
        transaction: Some(transaction(inner)),
        outcome: Some(outcome),
    });
    Ok(full.collect())
}

/// A block as subscribers get it.
pub fn block_event(entry: &FinalEntry, with_hashes: bool) -> proto::BlockEvent {
    let header = &entry.header;
    proto::BlockEvent {
        height: header.height().0,
        hash: wire(header.digest()),
        view: header.view().0,
        proposer: header.proposer().0.into(),
        time_ms: header.time().0,
        transaction_count: count(entry.transactions.len()),
        stored_at_us: entry.stored_at_us,
        finality_us: entry.finality_us(),
        gas_used: header.gas_used(),
        base_fee: header.base_fee(),
        transaction_hashes: if with_hashes { entry.hashes() } else { Vec::new() },
    }
}

/// A transaction as subscribers get it.
pub fn transaction_event(transaction: &Transaction, outcome: proto::FinalOutcome) -> proto::TransactionEvent {
    proto::TransactionEvent {
        hash: wire(transaction.hash()),
        sender: wire(transaction.sender()),
        to: wire(transaction.fields().to),
        value: transaction.fields().value.to_string(),
        nonce: transaction.nonce(),
        outcome: Some(outcome),
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
