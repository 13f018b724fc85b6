use super::*;
use crate::SelectLimits;
use crate::testing::*;
use minuet_core::codec::CodecError;
use minuet_core::mempool_errors::AdmissionError;
use minuet_core::transaction::{
    MAX_TRANSACTION_BYTES, NATIVE_TYPE, Transaction, TransactionError, UnsignedTransaction,
};
use minuet_core::{Bytes, U256};
use proptest::prelude::*;

const ALL: SelectLimits = SelectLimits { max_bytes: 2 * 1024 * 1024, max_gas: u64::MAX };

fn small(max_transactions: usize) -> MempoolConfig {
    MempoolConfig { max_transactions, ..MempoolConfig::default() }
}

fn chosen(pool: &Pool, blocks: &[u8]) -> Vec<TxHash> {
    let overlay = pool.overlay(&branch(blocks)).expect("all blocks are known");
    pool.select(&overlay, ALL).iter().map(|transaction| transaction.hash()).collect()
}

fn refusal(pool: &mut Pool, transaction: &Arc<Transaction>) -> AdmissionError {
    admit(pool, transaction).expect_err("must be refused")
}

#[test]
fn bytes_that_are_no_transaction_are_refused_by_size_type_and_form() {
    let (mut pool, _) = pool_with(MempoolConfig::default());
    let long = Bytes::from(vec![NATIVE_TYPE; MAX_TRANSACTION_BYTES + 1]);
    assert!(matches!(
        pool.examine(&long),
        Err(AdmissionError::Transaction(TransactionError::Codec(CodecError::TooLong { .. })))
    ));
    assert_eq!(pool.examine(&Bytes::from_static(&[2, 1])), Err(TransactionError::UnknownType { found: 2 }.into()));
    let mut trailing = Wallet::new(0).transfer(0, 1).envelope().to_vec();
    trailing.push(0);
    assert!(matches!(
        pool.examine(&trailing.into()),
        Err(AdmissionError::Transaction(TransactionError::Codec(CodecError::Trailing { count: 1, .. })))
    ));
}

#[test]
fn each_broken_rule_is_refused_with_its_own_error() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallet = Wallet::new(0);
    state.set(wallet.address(), 5, RICH);
    let change = |change: fn(&mut UnsignedTransaction)| {
        let mut fields = unsigned(5, 1);
        change(&mut fields);
        wallet.sign(fields)
    };
    let cases = [
        (change(|t| t.chain_id = 8), TransactionError::WrongChain { found: 8, expected: 7 }.into()),
        (change(|t| t.max_priority_fee_per_gas = 99), TransactionError::TipAboveFee { tip: 99, fee: 21 }.into()),
        (change(|t| t.gas_limit = 20_999), TransactionError::GasLimitTooLow { limit: 20_999, needed: 21_000 }.into()),
        (change(|t| t.max_fee_per_gas = 9), AdmissionError::FeeTooLow { offered: 9, floor: FLOOR }),
        (
            change(|t| t.gas_limit = BLOCK_GAS + 1),
            AdmissionError::GasLimitTooHigh { limit: BLOCK_GAS + 1, block: BLOCK_GAS },
        ),
        (change(|t| t.nonce = 4), AdmissionError::NonceTooLow { nonce: 4, next: 5 }),
        (change(|t| t.nonce = 69), AdmissionError::NonceGap { nonce: 69, next: 5, window: 64 }),
        (
            change(|t| t.value = U256::from(RICH)),
            AdmissionError::InsufficientBalance { balance: U256::from(RICH), needed: U256::from(RICH + 21 * 21_000) },
        ),
        (
            change(|t| t.value = U256::MAX),
            AdmissionError::InsufficientBalance { balance: U256::from(RICH), needed: U256::MAX },
        ),
    ];
    for (transaction, error) in cases {
        assert_eq!(refusal(&mut pool, &transaction), error);
    }
    assert_eq!((pool.pending(), pool.queued(), pool.bytes()), (0, 0, 0));
    assert!(admit(&mut pool, &change(|t| t.nonce = 68)).is_ok(), "the last nonce of the window");
}

