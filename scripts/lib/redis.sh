# shellcheck shell=bash
# A private Redis, with Redis's own defaults.

# More that a test reads about a server, and servers that may end by themselves.
declare -A server_exports=() may_die=()

redis_installed() { have redis-server && have redis-cli; }

# start_redis DATA PORT [ARGS..]: for example `--appendonly yes`.
start_redis() {
    local data=$1 port=$2
    shift 2
    start_redis_node redis "$data" --port "$port" "$@"
    await redis redis_answers redis "$port"
    server_url[redis]=redis://127.0.0.1:$port
}

# start_redis_node NAME DATA ARGS..: one process.
start_redis_node() {
    local name=$1 data=$2
    shift 2
    server_folder "$data"
    start "$name" TERM redis-server --bind 127.0.0.1 --dir "$data" "$@"
}

# redis_ask PORT COMMAND..: what the server on this port answers.
redis_ask() {
    local port=$1
    shift
    clean_env timeout 2 redis-cli -h 127.0.0.1 -p "$port" "$@"
}

# Another Redis may have been faster on this port: ask who answers.
redis_answers() {
    local name=$1 port=$2
    shift 2
    redis_ask "$port" "$@" info server | grep "^process_id:${server_pid[$name]}[^0-9]*$"
}

# redis_says PORT EXPECTED COMMAND..
redis_says() {
    local port=$1 expected=$2
    shift 2
    redis_ask "$port" "$@" | grep -q "$expected"
}

source "$lib/redis-cluster.sh"
source "$lib/redis-sentinel.sh"
source "$lib/redis-tls.sh"
