use super::*;
use crate::rocks::{RocksConfig, RocksStore};
use proptest::prelude::*;

fn put(store: &impl Store, key: &[u8], value: &[u8], durability: Durability) {
    let mut batch = Batch::default();
    batch.put(Column::Meta, key, value);
    store.write(batch, durability).unwrap();
}

fn keys(store: &MemoryStore) -> Vec<Vec<u8>> {
    store.scan(Column::Meta, &[], None, usize::MAX).unwrap().into_iter().map(|(key, _)| key).collect()
}

#[test]
fn what_follows_the_last_synced_write_is_lost() {
    let store = MemoryStore::new();
    put(&store, b"a", b"1", Durability::Unsynced);
    put(&store, b"b", b"1", Durability::Synced);
    put(&store, b"b", b"2", Durability::Unsynced);
    put(&store, b"b", b"3", Durability::Unsynced);
    put(&store, b"c", b"1", Durability::Unsynced);
    let mut batch = Batch::default();
    batch.delete(Column::Meta, b"a".to_vec());
    store.write(batch, Durability::Unsynced).unwrap();
    assert_eq!(keys(&store), [b"b", b"c"]);
    store.lose_unsynced();
    assert_eq!(keys(&store), [b"a", b"b"]);
    assert_eq!(store.get(Column::Meta, b"b").unwrap(), Some(b"1".to_vec()));
}

#[test]
fn an_empty_synced_write_makes_everything_before_durable() {
    let store = MemoryStore::new();
    put(&store, b"a", b"1", Durability::Unsynced);
    store.write(Batch::default(), Durability::Synced).unwrap();
    store.lose_unsynced();
    assert_eq!(keys(&store), [b"a"]);
}

#[test]
fn failing_writes_change_nothing() {
    let store = MemoryStore::new();
    store.fail_next_writes(1);
    let mut batch = Batch::default();
    batch.put(Column::Meta, b"a".to_vec(), b"1".to_vec());
    assert!(matches!(store.write(batch.clone(), Durability::Synced), Err(StoreError::Io { .. })));
    assert!(keys(&store).is_empty());
    store.write(batch, Durability::Synced).unwrap();
    assert_eq!((keys(&store).len(), store.write_count()), (1, 1));
}

fn numbered(store: &MemoryStore, by: NumberedBy) -> Vec<u64> {
    let first = |bytes: &[u8]| u64::from_be_bytes(bytes[..8].try_into().unwrap());
    let entries = store.scan(Column::Bodies, &[], None, usize::MAX).unwrap().into_iter();
    entries.map(|(key, value)| first(if by == NumberedBy::Key { &key } else { &value })).collect()
}

