# shellcheck shell=bash
# Commands and servers that we start, and their end.

# --- the one command that we wait for

running= # its process group

# Runs a command in the background and waits, so that a signal to us is answered
# at once: bash puts its traps off until a command in the foreground ends.
# The command gets a process group of its own, so that `end_command` reaches all
# of it. env takes back the SIG_IGN that bash gives to what it starts with `&`:
# tests send SIGINT.
run() {
    local status=0
    say "$*"
    setsid env --default-signal=INT,QUIT "$@" </dev/null &
    running=$!
    wait "$running" || status=$?
    end_command
    return "$status"
}

# Ends what is left of the group, also after a command that ended by itself.
end_command() {
    [[ -n $running ]] || return 0
    local group=$running try
    running=
    for ((try = 0; try < 50; try++)); do
        kill -TERM -- "-$group" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL -- "-$group" 2>/dev/null || true
}

# --- servers

declare -A server_pid=() server_signal=() server_url=()

# Servers refuse to run as root, and a private server needs no rights.
as_server=(setpriv)
if ((EUID == 0)); then
    as_server+=(--reuid=nobody --regid=nogroup --clear-groups)
fi

# What servers and their tools see of the caller's environment: nothing, so that
# PGHOST, ~/.my.cnf or this machine's time zone cannot change what a test sees.
zone=UTC
clean_env() { env -i PATH="$PATH" LC_ALL=C.UTF-8 TZ="$zone" "$@"; }

# server_folder DIR: makes a folder that belongs to the servers' account.
server_folder() {
    mkdir -p "$1"
    if ((EUID == 0)); then chown nobody:nogroup "$1"; fi
    chmod 700 "$1"
    "${as_server[@]}" test -x "$1" ||
        die "the account nobody cannot reach $1: chmod o+x the folders above it"
}

# prepare NAME COMMAND..: makes a server's data.
prepare() {
    local name=$1
    shift
    clean_env timeout 180 "${as_server[@]}" "$@" </dev/null >>"$work/$name.log" 2>&1 || {
        show_log "$name"
        die "cannot prepare the data of $name"
    }
}

# start NAME SIGNAL COMMAND..: starts a server that SIGNAL stops.
# A session of its own keeps Ctrl-C from stopping the server under the tests'
# feet; --pdeathsig stops it even when this script is killed by SIGKILL.
# All of these exec, so that $! is the server itself.
start() {
    local name=$1 signal=$2
    shift 2
    setsid env -i PATH="$PATH" LC_ALL=C.UTF-8 TZ="$zone" \
        "${as_server[@]}" --pdeathsig "$signal" "$@" </dev/null >>"$work/$name.log" 2>&1 &
    server_pid[$name]=$!
    server_signal[$name]=$signal
}

alive() { kill -0 "${server_pid[$1]}" 2>/dev/null; }

# await NAME COMMAND..: until the command succeeds, because the server answers.
await() {
    local name=$1 deadline=$((SECONDS + 60))
    shift
    until "$@" >/dev/null 2>&1; do
        alive "$name" || die "$name did not start"
        if ((SECONDS >= deadline)); then
            show_log "$name"
            die "$name does not answer after 60 s"
        fi
        sleep 0.1
    done
}

show_log() {
    say "end of the log of $1:"
    tail -n 40 "$work/$1.log" >&2 || true
}

report_dead_servers() {
    local name
    for name in "${!server_pid[@]}"; do
        alive "$name" || { say "$name is dead" && show_log "$name"; }
    done
}

stop_servers() {
    local name deadline=$((SECONDS + 15))
    for name in "${!server_pid[@]}"; do
        # A stopped (SIGSTOP) server would not hear us.
        kill "-${server_signal[$name]}" "${server_pid[$name]}" 2>/dev/null || true
        kill -CONT "${server_pid[$name]}" 2>/dev/null || true
    done
    for name in "${!server_pid[@]}"; do
        while alive "$name"; do
            if ((SECONDS >= deadline)); then
                say "$name does not stop: killing it"
                kill -KILL "${server_pid[$name]}" 2>/dev/null || true
                break
            fi
            sleep 0.05
        done
    done
}

# A port where nobody listens, below the range that the kernel gives to clients.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}
