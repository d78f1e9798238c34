#!/usr/bin/env bash
# usage: fabric.sh [RUNS]: what a fabric plan costs. In a running process (pwsh): reading the node and planning for one HCA and an image whose manifest
# tells what it has. At the first rank's start: containers with a plan and without one, in turn. Takes libibverbs1 and ibverbs-providers on this machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
slipway=$PWD/out/bin/slipway
runs=${1:-40}
work=$(mktemp -d /var/tmp/slipway-bench-XXXXXX)
trap 'rm -rf "$work"' EXIT
node=$work/node

# a node with soft-RoCE, and the verbs libraries of this machine
while read -r kind path content; do
    case $kind in
        file) mkdir -p "$node$(dirname "$path")"; printf '%s\n' "$content" >"$node$path" ;;
        link) mkdir -p "$node$(dirname "$path")"; ln -s "$content" "$node$path" ;;
    esac
done <Tests/Core/Support/Nodes/rxe.tree
libraries=$(dirname "$(ldconfig -p | sed -n 's/.*libibverbs\.so\.1 .*x86-64.* => //p' | head -n 1)")
mkdir -p "$node$libraries" "$node/etc/ld.so.conf.d"
cp -a "$libraries"/lib{ibverbs,rdmacm,mlx4,mlx5,efa,mana,nl-3,nl-route-3}.so* "$node$libraries/" 2>/dev/null || true
cp -a "$libraries/libibverbs" "$node$libraries/"
echo "$libraries" >"$node/etc/ld.so.conf.d/bench.conf"
echo 'include /etc/ld.so.conf.d/*.conf' >"$node/etc/ld.so.conf"

printf 'from: deb\nsuite: bookworm\npackages: [libibverbs1]\n' >"$work/app.yaml"
"$slipway" build "$work/app.yaml" -o "$work/app.sqfs" >/dev/null
"$slipway" publish "$work/app.sqfs" >/dev/null
"$slipway" fabric --root "$node" "$work/app.sqfs"

if command -v pwsh >/dev/null; then
    pwsh -NoProfile -NonInteractive -Command "
        Import-Module '$PWD/out/module/Slipway'
        \$image = Get-ContainerImage '$work/app.sqfs'
        \$options = [Slipway.FabricPlanOptions] @{ HostRoot = '$node' }
        \$read = @(); \$plan = @()
        foreach (\$i in 1..($runs + 1)) {
            \$watch = [Diagnostics.Stopwatch]::StartNew(); \$inventory = [Slipway.FabricInventory]::Read('$node'); \$read += \$watch.Elapsed.TotalMilliseconds
            \$watch.Restart(); \$null = [Slipway.FabricPlanner]::Plan(\$image, \$inventory, \$options); \$plan += \$watch.Elapsed.TotalMilliseconds
        }
        'in a running process: first {0:n1} + {1:n1} ms; then median {2:n2} ms to read the node, {3:n2} ms to plan ({4} runs)' -f \$read[0], \$plan[0],
            (\$read[1..$runs] | Sort-Object)[$runs / 2], (\$plan[1..$runs] | Sort-Object)[$runs / 2], $runs"
fi

milliseconds() { local start=$EPOCHREALTIME; "$@"; echo "$EPOCHREALTIME $start" | awk '{ printf "%.2f\n", ($1 - $2) * 1000 }'; }
# a key of its own for each: every one starts a container
start() { "$slipway" run --job "$1" --fabric "$2" "$work/app.sqfs" -- true; }
for ((i = 0; i < runs; i++)); do
    milliseconds start "with-$i" auto >>"$work/with"
    milliseconds start "without-$i" none >>"$work/without"
done
median() { sort -n | awk '{ r[NR] = $1 } END { printf "%.1f", NR % 2 ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2 }'; }
echo "first rank of a container: $(median <"$work/with") ms with a plan, $(median <"$work/without") ms without; median of the pairs' differences $(paste "$work/with" "$work/without" | awk '{ print $1 - $2 }' | median) ms"
