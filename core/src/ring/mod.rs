//! The one-way street between two threads: a bounded single-producer single-consumer ring and a doorbell.
//!
//! Owns: rings, bells, their counters; the only place that knows rtrb and crossbeam. Never does: block, sleep or spin on
//! a ring, spawn a thread, interpret a message.
//!
//! Invariants:
//! - A ring has one sender and one receiver, both `Send`; they may live on the same thread (simulation).
//! - Every message type states its name, its capacity and what happens when it is full ([`RingMessage`]). Only messages
//!   declared so can be dropped, and every drop is counted (B-RING).
//! - No wake-up is lost: whoever pushes rings after the push, whoever sleeps announces it before looking a last time, and
//!   both pass a sequentially consistent fence in between.
//! - Dropping either end rings the other end's bell, so that shutdown travels along the rings.
//!
//! One bell serves any number of rings that feed one thread. A consuming thread does
//! `loop { work; waiter.park_until(deadline, || !a.is_empty() || !b.is_empty()) }`.

mod bell;
mod ends;
mod stats;
#[cfg(test)]
mod tests;

pub use bell::{AsyncWaiter, Doorbell, Waiter};
pub use ends::{Drain, Receiver, SendError, Sender, ring, ring_with_capacity, ring_with_room_bell};
pub use stats::{RingSnapshot, RingStats};

/// What the sending side does with a message that finds its ring full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The sender stops taking in work (reading a peer's lane) until there is room.
    BackPressure,
    /// The newest message is dropped and counted.
    DropNewest,
    /// The one who asked is told "busy".
    RefuseCaller,
    /// The sender keeps the message, takes no new work, and goes on draining its replies.
    HoldBySender,
    /// It cannot be full: outstanding requests never exceed the capacity for replies. A full ring is a bug.
    AlwaysFits,
}

/// A message type that crosses between threads.
pub trait RingMessage: Send + 'static {
    /// The ring's name in metrics and logs.
    const NAME: &'static str;
    /// How many messages fit, at least one.
    const CAPACITY: usize;
    /// What happens to the message that does not.
    const WHEN_FULL: WhenFull;
}
