//! The dashboard in a real browser: headless Chromium, spoken to over its own protocol, before a real network of six.
//!
//! What is awaited is awaited in the page itself, by what it shows. Screenshots of all tabs go to the folder for tests in the
//! build outputs (`target/tmp/dashboard/`). `axe/` is axe-core 4.14.1 (MPL-2.0) as published, for tests alone: it is never
//! built into the program.

mod checks;
mod chromium;
mod dashboard;
#[path = "../processes/harness/mod.rs"]
mod harness;
mod page;
