#!/usr/bin/env bash
# usage: repositories.sh DIRECTORY: makes signed repositories with two tiny distributions in them, one of .deb and one of .rpm packages, whose programs are this
# host's. Takes gpg, dpkg-deb, apt-ftparchive, rpmbuild, rpmsign, createrepo_c and busybox.
set -euo pipefail
umask 022
cd "$1"
export GNUPGHOME=$PWD/gpg HOME=$PWD
mkdir -m 700 gpg
trap 'gpgconf --kill all 2>/dev/null || true' EXIT
said=$PWD/said

key() { # NAME [FAKED-TIME EXPIRY]
    gpg -q ${2:+--faked-system-time "$2!"} --batch --pinentry-mode loopback --passphrase '' --quick-gen-key "$1@example.org" rsa2048 sign "${3:-never}" 2>>"$said"
    gpg -q --armor --export "$1@example.org" >"$1.asc"
}
key base; key site; key extra; key wrong; key expired 20200101T000000 1d

# a root of this host's programs: what a package manager and a shell take; the rest is busybox, which may be linked statically
programs() { # TREE PROGRAM...
    local tree=$1 program file library
    shift
    mkdir -p "$tree"/usr/{bin,sbin,lib,lib64} "$tree"/etc
    for program in bin sbin lib lib64; do ln -sfn usr/$program "$tree/$program"; done
    for program; do
        file=$(readlink -f "$(command -v "$program")")
        cp -L "$file" "$tree/usr/bin/$program"
        { ldd "$file" || true; } | grep -o '/[^ ]*' | while read -r library; do
            case $library in /lib64/*) cp -L "$library" "$tree/usr/lib64/" ;; *) cp -L "$library" "$tree/usr/lib/" ;; esac
        done
    done
    cp "$(command -v busybox)" "$tree/usr/bin/busybox"
    for program in $(busybox --list); do [ -e "$tree/usr/bin/$program" ] || case $program in dpkg*|rpm*|tar) ;; *) ln -s busybox "$tree/usr/bin/$program" ;; esac; done
    printf '#!/bin/sh\nexit 0\n' | tee "$tree/usr/sbin/ldconfig" >"$tree/usr/sbin/start-stop-daemon"
    chmod +x "$tree"/usr/sbin/{ldconfig,start-stop-daemon}
    echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
    echo 'root:x:0:' >"$tree/etc/group"
}

### deb
arch=$(dpkg --print-architecture)
deb() { # REPOSITORY NAME VERSION [FIELD]...
    local tree=deb/trees/$1-$2-$3
    mkdir -p "$tree/DEBIAN" "$tree/opt/$2" "deb/$1/pool"
    echo "$3 from $1" >"$tree/opt/$2/version"
    { printf 'Package: %s\nVersion: %s\nMaintainer: x <x@example.org>\nDescription: x\n' "$2" "$3"; [ $# -lt 4 ] || printf '%s\n' "${@:4}"; grep -q Architecture <<<"${*:4}" || echo 'Architecture: all'; } >"$tree/DEBIAN/control"
    dpkg-deb --root-owner-group -Zgzip -b "$tree" "deb/$1/pool" >>"$said"
}
debindex() { # REPOSITORY KEY [VALID-UNTIL]
    (
        cd "deb/$1"
        rm -rf dists
        mkdir -p "dists/mini/main/binary-$arch"
        apt-ftparchive packages pool >"dists/mini/main/binary-$arch/Packages"
        apt-ftparchive -oAPT::FTPArchive::Release::{Suite=mini,Codename=mini,Components=main,Architectures="$arch"} release dists/mini >Release
        [ -z "${3:-}" ] || echo "Valid-Until: $3" >>Release
        gpg -q --batch --yes ${FAKED:+--faked-system-time "$FAKED!"} --local-user "$2@example.org" --clearsign -o dists/mini/InRelease Release
        rm Release
    )
}
programs deb/trees/mini-dpkg-1 dpkg dpkg-deb dpkg-split dpkg-query dpkg-trigger dpkg-divert tar mkdir chown
printf 'ID=mini\nVERSION_ID=1\n' >deb/trees/mini-dpkg-1/etc/os-release
mkdir -p deb/trees/mini-dpkg-1/var/lib/dpkg
deb mini dpkg 1 "Architecture: $arch" 'Essential: yes' 'Priority: required'
deb mini app 3 'Depends: lib'
deb mini lib 2
deb mini dropped 1
debindex mini base
deb site app 1 'Depends: lib'
deb site lib 1
debindex site site
deb outdated app 9
debindex outdated site 'Mon, 01 Jan 2024 00:00:00 UTC'
deb expired app 9
FAKED=20200101T010000 debindex expired expired
# an older version of what Debian has
deb older hello 2.0 'Depends: libc6'
debindex older site
# another package under the signed index
cp -r deb/site deb/tampered
printf 'x' | dd of="$(ls deb/tampered/pool/app_*.deb)" bs=1 seek=200 conv=notrunc 2>>"$said"
# two repositories that a pin can tell apart by nothing but their place
deb one same 1; debindex one site
deb two same 2; debindex two site

### rpm
cat >package.spec <<'S'
Name: %{name_}
Version: %{version_}
Release: 1
Summary: x
License: MIT
AutoReqProv: no
%{?more}
%define debug_package %{nil}
%define __os_install_post %{nil}
%description
x
%install
cp -a %{tree}/. %{buildroot}/
%files -f %{list}
S
rpmof() { # REPOSITORY NAME VERSION [TAG: VALUE]
    local tree=$PWD/rpm/trees/$1-$2-$3
    mkdir -p "$tree/opt/$2"
    echo "$3 from $1" >"$tree/opt/$2/version"
    (cd "$tree" && find . -mindepth 1 \( -type d -printf '%%dir "/%P"\n' -o -printf '"/%P"\n' \)) >"$tree.list"
    rpmbuild -bb --quiet --define "_topdir $PWD/rpm/top" --define "_rpmdir $PWD/rpm/$1" --define "_dbpath $PWD/rpm/db" --define '_build_id_links none' --define "_rpmfilename %%{NAME}-%%{VERSION}.rpm" \
        --define "name_ $2" --define "version_ $3" --define "tree $tree" --define "list $tree.list" ${4:+--define "more $4"} package.spec >>"$said" 2>&1
}
rpmindex() { # REPOSITORY KEY
    rpmsign --define '__gpg /usr/bin/gpg' --define "_gpg_name $2@example.org" ${FAKED:+--define "_gpg_sign_cmd_extra_args --faked-system-time $FAKED!"} --addsign rpm/"$1"/*.rpm >>"$said" 2>&1
    metadata "$@"
}
metadata() {
    createrepo_c -q "rpm/$1" >>"$said"
    gpg -q --batch --yes ${FAKED:+--faked-system-time "$FAKED!"} --armor --local-user "$2@example.org" --detach-sign "rpm/$1/repodata/repomd.xml"
}
programs rpm/trees/base-rpm-4 rpm
mkdir -p rpm/trees/base-rpm-4/usr/lib/rpm rpm/trees/base-rpm-4/var/lib/rpm
cp -r /usr/lib/rpm/{macros,rpmrc,platform} rpm/trees/base-rpm-4/usr/lib/rpm/ 2>>"$said" || cp /usr/lib/rpm/{macros,rpmrc} rpm/trees/base-rpm-4/usr/lib/rpm/
printf '%%_dbpath /var/lib/rpm\n' >>rpm/trees/base-rpm-4/usr/lib/rpm/macros
printf 'ID=mini\nVERSION_ID=9\n' >rpm/trees/base-rpm-4/etc/os-release
rpmof base rpm 4
rpmof base app 3 'Requires: lib, rpm'
rpmof base lib 2
rpmindex base base
rpmof site app 1 'Requires: lib, rpm'
rpmindex site site
rpmof extra lib 1.5
rpmindex extra extra
# as EL 8 has them: an rpm that knows Berkeley DB alone
rpmof old rpm-libs 4.14 'Requires: libdb-5.3.so()(64bit)'
rpmof old libdb 5.3 'Provides: libdb-5.3.so()(64bit)'
rpmindex old site
FAKED=20200101T010000
rpmof expired lib 7
rpmindex expired expired
# packages signed by the key that has expired, metadata by one that has not
FAKED='' && cp -r rpm/expired rpm/expiredpackages && rm -rf rpm/expiredpackages/repodata && metadata expiredpackages site
rpmof unsigned lib 8
metadata unsigned site
cp -r rpm/extra rpm/tampered
printf 'x' | dd of=rpm/tampered/lib-1.5.rpm bs=1 seek="$(($(stat -c %s rpm/tampered/lib-1.5.rpm) - 20))" conv=notrunc 2>>"$said"
cp -r rpm/tampered rpm/resigned
rm -rf rpm/resigned/repodata
metadata resigned extra
cp -r rpm/extra rpm/changed
sed -i 's/<revision>/&1/' rpm/changed/repodata/repomd.xml
rm -rf deb/trees rpm/trees rpm/top rpm/db
chmod -R a+rX .
