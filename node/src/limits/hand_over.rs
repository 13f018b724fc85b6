//! What it takes to hand a message to another thread that sleeps: a ring, its bell, and the wake-up.

use super::clock::{micros, percentile};
use super::effort::Effort;
use crate::exit::{Exit, Failure};
use minuet_core::ring::{Doorbell, Receiver, RingMessage, Sender, Waiter, WhenFull, ring};
use std::time::{Duration, Instant};

const SPAN_MS: u64 = 600;
const WARM_UP: usize = 100;
/// Both threads sleep for sure before it is over.
const PAUSE: Duration = Duration::from_millis(1);

/// Microseconds one way; medians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HandOverCosts {
    /// One after the other.
    pub back_to_back_us: f64,
    /// After a pause.
    pub idle_us: f64,
}

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

    /// Half of the median there and back, with a pause before each or without.
    fn one_way_us(&mut self, span: Duration, pause: Option<Duration>) -> f64 {
        let (mut ways, until) = (Vec::new(), Instant::now() + span);
        let warm_up = if pause.is_some() { 0 } else { WARM_UP };
        while ways.len() <= warm_up || Instant::now() < until {
            if let Some(pause) = pause {
                std::thread::park_timeout(pause);
            }
            let begun = Instant::now();
            if self.out.send_fitting(Token).is_err() || !self.take() {
                break;
            }
            ways.push(micros(begun.elapsed()) / 2.0);
        }
        percentile(ways.get_mut(warm_up..).unwrap_or_default(), 50)
    }
}

/// Sends a token to another thread and back, again and again.
///
/// # Errors
/// When the system gives no thread.
pub fn measure(effort: Effort) -> Result<HandOverCosts, Failure> {
    let ((here_bell, here_waiter), (there_bell, there_waiter)) = (Doorbell::new(), Doorbell::new());
    let ((there_out, here_back), (here_out, there_back)) = (ring::<Token>(&here_bell), ring::<Token>(&there_bell));
    let mut there = Ends { out: there_out, back: there_back, waiter: there_waiter };
    let mut here = Ends { out: here_out, back: here_back, waiter: here_waiter };
    let answer = move || while there.take() && there.out.send_fitting(Token).is_ok() {};
    let thread = std::thread::Builder::new().name("limits-answer".to_owned()).spawn(answer);
    let thread = thread.map_err(|error| Failure::new(Exit::Generic, format!("the system gives no thread: {error}")))?;
    let span = effort.span(SPAN_MS);
    let back_to_back_us = here.one_way_us(span, None);
    let idle_us = here.one_way_us(span, Some(PAUSE));
    drop(here);
    thread.join().map_err(|_| Failure::new(Exit::Bug, "the answering thread panicked"))?;
    Ok(HandOverCosts { back_to_back_us, idle_us })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_there_and_back_and_the_other_thread_ends() {
        let costs = measure(Effort::new(true)).unwrap();
        assert!(costs.back_to_back_us > 0.0 && costs.idle_us > 0.0, "{costs:?}");
    }
}
