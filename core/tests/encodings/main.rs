//! Every encoded type: golden vectors, round trips, and decoders that meet random and damaged bytes.

mod golden;
mod random;
mod samples;
