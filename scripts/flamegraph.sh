#!/usr/bin/env bash
# Draws where six validators spend their processor time under load: a flame graph with one tower for each kind of thread.
#
#   scripts/flamegraph.sh                     closed loop, 20 s
#   RATE=1000 scripts/flamegraph.sh           1,000 transfers per second instead
#   OUT=before.svg scripts/flamegraph.sh      where it goes (flamegraph.svg in the build directory by default)
#
# SECONDS_EACH (20) are sampled after WARMUP (5), FREQUENCY (99) times a second and processor; IN_FLIGHT (2000) transfers are
# under way in the closed loop; BASE_PORT (25000) names the ports. The folded stacks stay beside the picture, to be compared
# with inferno-diff-folded. The network lives beside the build, on a real disk, and is gone at the end.
#
# Needs perf and inferno: 'make flamegraph' installs them. The frames of libraries are found by their unwind tables, so the usual build
# serves: samples are large (8 KB each) and folding takes about as long as sampling.

set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

TARGET=${CARGO_TARGET_DIR:-target}
MINUET=${MINUET:-$TARGET/release/minuet}
BASE_PORT=${BASE_PORT:-25000}
SECONDS_EACH=${SECONDS_EACH:-20} WARMUP=${WARMUP:-5} FREQUENCY=${FREQUENCY:-99} IN_FLIGHT=${IN_FLIGHT:-2000}
OUT=${OUT:-$TARGET/flamegraph.svg}

fail() { echo "flamegraph: $*" >&2; exit 1; }
[ -x "$MINUET" ] || fail "no program at $MINUET: build it with 'make build', or name it with MINUET="
command -v perf >/dev/null || fail "perf is missing: install it with 'scripts/setup.sh flamegraph', or on Debian with 'apt-get install linux-perf'"
for tool in inferno-collapse-perf inferno-flamegraph; do
    command -v "$tool" >/dev/null || fail "$tool is missing: install it with 'scripts/setup.sh flamegraph', or with 'cargo install --locked inferno'"
done

mkdir -p "$TARGET"
DIR=$(mktemp -d "$(realpath "$TARGET")/flamegraph.XXXXXX")
RUNNING= LOADING=
clean_up() {
    trap - EXIT
    for pid in $LOADING $RUNNING; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$DIR"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The clock of processors counts in virtual machines as well, where cycles do not.
sample() {
    perf record --quiet -e cpu-clock -F "$FREQUENCY" --call-graph dwarf,8192 -o "$DIR/perf.data" "$@"
}
sample -- true 2>"$DIR/perf.log" ||
    fail "perf may not sample here: $(head -n 3 "$DIR/perf.log") (as root, or 'sysctl kernel.perf_event_paranoid=1')"

"$MINUET" localnet --dir "$DIR/net" --base-port "$BASE_PORT" >"$DIR/localnet.log" 2>&1 &
RUNNING=$!
for try in $(seq 1 300); do
    "$MINUET" block 1 --node "http://127.0.0.1:$((BASE_PORT + 105))" >/dev/null 2>&1 && break
    kill -0 "$RUNNING" 2>/dev/null || fail "the network ended: $(tail -n 5 "$DIR/localnet.log")"
    [ "$try" -lt 300 ] || fail "no block within 60 s: $(tail -n 5 "$DIR/localnet.log")"
    sleep 0.2
done

if [ -n "${RATE:-}" ]; then PACE=(--rate "$RATE"); else PACE=(--max --in-flight "$IN_FLIGHT"); fi
"$MINUET" load --dir "$DIR/net" "${PACE[@]}" --warmup "$WARMUP" --duration "$((SECONDS_EACH + 2))" >"$DIR/load.log" 2>&1 &
LOADING=$!
sleep "$WARMUP"
PIDS=$(cat "$DIR"/net/validator-*/data/LOCK | paste -sd, -)
echo "flamegraph: sampling $SECONDS_EACH s" >&2
sample -p "$PIDS" -- sleep "$SECONDS_EACH" 2>"$DIR/perf.log" || fail "perf failed: $(tail -n 3 "$DIR/perf.log")"
wait "$LOADING" || fail "the load failed: $(tail -n 5 "$DIR/load.log")"
LOADING=
kill "$RUNNING" && wait "$RUNNING" || true
RUNNING=

echo "flamegraph: folding" >&2
# Inlined frames would be looked up one by one, for hours. Threads of one name are one tower.
perf script -i "$DIR/perf.data" --no-inline -F comm,pid,tid,time,event,ip,sym,dso 2>"$DIR/perf.log" |
    inferno-collapse-perf >"${OUT%.svg}.folded"
[ -s "${OUT%.svg}.folded" ] || fail "no sample was folded: $(tail -n 3 "$DIR/perf.log")"
inferno-flamegraph --title "Six validators, ${PACE[*]}" --subtitle "$(sed -n 1p "$DIR/load.log")" \
    "${OUT%.svg}.folded" >"$OUT"
echo "$OUT"