#[test]
fn all_waiting_transactions_of_a_sender_must_be_payable_together() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallet = Wallet::new(0);
    let one = 21 * 21_000 + 1;
    state.set(wallet.address(), 0, 2 * one + 1);
    assert!(admit(&mut pool, &wallet.transfer(0, 1)).is_ok());
    assert!(admit(&mut pool, &wallet.transfer(1, 1)).is_ok());
    let error = AdmissionError::InsufficientBalance { balance: U256::from(2 * one + 1), needed: U256::from(3 * one) };
    assert_eq!(refusal(&mut pool, &wallet.transfer(2, 1)), error);
    // Money that came in since is found although no notice said so yet.
    state.set(wallet.address(), 0, 3 * one);
    assert!(admit(&mut pool, &wallet.transfer(2, 1)).is_ok());
}

#[test]
fn a_state_that_cannot_be_read_admits_nothing() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallet = &wallets(1, &state)[0];
    state.is_broken.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(refusal(&mut pool, &wallet.transfer(0, 1)), AdmissionError::Unavailable);
    assert_eq!(pool.next_nonce(&wallet.address()), None);
}

#[test]
fn the_same_transaction_again_is_the_same_success() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let transaction = wallets(1, &state)[0].transfer(0, 1);
    assert_eq!(admit(&mut pool, &transaction), Ok(transaction.hash()));
    assert_eq!(admit(&mut pool, &transaction), Ok(transaction.hash()));
    assert_eq!((pool.pending(), pool.bytes()), (1, transaction.encoded_length()));
}

#[test]
fn transactions_behind_a_gap_are_queued_and_promoted_when_it_closes() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallet = &wallets(1, &state)[0];
    let [first, second, third] = [0, 1, 2].map(|nonce| wallet.transfer(nonce, 1));
    admit(&mut pool, &third).unwrap();
    admit(&mut pool, &second).unwrap();
    assert_eq!((pool.pending(), pool.queued()), (0, 2));
    assert_eq!(pool.status(&third.hash()), PoolStatus::Queued);
    assert_eq!(pool.next_nonce(&wallet.address()), Some(0));
    assert!(chosen(&pool, &[]).is_empty());
    admit(&mut pool, &first).unwrap();
    assert_eq!((pool.pending(), pool.queued()), (3, 0));
    assert_eq!(pool.status(&third.hash()), PoolStatus::Pending);
    assert_eq!(pool.next_nonce(&wallet.address()), Some(3));
    assert_eq!(chosen(&pool, &[]), [first.hash(), second.hash(), third.hash()]);
}

#[test]
fn one_sender_has_a_share_of_the_pool() {
    let (mut pool, state) = pool_with(MempoolConfig { max_per_sender: 2, ..MempoolConfig::default() });
    let wallet = &wallets(1, &state)[0];
    admit(&mut pool, &wallet.transfer(0, 100)).unwrap();
    admit(&mut pool, &wallet.transfer(1, 100)).unwrap();
    assert_eq!(refusal(&mut pool, &wallet.transfer(2, 100)), AdmissionError::SenderFull { limit: 2 });
    assert!(admit(&mut pool, &wallet.transfer(1, 200)).is_ok(), "a replacement takes no further place");
}

#[test]
fn a_replacement_offers_a_tenth_more_of_both_fees() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallet = &wallets(1, &state)[0];
    let offer = |fee, tip| {
        let mut fields = unsigned(0, tip);
        fields.max_fee_per_gas = fee;
        wallet.sign(fields)
    };
    let old = offer(1001, 15);
    admit(&mut pool, &old).unwrap();
    let error = AdmissionError::Underpriced { needed_fee: 1102, needed_tip: 17 };
    assert_eq!(refusal(&mut pool, &offer(1101, 17)), error);
    assert_eq!(refusal(&mut pool, &offer(1102, 16)), error);
    let new = offer(1102, 17);
    assert_eq!(admit(&mut pool, &new), Ok(new.hash()));
    assert_eq!((pool.pending(), pool.bytes()), (1, new.encoded_length()));
    assert_eq!(chosen(&pool, &[]), [new.hash()]);
    let PoolStatus::Dropped { reason } = pool.status(&old.hash()) else { panic!("it was replaced") };
    assert!(reason.contains(&new.hash().to_string()), "{reason}");
}

