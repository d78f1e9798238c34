#!/usr/bin/env bash
# usage: deps.sh [RUNS]: what all ELF programs in /usr/bin need, by `slipway deps` in one run (which also finds plug-ins, packages and licences) against
# ldd(1) on each, in turn. Prints each pair with its peak memory, whether anything that ldd finds is missing, and the median ratio; then one program in a
# running pwsh, where that is there. Takes /usr/bin/time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
slipway=$PWD/out/bin/slipway module=$PWD/out/module/Slipway
runs=${1:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_LIBRARY_PATH LD_PRELOAD

for file in /usr/bin/*; do
    [ -f "$file" ] && [ -r "$file" ] && [ "$(head -c 4 "$file" | od -An -tx1)" = ' 7f 45 4c 46' ] && printf '%s\n' "$file"
done >"$work/programs"
echo "$(wc -l <"$work/programs") programs"

ours() { xargs -a "$work/programs" -x "$slipway" deps >"$work/ours" 2>"$work/problems" || true; }
theirs() { while IFS= read -r program; do LC_ALL=C ldd "$program" 2>/dev/null || true; done <"$work/programs" >"$work/theirs"; }
export -f ours theirs
export slipway work

ours # warms the page cache
ratios=()
for ((i = 1; i <= runs; i++)); do
    read -r a memory < <(/usr/bin/time -f '%e %M' bash -c ours 2>&1)
    read -r b < <(/usr/bin/time -f '%e' bash -c theirs 2>&1)
    ratios+=("$(awk "BEGIN { printf \"%.1f\", $b / $a }")")
    echo "slipway deps $a s, $((memory / 1024)) MiB; ldd $b s; ratio ${ratios[-1]}"
done
printf '%s\n' "${ratios[@]}" | sort -n | awk '{ r[NR] = $1 } END { print "median ratio " (NR % 2 ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2) }'

# links are listed beside their targets: compare what they lead to
grep -oE '(=> |^[[:space:]]+)/[^ ]+ \(0x' "$work/theirs" | grep -oE '/[^ ]+' | sort -u | xargs readlink -f | sort -u >"$work/libraries"
cut -f1 "$work/ours" | sed 's/ -> .*//' | sort -u >"$work/found"
echo "ldd finds $(wc -l <"$work/libraries") libraries, of which slipway lacks $(comm -23 "$work/libraries" "$work/found" | wc -l); what it finds beside them, plug-ins need:"
awk -F'\t' '{ n[$3]++ } END { for (rule in n) printf "  %s %d\n", rule, n[rule] }' "$work/ours" | sort

command -v pwsh >/dev/null || exit 0
pwsh -NoProfile -NonInteractive -Command "
    Import-Module '$module'
    foreach (\$program in 'ls', 'bash', 'openssl', 'mpirun') {
        if (-not (Get-Command \$program -CommandType Application -ErrorAction Ignore)) { continue }
        \$times = 1..9 | ForEach-Object { (Measure-Command { \$null = Get-ImageDependency \$program -WarningAction Ignore }).TotalMilliseconds }
        'pwsh, Get-ImageDependency {0}: first {1:n0} ms, then {2:n0} ms (median of 8)' -f \$program, \$times[0], (\$times[1..8] | Sort-Object)[4]
    }"
