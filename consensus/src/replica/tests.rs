//! The rules, replica by replica and six together.

mod net;
mod random;
mod rules;
