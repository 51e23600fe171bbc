#!/usr/bin/env bash
# Holds the crates that are built against deny.toml: known vulnerabilities, licences, sources. Needs cargo-deny, and for vulnerabilities the
# network or a copy of the advisory database; says what could not be looked at.
#
#   scripts/audit.sh             everything; exits with 1 where something is wrong, with 3 where something could not be looked at
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
# Wrong, or no network? What was fetched before tells, if it is there.
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
