use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// Only a lost wake-up makes a test wait this long; then it fails.
const WATCHDOG: Duration = Duration::from_secs(120);

macro_rules! message {
    ($name:ident, $capacity:literal, $when_full:ident) => {
        #[derive(Debug, PartialEq)]
        struct $name(u64);
        impl RingMessage for $name {
            const NAME: &'static str = stringify!($name);
            const CAPACITY: usize = $capacity;
            const WHEN_FULL: WhenFull = WhenFull::$when_full;
        }
    };
}

message!(Gossip, 4, DropNewest);
message!(Request, 4, HoldBySender);
message!(Reply, 2, AlwaysFits);

/// Runs both closures on threads of their own and fails if they do not end.
fn run_watched(first: impl FnOnce() + Send + 'static, second: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let done_too = done.clone();
    let threads = [
        thread::spawn(move || {
            first();
            done.send(()).unwrap();
        }),
        thread::spawn(move || {
            second();
            done_too.send(()).unwrap();
        }),
    ];
    for _ in &threads {
        ended.recv_timeout(WATCHDOG).expect("a thread sleeps for ever or failed");
    }
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn no_wake_up_is_lost_in_a_million_messages_between_parking_threads() {
    const COUNT: u64 = 1_000_000;
    let (bell, waiter) = Doorbell::new();
    let (room_bell, room_waiter) = Doorbell::new();
    let (mut sender, receiver) = ring_with_room_bell::<Request>(64, &bell, &room_bell);
    let produce = move || {
        for number in 0..COUNT {
            let mut held = Request(number);
            while let Err(error) = sender.try_send(held) {
                assert!(error.is_full());
                held = error.into_inner();
                room_waiter.park_until(None, || sender.has_room());
            }
        }
        // The receiver parks once more after the last message; dropping the sender wakes it.
    };
    let consume = move || {
        let mut receiver = receiver;
        let mut next = 0;
        while !receiver.is_finished() {
            for Request(number) in receiver.drain(16) {
                assert_eq!(number, next);
                next += 1;
            }
            waiter.park_until(None, || !receiver.is_empty() || receiver.is_abandoned());
        }
        assert_eq!(next, COUNT);
    };
    run_watched(produce, consume);
}

/// Two threads that start each round together, within nanoseconds, so that rare orders of their memory accesses show.
struct Rounds {
    started: AtomicUsize,
    ended: AtomicUsize,
}

impl Rounds {
    fn wait_for(counter: &AtomicUsize, round: usize) {
        let mut spins = 0u32;
        while counter.load(Ordering::Acquire) < round {
            spins += 1;
            if spins.is_multiple_of(128) {
                thread::yield_now();
            }
            hint::spin_loop();
        }
    }

    /// `race` and `other` run at the same time, once a round; then `check` looks at what came of it.
    fn run<S>(
        rounds: usize,
        state: &mut S,
        mut race: impl FnMut(&mut S) -> bool,
        mut other: impl FnMut() + Send,
        mut check: impl FnMut(&mut S, bool),
    ) {
        let this = Self { started: AtomicUsize::new(0), ended: AtomicUsize::new(0) };
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=rounds {
                    Self::wait_for(&this.started, round);
                    other();
                    this.ended.store(round, Ordering::Release);
                }
            });
            for round in 1..=rounds {
                this.started.store(round, Ordering::Release);
                // The other thread needs some tens of nanoseconds to notice; meet it at different points.
                for _ in 0..round % 24 {
                    hint::spin_loop();
                }
                let result = race(state);
                Self::wait_for(&this.ended, round);
                check(state, result);
            }
        });
    }
}

const RACES: usize = 100_000;

fn counting_bell() -> (Doorbell, AsyncWaiter, Arc<AtomicUsize>) {
    let fired = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&fired);
    let (bell, waiter) = Doorbell::from_fn(Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    (bell, waiter, fired)
}

