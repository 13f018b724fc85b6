//! Watches what every node shows as final, all the time: through kills, pauses and restarts. The tests of processes use
//! this file too.

use super::seen::{Seen, Shown, hash};
use minuet_core::Height;
use minuet_rpc::client::Client;
use minuet_rpc::proto::TransactionDetail;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::MissedTickBehavior;

/// Between two calls to a node that is not there.
const CALL_AGAIN: Duration = Duration::from_millis(20);

/// What a panic left behind is still good to look at.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Follows all nodes until it is dropped or asked.
#[derive(Debug)]
pub struct Witness {
    seen: Arc<Mutex<Seen>>,
    runtime: Option<Runtime>,
}

#[allow(dead_code, reason = "each of its users needs a part")]
impl Witness {
    /// Follows nodes by their numbers and addresses.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn following(nodes: impl Iterator<Item = (u16, String)>) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        for (node, url) in nodes {
            runtime.spawn(follow(node, url, seen.clone()));
        }
        Ok(Self { seen, runtime: Some(runtime) })
    }

    /// What was shown so far.
    pub fn so_far<T>(&self, ask: impl FnOnce(&Seen) -> T) -> T {
        ask(&locked(&self.seen))
    }

    /// A node that is down loses its data directory, or gets an older one: that it has less is no loss of others.
    pub fn forgives(&self, node: u16) {
        locked(&self.seen).forgives(node);
    }

    /// The highest block that any node has shown.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.so_far(Seen::highest)
    }

    /// Everything that was shown.
    #[must_use]
    pub fn finish(mut self) -> Seen {
        self.stop();
        std::mem::take(&mut *locked(&self.seen))
    }

    fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn follow(node: u16, url: String, seen: Arc<Mutex<Seen>>) {
    let mut again = tokio::time::interval(CALL_AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        again.tick().await;
        let Ok(mut client) = Client::connect(&url).await else { continue };
        let Ok(latest) = client.latest_block(TransactionDetail::Unspecified).await else { continue };
        let from = {
            let mut seen = locked(&seen);
            let from = seen.newest(node) + 1;
            seen.answers(node, latest.height, Shown { hash: hash(&latest.hash), view: latest.view });
            Height(from)
        };
        let Ok(mut events) = client.subscribe_blocks(Some(from), false).await else { continue };
        while let Ok(Some(event)) = events.message().await {
            locked(&seen).shows(node, event.height, Shown { hash: hash(&event.hash), view: event.view });
        }
    }
}
