//! Waking a consumer that has gone to sleep, at next to no cost while it is awake.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::Instant;

use crossbeam::sync::{Parker, Unparker};
use crossbeam::utils::CachePadded;

/// How a sleeping consumer is woken.
enum Wake {
    Thread(Unparker),
    Hook(Arc<dyn Fn() + Send + Sync>),
    Nobody,
}

struct Bell {
    asleep: CachePadded<AtomicBool>,
    wake: Wake,
}

impl Bell {
    fn new(wake: Wake) -> Arc<Self> {
        Arc::new(Self { asleep: CachePadded::new(AtomicBool::new(false)), wake })
    }

    /// The consumer's half: the announcement becomes visible before anything that it reads afterwards.
    fn announce_sleep(&self) {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    fn announce_awake(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }
}

/// The ringing half, held by every sender that feeds one consumer. Cloning gives another handle to the same bell.
#[derive(Clone)]
pub struct Doorbell(Arc<Bell>);

impl Doorbell {
    /// A bell for a consumer that is a thread. The [`Waiter`] goes to that thread.
    #[must_use]
    pub fn new() -> (Self, Waiter) {
        let parker = Parker::new();
        let bell = Bell::new(Wake::Thread(parker.unparker().clone()));
        (Self(Arc::clone(&bell)), Waiter { bell, parker })
    }

    /// A bell for a consumer that is an async task: `hook` is called to wake it, once per announced sleep. The hook must
    /// be remembered if it comes before the task waits (as a stored permit of a `Notify` is), and must not block.
    #[must_use]
    pub fn from_fn(hook: Arc<dyn Fn() + Send + Sync>) -> (Self, AsyncWaiter) {
        let bell = Bell::new(Wake::Hook(hook));
        (Self(Arc::clone(&bell)), AsyncWaiter { bell })
    }

    /// A bell that wakes nobody, for a consumer that is polled (simulation, tests).
    #[must_use]
    pub fn silent() -> Self {
        Self(Bell::new(Wake::Nobody))
    }

    /// Wakes the consumer if it sleeps. Call it after making visible what the consumer shall find.
    pub fn ring(&self) {
        fence(Ordering::SeqCst);
        // Only the ringer that takes the announcement wakes: many ringers cost one wake-up.
        if self.0.asleep.load(Ordering::Relaxed) && self.0.asleep.swap(false, Ordering::AcqRel) {
            match &self.0.wake {
                Wake::Thread(unparker) => unparker.unpark(),
                Wake::Hook(hook) => hook(),
                Wake::Nobody => {}
            }
        }
    }
}

impl fmt::Debug for Doorbell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wakes = match &self.0.wake {
            Wake::Thread(_) => "thread",
            Wake::Hook(_) => "hook",
            Wake::Nobody => "nobody",
        };
        f.debug_struct("Doorbell").field("wakes", &wakes).field("asleep", &self.0.asleep).finish()
    }
}

/// The waiting half of a thread's bell: one per bell, not clonable.
pub struct Waiter {
    bell: Arc<Bell>,
    parker: Parker,
}

impl Waiter {
    /// Parks until the bell rings or the deadline passes; returns at once if `has_work`. `has_work` is asked once more
    /// after the sleep was announced and must look at everything that this bell rings for: receivers that are not empty
    /// or are abandoned, and room in rings that a held message waits for.
    ///
    /// May return early without work; the caller loops anyway.
    pub fn park_until(&self, deadline: Option<Instant>, mut has_work: impl FnMut() -> bool) {
        if has_work() {
            return;
        }
        self.bell.announce_sleep();
        if !has_work() {
            match deadline {
                Some(deadline) => self.parker.park_deadline(deadline),
                None => self.parker.park(),
            }
        }
        self.bell.announce_awake();
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").field("asleep", &self.bell.asleep).finish_non_exhaustive()
    }
}

/// The waiting half of a task's bell. The task drains its rings, calls [`AsyncWaiter::prepare_sleep`], looks at its
/// rings once more, and only if they are empty awaits what the hook fires; then it calls [`AsyncWaiter::awake`].
pub struct AsyncWaiter {
    bell: Arc<Bell>,
}

impl AsyncWaiter {
    /// Announces sleep. What was pushed before is visible to the caller's next look; whatever is pushed later fires the
    /// hook.
    pub fn prepare_sleep(&self) {
        self.bell.announce_sleep();
    }

    /// Takes the announcement back.
    pub fn awake(&self) {
        self.bell.announce_awake();
    }

    /// [`AsyncWaiter::prepare_sleep`] and the last look in one: true if the task should now await its hook (sleep stays
    /// announced), false if there is work (it is taken back).
    pub fn should_sleep(&self, mut has_work: impl FnMut() -> bool) -> bool {
        self.prepare_sleep();
        if has_work() {
            self.awake();
            return false;
        }
        true
    }
}

impl fmt::Debug for AsyncWaiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncWaiter").field("asleep", &self.bell.asleep).finish()
    }
}
