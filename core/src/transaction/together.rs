//! Several transactions at once: their hashes share the processor's instructions ([`hash_each`]).

use super::{
    Transaction, TransactionError, UnsignedTransaction, address_of_hash, envelope_of, message_of, parse,
    put_key_preimage, put_preimage,
};
use crate::ed25519::{self, Ed25519SecretKey, Item};
use crate::keccak::hash_each;
use crate::{B256, Bytes, Digest};

impl Transaction {
    /// Each as [`Transaction::decode`] decodes it, in their order.
    #[must_use]
    pub fn decode_all(envelopes: &[Bytes]) -> Vec<Result<Self, TransactionError>> {
        let parsed: Vec<_> = envelopes.iter().map(parse).collect();
        let good: Vec<_> =
            envelopes.iter().zip(&parsed).filter_map(|(e, parsed)| Some((e, parsed.as_ref().ok()?))).collect();
        let hashes = hash_each(&good, |(envelope, _), out| out.extend_from_slice(envelope));
        let key_hashes = hash_each(&good, |(_, (unsigned, _)), out| put_key_preimage(&unsigned.public_key, out));
        let mut hashes = hashes.into_iter().zip(key_hashes);
        let whole = |(envelope, parsed): (&Bytes, Result<_, TransactionError>)| {
            let (unsigned, signature) = parsed?;
            let (hash, key_hash) = hashes.next().expect("hashes for each that was parsed");
            Ok(Self { unsigned, signature, envelope: envelope.clone(), hash, sender: address_of_hash(&key_hash) })
        };
        envelopes.iter().zip(parsed).map(whole).collect()
    }

    /// What a batch verifier needs of each, as [`Transaction::signature_item`] gives it, in their order.
    #[must_use]
    pub fn signature_items(transactions: &[&Self], genesis: &Digest) -> Vec<Item> {
        let hashes = hash_each(transactions, |transaction, out| put_preimage(&transaction.unsigned, out));
        let item = |(transaction, hash): (&&Self, B256)| Item {
            key: transaction.unsigned.public_key,
            signature: transaction.signature,
            message: message_of(genesis, &hash).to_vec(),
        };
        transactions.iter().zip(hashes).map(item).collect()
    }
}

impl UnsignedTransaction {
    /// Each as [`UnsignedTransaction::sign`] signs it, in their order.
    ///
    /// # Panics
    /// Unless there are as many keys as transactions.
    #[must_use]
    pub fn sign_each(mut transactions: Vec<Self>, keys: &[&Ed25519SecretKey], genesis: &Digest) -> Vec<Transaction> {
        assert_eq!(transactions.len(), keys.len(), "each transaction has its key");
        transactions.iter_mut().zip(keys).for_each(|(unsigned, key)| unsigned.public_key = key.public_key());
        let hashes = hash_each(&transactions, put_preimage);
        let messages: Vec<_> = hashes.iter().map(|hash| message_of(genesis, hash)).collect();
        let items: Vec<_> = keys.iter().zip(&messages).map(|(key, message)| (*key, &message[..])).collect();
        let signatures = ed25519::sign_each(&items);
        let envelopes: Vec<Bytes> = transactions
            .iter()
            .zip(&signatures)
            .map(|(unsigned, signature)| envelope_of(unsigned, *signature))
            .collect();
        let hashes = hash_each(&envelopes, |envelope, out| out.extend_from_slice(envelope));
        let key_hashes = hash_each(&transactions, |unsigned, out| put_key_preimage(&unsigned.public_key, out));
        let mut derived = signatures.into_iter().zip(envelopes).zip(hashes.into_iter().zip(key_hashes));
        let whole = |unsigned| {
            let ((signature, envelope), (hash, key_hash)) = derived.next().expect("everything for each");
            Transaction { unsigned, signature, envelope, hash, sender: address_of_hash(&key_hash) }
        };
        transactions.into_iter().map(whole).collect()
    }
}
