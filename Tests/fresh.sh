#!/usr/bin/env bash
# usage: Tests/fresh.sh [COMMIT]: the README's two commands, as they stand there, on a machine that has nothing (COMMIT: HEAD).
#
# Makes an empty Debian of this host's release, enters it with namespaces of its own, with the .NET SDK and a clone of COMMIT in it, and
# runs there `./bootstrap.sh demo` and `./bootstrap.sh test` as root, then the demo as an ordinary user. All of it has to pass, and no test
# may be skipped but those of --long, and the lint where PSScriptAnalyzer is missing. Its access to packages is this host's: APT's sources,
# keys and options, NuGet's configuration, proxies, certificates. Exit code 77, and the reason, where it cannot be tried here.
# Downloads are kept in ${XDG_CACHE_HOME:-~/.cache}/slipway-fresh, and so is the root while it is in use: 8 GB have to be free there.
set -euo pipefail
self=$(realpath "${BASH_SOURCE[0]}") user=somebody mark=$SECONDS

say() { printf 'fresh: %s\n' "$*"; }
skip() { say "skipped: $*"; exit 77; }
die() { printf 'fresh: %s\n' "$*" >&2; exit 1; }
lap() { say "$1: $((SECONDS - mark)) s"; mark=$SECONDS; }

### on this host

check() {
    local program
    [ "$(id -u)" = 0 ] || skip 'root is needed, to make a root with its own /dev'
    [ "$(. /etc/os-release && echo "$ID")" = debian ] || skip 'this host is no Debian, whose APT sources it could take over'
    for program in mmdebstrap dotnet git unshare; do command -v $program >/dev/null || skip "$program is missing"; done
    [ -n "$(sources)" ] || skip 'APT has no sources here'
    dotnet nuget list source --format short | grep -q '^E ' || skip 'NuGet has no package source here'
    mkdir -p "$cache/lists"
    apt-get update -q -o Dir::State::Lists="$cache/lists" -o APT::Update::Error-Mode=any >"$cache/update.log" 2>&1 ||
        skip "APT's sources cannot be reached: $(grep -m 1 '^[EW]:' "$cache/update.log")"
}

files() { find "$@" -type f 2>/dev/null || :; }
sources() { files /etc/apt/sources.list /etc/apt/sources.list.d -size +0 | grep -E '\.(list|sources)$' | sort || :; }
# what a pattern finds in APT's sources
in_sources() { sources | xargs grep -hoE "$1" || :; }

# The files of this host by which packages are had, as a tree to lay over a root.
write_access() {
    local tree=$1 file home
    mkdir -p "$tree/etc/apt/apt.conf.d"
    # options of access only: what a host does after an installation is its own matter
    apt-config dump | grep '^Acquire::' | grep -vE '^Acquire::(IndexTargets|CompressionTypes|Changelogs)' >"$tree/etc/apt/apt.conf.d/99host"
    { sources
      files /etc/apt/{trusted.gpg,trusted.gpg.d,keyrings,auth.conf,auth.conf.d,preferences,preferences.d} /usr/local/share/ca-certificates
      in_sources '[Ss]igned-[Bb]y[:=] */[^] ]+' | sed 's/^[^/]*//'
      nuget_files | sed "\\|^$HOME/|d"
    } | sort -u | while read -r file; do install -D -p -m "$(stat -c %a "$file")" "$file" "$tree$file"; done
    for home in root home/$user; do
        nuget_files | sed -n "\\|^$HOME/|p" | while read -r file; do install -D -m 600 "$file" "$tree/$home/${file#"$HOME"/}"; done
    done
    cp -L /etc/resolv.conf /etc/hosts "$tree/etc/"
    printf '127.0.1.1 fresh\n' >>"$tree/etc/hosts"
    echo fresh >"$tree/etc/hostname"
}

# The configuration that NuGet reads here, less that of a directory.
nuget_files() { dotnet nuget config paths --working-directory / | while read -r file; do [ ! -f "$file" ] || echo "$file"; done; }

# Files and directories that configuration and environment name by path.
local_places() {
    { dotnet nuget list source --format short | sed -n 's/^E \//\//p'
      in_sources '(file|copy):/[^ ]+' | sed -E 's/^[a-z]+:\/*/\//'
      apt-config dump | sed -nE 's/^Acquire::.*::(CaInfo|CaPath|SslCert|SslKey) "(\/[^"]*)";/\2/Ip'
      printf '%s\n' "${SSL_CERT_FILE:-}" "${SSL_CERT_DIR:-}" "${CURL_CA_BUNDLE:-}"
    } | sed -nE '\|^/etc/ssl/certs|d; /^\//p' | sort -u | while read -r place; do [ ! -e "$place" ] || echo "$place"; done
}

