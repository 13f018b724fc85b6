//! What the tests share: a chain whose keys are all here, puppets on its strings, the stage on which one real node meets
//! them, a relay that loses what it is told to, and questions to the node's API.

pub mod api;
pub mod chain;
mod puppet;
mod relay;
mod stage;

pub use chain::{Chain, Header, L, M, N, bitmap, bls_key, notarize, nowhere, nullify};
pub use puppet::Frame;
pub use stage::{Setting, Stage};
