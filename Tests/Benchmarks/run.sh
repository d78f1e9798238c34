#!/usr/bin/env bash
# usage: run.sh [ROUNDS]: `slipway run` against the tools that Debian has, as an ordinary user, on the same root: ch-run on the same SquashFS image and on
# a directory, crun, podman and bubblewrap on the directory. In every round each tool has its turn, so that what else the machine does meets all of them.
# Prints a table, and writes docs/run.tsv and docs/run.svg. Takes charliecloud, crun, podman, bubblewrap, mmdebstrap, squashfs-tools, squashfuse and perl.
# Started by root it goes on as the user in SLIPWAY_TEST_USER (slipway-test), who is made if need be.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rounds=${1:-21}
[ -x out/bin/slipway ] || { echo "run.sh: out/bin/slipway is not there: ./bootstrap.sh build" >&2; exit 1; }
work=${SLIPWAY_BENCH_DIR:-/var/tmp/slipway-bench-run}
user=
if [ "$(id -u)" = 0 ]; then
    user=${SLIPWAY_TEST_USER:-slipway-test}
    id "$user" >/dev/null 2>&1 || useradd --create-home --shell /bin/sh "$user"
fi
as_user() { if [ -n "$user" ]; then runuser -u "$user" -- env HOME="$(getent passwd "$user" | cut -d: -f6)" "$@"; else "$@"; fi; }

# the image and, unpacked from it, the directory: made once, kept for the next time
mkdir -p "$work"
[ -z "$user" ] || chown "$user" "$work"
if [ ! -e "$work/done" ]; then
    echo "making the image (a minimal Debian, and 2,000 small files in /srv)" >&2
    as_user rm -rf "$work/directory"
    as_user mkdir -p "$work/files"
    as_user bash -c 'for ((i = 0; i < 2000; i++)); do head -c $((1000 + i * 7 % 6000)) /dev/urandom | base64 -w 76 >"$0/$i"; done' "$work/files"
    as_user mmdebstrap --quiet --variant=minbase --format=tar "--customize-hook=copy-in $work/files /srv" bookworm "$work/root.tar"
    as_user sqfstar -quiet -no-progress -comp zstd "$work/image.sqfs" <"$work/root.tar"
    as_user unsquashfs -quiet -no-progress -no-xattrs -excludes -dest "$work/directory" "$work/image.sqfs" dev >/dev/null
    as_user mkdir -p "$work/directory/dev" "$work/directory/mnt"
    as_user rm -rf "$work/root.tar" "$work/files"
    as_user touch "$work/done"
fi

# both ways of building: with the front, and the full launcher alone
as_user mkdir -p "$work/bin" "$work/alone"
cp --remove-destination out/bin/slipway* "$work/bin/"
full=out/bin/slipway
[ ! -e out/bin/slipway-full ] || full=out/bin/slipway-full
cp --remove-destination "$full" "$work/alone/slipway"
cp Tests/Benchmarks/run.pl Tests/Benchmarks/run.awk "$work/bin/"

# crun takes no mixture of cgroup versions: root can show it version 2 alone
alone=()
if [ -n "$user" ] && [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
    alone=(unshare --mount sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec "$@"' sh)
fi
measure=(env -u XDG_RUNTIME_DIR perl "$work/bin/run.pl" "$work" "$rounds")
[ -z "$user" ] || measure=("${alone[@]}" runuser -u "$user" -- env HOME="$(getent passwd "$user" | cut -d: -f6)" "${measure[@]}")
"${measure[@]}" >"$work/run.tsv.new"
mv "$work/run.tsv.new" docs/run.tsv
awk -f Tests/Benchmarks/run.awk -v svg=docs/run.svg docs/run.tsv