#[test]
fn a_message_that_meets_a_consumer_going_to_sleep_is_seen_or_rung_for() {
    let (bell, waiter, fired) = counting_bell();
    let (mut sender, mut receiver) = ring::<Request>(&bell);
    let mut missed = 0;
    Rounds::run(
        RACES,
        &mut receiver,
        |receiver| waiter.should_sleep(|| !receiver.is_empty()),
        || sender.try_send(Request(0)).unwrap(),
        |receiver, sleeps| {
            let is_rung = fired.swap(0, Ordering::Relaxed) > 0;
            missed += usize::from(sleeps && !is_rung);
            waiter.awake();
            assert_eq!(receiver.try_recv(), Some(Request(0)));
        },
    );
    assert_eq!(missed, 0, "lost wake-ups in {RACES} races");
}

#[test]
fn room_that_meets_a_sender_going_to_sleep_is_seen_or_rung_for() {
    let (bell, waiter, fired) = counting_bell();
    let (mut sender, mut receiver) = ring_with_room_bell::<Request>(1, &Doorbell::silent(), &bell);
    sender.try_send(Request(0)).unwrap();
    let mut missed = 0;
    Rounds::run(
        RACES,
        &mut sender,
        |sender| sender.try_send(Request(1)).is_err() && waiter.should_sleep(|| sender.has_room()),
        || assert!(receiver.drain(1).next().is_some()),
        |sender, sleeps| {
            let is_rung = fired.swap(0, Ordering::Relaxed) > 0;
            missed += usize::from(sleeps && !is_rung);
            waiter.awake();
            // Full again for the next round, whichever side was first in this one.
            let _ = sender.try_send(Request(2));
            assert!(!sender.has_room());
        },
    );
    assert_eq!(missed, 0, "lost wake-ups in {RACES} races");
}

#[test]
fn two_threads_that_answer_each_other_never_miss_a_ring() {
    const ROUNDS: u64 = 20_000;
    let (bell_a, waiter_a) = Doorbell::new();
    let (bell_b, waiter_b) = Doorbell::new();
    let (mut to_b, mut from_a) = ring::<Request>(&bell_b);
    let (mut to_a, mut from_b) = ring::<Reply>(&bell_a);
    let ask = move || {
        for round in 0..ROUNDS {
            to_b.try_send(Request(round)).unwrap();
            let reply = loop {
                match from_b.try_recv() {
                    Some(reply) => break reply,
                    None => waiter_a.park_until(None, || !from_b.is_empty()),
                }
            };
            assert_eq!(reply, Reply(round));
        }
    };
    let answer = move || {
        loop {
            if let Some(Request(round)) = from_a.try_recv() {
                to_a.send_fitting(Reply(round)).unwrap();
            } else if from_a.is_finished() {
                break;
            } else {
                waiter_b.park_until(None, || !from_a.is_empty() || from_a.is_abandoned());
            }
        }
    };
    run_watched(ask, answer);
}

#[test]
fn one_bell_serves_many_rings_of_one_thread() {
    const COUNT: u64 = 50_000;
    let (bell, waiter) = Doorbell::new();
    let (mut requests, mut request_receiver) = ring_with_capacity::<Request>(COUNT as usize, &bell);
    let (mut gossip, mut gossip_receiver) = ring_with_capacity::<Gossip>(COUNT as usize, &bell);
    let produce = move || {
        let other = thread::spawn(move || {
            for number in 0..COUNT {
                assert!(gossip.send_or_drop(Gossip(number)));
                thread::yield_now();
            }
        });
        for number in 0..COUNT {
            requests.try_send(Request(number)).unwrap();
        }
        other.join().unwrap();
    };
    let consume = move || {
        let (mut seen_requests, mut seen_gossip) = (0, 0);
        while seen_requests + seen_gossip < 2 * COUNT {
            seen_requests += request_receiver.drain(7).count() as u64;
            seen_gossip += gossip_receiver.drain(7).count() as u64;
            if seen_requests + seen_gossip < 2 * COUNT {
                waiter.park_until(None, || !request_receiver.is_empty() || !gossip_receiver.is_empty());
            }
        }
    };
    run_watched(produce, consume);
}

