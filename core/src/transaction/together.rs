//! Several transactions at once: their hashes share the processor's instructions ([`hash_each`]).

use super::{Transaction, TransactionError, address_of_hash, message_of, parse, put_key_preimage, put_preimage};
use crate::ed25519::Item;
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
