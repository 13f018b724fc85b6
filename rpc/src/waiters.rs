//! Calls that wait until a transaction is final.

use minuet_core::{Height, TxHash};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Where to say height and index.
type Answer = oneshot::Sender<(Height, u32)>;

#[derive(Debug, Default)]
struct Inner {
    next_id: u64,
    waiting: BTreeMap<TxHash, Vec<(u64, Answer)>>,
}

/// Who waits for which transaction. Bounded by the permits that the callers hold.
#[derive(Clone, Debug, Default)]
pub struct Waiters(Arc<Mutex<Inner>>);

/// One wait; forgotten when dropped.
#[derive(Debug)]
pub struct Waiter {
    waiters: Waiters,
    hash: TxHash,
    id: u64,
    /// Fires with height and index once the transaction is final.
    pub done: oneshot::Receiver<(Height, u32)>,
}

impl Waiters {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a wait. What became final before is not told: look at the chain afterwards.
    pub fn register(&self, hash: TxHash) -> Waiter {
        let (sender, done) = oneshot::channel();
        let mut inner = self.lock();
        inner.next_id = inner.next_id.wrapping_add(1);
        let id = inner.next_id;
        inner.waiting.entry(hash).or_default().push((id, sender));
        drop(inner);
        Waiter { waiters: self.clone(), hash, id, done }
    }

    /// Tells the waiters of a block's transactions.
    pub fn finalized(&self, height: Height, hashes: impl Iterator<Item = TxHash>) {
        let mut inner = self.lock();
        if inner.waiting.is_empty() {
            return;
        }
        for (index, hash) in (0u32..).zip(hashes) {
            for (_, sender) in inner.waiting.remove(&hash).unwrap_or_default() {
                // A caller that has gone away needs no answer.
                let _ = sender.send((height, index));
            }
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.lock().waiting.values().map(Vec::len).sum()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut inner = self.waiters.lock();
        if let Some(waiting) = inner.waiting.get_mut(&self.hash) {
            waiting.retain(|(id, _)| *id != self.id);
            if waiting.is_empty() {
                inner.waiting.remove(&self.hash);
            }
        }
    }
}
