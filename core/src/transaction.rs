//! The native transaction, EIP-2718 type `0x6d`: an EIP-1559 transaction signed with Ed25519.
//!
//! Envelope: `0x6d ‖ rlp([chain_id, nonce, max_priority_fee_per_gas, max_fee_per_gas, gas_limit, to, value, data,
//! access_list, public_key, signature])`. The sender is the last 20 bytes of `keccak256(0x6d ‖ public_key)`.
//! It signs `domain ‖ genesis hash ‖ keccak256(0x6d ‖ rlp(all fields but the signature))`.

use crate::codec::CodecError;
use crate::ed25519::{self, Ed25519PublicKey, Ed25519SecretKey, Ed25519Signature, KeyRuleError};
use crate::keccak::ordered;
use crate::{Address, B256, Bytes, Digest, TxHash, U256, domain, keccak256};
use alloy_rlp::{BufMut, Decodable, Encodable, Header, RlpDecodable, RlpEncodable};
use thiserror::Error;

/// EIP-2718 type of the native transaction.
pub const NATIVE_TYPE: u8 = 0x6d;
/// The longest envelope, in bytes.
pub const MAX_TRANSACTION_BYTES: usize = 128 * 1024;
/// Gas of a transfer without data.
pub const TRANSFER_GAS: u64 = 21_000;
/// Gas of a data byte, the same for zero and other bytes.
pub const DATA_BYTE_GAS: u64 = 16;
/// Bytes that a sender signs.
pub const SIGNING_MESSAGE_LENGTH: usize = 96;

const WHAT: &str = "transaction";

/// A list that must be empty until storage access is metered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmptyList;

impl Encodable for EmptyList {
    fn encode(&self, out: &mut dyn BufMut) {
        out.put_u8(alloy_rlp::EMPTY_LIST_CODE);
    }
    fn length(&self) -> usize {
        1
    }
}

impl Decodable for EmptyList {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let header = Header::decode(buf)?;
        if !header.list || header.payload_length != 0 {
            return Err(alloy_rlp::Error::Custom("the access list must be empty"));
        }
        Ok(Self)
    }
}

/// What the sender decides and signs.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct UnsignedTransaction {
    /// Must be the genesis' chain id.
    pub chain_id: u64,
    /// The sender's transactions before this one.
    pub nonce: u64,
    /// Wei per gas for the proposer, at most.
    pub max_priority_fee_per_gas: u128,
    /// Wei per gas altogether, at most.
    pub max_fee_per_gas: u128,
    /// Gas at most.
    pub gas_limit: u64,
    /// Receives `value`.
    pub to: Address,
    /// Wei.
    pub value: U256,
    /// Carried along and paid for; not executed.
    pub data: Bytes,
    /// Empty.
    pub access_list: EmptyList,
    /// Names and checks the sender.
    pub public_key: Ed25519PublicKey,
}

/// A signed native transaction whose signature has not necessarily been checked.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
struct Envelope {
    chain_id: u64,
    nonce: u64,
    max_priority_fee_per_gas: u128,
    max_fee_per_gas: u128,
    gas_limit: u64,
    to: Address,
    value: U256,
    data: Bytes,
    access_list: EmptyList,
    public_key: Ed25519PublicKey,
    signature: Ed25519Signature,
}

/// A decoded transaction with its derived values; the signature is not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    unsigned: UnsignedTransaction,
    signature: Ed25519Signature,
    envelope: Bytes,
    hash: TxHash,
    sender: Address,
}

/// Why a transaction can never be valid on this chain, whatever the state.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TransactionError {
    /// Bytes that are no transaction.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Another type of envelope.
    #[error("transaction type {found:#04x} is not supported: use the native type 0x6d")]
    UnknownType {
        /// The first byte.
        found: u8,
    },
    /// Signed for another chain.
    #[error("transaction is for chain {found}, this is chain {expected}")]
    WrongChain {
        /// In the transaction.
        found: u64,
        /// Of this chain.
        expected: u64,
    },
    /// A sender key that is refused at admission and in blocks alike.
    #[error("sender key refused: {0}")]
    SenderKey(KeyRuleError),
    /// The signature does not belong to these fields and this key on this chain.
    #[error("signature is not valid for this transaction, key and chain")]
    Signature,
    /// Less gas than the transaction needs before it does anything.
    #[error("gas limit {limit} is below the {needed} that this transaction uses")]
    GasLimitTooLow {
        /// In the transaction.
        limit: u64,
        /// Intrinsic gas.
        needed: u64,
    },
    /// Tip above the whole fee.
    #[error("max_priority_fee_per_gas {tip} is above max_fee_per_gas {fee}")]
    TipAboveFee {
        /// Priority fee.
        tip: u128,
        /// Whole fee.
        fee: u128,
    },
}