#[test]
fn a_full_pool_evicts_the_worst_payer_and_refuses_a_worse_one() {
    let (mut pool, state) = pool_with(small(3));
    let wallets = wallets(6, &state);
    let low = wallets[0].transfer(0, 5);
    for transaction in [&low, &wallets[1].transfer(0, 7), &wallets[2].transfer(0, 9)] {
        admit(&mut pool, transaction).unwrap();
    }
    assert_eq!(refusal(&mut pool, &wallets[3].transfer(0, 5)), AdmissionError::PoolFull, "equal is not better");
    let better = wallets[4].transfer(0, 6);
    admit(&mut pool, &better).unwrap();
    assert!(matches!(pool.status(&low.hash()), PoolStatus::Dropped { .. }));
    assert_eq!((pool.pending(), chosen(&pool, &[]).last()), (3, Some(&better.hash())));
    assert_eq!(pool.evicted(), 1);
}

#[test]
fn queued_transactions_are_evicted_before_pending_ones_whatever_they_offer() {
    let (mut pool, state) = pool_with(small(2));
    let wallets = wallets(4, &state);
    let gapped = wallets[0].transfer(3, 900);
    admit(&mut pool, &gapped).unwrap();
    admit(&mut pool, &wallets[1].transfer(0, 2)).unwrap();
    admit(&mut pool, &wallets[2].transfer(0, 1)).unwrap();
    assert!(!pool.contains(&gapped.hash()));
    assert_eq!(refusal(&mut pool, &wallets[0].transfer(3, 999)), AdmissionError::PoolFull);
}

#[test]
fn eviction_takes_a_senders_highest_nonce_even_if_a_lower_one_pays_less() {
    let (mut pool, state) = pool_with(small(3));
    let wallets = wallets(3, &state);
    let [cheap, dear] = [wallets[0].transfer(0, 1), wallets[0].transfer(1, 500)];
    for transaction in [&cheap, &dear, &wallets[1].transfer(0, 50)] {
        admit(&mut pool, transaction).unwrap();
    }
    admit(&mut pool, &wallets[2].transfer(0, 40)).unwrap();
    assert!(pool.contains(&cheap.hash()) && !pool.contains(&dear.hash()));
    // A sender's own transactions do not make room for its next one.
    assert_eq!(refusal(&mut pool, &wallets[0].transfer(1, 500)), AdmissionError::PoolFull);
}

#[test]
fn the_bytes_of_all_are_bounded_and_nobody_goes_in_vain() {
    let length = Wallet::new(0).transfer(0, 9).encoded_length();
    let (mut pool, state) = pool_with(MempoolConfig { max_bytes: 4 * length, ..MempoolConfig::default() });
    let wallets = wallets(6, &state);
    for (wallet, tip) in wallets.iter().zip([1, 2, 3, 90]) {
        admit(&mut pool, &wallet.transfer(0, tip)).unwrap();
    }
    let big = |tip| {
        let mut fields = unsigned(0, tip);
        fields.data = vec![1; length].into();
        fields.gas_limit = 100_000;
        wallets[5].sign(fields)
    };
    assert_eq!(refusal(&mut pool, &big(2)), AdmissionError::PoolFull);
    assert_eq!(pool.pending(), 4, "two would have to go and one of them pays as much");
    admit(&mut pool, &big(50)).unwrap();
    assert!(pool.bytes() <= 4 * length);
    assert_eq!(pool.pending(), 2);
}

#[test]
fn dropped_transactions_are_remembered_up_to_a_bound() {
    let (mut pool, state) = pool_with(MempoolConfig { remembered_drops: 2, ..small(1) });
    let wallets = wallets(4, &state);
    let all: Vec<_> = wallets.iter().zip([1, 2, 3, 4]).map(|(wallet, tip)| wallet.transfer(0, tip)).collect();
    for transaction in &all {
        admit(&mut pool, transaction).unwrap();
    }
    assert_eq!(pool.status(&all[0].hash()), PoolStatus::Unknown);
    assert!(matches!(pool.status(&all[1].hash()), PoolStatus::Dropped { .. }));
    assert!(matches!(pool.status(&all[2].hash()), PoolStatus::Dropped { .. }));
}

