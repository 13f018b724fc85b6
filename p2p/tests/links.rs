//! Who gets a connection, who does not and hears why, and that there is one per pair.

mod support;

use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::messages::PeerEvent;
use minuet_core::ring::Doorbell;
use minuet_core::status::NodeStatus;
use minuet_core::wire::{FrameKind, Recipients};
use minuet_core::{B256, PeerId};
use minuet_p2p::{P2pIdentity, P2pRings, Reject, bell, spawn};
use std::net::UdpSocket;
use std::sync::Arc;
use support::{Node, RawPeer, config, hello, identity, pair, public, secret, wait_for};

/// Node 1 dials node 0 with this identity; both sides' newest complaint.
fn refusal(stranger: P2pIdentity) -> (Node, Node, String, String) {
    let a = Node::start(config(2, &[]), identity(0));
    let b = Node::start(config(2, &[(0, a.address())]), stranger);
    let here = wait_for("the acceptor's reason", || a.handle.stats().last_refusal());
    let there = wait_for("the dialler's reason", || b.handle.stats().last_refusal());
    assert!(a.consensus.events.is_empty() && b.consensus.events.is_empty());
    (a, b, here, there)
}

#[test]
fn another_genesis_is_refused_with_the_reason_on_both_sides() {
    let stranger = P2pIdentity { genesis_fingerprint: B256::repeat_byte(9), ..identity(1) };
    let (a, _b, here, there) = refusal(stranger);
    assert!(here.contains("refused here: wrong genesis: yours is 0x0909"), "{here}");
    assert!(there.contains("the peer closed: wrong genesis: yours is 0x0909"), "{there}");
    assert!(there.contains("use the same genesis file on both"), "{there}");
    assert!(a.handle.stats().rejected(Reject::WrongGenesis) > 0);
}

#[test]
fn another_version_is_refused_with_the_reason_on_both_sides() {
    let (a, _b, here, there) = refusal(P2pIdentity { protocol_version: 2, ..identity(1) });
    assert!(here.contains("wrong protocol version: you speak 2, this node 1"), "{here}");
    assert!(there.contains("the peer closed: wrong protocol version: you speak 2, this node 1"), "{there}");
    assert!(a.handle.stats().rejected(Reject::WrongVersion) > 0);
}

#[test]
fn another_chain_id_is_refused_with_the_reason_on_both_sides() {
    let (_a, _b, here, there) = refusal(P2pIdentity { chain_id: 8, ..identity(1) });
    assert!(here.contains("wrong chain id: yours is 8, this node's 7"), "{here}");
    assert!(there.contains("wrong chain id: yours is 8, this node's 7"), "{there}");
}

#[test]
fn an_unknown_key_is_refused_with_the_reason_on_both_sides() {
    let (a, _b, here, there) = refusal(P2pIdentity { key: secret(77), ..identity(1) });
    let text = format!("unknown key: {} is no validator's network key", public(77));
    assert!(here.contains(&text), "{here}");
    assert!(there.contains(&text), "{there}");
    assert!(a.handle.stats().rejected(Reject::UnknownKey) > 0);
}

#[test]
fn a_server_with_another_key_than_expected_is_refused_with_the_reason_on_both_sides() {
    let mut stranger = config(2, &[]);
    stranger.peers[1].key = public(1);
    let a = Node::start(stranger, P2pIdentity { key: secret(50), ..identity(0) });
    let b = Node::start(config(2, &[(0, a.address())]), identity(1));
    let here = wait_for("the dialler's reason", || b.handle.stats().last_refusal());
    let there = wait_for("the acceptor's reason", || a.handle.stats().last_refusal());
    let text = format!("wrong key: {} was expected at this address, {} answers", public(0), public(50));
    assert!(here.contains(&text), "{here}");
    assert!(there.contains(&text), "{there}");
}

#[test]
fn a_node_that_uses_this_nodes_key_is_told_so() {
    let a = Node::start(config(2, &[]), identity(0));
    let raw = RawPeer::connect(&secret(0), 0, a.address());
    assert!(raw.greet(&hello(0, 0).encode()).is_none());
    assert!(wait_for("the reason", || a.handle.stats().last_refusal()).contains("own key"));
}

#[test]
fn a_validator_under_anothers_index_and_a_misdirected_one_are_refused() {
    let a = Node::start(config(3, &[]), identity(0));
    for (wrong, code, text) in [(hello(2, 0), 6, "claim to be validator 2"), (hello(1, 2), 7, "look for validator 2")] {
        let raw = RawPeer::connect(&secret(1), 0, a.address());
        assert!(raw.greet(&wrong.encode()).is_none());
        let (found, reason) = raw.closed();
        assert_eq!(found, code);
        assert!(reason.contains(text), "{reason}");
    }
    let raw = RawPeer::connect(&secret(1), 0, a.address());
    assert!(raw.greet(&[b'x'; 100]).is_none());
    assert_eq!(raw.closed().0, 1);
    assert!(a.consensus.events.is_empty());
}

#[test]
fn a_peer_that_never_greets_is_closed_in_time() {
    let mut settings = config(2, &[]);
    settings.handshake_timeout_ms = 200;
    let a = Node::start(settings, identity(0));
    let raw = RawPeer::connect(&secret(1), 0, a.address());
    let (code, reason) = raw.closed();
    assert_eq!((code, reason.as_str()), (2, "no handshake within 200 ms"));
}