/// The address of a native public key.
#[must_use]
pub fn address_of(key: &Ed25519PublicKey) -> Address {
    let mut preimage = Vec::with_capacity(1 + key.as_bytes().len());
    put_key_preimage(key, &mut preimage);
    address_of_hash(&keccak256(preimage))
}

/// Appends what is hashed for a key's address.
fn put_key_preimage(key: &Ed25519PublicKey, out: &mut Vec<u8>) {
    out.push(NATIVE_TYPE);
    out.extend_from_slice(key.as_bytes());
}

fn address_of_hash(hash: &B256) -> Address {
    Address::from_slice(&hash[12..])
}

/// Appends what is hashed to be signed.
fn put_preimage(unsigned: &UnsignedTransaction, out: &mut Vec<u8>) {
    out.push(NATIVE_TYPE);
    unsigned.encode(out);
}

/// What is signed, given the hash of the transaction's preimage.
fn message_of(genesis: &Digest, hash: &B256) -> [u8; SIGNING_MESSAGE_LENGTH] {
    let mut message = [0u8; SIGNING_MESSAGE_LENGTH];
    message[..32].copy_from_slice(domain::TRANSACTION);
    message[32..64].copy_from_slice(genesis.as_slice());
    message[64..].copy_from_slice(hash.as_slice());
    message
}

/// Everything of a transaction but its hashes.
fn parse(bytes: &Bytes) -> Result<(UnsignedTransaction, Ed25519Signature), TransactionError> {
    if bytes.len() > MAX_TRANSACTION_BYTES {
        let error = CodecError::TooLong { what: WHAT, length: bytes.len(), limit: MAX_TRANSACTION_BYTES };
        return Err(error.into());
    }
    let Some((&found, rest)) = bytes.split_first() else {
        return Err(CodecError::malformed(WHAT, "empty").into());
    };
    if found != NATIVE_TYPE {
        return Err(TransactionError::UnknownType { found });
    }
    let e: Envelope = crate::codec::decode(WHAT, rest, MAX_TRANSACTION_BYTES)?;
    let unsigned = UnsignedTransaction {
        chain_id: e.chain_id,
        nonce: e.nonce,
        max_priority_fee_per_gas: e.max_priority_fee_per_gas,
        max_fee_per_gas: e.max_fee_per_gas,
        gas_limit: e.gas_limit,
        to: e.to,
        value: e.value,
        data: e.data,
        access_list: e.access_list,
        public_key: e.public_key,
    };
    Ok((unsigned, e.signature))
}

fn envelope_of(u: &UnsignedTransaction, signature: Ed25519Signature) -> Bytes {
    let envelope = Envelope {
        chain_id: u.chain_id,
        nonce: u.nonce,
        max_priority_fee_per_gas: u.max_priority_fee_per_gas,
        max_fee_per_gas: u.max_fee_per_gas,
        gas_limit: u.gas_limit,
        to: u.to,
        value: u.value,
        data: u.data.clone(),
        access_list: u.access_list,
        public_key: u.public_key,
        signature,
    };
    let mut bytes = Vec::with_capacity(1 + envelope.length());
    bytes.push(NATIVE_TYPE);
    envelope.encode(&mut bytes);
    bytes.into()
}

impl UnsignedTransaction {
    fn signing_message(&self, genesis: &Digest) -> [u8; SIGNING_MESSAGE_LENGTH] {
        let mut preimage = Vec::with_capacity(1 + self.length());
        put_preimage(self, &mut preimage);
        message_of(genesis, &keccak256(preimage))
    }

    /// Signs with the sender's key for the chain of this genesis; `public_key` is set from it.
    #[must_use]
    pub fn sign(mut self, key: &Ed25519SecretKey, genesis: &Digest) -> Transaction {
        self.public_key = key.public_key();
        let signature = key.sign(&self.signing_message(genesis));
        Transaction::assemble(self, signature)
    }

    /// Gas that the transaction uses in any case: 21,000 and 16 a data byte.
    #[must_use]
    pub fn intrinsic_gas(&self) -> u64 {
        let data = u64::try_from(self.data.len()).unwrap_or(u64::MAX);
        TRANSFER_GAS.saturating_add(DATA_BYTE_GAS.saturating_mul(data))
    }

    /// The most that the sender can be charged, in wei: `gas_limit · max_fee_per_gas + value`; `None` beyond 256 bits.
    #[must_use]
    pub fn max_cost(&self) -> Option<U256> {
        U256::from(self.gas_limit).checked_mul(U256::from(self.max_fee_per_gas))?.checked_add(self.value)
    }