#[test]
fn a_hook_wakes_an_announced_sleeper_and_only_once() {
    let (bell, waiter, fired) = counting_bell();
    let (mut sender, mut receiver) = ring::<Request>(&bell);

    sender.try_send(Request(0)).unwrap();
    assert_eq!(fired.load(Ordering::Relaxed), 0, "an awake consumer is not woken");
    assert!(!waiter.should_sleep(|| !receiver.is_empty()), "there is work");
    assert_eq!(receiver.try_recv(), Some(Request(0)));

    assert!(waiter.should_sleep(|| !receiver.is_empty()));
    sender.try_send(Request(1)).unwrap();
    sender.try_send(Request(2)).unwrap();
    assert_eq!(fired.load(Ordering::Relaxed), 1, "one wake-up for one sleep");
    waiter.awake();
    assert_eq!(receiver.drain(10).count(), 2);
}

#[test]
fn a_hooked_consumer_never_misses_a_message() {
    const COUNT: u64 = 200_000;
    // A one-slot channel behaves as a stored wake-up permit.
    let (permit, permits) = mpsc::sync_channel(1);
    let (bell, waiter) = Doorbell::from_fn(Arc::new(move || {
        let _ = permit.try_send(());
    }));
    let (mut sender, mut receiver) = ring_with_capacity::<Request>(COUNT as usize, &bell);
    let produce = move || {
        for number in 0..COUNT {
            sender.try_send(Request(number)).unwrap();
            if number % 8 == 0 {
                thread::yield_now();
            }
        }
    };
    let consume = move || {
        let mut next = 0;
        while next < COUNT {
            next += receiver.drain(3).count() as u64;
            if next < COUNT && waiter.should_sleep(|| !receiver.is_empty()) {
                permits.recv().unwrap();
                waiter.awake();
            }
        }
    };
    run_watched(produce, consume);
}

#[test]
fn parking_ends_at_the_deadline_and_not_at_all_with_work() {
    let (bell, waiter) = Doorbell::new();
    waiter.park_until(None, || true);
    waiter.park_until(Some(Instant::now()), || false);
    bell.ring();
    waiter.park_until(Some(Instant::now() + Duration::from_millis(1)), || false);
}

#[test]
fn both_ends_work_on_one_thread() {
    let bell = Doorbell::silent();
    let (mut sender, mut receiver) = ring::<Request>(&bell);
    for number in 0..100 {
        sender.try_send(Request(number)).unwrap();
        assert_eq!(receiver.len(), 1);
        assert_eq!(receiver.try_recv(), Some(Request(number)));
    }
    assert!(receiver.is_empty());

    let (bell, waiter) = Doorbell::new();
    let (mut sender, mut receiver) = ring::<Request>(&bell);
    for number in 0..100 {
        sender.try_send(Request(number)).unwrap();
        waiter.park_until(None, || !receiver.is_empty());
        assert_eq!(receiver.try_recv(), Some(Request(number)));
    }
}

#[test]
fn a_full_ring_hands_the_message_back_and_counts_it() {
    let (mut sender, mut receiver) = ring::<Request>(&Doorbell::silent());
    for number in 0..4 {
        assert_eq!(sender.slots(), 4 - number as usize);
        sender.try_send(Request(number)).unwrap();
    }
    assert!(!sender.has_room());
    match sender.try_send(Request(9)) {
        Err(SendError::Full(Request(9))) => {}
        other => panic!("{other:?}"),
    }
    let stats = Arc::clone(sender.stats());
    assert_eq!(stats.snapshot(), RingSnapshot { sent: 4, received: 0, dropped: 0, full: 1 });
    assert_eq!((stats.name(), stats.depth(), stats.capacity()), ("Request", 4, 4));
    assert_eq!(receiver.try_recv(), Some(Request(0)));
    assert!(sender.has_room());
    assert_eq!(stats.depth(), 3);
    assert_eq!(receiver.stats().snapshot().received, 1);
}

