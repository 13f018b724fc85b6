//! The way to the pool. Any number of calls funnel into the one task that owns the ring's sending end; a full ring is
//! told to the caller (`RefuseCaller`).

use crate::refusal::{admission, refuse, stopping};
use minuet_core::mempool_errors::AdmissionError;
use minuet_core::messages::{PoolStatus, Submission};
use minuet_core::ring::{SendError, Sender};
use minuet_core::{Address, Bytes, TxHash};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tonic::{Code, Status};

/// Orders that wait for the funnel's next turn, at most.
const FUNNEL_CAPACITY: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handed {
    Yes,
    Full,
    Gone,
}

struct Order {
    submission: Submission,
    handed: oneshot::Sender<Handed>,
}

/// A handle to the pool for calls; cheap to clone.
#[derive(Clone, Debug)]
pub struct Pool {
    orders: mpsc::Sender<Order>,
    timeout: Duration,
}

impl Pool {
    /// The handle, and the funnel's work for a task of its own. The work ends when all handles are gone.
    pub fn new(ring: Sender<Submission>, timeout: Duration) -> (Self, impl Future<Output = ()> + Send) {
        let (orders, queue) = mpsc::channel(FUNNEL_CAPACITY);
        (Self { orders, timeout }, funnel(ring, queue))
    }

    /// Submits an envelope; the refusal is the pool's own.
    pub async fn submit(&self, envelope: Bytes) -> Result<Result<TxHash, AdmissionError>, Status> {
        let asked = self.ask(|answer| Submission::Submit {
            envelope,
            reply: Box::new(move |outcome| {
                let _ = answer.send(outcome);
            }),
        });
        asked.await
    }

    /// Submits several envelopes, at most [`MAX_SUBMITTED_TOGETHER`](minuet_core::messages::MAX_SUBMITTED_TOGETHER), with
    /// one message to the pool and one answer: an outcome each, in order.
    pub async fn submit_many(&self, envelopes: Vec<Bytes>) -> Result<Vec<Result<TxHash, AdmissionError>>, Status> {
        let asked = self.ask(|answer| Submission::SubmitMany {
            envelopes,
            reply: Box::new(move |outcomes| {
                let _ = answer.send(outcomes);
            }),
        });
        asked.await
    }

    /// What the pool knows of a transaction.
    pub async fn query(&self, hash: TxHash) -> Result<PoolStatus, Status> {
        let asked = self.ask(|answer| Submission::Query {
            hash,
            reply: Box::new(move |status| {
                let _ = answer.send(status);
            }),
        });
        asked.await
    }

    /// The sender's next nonce, waiting transactions included.
    pub async fn next_nonce(&self, sender: Address) -> Result<u64, Status> {
        let asked = self.ask(|answer| Submission::NextNonce {
            sender,
            reply: Box::new(move |nonce| {
                let _ = answer.send(nonce);
            }),
        });
        asked.await?.ok_or_else(|| admission(&AdmissionError::Unavailable))
    }

    async fn ask<T>(&self, build: impl FnOnce(oneshot::Sender<T>) -> Submission) -> Result<T, Status> {
        let (answer, answered) = oneshot::channel();
        let (handed, was_handed) = oneshot::channel();
        let order = Order { submission: build(answer), handed };
        match self.orders.try_send(order) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Err(admission(&AdmissionError::Busy)),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(stopping()),
        }
        match was_handed.await {
            Ok(Handed::Yes) => {}
            Ok(Handed::Full) => return Err(admission(&AdmissionError::Busy)),
            Ok(Handed::Gone) | Err(_) => return Err(stopping()),
        }
        match tokio::time::timeout(self.timeout, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(stopping()),
            Err(_) => {
                let text =
                    format!("the pool did not answer within {} ms; ask what became of it", self.timeout.as_millis());
                Err(refuse(Code::DeadlineExceeded, "pool_timeout", text))
            }
        }
    }
}

async fn funnel(mut ring: Sender<Submission>, mut queue: mpsc::Receiver<Order>) {
    while let Some(order) = queue.recv().await {
        let outcome = match ring.try_send(order.submission) {
            Ok(()) => Handed::Yes,
            Err(SendError::Full(_)) => Handed::Full,
            Err(SendError::Disconnected(_)) => Handed::Gone,
        };
        // A caller that has gone away needs no word.
        let _ = order.handed.send(outcome);
    }
}
