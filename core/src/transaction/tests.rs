use super::*;

const CHAIN_ID: u64 = 6886;
const GENESIS: Digest = B256::repeat_byte(0xaa);

/// A change and its name.
type Change = (&'static str, fn(&mut UnsignedTransaction));

fn key(seed: u8) -> Ed25519SecretKey {
    Ed25519SecretKey::from_bytes(&[seed; 32])
}

fn unsigned() -> UnsignedTransaction {
    UnsignedTransaction {
        chain_id: CHAIN_ID,
        nonce: 7,
        max_priority_fee_per_gas: 5,
        max_fee_per_gas: 2_000_000,
        gas_limit: TRANSFER_GAS + 3 * DATA_BYTE_GAS,
        to: Address::repeat_byte(0x22),
        value: U256::from(1_000_000_000_000_000_000u64),
        data: Bytes::from_static(&[1, 0, 3]),
        access_list: EmptyList,
        public_key: key(1).public_key(),
    }
}

fn signed() -> Transaction {
    unsigned().sign(&key(1), &GENESIS)
}

/// An envelope of these fields under a signature that was made for others.
fn rewritten(change: impl FnOnce(&mut UnsignedTransaction)) -> Transaction {
    let mut fields = unsigned();
    change(&mut fields);
    Transaction::assemble(fields, *signed().signature())
}

fn from_key(bytes: [u8; 32]) -> Transaction {
    rewritten(|fields| fields.public_key = Ed25519PublicKey(bytes))
}

fn bytes_of_hex(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn list(items: &[&[u8]]) -> Bytes {
    let payload = items.concat();
    let mut bytes = vec![NATIVE_TYPE];
    Header { list: true, payload_length: payload.len() }.encode(&mut bytes);
    bytes.extend(payload);
    bytes.into()
}

/// The encoded fields of the sample, in order.
fn items() -> Vec<Vec<u8>> {
    let tx = signed();
    let u = tx.fields();
    vec![
        alloy_rlp::encode(u.chain_id),
        alloy_rlp::encode(u.nonce),
        alloy_rlp::encode(u.max_priority_fee_per_gas),
        alloy_rlp::encode(u.max_fee_per_gas),
        alloy_rlp::encode(u.gas_limit),
        alloy_rlp::encode(u.to),
        alloy_rlp::encode(u.value),
        alloy_rlp::encode(&u.data),
        vec![0xc0],
        alloy_rlp::encode(u.public_key),
        alloy_rlp::encode(tx.signature()),
    ]
}

fn envelope(items: &[Vec<u8>]) -> Bytes {
    list(&items.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

#[test]
fn a_signed_transaction_reads_back_and_is_valid() {
    let tx = signed();
    let read = Transaction::decode(tx.envelope()).unwrap();
    assert_eq!(read, tx);
    read.check_fields(CHAIN_ID).unwrap();
    read.check_signature(&GENESIS).unwrap();
    assert_eq!(read.encoded_length(), tx.envelope().len());
    assert_eq!(envelope(&items()), *tx.envelope());
}

#[test]
fn the_sender_is_named_by_the_key_and_the_type() {
    let tx = signed();
    let preimage = [&[0x6d], key(1).public_key().as_bytes().as_slice()].concat();
    assert_eq!(tx.sender().as_slice(), &keccak256(preimage)[12..]);
    assert_ne!(tx.sender(), unsigned().sign(&key(2), &GENESIS).sender());
}

#[test]
fn what_is_signed_is_domain_genesis_and_hash_of_the_fields() {
    let tx = signed();
    let mut preimage = vec![NATIVE_TYPE];
    let mut fields = items();
    fields.pop();
    preimage.extend_from_slice(&envelope(&fields)[1..]);
    let expected = [domain::TRANSACTION.as_slice(), GENESIS.as_slice(), keccak256(preimage).as_slice()].concat();
    assert_eq!(tx.signature_item(&GENESIS).message, expected);
    assert_eq!(expected.len(), SIGNING_MESSAGE_LENGTH);
}

#[test]
fn a_batch_gives_the_single_verdicts() {
    let good = signed();
    let bad = rewritten(|fields| fields.nonce += 1);
    let items = [good.signature_item(&GENESIS), bad.signature_item(&GENESIS), good.signature_item(&B256::ZERO)];
    assert_eq!(ed25519::verify_batch_inline(&items), [true, false, false]);
}

#[test]
fn several_signed_at_once_are_what_each_is_alone() {
    let keys: Vec<_> = (0..20).map(key).collect();
    let transactions: Vec<_> = (0..20).map(|nonce| UnsignedTransaction { nonce, ..unsigned() }).collect();
    let alone: Vec<_> =
        transactions.iter().zip(&keys).map(|(unsigned, key)| unsigned.clone().sign(key, &GENESIS)).collect();
    let keys: Vec<_> = keys.iter().collect();
    assert_eq!(UnsignedTransaction::sign_each(transactions, &keys, &GENESIS), alone);
    assert_eq!(UnsignedTransaction::sign_each(Vec::new(), &[], &GENESIS), []);
}

/// More than are hashed at a time, of all lengths, and what is no transaction between them.
#[test]
fn several_at_once_are_what_each_is_alone() {
    let data = |length: usize| Bytes::from(vec![7; length]);
    let envelope = |number: usize| match number % 7 {
        0 => Bytes::new(),
        1 => Bytes::from_static(&[0x02, 1, 2, 3]),
        2 => rewritten(|_| {}).envelope().slice(..number.min(50)),
        _ => {
            let mut fields = signed().fields().clone();
            (fields.nonce, fields.data) = (number as u64, data(number * 3));
            fields.sign(&Ed25519SecretKey::from_bytes(&[number as u8; 32]), &GENESIS).envelope().clone()
        }
    };
    for count in [0, 1, 2, 64, 65, 200] {
        let envelopes: Vec<Bytes> = (0..count).map(envelope).collect();
        let together = Transaction::decode_all(&envelopes);
        let alone: Vec<_> = envelopes.iter().map(Transaction::decode).collect();
        assert_eq!(together, alone, "{count} envelopes");
        let good: Vec<&Transaction> = together.iter().filter_map(|decoded| decoded.as_ref().ok()).collect();
        let items = Transaction::signature_items(&good, &GENESIS);
        assert_eq!(items.len(), good.len());
        for (item, transaction) in items.iter().zip(&good) {
            assert_eq!(item.message, transaction.signature_item(&GENESIS).message);
        }
        assert!(ed25519::verify_batch_inline(&items).into_iter().all(|holds| holds), "{count} envelopes");
    }
}

#[test]
fn a_rewritten_transaction_has_another_hash_and_no_valid_signature() {
    let original = signed();
    let changes: [Change; 8] = [
        ("chain_id", |f| f.chain_id += 1),
        ("nonce", |f| f.nonce += 1),
        ("max_priority_fee_per_gas", |f| f.max_priority_fee_per_gas += 1),
        ("max_fee_per_gas", |f| f.max_fee_per_gas += 1),
        ("gas_limit", |f| f.gas_limit += 1),
        ("to", |f| f.to = Address::repeat_byte(0x23)),
        ("value", |f| f.value += U256::from(1)),
        ("data", |f| f.data = Bytes::from_static(&[1, 0, 4])),
    ];
    for (name, change) in changes {
        let read = Transaction::decode(rewritten(change).envelope()).unwrap();
        assert_ne!(read.hash(), original.hash(), "{name}");
        assert_eq!(read.hash(), keccak256(read.envelope()), "{name}");
        assert_eq!(read.check_signature(&GENESIS), Err(TransactionError::Signature), "{name}");
    }
    let stolen = from_key(key(2).public_key().0);
    assert_eq!(stolen.check_signature(&GENESIS), Err(TransactionError::Signature));
}

#[test]
fn a_transaction_of_another_chain_is_refused_by_id_and_by_genesis() {
    let tx = signed();
    let error = tx.check_fields(1).unwrap_err();
    assert_eq!(error, TransactionError::WrongChain { found: CHAIN_ID, expected: 1 });
    assert!(error.to_string().contains("6886"));
    assert_eq!(tx.check_signature(&B256::repeat_byte(0xab)), Err(TransactionError::Signature));
}

#[test]
fn low_order_sender_keys_are_refused() {
    for text in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    ] {
        let tx = Transaction::decode(from_key(bytes_of_hex(text)).envelope()).unwrap();
        let expected = Err(TransactionError::SenderKey(KeyRuleError::LowOrder));
        assert_eq!(tx.check_sender_key(), expected, "{text}");
        assert_eq!(tx.check_signature(&GENESIS), expected, "{text}");
    }
}

#[test]
fn non_canonical_sender_keys_are_refused() {
    for text in [
        "0100000000000000000000000000000000000000000000000000000000000080",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        let expected = Err(TransactionError::SenderKey(KeyRuleError::NotCanonical));
        assert_eq!(from_key(bytes_of_hex(text)).check_signature(&GENESIS), expected, "{text}");
    }
}

#[test]
fn a_tip_above_the_fee_and_gas_below_the_need_are_refused() {
    let tip = rewritten(|fields| fields.max_priority_fee_per_gas = fields.max_fee_per_gas + 1);
    assert_eq!(tip.check_fields(CHAIN_ID), Err(TransactionError::TipAboveFee { tip: 2_000_001, fee: 2_000_000 }));
    let equal = rewritten(|fields| fields.max_priority_fee_per_gas = fields.max_fee_per_gas);
    equal.check_fields(CHAIN_ID).unwrap();
    let poor = rewritten(|fields| fields.gas_limit -= 1);
    assert_eq!(poor.check_fields(CHAIN_ID), Err(TransactionError::GasLimitTooLow { limit: 21_047, needed: 21_048 }));
}

#[test]
fn costs_and_tips_do_not_overflow() {
    let mut fields = unsigned();
    assert_eq!(fields.max_cost(), Some(U256::from(21_048u64 * 2_000_000) + fields.value));
    assert_eq!(fields.effective_tip(1_000_000), Some(5));
    assert_eq!(fields.effective_tip(1_999_998), Some(2));
    assert_eq!(fields.effective_tip(2_000_001), None);
    fields.value = U256::MAX;
    assert_eq!(fields.max_cost(), None);
    (fields.gas_limit, fields.max_fee_per_gas, fields.value) = (u64::MAX, u128::MAX, U256::ZERO);
    assert!(fields.max_cost().is_some());
}

#[test]
fn an_access_list_must_be_empty() {
    for list in [&[0xc1, 0xc0][..], &[0xc1, 0x01], &[0x80], &[0xf8, 0x00], &[0xc1]] {
        let mut fields = items();
        fields[8] = list.to_vec();
        Transaction::decode(&envelope(&fields)).unwrap_err();
    }
}

#[test]
fn other_types_are_refused_by_number() {
    for found in [0x00, 0x01, 0x02, 0x03, 0x04, 0x6c, 0x6e, 0x7f, 0xc0, 0xf8, 0xff] {
        let mut bytes = signed().envelope().to_vec();
        bytes[0] = found;
        assert_eq!(Transaction::decode(&bytes.into()), Err(TransactionError::UnknownType { found }));
    }
}

#[test]
fn a_field_missing_added_or_of_another_length_is_refused() {
    for missing in 0..items().len() {
        let mut fields = items();
        fields.remove(missing);
        assert!(Transaction::decode(&envelope(&fields)).is_err(), "without field {missing}");
    }
    let mut longer = items();
    longer.push(vec![0x80]);
    Transaction::decode(&envelope(&longer)).unwrap_err();
    for (field, length) in [(5, 19), (5, 21), (6, 33), (9, 31), (9, 33), (10, 63), (10, 65)] {
        let mut fields = items();
        fields[field] = alloy_rlp::encode(vec![1u8; length].as_slice());
        assert!(Transaction::decode(&envelope(&fields)).is_err(), "field {field} of {length} bytes");
    }
}

#[test]
fn numbers_have_one_spelling() {
    for (field, spelling) in
        [(1, &[0x81u8, 0x07][..]), (1, &[0x82, 0x00, 0x07]), (1, &[0x00]), (6, &[0x82, 0x00, 0x80])]
    {
        let mut fields = items();
        fields[field] = spelling.to_vec();
        assert!(Transaction::decode(&envelope(&fields)).is_err(), "{spelling:02x?}");
    }
}

#[test]
fn truncated_oversized_and_continued_transactions_are_refused() {
    let bytes = signed().envelope().clone();
    for length in 0..bytes.len() {
        assert!(Transaction::decode(&bytes.slice(..length)).is_err(), "{length} bytes");
    }
    let continued: Bytes = [bytes.as_ref(), &[0]].concat().into();
    assert!(matches!(
        Transaction::decode(&continued),
        Err(TransactionError::Codec(CodecError::Trailing { count: 1, .. }))
    ));
    let oversized = rewritten(|fields| fields.data = vec![0; MAX_TRANSACTION_BYTES].into());
    assert!(matches!(
        Transaction::decode(oversized.envelope()),
        Err(TransactionError::Codec(CodecError::TooLong { limit: MAX_TRANSACTION_BYTES, .. }))
    ));
}

#[test]
fn the_root_follows_content_and_order() {
    let (a, b) = (signed().envelope().clone(), unsigned().sign(&key(2), &GENESIS).envelope().clone());
    assert_eq!(transactions_root(&[]), crate::account::EMPTY_ROOT_HASH);
    assert_ne!(transactions_root(&[a.clone(), b.clone()]), transactions_root(&[b, a]));
}
