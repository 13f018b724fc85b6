//! Nodes that only follow: let in with a place, told what is for them, heard with their questions and nothing else.

mod support;

use minuet_core::PeerId;
use minuet_core::messages::PeerEvent;
use minuet_core::wire::{FrameKind, Lane, Recipients};
use minuet_p2p::frame::header;
use minuet_p2p::hello::Hello;
use minuet_p2p::{P2pConfig, P2pIdentity, Reject};
use std::net::SocketAddr;
use support::{Node, RawPeer, config, hello, identity, secret, wait_for};

/// The first number beyond a committee of two.
const FIRST: PeerId = PeerId(2);

fn open(max_followers: usize) -> Node {
    Node::start(P2pConfig { max_followers, ..config(2, &[]) }, identity(0))
}

fn follower(key: u32, validator: SocketAddr) -> Node {
    let identity = P2pIdentity { peer: PeerId::FOLLOWER, key: secret(key), ..identity(0) };
    Node::start(config(2, &[(0, validator)]), identity)
}

fn follower_hello() -> Hello {
    Hello { sender: PeerId::FOLLOWER, ..hello(1, 0) }
}

fn raw_follower(key: u32, validator: &Node) -> RawPeer {
    RawPeer::connect(&secret(key), 0, validator.address())
}

fn event(node: &mut Node) -> PeerEvent {
    node.next(|node| &mut node.consensus.events)
}

#[test]
fn a_follower_has_a_number_of_its_own_asks_is_answered_and_hears_what_is_for_followers() {
    let mut validator = open(2);
    let mut follower = follower(20, validator.address());
    assert_eq!(event(&mut validator), PeerEvent::Up(FIRST));
    assert_eq!(follower.next_event(), PeerEvent::Up(PeerId(0)));
    assert!(validator.mempool.events.is_empty(), "no transactions are for it");

    follower.send(Recipients::One(PeerId(0)), FrameKind::Request, &[1, 2]);
    let request = validator.next(|node| &mut node.consensus.bulk).0;
    assert_eq!((request.peer, request.kind, &request.payload[..]), (FIRST, FrameKind::Request, &[1, 2][..]));
    validator.send(Recipients::One(FIRST), FrameKind::Response, &[3]);
    assert_eq!(follower.next(|node| &mut node.consensus.bulk).0.payload[..], [3]);

    validator.send(Recipients::All, FrameKind::Certificate, &[4]);
    validator.send(Recipients::Followers, FrameKind::Certificate, &[5]);
    assert_eq!(follower.next(|node| &mut node.consensus.certificates).0.payload[..], [5], "not what is for validators");
    let peers = wait_for("the list of peers", || {
        let peers = validator.handle.stats().peers();
        peers.iter().any(|peer| peer.follower).then_some(peers)
    });
    let entry = peers.iter().find(|peer| peer.follower).unwrap();
    assert_eq!((entry.peer, entry.connected, entry.key), (FIRST, true, secret(20).public_key()));
    assert_eq!(validator.status.peers.get(), 0, "only validators are counted");
}

#[test]
fn a_follower_says_nothing_but_its_questions() {
    let mut validator = open(1);
    let mut follower = follower(20, validator.address());
    assert_eq!(follower.next_event(), PeerEvent::Up(PeerId(0)));
    for kind in FrameKind::ALL.into_iter().filter(|kind| *kind != FrameKind::Request) {
        follower.send(Recipients::All, kind, &[9]);
    }
    follower.send(Recipients::All, FrameKind::Request, &[1]);
    assert_eq!(validator.next(|node| &mut node.consensus.bulk).0.kind, FrameKind::Request);
    assert_eq!(event(&mut validator), PeerEvent::Up(FIRST));
    assert!(validator.consensus.events.is_empty(), "it is still there");
}

