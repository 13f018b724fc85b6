//! Sending a transaction and following it until it is final.

use crate::convert::{self, envelope_field, wire};
use crate::proto::transaction_state as state;
use crate::proto::{self, TransactionState};
use crate::refusal::{admission, inconsistent, invalid, read_only};
use crate::services::Shared;
use crate::source::Role;
use minuet_core::messages::{MAX_SUBMITTED_TOGETHER, PoolStatus};
use minuet_core::spans;
use minuet_core::{Bytes, Height, TxHash, keccak256};
use prost::bytes::Bytes as WireBytes;
use std::time::{Duration, Instant};
use tonic::Status;

/// The longest wait.
const MAX_WAIT_MS: u32 = 60_000;
/// The wait of a caller who names none.
const DEFAULT_WAIT_MS: u32 = 10_000;

/// The time to wait from a request.
pub fn timeout_field(timeout_ms: u32) -> Result<Duration, Status> {
    match timeout_ms {
        0 => Ok(Duration::from_millis(DEFAULT_WAIT_MS.into())),
        1..=MAX_WAIT_MS => Ok(Duration::from_millis(timeout_ms.into())),
        _ => Err(invalid("timeout_ms", "timeout_range", format_args!("{timeout_ms} is above {MAX_WAIT_MS}"))),
    }
}

/// A follower hands no transactions on: whoever submits here would wait for nothing.
fn refuse_if_read_only(shared: &Shared) -> Result<(), Status> {
    if shared.role == Role::Follower { Err(read_only()) } else { Ok(()) }
}

/// Submits. A transaction that is final already is as good as admitted: the pool refuses its nonce, the index knows it.
pub async fn submit(shared: &Shared, envelope: Bytes) -> Result<TxHash, Status> {
    refuse_if_read_only(shared)?;
    let hash = keccak256(&envelope);
    tracing::trace!(name: spans::RECEIVED, target: spans::TARGET, hash = hash.as_slice());
    match shared.pool.submit(envelope).await? {
        Ok(admitted) => Ok(admitted),
        Err(_) if location(shared, &hash)?.is_some() => Ok(hash),
        Err(error) => Err(admission(&error)),
    }
}

/// Submits several, each with its own result. The error is of the call as a whole.
pub async fn submit_many(shared: &Shared, batch: Vec<WireBytes>) -> Result<Vec<proto::SubmitResult>, Status> {
    refuse_if_read_only(shared)?;
    let long = batch.len();
    if long == 0 {
        return Err(invalid("transactions", "batch_empty", "give at least one signed envelope"));
    }
    if long > MAX_SUBMITTED_TOGETHER {
        let text = format_args!("{long} envelopes, at most {MAX_SUBMITTED_TOGETHER} are allowed: use several calls");
        return Err(invalid("transactions", "batch_too_long", text));
    }
    let mut results: Vec<Option<proto::SubmitResult>> = vec![None; long];
    let mut good = Vec::with_capacity(long);
    let mut places = Vec::with_capacity(long);
    for (place, bytes) in batch.into_iter().enumerate() {
        match envelope_field(bytes) {
            Ok(envelope) => {
                // Hashed only while somebody records it.
                tracing::trace!(name: spans::RECEIVED, target: spans::TARGET, hash = keccak256(&envelope).as_slice());
                good.push(envelope);
                places.push(place);
            }
            Err(status) => results[place] = Some(refused(&status)),
        }
    }
    let (taken, too_fast) = shared.limits.submissions(good.len());
    if let Some(too_fast) = too_fast.as_ref().map(refused) {
        places.drain(taken..).for_each(|place| results[place] = Some(too_fast.clone()));
        good.truncate(taken);
    }
    // Cheap: the envelopes are shared, not copied.
    let outcomes = if good.is_empty() { Vec::new() } else { shared.pool.submit_many(good.clone()).await? };
    for ((outcome, envelope), place) in outcomes.into_iter().zip(&good).zip(places) {
        results[place] = Some(match outcome {
            Ok(hash) => admitted(hash),
            Err(error) => {
                let hash = keccak256(envelope);
                if location(shared, &hash)?.is_some() { admitted(hash) } else { refused(&admission(&error)) }
            }
        });
    }
    let unanswered = || refused(&crate::refusal::stopping());
    Ok(results.into_iter().map(|result| result.unwrap_or_else(unanswered)).collect())
}

fn admitted(hash: TxHash) -> proto::SubmitResult {
    proto::SubmitResult { result: Some(proto::submit_result::Result::Hash(wire(hash))) }
}

fn refused(status: &Status) -> proto::SubmitResult {
    let refusal = proto::submit_result::Refusal {
        code: i32::from(status.code()).unsigned_abs(),
        reason: crate::client::reason(status).unwrap_or_default().to_owned(),
        message: status.message().to_owned(),
        retry_after_ms: crate::client::retry_after(status)
            .map(|after| after.as_millis().try_into().unwrap_or(u64::MAX)),
    };
    proto::SubmitResult { result: Some(proto::submit_result::Result::Refusal(refusal)) }
}

