//! Seeds that once failed, and committees of every size. Twins are run where D-OWN-SIG can be switched off: in 'seeded'.

use crate::judged;
use minuet_simulator::Options;

/// Seeds that once broke something, with what it was.
const REGRESSIONS: [(u64, &str); 8] = [
    (103, "two answers of one peer to two requests for one range: it was blamed for the second"),
    (127, "a late answer with a single block passed for that to a range: its sender was blamed for the range"),
    (220, "a question of a broken connection was answered on the next one: its answerer was blamed"),
    (
        2_001_130,
        "more than 64 blocks unfinalized: who had jumped over them, or been handed a transfer, timed out too soon",
    ),
    (
        3_054_196,
        "1,228 blocks final at once overflowed the ring of events: the judge took what was dropped for missing",
    ),
    (
        5_028_783,
        "who had lost its disk asked one peer at a time, twice as long after each silence, and at last the silent liar",
    ),
    (
        10_087_779,
        "after a power cut in the middle of 67 unfinalized blocks everybody lacked some, and nobody could serve a range",
    ),
    (
        20_000_158,
        "more unfinalized blocks than a ledger keeps: their finalization waited for those that it had refused, and they for it",
    ),
];

#[test]
fn seeds_that_once_failed_pass() {
    for (seed, what) in REGRESSIONS {
        println!("{seed}: {what}");
        judged(&Options::of(seed));
    }
}

#[test]
fn committees_of_every_size_keep_every_invariant() {
    for (validators, seeds) in [(6, 4), (7, 4), (11, 3), (16, 3), (31, 2), (51, 1), (101, 1)] {
        for seed in 0..seeds {
            let chaos_ms = if validators > 20 { 1_500 } else { 4_000 };
            let outcome = judged(&Options { validators, chaos_ms, ..Options::of(seed) });
            assert!(outcome.blocks > 0);
        }
    }
}
