//! A node that lags behind: blocks come in ranges from several peers at once and are believed under finalizations that
//! verify, and not otherwise.

use super::bench::{Bench, START, transaction};
use crate::fixture::v;
use crate::wire::{Request, Response, ServedBlock};
use minuet_core::block::{Block, Body};
use minuet_core::bls::BlsSignature;
use minuet_core::certificate::Certificate;
use minuet_core::header::BlockHeader;
use minuet_core::messages::{NetworkCommand, PeerEvent};
use minuet_core::wire::{FrameKind, Offence, Recipients};
use minuet_core::{Height, PeerId, View};
use std::collections::BTreeMap;
use std::sync::Arc;

const QUORUM: [u16; 5] = [1, 2, 3, 4, 5];
/// Longer than any test's patience with one peer.
const LONG_US: u64 = 10_000_000;

/// A node that has just been told of a finalization far ahead, and the blocks up to it.
struct Lagging {
    bench: Bench,
    headers: Vec<Arc<BlockHeader>>,
    /// Ranges that were asked for and not answered: first height, and whom.
    asked: Vec<(u64, u16)>,
}

fn chain(bench: &Bench, length: u64, time_ms: u64) -> Vec<Arc<BlockHeader>> {
    let mut parent = bench.fixture.genesis.clone();
    let mut blocks = Vec::new();
    for view in 1..=length {
        parent = bench.fixture.block(&parent, view, time_ms + view);
        blocks.push(parent.clone());
    }
    blocks
}

fn served(headers: &[Arc<BlockHeader>]) -> Vec<ServedBlock> {
    let blocks = headers.iter().map(|header| Block::empty(header.clone()).expect("no transactions"));
    blocks.map(|block| ServedBlock { block, finalization: None }).collect()
}

impl Lagging {
    /// So many blocks behind, told so by validator 2 and nobody else.
    fn behind(length: u64) -> Self {
        let mut bench = Bench::new(0);
        let headers = chain(&bench, length, 0);
        for peer in 1..6 {
            bench.peer(PeerEvent::Up(v(peer).peer()));
        }
        let mut lagging = Self { bench, headers, asked: Vec::new() };
        lagging.hear_of_the_end();
        lagging
    }

    /// The newest finalization comes, its header is asked for by digest and given.
    fn hear_of_the_end(&mut self) {
        let length = self.headers.len() as u64;
        let last = self.finalization(length);
        self.bench.receive(2, FrameKind::Certificate, last.to_bytes());
        self.bench.settle();
        let wanted = Request::Block(last.digest).to_bytes();
        let asked = self.bench.sent_of(FrameKind::Request).into_iter().find(|(_, payload)| *payload == wanted);
        let Some((Recipients::One(peer), _)) = asked else { panic!("the header is asked for by its digest") };
        let blocks = served(&self.headers[self.headers.len() - 1..]);
        self.bench.receive_from(peer, FrameKind::Response, Response::Blocks(blocks).to_bytes().into());
        self.settle();
    }

    fn finalization(&self, height: u64) -> Certificate {
        self.bench.fixture.finalization(height, self.header(height).digest(), &QUORUM)
    }

    fn header(&self, height: u64) -> &Arc<BlockHeader> {
        &self.headers[usize::try_from(height).expect("small") - 1]
    }

    /// Runs the node and notes which ranges it asks for.
    fn settle(&mut self) -> Vec<NetworkCommand> {
        self.bench.settle();
        let sent = self.bench.sent();
        for command in &sent {
            if let NetworkCommand::Send { to: Recipients::One(peer), kind: FrameKind::Request, payload } = command
                && let Ok(Request::Range(from)) = Request::from_bytes(payload)
            {
                self.asked.push((from.0, u16::try_from(peer.0).expect("a validator")));
            }
        }
        sent
    }

    fn pass_us(&mut self, us: u64) -> Vec<NetworkCommand> {
        self.bench.pass_us(us);
        self.settle()
    }

