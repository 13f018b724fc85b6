//! Questions to a node's API that wait for an answer of a certain kind.

use crate::processes::LIMIT;
use minuet_core::evidence::Evidence;
use minuet_rpc::proto::node_service_client::NodeServiceClient;
use minuet_rpc::proto::{GetEvidenceRequest, GetPeersRequest, GetStatusRequest, GetStatusResponse, Peer};
use std::time::Duration;
use tonic::transport::Channel;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(5);

type Node = NodeServiceClient<Channel>;

/// Asks until the answer is as wanted; no answer of that kind in time shows the last one.
fn until<A: std::fmt::Debug, T>(
    url: &str,
    what: &str,
    ask: impl AsyncFn(&mut Node) -> A,
    mut wanted: impl FnMut(&A) -> Option<T>,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut last = None;
        let search = async {
            let mut node = Node::connect(url.to_owned()).await.unwrap();
            let mut tick = tokio::time::interval(PAUSE);
            loop {
                tick.tick().await;
                let answer = ask(&mut node).await;
                if let Some(found) = wanted(&answer) {
                    return found;
                }
                last = Some(answer);
            }
        };
        match tokio::time::timeout(LIMIT, search).await {
            Ok(found) => found,
            Err(_) => panic!("{what}: not in time; the last answer was {last:#?}"),
        }
    })
}

/// Waits until the status is as wanted.
pub fn status_when<T>(url: &str, what: &str, wanted: impl FnMut(&GetStatusResponse) -> Option<T>) -> T {
    until(url, what, async |node| node.get_status(GetStatusRequest {}).await.unwrap().into_inner(), wanted)
}

/// Waits until what the node says of one peer is as wanted.
pub fn peer_when<T>(url: &str, index: u16, what: &str, mut wanted: impl FnMut(&Peer) -> Option<T>) -> T {
    let ask = async |node: &mut Node| node.get_peers(GetPeersRequest {}).await.unwrap().into_inner().peers;
    until(url, what, ask, |peers: &Vec<Peer>| {
        peers.iter().find(|peer| peer.id == u32::from(index)).and_then(&mut wanted)
    })
}

/// All evidence that the node keeps, in the form in which it is stored.
pub fn evidence(url: &str) -> Vec<Evidence> {
    let ask = async |node: &mut Node| {
        let answer = node.get_evidence(GetEvidenceRequest::default()).await.unwrap().into_inner();
        assert!(answer.next.is_empty(), "more than one page");
        answer.evidence
    };
    until(url, "evidence", ask, |pieces| {
        Some(pieces.iter().map(|piece| Evidence::from_bytes(&piece.encoded).unwrap()).collect())
    })
}
