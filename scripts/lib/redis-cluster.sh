# shellcheck shell=bash
# A private Redis Cluster of three masters.

redis-cluster_installed() { true; }

# start_redis-cluster DATA PORT [ARGS..]: the first node is on that port.
start_redis-cluster() {
    local data=$1 port=$2 bus node ports=()
    shift 2
    server_folder "$data"
    for node in 1 2 3; do
        bus=$(free_port)
        while [[ $bus == "$port" ]]; do bus=$(free_port); done
        start_redis_node "redis-cluster-$node" "$data/$node" --port "$port" \
            --cluster-enabled yes --cluster-port "$bus" --cluster-node-timeout 2000 "$@"
        await "redis-cluster-$node" redis_answers "redis-cluster-$node" "$port"
        ports+=("$port")
        port=$(free_port)
    done
    if ! redis_says "${ports[0]}" cluster_state:ok cluster info; then
        prepare redis-cluster redis-cli --cluster create "${ports[@]/#/127.0.0.1:}" --cluster-yes
    fi
    for node in 1 2 3; do
        await "redis-cluster-$node" redis_says "${ports[node - 1]}" cluster_state:ok cluster info
    done
    local hosts
    printf -v hosts ',127.0.0.1:%s' "${ports[@]}"
    server_url[redis-cluster]=redis+cluster://${hosts:1}
    # Tests kill it.
    may_die[redis-cluster-1]=yes
    server_exports[redis-cluster]="export SHEDLOCK_TEST_REDIS_MASTER_PID=${server_pid[redis-cluster-1]}"
}
