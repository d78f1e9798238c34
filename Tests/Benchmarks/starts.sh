#!/usr/bin/env bash
# usage: starts.sh OLD NEW [STARTS]: joining a container and its cold start, by the programs in the directory NEW (out/bin) against those in OLD (the same, of
# the commit before), STARTS (200) each, in turn. The old ones run twice: what they differ by is the noise, and less than that is no difference.
# Prints the programs' sizes and the glibc that they need, then for each case the medians in ms and the ratios to the old one.
# Takes busybox (static), mksquashfs, squashfuse_ll, objdump and perl, and /dev/fuse.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
work=$(mktemp -d /var/tmp/slipway-bench-starts.XXXXXX)
trap 'rm -rf "$work"' EXIT

for program in "old $1" "again $1" "new $2"; do
    mkdir "$work/${program%% *}"
    cp "${program#* }"/slipway* "$work/${program%% *}/"
done
for file in "$work"/{old,new}/slipway*; do
    printf '%s\t%d bytes\t' "${file#"$work"/}" "$(stat -c %s "$file")"
    if [ -n "$(objdump -p "$file" | grep NEEDED)" ]; then sh "$here/../../Launcher/glibc-needed.sh" "$file" | sed 's/.* needs/needs/'; else echo static; fi
done

mkdir -p "$work"/root/{bin,dev,etc,proc,sys,tmp}
cp "$(command -v busybox)" "$work/root/bin/busybox"
for name in true sleep; do ln -s busybox "$work/root/bin/$name"; done
mksquashfs "$work/root" "$work/tiny.sqfs" -noappend -no-progress -quiet -all-root -comp zstd

env -u XDG_RUNTIME_DIR perl - "$work" "${3:-200}" <<'PERL'
use strict;
use warnings;
use POSIX ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);

my ($work, $starts) = @ARGV;
my @programs = ('old', 'again', 'new');
# of this process: in one that was forked, $$ is another, and no two would share a container
my ($serial, $self, %ms) = (0, $$);

sub start {
    my ($program, $key, @command) = @_;
    my $pid = fork // die;
    return $pid if $pid;
    exec "$work/$program/slipway", 'run', '--job', "starts-$self-$key", '--fabric', 'none', "$work/tiny.sqfs", '--', @command or POSIX::_exit(127);
}

sub measure {
    my ($case, $program, $key) = @_;
    my $begin = clock_gettime(CLOCK_MONOTONIC);
    waitpid start($program, $key, '/bin/true'), 0;
    die "starts.sh: a start by the $program programs failed\n" if $?;
    push @{$ms{$case}{$program}}, (clock_gettime(CLOCK_MONOTONIC) - $begin) * 1000;
}

# each program is as often the first of a round as the others
sub rounds { my ($do) = @_; for my $round (1 .. $starts) { $do->($programs[($_ + $round) % 3]) for 0 .. 2 } }

sub median { my @sorted = sort { $a <=> $b } @_; ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2 }

sub report {
    my ($case) = @_;
    my %median = map { $_ => median(@{$ms{$case}{$_}}) } @programs;
    printf "%-8s old %.3f ms, old again %.3f (%.3f), new %.3f (%.3f)\n", $case, $median{old}, map { ($median{$_}, $median{$_} / $median{old}) } 'again', 'new';
}

$| = 1;
# a rank of each stays, so that the others join its container
my @stay = map { start($_, $_, 'sleep', '3600') } @programs;
END { kill 'KILL', @stay if @stay }
sleep 1;
rounds(sub { measure('joining', $_[0], $_[0]) });
report('joining');
kill 'KILL', @stay;
waitpid $_, 0 for @stay;
@stay = ();
sleep 0.5;

# a container that nobody is in goes after 300 ms: the next start is not to meet that
rounds(sub { measure('cold', $_[0], 'cold-' . $serial++); sleep 0.45 });
report('cold');
PERL
