#!/usr/bin/env bash
# Measures what docs/benchmarks.md shows: six processes, default configuration, this machine. Prints a Markdown table, one
# row per figure with the command that produced it.
#
#   scripts/figures.sh            about six minutes
#   QUICK=1 scripts/figures.sh    a fifth of the durations, to try it out
#
# MINUET names the program (default: the release build), DIR where the networks live (default: a new directory beside the
# program, on a real disk, deleted at the end), BASE_PORT the ports (default 21000), SCALE divides all durations.
#
# Needs bash and coreutils. Every process it starts is gone when it ends, however it ends.

set -euo pipefail
cd "$(dirname "$0")/.."

TARGET=${CARGO_TARGET_DIR:-target}
MINUET=${MINUET:-$TARGET/release/minuet}
BASE_PORT=${BASE_PORT:-21000}
SCALE=${SCALE:-$([ "${QUICK:-0}" = 1 ] && echo 5 || echo 1)}
VALIDATORS=6
VICTIM=3

[ -x "$MINUET" ] || { echo "no program at $MINUET: build it with 'make build', or name it with MINUET=" >&2; exit 1; }
OWN_DIR=
if [ -z "${DIR:-}" ]; then
    mkdir -p "$TARGET"
    DIR=$(mktemp -d "$TARGET/figures.XXXXXX")
    OWN_DIR=$DIR
fi
NET=$DIR/net
LOGS=$DIR/logs
mkdir -p "$LOGS"
RUNNING= # pid of the localnet
LOADING= # pid of a load in the background

clean_up() {
    trap - EXIT
    for pid in $LOADING $RUNNING; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    # The localnet stops its validators. Should it have been killed itself, they stop alone, and soon.
    local index pid tries
    for index in $(seq 0 $((VALIDATORS - 1))); do
        pid=$(pid_of "$index") tries=0
        while [ -n "$pid" ] && is_validator "$pid" && [ $((tries += 1)) -le 100 ]; do sleep 0.1; done
        if [ -n "$pid" ] && is_validator "$pid"; then kill -9 "$pid" || true; fi
    done
    if [ -n "$OWN_DIR" ]; then rm -rf "$OWN_DIR"; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { echo "$*" >&2; }
fail() { say "figures: $*"; say "$(tail -n 20 "$LOGS"/* 2>/dev/null)"; OWN_DIR=; say "kept: $DIR"; exit 1; }
scaled() { echo $((($1 + SCALE - 1) / SCALE)); }
url() { echo "http://127.0.0.1:$((BASE_PORT + 100 + $1))"; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# The lock in a validator's data directory names its process.
pid_of() { cat "$NET/validator-$1/data/LOCK" 2>/dev/null || true; }
is_validator() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -q " node --config $NET/"; }

# Value of a field of a JSON object on standard input.
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^,}\"]*\).*/\1/p"; }

