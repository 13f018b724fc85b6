//! Watches what every node shows as final, all the time: through kills, pauses and restarts.

use super::Network;
use super::log::locked;
use minuet_core::{B256, Height};
use minuet_rpc::client::Client;
use minuet_rpc::proto::TransactionDetail;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::MissedTickBehavior;

/// Between two calls to a node that is not there.
const CALL_AGAIN: Duration = Duration::from_millis(20);

/// A final block, as a node shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    pub hash: B256,
    pub view: u64,
}

/// Everything that any node has shown, held against what was shown before.
#[derive(Debug, Default)]
pub struct Seen {
    blocks: BTreeMap<u64, Shown>,
    /// By node: the highest block that it showed.
    newest: BTreeMap<u16, u64>,
    pub violations: Vec<String>,
}

impl Seen {
    /// A node shows a block as final.
    pub fn shows(&mut self, node: u16, height: u64, shown: Shown) {
        let newest = self.newest.entry(node).or_default();
        *newest = height.max(*newest);
        let before = *self.blocks.entry(height).or_insert(shown);
        if before != shown {
            self.violations.push(format!("validator {node} shows {shown:?} at height {height}; {before:?} was final"));
        }
        let below = self.blocks.range(..height).next_back().is_some_and(|(_, block)| block.view >= shown.view);
        let above = self.blocks.range(height + 1..).next().is_some_and(|(_, block)| block.view <= shown.view);
        if below || above {
            self.violations.push(format!("validator {node}: view {} of height {height} is out of order", shown.view));
        }
    }

    /// A node answers, again or for the first time, and this is its newest block (D-ACK).
    pub fn answers(&mut self, node: u16, height: u64, shown: Shown) {
        let newest = self.newest(node);
        if height < newest {
            self.violations.push(format!("validator {node} showed height {newest} as final and now has {height} only"));
        }
        if height > 0 {
            self.shows(node, height, shown);
        }
    }

    pub fn newest(&self, node: u16) -> u64 {
        self.newest.get(&node).copied().unwrap_or_default()
    }

    pub fn highest(&self) -> u64 {
        self.blocks.last_key_value().map_or(0, |(height, _)| *height)
    }

    pub const fn blocks(&self) -> &BTreeMap<u64, Shown> {
        &self.blocks
    }
}

/// Follows all nodes until it is dropped or asked.
pub struct Witness {
    seen: Arc<Mutex<Seen>>,
    runtime: Option<Runtime>,
}

impl Witness {
    pub fn of(network: &Network) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        for (node, view) in network.all() {
            runtime.spawn(follow(node, view.url, seen.clone()));
        }
        Self { seen, runtime: Some(runtime) }
    }

    /// A node that is down loses its data directory, or gets an older one: that it has less is no loss of others.
    pub fn forgives(&self, node: u16) {
        locked(&self.seen).newest.remove(&node);
    }

    /// The highest block that any node has shown.
    pub fn highest(&self) -> u64 {
        locked(&self.seen).highest()
    }

    /// Panics if anything was wrong so far.
    pub fn is_content(&self) {
        let seen = locked(&self.seen);
        assert!(seen.violations.is_empty(), "{:#?}", seen.violations);
    }

    /// Everything that was shown.
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

pub(super) fn hash(bytes: &[u8]) -> B256 {
    B256::try_from(bytes).expect("a hash has 32 bytes")
}
