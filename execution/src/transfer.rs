//! What a native transfer does: fees, value, nonce. All arithmetic is checked; a refused transfer changes nothing.
//!
//! The sender pays `gas_used · (base fee + tip) + value`. The base fee is burned, the tip goes to the beneficiary, the
//! value to the recipient (which may be the sender or the beneficiary). Gas used is the intrinsic gas.

use crate::state::WorkingState;
use minuet_core::transaction::Transaction;
use minuet_core::{Address, U256};
use thiserror::Error;

/// The block's values that a transfer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// Wei per gas, burned.
    pub base_fee: u64,
    /// Receives the tips.
    pub beneficiary: Address,
}

/// Why a transaction cannot be in this block at this place.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TransferError {
    /// Not the sender's next one.
    #[error("nonce {found} is not the sender's next, {expected}")]
    Nonce {
        /// The account's.
        expected: u64,
        /// The transaction's.
        found: u64,
    },
    /// The sender can never send again.
    #[error("the sender's nonce is at its end")]
    NonceExhausted,
    /// Does not pay for the block's base fee.
    #[error("max_fee_per_gas {offered} is below the block's base fee {base_fee}")]
    BelowBaseFee {
        /// By the transaction.
        offered: u128,
        /// Of the block.
        base_fee: u64,
    },
    /// Less gas than it uses.
    #[error("gas limit {limit} is below the {needed} that the transaction uses")]
    GasLimitTooLow {
        /// Of the transaction.
        limit: u64,
        /// Intrinsic gas.
        needed: u64,
    },
    /// `gas_limit · max_fee_per_gas + value` is no 256-bit number.
    #[error("gas limit, fee and value together exceed 256 bits")]
    CostOverflow,
    /// The sender cannot pay the most that this may cost.
    #[error("balance {balance} is below the {needed} wei that the transaction can cost")]
    InsufficientBalance {
        /// The sender's.
        balance: U256,
        /// `gas_limit · max_fee_per_gas + value`.
        needed: U256,
    },
    /// More wei than 256 bits hold: no chain whose supply fits can come here.
    #[error("the balance of {0} would exceed 256 bits")]
    BalanceOverflow(Address),
}

/// What a transfer did, besides changing accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Intrinsic gas.
    pub gas_used: u64,
    /// What left the sender, in wei, value included.
    pub spent: U256,
}

/// Executes one transfer.
///
/// # Errors
/// Why it cannot be here; the state is then unchanged.
pub fn execute(
    state: &mut WorkingState<'_>,
    context: &BlockContext,
    transaction: &Transaction,
) -> Result<Outcome, TransferError> {
    let fields = transaction.fields();
    let gas_used = fields.intrinsic_gas();
    if fields.gas_limit < gas_used {
        return Err(TransferError::GasLimitTooLow { limit: fields.gas_limit, needed: gas_used });
    }
    let offered = fields.max_fee_per_gas;
    let base_fee = context.base_fee;
    let tip = fields.effective_tip(base_fee).ok_or(TransferError::BelowBaseFee { offered, base_fee })?;
    let needed = fields.max_cost().ok_or(TransferError::CostOverflow)?;

    let gas = U256::from(gas_used);
    let tips = gas.checked_mul(U256::from(tip)).ok_or(TransferError::CostOverflow)?;
    let burned = gas.checked_mul(U256::from(base_fee)).ok_or(TransferError::CostOverflow)?;
    let spent = tips.checked_add(burned).and_then(|fee| fee.checked_add(fields.value));
    let spent = spent.ok_or(TransferError::CostOverflow)?;

    let sender = state.account_mut(transaction.sender());
    if sender.nonce != fields.nonce {
        return Err(TransferError::Nonce { expected: sender.nonce, found: fields.nonce });
    }
    let next_nonce = sender.nonce.checked_add(1).ok_or(TransferError::NonceExhausted)?;
    let insufficient = TransferError::InsufficientBalance { balance: sender.balance, needed };
    if sender.balance < needed {
        return Err(insufficient);
    }
    let before = sender.clone();
    sender.balance = sender.balance.checked_sub(spent).ok_or(insufficient)?;
    sender.nonce = next_nonce;

    if let Err(error) = credit(state, fields.to, fields.value) {
        *state.account_mut(transaction.sender()) = before;
        return Err(error);
    }
    if let Err(error) = credit(state, context.beneficiary, tips) {
        state.account_mut(fields.to).balance -= fields.value;
        *state.account_mut(transaction.sender()) = before;
        return Err(error);
    }
    Ok(Outcome { gas_used, spent })
}

fn credit(state: &mut WorkingState<'_>, to: Address, amount: U256) -> Result<(), TransferError> {
    if amount.is_zero() {
        return Ok(());
    }
    let account = state.account_mut(to);
    account.balance = account.balance.checked_add(amount).ok_or(TransferError::BalanceOverflow(to))?;
    Ok(())
}
