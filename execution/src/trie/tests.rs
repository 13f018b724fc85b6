use super::*;
use minuet_core::U256;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Model = BTreeMap<B256, Account>;

fn reference_root(model: &Model) -> B256 {
    let mut builder = alloy_trie::HashBuilder::default();
    for (key, account) in model {
        builder.add_leaf(alloy_trie::Nibbles::unpack(key), &alloy_rlp::encode(account));
    }
    builder.root()
}

/// Keys that share long prefixes as well as keys that share none.
fn keys() -> impl Strategy<Value = B256> {
    prop_oneof![
        (0u64..400).prop_map(|seed| keccak256(seed.to_be_bytes())),
        (0u8..4, 0u8..32, 0u8..16).prop_map(|(fill, place, last)| {
            let mut key = [fill; 32];
            key[usize::from(place)] ^= last << 4;
            key[31] ^= last;
            B256::from(key)
        }),
    ]
}

fn accounts() -> impl Strategy<Value = Account> {
    (0u64..3, any::<u128>(), any::<bool>()).prop_map(|(nonce, balance, contract)| Account {
        nonce,
        balance: U256::from(balance),
        code_hash: if contract { B256::repeat_byte(7) } else { Account::default().code_hash },
        ..Account::default()
    })
}

#[derive(Clone, Debug)]
enum Step {
    Set(B256, Account),
    /// Several at once, by one thread or by many.
    SetAll(Model, bool),
    Remove(B256),
    /// Continue on an older state.
    Branch(usize),
    Root,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (keys(), accounts()).prop_map(|(key, account)| Step::Set(key, account)),
        1 => (proptest::collection::btree_map(keys(), accounts(), 0..60), any::<bool>())
            .prop_map(|(all, many)| Step::SetAll(all, many)),
        4 => keys().prop_map(Step::Remove),
        1 => (0usize..8).prop_map(Step::Branch),
        1 => Just(Step::Root),
    ];
    proptest::collection::vec(step, 0..250)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_root_of_every_branch_is_the_reference_builders(steps in steps()) {
        let mut states = vec![(StateTrie::default(), Model::new())];
        for step in steps {
            let (trie, model) = states.last_mut().unwrap();
            match step {
                Step::Set(key, account) => {
                    trie.insert(key, &account);
                    model.insert(key, account);
                }
                Step::SetAll(all, many) => {
                    let ascending: Vec<_> = all.iter().map(|(key, account)| (*key, account)).collect();
                    trie.insert_by(&ascending, Workers::Rayon, if many { 1 } else { usize::MAX });
                    model.extend(all);
                }
                Step::Remove(key) => {
                    trie.remove(&key);
                    model.remove(&key);
                }
                Step::Branch(back) => {
                    let copy = states[states.len().saturating_sub(1 + back)].clone();
                    states.push(copy);
                }
                Step::Root => prop_assert_eq!(trie.root_hash(Workers::Inline), reference_root(model)),
            }
        }
        for (trie, model) in &mut states {
            prop_assert_eq!(trie.root_hash(Workers::Rayon), reference_root(model));
            for (key, account) in &*model {
                let found = trie.get(key);
                prop_assert_eq!(found.as_ref(), Some(account));
            }
        }
    }
}

#[test]
fn an_empty_trie_has_the_empty_root() {
    let mut trie = StateTrie::default();
    assert_eq!(trie.root_hash(Workers::Inline), EMPTY_ROOT_HASH);
    let key = trie_key(&Address::repeat_byte(1));
    trie.insert(key, &Account::with_balance(U256::from(1)));
    assert_ne!(trie.root_hash(Workers::Inline), EMPTY_ROOT_HASH);
    trie.remove(&key);
    assert_eq!(trie.root_hash(Workers::Inline), EMPTY_ROOT_HASH);
}

#[test]
fn a_trie_has_as_many_levels_as_its_accounts_need() {
    let mut trie = StateTrie::default();
    let mut levels = vec![trie.levels()];
    for number in 1..=2_000_u32 {
        trie.insert(
            trie_key(&Address::left_padding_from(&number.to_be_bytes())),
            &Account::with_balance(U256::from(1)),
        );
        if [1, 41, 2_000].contains(&number) {
            levels.push(trie.levels());
        }
    }
    assert_eq!(levels, [0, 0, 1, 2], "none, one bucket, sixteen, sixteen times sixteen");
}

#[test]
fn keys_that_differ_in_the_last_nibble_only_have_a_branch_at_the_end() {
    let mut trie = StateTrie::default();
    let mut model = Model::new();
    for last in 0..16u8 {
        let mut key = B256::repeat_byte(0xab);
        key[31] = 0xa0 | last;
        let account = Account::with_balance(U256::from(last) + U256::from(1));
        trie.insert(key, &account);
        model.insert(key, account);
        assert_eq!(trie.root_hash(Workers::Inline), reference_root(&model), "with {} keys", last + 1);
    }
}

#[test]
fn buckets_that_split_and_empty_again_keep_the_reference_root() {
    let mut states = vec![(StateTrie::default(), Model::new())];
    let key_of = |number: u64| keccak256(number.to_be_bytes());
    for round in 0..16u64 {
        let (mut trie, mut model) = states[states.len() - 1].clone();
        for number in 0..150 {
            let (new, old) = (key_of(round * 150 + number), key_of(number * 7 % (round * 60 + 1)));
            let account = Account::with_balance(U256::from(round * 1_000 + number + 1));
            for key in [new, old] {
                trie.insert(key, &account);
                model.insert(key, account.clone());
            }
        }
        states.push((trie, model));
    }
    for round in 0..16u64 {
        let (mut trie, mut model) = states[states.len() - 1].clone();
        for number in (round..2_400).step_by(16) {
            trie.remove(&key_of(number));
            model.remove(&key_of(number));
        }
        if round % 2 == 0 {
            assert_eq!(trie.root_hash(Workers::Inline), reference_root(&model));
        }
        states.push((trie, model));
    }
    for (trie, model) in &mut states {
        assert_eq!(trie.root_hash(Workers::Rayon), reference_root(model), "with {} accounts", model.len());
        assert!(model.iter().all(|(key, account)| trie.get(key).as_ref() == Some(account)));
    }
    assert!(states.last().unwrap().1.is_empty());
}
