# The public libraries that judge our webhooks, of PyPI and of npm, each in a folder of its own below target/.
#
# Sourced by scripts/test, after scripts/lib/postgres.sh, whose functions it uses.

standardwebhooks_version=1.1.0
standardwebhooks_npm_version=1.1.1

# Installs what is missing and exports the interpreter that has the one, and the folder that has the other.
need_standardwebhooks() {
    local venv=target/standardwebhooks-$standardwebhooks_version
    local node=target/standardwebhooks-npm-$standardwebhooks_npm_version
    command -v python3 >/dev/null || install python3
    if ! "$venv/bin/python" -c 'import standardwebhooks' 2>/dev/null; then
        python3 -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
        say "installing standardwebhooks $standardwebhooks_version into $venv"
        rm -rf "$venv"
        { python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check \
            "standardwebhooks==$standardwebhooks_version"; } \
            || fail "could not install standardwebhooks $standardwebhooks_version from PyPI, which judges webhooks"
    fi
    { command -v node && command -v npm; } >/dev/null || install nodejs npm
    if [ ! -d "$node/node_modules/standardwebhooks" ]; then
        say "installing standardwebhooks $standardwebhooks_npm_version into $node"
        rm -rf "$node"
        npm install --silent --no-audit --no-fund --no-save --prefix "$node" \
            "standardwebhooks@$standardwebhooks_npm_version" >/dev/null \
            || fail "could not install standardwebhooks $standardwebhooks_npm_version from npm, which judges webhooks"
    fi
    export TAABIA_TEST_STANDARDWEBHOOKS=$PWD/$venv/bin/python
    export TAABIA_TEST_STANDARDWEBHOOKS_NPM=$PWD/$node/node_modules
}
