# shellcheck shell=bash
# Certificates for private servers, by an authority of their own.

# make_certificates NAME FOLDER: ca.crt, server.crt and server.key, for 127.0.0.1.
make_certificates() {
    local name=$1 tls=$2 key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2)
    server_folder "$tls"
    [[ ! -e $tls/server.crt ]] || return 0
    prepare "$name" openssl req -x509 "${key[@]}" -subj '/CN=shedlock test authority' \
        -keyout "$tls/ca.key" -out "$tls/ca.crt"
    prepare "$name" openssl req -x509 "${key[@]}" -subj /CN=localhost \
        -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -addext basicConstraints=critical,CA:FALSE \
        -addext subjectAltName=IP:127.0.0.1,DNS:localhost \
        -keyout "$tls/server.key" -out "$tls/server.crt"
}
