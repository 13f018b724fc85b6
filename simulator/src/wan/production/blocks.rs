//! Blocks: made, executed by the ledger's thread one after the other, empty where the parent is not executed in time.

use super::{Message, Production};
use minuet_consensus::input::Input;
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::transaction::TRANSFER_GAS;
use minuet_core::{B256, Digest, Epoch, TimeMs, ValidatorIndex, View};
use std::sync::Arc;

/// What the mempool always gets to answer, as the driver has it: then an empty block is made.
const MIN_SELECTION_NS: u64 = 1_000_000;

impl Production {
    pub(super) fn build(&mut self, me: usize, view: View, parent: Digest) {
        self.view_mut(view).proposed = self.world.now();
        let ledger_ns = self.world.costs().execute_ns(self.setup.block_bytes);
        if self.setup.block_bytes == 0 {
            self.seal(me, view, parent, true);
        } else if self.is_executed(me, parent) {
            self.work(me, ledger_ns, Message::Sealed(view, parent));
        } else {
            self.nodes[me].building = Some((view, parent));
            self.world.after(me, MIN_SELECTION_NS, Message::Empty(view, parent));
        }
    }

    /// On the ledger's thread, one thing after the other.
    fn work(&mut self, me: usize, duration_ns: u64, then: Message) {
        let now = self.world.now();
        let free = &mut self.nodes[me].ledger_free;
        *free = (*free).max(now) + duration_ns;
        let delay_ns = *free - now;
        self.world.after(me, delay_ns, then);
    }

    /// An empty block changes nothing: it is as far as its parent.
    fn is_executed(&self, me: usize, digest: Digest) -> bool {
        let mut digest = digest;
        loop {
            if self.nodes[me].executed.contains(&digest) {
                return true;
            }
            match self.headers.get(&digest) {
                Some(header) if header.is_empty_block() => digest = header.parent(),
                _ => return false,
            }
        }
    }

    pub(super) fn execute(&mut self, me: usize, digest: Digest) {
        let Some(header) = self.headers.get(&digest).cloned() else { return };
        if !self.is_executed(me, header.parent()) || !self.nodes[me].bodies.remove(&digest) {
            return;
        }
        let ledger_ns = self.world.costs().execute_ns(self.setup.block_bytes);
        self.work(me, ledger_ns, Message::Executed(digest));
    }

    pub(super) fn on_executed(&mut self, me: usize, digest: Digest) {
        self.nodes[me].executed.insert(digest);
        self.feed(me, Input::Judged { digest, valid: true });
        let waiting: Vec<Digest> = self.nodes[me].bodies.iter().copied().collect();
        waiting.into_iter().for_each(|digest| self.execute(me, digest));
        if let Some((view, parent)) = self.nodes[me].building
            && self.is_executed(me, parent)
        {
            self.nodes[me].building = None;
            let ledger_ns = self.world.costs().execute_ns(self.setup.block_bytes);
            self.work(me, ledger_ns, Message::Sealed(view, parent));
        }
    }

    pub(super) fn seal(&mut self, me: usize, view: View, parent: Digest, empty: bool) {
        let parent = self.headers[&parent].clone();
        let proposer = self.rules.committee.leader(view);
        let clock = TimeMs(self.world.now() / 1_000_000);
        let header = if empty {
            self.rules.empty_block(&parent, view, proposer, clock)
        } else {
            self.full_block(&parent, view, proposer, clock)
        };
        let header = Arc::new(header);
        self.view_mut(view).carries = !empty || self.setup.block_bytes == 0;
        self.nodes[me].executed.insert(header.digest());
        self.headers.insert(header.digest(), header.clone());
        self.feed(me, Input::Built { header });
    }

    /// A header as of a block with transactions; its roots stand for them.
    fn full_block(&self, parent: &BlockHeader, view: View, proposer: ValidatorIndex, clock: TimeMs) -> BlockHeader {
        let time = clock.max(parent.time());
        let root = B256::left_padding_from(&view.0.to_be_bytes());
        let recipient = self.rules.committee.get(proposer).map(|validator| validator.fee_recipient);
        BlockHeader::seal(&HeaderParts {
            epoch: Epoch(0),
            view,
            parent_view: parent.view(),
            proposer,
            parent: parent.digest(),
            height: parent.height().next(),
            time,
            beneficiary: recipient.unwrap_or_default(),
            state_root: root,
            transactions_root: root,
            receipts_root: root,
            gas_limit: self.rules.fees.block_gas_limit,
            gas_used: TRANSFER_GAS,
            base_fee: self.rules.base_fee(parent, time),
        })
    }
}
