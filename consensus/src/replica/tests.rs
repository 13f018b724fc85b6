//! The rules, replica by replica and six together.

mod lone;
mod net;
mod random;
mod rules;
mod views;
