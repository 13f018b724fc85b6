//! What a transfer does to accounts, and each reason to refuse one.

mod support;

use minuet_core::account::Account;
use minuet_core::transaction::UnsignedTransaction;
use minuet_core::{Address, U256};
use minuet_execution::Workers;
use minuet_execution::state::{WorkingState, apply};
use minuet_execution::transfer::{BlockContext, Outcome, TransferError, execute};
use minuet_execution::trie::{StateTrie, trie_key};
use proptest::prelude::*;
use support::{BASE_FEE, address, beneficiary, genesis, key, stranger, unsigned};

const CONTEXT: BlockContext = BlockContext { base_fee: BASE_FEE, beneficiary: Address::repeat_byte(0xbe) };
const COST: u128 = 21_000 * 5_000;
const PAID: u128 = 21_000 * (BASE_FEE as u128 + 7);

fn state_with(accounts: &[(Address, u64, U256)]) -> StateTrie {
    let mut state = StateTrie::default();
    for (address, nonce, balance) in accounts {
        state.insert(trie_key(address), &Account { nonce: *nonce, ..Account::with_balance(*balance) });
    }
    state
}

fn run(state: &StateTrie, transaction: UnsignedTransaction) -> (Result<Outcome, TransferError>, StateTrie) {
    let mut working = WorkingState::new(state);
    let signed = transaction.sign(&key(0), &genesis().digest());
    let outcome = execute(&mut working, &CONTEXT, &signed);
    let after = apply(state, &working.into_changes(), Workers::Inline);
    (outcome, after)
}

fn account(state: &StateTrie, address: Address) -> Option<(u64, u128)> {
    state.get(&trie_key(&address)).map(|account| (account.nonce, account.balance.to::<u128>()))
}

fn refused(state: &StateTrie, transaction: UnsignedTransaction) -> TransferError {
    let (outcome, after) = run(state, transaction);
    assert_eq!(
        after.clone().root_hash(Workers::Inline),
        state.clone().root_hash(Workers::Inline),
        "a refusal changes nothing"
    );
    outcome.unwrap_err()
}

#[test]
fn value_moves_the_tip_is_paid_and_the_base_fee_burned() {
    let state = state_with(&[(address(0), 4, U256::from(COST + 100))]);
    let (outcome, after) = run(&state, unsigned(4, stranger(1), 100));
    assert_eq!(outcome.unwrap(), Outcome { gas_used: 21_000, spent: U256::from(PAID + 100) });
    assert_eq!(account(&after, address(0)), Some((5, COST - PAID)));
    assert_eq!(account(&after, stranger(1)), Some((0, 100)));
    assert_eq!(account(&after, beneficiary()), Some((0, 21_000 * 7)));
}

#[test]
fn the_tip_is_what_the_whole_fee_leaves_above_the_base_fee() {
    let state = state_with(&[(address(0), 0, U256::from(COST))]);
    let transaction = UnsignedTransaction { max_fee_per_gas: u128::from(BASE_FEE) + 3, ..unsigned(0, stranger(1), 0) };
    let (outcome, after) = run(&state, transaction);
    assert_eq!(outcome.unwrap().spent, U256::from(21_000 * (BASE_FEE + 3)));
    assert_eq!(account(&after, beneficiary()), Some((0, 21_000 * 3)));
}

#[test]
fn data_bytes_cost_gas() {
    let state = state_with(&[(address(0), 0, U256::from(COST * 2))]);
    let transaction =
        UnsignedTransaction { data: vec![0; 10].into(), gas_limit: 30_000, ..unsigned(0, stranger(1), 0) };
    assert_eq!(run(&state, transaction.clone()).0.unwrap().gas_used, 21_160);
    let error = refused(&state, UnsignedTransaction { gas_limit: 21_159, ..transaction });
    assert_eq!(error, TransferError::GasLimitTooLow { limit: 21_159, needed: 21_160 });
}

#[test]
fn a_transfer_to_oneself_costs_the_fee_only() {
    let state = state_with(&[(address(0), 0, U256::from(COST + 50))]);
    let (outcome, after) = run(&state, unsigned(0, address(0), 50));
    outcome.unwrap();
    assert_eq!(account(&after, address(0)), Some((1, COST + 50 - PAID)));
}

#[test]
fn a_transfer_to_the_beneficiary_adds_value_and_tip() {
    let state = state_with(&[(address(0), 0, U256::from(COST + 50))]);
    let (_, after) = run(&state, unsigned(0, beneficiary(), 50));
    assert_eq!(account(&after, beneficiary()), Some((0, 50 + 21_000 * 7)));
}

#[test]
fn empty_accounts_are_not_stored() {
    let state = state_with(&[(address(0), 0, U256::from(COST))]);
    let transaction = UnsignedTransaction { max_priority_fee_per_gas: 0, ..unsigned(0, stranger(1), 0) };
    let (outcome, after) = run(&state, transaction);
    outcome.unwrap();
    assert_eq!(account(&after, stranger(1)), None);
    assert_eq!(account(&after, beneficiary()), None);
}

