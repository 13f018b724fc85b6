use super::*;
use crate::SignatureCheck;
use crate::testing::*;
use minuet_core::mempool_errors::{AdmissionError, REFUSAL_WORDS};
use minuet_core::messages::{Branch, PeerFrame, PoolStatus};
use minuet_core::ring::{Doorbell, ring};
use minuet_core::transaction::{MAX_TRANSACTION_BYTES, Transaction, TransactionError};
use minuet_core::wire::{FrameKind, Recipients};
use minuet_core::{Bytes, TxHash, View};
use minuet_storage::MemoryDirectory;
use std::sync::mpsc;
use std::time::Duration;

mod remembering;

const PEER: PeerId = PeerId(1);
const OTHER: PeerId = PeerId(2);

/// The driver and the far ends of its rings, all on this thread.
struct Bench {
    driver: MempoolDriver<MemoryDirectory>,
    now: Instant,
    state: Arc<State>,
    status: Arc<NodeStatus>,
    notices: Sender<StateNotice>,
    peer_events: Sender<PeerEvent>,
    requests: Sender<MempoolRequest>,
    submissions: Sender<Submission>,
    frames: Sender<TransactionFrame>,
    replies: Receiver<MempoolReply>,
    gossip: Receiver<GossipCommand>,
    admitted: Receiver<Admitted>,
}

fn bench() -> Bench {
    bench_with(&Doorbell::silent(), Arc::default(), None)
}

fn bench_with(bell: &Doorbell, state: Arc<State>, log: Option<OpenedLog<MemoryDirectory>>) -> Bench {
    let status = Arc::new(NodeStatus::default());
    let (notices, notices_in) = ring(bell);
    let (peer_events, peer_events_in) = ring(bell);
    let (requests, requests_in) = ring(bell);
    let (submissions, submissions_in) = ring(bell);
    let (frames, frames_in) = ring(bell);
    let (replies_out, replies) = ring(bell);
    let (gossip_out, gossip) = ring(bell);
    let (admitted_out, admitted) = ring(bell);
    let rings = MempoolRings {
        notices: notices_in,
        peer_events: peer_events_in,
        requests: requests_in,
        submissions: submissions_in,
        frames: frames_in,
        replies: replies_out,
        gossip: gossip_out,
        admitted: admitted_out,
    };
    let config = MempoolConfig { signatures: SignatureCheck::INLINE, ..MempoolConfig::default() };
    let driver = MempoolDriver::new(config, rules(), Arc::<State>::clone(&state), rings, Arc::clone(&status), log);
    let now = Instant::now();
    Bench { driver, now, state, status, notices, peer_events, requests, submissions, frames, replies, gossip, admitted }
}

type Outcome = Result<TxHash, AdmissionError>;

impl Bench {
    fn turn(&mut self) -> Option<Instant> {
        self.driver.turn(self.now).expect("the log, if there is one, is good")
    }
    fn submit_bytes(&mut self, envelope: Bytes) -> mpsc::Receiver<Outcome> {
        let (sender, receiver) = mpsc::channel();
        let reply = Box::new(move |outcome| sender.send(outcome).unwrap());
        self.submissions.try_send(Submission::Submit { envelope, reply }).unwrap();
        receiver
    }
    fn submit(&mut self, transaction: &Transaction) -> Outcome {
        let receiver = self.submit_bytes(transaction.envelope().clone());
        self.turn();
        receiver.try_recv().expect("answered in the same turn")
    }
    fn frame(&mut self, peer: PeerId, payload: impl Into<Bytes>) {
        let frame = PeerFrame { peer, kind: FrameKind::Transactions, payload: payload.into() };
        self.frames.try_send(TransactionFrame(frame)).unwrap();
    }
    fn hear(&mut self, peer: PeerId, transactions: &[&Arc<Transaction>]) {
        let packed = frames::pack(transactions.iter().map(|transaction| Arc::clone(transaction))).next().unwrap();
        self.frame(peer, packed.payload);
        self.turn();
    }
    fn up(&mut self, peer: PeerId) {
        self.peer_events.try_send(PeerEvent::Up(peer)).unwrap();
        self.turn();
    }
    fn ask(&mut self, request: MempoolRequest) -> Vec<String> {
        self.requests.try_send(request).unwrap();
        self.turn();
        self.answers()
    }
    fn answers(&mut self) -> Vec<String> {
        let say = |reply| match reply {
            MempoolReply::Selected { view, transactions } => format!("{view}:{}", transactions.len()),
            MempoolReply::Handed { view } => format!("{view}:handed"),
        };
        self.replies.drain(100).map(say).collect()
    }
    fn sent(&mut self) -> Vec<(Recipients, Vec<Bytes>)> {
        let read = |GossipCommand(command)| match command {
            NetworkCommand::Send { to, payload, .. } => (to, frames::unpack(&payload).map(Result::unwrap).collect()),
            NetworkCommand::Blame { .. } => panic!("{command:?}"),
        };
        self.gossip.drain(100).map(read).collect()
    }
    fn blamed(&mut self) -> Vec<(PeerId, Offence)> {
        let blame = |GossipCommand(command)| match command {
            NetworkCommand::Blame { peer, offence } => Some((peer, offence)),
            NetworkCommand::Send { .. } => None,
        };
        self.gossip.drain(100).filter_map(blame).collect()
    }
}

