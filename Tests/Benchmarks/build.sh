#!/usr/bin/env bash
# usage: build.sh [RUNS]: the demo image by `slipway build` against mmdebstrap and mksquashfs by hand, in turn, with the same packages (downloaded
# before), the same compression and the same user. Prints each pair, and the median ratio.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
slipway=$PWD/out/bin/slipway
runs=${1:-3}
work=$(mktemp -d /var/tmp/slipway-bench-XXXXXX)
as_builder=(unshare --mount --pid --fork --kill-child --mount-proc)
[ "$(id -u)" = 0 ] || as_builder=(unshare --map-root-user --map-auto --mount --pid --fork --kill-child --mount-proc)
trap '"${as_builder[@]}" rm -rf "$work"' EXIT
packages=$([ "$(id -u)" = 0 ] && echo /var/cache/slipway/build || echo "${XDG_CACHE_HOME:-$HOME/.cache}/slipway")/packages/deb

# the demo's definition, less its test: nobody runs that by hand
sed '/^test:/d' examples/lammps/lammps.yaml >"$work/lammps.yaml"

by_slipway() { "$slipway" build "$work/lammps.yaml" -o "$work/slipway.sqfs" --no-step-cache >/dev/null; }
by_hand() {
    "${as_builder[@]}" mmdebstrap --mode=root --variant=minbase --format=directory --include=lammps,openmpi-bin \
        --skip=download/empty --skip=essential/unlink --skip=cleanup/apt --setup-hook='mkdir -p "$1"/var/cache/apt/archives' \
        --setup-hook="cp -al '$work/archives/.' \"\$1\"/var/cache/apt/archives/" --customize-hook='rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*' \
        bookworm "$work/root" >/dev/null 2>&1
    "${as_builder[@]}" mksquashfs "$work/root" "$work/hand.sqfs" -noappend -comp zstd -Xcompression-level 3 -quiet -no-progress
    sha256sum "$work/hand.sqfs" >/dev/null
    "${as_builder[@]}" rm -rf "$work/root"
}
again() { "$slipway" build "$work/lammps.yaml" -o "$work/again.sqfs" --lock-file "$work/lock" >/dev/null; }
seconds() { local start=$EPOCHREALTIME; "$@"; echo "$EPOCHREALTIME $start" | awk '{ printf "%.2f", $1 - $2 }'; }

by_slipway # downloads, and warms the page cache
# under the names that apt gives to files in its archives
mkdir "$work/archives"
for file in "$packages"/*.deb; do
    name=$(dpkg-deb -W --showformat='${Package}_${Version}_${Architecture}.deb' "$file")
    ln -f "$file" "$work/archives/${name//:/%3a}" 2>/dev/null || cp "$file" "$work/archives/${name//:/%3a}"
done
ratios=()
for ((i = 1; i <= runs; i++)); do
    ours=$(seconds by_slipway) theirs=$(seconds by_hand)
    ratios+=("$(awk "BEGIN { printf \"%.3f\", $ours / $theirs }")")
    echo "slipway $ours s, by hand $theirs s, ratio ${ratios[-1]}"
done
printf '%s\n' "${ratios[@]}" | sort -n | awk '{ r[NR] = $1 } END { print "median ratio " (NR % 2 ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2) }'

# a rebuild from a lock with nothing changed
"$slipway" build "$work/lammps.yaml" -o "$work/slipway.sqfs" --lock-file "$work/lock" >/dev/null
for ((i = 1; i <= runs; i++)); do
    echo "rebuild from a lock $(seconds again) s"
done
cmp "$work/slipway.sqfs" "$work/again.sqfs"
