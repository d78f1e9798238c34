#!/usr/bin/env bash
# A fresh machine, without PowerShell:
#   ./bootstrap.sh build             installs what building and the demo need, builds into out/
#   ./bootstrap.sh demo [--no-pwsh]  builds if need be, then builds, publishes and runs the LAMMPS example, with the cmdlets or with `slipway` alone
#   ./bootstrap.sh test [--long]     installs what the tests need, builds, runs all suites
# Where there is no PowerShell 7.6 with Pester 5, demo and test make one in out/pwsh, for themselves alone.
# Packages are installed as root or with sudo; where everything is there, neither is asked for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en POWERSHELL_TELEMETRY_OPTOUT=1

say() { printf '\n== %s\n' "$*" >&2; }
die() {
    # what runs beside may still say something; the reason comes last
    [ -z "${making:-}" ] || cat <&"$making" >/dev/null
    printf 'bootstrap: %s\n' "$*" >&2
    exit 1
}

# A program, or a pattern for files, that no other package brings; the Debian package that has it, and the RPM package. What is used is
# what is asked for: a header, not a compiler's wrapper that comes without it; a busybox that is static (`./bootstrap.sh needs`).
build_needs='
gcc                                gcc                  gcc
/usr/include/stdio.h               libc6-dev            glibc-devel
/usr/include/zlib.h                zlib1g-dev           zlib-devel
objdump                            binutils             binutils
mmdebstrap                         mmdebstrap           mmdebstrap
gpg                                gpg                  gnupg2
gpg-agent                          gpg-agent            gnupg2
curl                               curl                 curl
mksquashfs                         squashfs-tools       squashfs-tools
squashfuse_ll                      squashfuse           squashfuse
newuidmap                          uidmap               shadow-utils
unshare                            util-linux           util-linux
mpirun.openmpi                     openmpi-bin          openmpi
'
test_needs='
ch-run                             charliecloud-runtime charliecloud
dnf                                dnf                  dnf
rpmbuild                           rpm                  rpm-build
rpmsign                            rpm                  rpm-sign
createrepo_c                       createrepo-c         createrepo_c
apt-ftparchive                     apt-utils            apt-utils
fakeroot                           fakeroot             fakeroot
cpio                               cpio                 cpio
zstd                               zstd                 zstd
xz                                 xz-utils             xz
bzip2                              bzip2                bzip2
/usr/share/doc/busybox-static/copyright busybox-static    busybox
script                             bsdutils             util-linux
pkill                              procps               procps-ng
strace                             strace               strace
bwrap                              bubblewrap           bubblewrap
bindfs                             bindfs               bindfs
/usr/lib/*/openmpi/include/mpi.h   libopenmpi-dev       openmpi-devel
mpiexec.mpich                      mpich                mpich
/usr/include/*/mpich/mpi.h         libmpich-dev         mpich-devel
ldconfig                           libc-bin             glibc
openssl                            openssl              openssl
ibv_devinfo                        ibverbs-utils        libibverbs-utils
/etc/libibverbs.d/mlx5.driver      ibverbs-providers    libibverbs
ucx_info                           ucx-utils            ucx
fi_info                            libfabric-bin        libfabric
qemu-system-x86_64                 qemu-system-x86      qemu-system-x86-core
mkfs.ext4                          e2fsprogs            e2fsprogs
slurmctld                          slurmctld            slurm-slurmctld
slurmd                             slurmd               slurm-slurmd
srun                               slurm-client         slurm
munged                             munge                munge
sshd                               openssh-server       openssh-server
ssh                                openssh-client       openssh-clients
ip                                 iproute2             iproute
tc                                 iproute2             iproute-tc
pkg-config                         pkgconf              pkgconf-pkg-config
fusermount3                        fuse3                fuse3
/usr/include/fuse3/fuse_lowlevel.h libfuse3-dev         fuse3-devel
'
# large, and for tests that only --long runs
long_needs='
lmp                                lammps               lammps
sendmail                           msmtp-mta            msmtp
sge_qmaster                        gridengine-master    gridengine-qmaster
sge_execd                          gridengine-exec      gridengine-execd
qsub                               gridengine-client    gridengine
'

