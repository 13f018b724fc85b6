//! The sending and the receiving end of a ring.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::{Doorbell, RingMessage, RingStats, WhenFull};

/// A ring with the capacity that its message type declares; `bell` belongs to the receiving thread.
///
/// # Panics
/// If the declared capacity is zero.
#[must_use]
pub fn ring<T: RingMessage>(bell: &Doorbell) -> (Sender<T>, Receiver<T>) {
    build(T::CAPACITY, bell, None)
}

/// As [`ring`] with another capacity (a bound that follows the committee's size, or a small one in tests).
///
/// # Panics
/// If the capacity is zero.
#[must_use]
pub fn ring_with_capacity<T: RingMessage>(capacity: usize, bell: &Doorbell) -> (Sender<T>, Receiver<T>) {
    build(capacity, bell, None)
}

/// As [`ring_with_capacity`], and the receiver rings `room_bell`, the sending thread's own, when it takes messages out
/// after a send found the ring full: for senders that hold a message or stop reading until there is room. Their
/// `has_work` asks [`Sender::has_room`] while they hold one.
///
/// # Panics
/// If the capacity is zero.
#[must_use]
pub fn ring_with_room_bell<T: RingMessage>(
    capacity: usize,
    bell: &Doorbell,
    room_bell: &Doorbell,
) -> (Sender<T>, Receiver<T>) {
    build(capacity, bell, Some(room_bell))
}

fn build<T: RingMessage>(capacity: usize, bell: &Doorbell, room_bell: Option<&Doorbell>) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "ring {} needs a capacity of at least one", T::NAME);
    let (producer, consumer) = RingBuffer::new(capacity);
    let stats = Arc::new(RingStats::new(T::NAME, capacity, T::WHEN_FULL));
    let room = room_bell.map(|bell| Arc::new(Room { wanted: AtomicBool::new(false), bell: bell.clone() }));
    let sender =
        Sender { producer, stats: Arc::clone(&stats), room: room.clone(), bell: RingOnDrop(Some(bell.clone())) };
    let farewell = RingOnDrop(room_bell.cloned());
    (sender, Receiver { consumer, stats, room, _farewell: farewell })
}

/// Why a message was not sent; it is handed back.
pub enum SendError<T> {
    /// The ring is full for now.
    Full(T),
    /// The receiver is gone for good.
    Disconnected(T),
}

impl<T> SendError<T> {
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Disconnected(value) => value,
        }
    }

    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "Full(..)" } else { "Disconnected(..)" })
    }
}

impl<T: RingMessage> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_full() { "full" } else { "closed by its receiver" };
        write!(f, "ring {} is {state}", T::NAME)
    }
}

impl<T: RingMessage> std::error::Error for SendError<T> {}

/// A sender that found no room leaves word here; the receiver rings back.
struct Room {
    wanted: AtomicBool,
    bell: Doorbell,
}

impl Room {
    fn ask(&self) {
        self.wanted.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    fn cancel(&self) {
        self.wanted.store(false, Ordering::Relaxed);
    }

    fn grant(&self) {
        fence(Ordering::SeqCst);
        if self.wanted.load(Ordering::Relaxed) && self.wanted.swap(false, Ordering::AcqRel) {
            self.bell.ring();
        }
    }
}

/// Declared as an end's last field, so that it rings after the end itself was abandoned.
struct RingOnDrop(Option<Doorbell>);

impl RingOnDrop {
    fn ring(&self) {
        if let Some(bell) = &self.0 {
            bell.ring();
        }
    }
}

impl Drop for RingOnDrop {
    fn drop(&mut self) {
        self.ring();
    }
}

/// The sending end. Sends in order, never waits.
pub struct Sender<T: RingMessage> {
    producer: Producer<T>,
    stats: Arc<RingStats>,
    room: Option<Arc<Room>>,
    bell: RingOnDrop,
}

impl<T: RingMessage> Sender<T> {
    /// Sends and rings.
    ///
    /// # Errors
    /// The message comes back when the ring is full (counted) or its receiver is gone.
    pub fn try_send(&mut self, value: T) -> Result<(), SendError<T>> {
        if self.producer.is_abandoned() {
            return Err(SendError::Disconnected(value));
        }
        match self.push(value) {
            Ok(()) => {
                self.stats.count_sent();
                self.bell.ring();
                Ok(())
            }
            Err(value) => {
                self.stats.count_full();
                Err(SendError::Full(value))
            }
        }
    }

