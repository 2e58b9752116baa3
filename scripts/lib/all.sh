# shellcheck shell=bash
lib=$(dirname "${BASH_SOURCE[0]}")
source "$lib/common.sh"
source "$lib/install.sh"
source "$lib/processes.sh"
source "$lib/certificates.sh"
source "$lib/postgres.sh"
source "$lib/postgres-tls.sh"
source "$lib/mariadb.sh"
source "$lib/mariadb-tls.sh"
source "$lib/redis.sh"
