//! The metrics' values: a recorder of this node's own (tests run many nodes side by side), every series of which is there
//! from the start.
//!
//! Never does: serve a series that is not in [`super::table`].

use super::table::{ALL, Kind, Metric};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::fmt::Write as _;

/// Counters of whole numbers, gauges, histograms; and counters with fractions, which the recorder does not have.
pub struct Registry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

const METADATA: Metadata<'static> = Metadata::new("minuet", Level::INFO, None);

impl Registry {
    /// Empty, but with the kinds, bounds and help of the whole table.
    pub fn new() -> Self {
        let mut builder = PrometheusBuilder::new();
        for metric in ALL {
            if let Kind::Histogram(bounds) = metric.kind {
                let name = Matcher::Full(metric.name.to_owned());
                builder =
                    builder.set_buckets_for_metric(name, bounds).expect("the table's bounds are there and ascend");
            }
        }
        let recorder = builder.build_recorder();
        for metric in ALL {
            let name = KeyName::from_const_str(metric.name);
            match metric.kind {
                Kind::Counter => recorder.describe_counter(name, None, metric.help.into()),
                Kind::Gauge => recorder.describe_gauge(name, None, metric.help.into()),
                Kind::Histogram(_) => recorder.describe_histogram(name, None, metric.help.into()),
            }
        }
        let handle = recorder.handle();
        Self { recorder, handle }
    }

    /// The series of a metric with these values of its labels, in their order.
    fn key(metric: &Metric, values: &[&str]) -> Key {
        assert_eq!(metric.labels.len(), values.len(), "{} has the labels {:?}", metric.name, metric.labels);
        let labels = metric.labels.iter().zip(values).map(|(name, value)| Label::new(*name, (*value).to_owned()));
        Key::from_parts(metric.name, labels.collect::<Vec<_>>())
    }

    pub fn counter(&self, metric: &Metric, values: &[&str]) -> Counter {
        assert_eq!(metric.kind, Kind::Counter, "{}", metric.name);
        self.recorder.register_counter(&Self::key(metric, values), &METADATA)
    }

    pub fn gauge(&self, metric: &Metric, values: &[&str]) -> Gauge {
        assert_eq!(metric.kind, Kind::Gauge, "{}", metric.name);
        self.recorder.register_gauge(&Self::key(metric, values), &METADATA)
    }

    pub fn histogram(&self, metric: &Metric, values: &[&str]) -> Histogram {
        assert!(matches!(metric.kind, Kind::Histogram(_)), "{}", metric.name);
        self.recorder.register_histogram(&Self::key(metric, values), &METADATA)
    }

    /// Moves what was recorded into the histograms, so that it does not pile up while nobody asks.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// Everything in Prometheus' text format, and one more counter in fractions of its unit.
    pub fn text(&self, (metric, value): (&Metric, f64)) -> String {
        let mut text = self.handle.render();
        let Metric { name, help, .. } = metric;
        // Writing to a string does not fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}\n{name} {value}\n", metric.kind.name());
        text
    }
}
