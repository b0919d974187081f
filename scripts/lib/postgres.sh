# A throw-away PostgreSQL cluster for one run of a script, for bash with `set -euo pipefail`. Installs what is
# missing on a fresh Debian, and ends the server and removes its folder when the script ends.
#
# Sourced by scripts/test and scripts/bench.

script=$(basename "$0")

say() { printf 'scripts/%s: %s\n' "$script" "$*" >&2; }
fail() { say "$*"; exit 1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else return 127
    fi
}

install() {
    command -v apt-get >/dev/null || fail "please install $* by hand: there is no apt-get here"
    say "installing $*"
    { as_root apt-get update -qq \
        && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null; } \
        || fail "could not install $*: run 'apt-get install $*' as root, then run this script again"
}

# What the build itself needs: the C parts of the cryptography and of SQLite are compiled here.
need_rust() {
    command -v cargo >/dev/null || fail 'cargo is missing: install Rust first'
    command -v cc >/dev/null || install build-essential
}

# The newest server of this machine; its programs are not on PATH in Debian.
postgres_programs() {
    local programs
    for programs in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
        if [ -x "$programs/initdb" ]; then printf '%s\n' "$programs"; return; fi
    done
    if command -v pg_config >/dev/null && [ -x "$(pg_config --bindir)/initdb" ]; then pg_config --bindir; fi
}

# Set by start_postgres.
postgres_bin=
postgres_port=
# Of a superuser, without a database.
postgres_url=

postgres_pid=
postgres_folder=
stop_postgres() {
    if [ -n "$postgres_pid" ] && kill -INT "$postgres_pid" 2>/dev/null; then wait "$postgres_pid" 2>/dev/null || true; fi
    if [ -n "$postgres_folder" ]; then rm -rf "$postgres_folder"; fi
}
trap stop_postgres EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start_postgres FOLDER [-c SETTING=VALUE]…: starts a server on a free port of the loopback interface, its data
# in a new folder below FOLDER.
start_postgres() {
    local below=$1 attempt
    # PostgreSQL refuses to run as root.
    local unprivileged=()
    shift
    postgres_bin=$(postgres_programs)
    if [ -z "$postgres_bin" ]; then
        install postgresql
        postgres_bin=$(postgres_programs)
        [ -n "$postgres_bin" ] || fail 'PostgreSQL was installed, but its initdb is not where Debian puts it'
    fi

    postgres_folder=$(mktemp -d "$below/taabia-$script.XXXXXX")
    if [ "$(id -u)" -eq 0 ]; then
        local user=postgres
        id "$user" >/dev/null 2>&1 || user=nobody
        unprivileged=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
        chown "$user" "$postgres_folder"
    fi

    # Only this machine reaches it, and it holds nothing but what the script itself puts there.
    (cd "$postgres_folder" && "${unprivileged[@]}" "$postgres_bin/initdb" --pgdata="$postgres_folder/cluster" \
        --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \
        >"$postgres_folder/initdb.log" 2>&1) \
        || { cat "$postgres_folder/initdb.log" >&2; fail 'could not create a PostgreSQL cluster'; }

    for attempt in 1 2 3 4 5; do
        postgres_port=$((20000 + RANDOM % 12000))
        (cd "$postgres_folder" && exec "${unprivileged[@]}" "$postgres_bin/postgres" -D "$postgres_folder/cluster" \
            -c listen_addresses=127.0.0.1 -c port="$postgres_port" -c unix_socket_directories="$postgres_folder" \
            -c log_min_messages=fatal "$@") >"$postgres_folder/server.log" 2>&1 &
        postgres_pid=$!
        while kill -0 "$postgres_pid" 2>/dev/null; do
            if "$postgres_bin/pg_isready" -q -h "$postgres_folder" -p "$postgres_port"; then
                postgres_url="postgres://postgres@127.0.0.1:$postgres_port"
                return
            fi
            sleep 0.1
        done
        wait "$postgres_pid" || true
        postgres_pid=
        say "PostgreSQL did not start on port $postgres_port (attempt $attempt)"
    done
    cat "$postgres_folder/server.log" >&2
    fail 'could not start PostgreSQL'
}
