//! Who may ask how much: calls in flight, waiters, subscriptions, and the rate of submitted transactions.

use crate::config::RpcConfig;
use crate::refusal::exhausted;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

const RETRY_MS: u64 = 100;

/// Tokens that refill at a steady rate. Counted in nanoseconds of refill, so that nothing is rounded away.
#[derive(Debug)]
pub struct TokenBucket {
    nanos_per_token: u64,
    capacity_ns: u64,
    level_ns: u64,
    filled_at: Instant,
}

impl TokenBucket {
    /// A full bucket. `rate_per_second` is at least 1.
    pub fn new(rate_per_second: u32, burst: u32, now: Instant) -> Self {
        let nanos_per_token = 1_000_000_000 / u64::from(rate_per_second.max(1));
        let capacity_ns = nanos_per_token.saturating_mul(u64::from(burst));
        Self { nanos_per_token, capacity_ns, level_ns: capacity_ns, filled_at: now }
    }

    /// Milliseconds, at least 1, until an empty bucket has its next token.
    pub fn retry_ms(&self) -> u64 {
        self.nanos_per_token.saturating_sub(self.level_ns).div_ceil(1_000_000).max(1)
    }

    /// Takes as many tokens as there are, at most `count`; returns how many.
    pub fn take_up_to(&mut self, count: u64, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.filled_at).as_nanos();
        let refill = u64::try_from(since).unwrap_or(u64::MAX);
        self.level_ns = self.level_ns.saturating_add(refill).min(self.capacity_ns);
        self.filled_at = self.filled_at.max(now);
        let taken = count.min(self.level_ns / self.nanos_per_token);
        self.level_ns = self.level_ns.saturating_sub(taken.saturating_mul(self.nanos_per_token));
        taken
    }
}

/// All limits of one node's interface.
#[derive(Debug)]
pub struct Limits {
    calls: Arc<Semaphore>,
    waiters: Arc<Semaphore>,
    subscriptions: Arc<Semaphore>,
    submissions: Option<Mutex<TokenBucket>>,
}

fn permit(semaphore: &Arc<Semaphore>, reason: &'static str, what: &str) -> Result<OwnedSemaphorePermit, Status> {
    Arc::clone(semaphore)
        .try_acquire_owned()
        .map_err(|_| exhausted(reason, RETRY_MS, format_args!("the node has as many {what} as it allows")))
}

impl Limits {
    pub fn new(config: &RpcConfig) -> Self {
        let rate = config.submit_rate_per_second;
        let bucket = (rate > 0).then(|| Mutex::new(TokenBucket::new(rate, config.submit_burst, Instant::now())));
        Self {
            calls: Arc::new(Semaphore::new(config.max_calls)),
            waiters: Arc::new(Semaphore::new(config.max_waiters)),
            subscriptions: Arc::new(Semaphore::new(config.max_subscriptions)),
            submissions: bucket,
        }
    }

    /// Room for one call until the permit is dropped.
    pub fn call(&self) -> Result<OwnedSemaphorePermit, Status> {
        permit(&self.calls, "too_many_calls", "calls in progress")
    }

    /// Room for one wait.
    pub fn waiter(&self) -> Result<OwnedSemaphorePermit, Status> {
        permit(&self.waiters, "too_many_waiters", "waiting calls")
    }

    /// Room for one subscription.
    pub fn subscription(&self) -> Result<OwnedSemaphorePermit, Status> {
        permit(&self.subscriptions, "too_many_subscriptions", "subscriptions")
    }

    /// Several transactions more: how many of them, and the refusal of the others.
    pub fn submissions(&self, count: usize) -> (usize, Option<Status>) {
        let Some(bucket) = &self.submissions else { return (count, None) };
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let taken = bucket.take_up_to(u64::try_from(count).unwrap_or(u64::MAX), now);
        let taken = usize::try_from(taken).unwrap_or(count);
        let refusal = (taken < count).then(|| too_fast(bucket.retry_ms()));
        (taken, refusal)
    }

    /// One transaction more.
    pub fn submission(&self) -> Result<(), Status> {
        self.submissions(1).1.map_or(Ok(()), Err)
    }
}

fn too_fast(retry_ms: u64) -> Status {
    exhausted("submit_rate", retry_ms, "the node takes no more transactions per second (rpc.submit_rate_per_second)")
}
