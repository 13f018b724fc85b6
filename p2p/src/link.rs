//! An established connection to a peer: its lanes' queues, and the tasks that write, read and watch it.

use crate::closing::{CloseReason, describe};
use crate::frame::{HEADER_BYTES, header};
use crate::hub::Hub;
use crate::reader::read_lane;
use crate::stats::Counter;
use minuet_core::alloy_primitives::bytes;
use minuet_core::wire::{FrameKind, Lane};
use minuet_core::{Bytes, PeerId};
use quinn::{SendStream, WriteError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Small frames up to this many bytes are copied together; larger ones are handed over as they are.
const COPY_BYTES: usize = 1024;
/// Bytes that one write takes out of a queue, about.
const BATCH_BYTES: usize = 256 << 10;
/// What a queued frame costs besides its payload, so that many tiny ones are bounded too.
const FRAME_OVERHEAD_BYTES: usize = 64;

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<(FrameKind, Bytes)>,
    /// Of the frames that wait or are being written.
    cost: usize,
}

#[derive(Debug, Default)]
struct LaneQueue {
    queue: Mutex<Queue>,
    filled: Notify,
}

const fn cost(payload: &Bytes) -> usize {
    payload.0.len() + FRAME_OVERHEAD_BYTES
}

impl LaneQueue {
    /// # Errors
    /// The bytes that wait already, when the frame does not fit in addition.
    fn push(&self, kind: FrameKind, payload: Bytes, limit: usize) -> Result<(), usize> {
        let mut queue = crate::lock(&self.queue);
        let after = queue.cost.saturating_add(cost(&payload));
        if queue.cost > 0 && after > limit {
            return Err(queue.cost);
        }
        queue.cost = after;
        queue.frames.push_back((kind, payload));
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    fn take(&self) -> Vec<(FrameKind, Bytes)> {
        let mut queue = crate::lock(&self.queue);
        let mut bytes = 0;
        let mut batch = Vec::new();
        while bytes < BATCH_BYTES
            && let Some(frame) = queue.frames.pop_front()
        {
            bytes += frame.1.len();
            batch.push(frame);
        }
        batch
    }

    fn written(&self, cost: usize) {
        let mut queue = crate::lock(&self.queue);
        queue.cost = queue.cost.saturating_sub(cost);
    }
}

/// One connection whose handshake is done.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) peer: PeerId,
    pub(crate) connection: quinn::Connection,
    /// The peer's process.
    pub(crate) instance: u64,
    /// Dialled by the lower index: stays if there are two.
    pub(crate) is_preferred: bool,
    pub(crate) since: Instant,
    pub(crate) since_ms: u64,
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_out: Counter,
    queues: [LaneQueue; Lane::ALL.len()],
    closed_here: Mutex<Option<CloseReason>>,
}

impl Link {
    pub(crate) fn new(peer: PeerId, connection: quinn::Connection, instance: u64, is_preferred: bool) -> Self {
        let since_unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self {
            peer,
            connection,
            instance,
            is_preferred,
            since: Instant::now(),
            since_ms: u64::try_from(since_unix.as_millis()).unwrap_or(u64::MAX),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            queues: std::array::from_fn(|_| LaneQueue::default()),
            closed_here: Mutex::new(None),
        }
    }

    /// Queues a frame.
    ///
    /// # Errors
    /// The bytes that wait on its lane, when `limit` is reached.
    pub(crate) fn send(&self, kind: FrameKind, payload: Bytes, limit: usize) -> Result<(), usize> {
        self.queue(kind.lane()).push(kind, payload, limit)
    }

    const fn queue(&self, lane: Lane) -> &LaneQueue {
        &self.queues[lane as usize]
    }

    /// Closes the connection; the first reason counts.
    pub(crate) fn close(&self, reason: CloseReason) {
        reason.close(&self.connection);
        crate::lock(&self.closed_here).get_or_insert(reason);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }
}

/// Serves the link until its connection ends, whoever ends it.
pub(crate) async fn run_link(hub: Arc<Hub>, link: Arc<Link>) {
    let mut tasks = JoinSet::new();
    for (lane, priority) in Lane::ALL.into_iter().rev().zip(0..).collect::<Vec<_>>().into_iter().rev() {
        // Opened in the lanes' order: a stream's number says which lane it is.
        let Ok(stream) = link.connection.open_uni().await else { break };
        if stream.set_priority(priority).is_err() {
            break;
        }
        tasks.spawn(write_lane(Arc::clone(&hub), Arc::clone(&link), lane, stream));
    }
    let error = loop {
        tokio::select! {
            error = link.connection.closed() => break error,
            stream = link.connection.accept_uni() => match stream {
                Ok(stream) => match usize::try_from(stream.id().index()).ok().and_then(|place| Lane::ALL.get(place)) {
                    Some(lane) => drop(tasks.spawn(read_lane(Arc::clone(&hub), Arc::clone(&link), *lane, stream))),
                    None => hub.close(&link, CloseReason::ExtraStream),
                },
                Err(error) => break error,
            },
            Some(outcome) = tasks.join_next() => match outcome {
                Ok(Some(reason)) => hub.close(&link, reason),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "a lane's task failed");
                    hub.close(&link, CloseReason::Internal);
                }
            },
        }
    };
    let here = crate::lock(&link.closed_here).clone();
    hub.remove(&link, &here.map_or_else(|| describe(&error), |reason| format!("closed here: {reason}")));
}

async fn write_lane(hub: Arc<Hub>, link: Arc<Link>, lane: Lane, mut stream: SendStream) -> Option<CloseReason> {
    let queue = link.queue(lane);
    loop {
        let batch = queue.take();
        if batch.is_empty() {
            queue.filled.notified().await;
            continue;
        }
        let mut chunks = assemble(&batch);
        match stream.write_all_chunks(&mut chunks).await {
            Ok(()) => {}
            Err(WriteError::Stopped(_)) => return Some(CloseReason::LaneEnded(lane.name())),
            Err(_) => return None,
        }
        queue.written(batch.iter().map(|(_, payload)| cost(payload)).sum());
        let bytes: usize = batch.iter().map(|(_, payload)| payload.len() + HEADER_BYTES).sum();
        hub.count_sent(&link, lane, batch.len() as u64, bytes as u64);
    }
}

/// Few pieces for one write: small frames copied together, large ones as they are.
fn assemble(batch: &[(FrameKind, Bytes)]) -> Vec<bytes::Bytes> {
    let mut chunks = Vec::new();
    let mut small = Vec::new();
    for (kind, payload) in batch {
        let length = u32::try_from(payload.len()).expect("held against the kind's limit when it was sent");
        small.extend_from_slice(&header(*kind, length));
        if payload.len() <= COPY_BYTES {
            small.extend_from_slice(payload);
        } else {
            chunks.push(bytes::Bytes::from(std::mem::take(&mut small)));
            chunks.push(payload.0.clone());
        }
    }
    if !small.is_empty() {
        chunks.push(bytes::Bytes::from(small));
    }
    chunks
}