fn select(view: u64, branch: Branch) -> MempoolRequest {
    MempoolRequest::Select { view: View(view), branch, max_bytes: 1 << 20, max_gas: u64::MAX }
}

fn watch(view: u64, branch: Branch, leader: PeerId) -> MempoolRequest {
    MempoolRequest::Watch { view: View(view), branch, leader }
}

#[test]
fn a_submission_is_admitted_counted_gossiped_and_known_to_the_ledger() {
    let mut bench = bench();
    let transaction = wallets(1, &bench.state)[0].transfer(0, 1);
    bench.up(PEER);
    assert_eq!(bench.submit(&transaction), Ok(transaction.hash()));
    assert_eq!(bench.admitted.try_recv().unwrap().0, transaction);
    assert_eq!(bench.sent(), [(Recipients::All, vec![transaction.envelope().clone()])]);
    let status = Arc::clone(&bench.status);
    assert_eq!((status.pending.get(), status.queued.get(), status.admitted.get()), (1, 0, 1));
    assert_eq!(status.pool_bytes.get(), transaction.encoded_length() as u64);
    // The same again costs no signature check and no gossip.
    assert_eq!(bench.submit(&transaction), Ok(transaction.hash()));
    assert_eq!((bench.driver.signatures_checked(), bench.sent().len()), (1, 0));
}

#[test]
fn bad_keys_and_signatures_are_refused_next_to_good_ones() {
    let mut bench = bench();
    let wallets = wallets(3, &bench.state);
    let good = wallets[0].transfer(0, 1);
    let mut forged = wallets[1].transfer(0, 1).envelope().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let outcomes = [good.envelope().clone(), forged.into()].map(|envelope| bench.submit_bytes(envelope));
    bench.turn();
    let [first, second] = outcomes.map(|outcome| outcome.try_recv().unwrap());
    assert_eq!(first, Ok(good.hash()));
    assert_eq!(second, Err(TransactionError::Signature.into()));
    assert_eq!((bench.status.admitted.get(), bench.status.refused.get()), (1, 1));
    let word = AdmissionError::from(TransactionError::Signature).word();
    let counted: Vec<_> = (0..REFUSAL_WORDS.len()).filter(|place| bench.status.refusals.at(*place) > 0).collect();
    assert_eq!(counted.iter().map(|place| REFUSAL_WORDS[*place]).collect::<Vec<_>>(), [word]);

    // The identity point: with it, signatures fit almost every message.
    let mut weak = vec![0; 32];
    weak[0] = 1;
    let envelope = good.envelope().to_vec();
    let key = good.fields().public_key.as_bytes();
    let at = envelope.windows(32).position(|window| window == key).unwrap();
    let weak_envelope: Bytes = [&envelope[..at], &weak, &envelope[at + 32..]].concat().into();
    let sender = Transaction::decode(&weak_envelope).unwrap().sender();
    bench.state.set(sender, 0, RICH);
    let outcome = bench.submit_bytes(weak_envelope);
    bench.turn();
    let error = outcome.try_recv().unwrap().unwrap_err();
    assert!(matches!(error, AdmissionError::Transaction(TransactionError::SenderKey(_))), "{error:?}");
}

