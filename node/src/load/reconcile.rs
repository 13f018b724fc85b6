//! After a run: what the chain itself says about every transfer and every sender.

use super::book::Book;
use super::senders::Senders;
use minuet_core::{Address, B256, Height};
use minuet_rpc::client::{Client, ClientError};
use minuet_rpc::proto::GetNonceRequest;
use std::collections::HashMap;
use tokio::task::JoinSet;

const OPEN_CALLS: usize = 64;

/// Counts how often each of the book's transfers stands in the final blocks above `from`, up to the newest one.
///
/// # Errors
/// The node's.
pub async fn scan(client: &mut Client, book: &Book, from: u64) -> Result<HashMap<B256, u32>, ClientError> {
    let last = client.status().await?.height;
    let mut found = HashMap::new();
    if last <= from {
        return Ok(found);
    }
    let mut blocks = client.subscribe_blocks(Some(Height(from).next()), true).await?;
    while let Some(event) = blocks.message().await? {
        for hash in event.transaction_hashes.iter().filter_map(|hash| B256::try_from(&hash[..]).ok()) {
            if book.knows(&hash) {
                *found.entry(hash).or_insert(0) += 1;
            }
        }
        if event.height >= last {
            break;
        }
    }
    Ok(found)
}

/// Final and next nonce of many accounts.
///
/// # Errors
/// The node's.
pub async fn nonces(client: &Client, addresses: Vec<Address>) -> Result<Vec<(u64, u64)>, ClientError> {
    let mut answers = vec![(0, 0); addresses.len()];
    let mut open = JoinSet::new();
    let mut waiting = addresses.into_iter().enumerate();
    loop {
        while open.len() < OPEN_CALLS {
            let Some((place, address)) = waiting.next() else { break };
            let mut client = client.clone();
            open.spawn(async move {
                let request = GetNonceRequest { address: address.to_vec().into() };
                client.accounts.get_nonce(request).await.map(|answer| (place, answer.into_inner()))
            });
        }
        match open.join_next().await {
            Some(Ok(Ok((place, answer)))) => answers[place] = (answer.finalized, answer.next),
            Some(Ok(Err(status))) => return Err(status.into()),
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => return Ok(answers),
        }
    }
}

/// Senders whose nonce on the chain is not what their final transfers make it.
///
/// # Errors
/// The node's.
pub async fn wrong_nonces(
    client: &Client,
    senders: &Senders,
    book: &Book,
    on_chain: &HashMap<B256, u32>,
) -> Result<u64, ClientError> {
    let mut finals = vec![0u64; senders.len()];
    for transfer in book.transfers.iter().filter(|transfer| on_chain.contains_key(&transfer.hash)) {
        finals[transfer.sender] += 1;
    }
    let addresses = (0..senders.len()).map(|sender| senders.address(sender)).collect();
    let answers = nonces(client, addresses).await?;
    let expected = finals.iter().enumerate().map(|(sender, count)| senders.first_nonce(sender) + count);
    Ok(answers.iter().zip(expected).filter(|((finalized, _), expected)| finalized != expected).count() as u64)
}
