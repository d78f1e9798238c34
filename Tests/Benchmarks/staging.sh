#!/usr/bin/env bash
# usage: staging.sh [DIRECTORY [SECTION..]]: staging on 8 nodes of the test cluster (Tests/Cluster), as root: how often the image on the shared filesystem is
# opened (opens), what 64 ranks of Python cost it (python), how long copies take over links of 500 Mbit/s (links), and publishing again (again), each beside
# what one would do without Slipway, in one run. Prints a table (tab-separated: what, figure, unit, target, whether it is met, remarks), and with DIRECTORY, unless that is
# -, writes staging.tsv and staging.svg there. Exit code 1 where a target is missed. To see whether it runs: BENCH_NODES (8), BENCH_RANKS (8 a node), BENCH_MB (300; 75 at least),
# BENCH_MODULES (200); the figures are those of the numbers in brackets.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=${1:--}
shift || :
sections=" ${*:-opens python links again} "
does() { case $sections in *" $1 "*) ;; *) return 1 ;; esac; }
nodes=${BENCH_NODES:-8} size_mb=${BENCH_MB:-300} modules=${BENCH_MODULES:-200} ranks=${BENCH_RANKS:-8}
work=$(mktemp -d /var/tmp/slipway-bench-XXXXXX)
export CLUSTER_STATE=$work/state CLUSTER_SHARED=ctrfs CLUSTER_CPUS=$ranks CLUSTER_TMP=1800m
cluster() { Tests/Cluster/cluster.sh "$@"; }
trap 'cluster down >/dev/null 2>&1; rm -rf "$work"' EXIT
all=$(seq -s, -f 'n%g' 1 $nodes)
launcher=/usr/local/bin/slipway
rows=$work/rows
# name, figure, unit, and where there are any: target (=, <= or >= and a number), remarks
row() {
    local met=
    [ -z "${4:-}" ] || met=$(awk -v is="$2" -v target="$4" 'BEGIN { split(target, t, " "); print (t[1] == "=" ? is == t[2] : t[1] == "<=" ? is <= t[2] + 0 : is >= t[2] + 0) ? "met" : "missed" }')
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4:-}" "$met" "${5:-}" | tee -a "$rows"
}
ratio() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }
count() { cluster fsstat | awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }'; }
operations() { echo $(($(count metadata_total) + $(count read) + $(count write))); }
seconds() { local start=$EPOCHREALTIME; "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; return 1; }; echo "$EPOCHREALTIME $start" | awk '{ printf "%.2f", $1 - $2 }'; }
as() { local node=$1; shift; cluster exec "$node" -u alice "$@"; }

# the image: Python, modules to import, and what makes it as large as it is to be
mkdir -p "$work/modules"
for ((i = 0; i < modules; i++)); do printf 'VALUE = %d\n' $i >"$work/modules/module_$i.py"; done
printf 'import sys\nsys.path.insert(0, "/opt/modules")\nfor i in range(%d): __import__(f"module_{i}")\n' $modules >"$work/modules/all.py"
head -c $((size_mb * 1000000 - 69000000)) /dev/urandom >"$work/noise"
cat >"$work/python.yaml" <<X
from: deb
suite: bookworm
packages: [python3-minimal]
files: [{from: ./modules, to: /opt/modules}, {from: ./noise, to: /opt/noise}]
X
out/bin/slipway build "$work/python.yaml" -o "$work/python.sqfs" >/dev/null

start() {
    cluster down >/dev/null 2>&1 || :
    cluster up $nodes >&2
    cp "$work/python.sqfs" "$CLUSTER_STATE/shared/scratch/"
    for n in head $(seq -f 'n%g' 1 $nodes); do
        for file in out/bin/slipway out/bin/slipway-full; do
            [ ! -e "$file" ] || cluster exec "$n" -u root install -m 755 "$PWD/$file" /usr/local/bin/
        done
    done
    as head salloc --no-shell --quiet --nodes=$nodes --ntasks-per-node=$ranks --exclusive
    job=$(as head squeue --noheader --format=%i)
}
# 64 ranks, wherever they take their files from. Their home and working directory are on the node's own disk, as jobs have it that spare the shared
# filesystem: every container shows its user's home, and Python looks for modules there
home=/tmp
ranks() { cluster exec n1 -u root setpriv --reuid=alice --regid=alice --init-groups env HOME="$home" USER=alice srun --jobid="$job" --overlap --nodes=$nodes --ntasks-per-node=$ranks --chdir=/ --mpi=none "$@"; }
image=/shared/scratch/python.sqfs
run=(python3 -B /opt/modules/all.py)

# 1. opens of the image by a job that publishes and then runs
for transport in Sbcast SshTree SharedFile; do
    does opens || break
    start
    cluster fsreset
    as n1 env SLURM_JOB_ID="$job" $launcher publish $image --node "$all" --job-id "$job" --transport $transport --retry 0 >/dev/null
    row "opens of the image, publishing by $transport" "$(count image_open)" opens "= $([ $transport = SharedFile ] && echo "$nodes" || echo 1)"
    cluster fsreset
    ranks $launcher run $image -- "${run[@]}"
    row "opens of the image by $((nodes * ranks)) ranks after it" "$(count image_open)" opens '= 0'
done

# 2. Python on 64 ranks behind a metadata server of 1 ms an operation
if does python; then
    CLUSTER_CTRFS_OPTS="--mds-us 1000" start
    as n1 $launcher publish $image --node "$all" --job-id "$job" --transport SshTree >/dev/null
    unsquashfs -quiet -no-progress -dest "$CLUSTER_STATE/shared/scratch/root" "$work/python.sqfs" >/dev/null 2>&1 || :
    digest=$(sha256sum "$work/python.sqfs" | cut -d' ' -f1)
    cluster fsreset
    staged=$(seconds ranks $launcher run sha256:"$digest" -- "${run[@]}")
    row 'import from the staged image' "$staged" s
    row "operations of $((nodes * ranks)) ranks on the shared filesystem meanwhile" "$(operations)" operations '= 0'
    home=/shared/home/alice
    cluster fsreset
    row 'import from the staged image, home directory on the shared filesystem' "$(seconds ranks $launcher run sha256:"$digest" -- "${run[@]}")" s '' "$(operations) operations, $(count image_open) opens of the image"
    home=/tmp
    cluster fsreset
    unpacked=$(seconds ranks $launcher run /shared/scratch/root -- "${run[@]}")
    row 'import from an unpacked directory on the shared filesystem' "$unpacked" s '' "$(count metadata_total) metadata operations"
    if command -v ch-run >/dev/null; then
        cluster fsreset
        row 'import by ch-run per rank, SquashFS on the shared filesystem' "$(seconds ranks ch-run $image -- "${run[@]}")" s '' "$(count metadata_total) metadata operations, $(count image_open) opens of the image"
    fi
    row 'unpacked : staged' "$(ratio "$unpacked" "$staged")" times '>= 4'
fi

# 3. copies over links of 500 Mbit/s, those of the head among them
if does links; then
    start
    cluster shape 500mbit
    as head cp $image /tmp/python.sqfs
    cat >"$CLUSTER_STATE/shared/scratch/scp.sh" <<X
for n in $(seq -s' ' -f 'n%g' 1 $nodes); do scp -q /tmp/python.sqfs \$n:/var/tmp/by-scp || exit 1; done
X
    scp=$(seconds as head sh /shared/scratch/scp.sh)
    row "scp to $nodes nodes in a row" "$scp" s
    sbcast=$(seconds as head sbcast --jobid="$job" /tmp/python.sqfs /var/tmp/by-sbcast)
    row "sbcast to $nodes nodes" "$sbcast" s '' 'checks nothing'
    as head $launcher publish $image >/dev/null # the copy that is sent is there, as the others' is
    for n in $(seq -f 'n%g' 1 $nodes); do as "$n" rm -f /var/tmp/by-scp /var/tmp/by-sbcast; done
    for width in 1 2; do
        tree=$(seconds as head $launcher publish $image --node "$all" --transport SshTree --width $width --retry 0)
        row "SshTree of width $width to $nodes nodes" "$tree" s
        # 2 is what one gets who says nothing
        target=$([ $width = 1 ] || echo '<= 0.5')
        row "SshTree of width $width : scp" "$(ratio "$tree" "$scp")" times "$target"
        row "SshTree of width $width : sbcast" "$(ratio "$tree" "$sbcast")" times "$target"
        [ $width = 2 ] || as head $launcher cache clear --node "$all" >/dev/null
    done
fi

# 4. again, to nodes that have it: by SSH, and in a job of Slurm
if does again; then
    does links || start
    cluster shape 500mbit
    as head $launcher publish $image --node "$all" --transport SshTree >/dev/null
    again() { for _ in 1 2 3 4 5 6 7; do seconds as head "$@"; echo; done | sort -n | awk 'NF { v[++n] = $1 } END { print v[int((n + 1) / 2)], v[1] }'; }
    read -r median lowest <<<"$(again $launcher publish $image --node "$all" --transport SshTree)"
    row "again, to $nodes nodes that have it, by SSH" "$median" s '<= 1' "median of 7, the lowest $lowest"
    read -r median lowest <<<"$(again $launcher publish $image --node "$all" --job-id "$job")"
    row "again, to $nodes nodes that have it, in a job of Slurm" "$median" s '<= 1' "median of 7, the lowest $lowest"
    read -r median lowest <<<"$(again sh -c "for n in $(seq -s' ' -f 'n%g' 1 $nodes); do ssh \$n true & done; wait")"
    row "ssh to $nodes nodes at once, which do nothing" "$median" s '' "median of 7, the lowest $lowest"
fi

if [ "$out" != - ]; then
    cp "$rows" "$out/staging.tsv"
    # bars of the seconds, each as long as it took
    awk -F'\t' -v nodes="$nodes" '$3 == "s" { n++; name[n] = $1; value[n] = $2; if ($2 > most) most = $2 }
        END {
            printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"860\" height=\"%d\" font-family=\"sans-serif\" font-size=\"13\">\n", 30 * n + 40
            printf "<text x=\"10\" y=\"20\">Seconds, %d nodes of one machine; less is better</text>\n", nodes
            for (i = 1; i <= n; i++) {
                y = 30 * i + 5
                colour = (name[i] ~ /staged|SshTree|again/) ? "#2a6f97" : "#b0b0b0"
                printf "<text x=\"10\" y=\"%d\">%s</text><rect x=\"420\" y=\"%d\" width=\"%.1f\" height=\"18\" fill=\"%s\"/><text x=\"%.1f\" y=\"%d\">%s</text>\n", y + 14, name[i], y, 360 * value[i] / most, colour, 426 + 360 * value[i] / most, y + 14, value[i]
            }
            print "</svg>"
        }' "$rows" >"$out/staging.svg"
fi
missed=$(awk -F'\t' '$5 == "missed"' "$rows" | wc -l)
echo "$(awk -F'\t' '$5 == "met"' "$rows" | wc -l) targets met, $missed missed" >&2
[ "$missed" = 0 ]
