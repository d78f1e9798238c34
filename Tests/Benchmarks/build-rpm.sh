#!/usr/bin/env bash
# usage: build-rpm.sh [RUNS]: an image of RPMs by `slipway build` against dnf and mksquashfs by hand, in turn, with the same packages (20 of this Debian host's larger
# ones, made into signed RPMs), the same compression and the same user. Prints each pair, and the median ratio.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
slipway=$PWD/out/bin/slipway
runs=${1:-3}
work=$(mktemp -d /var/tmp/slipway-bench-XXXXXX)
as_builder=(unshare --mount --pid --fork --kill-child --mount-proc)
[ "$(id -u)" = 0 ] || as_builder=(unshare --map-root-user --map-auto --mount --pid --fork --kill-child --mount-proc)
trap 'gpgconf --homedir "$work/gpg" --kill all; "${as_builder[@]}" rm -rf "$work"' EXIT
mkdir -m 700 "$work/gpg"
mkdir "$work/repo" "$work/home"
export GNUPGHOME=$work/gpg
gpg -q --batch --pinentry-mode loopback --passphrase '' --quick-gen-key bench@example.org rsa2048 sign never
gpg -q --armor --export bench@example.org >"$work/key.asc"
cat >"$work/spec" <<'S'
Name: %{name_}
Version: 1
Release: 1
Summary: x
License: MIT
AutoReqProv: no
%define debug_package %{nil}
%define __os_install_post %{nil}
%define _binary_payload w3.zstdio
%description
x
%install
mkdir -p %{buildroot}
cd / && xargs -d '\n' cp -a --parents -t %{buildroot} <%{list}
%files -f %{list}
S
names=()
while read -r name; do
    dpkg -L "$name" | while IFS= read -r file; do case $file in *[%\"\ ]*) ;; /usr/*) { [ -f "$file" ] || [ -L "$file" ]; } && [ -r "$file" ] && echo "$file" ;; esac; done >"$work/list" || true
    [ -s "$work/list" ] || continue
    rpmbuild -bb --quiet --define "_topdir $work/top" --define "_rpmdir $work/repo" --define "_dbpath $work/db" --define '_build_id_links none' --define "name_ $name" --define "list $work/list" "$work/spec" >/dev/null 2>"$work/said" || continue
    names+=("$name")
done < <(dpkg-query -W -f '${Installed-Size} ${Package}\n' | sort -rn | awk '$1 < 30000 { print $2 }' | head -n 20)
rm -rf "$work/top"
rpmsign --define '__gpg /usr/bin/gpg' --define '_gpg_name bench@example.org' --addsign "$work"/repo/*/*.rpm >/dev/null 2>&1
createrepo_c -q "$work/repo" >/dev/null
gpg -q --batch --armor --detach-sign "$work/repo/repodata/repomd.xml"
unset GNUPGHOME
echo "${#names[@]} packages, $(du -sm "$work/repo" | cut -f 1) MB"

packages=$(printf '%s, ' "${names[@]}")
printf 'from: rpm\nrepositories: [{name: bench, url: "file://%s/repo", key: %s/key.asc}]\npackages: [%s]\n' "$work" "$work" "${packages%, }" >"$work/bench.yaml"
printf '%%_dbpath /var/lib/rpm\n%%_netsharedpath /dev:/proc:/sys\n' >"$work/home/.rpmmacros"
printf '[main]\nreposdir=%s/none\nvarsdir=%s/none\nplugins=0\nlogdir=%s/dnf\npersistdir=%s/dnf\ncachedir=%s/dnf\ninstall_weak_deps=0\n[bench]\nname=bench\nbaseurl=file://%s/repo\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://%s/key.asc\n' \
    "$work" "$work" "$work" "$work" "$work" "$work" "$work" >"$work/dnf.conf"

by_slipway() { "$slipway" build "$work/bench.yaml" -o "$work/slipway.sqfs" --no-step-cache --package-cache "$work/cache" >/dev/null; }
by_hand() {
    HOME=$work/home "${as_builder[@]}" dnf -q -y -c "$work/dnf.conf" --installroot="$work/root" install "${names[@]}" >/dev/null 2>&1
    "${as_builder[@]}" mksquashfs "$work/root" "$work/hand.sqfs" -noappend -comp zstd -Xcompression-level 3 -quiet -no-progress
    sha256sum "$work/hand.sqfs" >/dev/null
    "${as_builder[@]}" rm -rf "$work/root" "$work/dnf"
}
seconds() { local start=$EPOCHREALTIME; "$@"; echo "$EPOCHREALTIME $start" | awk '{ printf "%.2f", $1 - $2 }'; }

by_slipway # fills the package cache, and warms the page cache
ratios=()
for ((i = 1; i <= runs; i++)); do
    ours=$(seconds by_slipway) theirs=$(seconds by_hand)
    ratios+=("$(awk "BEGIN { printf \"%.3f\", $ours / $theirs }")")
    echo "slipway $ours s, by hand $theirs s, ratio ${ratios[-1]}"
done
printf '%s\n' "${ratios[@]}" | sort -n | awk '{ r[NR] = $1 } END { print "median ratio " (NR % 2 ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2) }'
