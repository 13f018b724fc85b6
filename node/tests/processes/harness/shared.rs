//! What `minuet chaos` and the tests do alike, from the program's own sources.

#[path = "../../../src/chaos/seen.rs"]
pub mod seen;
#[path = "../../../src/chaos/witness.rs"]
pub mod witness;
