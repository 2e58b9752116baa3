# shellcheck shell=bash
# A private Redis that speaks TLS only, with a certificate of an authority of its own.

redis-tls_installed() { have openssl; }
package+=([redis-tls]=openssl)

# start_redis-tls DATA PORT [ARGS..]
start_redis-tls() {
    local data=$1 port=$2 tls=$1/tls
    shift 2
    server_folder "$data"
    server_folder "$tls"
    [[ -e $tls/server.crt ]] || make_certificates "$tls"
    start_redis_node redis-tls "$data" --port 0 --tls-port "$port" --tls-auth-clients no \
        --tls-cert-file "$tls/server.crt" --tls-key-file "$tls/server.key" \
        --tls-ca-cert-file "$tls/ca.crt" "$@"
    await redis-tls redis_answers redis-tls "$port" --tls --cacert "$tls/ca.crt"
    server_url[redis-tls]=rediss://127.0.0.1:$port
    server_exports[redis-tls]="export SHEDLOCK_TEST_REDIS_TLS_CA='$tls/ca.crt'"
}

make_certificates() {
    local tls=$1 key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2)
    prepare redis-tls openssl req -x509 "${key[@]}" -subj '/CN=shedlock test authority' \
        -keyout "$tls/ca.key" -out "$tls/ca.crt"
    prepare redis-tls openssl req -x509 "${key[@]}" -subj /CN=localhost \
        -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -addext basicConstraints=critical,CA:FALSE \
        -addext subjectAltName=IP:127.0.0.1,DNS:localhost \
        -keyout "$tls/server.key" -out "$tls/server.crt"
}