#[test]
fn a_transaction_that_comes_twice_in_one_turn_is_checked_once_and_both_are_answered() {
    let mut bench = bench();
    let transaction = wallets(1, &bench.state)[0].transfer(0, 1);
    let outcomes = [0, 1].map(|_| bench.submit_bytes(transaction.envelope().clone()));
    bench.hear(PEER, &[&transaction]);
    assert!(outcomes.iter().all(|outcome| outcome.try_recv() == Ok(Ok(transaction.hash()))));
    assert_eq!((bench.driver.signatures_checked(), bench.status.admitted.get()), (1, 1));
}

/// Frames are decoded in pieces; what stands behind the fault is not admitted, whichever piece it is in.
#[test]
fn a_frame_is_taken_in_up_to_its_first_fault() {
    let count = 3 * intake::DECODED_TOGETHER;
    for fault in [0, 1, intake::DECODED_TOGETHER - 1, intake::DECODED_TOGETHER, count - 1] {
        let mut bench = bench();
        bench.up(PEER);
        let wallets = wallets(u16::try_from(count).unwrap(), &bench.state);
        let mut envelopes: Vec<Bytes> = wallets.iter().map(|wallet| wallet.transfer(0, 1).envelope().clone()).collect();
        envelopes[fault] = Bytes::from_static(&[0x02, 0x01]);
        let mut payload = Vec::new();
        minuet_core::alloy_rlp::encode_list::<&Bytes, Bytes>(&envelopes.iter().collect::<Vec<_>>(), &mut payload);
        bench.frame(PEER, payload);
        bench.turn();
        assert_eq!(bench.driver.pool().pending(), fault, "fault at {fault}");
        assert_eq!(bench.blamed(), [(PEER, Offence::Malformed)], "fault at {fault}");
    }
}

/// What the ledger has executed, it has checked; the same sender's next one, with a forged signature, is still caught.
#[test]
fn what_stands_in_an_executed_block_is_admitted_without_another_check() {
    let mut bench = bench();
    bench.up(PEER);
    let wallet = &wallets(1, &bench.state)[0];
    let [known, next] = [0, 1].map(|nonce| wallet.transfer(nonce, 1));
    let mut forged = next.envelope().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    bench.notices.try_send(executed(1, 1, &[Arc::clone(&known)])).unwrap();
    bench.frame(PEER, frames::pack([Arc::clone(&known)]).next().unwrap().payload);
    let outcome = bench.submit_bytes(forged.into());
    bench.turn();
    assert_eq!(outcome.try_recv().unwrap(), Err(TransactionError::Signature.into()));
    assert!(bench.driver.pool().contains(&known.hash()));
    assert_eq!((bench.driver.signatures_checked(), bench.status.admitted.get()), (1, 1));
}

#[test]
fn gossip_is_admitted_but_not_sent_on_and_duplicates_cost_no_signature_check() {
    let mut bench = bench();
    bench.up(PEER);
    bench.up(OTHER);
    let transaction = wallets(1, &bench.state)[0].transfer(0, 1);
    bench.hear(PEER, &[&transaction]);
    bench.hear(OTHER, &[&transaction]);
    assert_eq!((bench.driver.signatures_checked(), bench.driver.pool().pending()), (1, 1));
    assert!(bench.sent().is_empty());
    assert_eq!(bench.admitted.drain(9).count(), 1);
}

#[test]
fn peers_are_blamed_for_what_is_provable_and_not_for_what_depends_on_the_state() {
    let mut bench = bench();
    let wallets = wallets(2, &bench.state);
    let good = wallets[0].transfer(0, 1);
    for payload in [vec![], vec![0xc0], vec![0x80], vec![0xc2, 0x81, 0x05], vec![0xc1, 0x01]] {
        bench.frame(PEER, payload.clone());
        bench.turn();
        assert_eq!(bench.blamed(), [(PEER, Offence::Malformed)], "{payload:?}");
    }
    let mut trailing = frames::pack([Arc::clone(&good)]).next().unwrap().payload.to_vec();
    trailing.push(0);
    bench.frame(PEER, trailing);
    bench.turn();
    assert_eq!(bench.blamed(), [(PEER, Offence::Malformed)]);

    let mut other_chain = unsigned(0, 1);
    other_chain.chain_id = 8;
    bench.hear(PEER, &[&wallets[0].sign(other_chain)]);
    assert_eq!(bench.blamed(), [(PEER, Offence::Invalid)]);

    let mut forged = good.envelope().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    bench.hear(PEER, &[&Arc::new(Transaction::decode(&forged.into()).unwrap())]);
    assert_eq!(bench.blamed(), [(PEER, Offence::BadSignature)]);

    bench.hear(PEER, &[&wallets[0].transfer(64, 1), &Wallet::new(99).transfer(0, 1), &good]);
    assert!(bench.blamed().is_empty());
    assert!(bench.driver.pool().contains(&good.hash()), "the rest of the frame is still looked at");
}

