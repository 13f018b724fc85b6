use super::*;
use crate::proto::transaction_state::State;
use minuet_core::transaction::MAX_TRANSACTION_BYTES;
use std::time::Duration;
use tonic::Code;

const LONG: Duration = Duration::from_secs(60);

async fn state_of(node: &mut Node, hash: TxHash) -> State {
    node.client.transaction(&hash).await.unwrap().state.unwrap().state.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_followed_from_the_pool_to_a_final_block() {
    let mut node = start(test_config()).await;
    let transaction = transfer(0);
    let hash = transaction.hash();
    assert!(matches!(state_of(&mut node, hash).await, State::Unknown(_)));
    assert_eq!(node.client.submit(transaction.envelope().clone()).await.unwrap(), hash);
    let included = PoolStatus::Included { digest: B256::repeat_byte(7), height: Height(3) };
    let steps = [PoolStatus::Pending, PoolStatus::Queued, included, PoolStatus::Dropped { reason: "evicted".into() }];
    for step in steps {
        node.answers.lock().unwrap().status = step.clone();
        match (step, state_of(&mut node, hash).await) {
            (PoolStatus::Pending, State::Pending(_)) | (PoolStatus::Queued, State::Queued(_)) => {}
            (PoolStatus::Included { .. }, State::Included(at)) => assert_eq!((at.height, at.block_hash[0]), (3, 7)),
            (PoolStatus::Dropped { .. }, State::Dropped(dropped)) => assert_eq!(dropped.reason, "evicted"),
            other => panic!("{other:?}"),
        }
    }
    node.chain.push(&[transfer(5), transaction]);
    let answer = node.client.transaction(&hash).await.unwrap();
    let Some(State::Final(outcome)) = answer.state.unwrap().state else { panic!() };
    assert_eq!((outcome.status, outcome.height, outcome.index, outcome.gas_used), (1, 1, 1, 21_000));
    assert_eq!(answer.transaction.unwrap().value, "1000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_the_block_that_makes_the_transaction_final() {
    let mut node = start(test_config()).await;
    node.answers.lock().unwrap().status = PoolStatus::Pending;
    let transaction = transfer(0);
    let mut client = node.client.clone();
    let envelope = transaction.envelope().clone();
    let wait = tokio::spawn(async move { client.submit_and_wait(envelope, LONG).await.unwrap() });
    assert_eq!(node.admitted.recv().await, Some(transaction.hash()));
    node.finalize(&[transaction]);
    let answer = wait.await.unwrap();
    let Some(State::Final(outcome)) = answer.state.unwrap().state else { panic!() };
    assert_eq!((outcome.height, answer.timed_out), (1, false));
    // Unknown if the call found the block in the store before its announcement came.
    assert!(outcome.stored_at_us.is_none_or(|stored_at_us| stored_at_us == 1_000_202_500));
    assert!(answer.admitted_after_us <= answer.answered_after_us);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_hears_of_a_block_whose_announcement_was_lost() {
    // Only the gap can tell: the pool is not asked for a minute.
    let mut node = start(RpcConfig { drop_check_ms: 60_000, ..test_config() }).await;
    let transaction = transfer(0);
    let mut client = node.client.clone();
    let envelope = transaction.envelope().clone();
    let wait = tokio::spawn(async move { client.submit_and_wait(envelope, LONG).await.unwrap() });
    node.admitted.recv().await.unwrap();
    node.chain.push(&[transaction]);
    node.finalize(&[]);
    let Some(State::Final(outcome)) = wait.await.unwrap().state.unwrap().state else { panic!() };
    assert_eq!(outcome.height, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_the_reason_when_the_transaction_is_dropped_or_forgotten() {
    let mut node = start(test_config()).await;
    for (status, expected) in [
        (PoolStatus::Dropped { reason: "replaced".into() }, "replaced"),
        (PoolStatus::Unknown, "the pool no longer knows it: submit it again"),
    ] {
        node.answers.lock().unwrap().status = status;
        let answer = node.client.submit_and_wait(transfer(0).envelope().clone(), LONG).await.unwrap();
        let Some(State::Dropped(dropped)) = answer.state.unwrap().state else { panic!() };
        assert_eq!((dropped.reason.as_str(), answer.timed_out), (expected, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_over_says_what_is_known() {
    let mut node = start(test_config()).await;
    node.answers.lock().unwrap().status = PoolStatus::Queued;
    let envelope = transfer(0).envelope().clone();
    let answer = node.client.submit_and_wait(envelope.clone(), Duration::from_millis(1)).await.unwrap();
    assert!(answer.timed_out);
    assert!(matches!(answer.state.unwrap().state, Some(State::Queued(_))));

    let request = crate::proto::SubmitAndWaitRequest { envelope: envelope.0, timeout_ms: 60_001 };
    let outcome = node.client.transactions.submit_and_wait(request).await;
    let (code, text, _) = refusal(outcome.map_err(ClientError::from));
    assert_eq!((code, text.as_str()), (Code::InvalidArgument, "timeout_ms: 60001 is above 60000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_a_final_transaction_again_answers_its_hash_and_outcome() {
    let mut node = start(test_config()).await;
    let transaction = transfer(0);
    node.chain.push(&[Arc::clone(&transaction)]);
    node.answers.lock().unwrap().refuse = Some(AdmissionError::NonceTooLow { nonce: 0, next: 1 });
    assert_eq!(node.client.submit(transaction.envelope().clone()).await.unwrap(), transaction.hash());
    let answer = node.client.submit_and_wait(transaction.envelope().clone(), LONG).await.unwrap();
    assert!(matches!(answer.state.unwrap().state, Some(State::Final(_))));
    let (code, text, word) = refusal(node.client.submit(transfer(1).envelope().clone()).await);
    assert_eq!((code, word.as_str()), (Code::FailedPrecondition, "nonce_too_low"));
    assert_eq!(text, "nonce 0 is already used: the account's next is 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_empty_and_oversized_envelopes_are_refused_by_name() {
    let mut node = start(test_config()).await;
    let mut cases = vec![(vec![0x6d, 0xc1], "transaction_malformed"), (vec![2, 0xc0], "transaction_type_unknown")];
    cases.extend([(vec![], "transaction_malformed"), (vec![0x6d; MAX_TRANSACTION_BYTES + 1], "transaction_too_long")]);
    for (bytes, expected) in cases {
        let (code, text, word) = refusal(node.client.submit(bytes.into()).await);
        assert_eq!((code, word.as_str()), (Code::InvalidArgument, expected));
        assert!(text.starts_with("envelope: "), "{text}");
    }
    let (code, text, _) = refusal(node.client.submit(vec![0x6d; 300 * 1024].into()).await);
    assert_eq!(code, Code::OutOfRange, "the transport refuses the message unread: {text}");
    let request = crate::proto::GetTransactionRequest { hash: vec![0; 31].into() };
    let outcome = node.client.transactions.get_transaction(request).await;
    assert_eq!(refusal(outcome.map_err(ClientError::from)).0, Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_transaction_of_several_has_its_own_result_in_order() {
    let mut node = start(test_config()).await;
    let (one, two) = (transfer(0), transfer(1));
    let envelopes = vec![
        one.envelope().clone(),
        Bytes::new(),
        vec![0x6d, 0xc1].into(),
        vec![0x6d; MAX_TRANSACTION_BYTES + 1].into(),
        two.envelope().clone(),
        one.envelope().clone(),
    ];
    let results = node.client.submit_many(envelopes).await.unwrap();
    let told: Vec<_> =
        results.iter().map(|result| result.as_ref().map_err(|refusal| refusal.reason.as_str())).collect();
    let (malformed, long) = (Err("transaction_malformed"), Err("transaction_too_long"));
    assert_eq!(told, [Ok(&one.hash()), malformed, malformed, long, Ok(&two.hash()), Ok(&one.hash())]);
    let refusal = results[1].as_ref().unwrap_err();
    assert_eq!((refusal.code, refusal.retry_after), (Code::InvalidArgument, None));
    assert!(refusal.message.starts_with("envelope: "), "{}", refusal.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_refused_ones_those_that_are_final_are_told_by_their_hash() {
    let mut node = start(test_config()).await;
    let (done, late) = (transfer(0), transfer(1));
    node.chain.push(&[Arc::clone(&done)]);
    node.answers.lock().unwrap().refuse = Some(AdmissionError::PoolFull);
    let results = node.client.submit_many(vec![late.envelope().clone(), done.envelope().clone()]).await.unwrap();
    let refusal = results[0].as_ref().unwrap_err();
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::ResourceExhausted, "pool_full"));
    assert_eq!((refusal.retry_after, &results[1]), (Some(Duration::from_secs(1)), &Ok(done.hash())));
}

#[tokio::test(flavor = "multi_thread")]
async fn none_and_too_many_together_are_refused_as_a_whole() {
    let mut node = start(test_config()).await;
    let (code, text, word) = refusal(node.client.submit_many(Vec::new()).await);
    assert_eq!((code, word.as_str()), (Code::InvalidArgument, "batch_empty"), "{text}");
    let envelope = transfer(0).envelope().clone();
    let (code, text, word) = refusal(node.client.submit_many(vec![envelope.clone(); 513]).await);
    assert_eq!((code, word.as_str()), (Code::InvalidArgument, "batch_too_long"));
    assert!(text.contains("513 envelopes, at most 512"), "{text}");
    let results = node.client.submit_many(vec![envelope; 512]).await.unwrap();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 512);
}

#[test]
fn every_refusal_of_the_pool_has_its_own_word() {
    use AdmissionError as E;
    let (balance, needed) = (U256::ZERO, U256::from(1u64));
    let cases = [
        (E::FeeTooLow { offered: 1, floor: 2 }, Code::InvalidArgument, "fee_too_low"),
        (E::GasLimitTooHigh { limit: 2, block: 1 }, Code::InvalidArgument, "gas_limit_too_high"),
        (E::NonceGap { nonce: 9, next: 1, window: 4 }, Code::FailedPrecondition, "nonce_gap"),
        (E::InsufficientBalance { balance, needed }, Code::FailedPrecondition, "insufficient_balance"),
        (E::Underpriced { needed_fee: 1, needed_tip: 1 }, Code::FailedPrecondition, "replacement_underpriced"),
        (E::SenderFull { limit: 1 }, Code::ResourceExhausted, "sender_full"),
        (E::PoolFull, Code::ResourceExhausted, "pool_full"),
        (E::Busy, Code::ResourceExhausted, "pool_busy"),
        (E::Unavailable, Code::Unavailable, "state_unavailable"),
    ];
    for (error, code, word) in cases {
        let status = crate::refusal::admission(&error);
        assert_eq!((status.code(), crate::client::reason(&status)), (code, Some(word)));
        assert!(status.message().contains(&error.to_string()));
        assert_eq!(crate::client::retry_after(&status).is_some(), code == Code::ResourceExhausted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_takes_no_transactions_and_says_where_they_go() {
    let mut node = start_as(Role::Follower, test_config()).await;
    let envelope = transfer(0).envelope().clone();
    let refusals = [
        refusal(node.client.submit(envelope.clone()).await),
        refusal(node.client.submit_many(vec![envelope.clone()]).await),
        refusal(node.client.submit_and_wait(envelope, LONG).await),
    ];
    for (code, text, word) in refusals {
        assert_eq!((code, word.as_str()), (Code::FailedPrecondition, "read_only_node"));
        assert!(text.contains("submit to a validator"), "{text}");
    }
    assert!(node.admitted.try_recv().is_err(), "the pool was not even asked");
    assert_eq!(node.client.status().await.unwrap().role, "follower");
}
