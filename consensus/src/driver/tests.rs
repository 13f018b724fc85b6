//! One driver between rings, and six wired together; signatures are real.

mod bench;
mod catching_up;
mod cluster;
mod hostile;
mod making;
mod rousing;
mod sharing;
mod showing;
mod signing;
