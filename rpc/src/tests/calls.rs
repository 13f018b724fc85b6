use super::*;
use crate::{CALL_CODES, CALL_METHODS, EndedCall};
use std::time::Duration;

struct Told(mpsc::UnboundedSender<EndedCall>);

impl CallObserver for Told {
    fn ended(&self, call: EndedCall) {
        self.0.send(call).unwrap();
    }
}

async fn next(told: &mut mpsc::UnboundedReceiver<EndedCall>) -> (&'static str, &'static str, Duration) {
    let call = told.recv().await.unwrap();
    (CALL_METHODS[call.method], CALL_CODES[call.code], call.first_answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_told_of_once_with_its_method_and_how_it_ended() {
    let (sender, mut told) = mpsc::unbounded_channel();
    let mut node = start_watched(Role::Validator, test_config(), Some(Arc::new(Told(sender)))).await;
    node.client.status().await.unwrap();
    let missing = node.client.block_at(Height(9), crate::proto::TransactionDetail::Hashes).await;
    assert_eq!(refusal(missing).0, tonic::Code::NotFound);
    let bad = crate::proto::GetBalanceRequest { address: vec![1].into() };
    node.client.accounts.get_balance(bad).await.unwrap_err();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel(&node).await);
    health.check(tonic_health::pb::HealthCheckRequest::default()).await.unwrap();
    for expected in
        [("GetStatus", "ok"), ("GetBlockByHeight", "not_found"), ("GetBalance", "invalid_argument"), ("other", "ok")]
    {
        let (method, code, first_answer) = next(&mut told).await;
        assert_eq!((method, code), expected);
        assert!(first_answer > Duration::ZERO);
    }
    // A subscription lasts until its reader goes, and its opening is what is timed.
    let mut blocks = node.client.subscribe_blocks(Some(Height(0)), false).await.unwrap();
    blocks.message().await.unwrap().unwrap();
    assert!(told.try_recv().is_err(), "it is still open");
    drop(blocks);
    let (method, code, _) = next(&mut told).await;
    assert_eq!((method, code), ("SubscribeBlocks", "cancelled"));
    // One that the node ends carries its code at the end.
    let mut blocks = node.client.subscribe_blocks(Some(Height(0)), false).await.unwrap();
    blocks.message().await.unwrap().unwrap();
    node.handle.shutdown();
    blocks.message().await.unwrap_err();
    let (method, code, _) = next(&mut told).await;
    assert_eq!((method, code), ("SubscribeBlocks", "unavailable"));
}
