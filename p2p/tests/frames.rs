//! What is sent arrives, in order and under the sender's name; what breaks the rules does not.

mod support;

use minuet_core::messages::{NetworkCommand, PeerEvent, PeerFrame, UrgentCommand};
use minuet_core::wire::{FrameKind, Lane, Offence, Recipients};
use minuet_core::{Bytes, PeerId};
use minuet_p2p::Reject;
use minuet_p2p::frame::header;
use support::{Node, RawPeer, config, hello, identity, pair, secret, wait_for};

fn receive(node: &mut Node, lane: Lane) -> PeerFrame {
    match lane {
        Lane::Certificates => node.next(|node| &mut node.consensus.certificates).0,
        Lane::Votes | Lane::Headers => node.next(|node| &mut node.consensus.consensus).0,
        Lane::Bodies | Lane::Sync => node.next(|node| &mut node.consensus.bulk).0,
        Lane::Transactions => node.next(|node| &mut node.mempool.transactions).0,
    }
}

#[test]
fn frames_of_every_kind_arrive_in_order_under_the_senders_name() {
    let (mut a, mut b) = pair(|_| {});
    for kind in FrameKind::ALL {
        for number in 0..20u8 {
            a.send(Recipients::All, kind, &[number; 100]);
            b.send(Recipients::One(PeerId(0)), kind, &[number; 3]);
        }
        for number in 0..20u8 {
            let expected =
                |peer, payload: &[u8]| PeerFrame { peer: PeerId(peer), kind, payload: Bytes::copy_from_slice(payload) };
            assert_eq!(receive(&mut b, kind.lane()), expected(0, &[number; 100]));
            assert_eq!(receive(&mut a, kind.lane()), expected(1, &[number; 3]));
        }
    }
    let stats = a.handle.stats();
    assert_eq!(stats.lane(Lane::Sync).frames_in.get(), 40);
    assert_eq!(stats.lane(Lane::Votes).bytes_in.get(), 20 * 8);
    wait_for("sent bytes", || (a.status.bytes_sent.get() == 7 * 20 * 105).then_some(()));
}

#[test]
fn the_largest_and_the_empty_frame_of_every_kind_pass() {
    let (mut a, mut b) = pair(|_| {});
    for kind in FrameKind::ALL {
        for length in [kind.max_bytes(), 0] {
            let payload: Vec<u8> = (0..length).map(|place| (place % 251) as u8).collect();
            a.send(Recipients::All, kind, &payload);
            let frame = receive(&mut b, kind.lane());
            assert!(frame.kind == kind && frame.payload == payload, "{kind:?} of {length} bytes");
        }
    }
}

#[test]
fn a_frame_above_its_limit_is_not_even_sent() {
    let (mut a, mut b) = pair(|_| {});
    a.send(Recipients::All, FrameKind::Statement, &[1; 129]);
    a.send(Recipients::All, FrameKind::Statement, &[2; 128]);
    assert_eq!(receive(&mut b, Lane::Votes).payload[..], [2; 128]);
    assert_eq!(a.handle.stats().rejected(Reject::Oversized), 1);
}

#[test]
fn a_lane_that_is_not_drained_stops_its_sender_while_other_lanes_flow() {
    let (mut a, mut b) = pair(|_| {});
    // More than the ring (64) and one held frame take in; everything is to arrive in the end.
    let frames = 200u32;
    for number in 0..frames {
        a.send(Recipients::All, FrameKind::Body, &number.to_be_bytes());
    }
    wait_for("a held body", || (b.handle.stats().lane(Lane::Bodies).held.get() == 1).then_some(()));
    for number in 0..100u8 {
        a.send(Recipients::All, FrameKind::Certificate, &[number]);
        assert_eq!(receive(&mut b, Lane::Certificates).payload[..], [number]);
        a.send(Recipients::All, FrameKind::Statement, &[number]);
        assert_eq!(receive(&mut b, Lane::Votes).payload[..], [number]);
    }
    assert_eq!(b.handle.stats().lane(Lane::Bodies).frames_in.get(), 65, "64 in the ring, one held, no more");
    for number in 0..frames {
        assert_eq!(receive(&mut b, Lane::Bodies).payload[..], number.to_be_bytes());
    }
}

#[test]
fn a_peer_that_does_not_take_what_it_is_sent_is_disconnected() {
    let (mut a, mut b) = pair(|config| config.consensus_queue_bytes = 4 << 20);
    let body = vec![0; FrameKind::Body.max_bytes()];
    // Ring, hold and window take in about 67; the queue two more.
    for _ in 0..100 {
        a.send(Recipients::All, FrameKind::Body, &body);
    }
    assert_eq!(a.next_event(), PeerEvent::Down(PeerId(1)));
    assert_eq!(b.next_event(), PeerEvent::Down(PeerId(0)));
    assert!(a.handle.stats().rejected(Reject::TooSlow) >= 1);
    // QUIC does not repeat a lost goodbye for long: a peer that is overrun may see a reset instead of the reason.
    let reason = wait_for("the reason", || a.handle.stats().peers()[0].last_error.clone());
    assert!(reason.contains("closed here: too slow: "), "{reason}");
}

