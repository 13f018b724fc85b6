//! Blocks: headers, bodies, both together, and transactions.

use crate::{assert_canonical, is_sampled, samples};
use minuet_core::alloy_rlp::{Encodable, Header};
use minuet_core::block::{Block, Body, MAX_BLOCK_TRANSACTIONS, MAX_BODY_BYTES};
use minuet_core::header::{BlockHeader, MAX_HEADER_BYTES};
use minuet_core::transaction::{MAX_TRANSACTION_BYTES, NATIVE_TYPE, Transaction, address_of};
use minuet_core::{Bytes, keccak256};
use std::sync::Arc;

pub fn header(data: &[u8]) -> bool {
    let Ok(header) = BlockHeader::decode(data) else { return false };
    check_header(&header, data);
    true
}

/// The header's bytes are `data`, its digest is theirs, and what it says of time and views is in order.
pub fn check_header(header: &BlockHeader, data: &[u8]) {
    assert_canonical("header", data, &header.encode());
    assert_eq!(header.digest(), keccak256(data), "the digest is not the hash of the header's bytes");
    assert!(data.len() <= MAX_HEADER_BYTES);
    assert_eq!(header.time().seconds(), header.ethereum().timestamp);
    let is_genesis = header.height().0 == 0 && header.ethereum().extra_data.len() == 32;
    assert!(is_genesis || header.view() > header.parent_view());
}

pub fn check_body(body: &Body) {
    assert!(body.transactions.len() <= MAX_BLOCK_TRANSACTIONS);
    assert!(body.transactions.iter().all(|envelope| envelope.len() <= MAX_TRANSACTION_BYTES));
}

/// A header's length (2 bytes), the header, the body.
pub fn block(data: &[u8]) -> bool {
    let Some((length, rest)) = data.split_first_chunk() else { return false };
    let Some((header, body)) = rest.split_at_checked(u16::from_be_bytes(*length).into()) else { return false };
    let decoded = Body::decode(body);
    if let Ok(decoded) = &decoded {
        assert_canonical("body", body, &decoded.encode());
        assert!(body.len() <= MAX_BODY_BYTES);
        check_body(decoded);
    }
    let Ok(header) = BlockHeader::decode(header) else { return false };
    let header = Arc::new(header);
    assert_eq!(Block::empty(Arc::clone(&header)).is_ok(), header.is_empty_block());
    let Ok(body) = decoded else { return false };
    let root = body.root();
    let joined = Block::new(Arc::clone(&header), Arc::new(body));
    assert_eq!(joined.is_ok(), root == header.transactions_root());
    let Ok(block) = joined else { return false };
    assert_eq!(block.digest(), header.digest());
    assert_eq!(block.body().transactions.is_empty(), header.is_empty_block());
    true
}

pub fn transaction(data: &[u8]) -> bool {
    let bytes = Bytes::copy_from_slice(data);
    let Ok(transaction) = Transaction::decode(&bytes) else { return false };
    assert!(data.len() <= MAX_TRANSACTION_BYTES && transaction.encoded_length() == data.len());
    assert_canonical("transaction", data, transaction.envelope());
    assert_canonical("transaction's fields", data, &written_anew(&transaction));
    assert_eq!(transaction.hash(), keccak256(data));
    let fields = transaction.fields();
    assert_eq!(transaction.sender(), address_of(&fields.public_key));
    if transaction.check_fields(samples::CHAIN_ID).is_ok() {
        assert!(fields.chain_id == samples::CHAIN_ID && fields.gas_limit >= fields.intrinsic_gas());
        assert!(fields.max_priority_fee_per_gas <= fields.max_fee_per_gas);
    }
    let paid = fields.effective_tip(7).map(|tip| tip.saturating_add(7));
    assert!(paid.is_none_or(|paid| paid <= fields.max_fee_per_gas), "more than the sender's limit is paid");
    assert!(fields.max_cost().is_none_or(|cost| cost >= fields.value));
    if is_sampled(data, 64) && transaction.check_signature(&samples::genesis().digest()).is_ok() {
        let is_genuine = |signed: &Arc<Transaction>| signed.fields() == fields;
        assert!(samples::transactions().iter().any(is_genuine), "nobody signed {fields:?}");
    }
    true
}

/// The envelope as its documentation says it is made, from the fields.
fn written_anew(transaction: &Transaction) -> Vec<u8> {
    let mut fields = Vec::new();
    transaction.fields().encode(&mut fields);
    let mut rest = fields.as_slice();
    let mut payload = Header::decode_bytes(&mut rest, true).expect("fields are a list").to_vec();
    transaction.signature().encode(&mut payload);
    let mut out = vec![NATIVE_TYPE];
    Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend_from_slice(&payload);
    out
}