# Variables by which packages are had; where they are kept is this script's matter.
access_variables() {
    local name
    for name in $(compgen -e); do
        case $name in
            NUGET_PACKAGES | NUGET_*_PATH | NUGET_SCRATCH | NUGET_FALLBACK_PACKAGES) ;;
            *_proxy | *_PROXY | NUGET_* | NuGet* | SSL_CERT_FILE | SSL_CERT_DIR | CURL_CA_BUNDLE) printf '%s=%s\0' "$name" "${!name}" ;;
        esac
    done
}

# The empty Debian, with what the .NET SDK itself takes of a system: certificates and ICU.
make_tarball() {
    local suite sources=() access=$cache/access/etc/apt
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mapfile -t sources < <(sources)
    tarball=$cache/$suite-$({ declare -f make_tarball; cat "${sources[@]}"; } | sha256sum | cut -c 1-16).tar
    [ -z "$(find "$tarball" -mtime -30 2>/dev/null)" ] || return 0
    rm -f "$cache"/*.tar*
    mmdebstrap --quiet --variant=minbase --format=tar --include=ca-certificates --include='?name(^libicu[0-9]+$)' \
        --aptopt="$access/apt.conf.d/99host" \
        --setup-hook="tar -C '$access' --exclude=./apt.conf.d --exclude='./sources.list*' -c . | tar -C \"\$1/etc/apt\" -x" \
        "$suite" "$tarball.partial" "${sources[@]}" >&2
    mv "$tarball.partial" "$tarball"
}

make_root() {
    local home
    mkdir "$root"
    tar -xf "$tarball" -C "$root"
    rm -rf "$root"/etc/apt/sources.list*
    cp -a "$cache/access/." "$root/"
    chroot "$root" update-ca-certificates >/dev/null
    # and what was put there by hand
    cp -rLn /etc/ssl/certs/. "$root/etc/ssl/certs/" 2>/dev/null || :
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    for home in root home/$user; do
        # not linked: the user there gets the files
        git clone -q --no-hardlinks "$checkout" "$root/$home/slipway"
        git -C "$root/$home/slipway" checkout -q --detach "$commit"
        mkdir -p "$root/$home/.nuget/packages" "$cache/nuget/$home"
    done
    # the network is this host's: no daemon of a package may listen there
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
}

end() {
    trap '' INT TERM HUP
    if [ -n "${inside:-}" ]; then kill -KILL "$inside" && wait "$inside"; fi 2>/dev/null || :
    local tries=0
    # until the last process there has gone
    until rm -rf --one-file-system "$root" "$cache/access" "$cache/lists" 2>/dev/null || [ $((tries += 1)) = 50 ]; do sleep 0.2; done
}

main() {
    checkout=$(dirname "$(dirname "$self")")
    cache=$(realpath -m "${XDG_CACHE_HOME:-$HOME/.cache}/slipway-fresh")
    commit=$(git -C "$checkout" rev-parse --verify --quiet "${1:-HEAD}^{commit}") || die "${1:-HEAD} is no commit of $checkout"
    mkdir -p "$cache/archives"
    chmod 700 "$cache"
    exec 9>"$cache/lock"
    flock -n 9 || { say "waits for another run, which has $cache"; flock 9; }
    root=$cache/root
    trap 'say interrupted; exit 130' INT TERM HUP
    trap end EXIT
    # of a run that was killed
    rm -rf --one-file-system "$root" "$cache/access"
    check
    write_access "$cache/access"
    make_tarball
    make_root
    lap 'an empty Debian'

    local variables=() sdk
    sdk=$(dirname "$(realpath "$(command -v dotnet)")")
    mapfile -d '' -t variables < <(access_variables)
    # dies with this script, and all that is in it with it; a session of its own, for a signal to a process group goes through namespaces
    variables+=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" CI=1)
    env -i --default-signal "${variables[@]}" \
        setpriv --pdeathsig KILL setsid unshare --mount --pid --ipc --uts --fork --kill-child --propagation private \
        bash "$self" __inside "$cache" "$sdk" "$(local_places)" "${commit:0:12}" </dev/null 9>&- &
    inside=$!
    local code=0
    wait "$inside" || code=$?
    inside=
    exit $code
}

### in its namespaces

node() { # NAME MODE TYPE MAJOR MINOR: a new one, or, where none can be made, this host's
    mknod -m "$2" "dev/$1" "$3" "$4" "$5" 2>/dev/null && return
    rm -f "dev/$1"
    [ ! -e "/dev/$1" ] || { : >"dev/$1" && mount --bind "/dev/$1" "dev/$1"; }
}

# As the kernel makes them, before anybody has changed a mode.
make_dev() {
    local name i
    mount -t tmpfs -o mode=755 dev dev
    node null 666 c 1 3; node zero 666 c 1 5; node full 666 c 1 7; node random 666 c 1 8; node urandom 666 c 1 9; node tty 666 c 5 0
    node fuse 600 c 10 229; node loop-control 600 c 10 237
    for ((i = 0; i < 64; i++)); do node loop$i 600 b 7 $i; done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
    mount -t tmpfs -o mode=1777 shm dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    for i in 0 1 2; do name=(stdin stdout stderr); ln -s /proc/self/fd/$i "dev/${name[i]}"; done
}

bind() { # FROM TO [OPTIONS]
    if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")" && : >>"$2"; fi
    mount --bind "$1" "$2"
    [ -z "${3:-}" ] || mount -o "remount,bind,$3" "$2"
}

enter() { # CACHE SDK PLACES
    local cache=$1 sdk=$2 place
    mount --bind "$cache/root" "$cache/root"
    cd "$cache/root"
    mount -t proc proc proc
    mount -t sysfs sysfs sys
    # slurmd does not start without
    mount --rbind /sys/fs/cgroup sys/fs/cgroup
    make_dev
    mount -t tmpfs -o mode=755 run run
    mkdir -m 1777 run/lock
    bind "$sdk" "$PWD$sdk" ro
    ln -sf "$sdk/dotnet" usr/local/bin/dotnet
    while read -r place; do [ -z "$place" ] || bind "$place" "$PWD$place" ro; done <<<"$3"
    bind "$cache/archives" var/cache/apt/archives
    bind "$cache/nuget/root" root/.nuget/packages
    bind "$cache/nuget/home/$user" "home/$user/.nuget/packages"
    hostname fresh
    # not chroot: a process in one may not make a user namespace (user_namespaces(7), EPERM)
    mkdir old
    pivot_root . old
    cd /
    umount -l old
    rmdir old
}

# Shows what a command says, and keeps it; what it leaves running may hold its output.
shown() { # LOG COMMAND...
    local log=$1 pid
    shift
    : >"$log"
    setsid "$@" >"$log" 2>&1 &
    pid=$!
    tail -n +1 -f --pid=$pid "$log"
    wait $pid
}

demo() { # USER COMMAND...
    local who=$1
    shift
    say "./bootstrap.sh demo, as $who"
    shown "/var/log/demo-$who" "$@" ./bootstrap.sh demo || die "the demo failed as $who"
    grep -q '^Loop time of' "/var/log/demo-$who" || die "the demo as $who ended without LAMMPS's loop time"
    lap "./bootstrap.sh demo, as $who"
}

# Every skipped test is named with its reason in the lines after; prints those that have no leave.
skipped_for_want() {
    awk 'function judge() { if (said != "" && said !~ /--long|PSScriptAnalyzer/) print said }
         /^skipped  / { judge(); said = $0; next }
         said != "" && /^         / { said = said " " $0; next }
         { judge(); said = "" }
         END { judge() }' "$1" | tr -s ' '
}

tests() {
    local log=/var/log/tests code=0 want sum named
    say './bootstrap.sh test, as root'
    shown $log ./bootstrap.sh test || code=$?
    lap './bootstrap.sh test, as root'
    sum=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' $log | tail -n 1)
    want=$(skipped_for_want $log)
    [ -z "$want" ] || printf 'fresh: not tried for want of something:\n%s\n' "$want"
    say "tests: ${sum:-no sum}"
    named=$(grep -c '^skipped  ' $log || :)
    [ $code = 0 ] && [ -n "$sum" ] || die "the tests failed (exit code $code)"
    [ -z "$want" ] || die 'tests were skipped for want of something that bootstrap.sh has not brought'
    case $sum in *" $named skipped") ;; *) die "$named tests are named as skipped" ;; esac
}

inside() { # CACHE SDK PLACES COMMIT
    enter "$1" "$2" "$3"
    cd /root/slipway
    demo root
    tests
    # whatever number is free: the tests made users of their own
    useradd --shell /bin/bash $user
    chown -R $user:$user /home/$user
    cd /home/$user/slipway
    demo $user runuser -u $user -- env HOME=/home/$user USER=$user LOGNAME=$user
    apt-get -q autoclean >/dev/null
    printf '\n'
    say "$4 on an empty Debian passes"
    for who in root $user; do say "demo as $who: $(grep -h '^Loop time of' /var/log/demo-$who)"; done
    grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' /var/log/tests | tail -n 1
}

if [ "${1:-}" = __inside ]; then
    shift
    inside "$@"
else
    main "$@"
fi
