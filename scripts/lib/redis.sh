# shellcheck shell=bash
# A private Redis, with Redis's own defaults.

redis_installed() { have redis-server && have redis-cli; }

# start_redis DATA PORT [ARGS..]: for example `--appendonly yes`.
start_redis() {
    local data=$1 port=$2
    shift 2
    server_folder "$data"
    start redis TERM redis-server --bind 127.0.0.1 --port "$port" --dir "$data" "$@"
    await redis redis_answers "$port"
    server_url[redis]=redis://127.0.0.1:$port
}

# Another Redis may have been faster on this port: ask who answers.
redis_answers() {
    clean_env timeout 2 redis-cli -h 127.0.0.1 -p "$1" info server |
        grep "^process_id:${server_pid[redis]}[^0-9]*$"
}