#[test]
fn priority_orders_senders_and_arrival_breaks_ties() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallets = wallets(3, &state);
    let [a, b, c] = [(0, 5), (1, 9), (2, 5)].map(|(sender, tip): (usize, u128)| wallets[sender].transfer(0, tip));
    let b_next = wallets[1].transfer(1, 5);
    for transaction in [&a, &b, &c, &b_next] {
        admit(&mut pool, transaction).unwrap();
    }
    assert_eq!(chosen(&pool, &[]), [b.hash(), a.hash(), c.hash(), b_next.hash()]);
}

#[test]
fn at_a_higher_base_fee_the_effective_tip_decides_and_who_cannot_pay_it_waits() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallets = wallets(3, &state);
    let offer = |sender: usize, fee, tip| {
        let mut fields = unsigned(0, tip);
        fields.max_fee_per_gas = fee;
        wallets[sender].sign(fields)
    };
    let [tight, roomy, poor] = [offer(0, 110, 90), offer(1, 1000, 30), offer(2, 99, 80)];
    let after_poor = wallets[2].transfer(1, 900);
    for transaction in [&tight, &roomy, &poor, &after_poor] {
        admit(&mut pool, transaction).unwrap();
    }
    let overlay = pool.overlay(&Branch { base_fee: 100, ..branch(&[]) }).unwrap();
    let order: Vec<_> = pool.select(&overlay, ALL).iter().map(|transaction| transaction.hash()).collect();
    assert_eq!(order, [roomy.hash(), tight.hash()]);
}

#[test]
fn a_branch_gets_what_its_blocks_do_not_hold_and_its_rival_still_gets_it() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallets = wallets(2, &state);
    let [a0, a1] = [0, 1].map(|nonce| wallets[0].transfer(nonce, 9));
    let b0 = wallets[1].transfer(0, 5);
    for transaction in [&a0, &a1, &b0] {
        admit(&mut pool, transaction).unwrap();
    }
    assert!(pool.overlay(&branch(&[1])).is_none(), "not executed yet");
    pool.apply(executed(1, 1, &[Arc::clone(&a0)]));
    pool.apply(executed(2, 1, &[Arc::clone(&b0)]));
    assert_eq!(pool.status(&a0.hash()), PoolStatus::Included { digest: digest(1), height: minuet_core::Height(1) });
    assert_eq!(chosen(&pool, &[1]), [a1.hash(), b0.hash()]);
    assert_eq!(chosen(&pool, &[2]), [a0.hash(), a1.hash()]);
    assert_eq!(chosen(&pool, &[]), [a0.hash(), a1.hash(), b0.hash()]);
    pool.apply(executed_on(1, 3, 2, &[Arc::clone(&a1), Arc::clone(&b0)]));
    assert!(chosen(&pool, &[1, 3]).is_empty());

    // The second block wins: what the first and the third held is free again.
    pool.apply(finalized(1, &[2], vec![(wallets[1].address(), 1, U256::from(RICH))]));
    assert_eq!(chosen(&pool, &[]), [a0.hash(), a1.hash()]);
    assert_eq!(chosen(&pool, &[2]), [a0.hash(), a1.hash()], "a block that became final is no obstacle");
    assert_eq!(pool.status(&a0.hash()), PoolStatus::Pending);
    assert_eq!(pool.status(&b0.hash()), PoolStatus::Unknown, "the chain answers for it now");
    assert!(pool.overlay(&branch(&[1])).is_none(), "the loser is forgotten");
    assert_eq!((pool.pending(), pool.queued()), (2, 0));
}