#[test]
fn gossip_lingers_while_busy_and_goes_at_once_after_a_pause() {
    let mut bench = bench();
    bench.up(PEER);
    let wallets = wallets(3, &bench.state);
    bench.submit(&wallets[0].transfer(0, 1)).unwrap();
    assert_eq!(bench.sent().len(), 1);
    bench.submit(&wallets[1].transfer(0, 1)).unwrap();
    let due = bench.turn().unwrap();
    assert_eq!((bench.sent().len(), due - bench.now), (0, Duration::from_millis(2)));
    bench.submit(&wallets[2].transfer(0, 1)).unwrap();
    bench.now = due;
    bench.turn();
    let sent = bench.sent();
    assert_eq!((sent.len(), sent[0].1.len()), (1, 2));
    // Rounds that carry more than one make the next one wait longer, a single one ends that.
    bench.submit(&wallets[0].transfer(1, 1)).unwrap();
    let due = bench.turn().unwrap();
    assert_eq!(due - bench.now, Duration::from_millis(4));
    bench.now = due;
    bench.turn();
    bench.submit(&wallets[1].transfer(1, 1)).unwrap();
    assert_eq!(bench.turn().unwrap() - bench.now, Duration::from_millis(2));
}

/// Gossip for a tenth of a second, so many in all; returns a bench that has taken them in.
fn heard_in_a_tenth(count: usize) -> (Bench, Vec<Wallet>) {
    let mut bench = bench();
    let wallets = wallets(200, &bench.state);
    let transfers: Vec<_> = wallets[..count].iter().map(|wallet| wallet.transfer(0, 1)).collect();
    let (last, others) = transfers.split_last().unwrap();
    for transfer in others {
        bench.hear(PEER, &[transfer]);
    }
    bench.now += Duration::from_millis(100);
    bench.hear(PEER, &[last]);
    assert_eq!(bench.driver.pool().pending(), count);
    (bench, wallets)
}

fn packed(transactions: &[Arc<Transaction>]) -> Bytes {
    frames::pack(transactions.iter().cloned()).next().unwrap().payload
}

#[test]
fn gossip_is_held_for_company_while_it_comes_fast_and_not_under_light_load() {
    let (mut bench, wallets) = heard_in_a_tenth(19);
    bench.hear(PEER, &[&wallets[0].transfer(1, 1)]);
    assert_eq!(bench.driver.pool().pending(), 20, "190 a second are light");

    let (mut bench, wallets) = heard_in_a_tenth(20);
    bench.frame(OTHER, packed(&[wallets[0].transfer(1, 1)]));
    let due = bench.turn().unwrap();
    assert_eq!((bench.driver.pool().pending(), bench.driver.has_work()), (20, false), "held");
    assert_eq!(due - bench.now, Duration::from_millis(40));
    // A client's own never waits.
    assert!(bench.submit(&wallets[1].transfer(1, 1)).is_ok());
    assert_eq!(bench.driver.pool().pending(), 21);
    bench.now = due;
    bench.turn();
    assert_eq!(bench.driver.pool().pending(), 22);
    // One in the next tenth of a second and more: no load any more.
    bench.now += Duration::from_millis(160);
    bench.hear(PEER, &[&wallets[2].transfer(1, 1)]);
    bench.hear(PEER, &[&wallets[3].transfer(1, 1)]);
    assert_eq!(bench.driver.pool().pending(), 24);
}

#[test]
fn gossip_that_comes_very_fast_is_held_for_longer() {
    for (count, held_ms) in [(149, 40), (150, 100)] {
        let (mut bench, wallets) = heard_in_a_tenth(count);
        bench.frame(OTHER, packed(&[wallets[0].transfer(1, 1)]));
        let due = bench.turn().unwrap();
        assert_eq!((bench.driver.pool().pending(), due - bench.now), (count, Duration::from_millis(held_ms)));
    }
}

