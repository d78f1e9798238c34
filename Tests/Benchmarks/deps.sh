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
# one session each: what the first call in it takes, and a later one
for program in ls bash openssl mpirun lmp; do
    command -v "$program" >/dev/null || continue
    pwsh -NoProfile -NonInteractive -Command "
        Import-Module '$module'
        \$times = 1..21 | ForEach-Object { (Measure-Command { \$files = Get-ImageDependency $program -WarningAction Ignore }).TotalMilliseconds }
        'pwsh, Get-ImageDependency {0}, {1} files: first {2:n0} ms, then {3:n0} ms (median of 20)' -f '$program', \$files.Count, \$times[0], (\$times[1..20] | Sort-Object)[10]"
done