#[test]
fn what_the_branch_spent_is_not_spent_again() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallet = Wallet::new(0);
    let cost = 21 * 21_000 + 1;
    state.set(wallet.address(), 0, 2 * cost);
    let next = wallet.transfer(1, 1);
    admit(&mut pool, &next).unwrap();
    // The branch holds a transaction that never came here and that is dearer than expected.
    let mut foreign = unsigned(0, 1);
    foreign.value = U256::from(cost);
    pool.apply(executed(1, 1, &[wallet.sign(foreign)]));
    assert!(chosen(&pool, &[1]).is_empty());
}

#[test]
fn another_transaction_in_the_chain_and_a_fallen_balance_drop_what_waits() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallet = &wallets(1, &state)[0];
    let waiting: Vec<_> = (0..3).map(|nonce| wallet.transfer(nonce, 1)).collect();
    for transaction in &waiting {
        admit(&mut pool, transaction).unwrap();
    }
    let left = 21 * 21_000 + 1;
    state.set(wallet.address(), 1, left);
    pool.apply(executed(1, 1, &[wallet.transfer(0, 7)]));
    pool.apply(finalized(1, &[1], vec![(wallet.address(), 1, U256::from(left))]));
    let reason = |index: usize| match pool.status(&waiting[index].hash()) {
        PoolStatus::Dropped { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(0), "another transaction with nonce 0 became final");
    assert!(reason(2).starts_with("the account's balance fell to 441001 wei"), "{}", reason(2));
    assert_eq!(chosen(&pool, &[]), [waiting[1].hash()]);
}

#[test]
fn a_notice_older_than_the_state_moves_nothing_backwards() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallet = Wallet::new(0);
    state.set(wallet.address(), 4, RICH);
    let transaction = wallet.transfer(4, 1);
    admit(&mut pool, &transaction).unwrap();
    pool.apply(finalized(1, &[1], vec![(wallet.address(), 2, U256::from(5))]));
    assert_eq!(pool.next_nonce(&wallet.address()), Some(5));
    // The same nonce with less money: the state knows better, a deposit has come in since.
    pool.apply(finalized(2, &[2], vec![(wallet.address(), 4, U256::from(5))]));
    assert_eq!(chosen(&pool, &[]), [transaction.hash()]);
}

#[test]
fn accounts_without_transactions_are_cached_up_to_a_bound() {
    let (mut pool, state) = pool_with(MempoolConfig { cached_accounts: 2, ..MempoolConfig::default() });
    let wallets = wallets(5, &state);
    for wallet in &wallets {
        let transaction = wallet.transfer(0, 1);
        admit(&mut pool, &transaction).unwrap();
    }
    let settled = wallets.iter().map(|wallet| (wallet.address(), 1, U256::from(RICH))).collect();
    pool.apply(finalized(1, &[1], settled));
    assert_eq!((pool.pending(), pool.bytes()), (0, 0));
    assert!(pool.accounts.len() <= 3, "{}", pool.accounts.len());
    assert!(pool.lists.heads.is_empty() && pool.lists.tails.is_empty() && pool.by_hash.is_empty() && !pool.has_own());
}

#[test]
fn a_block_takes_no_more_bytes_and_gas_than_asked_for() {
    let (mut pool, state) = pool_with(MempoolConfig::default());
    let wallets = wallets(10, &state);
    for wallet in &wallets {
        admit(&mut pool, &wallet.transfer(0, 1)).unwrap();
    }
    let overlay = pool.overlay(&branch(&[])).unwrap();
    let count = |max_bytes, max_gas| pool.select(&overlay, SelectLimits { max_bytes, max_gas }).len();
    assert_eq!(count(usize::MAX, 3 * 21_000 + 20_999), 3);
    assert_eq!(count(0, u64::MAX), 0);
    let body = minuet_core::block::Body {
        transactions: (0..4).map(|index: usize| wallets[index].transfer(0, 1).envelope().clone()).collect(),
    };
    assert!(matches!(count(body.encode().len(), u64::MAX), 3 | 4));
}

#[derive(Clone, Debug)]
struct Offer {
    sender: u16,
    nonce: u64,
    tip: u128,
    headroom: u128,
}