#[test]
fn the_nonce_must_be_the_next_one() {
    let state = state_with(&[(address(0), 4, U256::from(COST))]);
    for found in [0, 3, 5, u64::MAX] {
        let error = refused(&state, unsigned(found, stranger(1), 0));
        assert_eq!(error, TransferError::Nonce { expected: 4, found });
    }
    let last = state_with(&[(address(0), u64::MAX, U256::from(COST))]);
    assert_eq!(refused(&last, unsigned(u64::MAX, stranger(1), 0)), TransferError::NonceExhausted);
}

#[test]
fn the_balance_must_cover_the_most_that_it_may_cost() {
    let state = state_with(&[(address(0), 0, U256::from(COST + 99))]);
    let error = refused(&state, unsigned(0, stranger(1), 100));
    let (balance, needed) = (U256::from(COST + 99), U256::from(COST + 100));
    assert_eq!(error, TransferError::InsufficientBalance { balance, needed });
    let nobody = refused(&StateTrie::default(), unsigned(0, stranger(1), 0));
    assert_eq!(nobody, TransferError::InsufficientBalance { balance: U256::ZERO, needed: U256::from(COST) });
}

#[test]
fn the_fee_must_cover_the_base_fee() {
    let state = state_with(&[(address(0), 0, U256::from(COST))]);
    let offered = u128::from(BASE_FEE) - 1;
    let error = refused(&state, UnsignedTransaction { max_fee_per_gas: offered, ..unsigned(0, stranger(1), 0) });
    assert_eq!(error, TransferError::BelowBaseFee { offered, base_fee: BASE_FEE });
}

#[test]
fn sums_beyond_256_bits_are_refused() {
    let state = state_with(&[(address(0), 0, U256::MAX)]);
    let huge = UnsignedTransaction { value: U256::MAX, ..unsigned(0, stranger(1), 0) };
    assert_eq!(refused(&state, huge), TransferError::CostOverflow);
    let full = state_with(&[(address(0), 0, U256::from(RICHER)), (stranger(1), 0, U256::MAX)]);
    assert_eq!(refused(&full, unsigned(0, stranger(1), 1)), TransferError::BalanceOverflow(stranger(1)));
    let full = state_with(&[(address(0), 0, U256::from(RICHER)), (beneficiary(), 0, U256::MAX)]);
    assert_eq!(refused(&full, unsigned(0, stranger(1), 1)), TransferError::BalanceOverflow(beneficiary()));
}

const RICHER: u128 = COST * 10;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn balances_and_burned_fees_add_up_to_the_initial_supply(
        transfers in proptest::collection::vec((0u32..4, 0u32..6, 0u128..2_000_000_000, 0u128..2_000, 0u64..3), 1..30)
    ) {
        let initial = U256::from(RICHER);
        let all: Vec<Address> = (0..6).map(address).chain([beneficiary()]).collect();
        let state = state_with(&(0..4).map(|seed| (address(seed), 0, initial)).collect::<Vec<_>>());
        let mut working = WorkingState::new(&state);
        let mut burned = U256::ZERO;
        for (sender, to, value, tip, skew) in transfers {
            let nonce = working.account_mut(address(sender)).nonce + u64::from(skew == 2);
            let transaction = UnsignedTransaction { max_priority_fee_per_gas: tip, ..unsigned(nonce, address(to), value) };
            let signed = transaction.sign(&key(sender), &genesis_digest());
            if let Ok(outcome) = execute(&mut working, &CONTEXT, &signed) {
                burned += U256::from(outcome.gas_used) * U256::from(BASE_FEE);
            }
        }
        let after = apply(&state, &working.into_changes(), Workers::Inline);
        let held = all.iter().filter_map(|a| after.get(&trie_key(a))).fold(U256::ZERO, |sum, a| sum + a.balance);
        prop_assert_eq!(held + burned, initial * U256::from(4));
    }
}

fn genesis_digest() -> minuet_core::Digest {
    minuet_core::B256::repeat_byte(9)
}

/// Whoever reads them, and however often they are named: accounts are as they were, and nothing has changed.
#[test]
fn accounts_looked_up_together_are_those_of_the_state() {
    let known: Vec<_> = (0..3_000).map(|number| (stranger(number), number % 5, U256::from(number + 1))).collect();
    let state = state_with(&known);
    for workers in [Workers::Inline, Workers::Rayon] {
        let mut working = WorkingState::new(&state);
        working.account_mut(stranger(7)).nonce += 1;
        let twice = || (0..4_000).chain(5..15).map(stranger);
        working.look_up(twice(), workers);
        working.look_up(twice(), workers);
        for number in 0..4_000 {
            let expected = match number {
                7 => Account { nonce: 7 % 5 + 1, ..Account::with_balance(U256::from(8)) },
                0..3_000 => Account { nonce: number % 5, ..Account::with_balance(U256::from(number + 1)) },
                _ => Account::default(),
            };
            assert_eq!(*working.account_mut(stranger(number)), expected, "account {number}, {workers:?}");
        }
        let changed: Vec<_> = working.into_changes().into_iter().map(|change| change.address).collect();
        assert_eq!(changed, [stranger(7)], "{workers:?}");
    }
}
