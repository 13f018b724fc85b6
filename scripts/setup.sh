#!/usr/bin/env bash
# Installs what a build needs and is not there: a C++ compiler, libclang, pkg-config, git, curl, strace,
# Rust. 'setup.sh tests' also installs what only tests use: Chromium, and Prometheus with promtool;
# 'setup.sh flamegraph' what only flame graphs need: perf, and inferno with cargo.
# Does nothing, and says nothing, where all of it is there. Needs apt for system packages.
set -euo pipefail

purpose=${1:-}

has() { command -v "$1" >/dev/null 2>&1; }

has_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    { ldconfig -p 2>/dev/null | grep -q 'libclang[-.0-9]*\.so'; } && return 0
    # libclang-cpp, which other tools bring, is another library: bindgen cannot use it.
    local place
    for place in '/usr/lib/llvm-*/lib' '/usr/lib/*-linux-gnu' '/usr/local/lib'; do
        compgen -G "$place/libclang.so*" >/dev/null && return 0
        compgen -G "$place/libclang-[0-9]*.so*" >/dev/null && return 0
    done
    return 1
}

missing=()
{ has g++ || has c++; } || missing+=(build-essential)
has make || missing+=(make)
has_libclang || missing+=(clang libclang-dev)
has cmake || missing+=(cmake)
has pkg-config || missing+=(pkg-config)
has git || missing+=(git)
has curl || missing+=(curl ca-certificates)
# A test watches the order of writes, syncs and messages with it.
has strace || missing+=(strace)
if [ "$purpose" = tests ]; then
    # The dashboard is tested in it; without a font it would show no letters.
    has chromium || missing+=(chromium fonts-dejavu-core)
    # Rules and dashboards are checked by it, and a test lets it watch a localnet.
    { has prometheus && has promtool; } || missing+=(prometheus)
fi
if [ "$purpose" = flamegraph ]; then
    has perf || missing+=(linux-perf)
fi

# Debian starts a package's service at its installation and at every boot. Nobody here asked for that.
policy=/usr/sbin/policy-rc.d
made_policy=
forbid_services() {
    [ ! -e "$policy" ] || return 0
    made_policy=1
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    trap allow_services EXIT
}
allow_services() {
    trap - EXIT
    # One that was there before is somebody else's.
    [ -z "$made_policy" ] || "${as_root[@]}" rm -f "$policy"
}
disable_service() {
    "${as_root[@]}" deb-systemd-helper disable "$1.service" >/dev/null 2>&1 || true
    "${as_root[@]}" update-rc.d "$1" disable >/dev/null 2>&1 || true
}

if [ "${#missing[@]}" -gt 0 ]; then
    if ! has apt-get; then
        echo "setup: missing here: ${missing[*]}" >&2
        echo "setup: this system has no apt-get; install the packages of the same purpose and run make again" >&2
        exit 1
    fi
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! has sudo; then
            echo "setup: missing here: ${missing[*]}; run as root: apt-get install ${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    echo "setup: installing ${missing[*]} with apt-get" >&2
    "${as_root[@]}" apt-get update -qq </dev/null >&2
    case " ${missing[*]} " in *' prometheus '*) forbid_services ;; esac
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" </dev/null >&2
    case " ${missing[*]} " in *' prometheus '*) allow_services; disable_service prometheus ;; esac
fi

if ! has cargo && [ ! -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    echo "setup: installing Rust with rustup, for this user" >&2
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs </dev/null | sh -s -- -y --profile minimal -c rustfmt -c clippy >&2
fi
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$(dirname "$0")/../Cargo.toml")
found=$(rustc --version | cut -d' ' -f2)
if [ "$(printf '%s\n' "$needed" "$found" | sort -V | head -n 1)" != "$needed" ]; then
    echo "setup: rustc $found is too old, $needed is needed: 'rustup update', or remove the system's Rust package and run make again" >&2
    exit 1
fi

if [ "$purpose" = flamegraph ] && ! { has inferno-collapse-perf && has inferno-flamegraph; }; then
    echo "setup: installing inferno with cargo, for this user" >&2
    # Not into the build directory of the program: its flags and profile are not those of this workspace.
    env -u CARGO_TARGET_DIR cargo install --quiet --locked inferno
fi
