//! The tasks of a run that talk to nodes: one that follows a node's blocks, one that hands transfers to it.

use minuet_core::{B256, Bytes, Height};
use minuet_rpc::client::{Client, ClientError, reason, resume_height, retry_after};
use minuet_rpc::proto::{BlockEvent, TransactionDetail};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::{Code, Status};

/// Calls to one node that are open at a time.
const OPEN_CALLS: usize = 128;
/// The wait where a node names none.
const DEFAULT_RETRY: Duration = Duration::from_millis(50);

/// What a node said to one transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken.
    Accepted,
    /// Not now: the same again after a while.
    Later(Duration, String),
    /// This node is going or gone: another may take it.
    Elsewhere(String),
    /// Never.
    Refused(String),
}

/// What the tasks report.
#[derive(Debug)]
pub enum Event {
    /// A block became final at a node.
    Block(usize, Box<BlockEvent>),
    /// A node cannot be followed any more.
    Down(usize),
    /// A transfer, by its number, was answered.
    Answered(usize, Answer),
    /// The transactions of a final block that came without their hashes.
    Hashes(u64, Vec<B256>),
}

/// Follows a node's final blocks until it is gone. A reader that was too slow goes on where it was.
pub async fn follow(
    node: usize,
    mut client: Client,
    with_hashes: bool,
    mut from: Option<Height>,
    events: mpsc::Sender<Event>,
) {
    'subscribe: while let Ok(mut blocks) = client.subscribe_blocks(from, with_hashes).await {
        loop {
            match blocks.message().await {
                Ok(Some(event)) => {
                    from = Some(Height(event.height).next());
                    if events.send(Event::Block(node, Box::new(event))).await.is_err() {
                        return;
                    }
                }
                Err(status) if resume_height(&status).is_some() => continue 'subscribe,
                _ => break 'subscribe,
            }
        }
    }
    // The run's end closes the channel; then nobody needs to know.
    let _ = events.send(Event::Down(node)).await;
}

/// Hands transfers to a node in the order in which they come, several at a time.
pub async fn submit(client: Client, mut work: mpsc::UnboundedReceiver<(usize, Bytes)>, events: mpsc::Sender<Event>) {
    let mut open = JoinSet::new();
    while let Some((number, envelope)) = work.recv().await {
        while open.len() >= OPEN_CALLS {
            open.join_next().await;
        }
        while open.try_join_next().is_some() {}
        let (mut client, events) = (client.clone(), events.clone());
        open.spawn(async move {
            let answer = match client.submit(envelope).await {
                Ok(_) => Answer::Accepted,
                Err(ClientError::Refused(status)) => judge(&status),
                Err(error) => Answer::Elsewhere(error.to_string()),
            };
            let _ = events.send(Event::Answered(number, answer)).await;
        });
    }
    open.join_all().await;
}

/// What to do after a refusal.
fn judge(status: &Status) -> Answer {
    let word = reason(status).map_or_else(|| format!("{:?}", status.code()), str::to_owned);
    match status.code() {
        Code::ResourceExhausted => Answer::Later(retry_after(status).unwrap_or(DEFAULT_RETRY), word),
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded | Code::Internal => {
            Answer::Elsewhere(word)
        }
        _ => Answer::Refused(word),
    }
}

/// Fetches a final block's transaction hashes.
pub async fn fetch_hashes(mut client: Client, height: u64, events: mpsc::Sender<Event>) {
    if let Ok(block) = client.block_at(Height(height), TransactionDetail::Hashes).await {
        let hashes = block.transaction_hashes.iter().filter_map(|hash| B256::try_from(&hash[..]).ok()).collect();
        let _ = events.send(Event::Hashes(height, hashes)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_judged_by_its_code() {
        let judged = |code| judge(&Status::new(code, "words"));
        assert!(matches!(judged(Code::ResourceExhausted), Answer::Later(DEFAULT_RETRY, _)));
        assert!(matches!(judged(Code::Unavailable), Answer::Elsewhere(_)));
        assert!(matches!(judged(Code::InvalidArgument), Answer::Refused(_)));
        assert!(matches!(judged(Code::FailedPrecondition), Answer::Refused(_)));
    }
}