# A decimal number of milliseconds as whole microseconds.
micros() {
    local whole=${1%%.*} fraction=
    case $1 in *.*) fraction=${1#*.} ;; esac
    fraction=${fraction}000
    echo $((10#$whole * 1000 + 10#${fraction:0:3}))
}
# Whether A is at most B times C, where A and C are decimal numbers.
at_most() { [ "$(micros "$1")" -le $(($2 * $(micros "$3"))) ] && echo yes || echo NO; }
# A / B with one decimal.
ratio() { local tenths=$(($(micros "$1") * 10 / ($(micros "$2") > 0 ? $(micros "$2") : 1))); echo "$((tenths / 10)).$((tenths % 10))"; }
both() { [ "$1 $2" = "yes yes" ] && echo yes || echo NO; }

row() { echo "| $1 | $2 | $3 | $4 | \`$5\` |"; }

LOCALNET=("$MINUET" localnet --dir "$NET" --base-port "$BASE_PORT" --json)

# Starts the network in the background and waits until all answer and blocks become final.
start_network() {
    "${LOCALNET[@]}" >>"$LOGS/localnet.json" 2>>"$LOGS/localnet.log" &
    RUNNING=$!
    until_or_fail 60 all_answer
}
all_answer() {
    local status
    status=$("$MINUET" status --all --dir "$NET" --json 2>/dev/null) || return 1
    case $status in *'"ok":false'*) return 1 ;; esac
    # The height that all have is final on all.
    "$MINUET" block $((RESUMED_AT + 1)) --node "$(url 0)" >/dev/null 2>&1
}
RESUMED_AT=0
stop_network() {
    RESUMED_AT=$("$MINUET" status --node "$(url 0)" --json 2>/dev/null | field height)
    kill "$RUNNING" 2>/dev/null || true
    wait "$RUNNING" || true
    RUNNING=
}
# Tries a command again and again for so many seconds.
until_or_fail() {
    local end=$(($(now_ms) + $1 * 1000))
    shift
    until "$@"; do
        [ "$(now_ms)" -lt "$end" ] || fail "'$*' did not succeed in time"
        [ -z "$RUNNING" ] || kill -0 "$RUNNING" 2>/dev/null || fail "the network ended"
        sleep 0.02
    done
}

# A load in the foreground; its JSON. A load that does not reconcile is a figure too: its row says so.
load() { "$MINUET" load --dir "$NET" --json "$@" 2>>"$LOGS/load.log" || true; }
exactly_once() { # of a load's JSON
    local submitted finalized lost duplicated
    submitted=$(field submitted <<<"$1") finalized=$(field finalized <<<"$1")
    lost=$(field lost <<<"$1") duplicated=$(field duplicated <<<"$1")
    if [ -n "$submitted" ] && [ "$submitted" = "$finalized" ] && [ "$lost $duplicated" = "0 0" ]; then echo yes; else echo NO; fi
}
counts() { echo "$(field finalized <<<"$1") of $(field submitted <<<"$1") final, $(field rejected <<<"$1") rejected, $(field lost <<<"$1") lost, $(field duplicated <<<"$1") twice"; }

idle() {
    local seconds json p50 cpu disk
    seconds=$(scaled 30)
    say "idle, $seconds s"
    json=$("${LOCALNET[@]}" --for "$seconds" 2>>"$LOGS/localnet.log") || fail "the idle network failed: $json"
    p50=$(field finality_p50_ms <<<"$json") cpu=$(field cpu_percent_total <<<"$json")
    disk=$(field disk_bytes_per_block <<<"$json")
    RESUMED_AT=$(field height <<<"$json")
    local command="minuet localnet --for $seconds --json"
    row "idle, proposal → final on every node, p50" "≤ 15 ms" \
        "$p50 ms (p99 $(field finality_p99_ms <<<"$json") ms, $(field finalized_blocks <<<"$json") blocks, $(field nullified_views <<<"$json") views nullified)" \
        "$(at_most "$p50" 1 15)" "$command"
    row "processor of the six, idle" "≤ 40 %" "$cpu % of $(nproc)00 %" "$(at_most "$cpu" 1 40)" "$command"
    row "disk written per validator and empty block" "≤ 16 KB" "$disk bytes" "$(at_most "$disk" 1 16384)" "$command"
}

steady() {
    local seconds json p50 p99
    seconds=$(scaled 60)
    say "10 transfers/s, $seconds s"
    json=$(load --rate 10 --duration "$seconds")
    p50=$(field p50_ms <<<"$json") p99=$(field p99_ms <<<"$json")
    [ -n "$p50" ] || fail "load: $json"
    HEALTHY=$p50
    row "10 tx/s, submit → final, p50 / p99" "≤ 30 / 120 ms, each final exactly once" "$p50 / $p99 ms; $(counts "$json")" \
        "$(both "$(both "$(at_most "$p50" 1 30)" "$(at_most "$p99" 1 120)")" "$(exactly_once "$json")")" \
        "minuet load --rate 10 --duration $seconds --json"
}

closed_loop() {
    local seconds json tps whole
    seconds=$(scaled 45)
    say "closed loop, $seconds s"
    json=$(load --max --duration "$seconds")
    tps=$(field tps <<<"$json")
    [ -n "$tps" ] || fail "load: $json"
    whole=${tps%%.*}
    row "closed loop, finalized TPS" "≥ 4000" \
        "$tps (p50 $(field p50_ms <<<"$json") ms, p99 $(field p99_ms <<<"$json") ms; $(counts "$json"); client $(field client_cpu_percent <<<"$json") % of a processor)" \
        "$([ "$whole" -ge 4000 ] && [ "$(field lost <<<"$json") $(field duplicated <<<"$json")" = "0 0" ] && echo yes || echo NO)" \
        "minuet load --max --duration $seconds --json"
}

one_killed() {
    local seconds json p50 p99
    seconds=$(scaled 60)
    say "one of $VALIDATORS killed, 10 transfers/s, $seconds s"
    kill -9 "$(pid_of $VICTIM)"
    json=$(load --rate 10 --duration "$seconds")
    p50=$(field p50_ms <<<"$json") p99=$(field p99_ms <<<"$json")
    [ -n "$p50" ] || fail "load: $json"
    row "one of six killed (-9), 10 tx/s, p50 / p99" "≤ 3 × / 20 × the healthy p50 ($HEALTHY ms)" \
        "$p50 / $p99 ms ($(ratio "$p50" "$HEALTHY") × / $(ratio "$p99" "$HEALTHY") ×); $(counts "$json")" \
        "$(both "$(both "$(at_most "$p50" 3 "$HEALTHY")" "$(at_most "$p99" 20 "$HEALTHY")")" "$(exactly_once "$json")")" \
        "kill -9 \$(cat localnet/validator-$VICTIM/data/LOCK); minuet load --rate 10 --duration $seconds --json"
}

grown_past() { "$MINUET" block "$1" --node "$(url 0)" >/dev/null 2>&1; }

# The newest height that any node shows.
shown_height() { "$MINUET" status --all --dir "$NET" --json 2>/dev/null | grep -o '"height":[0-9]*' | cut -d: -f2 | sort -n | tail -n 1; }

all_killed() {
    local seconds json before hash begun took unchanged=yes pids index
    seconds=$(scaled 40)
    say "all $VALIDATORS killed at once under load"
    "$MINUET" load --dir "$NET" --json --rate 100 --duration "$seconds" --settle 60 >"$LOGS/outage.json" 2>>"$LOGS/load.log" &
    LOADING=$!
    before=$(shown_height)
    until_or_fail 30 grown_past $((before + 20))
    before=$(shown_height)
    until_or_fail 10 grown_past "$before"
    hash=$("$MINUET" block "$before" --json --node "$(url 0)" | field hash)
    pids=$(for index in $(seq 0 $((VALIDATORS - 1))); do pid_of "$index"; echo; done)
    # shellcheck disable=SC2086  # one kill for all
    kill -9 $pids
    wait "$RUNNING" || true
    RUNNING=

    begun=$(now_ms)
    "${LOCALNET[@]}" >>"$LOGS/localnet.json" 2>>"$LOGS/localnet.log" &
    RUNNING=$!
    # What was final and stored but not shown yet may be above: the first new block is above what the nodes come back with.
    local stored=
    until_or_fail 60 comes_back
    stored=$(shown_height)
    until_or_fail 60 grown_past $(((stored > before ? stored : before) + 1))
    took=$(($(now_ms) - begun))
    until_or_fail 60 all_answer
    for index in $(seq 0 $((VALIDATORS - 1))); do
        [ "$("$MINUET" block "$before" --json --node "$(url "$index")" | field hash)" = "$hash" ] || unchanged=NO
    done
    wait "$LOADING" || true
    LOADING=
    json=$(cat "$LOGS/outage.json")
    row "all six killed at once under load, restarted" "the same chain goes on ≤ 10 s" \
        "$took ms from the start of the processes to the next final block; block $before unchanged on all: $unchanged; $(counts "$json"), longest pause $(field longest_pause_ms <<<"$json") ms" \
        "$(both "$(both "$([ "$took" -le 10000 ] && echo yes || echo NO)" "$unchanged")" "$(exactly_once "$json")")" \
        "minuet load --rate 100 --duration $seconds --settle 60 --json & kill -9 \$(cat localnet/validator-*/data/LOCK); minuet localnet"
}
comes_back() { "$MINUET" status --node "$(url 0)" --json >/dev/null 2>&1; }

machine() {
    local model commit busy
    model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
    commit=$(git describe --always --dirty 2>/dev/null || echo unknown)
    busy=$(cut -d' ' -f1 /proc/loadavg)
    [ "${busy%%.*}" -eq 0 ] || say "the machine is busy (load average $busy): the figures will show it"
    echo "$(date -u +%Y-%m-%d), $(nproc) × ${model:-$(uname -m)}, Linux $(uname -r), $(stat -f -c %T "$DIR"), $("$MINUET" --version), commit $commit, load average before $busy$([ "$SCALE" = 1 ] || echo ", durations divided by $SCALE")"
}

machine
echo
echo "| | to reach | measured | reached | command |"
echo "|---|---|---|---|---|"
idle
start_network
steady
closed_loop
stop_network
start_network
one_killed
stop_network
start_network
all_killed
stop_network
