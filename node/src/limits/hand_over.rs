//! What it takes to hand a message to another thread that sleeps: a ring, its bell, and the wake-up.

use super::clock::{micros, percentile};
use super::effort::Effort;
use crate::exit::{Exit, Failure};
use minuet_core::ring::{Doorbell, Receiver, RingMessage, Sender, Waiter, WhenFull, ring};
use std::time::Instant;

const SPAN_MS: u64 = 600;
const WARM_UP: usize = 100;

struct Token;

impl RingMessage for Token {
    const NAME: &'static str = "limits_token";
    const CAPACITY: usize = 1;
    const WHEN_FULL: WhenFull = WhenFull::AlwaysFits;
}

/// One thread's ends.
struct Ends {
    out: Sender<Token>,
    back: Receiver<Token>,
    waiter: Waiter,
}

impl Ends {
    /// Waits for the token; false when the other side is gone.
    fn take(&mut self) -> bool {
        loop {
            if self.back.try_recv().is_some() {
                return true;
            }
            if self.back.is_finished() {
                return false;
            }
            let back = &self.back;
            self.waiter.park_until(None, || !back.is_empty() || back.is_abandoned());
        }
    }
}

/// Microseconds one way; the median.
///
/// # Errors
/// When the system gives no thread.
pub fn measure(effort: Effort) -> Result<f64, Failure> {
    let ((here_bell, here_waiter), (there_bell, there_waiter)) = (Doorbell::new(), Doorbell::new());
    let ((there_out, here_back), (here_out, there_back)) = (ring::<Token>(&here_bell), ring::<Token>(&there_bell));
    let mut there = Ends { out: there_out, back: there_back, waiter: there_waiter };
    let mut here = Ends { out: here_out, back: here_back, waiter: here_waiter };
    let answer = move || while there.take() && there.out.send_fitting(Token).is_ok() {};
    let thread = std::thread::Builder::new().name("limits-answer".to_owned()).spawn(answer);
    let thread = thread.map_err(|error| Failure::new(Exit::Generic, format!("the system gives no thread: {error}")))?;
    let (mut ways, until) = (Vec::new(), Instant::now() + effort.span(SPAN_MS));
    while ways.len() <= WARM_UP || Instant::now() < until {
        let begun = Instant::now();
        if here.out.send_fitting(Token).is_err() || !here.take() {
            break;
        }
        ways.push(micros(begun.elapsed()) / 2.0);
    }
    drop(here);
    thread.join().map_err(|_| Failure::new(Exit::Bug, "the answering thread panicked"))?;
    Ok(percentile(ways.get_mut(WARM_UP..).unwrap_or_default(), 50))
}
