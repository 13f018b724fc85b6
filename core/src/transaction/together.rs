//! Several transactions at once: their hashes share the processor's instructions ([`Messages`]).

use super::{NATIVE_TYPE, Transaction, TransactionError, UnsignedTransaction, message_of, parse, preimage_of};
use crate::ed25519::{Ed25519Signature, Item};
use crate::keccak::Messages;
use crate::{Address, B256, Bytes, Digest};

/// Transactions whose bytes are gathered at a time.
const TOGETHER: usize = 64;

impl Transaction {
    /// Each as [`Transaction::decode`] decodes it, in their order.
    #[must_use]
    pub fn decode_all(envelopes: &[Bytes]) -> Vec<Result<Self, TransactionError>> {
        let mut decoded = Vec::with_capacity(envelopes.len());
        let mut messages = Messages::default();
        for envelopes in envelopes.chunks(TOGETHER) {
            let parsed: Vec<_> = envelopes.iter().map(parse).collect();
            messages.clear();
            for (envelope, (unsigned, _)) in envelopes.iter().zip(&parsed).filter_map(with_good) {
                messages.push(|out| out.extend_from_slice(envelope));
                messages.push(|out| {
                    out.push(NATIVE_TYPE);
                    out.extend_from_slice(unsigned.public_key.as_bytes());
                });
            }
            let hashes = messages.hashes();
            let (mut pairs, _) = hashes.as_chunks::<2>();
            for (envelope, parsed) in envelopes.iter().zip(parsed) {
                let whole = |(unsigned, signature): (UnsignedTransaction, Ed25519Signature)| {
                    let ([hash, key_hash], rest) = pairs.split_first().expect("two hashes for each that was parsed");
                    pairs = rest;
                    let sender = Address::from_slice(&key_hash[12..]);
                    Self { unsigned, signature, envelope: envelope.clone(), hash: *hash, sender }
                };
                decoded.push(parsed.map(whole));
            }
        }
        decoded
    }

    /// What a batch verifier needs of each, as [`Transaction::signature_item`] gives it, in their order.
    #[must_use]
    pub fn signature_items(transactions: &[&Self], genesis: &Digest) -> Vec<Item> {
        let mut items = Vec::with_capacity(transactions.len());
        let mut messages = Messages::default();
        for transactions in transactions.chunks(TOGETHER) {
            messages.clear();
            transactions.iter().for_each(|transaction| messages.push(|out| preimage_of(&transaction.unsigned, out)));
            let item = |(transaction, hash): (&&Self, B256)| Item {
                key: transaction.unsigned.public_key,
                signature: transaction.signature,
                message: message_of(genesis, &hash).to_vec(),
            };
            items.extend(transactions.iter().zip(messages.hashes()).map(item));
        }
        items
    }
}

fn with_good<'a, T>((envelope, parsed): (&'a Bytes, &'a Result<T, TransactionError>)) -> Option<(&'a Bytes, &'a T)> {
    parsed.as_ref().ok().map(|parsed| (envelope, parsed))
}
