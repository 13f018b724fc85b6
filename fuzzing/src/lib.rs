//! Everything that decodes bytes from elsewhere, as functions from bytes to a verdict: what cargo-fuzz calls with its own
//! inputs (`fuzz/`), and what the tests call with the saved ones (`fuzz/corpus/`) and a fixed number of mutants of them.
//!
//! Owns: the [targets](TARGETS) and the properties they hold their decoders to, the seeds of the corpora, the mutations,
//! the [runner]. Never does: belong to the shipped program.
//!
//! Invariants:
//! - A target is a function of its input alone: the same bytes, the same verdict, in any order and any build.
//! - A target panics when a property is broken, and only then: what is decoded has exactly one encoding, is within the
//!   limits of its kind, and what verifies is what somebody signed. Time and memory are the runner's to measure.
//! - What a run does follows from its seed, its number and the corpus.

mod block;
mod chance;
mod database;
mod files;
mod frame;
mod genesis;
mod messages;
mod mutate;
mod rlp;
pub mod runner;
pub mod samples;
mod seeds;

pub use mutate::mutant_of;
pub use seeds::Seed;

/// One decoder, or one family of them, and what it is given.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Also of its corpus, `fuzz/corpus/NAME/`, and of the binary of cargo-fuzz.
    pub name: &'static str,
    /// Reads an input: whether it is a value. Panics when a property is broken.
    pub run: fn(&[u8]) -> bool,
    /// Genuine values, and broken ones that must be refused.
    pub seeds: fn() -> Vec<Seed>,
    /// Memory that a run may take: so much in any case.
    pub fixed_bytes: usize,
    /// And so many bytes for each byte of the input; no more than the items of a whole block and eight times the input.
    pub bytes_per_byte: usize,
    /// Mutants of every file of the corpus in a plain test run.
    pub mutants: u64,
}

const KIB: usize = 1 << 10;
/// What the items of a body take that are as many and as short as can be, 32 bytes each: the most that any decoder may
/// keep beyond a multiple of its input.
const MOST_ITEM_BYTES: usize = 32 * minuet_core::block::MAX_BLOCK_TRANSACTIONS;

const fn target(name: &'static str, run: fn(&[u8]) -> bool, seeds: fn() -> Vec<Seed>) -> Target {
    Target { name, run, seeds, fixed_bytes: 16 * KIB, bytes_per_byte: 40, mutants: 4000 }
}

impl Target {
    /// Memory that a run over an input of this length may take.
    #[must_use]
    pub fn allowed_bytes(&self, length: usize) -> usize {
        self.fixed_bytes + (self.bytes_per_byte * length).min(MOST_ITEM_BYTES + 8 * length)
    }
}

/// All targets that libraries hold. Those of the program itself are in `node/src/config/fuzz_tests.rs` and
/// `node/src/journal/fuzz_tests.rs`.
pub const TARGETS: [Target; 19] = [
    Target { fixed_bytes: 96 * KIB, ..target("frame", frame::frame, seeds::frame) },
    target("handshake", messages::handshake, seeds::handshake),
    target("statement", messages::statement, seeds::statement),
    target("certificate", messages::certificate, seeds::certificate),
    target("proposal", messages::proposal, seeds::proposal),
    target("body", messages::body, seeds::body),
    target("request", messages::request, seeds::request),
    target("response", messages::response, seeds::response),
    target("transactions", messages::transactions, seeds::transactions),
    target("evidence", messages::evidence, seeds::evidence),
    target("finality_proof", messages::finality_proof, seeds::finality_proof),
    target("header", block::header, seeds::header),
    target("block", block::block, seeds::block),
    target("transaction", block::transaction, seeds::transaction),
    target("journal_record", files::journal_record, seeds::journal_record),
    // The disk in memory and the comparisons count too; a chunk of the reader is 64 KiB.
    Target {
        fixed_bytes: 512 * KIB,
        bytes_per_byte: 48,
        mutants: 800,
        ..target("journal", files::journal, seeds::journal)
    },
    Target {
        fixed_bytes: 512 * KIB,
        bytes_per_byte: 48,
        mutants: 800,
        ..target("pool_log", files::pool_log, seeds::pool_log)
    },
    // Four bytes of a stored receipt are a receipt with a bloom of 256 bytes; the rest of the chain is there as well.
    Target {
        fixed_bytes: 64 * KIB,
        bytes_per_byte: 256,
        mutants: 800,
        ..target("database", database::database, seeds::database)
    },
    // Keys and proofs of possession are checked in every genesis that is otherwise good.
    Target { fixed_bytes: 64 * KIB, mutants: 100, ..target("genesis", genesis::genesis, seeds::genesis) },
];

/// The target with this name.
#[must_use]
pub fn target_named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Panics unless what was read from `bytes` is written as the same bytes.
fn assert_canonical(what: &str, bytes: &[u8], again: &[u8]) {
    assert!(again == bytes, "{what} has a second encoding: it is written as {} bytes {again:02x?}", again.len());
}

/// Whether an input is among those whose signatures are checked: one of `every`, always the same ones. A check takes a
/// thousand times as long as reading.
fn is_sampled(bytes: &[u8], every: u8) -> bool {
    minuet_core::keccak256(bytes)[0].is_multiple_of(every)
}
