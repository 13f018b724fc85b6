//! One real node against five scripted peers, over real QUIC: the test holds all keys of the committee and decides what
//! each peer says, what it keeps back, and when. Everything that a liar can send is sent here, and the rules whose effect
//! shows on the wire are watched there.
//!
//! Nothing here waits by sleeping, and the node's own time-outs are set so long that nothing happens but what the test
//! does, unless a test is about a time-out.

mod harness;
#[path = "../processes/harness/mod.rs"]
mod processes;

mod blocks;
mod certificates;
mod equivocation;
mod extremes;
mod floods;
mod halts;
mod restarts;
mod rules;
mod signatures;
mod slow;
mod sync;
