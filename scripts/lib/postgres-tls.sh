# shellcheck shell=bash
# A private PostgreSQL that takes no connection in the clear, and asks everybody but `postgres` for a password.

postgres-tls_installed() { have openssl; }
package+=([postgres-tls]=openssl)

# start_postgres-tls DATA PORT [ARGS..]
start_postgres-tls() {
    local data=$1 port=$2 tls=$1.tls
    shift 2
    make_certificates postgres-tls "$tls"
    "${as_server[@]}" tee "$tls/hba" >/dev/null <<'HBA'
local   all all trust
hostssl all postgres 127.0.0.1/32 trust
hostssl all all 127.0.0.1/32 scram-sha-256
HBA
    start_postgres "$data" "$port" -c hba_file="$tls/hba" -c ssl=on \
        -c ssl_cert_file="$tls/server.crt" -c ssl_key_file="$tls/server.key" "$@"
    server_url[postgres-tls]=${server_url[postgres]}
    server_exports[postgres-tls]="export SHEDLOCK_TEST_POSTGRES_TLS_CA='$tls/ca.crt'"
}
