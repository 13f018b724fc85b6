//! The journal's service: answers appends once they are durable. Polled; it never waits.

use super::{Journal, JournalError};
use minuet_core::file::Directory;
use minuet_core::messages::{JournalReply, JournalRequest};
use minuet_core::ring::{Receiver, RingMessage, Sender};
use minuet_core::spans;
use minuet_core::status::NodeStatus;
use std::sync::Arc;
use std::time::Instant;

/// Serves one journal from its request ring.
///
/// Appends that wait together are written together and synced once, and answered with the newest ticket. A failure is
/// answered once with [`JournalReply::Failed`]; every later turn fails too (D-FAIL-STOP).
pub struct JournalDriver<D: Directory> {
    journal: Journal<D>,
    requests: Receiver<JournalRequest>,
    replies: Sender<JournalReply>,
    status: Arc<NodeStatus>,
    failure: Option<JournalError>,
}

impl<D: Directory> JournalDriver<D> {
    /// `replies` must have room for as many messages as `requests`.
    #[must_use]
    pub fn new(
        journal: Journal<D>,
        requests: Receiver<JournalRequest>,
        replies: Sender<JournalReply>,
        status: Arc<NodeStatus>,
    ) -> Self {
        Self { journal, requests, replies, status, failure: None }
    }

    /// Serves everything that waits, a ring full of requests at most. True if there was anything.
    ///
    /// # Errors
    /// When the journal failed, now or earlier.
    pub fn turn(&mut self) -> Result<bool, JournalError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.serve().inspect_err(|failure| {
            self.status.journal_failures.add(1);
            tracing::error!(error = %failure, "the journal failed, nothing is signed any more");
            // Without a receiver the node is stopping already.
            let _ = self.replies.send_fitting(JournalReply::Failed { reason: failure.to_string() });
            self.failure = Some(failure.clone());
        })
    }

    fn serve(&mut self) -> Result<bool, JournalError> {
        let mut newest = None;
        let mut prune_to = None;
        let mut is_roused = false;
        let mut had_work = false;
        for request in self.requests.drain(JournalRequest::CAPACITY) {
            had_work = true;
            match request {
                JournalRequest::Append { ticket, records } => {
                    self.journal.append(&records)?;
                    newest = newest.max(Some(ticket));
                }
                JournalRequest::Prune { tag } => prune_to = prune_to.max(Some(tag)),
                JournalRequest::Rouse => is_roused = true,
            }
        }
        if is_roused && newest.is_none() {
            self.journal.rouse();
        }
        if let Some(ticket) = newest {
            let start = Instant::now();
            self.journal.sync()?;
            let sync_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            tracing::trace!(name: spans::SYNCED, target: spans::TARGET, count = sync_us);
            self.status.journal_sync_us.set(sync_us);
            self.status.times.journal_sync.record(sync_us);
            // Without a receiver the node is stopping already.
            let _ = self.replies.send_fitting(JournalReply::Durable { ticket });
        }
        if let Some(tag) = prune_to {
            // After the sync: the floor that allows it may be among the records that were just written.
            self.journal.prune(tag)?;
        }
        Ok(had_work)
    }

    /// Whether a turn would find work.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Whether the requests' sender is gone and all its requests were served.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.requests.is_finished()
    }
}
