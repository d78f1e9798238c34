#!/usr/bin/env bash
# Several users at once on one node: containers that come and go, and beside them, for each user, one process that publishes the image and one that clears the cache,
# with a /proc that shows nobody the processes of others (hidepid, proc(5)). No command may fail, and nothing may be left.
#
#   load.sh SLIPWAY [SECONDS [RUNS-AT-A-TIME [USERS [HIDEPID]]]]        (180 50 5 2)
#
# Root, in a mount namespace of its own; the users are numbers without accounts (FIRST_UID and the next ones).
set -uo pipefail
slipway=$(readlink -f "$1") seconds=${2:-180} runs=${3:-50} users=${4:-5} hide=${5:-2} first=${FIRST_UID:-70001}
[ "$(id -u)" = 0 ] || { echo "load.sh: root is needed" >&2; exit 2; }
[ "${IN_NAMESPACE:-}" = 1 ] || IN_NAMESPACE=1 exec unshare --mount "$0" "$slipway" "$seconds" "$runs" "$users" "$hide"
mount -t proc -o "hidepid=$hide" proc /proc || exit 2

work=$(mktemp -d /tmp/slipway-load-XXXXXX)
chmod 755 "$work"
last=$((first + users - 1))
of_users() { for ((uid = first; uid <= last; uid++)); do "$@" "$uid"; done; }
clean() { rm -rf "/var/tmp/slipway-$1" "/tmp/slipway-$1"; }
trap 'of_users clean; rm -rf "$work"' EXIT
of_users clean

mkdir -p "$work"/root/{bin,dev,proc,sys,tmp,etc,home}
cp "$(command -v busybox)" "$work/root/bin/busybox"
for applet in sh true; do ln -s busybox "$work/root/bin/$applet"; done
home() {
    mkdir -p "$work/$1"
    echo "$1" >"$work/root/etc/owner"
    mksquashfs "$work/root" "$work/$1/app.sqfs" -noappend -no-progress -quiet -all-root >/dev/null
    touch "$work/$1/"{runs,publishes,clears,failures}
    chown -R "$1:$1" "$work/$1"
}
of_users home

# in the user's home: SLIPWAY SECONDS RUNS
cat >"$work/user.sh" <<'USER'
slipway=$1 end=$(($(date +%s) + $2)) runs=$3
once() { # FILE COMMAND...
    local file=$1; shift
    echo >>"$file"
    if ! said=$("$@" 2>&1 >/dev/null); then printf '%s: %s\n' "${*:2}" "$said" >>failures; fi
}
again() { while [ "$(date +%s)" -lt $end ]; do once "$@"; done; }
run() { # N: each is by turns in one of eight steps, and now and then the only one
    local i=0
    while [ "$(date +%s)" -lt $end ]; do
        once runs "$slipway" run --job $((($1 + i) % 8)) "$HOME/app.sqfs" -- true
        i=$((i + 1))
        [ $((i % 10)) = 0 ] && sleep 0.4
    done
}
for ((n = 0; n < runs; n++)); do run $n & done
again publishes "$slipway" publish "$HOME/app.sqfs" &
again clears "$slipway" cache clear &
wait
USER
start() { (cd "$work/$1" && exec setpriv --reuid "$1" --regid "$1" --clear-groups env -i HOME="$work/$1" PATH="$PATH" bash "$work/user.sh" "$slipway" "$seconds" $((runs / users))) & }
of_users start
wait

# everything goes within a second of its last rank; a loaded machine gets ten
left() {
    for ((uid = first; uid <= last; uid++)); do
        pgrep -l -u "$uid"
        ls -d "/tmp/slipway-$uid"/* "/var/tmp/slipway-$uid"/sha256/.* 2>/dev/null | grep -v '/\.\.\?$'
    done
    grep -o "[^ ]*slipway:$work[^ ]*" /proc/self/mountinfo
}
for ((i = 0; i < 100; i++)); do
    remains=$(left)
    [ -z "$remains" ] && break
    sleep 0.1
done
total() { local sum=0; for ((uid = first; uid <= last; uid++)); do sum=$((sum + $(wc -l <"$work/$uid/$1"))); done; echo $sum; }
failed=$(total failures)
printf 'hidepid=%s, %d users, %d runs at a time, %d s: %d runs, %d publishes, %d clears, %d failed\n' "$hide" "$users" "$runs" "$seconds" "$(total runs)" "$(total publishes)" "$(total clears)" "$failed"
for ((uid = first; uid <= last; uid++)); do cat "$work/$uid/failures"; done | sort | uniq -c | sort -rn | head -n 20
[ -z "$remains" ] || printf 'left:\n%s\n' "$remains"
[ "$failed" = 0 ] && [ -z "$remains" ]