    /// Blocks of these heights, with genuine finalizations where named.
    fn blocks(&self, heights: std::ops::RangeInclusive<u64>, finalized: &[u64]) -> Vec<ServedBlock> {
        let (from, to) =
            (usize::try_from(*heights.start()).expect("small"), usize::try_from(*heights.end()).expect("small"));
        let mut blocks = served(&self.headers[from - 1..to]);
        for height in finalized {
            let place = usize::try_from(height - heights.start()).expect("within");
            blocks[place].finalization = Some(self.finalization(*height));
        }
        blocks
    }

    fn answer(&mut self, peer: u16, blocks: Vec<ServedBlock>) -> Vec<NetworkCommand> {
        self.answer_bytes(peer, Response::Blocks(blocks).to_bytes())
    }

    fn answer_bytes(&mut self, peer: u16, bytes: Vec<u8>) -> Vec<NetworkCommand> {
        self.bench.receive(peer, FrameKind::Response, bytes);
        self.settle()
    }

    /// As an honest peer would: everything from there on, up to 512 blocks, the last with its finalization.
    fn honest(&self, from: u64) -> Vec<ServedBlock> {
        let to = (from + 511).min(self.headers.len() as u64);
        self.blocks(from..=to, &[to])
    }

    /// Takes out the newest question for this height.
    fn take(&mut self, from: u64) -> u16 {
        let place = self.asked.iter().rposition(|(height, _)| *height == from);
        let Some(place) = place else { panic!("{from} was not asked for: {:?}", self.asked) };
        self.asked.remove(place).1
    }

    /// Everybody but these answers honestly from now on, until all is stored.
    fn finish_without(&mut self, silent: &[u16]) {
        for _ in 0..200 {
            if self.height() == self.headers.len() {
                return;
            }
            let asked = std::mem::take(&mut self.asked);
            for (from, peer) in asked.into_iter().filter(|(_, peer)| !silent.contains(peer)) {
                let blocks = self.honest(from);
                self.answer(peer, blocks);
            }
            self.pass_us(200_000);
        }
        panic!("stuck at height {} of {}", self.height(), self.headers.len());
    }

    fn height(&self) -> usize {
        self.bench.ledger.chain.len()
    }
}

fn blames(sent: &[NetworkCommand], peer: u16, offence: Offence) -> bool {
    sent.contains(&NetworkCommand::Blame { peer: v(peer).peer(), offence })
}

fn blames_nobody(sent: &[NetworkCommand]) -> bool {
    !sent.iter().any(|command| matches!(command, NetworkCommand::Blame { .. }))
}

#[test]
fn a_range_under_a_verified_finalization_is_taken_and_stored() {
    let mut lagging = Lagging::behind(12);
    let peer = lagging.take(1);
    let blocks = lagging.honest(1);
    assert!(blames_nobody(&lagging.answer(peer, blocks)));
    assert_eq!(lagging.height(), 12);
    assert_eq!(lagging.bench.driver.replica().tip().header, *lagging.header(12));
}

#[test]
fn the_distance_is_known_before_the_first_range_comes() {
    let lagging = Lagging::behind(40);
    assert_eq!((lagging.bench.status.known_height.get(), lagging.height()), (40, 0));
}

#[test]
fn ranges_are_asked_of_several_peers_at_once_and_taken_in_any_order() {
    let mut lagging = Lagging::behind(1800);
    let mut asked: BTreeMap<u64, u16> = std::mem::take(&mut lagging.asked).into_iter().collect();
    assert_eq!(asked.keys().copied().collect::<Vec<_>>(), [1, 513, 1025, 1537]);
    let peers: std::collections::BTreeSet<_> = asked.values().collect();
    assert_eq!(peers.len(), 4, "each of another peer: {asked:?}");
    let first = asked.remove(&1).expect("asked for");
    for (from, peer) in asked.into_iter().rev() {
        let blocks = lagging.honest(from);
        assert!(blames_nobody(&lagging.answer(peer, blocks)));
        assert_eq!(lagging.height(), 0, "the first blocks are missing");
    }
    let blocks = lagging.honest(1);
    lagging.answer(first, blocks);
    lagging.finish_without(&[]);
    assert!(lagging.asked.is_empty(), "nothing was asked for twice: {:?}", lagging.asked);
}

#[test]
fn requests_under_way_are_bounded_however_far_behind() {
    let mut lagging = Lagging::behind(6000);
    assert_eq!(lagging.asked.len(), 4);
    for _ in 0..3 {
        lagging.pass_us(20_000);
    }
    assert_eq!(lagging.asked.len(), 4);
}

