//! Block validity as far as headers show it: a child's header held against its parent's. Execution checks the rest.

use minuet_core::account::EMPTY_ROOT_HASH;
use minuet_core::committee::Committee;
use minuet_core::fees::FeeRules;
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::{TimeMs, ValidatorIndex, View};
use std::sync::Arc;
use thiserror::Error;

/// What every header of the chain is held against.
#[derive(Clone, Debug)]
pub struct ChainRules {
    /// The validators.
    pub committee: Arc<Committee>,
    /// The fee rules.
    pub fees: FeeRules,
}

/// Why a header can never be valid on its parent.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HeaderError {
    /// Not one above the parent.
    #[error("the height is not one above the parent's")]
    Height,
    /// The view that it names for its parent is not the parent's.
    #[error("the parent view is not the parent's")]
    ParentView,
    /// Another epoch.
    #[error("the epoch is not the parent's")]
    Epoch,
    /// Somebody who does not lead the view.
    #[error("the proposer does not lead the view")]
    Proposer,
    /// Fees for somebody else.
    #[error("the beneficiary is not the proposer's fee recipient")]
    Beneficiary,
    /// Before the parent.
    #[error("the time is before the parent's")]
    Time,
    /// Another base fee than the rule gives.
    #[error("the base fee is not what the parent and the time give")]
    BaseFee,
    /// Another gas limit, or more gas used.
    #[error("the gas limit is not the chain's, or more gas is used")]
    Gas,
    /// An empty block that changes something.
    #[error("an empty block must keep the state root and use no gas")]
    EmptyBlock,
}

impl ChainRules {
    /// Checks a child's header; [`ChainRules::empty_block`] makes headers that pass.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, header: &BlockHeader, parent: &BlockHeader) -> Result<(), HeaderError> {
        let ethereum = header.ethereum();
        let recipient = self.committee.get(header.proposer()).map(|validator| validator.fee_recipient);
        let base_fee = self.base_fee(parent, header.time());
        let empty = header.is_empty_block();
        let unchanged = header.state_root() == parent.state_root()
            && header.gas_used() == 0
            && ethereum.receipts_root == EMPTY_ROOT_HASH;
        let checks = [
            (parent.height().0.checked_add(1) == Some(header.height().0), HeaderError::Height),
            (header.parent_view() == parent.view(), HeaderError::ParentView),
            (header.epoch() == parent.epoch(), HeaderError::Epoch),
            (header.proposer() == self.committee.leader(header.view()), HeaderError::Proposer),
            (recipient == Some(ethereum.beneficiary), HeaderError::Beneficiary),
            (header.time() >= parent.time(), HeaderError::Time),
            (header.base_fee() == base_fee, HeaderError::BaseFee),
            (
                ethereum.gas_limit == self.fees.block_gas_limit && header.gas_used() <= ethereum.gas_limit,
                HeaderError::Gas,
            ),
            (!empty || unchanged, HeaderError::EmptyBlock),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, error)| Err(error))
    }

    /// The base fee of a child of `parent` proposed at `time`.
    #[must_use]
    pub fn base_fee(&self, parent: &BlockHeader, time: TimeMs) -> u64 {
        self.fees.next_base_fee(parent.base_fee(), parent.gas_used(), parent.time(), time)
    }

    /// The empty block on a parent's header: needs neither the parent's body nor its state (R1).
    #[must_use]
    pub fn empty_block(
        &self,
        parent: &BlockHeader,
        view: View,
        proposer: ValidatorIndex,
        clock: TimeMs,
    ) -> BlockHeader {
        let time = clock.max(parent.time());
        BlockHeader::seal(&HeaderParts {
            epoch: parent.epoch(),
            view,
            parent_view: parent.view(),
            proposer,
            parent: parent.digest(),
            height: parent.height().next(),
            time,
            beneficiary: self.committee.get(proposer).map(|validator| validator.fee_recipient).unwrap_or_default(),
            state_root: parent.state_root(),
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            gas_limit: self.fees.block_gas_limit,
            gas_used: 0,
            base_fee: self.base_fee(parent, time),
        })
    }
}