    /// Wei per gas that go to the proposer at this base fee; `None` if the base fee is not met.
    #[must_use]
    pub fn effective_tip(&self, base_fee: u64) -> Option<u128> {
        let above = self.max_fee_per_gas.checked_sub(u128::from(base_fee))?;
        Some(above.min(self.max_priority_fee_per_gas))
    }
}

impl Transaction {
    fn assemble(unsigned: UnsignedTransaction, signature: Ed25519Signature) -> Self {
        let envelope = envelope_of(&unsigned, signature);
        let sender = address_of(&unsigned.public_key);
        Self { hash: keccak256(&envelope), unsigned, signature, envelope, sender }
    }

    /// Decodes an envelope; the hash is computed, never taken from anyone.
    ///
    /// # Errors
    /// Another type, more than [`MAX_TRANSACTION_BYTES`], non-canonical RLP, trailing bytes.
    pub fn decode(bytes: &Bytes) -> Result<Self, TransactionError> {
        let (unsigned, signature) = parse(bytes)?;
        let sender = address_of(&unsigned.public_key);
        Ok(Self { unsigned, signature, envelope: bytes.clone(), hash: keccak256(bytes), sender })
    }

    /// Everything that needs neither state nor cryptography: chain id, fees, gas limit.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check_fields(&self, chain_id: u64) -> Result<(), TransactionError> {
        let u = &self.unsigned;
        if u.chain_id != chain_id {
            return Err(TransactionError::WrongChain { found: u.chain_id, expected: chain_id });
        }
        if u.max_priority_fee_per_gas > u.max_fee_per_gas {
            return Err(TransactionError::TipAboveFee { tip: u.max_priority_fee_per_gas, fee: u.max_fee_per_gas });
        }
        let needed = u.intrinsic_gas();
        if u.gas_limit < needed {
            return Err(TransactionError::GasLimitTooLow { limit: u.gas_limit, needed });
        }
        Ok(())
    }

    /// The key rule: canonical and not of low order (docs/protocol.md §5). That it is a point at all shows when the
    /// signature is verified, which always follows.
    ///
    /// # Errors
    /// [`TransactionError::SenderKey`].
    pub fn check_sender_key(&self) -> Result<(), TransactionError> {
        ed25519::check_sender_key_bytes(self.unsigned.public_key.as_bytes()).map_err(TransactionError::SenderKey)
    }

    /// Key rule and signature, one at a time. Use [`Transaction::signature_item`] with a batch where there are many.
    ///
    /// # Errors
    /// The key or the signature.
    pub fn check_signature(&self, genesis: &Digest) -> Result<(), TransactionError> {
        self.check_sender_key()?;
        let message = self.unsigned.signing_message(genesis);
        ed25519::verify(&self.unsigned.public_key, &message, &self.signature).map_err(|_| TransactionError::Signature)
    }

    /// What a batch verifier needs. The key rule ([`Transaction::check_sender_key`]) is not part of it.
    #[must_use]
    pub fn signature_item(&self, genesis: &Digest) -> ed25519::Item {
        ed25519::Item {
            key: self.unsigned.public_key,
            signature: self.signature,
            message: self.unsigned.signing_message(genesis).to_vec(),
        }
    }

    /// The signed fields.
    #[must_use]
    pub const fn fields(&self) -> &UnsignedTransaction {
        &self.unsigned
    }

    /// The sender's signature.
    #[must_use]
    pub const fn signature(&self) -> &Ed25519Signature {
        &self.signature
    }

    /// keccak256 of the envelope.
    #[must_use]
    pub const fn hash(&self) -> TxHash {
        self.hash
    }

    /// Who pays.
    #[must_use]
    pub const fn sender(&self) -> Address {
        self.sender
    }

    /// The sender's sequence number.
    #[must_use]
    pub const fn nonce(&self) -> u64 {
        self.unsigned.nonce
    }

    /// The bytes that travel, are stored and are hashed.
    #[must_use]
    pub const fn envelope(&self) -> &Bytes {
        &self.envelope
    }

    /// Bytes of the envelope.
    #[must_use]
    pub fn encoded_length(&self) -> usize {
        self.envelope.len()
    }
}

/// Root of the ordered trie over envelopes, as in an Ethereum header.
#[must_use]
pub fn transactions_root(envelopes: &[Bytes]) -> B256 {
    let length = |index: usize| envelopes[index].len();
    let put = |index: usize, out: &mut Vec<u8>| out.extend_from_slice(&envelopes[index]);
    if let Some(root) = ordered::root(envelopes.len(), length, put) {
        return root;
    }
    // Something that is too short for a transaction.
    alloy_trie::root::ordered_trie_root_with_encoder(envelopes, |envelope, out| out.put_slice(envelope))
}

mod together;

#[cfg(test)]
mod tests;
