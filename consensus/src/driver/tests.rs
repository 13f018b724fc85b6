//! One driver between rings, and six wired together; signatures are real.

mod bench;
mod catching_up;
mod cluster;
mod hostile;
mod making;
mod sharing;
mod showing;
mod signing;
