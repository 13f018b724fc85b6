//! What one peer may ask for: requests and bytes per second (B-FETCH). Counted on the driver's clock.

use super::Driver;
use minuet_core::PeerId;
use minuet_core::rejection::RejectReason;
use std::collections::BTreeMap;

/// Requests of one peer a second, and at once after a pause. A node has at most 64 under way and repeats each seven
/// times a second; one that catches up asks for the bodies of a whole finalization.
const REQUESTS_PER_SECOND: u64 = 1024;
const REQUESTS_AT_ONCE: u64 = 4096;
/// Bytes served to one peer a second, and at once after a pause.
const BYTES_PER_SECOND: u64 = 16 << 20;
const BYTES_AT_ONCE: u64 = 32 << 20;

/// Fills with time up to its capacity; may be overdrawn by one spending, which the next ones wait for.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    per_second: u64,
    capacity: u64,
    /// In millionths.
    level: i128,
    filled_us: u64,
}

impl Bucket {
    fn full(per_second: u64, capacity: u64, now_us: u64) -> Self {
        Self { per_second, capacity, level: i128::from(capacity) * 1_000_000, filled_us: now_us }
    }

    fn refill(&mut self, now_us: u64) {
        let gained = i128::from(now_us.saturating_sub(self.filled_us)) * i128::from(self.per_second);
        self.level = (self.level + gained).min(i128::from(self.capacity) * 1_000_000);
        self.filled_us = now_us;
    }

    fn has_some(&mut self, now_us: u64) -> bool {
        self.refill(now_us);
        self.level > 0
    }

    fn spend(&mut self, amount: u64) {
        self.level -= i128::from(amount) * 1_000_000;
    }
}

/// The buckets of all peers that have asked for something. They outlive a connection: a new one brings no new budget, and peers'
/// numbers are few.
#[derive(Default)]
pub(super) struct Budgets(BTreeMap<PeerId, (Bucket, Bucket)>);

impl Budgets {
    fn of(&mut self, peer: PeerId, now_us: u64) -> &mut (Bucket, Bucket) {
        let full = || {
            let requests = Bucket::full(REQUESTS_PER_SECOND, REQUESTS_AT_ONCE, now_us);
            (requests, Bucket::full(BYTES_PER_SECOND, BYTES_AT_ONCE, now_us))
        };
        self.0.entry(peer).or_insert_with(full)
    }

    /// Counts one request; why it is not served, if it is not.
    fn request(&mut self, peer: PeerId, now_us: u64) -> Result<(), RejectReason> {
        let (requests, bytes) = self.of(peer, now_us);
        if !requests.has_some(now_us) {
            return Err(RejectReason::RequestFlood);
        }
        requests.spend(1);
        if bytes.has_some(now_us) { Ok(()) } else { Err(RejectReason::FetchBudget) }
    }

    /// Counts an answer.
    pub fn served(&mut self, peer: PeerId, bytes: usize, now_us: u64) {
        self.of(peer, now_us).1.spend(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

impl Driver {
    /// Whether a request of this peer is within its budget; what is not served is asked again, of others too.
    pub(super) fn may_ask(&mut self, peer: PeerId) -> bool {
        match self.budgets.request(peer, self.now.mono_us) {
            Ok(()) => true,
            Err(reason) => {
                self.reject(peer, reason);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId(2);

    #[test]
    fn a_flood_of_requests_is_refused_and_a_second_gives_as_many_as_the_rate() {
        let mut budgets = Budgets::default();
        let mut granted = |now_us: u64| (0..10_000).filter(|_| budgets.request(PEER, now_us).is_ok()).count();
        assert_eq!(granted(5), 4096);
        assert_eq!(granted(1_000_005), 1024);
        assert_eq!(granted(1_000_005), 0);
        assert_eq!(budgets.request(PEER, 1_000_005), Err(RejectReason::RequestFlood));
        assert_eq!(budgets.request(PeerId(3), 1_000_005), Ok(()), "each peer has its own");
    }

    #[test]
    fn bytes_served_are_paid_back_before_more_is_served() {
        let mut budgets = Budgets::default();
        assert_eq!(budgets.request(PEER, 0), Ok(()));
        budgets.served(PEER, 48 << 20, 0);
        assert_eq!(budgets.request(PEER, 900_000), Err(RejectReason::FetchBudget));
        assert_eq!(budgets.request(PEER, 1_100_000), Ok(()));
        budgets.served(PEER, usize::MAX, 1_100_000);
        assert_eq!(budgets.request(PEER, u64::MAX / 2), Ok(()), "no overflow");
    }
}
