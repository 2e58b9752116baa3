# shellcheck shell=bash
# A private MariaDB: durable as it comes, user `root`, no password.

mariadb_installed() { have mariadbd && have mariadb-install-db && have mariadb; }

# start_mariadb DATA PORT [ARGS..]: for example `--default-time-zone=+09:00`.
start_mariadb() {
    local data=$1 port=$2 socket=$work/mariadb.socket tmp=$work/mariadb.tmp
    shift 2
    server_folder "$data"
    server_folder "$socket"
    # A server that starts deletes the temporary tables of all others in the same folder.
    server_folder "$tmp"
    if [[ ! -d $data/mysql ]]; then
        prepare mariadb mariadb-install-db --no-defaults --datadir="$data" --tmpdir="$tmp" \
            --auth-root-authentication-method=normal --skip-test-db
    fi
    # The character set is what Debian's configuration file would set.
    start mariadb TERM mariadbd --no-defaults --datadir="$data" --tmpdir="$tmp" --port="$port" \
        --bind-address=127.0.0.1 --socket="$socket/s" --pid-file="$socket/pid" \
        --max-connections=300 \
        --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci "$@"
    # Asked over the socket, which is surely ours.
    local ask=(clean_env mariadb --no-defaults --connect-timeout=2 --socket="$socket/s" --user=root -e)
    await mariadb "${ask[@]}" 'SELECT 1'
    "${ask[@]}" 'CREATE DATABASE IF NOT EXISTS shedlock_test'
    server_url[mariadb]=mysql://root@127.0.0.1:$port/shedlock_test
}
