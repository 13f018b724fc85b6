//! Sums of many curve points, and signatures, on processors with AVX-512 and its products of 52 bits (IFMA), eight of
//! everything side by side (decision 0019).
//!
//! Owns: arithmetic of field and points in vectors, reading of encodings, the sums, signing. Never does: give a verdict that
//! stands alone; who is told that a sum is not small looks at each signature with the library.
//!
//! Invariants:
//! - Variable time, so never secrets, but for what [`sign_each`] uses.
//! - Everything that names an instruction is `inline(always)` and no closure: what is compiled by itself is compiled
//!   without them, and takes ten times as long.

mod decode;
mod digits;
mod field;
mod packed;
mod point;
mod sha512;
mod sign;
mod sum;
mod tables;
#[cfg(test)]
mod tests;

pub(super) use decode::decode;
pub(super) use digits::Factor;
pub(super) use field::Wide;
pub(super) use point::Row;
pub(super) use sha512::sha512_each;
pub(super) use sign::sign_each;
pub(super) use sum::is_small;
pub(super) use tables::{Table, sum_each};