have() { # WHAT RPM
    case $1 in /*) compgen -G "$1" >/dev/null ;; *) command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] ;; esac && return
    # there the same may have another name or place
    is_rpm && rpm -q --quiet "$2" 2>/dev/null
}
is_rpm() { ! command -v apt-get >/dev/null && command -v rpm >/dev/null; }

# The rows whose first column is not here.
missing() {
    local what deb rpm
    while read -r what deb rpm; do [ -z "$what" ] || have "$what" "$rpm" || printf '%s %s %s\n' "$what" "$deb" "$rpm"; done <<<"$1"
}

install_needs() {
    local column=2 packages as=()
    is_rpm && column=3
    packages=$(missing "$1" | cut -d ' ' -f $column | sort -u | xargs)
    [ -n "$packages" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            die "these packages are missing: $packages. Install them as root, or install sudo, and run this again."
        as=(sudo)
    fi
    say "installing $packages"
    # shellcheck disable=SC2086
    if [ $column = 2 ] && command -v apt-get >/dev/null; then
        local updated
        run "${as[@]}" apt-get update -q || failed "apt-get update"
        updated=$said
        run "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages ||
            failed "installing $packages" "$updated"
    elif command -v dnf >/dev/null; then
        run "${as[@]}" dnf install -y -q $packages || failed "installing $packages"
    else
        die "neither apt-get nor dnf is here; install: $packages"
    fi
    packages=$(missing "$1" | cut -d ' ' -f 1 | xargs)
    [ -z "$packages" ] || die "all is installed, and these are not here: $packages. Put them on the PATH, and run this again."
}

# Shows what a command says as it comes, and keeps it in $said.
run() {
    local line
    said=
    while IFS= read -r line; do said+=$line$'\n'; printf '%s\n' "$line" >&2; done < <("$@" 2>&1)
    wait $!
}

# Ends with one message: what is missing, going by what was said, and what to do.
failed() { # WHAT [SAID-BEFORE]
    local why again=', and run this again.'
    said=${2:-}$said
    # nothing may be said of it, for a log cannot be written either
    if find_said 'No space left on device|Disk quota exceeded|enough free space' >/dev/null || [ "$(free_of . | cut -d ' ' -f 1)" -lt 1024 ]
    then
        why=$(fullest)
        remove_half_built
        die "$1: the disk is full: $why. Make room there$again"
    fi
    # what is there is whole, if not all of it
    rm -f out/building
    if why=$(find_said 'Could not get lock [^ ]+|dpkg was interrupted'); then
        die "$1: $why. Let the other package manager end, or run dpkg --configure -a as root$again"
    elif why=$(find_said 'Failed to fetch .*'); then
        die "$1: a source of APT cannot be reached: $why$(proxies). Mend the network, the proxy or /etc/apt/sources.list.d$again"
    elif why=$(find_said "Unable to locate package .*|Package '?[^ ']+'? has no installation candidate"); then
        die "$1: $why. Name a source that has it in /etc/apt/sources.list.d$again"
    elif why=$(find_said 'NU130[0-9]: .*'); then
        die "$1: a source of NuGet cannot be reached: $why$(proxies)." \
            "Mend the network, the proxy or the source (dotnet nuget list source)$again"
    elif why=$(find_said 'NU110[0-3]: .*'); then
        dotnet nuget list source --format short | grep -q '^E' || why='NuGet has no source'
        die "$1: $why. Name a source that has the package (dotnet nuget add source URL)$again"
    elif find_said 'valid ICU package' >/dev/null; then
        die "$1: the .NET SDK finds no ICU. Install libicu$again"
    elif why=$(find_said 'sudo: .*(password|terminal).*|.* (not in the sudoers|not allowed).*'); then
        die "$1: sudo does not let this user: $why. Have root do it$again"
    fi
    die "$1 failed: $(find_said '^E: .*|.*[Ee]rror:? .*' || tail -n 1 <<<"${said%$'\n'}")"
}

# The first of it in what was said, less passwords in URLs.
find_said() { grep -m 1 -oE "$1" <<<"$said" | sed -E 's#//[^/@ ]*@#//#g; s/\.$//'; }
free_of() { df -kP "$@" 2>/dev/null | awk 'NR > 1 { print $4, $6 }' | sort -n; }
fullest() { free_of . "$HOME" "${TMPDIR:-/tmp}" /var/cache | awk 'NR == 1 { printf "%s has %d MiB left", $2, $1 / 1024 }'; }
proxies() { env | sed -nE 's#^((https?|all)_proxy)=(.*//)?([^/@]*@)?(.*)#\1=\3\5#Ip' | sort -u | xargs | sed 's/..*/ (&)/'; }

need_sdk() {
    local sdks
    sdks=$(dotnet --list-sdks 2>/dev/null | cut -d ' ' -f 1 | xargs) || :
    case " $sdks" in
        *' 10.'*) ;;
        *) die "the .NET SDK 10 is needed, and here is ${sdks:-none}. Get it from https://dotnet.microsoft.com/download/dotnet/10.0" \
            "(or your distribution's dotnet-sdk-10.0), and run this again." ;;
    esac
}