#[test]
fn a_short_answer_is_taken_as_far_as_it_goes_and_the_rest_is_asked_for() {
    let mut lagging = Lagging::behind(30);
    let peer = lagging.take(1);
    let blocks = lagging.blocks(1..=8, &[6]);
    assert!(blames_nobody(&lagging.answer(peer, blocks)));
    assert_eq!(lagging.height(), 6, "up to the last finalization");
    assert!(lagging.asked.iter().any(|(from, _)| *from == 9), "{:?}", lagging.asked);
    lagging.finish_without(&[]);
}

#[test]
fn blocks_without_a_finalization_are_proven_by_those_that_follow() {
    let mut lagging = Lagging::behind(30);
    let first = lagging.take(1);
    let blocks = lagging.blocks(1..=10, &[]);
    assert!(blames_nobody(&lagging.answer(first, blocks)));
    assert_eq!(lagging.height(), 0, "nothing says yet that they are final");
    let second = lagging.take(11);
    let blocks = lagging.blocks(11..=20, &[20]);
    assert!(blames_nobody(&lagging.answer(second, blocks)));
    assert_eq!(lagging.height(), 20);
    lagging.finish_without(&[]);
}

#[test]
fn a_whole_chain_without_finalizations_is_proven_by_the_newest_one() {
    let mut lagging = Lagging::behind(30);
    let peer = lagging.take(1);
    let blocks = lagging.blocks(1..=30, &[]);
    assert!(blames_nobody(&lagging.answer(peer, blocks)));
    assert_eq!(lagging.height(), 30);
}

#[test]
fn a_forged_finalization_is_refused_and_the_range_is_asked_of_another_peer_at_once() {
    let mut lagging = Lagging::behind(30);
    let liar = lagging.take(1);
    let mut blocks = lagging.blocks(1..=29, &[]);
    let mut forged = lagging.finalization(25);
    forged.signature = BlsSignature([9; 48]).into();
    blocks[24].finalization = Some(forged);
    assert!(blames(&lagging.answer(liar, blocks), liar, Offence::BadCertificate));
    assert_eq!(lagging.height(), 0, "nothing of it was taken");
    let other = lagging.take(1);
    assert_ne!(other, liar);
    let blocks = lagging.honest(1);
    lagging.answer(other, blocks);
    assert_eq!(lagging.height(), 30);
}

#[test]
fn a_notarization_or_another_blocks_finalization_proves_nothing() {
    let lagging = Lagging::behind(30);
    let digest = lagging.header(30).digest();
    let notarization = lagging.bench.fixture.notarization(30, digest, &[1, 2, 3]);
    for wrong in [notarization, lagging.finalization(29)] {
        let mut lagging = Lagging::behind(30);
        let liar = lagging.take(1);
        let mut blocks = lagging.blocks(1..=30, &[]);
        blocks[29].finalization = Some(wrong);
        assert!(blames(&lagging.answer(liar, blocks), liar, Offence::Invalid));
        assert_eq!(lagging.height(), 0);
        lagging.finish_without(&[liar]);
    }
}

#[test]
fn a_range_that_is_no_chain_or_does_not_begin_where_it_should_is_refused() {
    let mut lagging = Lagging::behind(30);
    let liar = lagging.take(1);
    let mut blocks = lagging.honest(1);
    blocks.remove(4);
    assert!(blames(&lagging.answer(liar, blocks), liar, Offence::Invalid));
    let liar = lagging.take(1);
    let blocks = lagging.blocks(2..=30, &[30]);
    assert!(blames(&lagging.answer(liar, blocks), liar, Offence::Unrequested));
    assert_eq!(lagging.height(), 0);
    lagging.finish_without(&[liar]);
}

#[test]
fn another_chain_is_refused_once_it_does_not_fit() {
    let mut lagging = Lagging::behind(1030);
    let foreign = served(&chain(&lagging.bench, 1024, 77_000));
    let (first, second) = (lagging.take(1), lagging.take(513));
    let sent = lagging.answer(second, foreign[512..].to_vec());
    assert!(blames_nobody(&sent), "nobody knows yet");
    let blocks = lagging.honest(1);
    let sent = lagging.answer(first, blocks);
    assert!(blames(&sent, second, Offence::Invalid), "it is not on what is final");
    assert_eq!(lagging.height(), 512);
    lagging.finish_without(&[second]);
}

