//! The book of a run: every transfer from its due moment to its end. Pure; times are microseconds since the run began.
//!
//! Invariant: a transfer ends once, as final, rejected or lost; the three add up to what was submitted.

use minuet_core::{B256, Bytes};
use std::collections::{BTreeMap, HashMap};

/// Where a transfer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Handed over; no node has said anything yet, or a node said "later", in these words.
    Offered(Option<String>),
    /// A node took it.
    Accepted,
    /// All live nodes have it in a final block.
    Final {
        /// When the last of them said so.
        at_us: u64,
        /// In this block.
        height: u64,
    },
    /// Refused for good, with the node's word.
    Rejected(String),
}

/// One transfer.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Its hash.
    pub hash: B256,
    /// Who sends.
    pub sender: usize,
    /// Its nonce.
    pub nonce: u64,
    /// When it was to be sent.
    pub due_us: u64,
    /// The node that it was last given to.
    pub node: usize,
    /// Where it is.
    pub state: State,
    /// For sending again; emptied when it ends.
    pub envelope: Bytes,
}

/// All transfers of a run.
#[derive(Debug, Default)]
pub struct Book {
    /// In the order of their making.
    pub transfers: Vec<Transfer>,
    by_hash: HashMap<B256, usize>,
    open: usize,
}

/// How many of a run's transfers ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// On the chain.
    pub finalized: u64,
    /// Never taken.
    pub rejected: u64,
    /// Taken, but not on the chain.
    pub lost: u64,
    /// On the chain more than once.
    pub duplicated: u64,
    /// Why the rejected ones were.
    pub reasons: BTreeMap<String, u64>,
}

impl Book {
    /// Notes a new transfer; answers its number.
    pub fn offer(&mut self, transfer: Transfer) -> usize {
        let number = self.transfers.len();
        self.by_hash.insert(transfer.hash, number);
        self.transfers.push(transfer);
        self.open += 1;
        number
    }

    /// Transfers that have not ended.
    #[must_use]
    pub const fn open(&self) -> usize {
        self.open
    }

    /// A node took it. It may be final already: blocks can be faster than answers.
    pub fn accepted(&mut self, number: usize) {
        let state = &mut self.transfers[number].state;
        if matches!(state, State::Offered(_)) {
            *state = State::Accepted;
        }
    }

    /// A node said "later".
    pub fn put_off(&mut self, number: usize, reason: String) {
        if let State::Offered(words) = &mut self.transfers[number].state {
            *words = Some(reason);
        }
    }

    /// A node refused it for good. Answers whether that ended it.
    pub fn refused(&mut self, number: usize, reason: String) -> bool {
        let transfer = &mut self.transfers[number];
        if !matches!(transfer.state, State::Offered(_)) {
            return false;
        }
        transfer.state = State::Rejected(reason);
        transfer.envelope = Bytes::new();
        self.open -= 1;
        true
    }

    /// All live nodes have it. Answers its number if it is one of ours and was not final before.
    pub fn finalized(&mut self, hash: &B256, at_us: u64, height: u64) -> Option<usize> {
        let number = *self.by_hash.get(hash)?;
        let transfer = &mut self.transfers[number];
        match transfer.state {
            State::Final { .. } => return None,
            State::Rejected(_) => {}
            _ => self.open -= 1,
        }
        transfer.state = State::Final { at_us, height };
        transfer.envelope = Bytes::new();
        Some(number)
    }

    /// Whether it still waits for its end.
    #[must_use]
    pub fn is_open(&self, number: usize) -> bool {
        matches!(self.transfers[number].state, State::Offered(_) | State::Accepted)
    }

    /// Transfers without an end that fit, in the order of their making.
    pub fn open_where(&self, fits: impl Fn(&Transfer) -> bool) -> Vec<usize> {
        let open = |number: &usize| self.is_open(*number) && fits(&self.transfers[*number]);
        (0..self.transfers.len()).filter(open).collect()
    }

    /// Final transfers whose last node spoke within the window.
    #[must_use]
    pub fn finalized_within(&self, window: std::ops::Range<u64>) -> u64 {
        let inside =
            |transfer: &&Transfer| matches!(transfer.state, State::Final { at_us, .. } if window.contains(&at_us));
        self.transfers.iter().filter(inside).count() as u64
    }