# Images are mounted through /dev/fuse where root does not mount them. As root, the tests do that as an ordinary user too.
need_fuse() { # demo|test
    local root=0
    [ "$(id -u)" = 0 ] || root=1
    if [ $root = 0 ] && [ "$1" = test ] && [ -e /dev/fuse ] && (($(stat -Lc 0%a /dev/fuse) & 6 ^ 6)); then
        say '/dev/fuse gets mode 0666: the tests also run as an ordinary user'
        chmod 0666 /dev/fuse || die 'ordinary users cannot open /dev/fuse. Give it the mode 0666, and run this again.'
    fi
    [ -c /dev/fuse ] && (: <>/dev/fuse) 2>/dev/null && return
    local advice='/dev/fuse cannot be opened by this user, so images cannot be mounted (as root: modprobe fuse; chmod 0666 /dev/fuse)'
    # root has the kernel's own mounts; tests that need it are skipped by name
    [ "$1" = test ] || [ $root = 0 ] || die "$advice"
    printf 'bootstrap: %s\n' "$advice" >&2
}

# Nothing is built again while the sources are as they were.
sources_digest() { find Module Cmdlets Launcher Formats docs/help docs/definition.schema.json ./*.props ./*.proj Module.psd1 -type f -not -path '*/bin/*' -not -path '*/obj/*' -print0 2>/dev/null | sort -z | xargs -0 sha256sum | sha256sum; }

# Half-written files are newer than what they are made from, and would be taken for whole.
remove_half_built() { rm -rf {Module,Cmdlets,Launcher,Launcher/Front,Launcher/Probe,Tests/Core}/{bin,obj}; }

build() {
    need_sdk
    install_needs "$build_needs"
    local digest
    digest=$(sources_digest)
    if [ "${1:-}" != always ] && [ "$(cat out/sources 2>/dev/null)" = "$digest" ] && [ -x out/bin/slipway ] && [ -d out/module ]; then
        return
    fi
    say 'building'
    # one that was cut short
    [ ! -e out/building ] || remove_half_built
    run sh -c 'rm -f out/sources && mkdir -p out && : >out/building' || failed 'building'
    run dotnet msbuild build.proj -nologo -verbosity:minimal || failed 'building'
    run sh -c "printf '%s\n' '$digest' >out/sources && rm out/building" || failed 'building'
}

# Beside the build: making a PowerShell takes about half as long.
start_pwsh() {
    need_sdk
    # a program of .NET looks for it in /usr/share/dotnet, /usr/lib/dotnet or here
    : "${DOTNET_ROOT:=$(dotnet --list-runtimes | sed -n 's|^Microsoft.NETCore.App 10\..* \[\(.*\)/shared/.*|\1|p' | tail -n 1)}"
    export DOTNET_ROOT
    exec {making}< <(Tests/Shell/make.sh)
}

need_pwsh() {
    local directory
    said=
    if ! IFS= read -r directory <&"$making" || ! said=$(cat <&"$making") || [ -n "$said" ]; then
        failed 'making a PowerShell in out/pwsh (./bootstrap.sh demo --no-pwsh takes none)'
    fi
    exec {making}<&-
    PATH=$directory${directory:+:}$PATH
}

demo() {
    [ "${1:-}" = --no-pwsh ] || start_pwsh
    build
    [ "${1:-}" = --no-pwsh ] || need_pwsh
    need_fuse demo
    [ "$(id -u)" = 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    say 'demo: build, add fabric drivers, publish, run'
    if [ "${1:-}" = --no-pwsh ]; then
        examples/lammps/demo.sh
    else
        pwsh -NoProfile -NonInteractive -File examples/lammps/demo.ps1
    fi
}

run_tests() {
    local long=${1:-}
    start_pwsh
    build
    install_needs "$test_needs"
    [ -z "$long" ] || install_needs "$long_needs"
    need_fuse test
    need_pwsh
    say 'building the tests'
    run dotnet build Tests/Core -c Release -nologo -verbosity:quiet || failed 'building the tests'
    Tests/run.sh "$long"
}

case $* in
    build) build always ;;
    demo | 'demo --no-pwsh') demo "${2:-}" ;;
    test | 'test --long') run_tests "${2:-}" ;;
    needs) printf '%s' "${build_needs#?}" "${test_needs#?}" "${long_needs#?}" ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
