use super::*;
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::transaction::UnsignedTransaction;
use minuet_core::{Address, B256, U256};

fn transaction(nonce: u64) -> Arc<Transaction> {
    let unsigned = UnsignedTransaction {
        chain_id: 1,
        nonce,
        max_priority_fee_per_gas: 1,
        max_fee_per_gas: 1,
        gas_limit: 21_000,
        to: Address::ZERO,
        value: U256::from(1),
        data: vec![0; 100].into(),
        access_list: Default::default(),
        public_key: Ed25519PublicKey([0; 32]),
    };
    Arc::new(unsigned.sign(&Ed25519SecretKey::from_bytes(&[1; 32]), &B256::ZERO))
}

fn held(map: &AdmittedTransactions, transactions: &[Arc<Transaction>]) -> Vec<bool> {
    transactions.iter().map(|transaction| map.get(transaction.envelope()).is_some()).collect()
}

#[test]
fn the_oldest_go_when_there_are_too_many() {
    let all: Vec<_> = (0..4).map(transaction).collect();
    let mut map = AdmittedTransactions::bounded(2, usize::MAX);
    all.iter().for_each(|transaction| map.insert(Arc::clone(transaction)));
    map.insert(Arc::clone(&all[3]));
    assert_eq!(held(&map, &all), [false, false, true, true]);
    assert_eq!(map.len(), 2);
}

#[test]
fn the_oldest_go_when_they_have_too_many_bytes() {
    let all: Vec<_> = (0..4).map(transaction).collect();
    let mut map = AdmittedTransactions::bounded(100, all[0].encoded_length() * 2);
    all.iter().for_each(|transaction| map.insert(Arc::clone(transaction)));
    assert_eq!(held(&map, &all), [false, false, true, true]);
    map.remove(&all[2]);
    map.insert(transaction(4));
    assert_eq!(held(&map, &all), [false, false, false, true], "what was removed makes room");
    assert_eq!(map.len(), 2);
}

#[test]
fn an_envelope_that_differs_in_any_byte_is_not_known() {
    let mut map = AdmittedTransactions::default();
    let known = transaction(0);
    map.insert(Arc::clone(&known));
    assert_eq!(map.get(known.envelope()), Some(&known));
    for place in 0..known.encoded_length() {
        let mut bytes = known.envelope().to_vec();
        bytes[place] ^= 1;
        assert_eq!(map.get(&bytes), None, "byte {place}");
        assert_eq!(map.get(&bytes[..place]), None, "{place} bytes");
    }
}
