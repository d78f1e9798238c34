#!/usr/bin/env bash
# A machine with a real verbs device and no hardware: Debian's own kernel under qemu (software emulation), with soft-RoCE as rxe0.
#   guest.sh build DIR                       makes kernel, initramfs and disk in DIR; does nothing where they are there (as root)
#   guest.sh run DIR SECONDS SHARE COMMAND   boots, runs COMMAND as root with SHARE read-only at /share, and powers off
# run: standard output, standard error and exit code are the command's; 124: it took longer than SECONDS, 125: the guest did not report.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin:/sbin

suite=bookworm
packages=ibverbs-providers,ibverbs-utils,openmpi-bin,libfabric-bin,ucx-utils,squashfuse,squashfs-tools,fuse3,iproute2,kmod,procps,util-linux,mount,openssl
# of the kernel's modules, those that the guest takes
modules='drivers/infiniband/core drivers/infiniband/sw drivers/virtio drivers/block/virtio_blk.ko drivers/char/virtio_console.ko
drivers/char/hw_random drivers/net/dummy.ko drivers/block/loop.ko net/9p net/ipv4 net/ipv6 net/dns_resolver fs/9p fs/netfs fs/fscache
fs/ext4 fs/jbd2 fs/mbcache.ko fs/squashfs fs/overlayfs fs/fuse fs/nls fs/configfs lib crypto arch/x86/crypto'

build() {
    local dir=$1 root=$1/root kernel=$1/kernel release from to module
    local made
    made=$(cat "${BASH_SOURCE[0]}" "$here/init" | sha256sum)
    [ "$(cat "$dir/made" 2>/dev/null)" != "$made" ] || return 0
    rm -rf "$dir"
    mkdir -p "$dir" "$kernel"

    # the kernel's package is unpacked and never installed
    mmdebstrap --quiet --mode=root --variant=apt --aptopt='Apt::Install-Recommends "false"' --include="$packages" \
        --customize-hook='chroot "$1" sh -c "cd /var/tmp && apt-get -q download \$(apt-cache depends linux-image-amd64 | sed -n \"s/.*Depends: \\(linux-image-[0-9]\\)/\\1/p\" | head -n 1)" >&2' \
        --customize-hook='useradd --root "$1" --create-home --uid 1000 --shell /bin/sh user' \
        "$suite" "$root" >&2
    dpkg-deb -x "$root"/var/tmp/linux-image-*.deb "$kernel"
    rm "$root"/var/tmp/linux-image-*.deb
    release=$(ls "$kernel/lib/modules")
    from=$kernel/lib/modules/$release to=$root/lib/modules/$release
    mkdir -p "$to"
    cp "$from"/modules.* "$to/"
    for module in $modules; do
        [ -e "$from/kernel/$module" ] || continue
        mkdir -p "$to/kernel/$(dirname "$module")"
        cp -r "$from/kernel/$module" "$to/kernel/$(dirname "$module")/"
    done
    chroot "$root" depmod "$release"
    install -m 755 "$here/init" "$root/sbin/guest-init"

    # an uncompressed kernel starts three seconds sooner under emulation; the payload begins at the xz magic number
    local offset
    for offset in $(grep -abo $'\xfd7zXZ' "$kernel"/boot/vmlinuz-* | cut -d: -f1); do
        tail -c "+$((offset + 1))" "$kernel"/boot/vmlinuz-* | xz -dc 2>/dev/null >"$dir/vmlinux" || true
        [ "$(head -c 4 "$dir/vmlinux" | od -An -tx1 | tr -d ' ')" = 7f454c46 ] && break
    done
    [ -s "$dir/vmlinux" ] || cp "$kernel"/boot/vmlinuz-* "$dir/vmlinux"

    initramfs "$dir" "$release"
    truncate -s $(($(du -sm "$root" | cut -f1) * 13 / 10 + 64))M "$dir/disk"
    mkfs.ext4 -q -O ^has_journal -m 0 -d "$root" "$dir/disk"
    rm -rf "$root" "$kernel"
    printf '%s\n' "$made" >"$dir/made"
}

# busybox, and the modules that it takes to reach the disk
initramfs() {
    local dir=$1 tree=$1/initramfs module path
    mkdir -p "$tree"/{bin,dev,proc,sys,lower,over,new,modules}
    cp "$(command -v busybox)" "$tree/bin/busybox"
    for module in virtio_pci virtio_blk ext4 overlay; do
        chroot "$dir/root" modprobe --set-version "$2" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
    done | awk '!seen[$0]++' | grep -v crc32c-intel | while read -r path; do
        cp "$dir/root$path" "$tree/modules/"
        basename "$path" >>"$tree/modules/order"
    done
    cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
while read module; do insmod /modules/$module; done </modules/order
tries=0; while [ ! -b /dev/vda ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
mount -t ext4 -o ro,noload /dev/vda /lower || poweroff -f
mount -t tmpfs -o size=60% tmpfs /over; mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/lower,upperdir=/over/upper,workdir=/over/work overlay /new
mount --move /dev /new/dev; umount /proc /sys
exec switch_root /new /sbin/guest-init
INIT
    chmod 755 "$tree/init"
    (cd "$tree" && find . | cpio --quiet -o -H newc) | gzip -1 >"$dir/initrd"
    rm -rf "$tree"
}

run() {
    local dir=$1 seconds=$2 share=$3 job exit=0
    job=$(mktemp -d)
    trap 'rm -rf "$job"' EXIT
    mkdir "$job/job"
    printf '%s\n' "$4" >"$job/job/command"
    touch "$job/out" "$job/err" "$job/exit"
    # Emulation, always: that /dev/kvm opens says nothing about whether it can run a kernel.
    timeout -k 5 "$seconds" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -M pc \
        -accel tcg,thread=multi,tb-size=512 -cpu "${GUEST_CPU:-qemu64}" -m 1536 -smp 2 -kernel "$dir/vmlinux" -initrd "$dir/initrd" \
        -append 'console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=unstable random.trust_cpu=on' \
        -serial "file:$job/console" -nic none -device virtio-rng-pci \
        -drive "file=$dir/disk,format=raw,if=none,id=disk,readonly=on,cache=unsafe" -device virtio-blk-pci,drive=disk \
        -device virtio-serial-pci \
        -chardev "file,id=out,path=$job/out" -device virtserialport,chardev=out,name=out \
        -chardev "file,id=err,path=$job/err" -device virtserialport,chardev=err,name=err \
        -chardev "file,id=exit,path=$job/exit" -device virtserialport,chardev=exit,name=exit \
        -fsdev "local,id=job,path=$job/job,security_model=none,readonly=on" -device virtio-9p-pci,fsdev=job,mount_tag=job \
        -fsdev "local,id=share,path=$share,security_model=none,readonly=on,multidevs=remap" -device virtio-9p-pci,fsdev=share,mount_tag=share \
        </dev/null >&2 || exit=$?
    cat "$job/out"
    cat "$job/err" >&2
    local reported
    reported=$(tr -dc 0-9 <"$job/exit")
    [ -z "$reported" ] || exit "$reported"
    printf 'guest.sh: the guest reported no exit code (qemu ended with %s); its console:\n' "$exit" >&2
    tail -n 30 "$job/console" >&2
    [ "$exit" != 124 ] || exit 124
    exit 125
}

case ${1:-}:$# in
    build:2) build "$2" ;;
    run:5) run "$2" "$3" "$4" "$5" ;;
    *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
