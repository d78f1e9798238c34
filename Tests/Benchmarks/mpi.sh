#!/usr/bin/env bash
# usage: mpi.sh [PAIRS [PART…]]: Open MPI in an image against the same program outside, in alternating pairs (15). Prints each pair, then for each quantity both
# medians and the median of the pairs' ratios. Parts (all three, unless some are named):
#   pingpong  latency and bandwidth between two ranks of this host (cross-memory attach)
#   lammps    the loop time of LAMMPS on two ranks of this host; its image is made from this host's own program, so both run the same file
#   start     from the start of mpirun until the last of 64 ranks on 8 nodes of the test cluster has done MPI_Init: bare, in an image whose containers are not
#             there yet, and by ch-run, which mounts it for each rank. As root. The binary is the same.
# Takes mmdebstrap, squashfs-tools, squashfuse, openmpi-bin and libopenmpi-dev of the release that this host runs; lammps; what Tests/Cluster/cluster.sh takes, and
# charliecloud. Started by root it goes on as the user in SLIPWAY_TEST_USER (slipway-test).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
pairs=${1:-15}
shift $(($# > 0))
parts=" ${*:-pingpong lammps start} "
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

# Lines of figures, one a quantity and side, "NAME SIDE VALUE", to medians and ratios to the first side. Ratios are of one pair, and then their median is taken.
summary() {
    awk -v unit="$1" '
    function median(list, n,    i, j, t) { for (i = 2; i <= n; i++) { t = list[i]; for (j = i - 1; j > 0 && list[j] > t; j--) list[j + 1] = list[j]; list[j + 1] = t } return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2 }
    { k = $1 " " $2; if (!(k in n)) order[++keys] = k; v[k, ++n[k]] = $3 }
    END {
        for (q = 1; q <= keys; q++) {
            k = order[q]; split(k, w, " "); bare = w[1] " outside"
            for (i = 1; i <= n[k]; i++) { a[i] = v[k, i]; r[i] = v[k, i] / v[bare, i] }
            m = median(a, n[k]); x = median(r, n[k])
            printf "%s, %s: median of %d %.4g %s, ratio to outside %.3f\n", w[1], w[2], n[k], m, unit, x
        }
    }'
}

ranks() { (cd "$work" && as_user env -u XDG_RUNTIME_DIR mpirun --oversubscribe -np 2 --mca pml ob1 --mca btl self,vader --mca btl_vader_single_copy_mechanism cma "$@"); }
# two commands in pairs; which of them goes first changes with each
pair() { if (($1 % 2)); then "$3" outside; "$2" inside; else "$2" inside; "$3" outside; fi; }

if [[ $parts == *' pingpong '* ]]; then
    mpicc -O2 -o "$work/pingpong" Tests/Benchmarks/pingpong.c
    inside() { ranks "$work/slipway" run --bind "$work" "$work/image.sqfs" -- "$work/pingpong" | awk '{ print "latency inside", $1; print "bandwidth inside", $2 }'; }
    outside() { ranks "$work/pingpong" | awk '{ print "latency outside", $1; print "bandwidth outside", $2 }'; }
    for ((i = 0; i < pairs; i++)); do pair $i inside outside; done | tee /dev/stderr >"$work/pingpong.txt"
    grep latency "$work/pingpong.txt" | summary us
    grep bandwidth "$work/pingpong.txt" | summary MB/s
fi

if [[ $parts == *' lammps '* ]]; then
    printf 'from: host\nprograms: [lmp]\npackages: [openmpi-bin]\n' >"$work/lammps.yaml"
    [ -e "$work/lammps.sqfs" ] || as_user "$work/slipway" build "$work/lammps.yaml" -o "$work/lammps.sqfs" >/dev/null
    sed -e 's/0 10 0 10 0 10/0 20 0 20 0 20/' -e 's/^run .*/run 200/' examples/lammps/in.melt >"$work/in.melt"
    loop() { awk -v side="$1" '/^Loop time of/ { print "loop", side, $4 }'; }
    inside() { ranks "$work/slipway" run --bind "$work" "$work/lammps.sqfs" -- lmp -in "$work/in.melt" -log none | loop inside; }
    outside() { ranks lmp -in "$work/in.melt" -log none | loop outside; }
    for ((i = 0; i < pairs; i++)); do pair $i inside outside; done | tee /dev/stderr | summary s
fi

if [[ $parts == *' start '* ]]; then
    nodes=8 each=8
    export CLUSTER_STATE=$work/state CLUSTER_CPUS=$each
    cluster() { Tests/Cluster/cluster.sh "$@"; }
    trap 'cluster down >/dev/null 2>&1' EXIT
    cluster down >/dev/null 2>&1 || :
    cluster up $nodes >&2
    mpicc -O2 -o "$work/init" Tests/Benchmarks/init.c
    here=$CLUSTER_STATE/shared/scratch
    cp "$work/image.sqfs" "$work/init" "$here/"
    chmod 755 "$here/init"
    for n in head $(seq -f 'n%g' 1 $nodes); do
        for file in out/bin/slipway out/bin/slipway-full; do cluster exec "$n" -u root install -m 755 "$PWD/$file" /usr/local/bin/; done
    done
    hosts=$(seq -s, -f "n%g:$each" 1 $nodes)
    count=$((nodes * each))
    # SIDE PROGRAM [COMMAND…]: the ranks are more than the cores, so they give way while they wait
    timed() {
        local side=$1 program=$2 begin=$EPOCHREALTIME end
        shift 2
        end=$(timeout -k 5 120 Tests/Cluster/cluster.sh exec head -u alice mpirun --mca mpi_yield_when_idle 1 --mca pml ob1 --mca btl self,vader,tcp --host "$hosts" -np $count "$@" "$program" $count 2>"$work/said") || { cat "$work/said" >&2; return 1; }
        awk -v a="$begin" -v b="$end" -v side="$side" 'BEGIN { printf "start %s %.3f\n", side, b - a }'
    }
    # as many times as half the pairs: each takes all of the machine
    for ((i = 0; i < (pairs + 1) / 2; i++)); do
        timed outside /shared/scratch/init
        timed inside /mnt/scratch/init /usr/local/bin/slipway run --bind /shared:/mnt /shared/scratch/image.sqfs --
        ! command -v ch-run >/dev/null || timed ch-run /mnt/scratch/init ch-run -b /shared:/mnt /shared/scratch/image.sqfs --
    done | tee /dev/stderr | summary s
fi
