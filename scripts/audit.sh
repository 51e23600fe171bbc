#!/usr/bin/env bash
# Checks the crates against deny.toml: known vulnerabilities, licences, sources. Needs cargo-deny, and for vulnerabilities the
# network or a copy of the advisory database; prints which checks could not be made.
#
#   scripts/audit.sh             everything; exits with 1 where a check fails, with 3 where a check could not be made
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo deny --version >/dev/null 2>&1; then
    echo "not looked at: cargo-deny is not installed; 'cargo install --locked cargo-deny' gets it" >&2
    exit 3
fi
echo "== licences, sources, bans"
cargo deny --offline check licenses sources bans

echo "== vulnerabilities"
if cargo deny check advisories 2>/dev/null; then
    exit 0
fi
# A failed check, or no network? An earlier copy of the database decides, if there is one.
offline=$(mktemp)
trap 'rm -f "$offline"' EXIT
if cargo deny --offline check advisories >"$offline" 2>&1; then
    cat "$offline"
    echo "the advisory database could not be fetched; the copy that was there knows of nothing" >&2
    exit 0
elif grep -q "^error\[" "$offline"; then
    cat "$offline" >&2
    exit 1
fi
tail -n 3 "$offline" >&2
echo "not looked at: vulnerabilities, as the advisory database can neither be fetched nor is a copy here" >&2
exit 3
