//! Series beside where their values come from: everything that is read when somebody asks, in one list.

use super::registry::Registry;
use super::table::{METRICS_LOST_SAMPLES, Metric};
use metrics::{Counter, Gauge, Histogram};
use minuet_core::status::{NodeStatus, Samples};
use std::sync::Arc;

/// Microseconds as the metrics' seconds.
pub fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

type Read<T> = Box<dyn Fn() -> T + Send>;
/// Finds one ring of samples in the status.
pub type SamplesOf = fn(&NodeStatus) -> &Samples;

/// What is watched.
#[derive(Default)]
pub struct Watch {
    counters: Vec<(Counter, Read<u64>)>,
    gauges: Vec<(Gauge, Read<f64>)>,
    samples: Vec<(Histogram, Arc<NodeStatus>, SamplesOf)>,
}

impl Watch {
    pub fn counter(
        &mut self,
        registry: &Registry,
        metric: &Metric,
        values: &[&str],
        read: impl Fn() -> u64 + Send + 'static,
    ) {
        self.counters.push((registry.counter(metric, values), Box::new(read)));
    }

    pub fn gauge(
        &mut self,
        registry: &Registry,
        metric: &Metric,
        values: &[&str],
        read: impl Fn() -> f64 + Send + 'static,
    ) {
        self.gauges.push((registry.gauge(metric, values), Box::new(read)));
    }

    /// Durations, and how many of them were lost.
    pub fn samples(&mut self, registry: &Registry, metric: &Metric, status: &Arc<NodeStatus>, of: SamplesOf) {
        let shown = Arc::clone(status);
        self.counter(registry, &METRICS_LOST_SAMPLES, &[metric.name], move || of(&shown).lost());
        self.samples.push((registry.histogram(metric, &[]), Arc::clone(status), of));
    }

    /// Takes what would be lost if nobody took it.
    pub fn drain(&self) {
        for (histogram, status, of) in &self.samples {
            of(status).drain(|us| histogram.record(seconds(us)));
        }
    }

    /// Reads everything else. Counters never fall: what reads lower than before is left as it was.
    pub fn read(&self) {
        for (counter, read) in &self.counters {
            counter.absolute(read());
        }
        for (gauge, read) in &self.gauges {
            gauge.set(read());
        }
    }
}
