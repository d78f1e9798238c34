#!/bin/sh
# usage: glibc-needed.sh FILE: prints the highest GLIBC_ version that a native file needs, since that decides which systems it runs on.
set -eu
command -v objdump >/dev/null || { echo "launcher $1 (objdump is not there to tell the glibc that it needs)"; exit 0; }
highest=$(objdump -T "$1" | grep -oE 'GLIBC_[0-9]+(\.[0-9]+)+' | sort -uV | tail -n 1)
echo "launcher $1 needs $highest"