/// Both dial each other at once: addresses are agreed on before either starts.
#[test]
fn two_nodes_that_dial_each_other_end_with_one_connection_and_keep_it() {
    // On a loopback address that nothing else uses, so that nobody takes the ports in between.
    let sockets: Vec<_> = (0..3).map(|_| UdpSocket::bind("127.77.0.1:0").unwrap()).collect();
    let addresses: Vec<_> = (0u32..).zip(sockets.iter().map(|socket| socket.local_addr().unwrap())).collect();
    drop(sockets);
    let mut nodes: Vec<_> = (0..3u32)
        .map(|index| {
            let mut settings = config(3, &addresses);
            settings.listen_address = addresses[index as usize].1;
            settings.dial_head_start_ms = 0;
            Node::start(settings, identity(index))
        })
        .collect();
    for node in &mut nodes {
        wait_for("two peers", || (node.status.peers.get() == 2).then_some(()));
    }
    // Frames go round until every pair has talked over the connection that stays.
    for round in 0..50u8 {
        for node in &mut nodes {
            node.send(Recipients::All, FrameKind::Statement, &[round]);
        }
    }
    let connections = |nodes: &[Node]| nodes.iter().map(|node| node.handle.stats().connections.get()).sum::<u64>();
    wait_for("quiet", || {
        let quiet = nodes.iter().all(|node| {
            let peers = node.handle.stats().peers();
            peers.iter().all(|peer| peer.connected)
        });
        quiet.then_some(())
    });
    let settled = connections(&nodes);
    assert!((6..=12).contains(&settled), "at most one replacement a pair: {settled}");
}

#[test]
fn a_peer_that_stops_is_missed_at_once_and_found_again() {
    let (mut a, b) = pair(|_| {});
    let address = a.address();
    b.handle.shutdown();
    assert_eq!(a.next_event(), PeerEvent::Down(PeerId(1)));
    let error = wait_for("the reason", || a.handle.stats().peers()[0].last_error.clone());
    assert!(error.contains("the node is shutting down"), "{error}");
    assert_eq!(a.status.peers.get(), 0);
    let mut b = Node::start(config(2, &[(0, address)]), identity(1));
    assert_eq!(a.next_event(), PeerEvent::Up(PeerId(1)));
    assert_eq!(b.next_event(), PeerEvent::Up(PeerId(0)));
    b.send(Recipients::All, FrameKind::Statement, &[5]);
    assert_eq!(a.next(|node| &mut node.consensus.consensus).0.payload[..], [5]);
}

#[test]
fn a_dialler_finds_a_peer_that_was_started_anew_on_its_address() {
    let (mut a, mut b) = pair(|config| config.reconnect_max_ms = 200);
    let mut settings = config(2, &[]);
    settings.listen_address = a.address();
    drop(a);
    assert_eq!(b.next_event(), PeerEvent::Down(PeerId(0)));
    a = Node::start(settings, identity(0));
    assert_eq!(b.next_event(), PeerEvent::Up(PeerId(0)));
    assert_eq!(a.next_event(), PeerEvent::Up(PeerId(1)));
}

#[test]
fn a_restarted_process_replaces_its_dead_connection_without_waiting_for_it() {
    let mut a = Node::start(config(2, &[]), identity(0));
    let old = RawPeer::connect(&secret(1), 0, a.address());
    assert!(old.greet(&hello(1, 0).encode()).is_some());
    assert_eq!(a.next_event(), PeerEvent::Up(PeerId(1)));
    let new = RawPeer::connect(&secret(1), 0, a.address());
    let restarted = minuet_p2p::hello::Hello { instance: 2, ..hello(1, 0) };
    assert!(new.greet(&restarted.encode()).is_some());
    assert_eq!(a.next_event(), PeerEvent::Down(PeerId(1)));
    assert_eq!(a.next_event(), PeerEvent::Up(PeerId(1)));
    assert_eq!(old.closed().0, 9);
    assert_eq!(a.status.peers.get(), 1);
}

#[test]
fn the_service_stops_when_consensus_is_gone() {
    let (a, mut b) = pair(|_| {});
    let Node { handle, consensus, .. } = a;
    drop(consensus);
    wait_for("the thread's end", || handle.is_finished().then_some(()));
    assert_eq!(b.next_event(), PeerEvent::Down(PeerId(0)));
}

fn try_spawn(settings: minuet_p2p::P2pConfig, identity: P2pIdentity) -> String {
    let (own, sleeper) = bell();
    let silent = Doorbell::silent();
    let (rings, _consensus, _mempool) = P2pRings::connect(&own, &silent, &silent);
    spawn(settings, identity, rings, sleeper, Arc::new(NodeStatus::default())).unwrap_err().to_string()
}

#[test]
fn a_port_in_use_and_contradicting_settings_are_named() {
    let a = Node::start(config(2, &[]), identity(0));
    let mut settings = config(2, &[]);
    settings.listen_address = a.address();
    let error = try_spawn(settings, identity(1));
    assert!(error.contains(&a.address().to_string()) && error.contains("choose another listen_address"), "{error}");

    let mut settings = config(2, &[]);
    settings.keep_alive_ms = settings.idle_timeout_ms;
    assert!(try_spawn(settings, identity(1)).contains("keep_alive_ms"));
    let mut settings = config(3, &[]);
    settings.peers[0].key = public(2);
    assert!(try_spawn(settings, identity(1)).contains("repeats another peer's key"));
    let own: Ed25519SecretKey = secret(2);
    assert!(try_spawn(config(3, &[]), P2pIdentity { key: own, ..identity(1) }).contains("this node's own key"));
}