#[test]
fn invented_blocks_on_the_final_one_are_refused_once_the_true_ones_come() {
    let mut lagging = Lagging::behind(30);
    let liar = lagging.take(1);
    let mut invented = lagging.blocks(1..=5, &[]);
    let mut parent = lagging.header(5).clone();
    for view in 6..=10 {
        parent = lagging.bench.fixture.block(&parent, view, 99_000 + view);
        invented.extend(served(&[parent.clone()]));
    }
    assert!(blames_nobody(&lagging.answer(liar, invented)), "linked, and not proven wrong");
    let other = lagging.take(11);
    let blocks = lagging.blocks(11..=30, &[30]);
    assert!(blames(&lagging.answer(other, blocks), liar, Offence::Invalid));
    assert_eq!(lagging.height(), 0);
    lagging.finish_without(&[liar]);
}

#[test]
fn a_body_that_is_not_its_headers_is_refused_unread_and_asked_of_another_peer() {
    let mut lagging = Lagging::behind(30);
    let liar = lagging.take(1);
    let mut blocks = lagging.honest(1);
    let body = Body { transactions: vec![transaction(0).envelope().clone()] };
    blocks[3].block = Block::sealed(lagging.header(4).clone(), Arc::new(body));
    assert!(blames(&lagging.answer(liar, blocks), liar, Offence::Malformed));
    assert_eq!(lagging.height(), 0);
    assert_ne!(lagging.take(1), liar);
}

#[test]
fn a_forged_certificate_from_the_far_future_moves_nothing() {
    let mut lagging = Lagging::behind(30);
    let mut forged = lagging.finalization(30);
    for view in [1_000_000_000_000, u64::MAX] {
        forged.view = View(view);
        lagging.bench.receive(3, FrameKind::Certificate, forged.to_bytes());
        assert!(blames(&lagging.settle(), 3, Offence::BadCertificate));
    }
    assert_eq!(lagging.bench.status.known_height.get(), 30);
    lagging.finish_without(&[]);
}

#[test]
fn a_genuine_finalization_on_another_chain_stops_the_node() {
    let mut lagging = Lagging::behind(30);
    let peer = lagging.take(1);
    let blocks = lagging.blocks(1..=20, &[20]);
    lagging.answer(peer, blocks);
    assert_eq!(lagging.height(), 20);
    let peer = lagging.asked.last().expect("the rest is asked for").1;
    let fork = chain(&lagging.bench, 30, 55_000);
    let mut blocks = served(&fork[20..]);
    blocks[5].finalization = Some(lagging.bench.fixture.finalization(26, fork[25].digest(), &QUORUM));
    lagging.bench.receive(peer, FrameKind::Response, Response::Blocks(blocks).to_bytes());
    let fatal = lagging.bench.failing_turn();
    assert!(fatal.to_string().contains("SAFETY"), "{fatal}");
}

#[test]
fn a_peer_that_has_nothing_is_not_blamed_and_another_one_is_asked_at_once() {
    let mut lagging = Lagging::behind(30);
    let empty = lagging.take(1);
    assert!(blames_nobody(&lagging.answer(empty, Vec::new())));
    let other = lagging.take(1);
    assert_ne!(other, empty);
    let blocks = lagging.honest(1);
    lagging.answer(other, blocks);
    assert_eq!(lagging.height(), 30);
}

#[test]
fn what_nobody_stored_as_final_comes_block_by_block_from_those_who_voted_for_it() {
    let mut lagging = Lagging::behind(30);
    let mut rounds = 0;
    while lagging.height() < 30 {
        rounds += 1;
        assert!(rounds < 100, "stuck at {:?}", lagging.bench.driver.replica.gap());
        let mut wanted = Vec::new();
        for command in lagging.pass_us(160_000) {
            if let NetworkCommand::Send { to: Recipients::One(peer), kind: FrameKind::Request, payload } = command {
                wanted.push((u16::try_from(peer.0).expect("a validator"), Request::from_bytes(&payload).expect("own")));
            }
        }
        while let Some((peer, request)) = wanted.pop() {
            let header = lagging.headers.iter().find(|header| request == Request::Block(header.digest())).cloned();
            let sent = lagging.answer(peer, served(header.as_slice()));
            assert!(blames_nobody(&sent));
        }
    }
}

