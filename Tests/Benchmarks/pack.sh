#!/usr/bin/env bash
# usage: pack.sh [RUNS]: packing a tree as part of a build (describing, packing and the digest) against mksquashfs and sha256sum alone on the same tree, in turn,
# with the same compression. Prints each pair and the median ratio.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
slipway=$PWD/out/bin/slipway
runs=${1:-3}
work=$(mktemp -d /var/tmp/slipway-bench-XXXXXX)
trap 'rm -rf "$work"' EXIT

# 400 MB of programs and libraries, as images have them
mkdir "$work/tree"
while read -r file; do
    cp --parents "$file" "$work/tree" 2>/dev/null || true
    [ "$(du -sm "$work/tree" | cut -f1)" -lt 400 ] || break
done < <(find /usr/lib /usr/bin -xdev -type f -size +64k -readable 2>/dev/null | sort)
tar -C "$work/tree" --owner=0 --group=0 -cf "$work/tree.tar" .
printf 'from: archive\narchive: tree.tar\n' >"$work/pack.yaml"

milliseconds() { echo $((${1/./} - ${2/./})) | awk '{ printf "%.0f", $1 / 1000 }'; }
# the time between two lines that a build tells
by_slipway() {
    local began='' line
    while IFS= read -r line; do
        case $line in
            *': describing the image') began=$EPOCHREALTIME ;;
        esac
    done < <("$slipway" build "$work/pack.yaml" -o "$work/slipway.sqfs" --no-step-cache -v 2>&1 >/dev/null)
    ours=$(milliseconds "$EPOCHREALTIME" "$began")
}
by_hand() {
    local began=$EPOCHREALTIME
    rm -f "$work/hand.sqfs"
    mksquashfs "$work/tree" "$work/hand.sqfs" -noappend -reproducible -all-root -comp zstd -Xcompression-level 3 -quiet -no-progress
    sha256sum "$work/hand.sqfs" >/dev/null
    theirs=$(milliseconds "$EPOCHREALTIME" "$began")
}
by_slipway; by_hand
ratios=()
for ((i = 1; i <= runs; i++)); do
    by_slipway; by_hand
    ratios+=("$(awk "BEGIN { printf \"%.3f\", $ours / $theirs }")")
    echo "slipway $ours ms, by hand $theirs ms, ratio ${ratios[-1]}"
done
printf '%s\n' "${ratios[@]}" | sort -n | awk '{ r[NR] = $1 } END { print "median ratio " (NR % 2 ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2) }'
