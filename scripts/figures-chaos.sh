#!/usr/bin/env bash
# Measures what docs/benchmarks/crashes.md shows of crashes, catch-up and a hostile validator: six processes, this machine. Prints a
# Markdown table, one row per figure with the command that produced it; fails if a row cannot be measured or anything that
# was final is not so any more.
#
#   scripts/figures-chaos.sh            about 25 minutes
#   QUICK=1 scripts/figures-chaos.sh    about 5, with fewer and shorter rounds, to try it out
#
# MINUET_CHAOS_ONLY=restart,two,all,behind,hostile chooses rows. Their sizes, with defaults: MINUET_CHAOS_RESTARTS (10),
# MINUET_CHAOS_FIRST_SECONDS (60) and MINUET_CHAOS_DOWN_SECONDS (600) with two down, MINUET_CHAOS_OUTAGES (20),
# MINUET_CHAOS_BLOCKS (5000) behind, MINUET_CHAOS_QUIET_SECONDS (60) and MINUET_CHAOS_MESSAGES (1000000) for the flood.
#
# Needs bash, coreutils and what 'make setup' installs. The networks live beside the build, on a real disk.

set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

TARGET=${CARGO_TARGET_DIR:-target}
export CARGO_TARGET_DIR=$TARGET
if [ "${QUICK:-0}" = 1 ]; then
    export MINUET_CHAOS_RESTARTS=${MINUET_CHAOS_RESTARTS:-3} MINUET_CHAOS_OUTAGES=${MINUET_CHAOS_OUTAGES:-3}
    export MINUET_CHAOS_FIRST_SECONDS=${MINUET_CHAOS_FIRST_SECONDS:-10} MINUET_CHAOS_DOWN_SECONDS=${MINUET_CHAOS_DOWN_SECONDS:-40}
    export MINUET_CHAOS_BLOCKS=${MINUET_CHAOS_BLOCKS:-1000} MINUET_CHAOS_QUIET_SECONDS=${MINUET_CHAOS_QUIET_SECONDS:-20}
    export MINUET_CHAOS_MESSAGES=${MINUET_CHAOS_MESSAGES:-100000}
fi

mkdir -p "$TARGET"
TMPDIR=$(mktemp -d "$(realpath "$TARGET")/chaos.XXXXXX")
export TMPDIR
# Empty unless a run failed and kept its network.
trap 'rmdir "$TMPDIR" 2>/dev/null || echo "kept: $TMPDIR" >&2' EXIT

model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
commit=$(git describe --always --dirty 2>/dev/null || echo unknown)
busy=$(cut -d' ' -f1 /proc/loadavg)
[ "${busy%%.*}" -eq 0 ] || echo "the machine is busy (load average $busy): the figures will show it" >&2
echo "$(date -u +%Y-%m-%d), $(nproc) × ${model:-$(uname -m)}, Linux $(uname -r), $(stat -f -c %T "$TMPDIR"), commit $commit, load average before $busy$([ "${QUICK:-0}" = 1 ] && echo ', QUICK=1')"
echo
MINUET_CHAOS=figures cargo test --release --workspace --locked --test chaos
