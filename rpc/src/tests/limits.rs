use super::*;
use crate::RpcError;
use crate::finality::{FinalitySummary, FinalityWindow};
use crate::limits::TokenBucket;
use crate::waiters::Waiters;
use minuet_core::ring::ring_with_capacity;
use std::time::{Duration, Instant};
use tonic::Code;

#[test]
fn the_bucket_refills_steadily_and_names_the_time_to_wait() {
    let start = Instant::now();
    let mut bucket = TokenBucket::new(100, 2, start);
    assert_eq!((bucket.take_up_to(1, start), bucket.take_up_to(5, start), bucket.take_up_to(1, start)), (1, 1, 0));
    assert_eq!(bucket.retry_ms(), 10);
    assert_eq!((bucket.take_up_to(1, start + Duration::from_millis(4)), bucket.retry_ms()), (0, 6));
    assert_eq!(bucket.take_up_to(1, start + Duration::from_millis(10)), 1);
    assert_eq!(bucket.take_up_to(9, start + Duration::from_secs(3600)), 2);
    assert_eq!(bucket.take_up_to(1, start), 0, "a clock read earlier gives nothing");
    assert_eq!(bucket.retry_ms(), 10);
}

#[test]
fn percentiles_are_by_nearest_rank() {
    let mut window = FinalityWindow::default();
    assert_eq!(window.summary(), FinalitySummary::default());
    (1..=100).rev().for_each(|duration| window.record(duration));
    assert_eq!(window.summary(), FinalitySummary { p50_us: 50, p99_us: 99, samples: 100 });
    (0..2000).for_each(|_| window.record(7));
    assert_eq!(window.summary().samples, 1024);
}

#[test]
fn a_waiter_that_goes_away_leaves_nothing_behind() {
    let waiters = Waiters::default();
    let (one, mut two) = (waiters.register(B256::ZERO), waiters.register(B256::ZERO));
    assert_eq!(waiters.len(), 2);
    drop(one);
    assert_eq!(waiters.len(), 1);
    waiters.finalized(Height(4), [B256::repeat_byte(1), B256::ZERO].into_iter());
    assert_eq!((two.done.try_recv(), waiters.len()), (Ok((Height(4), 1)), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_above_the_rate_are_told_when_to_come_back() {
    let mut node = start(RpcConfig { submit_rate_per_second: 1, submit_burst: 2, ..test_config() }).await;
    for nonce in 0..2 {
        node.client.submit(transfer(nonce).envelope().clone()).await.unwrap();
    }
    let Err(ClientError::Refused(status)) = node.client.submit(transfer(2).envelope().clone()).await else { panic!() };
    assert_eq!((status.code(), crate::client::reason(&status)), (Code::ResourceExhausted, Some("submit_rate")));
    let retry = crate::client::retry_after(&status).unwrap();
    assert!(retry > Duration::ZERO && retry <= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_counts_transactions_not_calls() {
    let mut node = start(RpcConfig { submit_rate_per_second: 1, submit_burst: 2, ..test_config() }).await;
    let transfers: Vec<_> = (0..4).map(transfer).collect();
    let envelopes = transfers.iter().map(|transfer| transfer.envelope().clone()).collect();
    let results = node.client.submit_many(envelopes).await.unwrap();
    let accepted: Vec<_> = results.iter().take(2).map(|result| result.as_ref().ok().copied()).collect();
    assert_eq!(accepted, [Some(transfers[0].hash()), Some(transfers[1].hash())]);
    for result in &results[2..] {
        let refusal = result.as_ref().unwrap_err();
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::ResourceExhausted, "submit_rate"));
        assert!(refusal.retry_after.is_some_and(|after| after > Duration::ZERO && after <= Duration::from_secs(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_above_the_limit_are_refused_until_one_ends() {
    let mut node = start(RpcConfig { max_subscriptions: 1, max_calls: 1, ..test_config() }).await;
    let held = node.client.subscribe_blocks(None, false).await.unwrap();
    let outcome = node.client.subscribe_blocks(None, false).await;
    let (code, _, word) = refusal(outcome.map(|_| ()));
    assert_eq!((code, word.as_str()), (Code::ResourceExhausted, "too_many_subscriptions"));
    drop(held);
    // The reset travels on its own; calls on the same connection go on meanwhile.
    while node.client.subscribe_blocks(None, false).await.is_err() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_ring_is_told_to_the_caller_and_a_gone_pool_too() {
    let chain = FakeChain::new(&genesis());
    let (mut submissions, requests) = ring_with_capacity::<Submission>(1, &Doorbell::silent());
    submissions.try_send(Submission::Query { hash: B256::ZERO, reply: Box::new(|_| {}) }).unwrap();
    let (context, _finalized) = context(&chain, submissions);
    let handle = spawn(test_config(), context).unwrap();
    let mut client = Client::connect(&handle.url()).await.unwrap();
    let (code, text, word) = refusal(client.submit(transfer(0).envelope().clone()).await);
    assert_eq!((code, word.as_str()), (Code::ResourceExhausted, "pool_busy"));
    assert!(text.contains("try again in 50 ms"), "{text}");
    assert_eq!(refusal(client.transaction(&B256::ZERO).await).2, "pool_busy");
    assert_eq!(refusal(client.next_nonce(&SENDER).await).2, "pool_busy");
    drop(requests);
    assert_eq!(refusal(client.submit(transfer(0).envelope().clone()).await).0, Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_does_not_answer_ends_in_a_timeout() {
    let chain = FakeChain::new(&genesis());
    let (submissions, _requests) = ring::<Submission>(&Doorbell::silent());
    let (context, _finalized) = context(&chain, submissions);
    let handle = spawn(RpcConfig { request_timeout_ms: 1, ..test_config() }, context).unwrap();
    let mut client = Client::connect(&handle.url()).await.unwrap();
    let (code, _, word) = refusal(client.submit(transfer(0).envelope().clone()).await);
    assert_eq!((code, word.as_str()), (Code::DeadlineExceeded, "pool_timeout"));
}

#[test]
fn an_address_in_use_and_useless_settings_name_their_keys() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let chain = FakeChain::new(&genesis());
    let start = |config| {
        let (submissions, _requests) = ring::<Submission>(&Doorbell::silent());
        spawn(config, context(&chain, submissions).0).unwrap_err()
    };
    let error = start(RpcConfig { listen_address: address, ..RpcConfig::default() });
    assert!(matches!(error, RpcError::Bind { .. }));
    assert!(error.to_string().starts_with(&format!("rpc.listen_address {address}: ")), "{error}");
    let error = start(RpcConfig { max_request_bytes: 1000, ..RpcConfig::default() });
    assert_eq!(error.to_string(), "rpc.max_request_bytes must be above 131072, a transaction's limit");
}

#[tokio::test]
async fn connecting_to_nobody_says_what_to_check() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Client::connect(&free.to_string()).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot connect to {free}: ")), "{error}");
}