#[test]
fn a_small_pool_takes_in_what_is_held_before_it_gives_transactions_for_a_block() {
    let (mut bench, wallets) = heard_in_a_tenth(30);
    bench.frame(OTHER, packed(&[wallets[40].transfer(0, 1), wallets[41].transfer(0, 1)]));
    bench.turn();
    assert_eq!(bench.driver.pool().pending(), 30);
    assert_eq!(bench.ask(select(1, branch(&[]))), ["1:32"]);
}

#[test]
fn held_gossip_is_taken_in_before_its_ring_is_full() {
    let (mut bench, wallets) = heard_in_a_tenth(20);
    for wallet in &wallets[20..180] {
        assert!(!bench.driver.has_work());
        bench.frame(PEER, packed(&[wallet.transfer(0, 1)]));
    }
    assert!(bench.driver.has_work());
    bench.turn();
    assert_eq!(bench.driver.pool().pending(), 180);
}

#[test]
fn a_peer_that_connects_gets_the_clients_transactions_and_only_those() {
    let mut bench = bench();
    let wallets = wallets(2, &bench.state);
    let own = wallets[0].transfer(0, 1);
    bench.submit(&own).unwrap();
    bench.hear(OTHER, &[&wallets[1].transfer(0, 1)]);
    assert!(bench.sent().is_empty(), "nobody is connected");
    bench.up(PEER);
    assert_eq!(bench.sent(), [(Recipients::One(PEER), vec![own.envelope().clone()])]);
}

#[test]
fn a_transaction_that_stays_out_of_blocks_is_offered_again() {
    let mut bench = bench();
    bench.up(PEER);
    let wallets = wallets(2, &bench.state);
    let [lost, included] = [0, 1].map(|index: usize| wallets[index].transfer(0, 1));
    bench.submit(&lost).unwrap();
    bench.submit(&included).unwrap();
    bench.notices.try_send(executed(1, 1, std::slice::from_ref(&included))).unwrap();
    let mut repeats = Vec::new();
    for _ in 0..4 {
        let due = bench.turn().expect("a client's transaction waits");
        bench.now = due.max(bench.now);
        bench.turn();
        repeats.extend(bench.sent());
    }
    let again = repeats.iter().filter(|(_, envelopes)| envelopes == &[lost.envelope().clone()]).count();
    assert!(again >= 2, "{repeats:?}");
    assert_eq!(repeats.iter().filter(|(_, envelopes)| envelopes.contains(included.envelope())).count(), 1);
    // An empty pool needs no clock.
    let settled = wallets.iter().map(|wallet| (wallet.address(), 1, minuet_core::U256::from(RICH))).collect();
    bench.notices.try_send(finalized(1, &[1], settled)).unwrap();
    assert_eq!(bench.turn(), None);
}

#[test]
fn frames_stay_within_their_limit_and_lose_nothing() {
    let wallet = Wallet::new(0);
    let big = |nonce| {
        let mut fields = unsigned(nonce, 1);
        fields.data = vec![1; MAX_TRANSACTION_BYTES - 300].into();
        wallet.sign(fields)
    };
    let all: Vec<_> = (0..5).map(big).collect();
    let packed: Vec<_> = frames::pack(all.clone()).collect();
    assert!(packed.iter().all(|packed| packed.payload.len() <= FrameKind::Transactions.max_bytes()));
    let unpacked =
        packed.iter().flat_map(|packed| frames::unpack(&packed.payload).map(Result::unwrap).collect::<Vec<_>>());
    assert!(unpacked.eq(all.iter().map(|transaction| transaction.envelope().clone())));
}

#[test]
fn a_selection_waits_for_the_first_executable_transaction() {
    let mut bench = bench();
    let wallets = wallets(2, &bench.state);
    assert!(bench.ask(select(3, branch(&[]))).is_empty());
    bench.submit(&wallets[0].transfer(1, 1)).unwrap();
    assert!(bench.answers().is_empty(), "it waits behind a gap");
    bench.submit(&wallets[0].transfer(0, 1)).unwrap();
    assert_eq!(bench.answers(), ["3:2"]);
    bench.submit(&wallets[1].transfer(0, 1)).unwrap();
    assert!(bench.answers().is_empty(), "one answer for one request");
    assert_eq!(bench.ask(select(4, branch(&[]))), ["4:3"]);
}