#[test]
fn a_range_from_a_peer_that_was_not_asked_is_not_taken() {
    let mut lagging = Lagging::behind(30);
    let asked = lagging.take(1);
    let other = if asked == 1 { 2 } else { 1 };
    let blocks = lagging.honest(1);
    assert!(blames(&lagging.answer(other, blocks), other, Offence::Unrequested));
    assert_eq!(lagging.height(), 0);
}

#[test]
fn a_late_answer_is_nobodys_fault() {
    let mut lagging = Lagging::behind(30);
    let slow = lagging.take(1);
    lagging.pass_us(1_100_000);
    let other = lagging.take(1);
    assert_ne!(slow, other);
    let blocks = lagging.blocks(1..=20, &[20]);
    lagging.answer(other, blocks.clone());
    assert!(blames_nobody(&lagging.answer(slow, blocks)));
    assert_eq!(lagging.height(), 20);
}

#[test]
fn one_honest_peer_among_silent_ones_is_enough() {
    let mut lagging = Lagging::behind(1500);
    lagging.finish_without(&[1, 2, 3, 4]);
    assert!(lagging.bench.now.mono_us - START.mono_us < LONG_US, "L-SYNC: one after the other was left out");
}

#[test]
fn a_peer_that_goes_away_is_replaced_at_once() {
    let mut lagging = Lagging::behind(30);
    let gone = lagging.take(1);
    lagging.bench.peer(PeerEvent::Down(v(gone).peer()));
    lagging.settle();
    assert_ne!(lagging.take(1), gone);
}

#[test]
fn the_chain_may_grow_while_a_node_catches_up() {
    let mut lagging = Lagging::behind(600);
    let (first, second) = (lagging.take(1), lagging.take(513));
    lagging.headers = chain(&lagging.bench, 700, 0);
    let newest = lagging.finalization(700);
    lagging.bench.receive(4, FrameKind::Certificate, newest.to_bytes());
    lagging.settle();
    let blocks = lagging.blocks(1..=512, &[512]);
    lagging.answer(first, blocks);
    let blocks = lagging.blocks(513..=599, &[599]);
    lagging.answer(second, blocks);
    assert!(lagging.height() >= 599);
    lagging.bench.pass_us(1_100_000);
    lagging.bench.settle();
    let wanted = Request::Block(newest.digest).to_bytes();
    let asked = lagging.bench.sent_of(FrameKind::Request);
    let asked = asked.iter().find(|(_, payload)| *payload == wanted);
    let Some((Recipients::One(peer), _)) = asked else { panic!("how far the peers are is asked anew") };
    let last = served(&lagging.headers[699..]);
    lagging.bench.receive_from(*peer, FrameKind::Response, Response::Blocks(last).to_bytes().into());
    lagging.settle();
    lagging.finish_without(&[]);
}

#[test]
fn a_node_that_restarts_in_the_middle_goes_on_where_its_store_ends() {
    let mut lagging = Lagging::behind(1000);
    let peer = lagging.take(1);
    let blocks = lagging.honest(1);
    lagging.answer(peer, blocks);
    assert_eq!(lagging.height(), 512);
    let Lagging { bench, headers, .. } = lagging;
    let mut again = Bench::with(0, bench.journal, bench.ledger, bench.now, 4096);
    for peer in 1..6 {
        again.peer(PeerEvent::Up(v(peer).peer()));
    }
    let mut lagging = Lagging { bench: again, headers, asked: Vec::new() };
    lagging.hear_of_the_end();
    assert_eq!(lagging.asked.iter().map(|(from, _)| *from).collect::<Vec<_>>(), [513]);
    lagging.finish_without(&[]);
}