    /// Sends, or drops and counts the message; true if it was sent. Compiles only for messages that declare
    /// [`WhenFull::DropNewest`] (B-RING).
    pub fn send_or_drop(&mut self, value: T) -> bool {
        const { assert!(matches!(T::WHEN_FULL, WhenFull::DropNewest), "this message must not be dropped") };
        let is_sent = self.try_send(value).is_ok();
        if !is_sent {
            self.stats.count_dropped();
        }
        is_sent
    }

    /// Sends a message that must fit. Compiles only for messages that declare [`WhenFull::AlwaysFits`].
    ///
    /// # Errors
    /// The message comes back when the receiver is gone.
    ///
    /// # Panics
    /// If the ring is full: more requests were outstanding than there is room for replies, which is a bug here.
    pub fn send_fitting(&mut self, value: T) -> Result<(), T> {
        const { assert!(matches!(T::WHEN_FULL, WhenFull::AlwaysFits), "this message may find its ring full") };
        match self.try_send(value) {
            Ok(()) => Ok(()),
            Err(SendError::Disconnected(value)) => Err(value),
            Err(SendError::Full(_)) => {
                panic!(
                    "ring {} overflowed: more requests outstanding than its {} slots",
                    T::NAME,
                    self.stats.capacity()
                )
            }
        }
    }

    fn push(&mut self, value: T) -> Result<(), T> {
        let Err(PushError::Full(value)) = self.producer.push(value) else { return Ok(()) };
        let Some(room) = &self.room else { return Err(value) };
        // Ask first, look again after: a receiver that made room in between was not yet told to ring.
        room.ask();
        let Err(PushError::Full(value)) = self.producer.push(value) else {
            room.cancel();
            return Ok(());
        };
        Err(value)
    }

    /// How many messages fit now, at least.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.producer.slots()
    }

    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.producer.is_full()
    }

    /// Whether the receiver is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.producer.is_abandoned()
    }

    #[must_use]
    pub fn stats(&self) -> &Arc<RingStats> {
        &self.stats
    }
}

impl<T: RingMessage> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("stats", &self.stats).finish_non_exhaustive()
    }
}

/// The receiving end. Never waits: sleeping is the bell's business.
pub struct Receiver<T: RingMessage> {
    consumer: Consumer<T>,
    stats: Arc<RingStats>,
    room: Option<Arc<Room>>,
    _farewell: RingOnDrop,
}

impl<T: RingMessage> Receiver<T> {
    /// The oldest message, if there is one.
    pub fn try_recv(&mut self) -> Option<T> {
        let value = self.take()?;
        self.grant_room();
        Some(value)
    }

    /// At most `max` messages, oldest first, including such as arrive meanwhile.
    pub fn drain(&mut self, max: usize) -> Drain<'_, T> {
        Drain { receiver: self, left: max, took: false }
    }

    fn take(&mut self) -> Option<T> {
        let value = self.consumer.pop().ok()?;
        self.stats.count_received();
        Some(value)
    }

    fn grant_room(&self) {
        if let Some(room) = &self.room {
            room.grant();
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.consumer.is_empty()
    }

    /// How many messages wait, at least.
    #[must_use]
    pub fn len(&self) -> usize {
        self.consumer.slots()
    }

    /// Whether the sender is gone; messages may still wait.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.consumer.is_abandoned()
    }

    /// Whether the sender is gone and everything it sent was received.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        // In this order: nothing can be pushed after the ring was seen abandoned.
        self.consumer.is_abandoned() && self.consumer.is_empty()
    }

    #[must_use]
    pub fn stats(&self) -> &Arc<RingStats> {
        &self.stats
    }
}

impl<T: RingMessage> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("stats", &self.stats).finish_non_exhaustive()
    }
}

/// A bounded run of messages; see [`Receiver::drain`]. Messages not asked for stay in the ring.
#[derive(Debug)]
pub struct Drain<'a, T: RingMessage> {
    receiver: &'a mut Receiver<T>,
    left: usize,
    took: bool,
}

impl<T: RingMessage> Iterator for Drain<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let value = self.receiver.take()?;
        self.took = true;
        Some(value)
    }
}

impl<T: RingMessage> Drop for Drain<'_, T> {
    fn drop(&mut self) {
        if self.took {
            self.receiver.grant_room();
        }
    }
}
