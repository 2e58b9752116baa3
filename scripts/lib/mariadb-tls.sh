# shellcheck shell=bash
# A private MariaDB that takes no connection in the clear.

mariadb-tls_installed() { have openssl; }
package+=([mariadb-tls]=openssl)

# start_mariadb-tls DATA PORT [ARGS..]
start_mariadb-tls() {
    local data=$1 port=$2 tls=$1.tls
    shift 2
    make_certificates mariadb-tls "$tls"
    start_mariadb "$data" "$port" --require-secure-transport=ON --ssl-ca="$tls/ca.crt" \
        --ssl-cert="$tls/server.crt" --ssl-key="$tls/server.key" "$@"
    server_url[mariadb-tls]=${server_url[mariadb]}
    server_exports[mariadb-tls]="export SHEDLOCK_TEST_MYSQL_TLS_CA='$tls/ca.crt'"
}