    /// Due moment to final, of all that were due within the window.
    #[must_use]
    pub fn latencies_us(&self, window: std::ops::Range<u64>) -> Vec<u64> {
        let due = self.transfers.iter().filter(|transfer| window.contains(&transfer.due_us));
        due.filter_map(|transfer| match transfer.state {
            State::Final { at_us, .. } => Some(at_us.saturating_sub(transfer.due_us)),
            _ => None,
        })
        .collect()
    }

    /// Holds every transfer against how often the chain has it. The chain has the last word.
    #[must_use]
    pub fn reconcile(&self, on_chain: &HashMap<B256, u32>) -> Ends {
        let mut ends = Ends::default();
        for transfer in &self.transfers {
            let times = on_chain.get(&transfer.hash).copied().unwrap_or(0);
            ends.duplicated += u64::from(times > 1);
            match &transfer.state {
                _ if times > 0 => ends.finalized += 1,
                State::Accepted | State::Final { .. } => ends.lost += 1,
                State::Rejected(reason) => ends.reject(reason),
                State::Offered(reason) => ends.reject(reason.as_deref().unwrap_or("no_answer")),
            }
        }
        ends
    }

    /// Whether a hash is one of ours.
    #[must_use]
    pub fn knows(&self, hash: &B256) -> bool {
        self.by_hash.contains_key(hash)
    }
}

impl Ends {
    fn reject(&mut self, reason: &str) {
        self.rejected += 1;
        *self.reasons.entry(reason.to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(book: &mut Book, name: u8, due_us: u64) -> usize {
        book.offer(Transfer {
            hash: B256::repeat_byte(name),
            sender: 0,
            nonce: u64::from(name),
            due_us,
            node: usize::from(name % 2),
            state: State::Offered(None),
            envelope: Bytes::from_static(b"x"),
        })
    }

    #[test]
    fn every_transfer_ends_once_and_the_ends_add_up() {
        let mut book = Book::default();
        for name in 0..6 {
            offer(&mut book, name, 0);
        }
        book.accepted(0);
        assert_eq!(book.finalized(&B256::repeat_byte(0), 50, 1), Some(0));
        assert_eq!(book.finalized(&B256::repeat_byte(0), 60, 2), None);
        assert_eq!(book.finalized(&B256::repeat_byte(1), 70, 1), Some(1));
        book.accepted(1);
        assert!(book.refused(2, "fee_too_low".to_owned()));
        assert!(!book.refused(0, "late".to_owned()));
        book.accepted(3);
        book.put_off(4, "pool_full".to_owned());
        assert_eq!(book.open(), 3);
        assert_eq!(book.finalized(&B256::repeat_byte(99), 70, 1), None);
        let on_chain = HashMap::from([(B256::repeat_byte(0), 1), (B256::repeat_byte(1), 2)]);
        let ends = book.reconcile(&on_chain);
        assert_eq!((ends.finalized, ends.rejected, ends.lost, ends.duplicated), (2, 3, 1, 1));
        assert_eq!(ends.reasons.keys().collect::<Vec<_>>(), ["fee_too_low", "no_answer", "pool_full"]);
    }

    #[test]
    fn a_transfer_that_the_chain_has_is_not_lost_even_if_nobody_announced_it() {
        let mut book = Book::default();
        offer(&mut book, 1, 0);
        assert!(book.refused(0, "nonce_too_low".to_owned()));
        let ends = book.reconcile(&HashMap::from([(B256::repeat_byte(1), 1)]));
        assert_eq!((ends.finalized, ends.rejected, ends.lost), (1, 0, 0));
    }

    #[test]
    fn latency_counts_from_the_due_moment_and_throughput_by_the_final_one() {
        let mut book = Book::default();
        for (name, due) in [(1, 5), (2, 10), (3, 19), (4, 20)] {
            offer(&mut book, name, due);
        }
        for (name, at) in [(1, 12), (2, 15), (3, 30), (4, 31)] {
            book.finalized(&B256::repeat_byte(name), at, 1);
        }
        assert_eq!(book.finalized_within(10..20), 2);
        assert_eq!(book.latencies_us(10..20), [5, 11]);
    }

    #[test]
    fn what_a_dead_node_still_had_is_found() {
        let mut book = Book::default();
        for name in 0..5 {
            offer(&mut book, name, 0);
        }
        book.finalized(&B256::repeat_byte(1), 9, 1);
        assert_eq!(book.open_where(|transfer| transfer.node == 1), [3]);
        assert_eq!(book.open_where(|transfer| transfer.node == 0), [0, 2, 4]);
    }
}
