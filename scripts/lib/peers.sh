# shellcheck shell=bash
# Peers, most in other languages. One that cannot be built is named, and left out; its builder prints nothing then.
# Nothing is installed here: what a builder prints is taken, in a shell of its own, whose end would undo nothing.

# build_java_peer PROJECT TARGET: prints its class path.
build_java_peer() {
    local project=$1 target=$2
    local maven=(mvn -q -B package -f "$project" "-Dpeer.target=$target")
    have mvn || { say "no Maven: no peer in Java" && return; }
    # Without the network, if an earlier build on this machine has fetched everything.
    "${maven[@]}" -o >"$work/maven.log" 2>&1 || "${maven[@]}" >"$work/maven.log" 2>&1 || {
        show_log maven
        say "the peer in Java could not be built"
        return
    }
    echo "$target/classes:$target/lib/*"
}

# build_go_peer PROJECT PROGRAM: prints the program.
build_go_peer() {
    local project=$1 program=$2
    have go || { say "no Go (1.25 or newer): no peer in Go" && return; }
    (cd "$project" && go build -o "$program" .) >"$work/go.log" 2>&1 || {
        show_log go
        say "the peer in Go could not be built"
        return
    }
    echo "$program"
}

# build_rust_peer PROJECT TARGET: prints the program. A package of its own: its dependencies are none of the workspace.
build_rust_peer() {
    local project=$1 target=$2
    cargo build --release --locked --manifest-path "$project/Cargo.toml" --target-dir "$target" >"$work/rust.log" 2>&1 || {
        show_log rust
        say "the peer in Rust could not be built"
        return
    }
    echo "$target/release/shedlock-bench-peer"
}
