#!/usr/bin/env bash
# Fuzzes the targets of fuzz/ with cargo-fuzz, one after the other, from the saved corpora on; ends at the first that breaks.
# FUZZ_TARGETS: which (all). FUZZ_SECONDS: how long each (60). FUZZ_RUNS: so many executions of each instead.
# New inputs are gathered in fuzz/found/TARGET, what breaks in fuzz/artifacts/TARGET: keep that in fuzz/corpus/TARGET.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

if ! cargo fuzz --version >/dev/null 2>&1 || ! cargo +nightly --version >/dev/null 2>&1; then
    echo "fuzz: cargo-fuzz or a nightly compiler is missing here:" >&2
    echo "fuzz:   rustup toolchain install nightly --profile minimal && cargo install cargo-fuzz --locked" >&2
    echo "fuzz: without them, 'make fuzz-corpora MINUET_FUZZ_RUNS=1000000' runs mutants of the corpora" >&2
    exit 1
fi

build_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}")
target_dir="$build_dir/fuzz"
# RocksDB takes a quarter of an hour to compile and is not what is fuzzed: the release build's is linked where there is one.
rocksdb=$(ls -t "$build_dir"/release/build/librocksdb-sys-*/out/librocksdb.a 2>/dev/null | head -n 1 || true)
if [ -n "$rocksdb" ] && [ -z "${ROCKSDB_LIB_DIR:-}" ]; then
    export ROCKSDB_LIB_DIR="${rocksdb%/*}" ROCKSDB_STATIC=1
fi
limit=(-max_total_time="${FUZZ_SECONDS:-60}")
[ -z "${FUZZ_RUNS:-}" ] || limit=(-runs="$FUZZ_RUNS")
for target in ${FUZZ_TARGETS:-$(sed -n 's/^name = "\(.*\)"$/\1/p' fuzz/Cargo.toml | grep -v '^minuet-fuzz$')}; do
    echo "fuzz: $target"
    mkdir -p "fuzz/found/$target"
    cargo +nightly fuzz run --target-dir "$target_dir" "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- \
        "${limit[@]}" -timeout=20 -malloc_limit_mb=64 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=1
done
