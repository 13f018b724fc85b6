// Included by every binary: the target of its name, over libFuzzer's inputs. Half of the mutants are libFuzzer's, half our
// own, which keep the lengths of RLP right.

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use std::sync::LazyLock;

static TARGET: LazyLock<minuet_fuzzing::Target> = LazyLock::new(|| {
    let name = env!("CARGO_BIN_NAME");
    *minuet_fuzzing::target_named(name).expect("a binary has its target's name")
});

fuzz_target!(|data: &[u8]| {
    (TARGET.run)(data);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 2 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut mutant = minuet_fuzzing::mutant_of(&data[..size], &[], seed.into());
    mutant.truncate(max_size);
    data[..mutant.len()].copy_from_slice(&mutant);
    mutant.len()
});
