# shellcheck shell=bash
# A private Redis master `mymaster`, its replica, and three sentinels that fail over after a second.

redis-sentinel_installed() { true; }

# start_redis-sentinel DATA PORT [ARGS..]: the master is on that port. The URL lists the sentinels.
start_redis-sentinel() {
    local data=$1 master=$2 replica number port ports=()
    shift 2
    server_folder "$data"
    start_redis_node redis-master "$data/master" --port "$master" "$@"
    await redis-master redis_answers redis-master "$master"
    replica=$(free_port)
    start_redis_node redis-replica "$data/replica" --port "$replica" \
        --replicaof 127.0.0.1 "$master" --repl-diskless-sync-delay 0 "$@"
    await redis-replica redis_says "$replica" master_link_status:up info replication
    for number in 1 2 3; do
        port=$(free_port)
        start_sentinel "$number" "$data/sentinel-$number" "$port" "$master"
        ports+=("$port")
    done
    for number in 1 2 3; do
        port=${ports[number - 1]}
        await "redis-sentinel-$number" redis_says "$port" 'slaves=1,sentinels=3' info sentinel
    done
    local urls
    printf -v urls ',redis://127.0.0.1:%s' "${ports[@]}"
    server_url[redis-sentinel]=${urls:1}
    # Tests kill it.
    may_die[redis-master]=yes
    server_exports[redis-sentinel]="export SHEDLOCK_TEST_REDIS_MASTER_PID=${server_pid[redis-master]}
export SHEDLOCK_TEST_REDIS_MASTER_URL='redis://127.0.0.1:$master'"
}

# start_sentinel NUMBER DATA PORT MASTER-PORT
start_sentinel() {
    local number=$1 data=$2 port=$3 master=$4
    server_folder "$data"
    # It writes what it learns into its configuration.
    "${as_server[@]}" tee "$data/sentinel.conf" >/dev/null <<END
sentinel monitor mymaster 127.0.0.1 $master 2
sentinel down-after-milliseconds mymaster 1000
sentinel failover-timeout mymaster 5000
END
    start "redis-sentinel-$number" TERM redis-server "$data/sentinel.conf" --sentinel \
        --bind 127.0.0.1 --port "$port" --dir "$data"
    await "redis-sentinel-$number" redis_answers "redis-sentinel-$number" "$port"
}
