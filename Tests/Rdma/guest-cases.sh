# Runs in the guest, as root. Usage: guest-cases.sh short|long. Prints for each case `=== NAME`, what it said, and `=== exit N`.
# What is tried runs as an ordinary user, in containers of images that lie in /share.
set -u
work=/run/work
mkdir $work
cp /share/* $work/
chown -R user: $work
cd $work
ulimit -l unlimited

user() { timeout 180 setpriv --reuid user --regid user --clear-groups env HOME=/home/user USER=user PATH="$work:$PATH" "$@"; }
# A case is a command, or a function of this file.
try() {
    printf '=== %s\n' "$1"
    shift
    "$@" 2>&1
    printf '=== exit %s\n' $?
}
packets() { cat /sys/class/infiniband/rxe0/ports/1/hw_counters/sent_pkts; }

# Two containers of one image, one the server of the other.
pingpong() {
    user slipway run --job server "$1" -- ibv_rc_pingpong -d rxe0 -g 1 >/run/server 2>&1 &
    local server=$! tries=0
    until ss -ltn | grep -q :18515 || [ $tries -ge 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    user slipway run --job client "$1" -- ibv_rc_pingpong -d rxe0 -g 1 127.0.0.1
    local code=$?
    wait $server
    echo "server: $?"
    return $code
}

# Defaults would hide a missing provider: only UCX over rxe0 may be used.
mpi() {
    local before
    before=$(packets)
    user env OMPI_MCA_plm_rsh_agent= mpirun -n 2 --oversubscribe --mca pml ucx --mca btl ^openib -x UCX_NET_DEVICES=rxe0:1 -x UCX_TLS=rc,self -x UCX_UD_VERBS_ETH_DGID_CHECK=n \
        "$@"
    local code=$?
    echo "packets: $(($(packets) - before))"
    return $code
}

# A job that the batch system's cgroup lets open rxe0 and not rxe1.
in_cgroup() {
    mkdir -p /run/devices
    mount -t cgroup -o devices devices /run/devices 2>/dev/null
    mkdir -p /run/devices/job
    echo "c $(cat /sys/class/infiniband_verbs/uverbs1/dev) rwm" >/run/devices/job/devices.deny
    (echo 0 >/run/devices/job/cgroup.procs; "$@")
}

short() {
    try bare user slipway run --fabric none verbs.sqfs -- ibv_devinfo
    try plan user slipway fabric --explain --cdi "$work/slipway.json" verbs.sqfs
    try cdi cat slipway.json
    try devinfo user slipway run verbs.sqfs -- ibv_devinfo
    try pingpong pingpong verbs.sqfs
    try mpi-bare mpi slipway run --fabric none mpi.sqfs -- /opt/ring
    try mpi-plan user slipway fabric --explain mpi.sqfs
    try mpi mpi slipway run mpi.sqfs -- /opt/ring
    try inventory user slipway fabric --json

    # a second device, which a plan leaves out
    modprobe dummy
    ip link add eth1 type dummy
    ip link set eth1 up
    rdma link add rxe1 type rxe netdev eth1
    try both user slipway fabric --explain verbs.sqfs
    try both-seen user slipway run --job both verbs.sqfs -- ls /dev/infiniband
    try one user slipway fabric --explain --device rxe0 verbs.sqfs
    try one-seen user slipway run --job one verbs.sqfs -- ls /dev/infiniband
    try one-devinfo user slipway run --job one verbs.sqfs -- ibv_devinfo --list
    user slipway fabric verbs.sqfs >/dev/null
    try job-seen user env SLURM_STEP_NICS=1 slipway run --job given verbs.sqfs -- ls /dev/infiniband
    try job-plan user env SLURM_STEP_NICS=1 slipway fabric --explain verbs.sqfs
    try cgroup in_cgroup user slipway fabric --explain verbs.sqfs
}

# An image whose UCX has no module for verbs; and other distributions than the guest's.
long() {
    try ucx-bare mpi slipway run --fabric none ucx.sqfs -- /opt/ring
    try ucx-plan user slipway fabric --explain ucx.sqfs
    try ucx mpi slipway run ucx.sqfs -- /opt/ring
    for image in debian11 debian13 unstable debian11-auto; do
        try $image-bare user slipway run --fabric none $image.sqfs -- ibv_devinfo
        try $image-plan user slipway fabric --explain $image.sqfs
        try $image-devinfo user slipway run $image.sqfs -- ibv_devinfo
        try $image-pingpong pingpong $image.sqfs
        for source in image provider stack; do
            try $image-$source user slipway fabric --source $source $image.sqfs
        done
        # the last plan that was written
        [ $image != debian13 ] || try $image-stack-pingpong pingpong $image.sqfs
    done
}

$1