fn location(shared: &Shared, hash: &TxHash) -> Result<Option<(Height, u32)>, Status> {
    shared.read(|chain| chain.transaction_location(hash))
}

fn microseconds_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
}

const fn as_state(state: state::State) -> TransactionState {
    TransactionState { state: Some(state) }
}

fn pool_state(status: PoolStatus) -> TransactionState {
    as_state(match status {
        PoolStatus::Unknown => state::State::Unknown(state::Unknown {}),
        PoolStatus::Pending => state::State::Pending(state::Pending {}),
        PoolStatus::Queued => state::State::Queued(state::Queued {}),
        PoolStatus::Included { digest, height } => {
            state::State::Included(state::Included { height: height.0, block_hash: wire(digest) })
        }
        PoolStatus::Dropped { reason } => state::State::Dropped(state::Dropped { reason }),
    })
}

async fn final_state(shared: &Shared, (height, index): (Height, u32)) -> Result<TransactionState, Status> {
    let outcome = shared.indexed_block(height).await?.outcome(index)?;
    Ok(as_state(state::State::Final(outcome)))
}

/// What is known of a transaction: the chain first, then the pool, then the chain again, since the pool forgets what
/// became final meanwhile.
pub async fn transaction(shared: &Shared, hash: TxHash) -> Result<proto::GetTransactionResponse, Status> {
    let mut place = location(shared, &hash)?;
    let mut pooled = PoolStatus::Unknown;
    if place.is_none() {
        pooled = shared.pool.query(hash).await?;
        place = location(shared, &hash)?;
    }
    let Some((height, index)) = place else {
        return Ok(proto::GetTransactionResponse {
            hash: wire(hash),
            state: Some(pool_state(pooled)),
            transaction: None,
        });
    };
    let entry = shared.indexed_block(height).await?;
    let transaction = usize::try_from(index).ok().and_then(|index| entry.transactions.get(index));
    let transaction = transaction.filter(|transaction| transaction.hash() == hash);
    let transaction =
        transaction.ok_or_else(|| inconsistent(format_args!("transaction {hash} is in the index only")))?;
    Ok(proto::GetTransactionResponse {
        hash: wire(hash),
        state: Some(as_state(state::State::Final(entry.outcome(index)?))),
        transaction: Some(convert::transaction(transaction)),
    })
}

/// Submits and waits until the transaction is final or dropped, or the time is over.
pub async fn submit_and_wait(
    shared: &Shared,
    envelope: Bytes,
    timeout: Duration,
) -> Result<proto::SubmitAndWaitResponse, Status> {
    let start = Instant::now();
    let hash = keccak256(&envelope);
    // Before submitting, so that no final block is missed in between.
    let mut waiter = shared.feed.waiters.register(hash);
    submit(shared, envelope).await?;
    let admitted_after_us = microseconds_since(start);
    let answer = |state: TransactionState, timed_out: bool| proto::SubmitAndWaitResponse {
        hash: wire(hash),
        state: Some(state),
        timed_out,
        admitted_after_us,
        answered_after_us: microseconds_since(start),
    };
    // Final before the wait began: the same transaction was sent earlier.
    if let Some(place) = location(shared, &hash)? {
        return Ok(answer(final_state(shared, place).await?, false));
    }
    let deadline = tokio::time::sleep_until((start + timeout).into());
    tokio::pin!(deadline);
    let check_every = Duration::from_millis(shared.config.drop_check_ms);
    let mut drop_check = tokio::time::interval_at(tokio::time::Instant::now() + check_every, check_every);
    loop {
        tokio::select! {
            biased;
            place = &mut waiter.done => {
                let place = place.map_err(|_| crate::refusal::stopping())?;
                return Ok(answer(final_state(shared, place).await?, false));
            }
            stopped = shared.stopped() => return Err(stopped),
            () = &mut deadline => {
                let state = transaction(shared, hash).await?.state.unwrap_or_default();
                let timed_out = !is_settled(&state);
                return Ok(answer(state, timed_out));
            }
            _ = drop_check.tick() => {
                if let Some(state) = settled(shared, hash).await? {
                    return Ok(answer(state, false));
                }
            }
        }
    }
}

const fn is_settled(state: &TransactionState) -> bool {
    matches!(state.state, Some(state::State::Final(_) | state::State::Dropped(_)))
}

/// The state of an admitted transaction if nothing will come of waiting longer. A pool too busy to say so is asked again.
async fn settled(shared: &Shared, hash: TxHash) -> Result<Option<TransactionState>, Status> {
    let Ok(known) = transaction(shared, hash).await else { return Ok(None) };
    let state = known.state.unwrap_or_default();
    if matches!(state.state, Some(state::State::Unknown(_))) {
        let reason = "the pool no longer knows it: submit it again".to_owned();
        return Ok(Some(as_state(state::State::Dropped(state::Dropped { reason }))));
    }
    Ok(is_settled(&state).then_some(state))
}
