# shellcheck shell=bash
# A private PostgreSQL: durable as it comes, superuser `postgres`, no password.

# Debian keeps them off the path, a folder per version.
postgres_bin() {
    local bin newest=
    for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V); do
        [[ ! -x $bin/initdb ]] || newest=$bin
    done
    [[ -n $newest ]] || newest=$(dirname "$(command -v initdb || true)")
    [[ -x $newest/initdb && -x $newest/postgres ]] && echo "$newest"
}

postgres_installed() { postgres_bin >/dev/null; }

# The major one, e.g. 15.
postgres_version() { "$(postgres_bin)/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/'; }

# start_postgres DATA PORT [ARGS..]: for example `-c synchronous_commit=off`.
start_postgres() {
    local data=$1 port=$2 bin socket=$work/postgres.socket
    shift 2
    bin=$(postgres_bin) || die "no PostgreSQL server here"
    server_folder "$data"
    server_folder "$socket"
    if [[ ! -e $data/PG_VERSION ]]; then
        prepare postgres "$bin/initdb" --pgdata "$data" --username postgres --auth trust \
            --encoding UTF8 --locale C.UTF-8 --no-sync
    fi
    # SIGINT: stop without waiting for clients to leave.
    start postgres INT "$bin/postgres" -D "$data" -c port="$port" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories="$socket" \
        -c max_connections=300 "$@"
    # Asked over the socket, which is surely ours.
    local ask=(clean_env PGCONNECT_TIMEOUT=2 "$bin/psql" -XAtq -h "$socket" -p "$port" -U postgres -d postgres -c)
    await postgres "${ask[@]}" 'SELECT 1'
    [[ $("${ask[@]}" "SELECT 1 FROM pg_database WHERE datname = 'shedlock_test'") == 1 ]] ||
        "${ask[@]}" 'CREATE DATABASE shedlock_test'
    server_url[postgres]=postgres://postgres@127.0.0.1:$port/shedlock_test
}
