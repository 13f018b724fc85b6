//! Real processes, started, used, killed and damaged as strangers and machines would: through the program, its files
//! and its ports alone.
//!
//! One binary, so that the networks of six come one after the other (see [`harness::Network`]).

mod breakdown;
mod chaos;
mod copies;
mod crashes;
mod damage;
mod dashboard;
mod followers;
mod fsync_order;
mod harness;
mod limits;
mod localnet;
mod metrics;
mod moving;
mod observe;
mod pauses;
mod pool_log;
mod proofs;
mod refusals;
mod retention;
mod stops;
mod storage;
mod traces;
