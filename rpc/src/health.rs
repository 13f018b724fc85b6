//! Whether the node serves current data, for `GetHealth` and for the standard health service.

use crate::proto::account_service_server::AccountServiceServer;
use crate::proto::block_service_server::BlockServiceServer;
use crate::proto::node_service_server::NodeServiceServer;
use crate::proto::subscription_service_server::SubscriptionServiceServer;
use crate::proto::transaction_service_server::TransactionServiceServer;
use crate::services::{Services, Shared};
use minuet_core::health::{Limits, Reason, Vitals};
use minuet_core::status::NodeStatus;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tonic::server::NamedService;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

const SERVICES: [&str; 6] = [
    "",
    AccountServiceServer::<Services>::NAME,
    BlockServiceServer::<Services>::NAME,
    NodeServiceServer::<Services>::NAME,
    SubscriptionServiceServer::<Services>::NAME,
    TransactionServiceServer::<Services>::NAME,
];

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Why the node does not serve; empty if it does.
pub fn reasons(shared: &Shared) -> Vec<String> {
    let newest = shared.chain.tip().and_then(|(height, _)| Ok((height, shared.chain.header_by_height(height)?)));
    let shown = Vitals::of(&shared.status);
    let stopping = shown.stopping || *shared.stop.borrow();
    let (height, header) = match newest {
        Ok(newest) => newest,
        Err(error) => {
            let stopping = stopping.then(|| Reason::Stopping.to_string());
            return stopping.into_iter().chain([format!("the storage cannot be read: {error}")]).collect();
        }
    };
    let block_time_ms = header.map_or(0, |header| header.time().0);
    let vitals = Vitals { stopping, height: height.0, block_time_ms, ..shown };
    let limits = Limits {
        max_age_ms: shared.config.stale_after_ms,
        max_lag_blocks: shared.config.max_lag_blocks,
        min_peers: 0,
        min_disk_bytes: 0,
    };
    vitals.reasons(&limits, now_ms()).iter().map(ToString::to_string).collect()
}

/// What an operator has to see to while the node serves.
pub fn low_disk(status: &NodeStatus) -> Option<String> {
    let reason = Reason::LowDisk { free_bytes: status.disk_free_bytes.get() };
    status.low_disk.load(Relaxed).then(|| reason.to_string())
}

/// Sets every service's state. A service whose state was never set is unknown to the standard health service.
pub async fn announce(reporter: &HealthReporter, is_serving: bool) {
    let status = if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}

/// Keeps the standard health service up to date until the node stops.
pub async fn report(shared: Arc<Shared>, reporter: HealthReporter) {
    let mut ticks = tokio::time::interval(Duration::from_millis(shared.config.health_check_ms));
    let mut stop = shared.stop.clone();
    let mut was = None;
    loop {
        let stops = tokio::select! {
            _ = ticks.tick() => false,
            _ = stop.wait_for(|stop| *stop) => true,
        };
        let is_serving = !stops && reasons(&shared).is_empty();
        if was != Some(is_serving) {
            was = Some(is_serving);
            announce(&reporter, is_serving).await;
        }
        if stops {
            return;
        }
    }
}
