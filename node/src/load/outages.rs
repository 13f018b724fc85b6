//! How a run went without nodes: pure, in microseconds since the run began.

/// When no node was there, and how long nothing became final, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outages {
    /// Since when all nodes are gone.
    began: Option<u64>,
    /// When the first node was back after the last outage.
    ended: Option<u64>,
    /// Without any node, altogether.
    pub total_us: u64,
    last_final_us: u64,
    /// The longest time between two transfers that became final.
    pub longest_pause_us: u64,
}

impl Outages {
    /// The last node is gone.
    pub fn all_gone(&mut self, now: u64) {
        self.began.get_or_insert(now);
    }

    /// A node is back.
    pub fn one_back(&mut self, now: u64) {
        if let Some(began) = self.began.take() {
            self.total_us += now.saturating_sub(began);
            self.ended = Some(now);
        }
    }

    /// When the last outage ended; 0 if there was none.
    pub fn ended_us(&self) -> u64 {
        self.ended.unwrap_or(0)
    }

    /// Transfers became final.
    pub fn became_final(&mut self, now: u64) {
        if self.last_final_us > 0 {
            self.longest_pause_us = self.longest_pause_us.max(now.saturating_sub(self.last_final_us));
        }
        self.last_final_us = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_add_up_and_the_longest_pause_is_between_final_transfers() {
        let mut outages = Outages::default();
        assert_eq!(outages.ended_us(), 0);
        [10, 14].into_iter().for_each(|now| outages.became_final(now));
        outages.one_back(15);
        outages.all_gone(20);
        outages.all_gone(25);
        [50, 60].into_iter().for_each(|now| outages.one_back(now));
        outages.became_final(64);
        outages.all_gone(70);
        outages.one_back(71);
        assert_eq!((outages.total_us, outages.ended_us(), outages.longest_pause_us), (31, 71, 50));
    }
}
