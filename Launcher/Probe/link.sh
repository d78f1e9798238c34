#!/bin/sh
# link.sh WORK FILE: links WORK/probe.o to a program that runs over any glibc. What it takes of libc are names without versions: it is linked against a library
# that has those names and nothing else, and the loader then takes what the real one has. Before glibc 2.34 dlopen was in libdl, which some images with a later
# one lack: so it is not asked for here, but preloaded where it is wanted (Module/Preflight/PreflightProgram.cs).
set -eu
work=$1
for name in __errno_location _exit access alarm dlerror dlopen dlsym exit getpid process_vm_readv prctl read realloc write; do
    printf '.globl %s\n.type %s,@function\n%s: ret\n' "$name" "$name" "$name"
done | cc -shared -nostdlib -Wl,-soname,libc.so.6 -o "$work/libc.so.6" -x assembler -
# two symbols that the linker would miss stand for the guard of local buffers: any word that stays the same will do
cc -nostdlib -no-pie -s -o "$2" start.s "$work/probe.o" -Wl,--gc-sections "$work/libc.so.6" \
    -Wl,-z,lazy -Wl,-z,noexecstack -Wl,--defsym=__security_cookie=_start -Wl,--defsym=__security_check_cookie=_start
