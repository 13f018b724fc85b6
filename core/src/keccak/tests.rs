use super::*;
use proptest::prelude::*;

fn hashes(messages: &[Vec<u8>]) -> Vec<B256> {
    let mut batch = Messages::default();
    messages.iter().for_each(|message| batch.push(|out| out.extend_from_slice(message)));
    batch.hashes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn many_at_once_have_the_hashes_that_they_have_alone(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..700), 0..20),
    ) {
        let alone: Vec<B256> = messages.iter().map(keccak256).collect();
        prop_assert_eq!(hashes(&messages), alone);
    }
}

/// Every length around the ends of blocks, in every lane, beside longer and shorter ones.
#[test]
fn the_ends_of_blocks_are_padded_as_alone() {
    let lengths = (0..=4).flat_map(|blocks: usize| {
        (0..4).map(move |off| (blocks * RATE + off).saturating_sub(2))
    });
    let messages: Vec<Vec<u8>> = lengths.map(|length| (0..length).map(|byte| (byte % 251) as u8).collect()).collect();
    let alone: Vec<B256> = messages.iter().map(keccak256).collect();
    for start in 0..messages.len() {
        let turned = |items: &[B256]| [&items[start..], &items[..start]].concat();
        let messages = [&messages[start..], &messages[..start]].concat();
        assert_eq!(hashes(&messages), turned(&alone), "from {start}");
    }
}

#[test]
fn a_cleared_batch_starts_anew() {
    let mut batch = Messages::default();
    assert!(batch.is_empty() && batch.hashes().is_empty());
    batch.push(|out| out.extend_from_slice(b"first"));
    batch.push(|_| {});
    assert_eq!((batch.len(), batch.hashes()), (2, vec![keccak256(b"first"), keccak256(b"")]));
    batch.clear();
    batch.push(|out| out.extend_from_slice(b"second"));
    assert_eq!(batch.hashes(), [keccak256(b"second")]);
}