#[test]
fn gossip_that_does_not_fit_is_dropped_and_counted() {
    let (mut sender, mut receiver) = ring::<Gossip>(&Doorbell::silent());
    let sent = (0..6).filter(|number| sender.send_or_drop(Gossip(*number))).count();
    assert_eq!(sent, 4);
    assert_eq!(sender.stats().snapshot(), RingSnapshot { sent: 4, received: 0, dropped: 2, full: 2 });
    let kept: Vec<_> = receiver.drain(10).collect();
    assert_eq!(kept, [Gossip(0), Gossip(1), Gossip(2), Gossip(3)]);
    drop(receiver);
    assert!(!sender.send_or_drop(Gossip(6)));
    assert_eq!(sender.stats().snapshot().dropped, 3);
}

#[test]
#[should_panic(expected = "more requests outstanding")]
fn a_reply_that_does_not_fit_is_a_bug() {
    let (mut sender, _receiver) = ring::<Reply>(&Doorbell::silent());
    for number in 0..3 {
        sender.send_fitting(Reply(number)).unwrap();
    }
}

#[test]
fn a_drain_is_bounded_and_leaves_the_rest() {
    let (mut sender, mut receiver) = ring::<Request>(&Doorbell::silent());
    for number in 0..4 {
        sender.try_send(Request(number)).unwrap();
    }
    assert_eq!(receiver.drain(0).count(), 0);
    assert_eq!(receiver.drain(2).count(), 2);
    assert_eq!(receiver.drain(usize::MAX).collect::<Vec<_>>(), [Request(2), Request(3)]);
}

#[test]
fn an_abandoned_ring_is_noticed_on_both_sides() {
    let (mut sender, receiver) = ring::<Request>(&Doorbell::silent());
    assert!(!sender.is_abandoned());
    drop(receiver);
    assert!(sender.is_abandoned());
    match sender.try_send(Request(1)) {
        Err(SendError::Disconnected(Request(1))) => {}
        other => panic!("{other:?}"),
    }

    let (mut sender, mut receiver) = ring::<Request>(&Doorbell::silent());
    sender.try_send(Request(1)).unwrap();
    drop(sender);
    assert!(receiver.is_abandoned() && !receiver.is_finished());
    assert_eq!(receiver.try_recv(), Some(Request(1)));
    assert!(receiver.is_finished());
}

#[test]
fn dropping_an_end_rings_the_other() {
    let (bell, waiter, fired) = counting_bell();
    let (sender, receiver) = ring::<Request>(&bell);
    assert!(waiter.should_sleep(|| receiver.is_abandoned()));
    drop(sender);
    assert_eq!(fired.load(Ordering::Relaxed), 1);
    assert!(receiver.is_abandoned());

    let (sender, receiver) = ring_with_room_bell::<Request>(1, &Doorbell::silent(), &bell);
    assert!(waiter.should_sleep(|| sender.is_abandoned()));
    drop(receiver);
    assert_eq!(fired.load(Ordering::Relaxed), 2);
    assert!(sender.is_abandoned());
}

#[test]
fn a_sender_without_room_is_rung_when_there_is_some_and_only_then() {
    let (room_bell, waiter, fired) = counting_bell();
    let (mut sender, mut receiver) = ring_with_room_bell::<Request>(2, &Doorbell::silent(), &room_bell);
    sender.try_send(Request(0)).unwrap();
    assert!(waiter.should_sleep(|| false));
    assert_eq!(receiver.try_recv(), Some(Request(0)));
    assert_eq!(fired.load(Ordering::Relaxed), 0, "nobody asked for room yet");
    waiter.awake();

    sender.try_send(Request(1)).unwrap();
    sender.try_send(Request(2)).unwrap();
    assert!(sender.try_send(Request(3)).is_err());
    assert!(waiter.should_sleep(|| sender.has_room()));
    assert_eq!(receiver.drain(2).count(), 2);
    assert_eq!(fired.load(Ordering::Relaxed), 1);
}
