# shellcheck shell=bash
# How a script begins and ends, and what it says.

say() { printf '>>> %s\n' "$*" >&2; }

die() {
    printf '!!! %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Debian keeps servers and their tools off an ordinary user's path.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

work= # the folder that holds everything we write, and that `end` removes

# Call once, before anything is installed or started.
begin() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/shedlock-test.XXXXXX")
    # The servers' account must get through to its own folders.
    chmod 711 "$work"
    trap 'end $?' EXIT
    # A signal ends the script, and so runs `end`.
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

end() {
    local status=$1
    trap - EXIT
    trap '' HUP INT TERM
    end_command
    ((status == 0)) || report_dead_servers
    stop_servers
    end_install
    rm -rf "$work"
    exit "$status"
}
