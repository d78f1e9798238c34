# usage: run.pl WORK ROUNDS: what run.sh measures. Prints: case, tool, samples, median, lowest and highest (ms, or MB), failed starts; separated by tabs.
use strict;
use warnings;
use POSIX ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);

my ($work, $rounds) = @ARGV;
my ($image, $directory) = ("$work/image.sqfs", "$work/directory");
chdir $ENV{HOME};
open my $quiet, '>', '/dev/null' or die;
my $serial = 0;
my $job = "bench-$$";
my @slipways = (['slipway', "$work/bin/slipway"], ['slipway, no front', "$work/alone/slipway"]);
@slipways = ($slipways[0]) unless -e "$work/bin/slipway-full";

# podman keeps a process of its own for the user: here it gets its own place, and is ended at the end
mkdir "$work/podman";
mkdir "$work/podman/run", 0700;
END {
    if (open my $in, '<', "$work/podman/run/libpod/tmp/pause.pid") { my $pid = <$in>; kill 'TERM', $pid if $pid }
}

# crun wants a bundle
mkdir "$work/bundle";
unlink "$work/bundle/config.json";
my $has_crun = system("cd $work/bundle && crun spec --rootless >/dev/null 2>&1") == 0;
if ($has_crun) {
    local $/;
    open my $in, '<', "$work/bundle/config.json" or die;
    my $config = <$in>;
    $config =~ s/"terminal": true/"terminal": false/;
    $config =~ s/"path": "rootfs"/"path": "$directory"/;
    $config =~ s/"args": \[[^\]]*\]/"args": ["\/bin\/true"]/;
    open my $out, '>', "$work/bundle/config.json" or die;
    print $out $config;
}

# each gives a command line, anew for every start
my @tools = (
    (map { my $program = $_->[1]; [$_->[0], 'image', sub { my ($key, @command) = @_; ($program, 'run', '--job', $key, $image, '--', @command) }] } @slipways),
    ['ch-run, SquashFS', 'image', sub { shift; ('ch-run', $image, '--', @_) }],
    ['ch-run, directory', 'directory', sub { shift; ('ch-run', $directory, '--', @_) }],
    ['bwrap, directory', 'directory', sub { shift; ('bwrap', '--bind', $directory, '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp', @_) }],
    ['crun, directory', 'bundle', sub { ('crun', '--root', "$work/crun", '--cgroup-manager=disabled', 'run', '-b', "$work/bundle", "bench-$$-" . $serial++) }],
    ['podman, directory', 'slow', sub { shift; ('env', "XDG_RUNTIME_DIR=$work/podman/run", 'podman', '--root', "$work/podman/root", '--runroot', "$work/podman/runroot", '--cgroup-manager=cgroupfs', 'run', '--rm', '--network=host', '--cgroups=disabled', '--log-driver=none', '--rootfs', $directory, @_) }],
    ['no container', 'bare', sub { shift; @_ }],
);

sub start {
    my @command = @_;
    my $pid = fork // die;
    return $pid if $pid;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>&', $quiet;
    open STDERR, '>&', $quiet unless $ENV{SLIPWAY_BENCH_VERBOSE};
    { no warnings; exec { $command[0] } @command }
    POSIX::_exit(127);
}

# milliseconds from the first start to the last end, and how many failed
sub measure {
    my ($tool, $key, $count, @command) = @_;
    my @lines = map { [$tool->[2]->($key, @command)] } 1 .. $count;
    my $failed = 0;
    my $begin = clock_gettime(CLOCK_MONOTONIC);
    my @pids = map { start(@$_) } @lines;
    for my $pid (@pids) { waitpid $pid, 0; $failed++ if $? }
    return ((clock_gettime(CLOCK_MONOTONIC) - $begin) * 1000, $failed);
}