#[test]
fn a_waiting_selection_is_replaced_or_cancelled() {
    let mut bench = bench();
    let wallets = wallets(2, &bench.state);
    assert!(bench.ask(select(1, branch(&[]))).is_empty());
    assert!(bench.ask(select(2, branch(&[]))).is_empty());
    bench.submit(&wallets[0].transfer(0, 1)).unwrap();
    assert_eq!(bench.answers(), ["2:1"]);
    bench.notices.try_send(executed(1, 1, &[wallets[0].transfer(0, 1)])).unwrap();
    assert!(bench.ask(select(3, branch(&[1]))).is_empty());
    assert!(bench.ask(MempoolRequest::Cancel).is_empty());
    bench.submit(&wallets[1].transfer(0, 1)).unwrap();
    assert!(bench.answers().is_empty());
}

#[test]
fn a_selection_waits_for_the_notice_of_its_branch_and_for_the_end_of_a_rival() {
    let mut bench = bench();
    let wallets = wallets(2, &bench.state);
    let [a, b] = [0, 1].map(|index: usize| wallets[index].transfer(0, 1));
    bench.submit(&a).unwrap();
    bench.submit(&b).unwrap();
    assert!(bench.ask(select(2, branch(&[1]))).is_empty(), "block 1 is not known yet");
    bench.notices.try_send(executed(1, 1, std::slice::from_ref(&a))).unwrap();
    bench.turn();
    assert_eq!(bench.answers(), ["2:1"]);
    // Block 1 loses against an empty block 9; its transaction is there for the winner's child.
    bench.notices.try_send(finalized(1, &[9], vec![])).unwrap();
    assert_eq!(bench.ask(select(3, branch(&[]))), ["3:2"]);
}

#[test]
fn the_leader_is_handed_a_transaction_by_our_gossip() {
    let mut bench = bench();
    let wallets = wallets(2, &bench.state);
    bench.up(OTHER);
    bench.submit(&wallets[0].transfer(0, 1)).unwrap();
    assert!(bench.ask(watch(1, branch(&[]), PEER)).is_empty(), "the leader was not connected then");
    bench.up(PEER);
    assert_eq!(bench.answers(), ["1:handed"], "the greeting held it");
    bench.notices.try_send(executed(1, 1, &[wallets[0].transfer(0, 1)])).unwrap();
    assert!(bench.ask(watch(2, branch(&[1]), PEER)).is_empty(), "it is in the branch");
    bench.now += Duration::from_millis(2);
    bench.submit(&wallets[1].transfer(0, 1)).unwrap();
    assert_eq!(bench.answers(), ["2:handed"]);
    assert_eq!(bench.ask(watch(3, branch(&[1]), OTHER)), ["3:handed"]);
}

#[test]
fn a_transaction_from_the_leader_is_handed_and_one_from_another_peer_is_not() {
    let mut bench = bench();
    let wallets = wallets(2, &bench.state);
    let first = wallets[0].transfer(0, 1);
    assert!(bench.ask(watch(1, branch(&[]), PEER)).is_empty());
    bench.hear(OTHER, &[&first]);
    assert!(bench.answers().is_empty());
    bench.hear(PEER, &[&wallets[1].transfer(1, 1)]);
    assert!(bench.answers().is_empty(), "not executable");
    bench.hear(PEER, &[&first]);
    assert_eq!(bench.answers(), ["1:handed"], "a duplicate shows that the leader has it");
    bench.hear(PEER, &[&wallets[1].transfer(0, 1)]);
    assert!(bench.answers().is_empty(), "said once");
}

#[test]
fn queries_are_answered_from_the_pool_and_the_state() {
    let mut bench = bench();
    let wallet = Wallet::new(0);
    bench.state.set(wallet.address(), 3, RICH);
    let transaction = wallet.transfer(3, 1);
    let (sender, nonces) = mpsc::channel();
    let ask_nonce = |bench: &mut Bench| {
        let sender = sender.clone();
        let reply = Box::new(move |nonce| sender.send(nonce).unwrap());
        bench.submissions.try_send(Submission::NextNonce { sender: wallet.address(), reply }).unwrap();
        bench.turn();
        nonces.try_recv().unwrap()
    };
    assert_eq!(ask_nonce(&mut bench), Some(3));
    bench.submit(&transaction).unwrap();
    assert_eq!(ask_nonce(&mut bench), Some(4));
    let (sender, found) = mpsc::channel();
    let reply = Box::new(move |status| sender.send(status).unwrap());
    bench.submissions.try_send(Submission::Query { hash: transaction.hash(), reply }).unwrap();
    bench.turn();
    assert_eq!(found.try_recv(), Ok(PoolStatus::Pending));
}