#[test]
fn catching_up_votes_for_nothing_of_the_past() {
    let mut lagging = Lagging::behind(30);
    let peer = lagging.take(1);
    let blocks = lagging.blocks(1..=20, &[10, 20]);
    let sent = lagging.answer(peer, blocks);
    let said = sent.iter().any(|command| {
        matches!(command, NetworkCommand::Send { kind: FrameKind::Statement | FrameKind::Certificate, .. })
    });
    assert!(!said && lagging.height() == 20);
}

#[test]
fn final_blocks_are_served_from_the_ledger_unfinalized_ones_from_memory_and_nothing_as_nothing() {
    let mut lagging = Lagging::behind(12);
    let peer = lagging.take(1);
    let blocks = lagging.honest(1);
    lagging.answer(peer, blocks);
    let digest = lagging.header(7).digest();
    let bench = &mut lagging.bench;
    bench.receive(5, FrameKind::Request, Request::Range(Height(3)).to_bytes());
    bench.receive(5, FrameKind::Request, Request::Block(digest).to_bytes());
    bench.receive(5, FrameKind::Request, Request::Range(Height(99)).to_bytes());
    bench.settle();
    let answers: Vec<_> = bench
        .sent_of(FrameKind::Response)
        .into_iter()
        .map(|(_, payload)| match Response::from_bytes(&payload).expect("own form") {
            Response::Blocks(blocks) => blocks.len(),
            Response::Proofs { .. } => 99,
        })
        .collect();
    assert_eq!(answers, [10, 1, 0]);
}

#[test]
fn a_follower_is_told_what_is_final_and_answered_and_never_asked() {
    let mut lagging = Lagging::behind(12);
    let follower = PeerId(6);
    let peer = lagging.take(1);
    let blocks = lagging.blocks(1..=6, &[6]);
    lagging.answer(peer, blocks);
    lagging.bench.peer(PeerEvent::Up(follower));
    let greeting = lagging.settle();
    let told = |sent: &[NetworkCommand], wanted: Recipients, height: u64, lagging: &Lagging| {
        let expected = lagging.finalization(height).to_bytes();
        sent.iter().any(|command| {
            matches!(command, NetworkCommand::Send { to, kind: FrameKind::Certificate, payload }
                if *to == wanted && payload[..] == expected[..])
        })
    };
    assert!(told(&greeting, Recipients::One(follower), 6, &lagging), "the newest, on connect");
    let peer = lagging.take(7);
    let blocks = lagging.blocks(7..=12, &[12]);
    let sent = lagging.answer(peer, blocks);
    assert_eq!(lagging.height(), 12);
    assert!(told(&sent, Recipients::Followers, 12, &lagging), "and every new one");
    lagging.bench.receive_from(follower, FrameKind::Request, Request::Range(Height(1)).to_bytes().into());
    let sent = lagging.settle();
    let answered = sent.iter().any(|command| {
        matches!(command, NetworkCommand::Send { to: Recipients::One(PeerId(6)), kind: FrameKind::Response, .. })
    });
    assert!(answered);

    let mut alone = Bench::new(0);
    let headers = chain(&alone, 12, 0);
    alone.peer(PeerEvent::Up(follower));
    let last = alone.fixture.finalization(12, headers[11].digest(), &QUORUM);
    alone.receive(2, FrameKind::Certificate, last.to_bytes());
    alone.settle();
    for _ in 0..10 {
        alone.pass_us(200_000);
        alone.settle();
    }
    assert!(alone.sent_of(FrameKind::Request).is_empty(), "a follower is never asked");
}

#[test]
fn followers_have_a_share_of_the_ledger_and_leave_the_rest_to_validators() {
    let mut bench = Bench::new(0);
    bench.settle();
    let ask = |bench: &mut Bench, peer: PeerId, times: u64| {
        for height in 1..=times {
            let request = Request::Range(Height(height)).to_bytes();
            assert!(bench.receive_from(peer, FrameKind::Request, request.into()));
        }
        bench.turn();
        std::iter::from_fn(|| bench.ends.ledger_out.try_recv()).count()
    };
    assert_eq!(ask(&mut bench, PeerId(6), 10), 4, "one follower");
    let all: usize = (7..16).map(|follower| ask(&mut bench, PeerId(follower), 10)).sum();
    assert_eq!(all, 12, "all of them together sixteen");
    assert_eq!(ask(&mut bench, v(3).peer(), 10), 10, "a validator is answered all the same");
}
