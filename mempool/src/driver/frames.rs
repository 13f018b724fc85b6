//! The gossip frame: an RLP list of envelopes. Owned by the mempool, opaque to the network.

use minuet_core::Bytes;
use minuet_core::alloy_rlp::{Encodable, Header, encode_list};
use minuet_core::transaction::Transaction;
use minuet_core::wire::FrameKind;
use std::sync::Arc;

/// The longest RLP header of the list.
const LIST_HEADER_BYTES: usize = 4;

/// Some transactions and the frame that carries them.
pub(super) struct Packed {
    pub(super) payload: Bytes,
    pub(super) transactions: Vec<Arc<Transaction>>,
}

/// Packs transactions in order into frames within the limit of their kind. A transaction always fits: its own limit is
/// half of that.
pub(super) fn pack(transactions: impl IntoIterator<Item = Arc<Transaction>>) -> impl Iterator<Item = Packed> {
    let limit = FrameKind::Transactions.max_bytes() - LIST_HEADER_BYTES;
    let mut rest = transactions.into_iter().peekable();
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let mut taken = Vec::new();
        while let Some(next) = rest.next_if(|next| bytes + next.envelope().length() <= limit) {
            bytes += next.envelope().length();
            taken.push(next);
        }
        (!taken.is_empty()).then(|| {
            let envelopes: Vec<&Bytes> = taken.iter().map(|transaction| transaction.envelope()).collect();
            let mut payload = Vec::with_capacity(bytes + LIST_HEADER_BYTES);
            encode_list::<&Bytes, Bytes>(&envelopes, &mut payload);
            Packed { payload: payload.into(), transactions: taken }
        })
    })
}

/// The envelopes of a frame, one after the other; each is copied only when it is asked for, so that a frame of many
/// short items allocates no more than it is worth. Ends with `Err` at the first byte that is not canonical.
pub fn unpack(payload: &[u8]) -> impl Iterator<Item = Result<Bytes, ()>> {
    let mut rest = payload;
    let mut state = match Header::decode(&mut rest) {
        Ok(header) if header.list && header.payload_length == rest.len() && !rest.is_empty() => Some(rest),
        _ => None,
    };
    let mut is_broken = state.is_none();
    std::iter::from_fn(move || {
        if std::mem::take(&mut is_broken) {
            return Some(Err(()));
        }
        let rest = state.as_mut().filter(|rest| !rest.is_empty())?;
        match Header::decode_bytes(rest, false) {
            Ok(envelope) => Some(Ok(Bytes::copy_from_slice(envelope))),
            Err(_) => {
                state = None;
                Some(Err(()))
            }
        }
    })
}