fn raw_link() -> (Node, RawPeer) {
    let mut node = Node::start(config(2, &[]), identity(0));
    let raw = RawPeer::connect(&secret(1), 0, node.address());
    assert!(raw.greet(&hello(1, 0).encode()).is_some());
    assert_eq!(node.next_event(), PeerEvent::Up(PeerId(1)));
    (node, raw)
}

#[test]
fn frames_that_break_the_limits_close_the_connection_before_their_payload_comes() {
    let mut oversized_body = header(FrameKind::Body, u32::MAX).to_vec();
    oversized_body.push(1);
    let cases = [
        (Lane::Votes, header(FrameKind::Statement, 129).to_vec(), Reject::Oversized, "at most 128"),
        (Lane::Bodies, oversized_body, Reject::Oversized, "at most"),
        (Lane::Certificates, vec![99, 0, 0, 0, 1], Reject::UnknownKind, "kind 99"),
        (Lane::Votes, header(FrameKind::Certificate, 1).to_vec(), Reject::WrongLane, "does not belong"),
    ];
    for (lane, bytes, reject, text) in cases {
        let (mut node, raw) = raw_link();
        let _lanes = raw.write(lane, &bytes);
        let (code, reason) = raw.closed();
        assert_eq!(code, 10, "{reason}");
        assert!(reason.contains(text), "{reason}");
        assert_eq!(node.next_event(), PeerEvent::Down(PeerId(1)));
        assert_eq!(node.handle.stats().rejected(reject), 1);
        assert_eq!(node.handle.stats().lane(lane).frames_in.get(), 0);
    }
}

#[test]
fn a_frame_cut_off_by_the_connections_end_is_harmless() {
    let (mut node, raw) = raw_link();
    let mut bytes = header(FrameKind::Statement, 2).to_vec();
    bytes.extend_from_slice(&[7, 7]);
    bytes.extend_from_slice(&header(FrameKind::Statement, 100));
    bytes.push(1);
    let _lanes = raw.write(Lane::Votes, &bytes);
    assert_eq!(receive(&mut node, Lane::Votes).payload[..], [7, 7]);
    raw.connection.close(quinn::VarInt::from_u32(0), b"");
    assert_eq!(node.next_event(), PeerEvent::Down(PeerId(1)));
    assert!(node.consensus.consensus.is_empty());
    // The peer may come back at once.
    let again = RawPeer::connect(&secret(1), 0, node.address());
    assert!(again.greet(&hello(1, 0).encode()).is_some());
    assert_eq!(node.next_event(), PeerEvent::Up(PeerId(1)));
}

#[test]
fn a_lane_that_is_finished_within_a_frame_closes_the_connection() {
    let (mut node, raw) = raw_link();
    let mut lanes = raw.write(Lane::Votes, &header(FrameKind::Statement, 100));
    lanes[Lane::Votes as usize].finish().unwrap();
    assert!(raw.closed().1.contains("votes lane ended"));
    assert_eq!(node.next_event(), PeerEvent::Down(PeerId(1)));
    assert_eq!(node.handle.stats().rejected(Reject::LaneEnded), 1);
}

#[test]
fn a_peer_that_is_blamed_too_often_is_banned_and_comes_back_afterwards() {
    let (mut a, mut b) = pair(|config| config.ban_ms = 300);
    for _ in 0..2 {
        let blame = NetworkCommand::Blame { peer: PeerId(1), offence: Offence::BadSignature };
        a.consensus.urgent.try_send(UrgentCommand(blame)).unwrap();
    }
    assert_eq!(a.next_event(), PeerEvent::Down(PeerId(1)));
    assert_eq!(b.next_event(), PeerEvent::Down(PeerId(0)));
    assert_eq!(a.next_event(), PeerEvent::Up(PeerId(1)));
    assert_eq!(b.next_event(), PeerEvent::Up(PeerId(0)));
    assert_eq!(a.handle.stats().bans.get(), 1);
    wait_for("the list of peers", || (a.handle.stats().peers()[0].bans == 1).then_some(()));
}

#[test]
fn a_peer_over_its_budget_is_read_later_and_loses_nothing() {
    let (mut a, mut b) = pair(|config| config.transactions_bytes_per_second = 64 << 10);
    for number in 0..4u8 {
        a.send(Recipients::All, FrameKind::Transactions, &[number; 20 << 10]);
    }
    for number in 0..4u8 {
        assert_eq!(receive(&mut b, Lane::Transactions).payload[0], number);
    }
    assert_eq!(b.handle.stats().lane(Lane::Transactions).throttled.get(), 1);
}
