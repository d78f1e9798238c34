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
die() { printf 'bootstrap: %s\n' "$*" >&2; exit 1; }

# A program, the Debian package that has it, and the RPM package that has it.
build_needs='
cc                gcc                gcc
objdump           binutils           binutils
mmdebstrap        mmdebstrap         mmdebstrap
gpg               gnupg              gnupg2
curl              curl               curl
mksquashfs        squashfs-tools     squashfs-tools
squashfuse_ll     squashfuse         squashfuse
newuidmap         uidmap             shadow-utils
unshare           util-linux         util-linux
mpirun            openmpi-bin        openmpi
/usr/include/zlib.h zlib1g-dev       zlib-devel
'
test_needs='
ch-run            charliecloud       charliecloud
dnf               dnf                dnf
rpmbuild          rpm                rpm-build
rpmsign           rpm                rpm-sign
createrepo_c      createrepo-c       createrepo_c
apt-ftparchive    apt-utils          apt-utils
fakeroot          fakeroot           fakeroot
cpio              cpio               cpio
zstd              zstd               zstd
xz                xz-utils           xz
bzip2             bzip2              bzip2
busybox           busybox-static     busybox
script            bsdutils           util-linux
pkill             procps             procps-ng
bwrap             bubblewrap         bubblewrap
bindfs            bindfs             bindfs
mpicc             libopenmpi-dev     openmpi-devel
mpiexec.mpich     mpich              mpich
mpicc.mpich       libmpich-dev       mpich-devel
ldconfig          libc-bin           glibc
openssl           openssl            openssl
ibv_devinfo       ibverbs-utils      libibverbs-utils
/etc/libibverbs.d ibverbs-providers  libibverbs
ucx_info          ucx-utils          ucx
fi_info           libfabric-bin      libfabric
qemu-system-x86_64 qemu-system-x86   qemu-system-x86-core
mkfs.ext4         e2fsprogs          e2fsprogs
slurmctld         slurmctld          slurm-slurmctld
slurmd            slurmd             slurm-slurmd
srun              slurm-client       slurm
munged            munge              munge
sshd              openssh-server     openssh-server
ssh               openssh-client     openssh-clients
ip                iproute2           iproute
tc                iproute2           iproute-tc
pkg-config        pkg-config         pkgconf-pkg-config
fusermount3       fuse3              fuse3
/usr/include/fuse3/fuse_lowlevel.h libfuse3-dev fuse3-devel
'
# large, and for tests that only --long runs
long_needs='
lmp               lammps             lammps
strace            strace             strace
sendmail          msmtp-mta          msmtp
sge_qmaster       gridengine-master  gridengine-qmaster
sge_execd         gridengine-exec    gridengine-execd
qsub              gridengine-client  gridengine
'

have() { case $1 in /*) [ -e "$1" ] ;; *) command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] ;; esac; }

install_needs() {
    local program deb rpm column=2 missing=()
    command -v apt-get >/dev/null || column=3
    while read -r program deb rpm; do
        [ -n "$program" ] || continue
        have "$program" || missing+=("$([ $column = 2 ] && echo "$deb" || echo "$rpm")")
    done <<<"$1"
    [ ${#missing[@]} -gt 0 ] || return 0

    local as=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "these packages are missing: ${missing[*]}. Install them as root, or install sudo."
        as=(sudo)
    fi
    say "installing ${missing[*]}"
    if [ $column = 2 ]; then
        "${as[@]}" apt-get update -q >&2
        "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
    elif command -v dnf >/dev/null; then
        "${as[@]}" dnf install -y -q "${missing[@]}" >&2
    else
        die "neither apt-get nor dnf is here; install: ${missing[*]}"
    fi
}

need_sdk() {
    if ! command -v dotnet >/dev/null || ! dotnet --list-sdks | grep -q '^10\.'; then
        die "the .NET SDK 10 is needed and is not here. Get it from https://dotnet.microsoft.com/download/dotnet/10.0 (or your distribution's dotnet-sdk-10.0), and run this again."
    fi
}

need_fuse() {
    [ -r /dev/fuse ] && [ -w /dev/fuse ] && return
    [ "$(id -u)" = 0 ] && [ -e /dev/fuse ] && chmod 0666 /dev/fuse && return
    printf 'bootstrap: /dev/fuse cannot be opened by this user: images cannot be mounted (as root: modprobe fuse; chmod 0666 /dev/fuse)\n' >&2
}

# Nothing is built again while the sources are as they were.
sources_digest() { find Module Cmdlets Launcher Formats docs/help docs/definition.schema.json ./*.props ./*.proj Module.psd1 -type f -not -path '*/bin/*' -not -path '*/obj/*' -print0 2>/dev/null | sort -z | xargs -0 sha256sum | sha256sum; }

build() {
    need_sdk
    install_needs "$build_needs"
    local digest
    digest=$(sources_digest)
    if [ "${1:-}" != always ] && [ -x out/bin/slipway ] && [ "$(cat out/sources 2>/dev/null)" = "$digest" ]; then return; fi
    say 'building'
    dotnet msbuild build.proj -nologo -verbosity:minimal >&2
    printf '%s\n' "$digest" >out/sources
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
    IFS= read -r directory <&"$making" || exit 1
    exec {making}<&-
    PATH=$directory${directory:+:}$PATH
}

demo() {
    [ "${1:-}" = --no-pwsh ] || start_pwsh
    build
    [ "${1:-}" = --no-pwsh ] || need_pwsh
    need_fuse
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
    need_fuse
    need_pwsh
    Tests/run.sh "$long"
}

case $* in
    build) build always ;;
    demo | 'demo --no-pwsh') demo "${2:-}" ;;
    test | 'test --long') run_tests "${2:-}" ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