#[test]
fn a_follower_that_sends_more_than_requests_is_closed_and_told_why() {
    for kind in FrameKind::ALL.into_iter().filter(|kind| *kind != FrameKind::Request) {
        let mut validator = open(1);
        let raw = raw_follower(20, &validator);
        assert!(raw.greet(&follower_hello().encode()).is_some());
        assert_eq!(event(&mut validator), PeerEvent::Up(FIRST));
        let _lanes = raw.write(kind.lane(), &header(kind, 0));
        let (code, text) = raw.closed();
        assert_eq!(code, 18, "{text}");
        assert!(text.contains(kind.name()) && text.contains("requests only"), "{text}");
        assert_eq!(event(&mut validator), PeerEvent::Down(FIRST));
        assert_eq!(validator.handle.stats().rejected(Reject::NotAllowed), 1);
        assert_eq!(validator.handle.stats().lane(kind.lane()).frames_in.get(), 0);
    }
    assert_eq!(Lane::ALL.len(), 6);
}

#[test]
fn a_follower_too_many_is_refused_and_told_why_until_a_place_is_free() {
    let mut validator = open(1);
    let first = raw_follower(20, &validator);
    assert!(first.greet(&follower_hello().encode()).is_some());
    assert_eq!(event(&mut validator), PeerEvent::Up(FIRST));
    let second = raw_follower(21, &validator);
    assert!(second.greet(&follower_hello().encode()).is_none());
    let (code, text) = second.closed();
    assert_eq!(code, 17);
    assert!(text.contains("takes 1 followers") && text.contains("dial another validator"), "{text}");
    assert_eq!(validator.handle.stats().rejected(Reject::NoRoom), 1);

    first.connection.close(0u32.into(), b"done");
    assert_eq!(event(&mut validator), PeerEvent::Down(FIRST));
    let third = raw_follower(22, &validator);
    assert!(third.greet(&follower_hello().encode()).is_some());
    assert_eq!(event(&mut validator), PeerEvent::Up(FIRST));
}

#[test]
fn a_follower_that_comes_back_has_its_old_number_and_replaces_its_dead_connection() {
    let mut validator = open(3);
    let old = raw_follower(20, &validator);
    assert!(old.greet(&follower_hello().encode()).is_some());
    let other = raw_follower(21, &validator);
    assert!(other.greet(&follower_hello().encode()).is_some());
    let again = raw_follower(20, &validator);
    assert!(again.greet(&Hello { instance: 2, ..follower_hello() }.encode()).is_some());
    let events: Vec<_> = (0..4).map(|_| event(&mut validator)).collect();
    let up = PeerEvent::Up;
    assert_eq!(events, [up(FIRST), up(PeerId(3)), PeerEvent::Down(FIRST), up(FIRST)]);
}

#[test]
fn a_stranger_under_a_validators_name_and_a_validator_that_says_it_follows_are_refused() {
    let validator = open(2);
    let stranger = raw_follower(20, &validator);
    assert!(stranger.greet(&hello(1, 0).encode()).is_none());
    let (code, text) = stranger.closed();
    assert_eq!(code, 16);
    assert!(text.contains("is no validator's network key in this node's genesis"), "{text}");
    let confused = RawPeer::connect(&secret(1), 0, validator.address());
    assert!(confused.greet(&follower_hello().encode()).is_none());
    assert_eq!(confused.closed().0, 6);
    assert!(validator.consensus.events.is_empty());
}

#[test]
fn what_waits_for_a_follower_that_does_not_read_is_bounded() {
    let mut validator = open(1);
    let raw = raw_follower(20, &validator);
    assert!(raw.greet(&follower_hello().encode()).is_some());
    assert_eq!(event(&mut validator), PeerEvent::Up(FIRST));
    for _ in 0..16 {
        validator.send(Recipients::One(FIRST), FrameKind::Response, &vec![7; 1 << 20]);
    }
    wait_for("dropped answers", || (validator.handle.stats().lane(Lane::Sync).dropped_out.get() >= 8).then_some(()));
    validator.send(Recipients::Followers, FrameKind::Certificate, &[1]);
    assert!(validator.consensus.events.is_empty(), "what can be asked for again is no reason to part");
}

#[test]
fn without_places_for_followers_their_keys_do_not_get_beyond_tls() {
    let validator = open(0);
    let follower = follower(20, validator.address());
    for node in [&validator, &follower] {
        let text = wait_for("the reason", || node.handle.stats().last_refusal());
        assert!(text.contains("unknown key") && text.contains("takes no followers"), "{text}");
    }
    assert!(validator.handle.stats().rejected(Reject::UnknownKey) > 0);
}
