use super::*;
use alloy_rlp::BufMut;
use proptest::prelude::*;

/// The hashes by every way that this processor has; all of them must agree.
fn hashes(messages: &[Vec<u8>]) -> Vec<B256> {
    let found = hash_each(messages, |message, out| out.extend_from_slice(message));
    #[cfg(target_arch = "x86_64")]
    {
        let mut batch = Messages::default();
        messages.iter().for_each(|message| batch.push(|out| out.extend_from_slice(message)));
        let four = Four::new().map(|four| batch.hashes_in_groups(|messages| four.hash(messages)));
        let eight = Eight::new().map(|eight| batch.hashes_in_groups(|messages| eight.hash(messages)));
        assert_eq!(four.as_ref().unwrap_or(&found), &found, "four lanes");
        assert_eq!(eight.as_ref().unwrap_or(&found), &found, "eight lanes");
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn many_at_once_have_the_hashes_that_they_have_alone(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..700), 0..150),
    ) {
        let alone: Vec<B256> = messages.iter().map(keccak256).collect();
        prop_assert_eq!(hashes(&messages), alone);
    }
}

/// Every length around the ends of blocks, in every lane, beside longer and shorter ones.
#[test]
fn the_ends_of_blocks_are_padded_as_alone() {
    let lengths = (0..=4).flat_map(|blocks: usize| (0..4).map(move |off| (blocks * RATE + off).saturating_sub(2)));
    let messages: Vec<Vec<u8>> = lengths.map(|length| (0..length).map(|byte| (byte % 251) as u8).collect()).collect();
    let alone: Vec<B256> = messages.iter().map(keccak256).collect();
    for start in 0..messages.len() {
        let turned = |items: &[B256]| [&items[start..], &items[..start]].concat();
        let messages = [&messages[start..], &messages[..start]].concat();
        assert_eq!(hashes(&messages), turned(&alone), "from {start}");
    }
}

#[test]
fn the_root_of_an_ordered_trie_is_the_reference_builders() {
    for count in (0..300).chain([511, 512, 513, 1_000, 4_097, 70_000]) {
        let values: Vec<Vec<u8>> = (0..count).map(|index| vec![(index % 251) as u8; 32 + index * 7 % 300]).collect();
        let reference = alloy_trie::root::ordered_trie_root_with_encoder(&values, |value, out| out.put_slice(value));
        let root =
            ordered::root(count, |index| values[index].len(), |index, out| out.extend_from_slice(&values[index]));
        assert_eq!(root, Some(reference), "of {count} values");
    }
    assert_eq!(ordered::root(2, |index| 32 - index, |_, _| {}), None, "a value of 31 bytes");
}

#[test]
fn a_cleared_batch_starts_anew() {
    let mut batch = Messages::default();
    assert!(batch.hashes().is_empty());
    batch.push(|out| out.extend_from_slice(b"first"));
    batch.push(|_| {});
    assert_eq!((batch.len(), batch.hashes()), (2, vec![keccak256(b"first"), keccak256(b"")]));
    batch.clear();
    batch.push(|out| out.extend_from_slice(b"second"));
    assert_eq!(batch.hashes(), [keccak256(b"second")]);
}
