//! Reads one lane of one peer: header, limit, budget, payload, ring; and only then the next frame.

use crate::budget::Budget;
use crate::closing::CloseReason;
use crate::frame::{Filling, HEADER_BYTES, parse_header};
use crate::hub::Hub;
use crate::inlets::Delivery;
use crate::link::Link;
use crate::stats::Reject;
use minuet_core::Bytes;
use minuet_core::alloy_primitives::bytes;
use minuet_core::messages::PeerFrame;
use minuet_core::wire::{FrameKind, Lane};
use quinn::{ReadError, RecvStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Taken from the connection at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Waiting for the budget of a lane adds up to an offence.
const FLOOD_AFTER: Duration = Duration::from_secs(1);
/// What a follower may send: a few hundred requests a second.
const FOLLOWER_BYTES_PER_SECOND: u64 = 16 << 10;

/// Why a lane is not read on.
enum Stop {
    /// The connection is gone, which its watcher sees too.
    Lost,
    Close(CloseReason),
}

struct Input {
    stream: RecvStream,
    lane: Lane,
    chunk: bytes::Bytes,
}

impl Input {
    /// Waits until there is at least one byte.
    async fn refill(&mut self) -> Result<(), Stop> {
        while self.chunk.is_empty() {
            self.chunk = match self.stream.read_chunk(CHUNK_BYTES, true).await {
                Ok(Some(chunk)) => chunk.bytes,
                Ok(None) | Err(ReadError::Reset(_)) => {
                    return Err(Stop::Close(CloseReason::LaneEnded(self.lane.name())));
                }
                Err(_) => return Err(Stop::Lost),
            };
        }
        Ok(())
    }

    async fn take(&mut self, length: usize) -> Result<Bytes, Stop> {
        let mut filling = Filling::new(length);
        while !filling.take(&mut self.chunk) {
            self.refill().await?;
        }
        Ok(filling.into_bytes())
    }

    async fn header(&mut self) -> Result<[u8; HEADER_BYTES], Stop> {
        let header = self.take(HEADER_BYTES).await?;
        Ok(header.as_ref().try_into().expect("as many bytes as were asked for"))
    }
}

/// Reads until the lane or the connection ends; what the connection is to be closed with, if it is to be.
pub(crate) async fn read_lane(hub: Arc<Hub>, link: Arc<Link>, lane: Lane, stream: RecvStream) -> Option<CloseReason> {
    let mut input = Input { stream, lane, chunk: bytes::Bytes::new() };
    let is_follower = hub.is_follower(link.peer);
    let rate = match lane {
        _ if is_follower => FOLLOWER_BYTES_PER_SECOND,
        Lane::Certificates | Lane::Votes | Lane::Headers => hub.config.consensus_bytes_per_second,
        Lane::Bodies => hub.config.bodies_bytes_per_second,
        Lane::Transactions => hub.config.transactions_bytes_per_second,
        Lane::Sync => hub.config.sync_bytes_per_second,
    };
    let mut budget = Budget::new(rate, Instant::now());
    let mut excess = Excess::default();
    loop {
        match read_frame(&hub, &link, &mut input, &mut budget, &mut excess).await {
            Ok(()) => {}
            Err(Stop::Lost) => return None,
            Err(Stop::Close(reason)) => return Some(reason),
        }
    }
}

/// How long a lane had to wait for its budget since its peer was last blamed for it.
#[derive(Debug, Default)]
struct Excess(Duration);

impl Excess {
    /// True once for each second of waiting on a lane of consensus, where no honest peer comes near the budget. Of the
    /// other lanes a peer that catches up, or has many clients, makes full use.
    fn is_flood(&mut self, lane: Lane, waited: Duration) -> bool {
        self.0 = self.0.saturating_add(waited);
        let is_flood = self.0 >= FLOOD_AFTER && matches!(lane, Lane::Certificates | Lane::Votes | Lane::Headers);
        if is_flood {
            self.0 = Duration::ZERO;
        }
        is_flood
    }
}

async fn read_frame(
    hub: &Hub,
    link: &Link,
    input: &mut Input,
    budget: &mut Budget,
    excess: &mut Excess,
) -> Result<(), Stop> {
    let header = input.header().await?;
    let (kind, length) = parse_header(header, input.lane).map_err(|error| Stop::Close(error.into()))?;
    if kind != FrameKind::Request && hub.is_follower(link.peer) {
        return Err(Stop::Close(CloseReason::NotAllowed(kind.name())));
    }
    let wait = budget.spend(HEADER_BYTES + length, Instant::now());
    if wait > Duration::ZERO {
        hub.stats.lane(input.lane).throttled.add(1);
        if excess.is_flood(input.lane, wait) {
            hub.flooded(link.peer);
        }
        tokio::time::sleep(wait).await;
    }
    let payload = input.take(length).await?;
    hub.count_received(link, input.lane, (HEADER_BYTES + length) as u64);
    let delivery = crate::lock(&hub.inlets).deliver(PeerFrame { peer: link.peer, kind, payload });
    match delivery {
        Delivery::Done => {}
        Delivery::Dropped => hub.stats.reject(Reject::MempoolFull),
        Delivery::Held(placed) => {
            hub.stats.lane(input.lane).held.add(1);
            // An error means that the frame was given up with its ring: read on, so that nothing waits for ever.
            let _ = placed.await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_going_on_beyond_the_budget_of_a_consensus_lane_is_a_flood() {
        let tenth = Duration::from_millis(100);
        let floods = |lane| {
            let mut excess = Excess::default();
            (0..35).filter(|_| excess.is_flood(lane, tenth)).count()
        };
        for lane in [Lane::Certificates, Lane::Votes, Lane::Headers] {
            assert_eq!(floods(lane), 3, "{}", lane.name());
        }
        for lane in [Lane::Bodies, Lane::Transactions, Lane::Sync] {
            assert_eq!(floods(lane), 0, "{}", lane.name());
        }
    }
}
