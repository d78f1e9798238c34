#!/usr/bin/env bash
# Runs every suite and sums them up: one last line, `N passed, N failed, N skipped`.
# Called by `./bootstrap.sh test [--long]`, which has built before and put a pwsh on the PATH.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ "${1:-}" = --long ] && export SLIPWAY_TEST_LONG=1
passed=0 failed=0 skipped=0
results=$(mktemp -d)

# root tries everything also as an ordinary user with subordinate ids; another one is whom the first must not come to harm by
if [ "$(id -u)" = 0 ]; then
    export SLIPWAY_TEST_USER=slipway-test SLIPWAY_TEST_USER2=slipway-test2
    for user in "$SLIPWAY_TEST_USER" "$SLIPWAY_TEST_USER2"; do
        id "$user" >/dev/null 2>&1 || useradd --create-home --shell /bin/sh "$user"
    done
fi
trap 'rm -rf "$results"' EXIT

add() { passed=$((passed + $1)); failed=$((failed + $2)); skipped=$((skipped + $3)); }

printf '\n== Core (xunit)\n'
dotnet test Tests/Core -c Release --nologo -v quiet --logger "trx;LogFileName=$results/core.trx" --logger 'console;verbosity=minimal'
core_exit=$?
counters=$(grep -o '<Counters [^>]*>' "$results/core.trx" 2>/dev/null)
number() { sed -nE "s/.* $1=\"([0-9]+)\".*/\1/p" <<<"$counters"; }
if [ -n "$counters" ]; then
    total=$(number total) ok=$(number passed) executed=$(number executed)
    add "$ok" $((executed - ok)) $((total - executed))
    # each skipped test with its reason
    grep -A4 'outcome="NotExecuted"' "$results/core.trx" | sed -nE 's/.*testName="([^"]*)".*/skipped  \1/p; s/.*<StdOut>(.*)<\/StdOut>.*/         \1/p; s/.*<Message>(.*)<\/Message>.*/         \1/p'
else
    add 0 1 0
fi
[ $core_exit -eq 0 ] || [ "$failed" -gt 0 ] || add 0 1 0

printf '\n== Cmdlets (Pester)\n'
pwsh -NoProfile -NonInteractive -File Tests/Cmdlets/run.ps1 "$results/pester"
if read -r ok bad skip <"$results/pester"; then add "$ok" "$bad" "$skip"; else add 0 1 0; fi

if [ "${SLIPWAY_TEST_LONG:-}" = 1 ]; then
    printf '\n== A machine that has nothing (Tests/fresh.sh)\n'
    Tests/fresh.sh 2>&1 | tee "$results/fresh"
    case ${PIPESTATUS[0]} in
        0) add 1 0 0 ;;
        77) printf 'skipped  Tests/fresh.sh: %s\n' "$(sed -n 's/^fresh: skipped: //p' "$results/fresh")"; add 0 0 1 ;;
        *) add 0 1 0 ;;
    esac
fi

# of both suites, without what several tests share (a cluster's start)
printf '\n== The ten slowest\n'
{
    grep -o '<UnitTestResult [^>]*>' "$results/core.trx" | sed -nE 's/.* testName="([^"]*)".* duration="([0-9]+):([0-9]+):([0-9.]+)".*/\2 \3 \4 \1/p' |
        sed -e 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g' | awk '{ time = $1 * 3600 + $2 * 60 + $3; sub(/^[^ ]+ [^ ]+ [^ ]+ /, ""); printf "%.3f %s\n", time, $0 }'
    cat "$results/pester.times"
} 2>/dev/null | sort -rn | head -n 10 | awk '{ time = $1; sub(/^[^ ]+ /, ""); printf "%6.1f s  %s\n", time, substr($0, 1, 150) }'

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
