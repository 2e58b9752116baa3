# shellcheck shell=bash
# What a fresh Debian 12 with only the Rust toolchain lacks.

as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

declare -A package=([postgres]=postgresql [mariadb]=mariadb-server [redis]=redis-server)

# install_for SERVER..: what these servers and all tests need.
install_for() {
    local missing=()
    mapfile -t missing < <(
        missing_servers "$@"
        [[ -e /usr/share/zoneinfo/Asia/Seoul ]] || echo tzdata
        [[ -n $(faketime_lib) ]] || echo libfaketime
        missing_java
    )
    install "${missing[@]}" || die "see CONTRIBUTING.md: install them yourself, or name servers of yours"
}

missing_servers() {
    local server
    have cc || printf '%s\n' gcc libc6-dev
    for server; do
        "${server}_installed" || echo "${package[$server]}"
    done
}

# For the peers in Java; Debian 12's is 17.
missing_java() {
    have javac || echo default-jdk-headless
    have mvn || echo maven
}

# install PACKAGE..: fails if not all can be had.
install() {
    local status=0
    (($#)) || return 0
    have apt-get || { say "missing: $*" && return 1; }
    ((EUID == 0)) || have sudo || { say "missing, and neither root nor sudo here: apt-get install $*" && return 1; }
    say "installing $*"
    forbid_services
    # An unreachable source that we do not need must not stop us.
    apt_get update || say "apt-get update failed: going on with the lists that are here"
    apt_get install --yes --no-install-recommends "$@" || status=$?
    end_install
    ((status == 0)) || {
        show_log apt
        say "apt-get install $* failed"
        return 1
    }
}

# In the foreground: a package manager must not be cut in the middle.
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$work/apt.log" 2>&1
}

policy=/usr/sbin/policy-rc.d
own_policy=

# Debian starts a server as soon as it is installed, unless this file forbids it.
forbid_services() {
    [[ ! -e $policy ]] || return 0
    own_policy=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

end_install() {
    [[ -n $own_policy ]] || return 0
    as_root rm -f "$policy"
    own_policy=
}

# The one of libfaketime's two libraries that is made for programs with threads.
faketime_lib() {
    local lib
    for lib in "${SHEDLOCK_TEST_FAKETIME_LIB:-}" /usr/lib/*/faketime/libfaketimeMT.so.1; do
        [[ ! -f $lib ]] || { echo "$lib"; return; }
    done
}

# rustup's minimal profile comes without them.
install_rust_components() {
    have cargo || die "no cargo: install Rust from https://rustup.rs"
    local component missing=()
    cargo fmt --version >/dev/null 2>&1 || missing+=(rustfmt)
    cargo clippy --version >/dev/null 2>&1 || missing+=(clippy)
    for component in "${missing[@]}"; do
        have rustup || die "cargo has no $component, and there is no rustup to add it"
        rustup component add "$component" >&2
    done
}
