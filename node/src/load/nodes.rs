//! The tasks of a run that talk to nodes: one that follows a node's blocks, one that hands transfers to it.

use minuet_core::messages::MAX_SUBMITTED_TOGETHER;
use minuet_core::{B256, Bytes, Height};
use minuet_rpc::client::{Client, ClientError, Refusal, reason, resume_height, retry_after};
use minuet_rpc::proto::{BlockEvent, TransactionDetail};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::{Code, Status};

/// Calls to one node that are open at a time. While so many are, transfers gather and then go together: a node that has
/// time gets every transfer at once, a busy one gets few large calls.
const OPEN_CALLS: usize = 4;
/// The wait where a node names none.
const DEFAULT_RETRY: Duration = Duration::from_millis(50);
/// How often a node that is gone is called.
const CALL_AGAIN: Duration = Duration::from_millis(200);

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
    /// A node answers again; its blocks above this height follow.
    Back(usize, u64),
    /// Transfers, by their numbers, were answered.
    Answered(Vec<(usize, Answer)>),
    /// The transactions of a final block that came without their hashes.
    Hashes(u64, Vec<B256>),
    /// They could not be had: another node must be asked.
    NoHashes(u64),
}

/// Whom a follower asks, and what it listens to.
pub struct Follower {
    /// The node's number.
    pub node: usize,
    /// Its client.
    pub client: Client,
    /// Whether its blocks come with the hashes of their transactions.
    pub with_hashes: bool,
    /// The first height to hear of.
    pub from: Height,
    /// Where its news go.
    pub events: mpsc::Sender<Event>,
    /// True once all nodes were gone at a time: from then on one that is gone is called until it is back.
    pub call_again: watch::Receiver<bool>,
}

impl Follower {
    /// Follows the node's final blocks until the run ends, or the node is gone and not to be called again.
    pub async fn run(mut self) {
        loop {
            if !self.follow().await || self.events.send(Event::Down(self.node)).await.is_err() {
                return;
            }
            if self.call_again.wait_for(|again| *again).await.is_err() {
                return;
            }
            while self.client.status().await.is_err() {
                tokio::time::sleep(CALL_AGAIN).await;
            }
            let back = Event::Back(self.node, self.from.0.saturating_sub(1));
            if self.events.send(back).await.is_err() {
                return;
            }
        }
    }

    /// A reader that was too slow goes on where it was. False: the run has ended; true: the node is gone.
    async fn follow(&mut self) -> bool {
        while let Ok(mut blocks) = self.client.subscribe_blocks(Some(self.from), self.with_hashes).await {
            loop {
                match blocks.message().await {
                    Ok(Some(event)) => {
                        self.from = Height(event.height).next();
                        if self.events.send(Event::Block(self.node, Box::new(event))).await.is_err() {
                            return false;
                        }
                    }
                    Err(status) if resume_height(&status).is_some() => break,
                    _ => return true,
                }
            }
        }
        true
    }
}

/// Hands transfers to a node in the order in which they come, at once or, while it is busy, many together.
pub async fn submit(client: Client, mut work: mpsc::UnboundedReceiver<(usize, Bytes)>, events: mpsc::Sender<Event>) {
    let mut open = JoinSet::new();
    let mut batch = Vec::new();
    while work.recv_many(&mut batch, MAX_SUBMITTED_TOGETHER).await > 0 {
        while open.try_join_next().is_some() {}
        while open.len() >= OPEN_CALLS {
            open.join_next().await;
        }
        while batch.len() < MAX_SUBMITTED_TOGETHER {
            let Ok(more) = work.try_recv() else { break };
            batch.push(more);
        }
        let (numbers, envelopes): (Vec<usize>, Vec<Bytes>) = batch.drain(..).unzip();
        let (mut client, events) = (client.clone(), events.clone());
        open.spawn(async move {
            let answers = answers(client.submit_many(envelopes).await, numbers);
            let _ = events.send(Event::Answered(answers)).await;
        });
    }
    open.join_all().await;
}

type Outcomes = Result<Vec<Result<B256, Refusal>>, ClientError>;

/// What each transfer's outcome means; one for all if the call as a whole failed.
fn answers(outcomes: Outcomes, numbers: Vec<usize>) -> Vec<(usize, Answer)> {
    let all = match outcomes {
        Ok(outcomes) => {
            let answers = outcomes.into_iter().map(|outcome| match outcome {
                Ok(_) => Answer::Accepted,
                Err(refusal) => judge(refusal.code, refusal.reason, refusal.retry_after),
            });
            return numbers.into_iter().zip(answers).collect();
        }
        Err(ClientError::Refused(status)) => judge_call(&status),
        Err(error) => Answer::Elsewhere(error.to_string()),
    };
    numbers.into_iter().map(|number| (number, all.clone())).collect()
}

fn judge_call(status: &Status) -> Answer {
    let word = reason(status).map_or_else(|| format!("{:?}", status.code()), str::to_owned);
    judge(status.code(), word, retry_after(status))
}

