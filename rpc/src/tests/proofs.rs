use super::*;
use crate::client::WhichBlock;
use crate::proto;
use minuet_core::finality_proof::{MAX_PROOF_HEADERS, ProofError, ProvenBy};
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_proven_by_the_next_certificate_at_or_above_it() {
    let mut node = start(test_config()).await;
    let headers: Vec<_> = (0..5).map(|_| node.chain.push(&[]).header).collect();
    node.chain.certify(0..5);
    node.chain.push(&[]);
    node.chain.certify(1..6);
    for (which, place, certified) in [
        (WhichBlock::Height(Height(2)), 1, 5),
        (WhichBlock::Hash(headers[2].digest()), 2, 5),
        (WhichBlock::Height(Height(5)), 4, 5),
    ] {
        let proof = node.client.finality_proof(which).await.unwrap();
        let proven = proof.verify(&genesis()).unwrap();
        assert_eq!(*proven.header, *headers[place]);
        assert!(matches!(proven.by, ProvenBy::Certificate { height: Height(h), signers: 5, .. } if h == certified));
    }
    let latest = node.client.finality_proof(WhichBlock::Latest).await.unwrap();
    assert_eq!(latest.verify(&genesis()).unwrap().header.height(), Height(6));

    let request = proto::GetFinalizationRequest { block: None };
    let answer = node.client.blocks.get_finalization(request).await.unwrap().into_inner();
    let certificate = answer.finalization.unwrap();
    assert_eq!((certificate.signer_bitmap[0], certificate.signer_count, answer.header_rlps.len()), (0b11_1110, 5, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn block_0_needs_no_certificate() {
    let mut node = start(test_config()).await;
    for which in [WhichBlock::Latest, WhichBlock::Height(Height(0)), WhichBlock::Hash(genesis().digest())] {
        let proof = node.client.finality_proof(which).await.unwrap();
        assert_eq!(proof.verify(&genesis()).unwrap().by, ProvenBy::Genesis);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_of_blocks_that_are_not_there_are_refused_by_name() {
    let mut node = start(test_config()).await;
    let (code, _, word) = refusal(node.client.finality_proof(WhichBlock::Height(Height(1))).await);
    assert_eq!((code, word.as_str()), (Code::NotFound, "height_not_final"));
    let (code, _, word) = refusal(node.client.finality_proof(WhichBlock::Hash(B256::ZERO)).await);
    assert_eq!((code, word.as_str()), (Code::NotFound, "block_not_found"));
    let block = Some(proto::get_finalization_request::Block::Hash(vec![0; 31].into()));
    let request = proto::GetFinalizationRequest { block };
    let (code, text, _) = refusal(node.client.blocks.get_finalization(request).await.map_err(ClientError::from));
    assert_eq!((code, text.as_str()), (Code::InvalidArgument, "hash: must be 32 bytes, not 31"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_is_at_most_as_long_as_a_proof_may_be() {
    let mut node = start(test_config()).await;
    (0..=MAX_PROOF_HEADERS).for_each(|_| drop(node.chain.push(&[])));
    node.chain.certify(0..5);
    let longest = node.client.finality_proof(WhichBlock::Height(Height(2))).await.unwrap();
    assert_eq!(longest.headers().len(), MAX_PROOF_HEADERS);
    longest.verify(&genesis()).unwrap();
    let (code, text, word) = refusal(node.client.finality_proof(WhichBlock::Height(Height(1))).await);
    assert_eq!((code, word.as_str()), (Code::OutOfRange, "proof_too_long"));
    assert!(text.contains("block 1 has no certificate within 4096 blocks"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_node_says_counts_for_nothing_in_the_check() {
    let mut node = start(test_config()).await;
    node.chain.push(&[]);
    node.chain.certify(0..4);
    let proof = node.client.finality_proof(WhichBlock::Latest).await.unwrap();
    assert!(matches!(proof.verify(&genesis()), Err(ProofError::Certificate(_))));

    node.chain.push(&[]);
    let (_, text, word) = refusal(node.client.finality_proof(WhichBlock::Latest).await);
    assert_eq!(word, "storage_damaged", "{text}");
}
