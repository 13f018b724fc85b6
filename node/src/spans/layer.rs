//! The recording side: takes the time of each moment and queues it.

use super::line::Moment;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// The system's monotonic clock in microseconds: the same for all processes of this machine.
#[must_use]
pub fn monotonic_us() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0) / 1000)
}

/// Queues every event that it is shown. It must be filtered by target.
#[derive(Debug)]
pub struct SpanLayer {
    sender: SyncSender<Moment<&'static str>>,
    lost: Arc<AtomicU64>,
}

impl SpanLayer {
    pub(super) const fn new(sender: SyncSender<Moment<&'static str>>, lost: Arc<AtomicU64>) -> Self {
        Self { sender, lost }
    }
}

impl<S: Subscriber> Layer<S> for SpanLayer {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut moment =
            Moment { at_us: monotonic_us(), name: event.metadata().name(), view: None, hash: None, count: None };
        event.record(&mut moment);
        // Nobody sleeps on the other end, so this wakes nobody. Disconnected: the process is ending.
        if self.sender.try_send(moment).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Visit for Moment<&'static str> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "view" => self.view = Some(value),
            "count" => self.count = Some(value),
            _ => {}
        }
    }

    /// The first eight bytes tell transactions of a run apart.
    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        if let ("hash", Some(first)) = (field.name(), value.first_chunk()) {
            self.hash = Some(u64::from_be_bytes(*first));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