#[test]
fn retired_numbers_are_gone_for_every_reader_and_never_come_back() {
    for by in [NumberedBy::Key, NumberedBy::Value] {
        let store = MemoryStore::new();
        let mut batch = Batch::default();
        for number in 0..10_u64 {
            let (key, value) = match by {
                NumberedBy::Key => (number.to_be_bytes().to_vec(), b"value".to_vec()),
                NumberedBy::Value => {
                    (vec![u8::try_from(number).unwrap()], [&number.to_be_bytes()[..], b"more"].concat())
                }
            };
            batch.put(Column::Bodies, key, value);
        }
        store.write(batch, Durability::Synced).unwrap();
        for nothing in [0, 1] {
            store.retire(Column::Bodies, by, nothing);
            assert_eq!(numbered(&store, by).len(), 10);
        }
        store.retire(Column::Bodies, by, 4);
        assert_eq!(numbered(&store, by), [0, 4, 5, 6, 7, 8, 9]);
        store.retire(Column::Bodies, by, 2);
        store.retire(Column::Headers, by, 9);
        assert_eq!(numbered(&store, by), [0, 4, 5, 6, 7, 8, 9], "lower, and of another column");
        store.retire(Column::Bodies, by, u64::MAX);
        assert_eq!(numbered(&store, by), [0]);
        let last = store.last(Column::Bodies).unwrap().unwrap();
        assert!(last.0 == [0] || last.0 == [0; 8]);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(usize, Vec<u8>, Option<Vec<u8>>)>, bool),
    GetMany(usize, Vec<Vec<u8>>),
    Scan { column: usize, from: Vec<u8>, until: Option<Vec<u8>>, limit: usize },
    Last(usize),
    Retire { column: usize, by: NumberedBy, until: u64 },
    Flush,
    Reclaim,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let short = || prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(0xff)], 0..4);
    let numbered = |number: u64, mut tail: Vec<u8>| {
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.append(&mut tail);
        bytes
    };
    let number = move || (0_u64..6, short()).prop_map(move |(number, tail)| numbered(number, tail));
    let key = move || prop_oneof![2 => short(), 1 => number()];
    let column = || prop_oneof![Just(0_usize), Just(2), Just(7)];
    let value = prop::option::of(prop_oneof![2 => prop::collection::vec(any::<u8>(), 0..5), 1 => number()]);
    let by = prop_oneof![Just(NumberedBy::Key), Just(NumberedBy::Value)];
    let write = (prop::collection::vec((column(), key(), value), 0..6), any::<bool>());
    prop::collection::vec(
        prop_oneof![
            4 => write.prop_map(|(changes, synced)| Step::Write(changes, synced)),
            1 => (column(), prop::collection::vec(key(), 0..6)).prop_map(|(column, keys)| Step::GetMany(column, keys)),
            2 => (column(), key(), prop::option::of(key()), 0_usize..8)
                .prop_map(|(column, from, until, limit)| Step::Scan { column, from, until, limit }),
            1 => column().prop_map(Step::Last),
            1 => (column(), by, 0_u64..6).prop_map(|(column, by, until)| Step::Retire { column, by, until }),
            1 => Just(Step::Flush),
            1 => Just(Step::Reclaim),
        ],
        1..80,
    )
}

fn small() -> RocksConfig {
    RocksConfig { block_cache_bytes: 1 << 20, write_buffer_bytes: 4 << 20, ..RocksConfig::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_stores_answer_alike(steps in steps()) {
        let place = tempfile::tempdir().unwrap();
        let (rocks, memory) = (RocksStore::open(place.path(), small()).unwrap(), MemoryStore::new());
        for step in steps {
            match step {
                Step::Write(changes, is_synced) => {
                    let mut batch = Batch::default();
                    for (column, key, value) in changes {
                        match value {
                            Some(value) => batch.put(Column::ALL[column], key, value),
                            None => batch.delete(Column::ALL[column], key),
                        }
                    }
                    let durability = if is_synced { Durability::Synced } else { Durability::Unsynced };
                    rocks.write(batch.clone(), durability).unwrap();
                    memory.write(batch, durability).unwrap();
                }
                Step::GetMany(column, keys) => {
                    let column = Column::ALL[column];
                    let found = rocks.get_many(column, &keys).unwrap();
                    prop_assert_eq!(&found, &memory.get_many(column, &keys).unwrap());
                    for (key, value) in keys.iter().zip(found) {
                        prop_assert_eq!(rocks.get(column, key).unwrap(), value);
                    }
                }
                Step::Scan { column, from, until, limit } => {
                    let (column, until) = (Column::ALL[column], until.as_deref());
                    let found = rocks.scan(column, &from, until, limit).unwrap();
                    prop_assert_eq!(found, memory.scan(column, &from, until, limit).unwrap());
                }
                Step::Last(column) => {
                    let column = Column::ALL[column];
                    prop_assert_eq!(rocks.last(column).unwrap(), memory.last(column).unwrap());
                }
                Step::Retire { column, by, until } => {
                    rocks.retire(Column::ALL[column], by, until);
                    memory.retire(Column::ALL[column], by, until);
                }
                Step::Flush => rocks.flush().unwrap(),
                Step::Reclaim => rocks.reclaim().unwrap(),
            }
        }
        for column in Column::ALL {
            let found = rocks.scan(column, &[], None, usize::MAX).unwrap();
            prop_assert_eq!(found, memory.scan(column, &[], None, usize::MAX).unwrap());
        }
    }
}
