//! The embedded dashboard: one page without a build step, what it shows as JSON, and one stream of changes for everybody
//! who watches.
//!
//! Owns: the HTTP server on the thread "minuet-dashboard", the stream's history, and the watch over the other nodes'
//! dashboards. Never does: take part in the protocol, write to what it reads, or let a client's pace reach anything else
//! of the node. It reads atomics ([`minuet_core::views`], [`minuet_core::status`]) and the stored chain.
//!
//! Invariants: what goes to clients is made once and shared; whoever cannot keep up is dropped; clients, connections and
//! what is kept for them have limits.

mod blocks;
mod config;
mod diff;
mod feed;
mod fleet;
mod health;
mod http;
mod idle;
mod model;
mod page;
mod publisher;
mod server;
mod source;

pub use config::{FleetEntry, VisualizerConfig, VisualizerError};
pub use http::is_meant;
pub use server::{MAX_CLIENTS, VisualizerContext, VisualizerHandle, spawn};
pub use source::{BlockSource, PeerLink, PeerSource};

#[cfg(test)]
mod tests;
