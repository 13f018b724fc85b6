#!/usr/bin/env bash
# Measures what a crowd in front of a dashboard costs the node behind it: six processes under load, 1,000 clients of one
# node's stream of events of which 100 never read, in turns with nobody. Prints a Markdown table.
#
#   scripts/figures-dashboard.sh            about five minutes
#   QUICK=1 scripts/figures-dashboard.sh    about one, to try it out
#
# ROUNDS (4) spans of SECONDS_EACH (30) each way under RATE (50) transfers per second; READERS (900) and SILENT (100) clients;
# BASE_PORT (23000). The network lives beside the build, on a real disk, and is gone at the end.
#
# Needs bash and coreutils. The clients run on the same processors, at a lower priority than the six validators.

set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

TARGET=${CARGO_TARGET_DIR:-target}
MINUET=${MINUET:-$TARGET/release/minuet}
BASE_PORT=${BASE_PORT:-23000}
if [ "${QUICK:-0}" = 1 ]; then ROUNDS=${ROUNDS:-1} SECONDS_EACH=${SECONDS_EACH:-15}; fi
ROUNDS=${ROUNDS:-4} SECONDS_EACH=${SECONDS_EACH:-30} RATE=${RATE:-50} READERS=${READERS:-900} SILENT=${SILENT:-100}

[ -x "$MINUET" ] || { echo "no program at $MINUET: build it with 'make build', or name it with MINUET=" >&2; exit 1; }
ulimit -n 4096 2>/dev/null || [ "$(ulimit -n)" -ge 4096 ] || { echo "1,000 clients need 'ulimit -n 4096'" >&2; exit 1; }
# Before the load begins: compiling takes minutes.
CLIENTS=${CLIENTS:-}
if [ -z "$CLIENTS" ]; then
    built=$(cargo bench --workspace --locked --bench clients --no-run 2>&1) || { echo "$built" >&2; exit 1; }
    CLIENTS=$(sed -n 's/.*(\(.*clients-[0-9a-f]*\)).*/\1/p' <<<"$built" | tail -n 1)
fi
[ -x "$CLIENTS" ] || { echo "no program for the clients at '$CLIENTS': name it with CLIENTS=" >&2; exit 1; }
mkdir -p "$TARGET"
DIR=$(mktemp -d "$(realpath "$TARGET")/dashboard.XXXXXX")
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

"$MINUET" localnet --dir "$DIR/net" --base-port "$BASE_PORT" >"$DIR/localnet.log" 2>&1 &
RUNNING=$!
for try in $(seq 300); do
    if "$MINUET" block 1 --node "http://127.0.0.1:$((BASE_PORT + 100))" >/dev/null 2>&1; then break; fi
    kill -0 "$RUNNING" 2>/dev/null || { cat "$DIR/localnet.log" >&2; exit 1; }
    [ "$try" -lt 300 ] || { echo "no block within 60 s" >&2; cat "$DIR/localnet.log" >&2; exit 1; }
    sleep 0.2
done
"$MINUET" load --dir "$DIR/net" --rate "$RATE" --duration $((2 * ROUNDS * (SECONDS_EACH + 10) + 30)) --json >"$DIR/load.json" 2>&1 &
LOADING=$!
pid=$(cat "$DIR/net/validator-0/data/LOCK")

model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
echo "$(date -u +%Y-%m-%d), $(nproc) × ${model:-$(uname -m)}, Linux $(uname -r), commit $(git describe --always --dirty 2>/dev/null || echo unknown), load average before $(cut -d' ' -f1 /proc/loadavg), $RATE transfers/s"
echo
# What clients do, other machines would do: they stand behind the six.
nice -n 10 "$CLIENTS" "127.0.0.1:$((BASE_PORT + 300))" "$pid" "$ROUNDS" "$SECONDS_EACH" "$READERS" "$SILENT"
kill -0 "$LOADING" 2>/dev/null || { cat "$DIR/load.json" >&2; echo "the load ended before the measurement: the table is not one under load" >&2; exit 1; }