#[test]
fn transactions_submitted_together_are_answered_together_each_with_its_own_outcome() {
    let mut bench = bench();
    let wallet = Wallet::new(0);
    bench.state.set(wallet.address(), 3, RICH);
    let good = wallet.transfer(3, 1);
    let late = wallet.transfer(1, 1);
    let mut forged = wallet.transfer(4, 1).envelope().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let known = wallet.transfer(5, 1);
    bench.submit(&known).unwrap();
    let envelopes =
        vec![good.envelope().clone(), Bytes::new(), late.envelope().clone(), forged.into(), good.envelope().clone()];
    let envelopes = [envelopes, vec![known.envelope().clone()]].concat();
    let (sender, answered) = mpsc::channel();
    let reply = Box::new(move |outcomes: Vec<Outcome>| sender.send(outcomes).unwrap());
    bench.submissions.try_send(Submission::SubmitMany { envelopes, reply }).unwrap();
    bench.turn();
    let outcomes = answered.try_recv().expect("answered in the same turn");
    assert_eq!(outcomes.len(), 6);
    assert_eq!((&outcomes[0], &outcomes[4], &outcomes[5]), (&Ok(good.hash()), &Ok(good.hash()), &Ok(known.hash())));
    assert!(matches!(outcomes[1], Err(AdmissionError::Transaction(TransactionError::Codec(_)))));
    assert_eq!(outcomes[2], Err(AdmissionError::NonceTooLow { nonce: 1, next: 3 }));
    assert_eq!(outcomes[3], Err(AdmissionError::Transaction(TransactionError::Signature)));
}

#[test]
fn a_turn_takes_only_so_many_however_they_come() {
    let mut bench = bench();
    let wallets = wallets(2, &bench.state);
    let answered = wallets.iter().map(|wallet| {
        let envelopes =
            (0..minuet_core::messages::MAX_SUBMITTED_TOGETHER).map(|_| wallet.transfer(0, 1).envelope().clone());
        let (envelopes, (sender, answered)) = (envelopes.collect(), mpsc::channel());
        let reply = Box::new(move |outcomes: Vec<Outcome>| sender.send(outcomes.len()).unwrap());
        bench.submissions.try_send(Submission::SubmitMany { envelopes, reply }).unwrap();
        answered
    });
    let answered: Vec<_> = answered.collect();
    bench.turn();
    assert_eq!((answered[0].try_recv(), answered[1].try_recv().is_err()), (Ok(512), true));
    bench.turn();
    assert_eq!(answered[1].try_recv(), Ok(512));
}

#[test]
fn the_driver_is_finished_when_consensus_and_the_api_are_gone() {
    let mut bench = bench();
    assert!(!bench.driver.has_work() && !bench.driver.is_finished());
    drop(bench.requests);
    let outcome = {
        let (sender, receiver) = mpsc::channel();
        let reply = Box::new(move |outcome: Outcome| sender.send(outcome).unwrap());
        bench.submissions.try_send(Submission::Submit { envelope: Bytes::new(), reply }).unwrap();
        receiver
    };
    drop(bench.submissions);
    assert!(bench.driver.has_work() && !bench.driver.is_finished());
    bench.driver.turn(bench.now).unwrap();
    assert!(outcome.try_recv().unwrap().is_err());
    assert!(bench.driver.is_finished());
}

#[test]
fn on_its_thread_it_is_rung_awake_and_ends_with_its_rings() {
    let (bell, waiter) = Doorbell::new();
    let mut bench = bench_with(&bell, Arc::default(), None);
    let transaction = wallets(1, &bench.state)[0].transfer(0, 1);
    let outcome = bench.submit_bytes(transaction.envelope().clone());
    let thread = crate::spawn(bench.driver, waiter, |error| panic!("{error}")).unwrap();
    assert_eq!(thread.thread().name(), Some("minuet-mempool"));
    assert_eq!(outcome.recv().unwrap(), Ok(transaction.hash()));
    drop(bench.requests);
    drop(bench.submissions);
    thread.join().unwrap();
}
