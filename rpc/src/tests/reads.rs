use super::*;
use crate::proto::{self, TransactionDetail};
use minuet_core::rejection::RejectReason;
use minuet_core::statement::{SignedStatement, Statement};
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_read_from_final_state_and_nonces_from_the_pool_too() {
    let mut node = start(test_config()).await;
    let request = proto::GetAccountRequest { address: SENDER.to_vec().into() };
    let account = node.client.accounts.get_account(request).await.unwrap().into_inner();
    assert_eq!((account.balance.as_str(), account.nonce, account.exists), (U256::MAX.to_string().as_str(), 4, true));
    assert_eq!(node.client.balance(&SENDER).await.unwrap(), U256::MAX);
    assert_eq!(node.client.balance(&Address::ZERO).await.unwrap(), U256::ZERO);
    let request = proto::GetNonceRequest { address: SENDER.to_vec().into() };
    let nonce = node.client.accounts.get_nonce(request).await.unwrap().into_inner();
    assert_eq!((nonce.finalized, nonce.next), (4, 6));

    let short = proto::GetBalanceRequest { address: vec![1; 19].into() };
    let (code, text, word) = refusal(node.client.accounts.get_balance(short).await.map_err(ClientError::from));
    assert_eq!((code, word.as_str()), (Code::InvalidArgument, "address_length"));
    assert_eq!(text, "address: must be 20 bytes, not 19");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_found_by_hash_by_height_and_as_the_latest() {
    let mut node = start(test_config()).await;
    let transactions = [transfer(0), transfer(1)];
    let header = node.chain.push(&transactions).header;
    let latest = node.client.latest_block(TransactionDetail::Full).await.unwrap();
    assert_eq!(latest.hash, header.digest().to_vec());
    assert_eq!((latest.height, latest.view, latest.proposer, latest.transaction_count), (1, 2, 3, 2));
    assert_eq!(BlockHeader::decode(&latest.header_rlp).unwrap(), *header);
    let second = &latest.transactions[1];
    let outcome = second.outcome.as_ref().unwrap();
    assert_eq!((outcome.index, outcome.gas_used, outcome.fee.as_str()), (1, 21_000, "21000105000"));
    assert_eq!(second.transaction.as_ref().unwrap().envelope, transactions[1].envelope().to_vec());

    let by_hash = node.client.block(&header.digest(), TransactionDetail::Hashes).await.unwrap();
    assert_eq!(by_hash.transaction_hashes, latest.transaction_hashes);
    assert!(by_hash.transactions.is_empty());
    let by_height = node.client.block_at(Height(1), TransactionDetail::Unspecified).await.unwrap();
    assert_eq!((by_height.hash, by_height.transaction_count), (latest.hash, 2));
    assert!(by_height.transaction_hashes.is_empty());
    assert_eq!(node.client.block_at(Height(0), TransactionDetail::Full).await.unwrap().height, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_are_not_there_and_bad_fields_are_refused_by_name() {
    let mut node = start(test_config()).await;
    let (code, text, word) = refusal(node.client.block_at(Height(9), TransactionDetail::Full).await);
    assert_eq!((code, word.as_str()), (Code::NotFound, "height_not_final"));
    assert!(text.contains("the newest final block is 0"), "{text}");
    let (code, _, word) = refusal(node.client.block(&B256::ZERO, TransactionDetail::Full).await);
    assert_eq!((code, word.as_str()), (Code::NotFound, "block_not_found"));
    let long = proto::GetBlockRequest { hash: vec![0; 33].into(), detail: 0 };
    let (code, text, _) = refusal(node.client.blocks.get_block(long).await.map_err(ClientError::from));
    assert_eq!((code, text.as_str()), (Code::InvalidArgument, "hash: must be 32 bytes, not 33"));
    let odd = proto::GetLatestBlockRequest { detail: 77 };
    let (code, text, _) = refusal(node.client.blocks.get_latest_block(odd).await.map_err(ClientError::from));
    assert_eq!((code, &text[..7]), (Code::InvalidArgument, "detail:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_are_no_longer_kept_are_refused_by_a_word_of_their_own() {
    use crate::client::WhichBlock;
    use proto::transaction_state::State;
    let mut node = start(RpcConfig { recent_blocks: 1, ..test_config() }).await;
    let (gone, kept) = (transfer(0), transfer(1));
    let old = node.chain.push(std::slice::from_ref(&gone)).header;
    node.chain.push(&[]);
    let mut blocks = node.client.subscribe_blocks(Some(Height(3)), false).await.unwrap();
    node.finalize(std::slice::from_ref(&kept));
    assert_eq!(blocks.message().await.unwrap().unwrap().height, 3);
    node.chain.certify(0..5);
    node.chain.prune(3);
    for height in [1, 2] {
        for outcome in [
            node.client.block_at(Height(height), TransactionDetail::Full).await.map(drop),
            node.client.finality_proof(WhichBlock::Height(Height(height))).await.map(drop),
        ] {
            let (code, text, word) = refusal(outcome);
            assert_eq!((code, word.as_str()), (Code::NotFound, "pruned"));
            assert!(text.contains("the oldest that this node keeps is 3"), "{text}");
        }
    }
    let (code, text, word) = refusal(node.client.block(&old.digest(), TransactionDetail::Full).await);
    assert_eq!((code, word.as_str()), (Code::NotFound, "block_not_found"));
    assert!(text.contains("or it is below 3"), "{text}");
    let mut blocks = node.client.subscribe_blocks(Some(Height(2)), false).await.unwrap();
    let (_, _, word) = refusal(blocks.message().await.map_err(ClientError::from));
    assert_eq!(word, "pruned");

    assert_eq!(node.client.block_at(Height(0), TransactionDetail::Full).await.unwrap().height, 0);
    assert_eq!(node.client.block_at(Height(3), TransactionDetail::Full).await.unwrap().height, 3);
    let state = |answer: proto::GetTransactionResponse| answer.state.unwrap().state.unwrap();
    assert!(matches!(state(node.client.transaction(&gone.hash()).await.unwrap()), State::Unknown(_)));
    assert!(matches!(state(node.client.transaction(&kept.hash()).await.unwrap()), State::Final(_)));
    assert_eq!(node.client.status().await.unwrap().oldest_height, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn low_disk_is_a_reason_to_look_and_not_to_stop_serving() {
    let mut node = start(RpcConfig { stale_after_ms: u64::MAX, ..test_config() }).await;
    node.chain.push(&[]);
    node.status.disk_free_bytes.set(300 << 20);
    assert_eq!(node.client.status().await.unwrap().disk_free_bytes, 300 << 20);
    node.status.low_disk.store(true, std::sync::atomic::Ordering::Relaxed);
    let health = node.client.node.get_health(proto::GetHealthRequest {}).await.unwrap().into_inner();
    assert_eq!(health.status(), proto::get_health_response::Status::Serving);
    assert_eq!(health.reasons, ["low disk: 300 MiB are free; without space the node stops"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_failure_sends_the_caller_to_another_node() {
    let mut node = start(test_config()).await;
    node.chain.break_storage();
    let (code, text, word) = refusal(node.client.balance(&SENDER).await);
    assert_eq!((code, word.as_str()), (Code::Unavailable, "storage_unavailable"));
    assert!(text.contains("ask another node"), "{text}");
    let health = node.client.node.get_health(proto::GetHealthRequest {}).await.unwrap().into_inner();
    assert!(health.reasons[0].contains("storage"), "{health:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_names_the_chain_the_quorums_and_recent_finality() {
    let mut node = start(test_config()).await;
    node.status.view.set(12);
    let mut blocks = node.client.subscribe_blocks(Some(Height(2)), false).await.unwrap();
    node.finalize(&[]);
    node.finalize(&[transfer(0)]);
    assert_eq!(blocks.message().await.unwrap().unwrap().height, 2);
    let status = node.client.status().await.unwrap();
    assert_eq!(status.genesis_hash, genesis().digest().to_vec());
    assert_eq!((status.chain_id, status.validator_index, status.view, status.height), (7, Some(1), 12, 2));
    assert_eq!((status.n, status.f, status.m, status.l), (6, 1, 3, 5));
    assert_eq!((status.finality_p50_us, status.finality_p99_us, status.finality_samples), (2500, 2500, 2));
    assert!(status.resident_bytes > 1_000_000);
    let peers = node.client.node.get_peers(proto::GetPeersRequest {}).await.unwrap().into_inner().peers;
    assert_eq!((peers.len(), peers[0].validator_index, peers[0].address.as_str()), (1, Some(2), "127.0.0.1:9002"));
    assert_eq!((peers[0].bans, peers[0].banned_for_ms, peers[0].score), (2, 30, 50));
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_messages_are_shown_by_reason_with_those_of_the_network() {
    let mut node = start(test_config()).await;
    for _ in 0..2 {
        node.status.rejections.count(RejectReason::BadCertificate);
    }
    node.status.rejections.count(RejectReason::Old);
    let status = node.client.status().await.unwrap();
    let mut shown: Vec<_> = status.rejected_by_reason.into_iter().collect();
    shown.sort_unstable();
    let expected = [("bad_certificate", 2), ("old", 1), ("p2p_oversized", 3)];
    assert_eq!(shown, expected.map(|(word, count)| (word.to_owned(), count)));
    assert_eq!(status.rejected_messages, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_served_page_by_page_and_proves_itself() {
    let mut node = start(test_config()).await;
    let context = genesis().signing_context();
    for view in 1..=5 {
        let vote = |byte| {
            let statement = Statement::Notarize { view: View(view), digest: B256::repeat_byte(byte) };
            statement.sign(ValidatorIndex(3), &BlsSecretKey::from_ikm(&[4; 32]), &context)
        };
        node.chain.keep(Evidence::Equivocation([vote(1), vote(2)]));
    }
    let mut from = Vec::new().into();
    let mut views = Vec::new();
    loop {
        let request = proto::GetEvidenceRequest { from, limit: 2 };
        let page = node.client.node.get_evidence(request).await.unwrap().into_inner();
        for piece in page.evidence {
            assert_eq!((piece.kind.as_str(), piece.validator_index), ("equivocation", Some(3)));
            for message in &piece.messages {
                let signed = SignedStatement::from_bytes(message).unwrap();
                let committee = genesis();
                assert!(signed.is_genuine(committee.committee(), &context));
            }
            assert_eq!(Evidence::from_bytes(&piece.encoded).unwrap().view().0, piece.view);
            views.push(piece.view);
        }
        from = page.next;
        if from.is_empty() {
            break;
        }
    }
    assert_eq!(views, [1, 2, 3, 4, 5]);
    for (from, limit, word) in [(vec![1], 0, "evidence_key_length"), (Vec::new(), 257, "limit_range")] {
        let request = proto::GetEvidenceRequest { from: from.into(), limit };
        let refused = node.client.node.get_evidence(request).await.map_err(crate::client::ClientError::from);
        assert_eq!(refusal(refused).2, word);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_names_its_reasons_and_the_standard_service_follows() {
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let mut node = start(RpcConfig { stale_after_ms: u64::MAX, ..test_config() }).await;
    let health = node.client.node.get_health(proto::GetHealthRequest {}).await.unwrap().into_inner();
    assert_eq!(health.reasons, ["no block is final yet"]);
    let mut standard = HealthClient::new(channel(&node).await);
    let service = "minuet.v1.TransactionService".to_owned();
    let mut watch = standard.watch(HealthCheckRequest { service }).await.unwrap().into_inner();
    node.chain.push(&[]);
    // The service may first say what was true before the block.
    while watch.message().await.unwrap().unwrap().status != 1 {}
    let health = node.client.node.get_health(proto::GetHealthRequest {}).await.unwrap().into_inner();
    assert_eq!((health.status, health.reasons.len()), (1, 0));
    node.status.known_height.set(1000);
    while watch.message().await.unwrap().unwrap().status != 2 {}
    let health = node.client.node.get_health(proto::GetHealthRequest {}).await.unwrap().into_inner();
    assert_eq!(health.reasons, ["catching up: 999 blocks behind the peers"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_reflection_list_every_service() {
    use tonic_reflection::pb::{v1, v1alpha};
    let node = start(test_config()).await;
    let expected = ["Account", "Block", "Node", "Subscription", "Transaction"].map(|s| format!("minuet.v1.{s}Service"));

    let request = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1::ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel(&node).await);
    let stream = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = stream.into_inner().message().await.unwrap().unwrap().message_response.unwrap();
    let v1::server_reflection_response::MessageResponse::ListServicesResponse(list) = answer else { panic!() };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    assert!(expected.iter().all(|name| names.contains(name)), "{names:?}");
    assert!(names.contains(&"grpc.health.v1.Health".to_owned()));

    let request = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel(&node).await);
    let stream = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = stream.into_inner().message().await.unwrap().unwrap().message_response.unwrap();
    let v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(list) = answer else { panic!() };
    assert!(list.service.len() >= 6);
}
