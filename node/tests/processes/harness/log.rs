//! What a process says on standard error, to wait for.

use super::LIMIT;
use std::io::{BufRead as _, BufReader};
use std::process::ChildStderr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What a panic left behind is still good to look at.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a process has logged so far.
#[derive(Default)]
pub struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    more: Condvar,
}

impl Log {
    /// Reads a process's standard error until it ends.
    pub fn of(stderr: ChildStderr) -> Arc<Self> {
        let log = Arc::new(Self::default());
        let reader = log.clone();
        std::thread::spawn(move || reader.read(stderr));
        log
    }

    pub fn text(&self) -> String {
        self.lines.lock().unwrap().0.join("\n")
    }

    /// Waits until it has this.
    pub fn says(&self, part: &str) -> String {
        self.find(part).unwrap_or_else(|| panic!("'{part}' was never said:\n{}", self.text()))
    }

    fn read(&self, from: ChildStderr) {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            self.lines.lock().unwrap().0.push(line);
            self.more.notify_all();
        }
        self.lines.lock().unwrap().1 = true;
        self.more.notify_all();
    }

    /// The first line that has this already.
    pub fn has(&self, part: &str) -> Option<String> {
        locked(&self.lines).0.iter().find(|line| line.contains(part)).cloned()
    }

    /// How many lines have this so far.
    pub fn count(&self, part: &str) -> usize {
        locked(&self.lines).0.iter().filter(|line| line.contains(part)).count()
    }

    /// The first line with this text; `None` if the process ended, or took too long, without one.
    fn find(&self, part: &str) -> Option<String> {
        let deadline = Instant::now() + LIMIT;
        let mut lines = self.lines.lock().unwrap();
        loop {
            if let Some(line) = lines.0.iter().find(|line| line.contains(part)) {
                return Some(line.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if lines.1 || left.is_zero() {
                return None;
            }
            lines = self.more.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Waits for the last line of a process that ends; whether it came in time.
    pub fn ends(&self) -> bool {
        let waited = self.more.wait_timeout_while(locked(&self.lines), LIMIT, |lines| !lines.1);
        waited.is_ok_and(|(lines, _)| lines.1)
    }
}