sub report {
    my ($case, $name, $failed, @samples) = @_;
    my @sorted = sort { $a <=> $b } @samples;
    my $median = @sorted % 2 ? $sorted[$#sorted / 2] : ($sorted[@sorted / 2 - 1] + $sorted[@sorted / 2]) / 2;
    printf "%s\t%s\t%d\t%.3f\t%.3f\t%.3f\t%d\n", $case, $name, scalar @sorted, $median, $sorted[0], $sorted[-1], $failed;
}

sub is_slipway { $_[0][0] =~ /^slipway/ }

# a container that nobody is in goes after 300 ms; the next measurement is not to meet that
sub settle { sleep 0.45 if is_slipway($_[0]) }

# which of the tools work here at all
@tools = grep {
    my $said = join ' ', split /\n/, qx{exec 2>&1; @{[join ' ', map { "'$_'" } $_->[2]->("$job-try", '/bin/true')]}};
    my $works = $? == 0;
    settle($_);
    print STDERR "$_->[0] does not run here, so it is left out: $said\n" unless $works;
    $works;
} @tools;

my (%samples, %failed);
sub turn {
    my ($case, $tool, $key, $count, @command) = @_;
    my ($ms, $failed) = measure($tool, $key, $count, @command);
    push @{$samples{$case}{$tool->[0]}}, $ms;
    $failed{$case}{$tool->[0]} += $failed;
}
sub finish {
    my ($case) = @_;
    for my $tool (@tools) {
        my $name = $tool->[0];
        report($case, $name, $failed{$case}{$name}, @{$samples{$case}{$name}}) if $samples{$case}{$name};
    }
}

$| = 1;
for my $count (1, 64) {
    my $many = $count > 1 ? "$count at once, " : '';
    my @these = grep { $count == 1 || $_->[1] ne 'slow' } @tools;
    my $case = "${many}cold";
    for (1 .. $rounds) {
        for my $tool (@these) {
            turn($case, $tool, "$job-" . $serial++, $count, '/bin/true');
            settle($tool);
        }
    }
    finish($case);

    # a rank of each of ours stays, so that the others join its container
    $case = "${many}joining";
    my @stay;
    for my $tool (grep { is_slipway($_) } @these) {
        push @stay, start($tool->[2]->("$job-$tool->[0]", 'sleep', '3600'));
        sleep 0.5;
    }
    for (1 .. $rounds) {
        turn($case, $_, "$job-$_->[0]", $count, '/bin/true') for @these;
    }
    finish($case);
    kill 'KILL', @stay;
    waitpid $_, 0 for @stay;
    sleep 0.5;
}

# the time inside: the mount is new each time, the image is in the page cache
my $script = 's=$EPOCHREALTIME; cat /srv/files/* >/dev/null; e=$EPOCHREALTIME; echo $(((${e/./} - ${s/./})))';
for (1 .. $rounds) {
    for my $tool (grep { $_->[1] eq 'image' || $_->[0] eq 'ch-run, directory' } @tools) {
        my @line = $tool->[2]->("$job-" . $serial++, 'bash', '-c', $script);
        open my $pipe, '-|', @line or die;
        my $microseconds = <$pipe>;
        close $pipe;
        push @{$samples{read}{$tool->[0]}}, $microseconds / 1000 if defined $microseconds && $microseconds =~ /^\d+$/;
        $failed{read}{$tool->[0]} += $? ? 1 : 0;
        settle($tool);
    }
}
finish('read');

# memory of what stands beside the ranks, in MB: what is its own and its part of what is shared
for my $tool (grep { is_slipway($_) } @tools) {
    my $pid = start($tool->[2]->("$job-memory", 'sleep', '3600'));
    sleep 1;
    my %found;
    for my $status (glob '/proc/[0-9]*/status') {
        open my $in, '<', $status or next;
        my $text = do { local $/; <$in> } // next;
        my ($name) = $text =~ /^Name:\s+(\S+)/m;
        next unless $name =~ /^(slipway-holder|squashfuse)/ && $text =~ /^Uid:\s+$</m;
        (my $process = $status) =~ s/status$//;
        open my $rollup, '<', "${process}smaps_rollup" or next;
        my $sizes = do { local $/; <$rollup> } // next;
        for my $kind ('Pss', 'Rss') {
            push @{$found{$name =~ /holder/ ? "holder $kind" : "FUSE server $kind"}}, $1 / 1024 if $sizes =~ /^$kind:\s+(\d+)/m;
        }
    }
    report("memory, $_", $tool->[0], 0, @{$found{$_}}) for sort keys %found;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    sleep 0.5;
}
