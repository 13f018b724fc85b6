use super::*;
use crate::client::resume_height;
use crate::events::{Feed, FinalizedBell};
use crate::proto::SubscribeTransactionsRequest;
use minuet_core::ring::ring_with_capacity;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn blocks_stream_from_the_past_into_the_present_without_gap() {
    let mut node = start(test_config()).await;
    node.finalize(&[]);
    node.finalize(&[transfer(0)]);
    let mut blocks = node.client.subscribe_blocks(Some(Height(0)), true).await.unwrap();
    node.finalize(&[]);
    // Announced never: the next announcement shows the gap.
    node.chain.push(&[transfer(1)]);
    node.finalize(&[]);
    for height in 0..=5 {
        let event = blocks.message().await.unwrap().unwrap();
        assert_eq!(event.height, height);
        assert_eq!(event.transaction_count as usize, event.transaction_hashes.len());
        match height {
            2 => assert_eq!(event.transaction_hashes, [transfer(0).hash().to_vec()]),
            4 => assert_eq!((event.stored_at_us, event.finality_us, event.transaction_count), (None, None, 1)),
            5 => assert_eq!((event.finality_us, event.proposer, event.view), (Some(2500), 3, 10)),
            _ => {}
        }
    }
    assert_eq!(node.client.status().await.unwrap().recovered_blocks, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_stream_to_those_who_asked_for_them() {
    let mut node = start(test_config()).await;
    let (first, second) = (transfer(0), transfer(1));
    let filters = [
        SubscribeTransactionsRequest { hashes: vec![second.hash().to_vec().into()], ..Default::default() },
        SubscribeTransactionsRequest { addresses: vec![first.sender().to_vec().into()], ..Default::default() },
        SubscribeTransactionsRequest { addresses: vec![vec![0x22; 20].into()], ..Default::default() },
        SubscribeTransactionsRequest { all: true, ..Default::default() },
    ];
    let mut streams = Vec::new();
    for filter in filters {
        streams.push(node.client.subscriptions.subscribe_transactions(filter).await.unwrap().into_inner());
    }
    node.finalize(&[Arc::clone(&first), Arc::clone(&second)]);
    for (number, stream) in streams.iter_mut().enumerate() {
        let expected = if number == 0 { vec![&second] } else { vec![&first, &second] };
        for transaction in expected {
            let event = stream.message().await.unwrap().unwrap();
            assert_eq!(event.hash, transaction.hash().to_vec());
            assert_eq!((event.outcome.unwrap().height, event.value.as_str()), (1, "1000"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_without_bounds_or_content_are_refused() {
    let mut node = start(test_config()).await;
    let long = vec![vec![0; 32].into(); 1025];
    let cases = [
        (SubscribeTransactionsRequest::default(), "filter_empty"),
        (SubscribeTransactionsRequest { hashes: long, ..Default::default() }, "filter_too_long"),
        (SubscribeTransactionsRequest { hashes: vec![vec![0; 3].into()], ..Default::default() }, "hash_length"),
        (SubscribeTransactionsRequest { addresses: vec![vec![0; 3].into()], ..Default::default() }, "address_length"),
    ];
    for (request, expected) in cases {
        let outcome = node.client.subscriptions.subscribe_transactions(request).await;
        let (code, _, word) = refusal(outcome.map(|_| ()).map_err(ClientError::from));
        assert_eq!((code, word.as_str()), (Code::InvalidArgument, expected));
    }
}

/// Finalized while a slow reader sleeps.
const BLOCKS: u64 = 800;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_is_dropped_and_told_where_to_go_on() {
    let mut node = start(RpcConfig { max_subscriber_lag_blocks: 64, ..test_config() }).await;
    // 3.2 kB an event: the stream's window is full after some twenty, the server's send buffer after 130 more.
    let endpoint = tonic::transport::Endpoint::from_shared(node.handle.url()).unwrap();
    let narrow = endpoint.initial_stream_window_size(65_535).connect().await.unwrap();
    let mut idle = Client::over(narrow).subscribe_blocks(None, true).await.unwrap();
    let transactions: Vec<_> = (0..100).map(transfer).collect();
    for _ in 0..BLOCKS {
        node.finalize(&transactions);
    }
    let mut last = 0;
    let error = loop {
        match idle.message().await {
            Ok(event) => {
                let height = event.expect("an error before the end").height;
                assert_eq!(height, last + 1);
                last = height;
            }
            Err(error) => break error,
        }
    };
    assert_eq!((error.code(), resume_height(&error)), (Code::ResourceExhausted, Some(Height(last + 1))));
    assert_eq!(error.message(), format!("reader too slow: resubscribe from height {}", last + 1));
    assert!(last < BLOCKS);
    let mut again = node.client.subscribe_blocks(Some(Height(last + 1)), false).await.unwrap();
    for height in last + 1..=BLOCKS {
        assert_eq!(again.message().await.unwrap().unwrap().height, height);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_and_waiters_are_told_that_the_node_stops() {
    let mut node = start(test_config()).await;
    let mut blocks = node.client.subscribe_blocks(None, false).await.unwrap();
    let mut client = node.client.clone();
    node.answers.lock().unwrap().status = PoolStatus::Pending;
    let envelope = transfer(0).envelope().clone();
    let wait = tokio::spawn(async move { client.submit_and_wait(envelope, std::time::Duration::from_secs(60)).await });
    node.admitted.recv().await.unwrap();
    tokio::task::spawn_blocking(|| node.handle.shutdown()).await.unwrap();
    assert_eq!(blocks.message().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(refusal(wait.await.unwrap()).0, Code::Unavailable);
}

#[tokio::test]
async fn blocks_that_did_not_fit_the_ring_are_read_back_without_a_later_announcement() {
    let chain = FakeChain::new(&genesis());
    let (bell, wait): (_, FinalizedBell) = finalized_bell();
    let (mut sender, receiver) = ring_with_capacity::<FinalizedBlock>(1, &bell);
    let feed = Arc::new(Feed::new(Arc::new(chain.clone()), Arc::default(), Height(0), (8, 1 << 20)));
    assert!(sender.send_or_drop(chain.push(&[])));
    assert!(!sender.send_or_drop(chain.push(&[transfer(0)])));
    let waiter = feed.waiters.register(transfer(0).hash());
    drop(sender);
    Arc::clone(&feed).run(receiver, wait).await;
    assert_eq!((*feed.subscribe().borrow(), feed.recovered(), feed.waiters.len()), (Height(2), 1, 0));
    assert!(waiter.done.is_terminated() || !waiter.done.is_empty());
}

#[tokio::test]
async fn memory_of_recent_blocks_is_bounded_by_number_and_by_bytes() {
    let chain = FakeChain::new(&genesis());
    let (bell, wait) = finalized_bell();
    let (mut sender, receiver) = ring::<FinalizedBlock>(&bell);
    // Room for one transfer, which is more than its envelope, and not for two.
    let bytes = 3 * transfer(0).encoded_length() / 2 + 512;
    let feed = Arc::new(Feed::new(Arc::new(chain.clone()), Arc::default(), Height(0), (3, bytes)));
    for transactions in [&[][..], &[], &[], &[], &[transfer(0)], &[transfer(0)]] {
        assert!(sender.send_or_drop(chain.push(transactions)));
    }
    drop(sender);
    Arc::clone(&feed).run(receiver, wait).await;
    let remembered: Vec<u64> = (0..=6).filter(|height| feed.remembered(Height(*height)).is_some()).collect();
    assert_eq!(remembered, [6]);
    assert_eq!(feed.entry(Height(2)).await.unwrap().unwrap().header.height(), Height(2));
    assert!(feed.entry(Height(7)).await.unwrap().is_none());
}
