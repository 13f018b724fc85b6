//! An exhaustive search through everything that the rules can do: `Replica::step` over a network of messages, with
//! crashes and a Byzantine key that may sign anything, by stateright.
//!
//! Owns the abstraction of a network ([`network`]), of one validator around the production rules ([`local`]), and an
//! oracle that restates every threshold on its own ([`oracle`]). Never does: rules. Whatever a validator says here,
//! `Replica::step` decided.
//!
//! # What a state is
//!
//! - Statements are a set that only grows, and everybody may learn of any of them at any time or never: loss, delay,
//!   reordering and duplication are all among it. What the Byzantine keys may sign is there from the start.
//! - A validator takes in quorums, not single statements: one statement alone changes nothing that the rules look at but
//!   the count towards a certificate, or towards R5's evidence. `tests/fine_grained.rs` holds this against runs in which
//!   every statement is given to the rules one by one.
//! - A proposal, or a time-out, that makes a validator say nothing is the same as one that did not come. (Proposals that
//!   come too early are kept in the wide search, [`world::Options::wide`].)
//! - Certificates of past views in which a validator has had its say change nothing but what it can validate and, if it
//!   leads a later view, what it builds on. Leaders with a view to come choose what they learn of; others learn of these at
//!   once.
//! - A proof of the last view without a vote for it ends what its holder can say. Such states are looked at and not gone
//!   on from; and validators that can say nothing more, restarts included, differ only by what they said.
//! - Every header is known as soon as there is a block: a missing header only delays.
//! - Honest validators that lead none of the views are alike: states that differ by their names are one state.

pub mod local;
pub mod network;
pub mod oracle;
pub mod run;
pub mod seeded;
pub mod table;
pub mod trace;
pub mod world;