/// Whether a status says of the node that it is going or gone, and nothing of what was asked. A connection that breaks in
/// the middle of an answer has any of the last three.
const fn is_gone(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded | Code::Internal)
}

fn says_gone(error: &ClientError) -> bool {
    match error {
        ClientError::Connect { .. } => true,
        ClientError::Refused(status) => is_gone(status.code()),
        ClientError::BadAnswer(_) | ClientError::BadProof(_) => false,
    }
}

/// Asks one node after the other until one answers. If all are gone, they are asked again for so long.
///
/// # Errors
/// A node's refusal, or the last failure once the patience is over.
pub async fn from_any<C: Clone, T>(
    clients: &[C],
    patience: Duration,
    ask: impl AsyncFn(C) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let deadline = Instant::now() + patience;
    loop {
        let mut last = None;
        for client in clients {
            match ask(client.clone()).await {
                Err(error) if says_gone(&error) => last = Some(error),
                answer => return answer,
            }
        }
        if Instant::now() >= deadline {
            return Err(last.unwrap_or_else(|| Status::unavailable("there is no node to ask").into()));
        }
        tokio::time::sleep(CALL_AGAIN).await;
    }
}

/// What to do after a refusal. A gap closes when the transfers before have come: after an outage all come anew.
fn judge(code: Code, word: String, retry_after: Option<Duration>) -> Answer {
    match code {
        Code::ResourceExhausted => Answer::Later(retry_after.unwrap_or(DEFAULT_RETRY), word),
        code if is_gone(code) => Answer::Elsewhere(word),
        Code::FailedPrecondition if word == "nonce_gap" => Answer::Later(DEFAULT_RETRY, word),
        _ => Answer::Refused(word),
    }
}

/// Fetches a final block's transaction hashes.
pub async fn fetch_hashes(mut client: Client, height: u64, events: mpsc::Sender<Event>) {
    let event = match client.block_at(Height(height), TransactionDetail::Hashes).await {
        Ok(block) => {
            let hashes = block.transaction_hashes.iter().filter_map(|hash| B256::try_from(&hash[..]).ok());
            Event::Hashes(height, hashes.collect())
        }
        Err(_) => Event::NoHashes(height),
    };
    let _ = events.send(event).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_refusal_is_judged_by_its_code_and_word() {
        let judged = |code, word: &str| judge(code, word.to_owned(), None);
        assert!(matches!(judged(Code::ResourceExhausted, "pool_full"), Answer::Later(DEFAULT_RETRY, _)));
        assert!(matches!(judged(Code::FailedPrecondition, "nonce_gap"), Answer::Later(DEFAULT_RETRY, _)));
        assert!(matches!(judged(Code::Unavailable, "node_stopping"), Answer::Elsewhere(_)));
        assert!(matches!(judged(Code::InvalidArgument, "wrong_chain"), Answer::Refused(_)));
        assert!(matches!(judged(Code::FailedPrecondition, "nonce_too_low"), Answer::Refused(_)));
    }

    #[tokio::test]
    async fn a_question_goes_from_node_to_node_until_one_answers_or_refuses() {
        let asked = AtomicU32::new(0);
        // Two rounds without an answer.
        let breaks = async |node| match (asked.fetch_add(1, Ordering::Relaxed), node) {
            (5, _) => Ok(node),
            (_, 'a') => Err(ClientError::from(Status::unknown("broken"))),
            _ => Err(ClientError::from(Status::internal("reset"))),
        };
        let patience = Duration::from_secs(60);
        assert_eq!(from_any(&['a', 'b'], patience, breaks).await.unwrap(), 'b');
        let ends = |outcome: Result<char, ClientError>| outcome.unwrap_err().to_string();
        asked.store(0, Ordering::Relaxed);
        assert!(ends(from_any(&['a', 'b'], Duration::ZERO, breaks).await).contains("reset"));
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        let refuses = async |_| Err(ClientError::from(Status::invalid_argument("words")));
        assert!(ends(from_any(&['a', 'b'], patience, refuses).await).contains("words"));
    }

    #[test]
    fn each_transfer_of_a_call_has_its_own_answer_and_a_failed_call_answers_all() {
        let refusal = Refusal {
            code: Code::ResourceExhausted,
            reason: "pool_full".to_owned(),
            message: String::new(),
            retry_after: Some(CALL_AGAIN),
        };
        let own = answers(Ok(vec![Ok(B256::ZERO), Err(refusal)]), vec![7, 8]);
        assert_eq!(own, [(7, Answer::Accepted), (8, Answer::Later(CALL_AGAIN, "pool_full".to_owned()))]);
        let gone = Err(ClientError::from(Status::unavailable("words")));
        let elsewhere = || Answer::Elsewhere("Unavailable".to_owned());
        assert_eq!(answers(gone, vec![7, 8]), [(7, elsewhere()), (8, elsewhere())]);
    }
}
