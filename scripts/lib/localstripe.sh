# localstripe, an independent server that speaks Stripe's protocol, and PyJWT, which checks certificates as the README says,
# in a virtual environment of their own below target/.
#
# Sourced by scripts/test, after scripts/lib/postgres.sh, whose functions it uses.

localstripe_version=1.15.10

# Installs what is missing and exports the interpreter that has it.
need_localstripe() {
    local venv=target/localstripe-$localstripe_version
    command -v python3 >/dev/null || install python3
    if ! "$venv/bin/python" -c 'import localstripe, jwt' 2>/dev/null; then
        python3 -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
        say "installing localstripe $localstripe_version into $venv"
        rm -rf "$venv"
        { python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check \
            "localstripe==$localstripe_version" 'pyjwt[crypto]'; } \
            || fail "could not install localstripe $localstripe_version from PyPI, which the Stripe adapter is tested against"
    fi
    export TAABIA_TEST_LOCALSTRIPE=$PWD/$venv/bin/python
}
