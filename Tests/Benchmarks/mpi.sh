#!/usr/bin/env bash
# usage: mpi.sh [PAIRS]: the bandwidth of an Open MPI ping-pong (4 MiB messages, two ranks, cross-memory attach) in an image, against the same program outside,
# in alternating pairs (15). Prints both medians in MB/s and the median of the pairs' ratios. Takes mmdebstrap, squashfs-tools, squashfuse, openmpi-bin and
# libopenmpi-dev of the release that this host runs. Started by root it goes on as the user in SLIPWAY_TEST_USER (slipway-test).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
pairs=${1:-15}
[ -x out/bin/slipway ] || { echo "mpi.sh: out/bin/slipway is not there: ./bootstrap.sh build" >&2; exit 1; }
work=${SLIPWAY_BENCH_DIR:-/var/tmp/slipway-bench-mpi}
user=
if [ "$(id -u)" = 0 ]; then
    user=${SLIPWAY_TEST_USER:-slipway-test}
    id "$user" >/dev/null 2>&1 || useradd --create-home --shell /bin/sh "$user"
fi
as_user() { if [ -n "$user" ]; then runuser -u "$user" -- env HOME="$(getent passwd "$user" | cut -d: -f6)" "$@"; else "$@"; fi; }

mkdir -p "$work"
[ -z "$user" ] || chown "$user" "$work"
if [ ! -e "$work/image.sqfs" ]; then
    echo "making the image (a minimal Debian with Open MPI)" >&2
    as_user mmdebstrap --quiet --variant=minbase --include=openmpi-bin "$(. /etc/os-release; echo "$VERSION_CODENAME")" "$work/root.tar"
    as_user sqfstar -quiet -no-progress -comp zstd "$work/image.new" <"$work/root.tar"
    as_user mv "$work/image.new" "$work/image.sqfs"
    as_user rm "$work/root.tar"
fi
cp --remove-destination out/bin/slipway* "$work/"
mpicc -O2 -o "$work/pingpong" Tests/Benchmarks/pingpong.c

ranks() { (cd "$work" && as_user env -u XDG_RUNTIME_DIR mpirun --oversubscribe -np 2 --mca pml ob1 --mca btl self,vader --mca btl_vader_single_copy_mechanism cma "$@"); }
for ((i = 0; i < pairs; i++)); do
    # which of the two goes first changes with each pair
    if ((i % 2)); then outside=$(ranks "$work/pingpong"); fi
    inside=$(ranks "$work/slipway" run --bind "$work" "$work/image.sqfs" -- "$work/pingpong")
    if ((i % 2 == 0)); then outside=$(ranks "$work/pingpong"); fi
    echo "$inside $outside"
done | awk '
    function median(list, n,    i, j, t) { for (i = 2; i <= n; i++) { t = list[i]; for (j = i - 1; j > 0 && list[j] > t; j--) list[j + 1] = list[j]; list[j + 1] = t } return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2 }
    { inside[NR] = $1; outside[NR] = $2; ratio[NR] = $1 / $2; printf "pair %d: inside %s MB/s, outside %s MB/s, ratio %.3f\n", NR, $1, $2, $1 / $2 }
    END { printf "median of %d pairs: inside %.0f MB/s, outside %.0f MB/s, ratio %.3f\n", NR, median(inside, NR), median(outside, NR), median(ratio, NR) }'
