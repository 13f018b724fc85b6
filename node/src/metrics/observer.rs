//! All metrics of a node and whether it is ready: one value on one thread, which asks the services' atomics and is asked
//! over HTTP.

use super::asked::Asked;
use super::registry::Registry;
use super::views::ViewFold;
use super::watch::Watch;
use super::{Sources, sources, table as t};
use metrics::Gauge;
use minuet_core::health::{Limits, Reason, Vitals};
use minuet_core::status::NodeStatus;
use std::sync::Arc;

/// Folds and shows.
pub struct Observer {
    registry: Arc<Registry>,
    status: Arc<NodeStatus>,
    limits: Limits,
    watch: Watch,
    views: ViewFold,
    asked: Asked,
    ready: Gauge,
}

impl Observer {
    pub fn new(registry: Arc<Registry>, sources: &Sources, limits: Limits) -> Self {
        Self {
            views: ViewFold::new(&registry, sources),
            asked: Asked::new(&registry, sources),
            ready: registry.gauge(&t::NODE_READY, &[]),
            watch: sources::watch(&registry, sources),
            status: Arc::clone(&sources.status),
            limits,
            registry,
        }
    }

    /// Takes what would be lost if nobody took it. To be called several times a second.
    pub fn fold(&mut self, now_ms: u64) {
        self.watch.drain();
        self.views.fold(now_ms);
        self.registry.upkeep();
    }

    /// Everything as of now, in Prometheus' text format.
    pub fn text(&mut self, now_ms: u64) -> String {
        self.fold(now_ms);
        self.watch.read();
        self.asked.ask(now_ms);
        self.ready.set(f64::from(u8::from(self.reasons(now_ms).is_empty())));
        self.registry.text((&t::PROCESS_CPU, self.asked.cpu_seconds()))
    }

    /// Why the node is not ready; empty if it is.
    pub fn reasons(&self, now_ms: u64) -> Vec<Reason> {
        Vitals::of(&self.status).reasons(&self.limits, now_ms)
    }
}
