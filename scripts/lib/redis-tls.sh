# shellcheck shell=bash
# A private Redis that speaks TLS only, with a certificate of an authority of its own.

redis-tls_installed() { have openssl; }
package+=([redis-tls]=openssl)

# start_redis-tls DATA PORT [ARGS..]
start_redis-tls() {
    local data=$1 port=$2 tls=$1/tls
    shift 2
    server_folder "$data"
    make_certificates redis-tls "$tls"
    start_redis_node redis-tls "$data" --port 0 --tls-port "$port" --tls-auth-clients no \
        --tls-cert-file "$tls/server.crt" --tls-key-file "$tls/server.key" \
        --tls-ca-cert-file "$tls/ca.crt" "$@"
    await redis-tls redis_answers redis-tls "$port" --tls --cacert "$tls/ca.crt"
    server_url[redis-tls]=rediss://127.0.0.1:$port
    server_exports[redis-tls]="export SHEDLOCK_TEST_REDIS_TLS_CA='$tls/ca.crt'"
}