fn offers() -> impl Strategy<Value = Vec<Offer>> {
    let offer = (0u16..6, 0u64..8, 0u128..100, 0u128..200).prop_map(|(sender, nonce, tip, headroom)| Offer {
        sender,
        nonce,
        tip,
        headroom,
    });
    proptest::collection::vec(offer, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_selection_executes_in_order_on_its_branch_and_is_greedy(
        offers in offers(), in_branch in 0usize..12, base_fee in FLOOR..150, max_transactions in 5usize..60, gas in 0u64..40,
    ) {
        let (mut pool, state) = pool_with(small(max_transactions));
        let wallets = wallets(6, &state);
        for offer in &offers {
            let mut fields = unsigned(offer.nonce, offer.tip);
            fields.max_fee_per_gas = u128::from(FLOOR) + offer.tip + offer.headroom;
            let _ = admit(&mut pool, &wallets[usize::from(offer.sender)].sign(fields));
        }
        prop_assert!(pool.pending() + pool.queued() <= max_transactions);
        let everything: Vec<_> = pool.select(&pool.overlay(&branch(&[])).unwrap(), ALL);
        prop_assert_eq!(everything.len(), pool.pending());
        let block = &everything[..in_branch.min(everything.len())];
        pool.apply(executed(1, 1, block));

        let overlay = pool.overlay(&Branch { base_fee, ..branch(&[1]) }).unwrap();
        let picked = pool.select(&overlay, SelectLimits { max_gas: gas * 21_000, ..ALL });
        let mut nonces: BTreeMap<Address, u64> = BTreeMap::new();
        for transaction in block {
            *nonces.entry(transaction.sender()).or_default() += 1;
        }
        let ready = |nonces: &BTreeMap<Address, u64>| {
            let heads = wallets.iter().filter_map(|wallet| {
                let account = pool.accounts.get(&wallet.address())?;
                account.entries.get(nonces.get(&wallet.address()).unwrap_or(&0))
            });
            let best = heads.filter_map(|entry| {
                let tip = entry.transaction.fields().effective_tip(base_fee)?;
                Some(((tip, std::cmp::Reverse(entry.arrival)), entry.transaction.hash()))
            });
            best.max().map(|(_, hash)| hash)
        };
        for transaction in &picked {
            prop_assert_eq!(Some(transaction.hash()), ready(&nonces));
            let nonce = nonces.entry(transaction.sender()).or_default();
            prop_assert_eq!(*nonce, transaction.nonce());
            *nonce += 1;
        }
        prop_assert!(picked.len() as u64 == gas || ready(&nonces).is_none());
    }

    #[test]
    fn counters_and_lists_agree_with_the_transactions_after_anything(offers in offers(), max_transactions in 3usize..30) {
        let (mut pool, state) = pool_with(small(max_transactions));
        let wallets = wallets(6, &state);
        for (step, offer) in offers.iter().enumerate() {
            let wallet = &wallets[usize::from(offer.sender)];
            if step % 7 == 6 {
                let nonce = offer.nonce / 2;
                pool.apply(finalized(1, &[], vec![(wallet.address(), nonce, U256::from(offer.tip * 1_000_000))]));
            } else {
                let _ = admit(&mut pool, &wallet.transfer(offer.nonce, offer.tip));
            }
            let accounts = pool.accounts.values();
            let pending: usize = accounts.clone().map(Account::pending_count).sum();
            let total: usize = accounts.clone().map(|account| account.entries.len()).sum();
            let bytes: usize = accounts
                .clone()
                .flat_map(|account| account.entries.values())
                .map(|entry| entry.transaction.encoded_length())
                .sum();
            prop_assert_eq!((pool.pending(), pool.pending() + pool.queued(), pool.bytes()), (pending, total, bytes));
            prop_assert_eq!((pool.by_hash.len(), pool.own.len()), (total, total));
            prop_assert_eq!(pool.lists.heads.len(), accounts.clone().filter(|a| a.entries.contains_key(&a.nonce)).count());
            prop_assert_eq!(pool.lists.tails.len(), accounts.clone().filter(|a| !a.entries.is_empty()).count());
            for account in accounts {
                prop_assert!(account.cost <= account.balance && account.entries.keys().all(|nonce| *nonce >= account.nonce));
            }
        }
    }
}
