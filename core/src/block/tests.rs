use super::*;
use crate::header::HeaderParts;
use crate::{Address, B256, Epoch, Height, TimeMs, ValidatorIndex, View};

fn header(transactions_root: B256) -> Arc<BlockHeader> {
    Arc::new(BlockHeader::seal(&HeaderParts {
        epoch: Epoch(0),
        view: View(1),
        parent_view: View(0),
        proposer: ValidatorIndex(1),
        parent: B256::ZERO,
        height: Height(1),
        time: TimeMs(1000),
        beneficiary: Address::ZERO,
        state_root: B256::ZERO,
        transactions_root,
        receipts_root: B256::ZERO,
        gas_limit: 21_000,
        gas_used: 0,
        base_fee: 1,
    }))
}

fn body() -> Body {
    Body { transactions: vec![Bytes::from_static(&[0x6d, 1, 2]), Bytes::from_static(&[0x6d, 3])] }
}

fn list_of(count: usize, item: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    alloy_rlp::Header { list: true, payload_length: count * item.len() }.encode(&mut bytes);
    bytes.extend(item.repeat(count));
    bytes
}

#[test]
fn bodies_read_back_equal() {
    for body in [Body::default(), body()] {
        assert_eq!(Body::decode(&body.encode()).unwrap(), body);
    }
}

#[test]
fn a_block_needs_the_body_that_its_header_commits_to() {
    let block = Block::new(header(body().root()), Arc::new(body())).unwrap();
    assert_eq!(block.digest(), block.header().digest());

    let mut reordered = body();
    reordered.transactions.reverse();
    let mut shorter = body();
    shorter.transactions.pop();
    for swapped in [reordered, shorter, Body::default()] {
        Block::new(header(body().root()), Arc::new(swapped)).unwrap_err();
    }
}

#[test]
fn an_empty_block_needs_a_header_without_transactions() {
    assert_eq!(Body::default().root(), crate::account::EMPTY_ROOT_HASH);
    let block = Block::empty(header(Body::default().root())).unwrap();
    assert!(block.body().transactions.is_empty());
    Block::empty(header(body().root())).unwrap_err();
}

#[test]
fn truncated_and_continued_bodies_are_refused() {
    let bytes = body().encode();
    for length in 0..bytes.len() {
        assert!(Body::decode(&bytes[..length]).is_err(), "{length} bytes");
    }
    let continued = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(Body::decode(&continued), Err(CodecError::Trailing { count: 1, .. })));
}

#[test]
fn items_that_are_no_canonical_byte_strings_are_refused() {
    for (name, item) in [("a list", &[0xc0u8][..]), ("a byte spelt long", &[0x81, 0x05]), ("cut short", &[0x83, 1])] {
        assert!(Body::decode(&list_of(1, item)).is_err(), "{name}");
    }
}

#[test]
fn too_long_a_body_or_transaction_and_too_many_are_refused() {
    let oversized = vec![0xf9; MAX_BODY_BYTES + 1];
    assert!(matches!(Body::decode(&oversized), Err(CodecError::TooLong { limit: MAX_BODY_BYTES, .. })));

    let full = Body::decode(&list_of(MAX_BLOCK_TRANSACTIONS, &[0x6d])).unwrap();
    assert_eq!(full.transactions.len(), MAX_BLOCK_TRANSACTIONS);
    for count in [MAX_BLOCK_TRANSACTIONS + 1, MAX_BODY_BYTES - 8] {
        let many = Body::decode(&list_of(count, &[0x80])).unwrap_err();
        assert!(matches!(many, CodecError::TooLong { limit: MAX_BLOCK_TRANSACTIONS, .. }), "{many}");
    }

    for (length, fits) in [(MAX_TRANSACTION_BYTES, true), (MAX_TRANSACTION_BYTES + 1, false)] {
        let long = Body { transactions: vec![vec![0x6d; length].into()] };
        assert_eq!(Body::decode(&long.encode()).is_ok(), fits, "{length} bytes");
    }
}
