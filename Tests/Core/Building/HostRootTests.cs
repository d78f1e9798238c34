using System.Text.Json;
using Slipway.Linux;

namespace Slipway.Tests.Building;

/// <summary>Images from programs of this host, built and run by the real launcher; the programs are the host's own.</summary>
public sealed class HostRootTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public HostRootTests()
    {
        // so that an ordinary user may write the image there
        new DirectoryInfo(directory.Path).UnixFileMode = (UnixFileMode)0x1ff;
    }

    /// <summary>Where a test puts programs of its own: what lies below /tmp is no part of an image. Root's alone.</summary>
    readonly string programs = "/opt/slipway-test-" + Guid.NewGuid().ToString("n")[..8];

    public void Dispose()
    {
        directory.Dispose();
        if (Directory.Exists(programs))
            Directory.Delete(programs, recursive: true);
    }

    string Script(string text, int mode = 0x1ed)
    {
        string path = Path.Combine(Directory.CreateDirectory(programs).FullName, "tool");
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, (UnixFileMode)mode);
        return path;
    }

    public static TheoryData<string> Users => Cli.Users;

    string Image => Path.Combine(directory.Path, "image.sqfs");

    Cli.Result Build(string user, string definition, params string[] more)
    {
        directory.Write("image.yaml", "from: host\n" + definition);
        return Cli.Start(user, [Cli.Program, "build", Path.Combine(directory.Path, "image.yaml"), "-o", Image, .. more],
            environment: new Dictionary<string, string> { ["TMPDIR"] = directory.Path }).Wait();
    }

    ImageManifest Built(string user, string definition, params string[] more)
    {
        Cli.Result built = Build(user, definition, ["--json", .. more]);
        Assert.True(built.ExitCode == 0, built.Error);
        return JsonDocument.Parse(built.Output).RootElement.GetProperty("manifest").Deserialize(ObjectsJson.Default.ImageManifest)!;
    }

    string RunIn(string user, params string[] command)
    {
        Cli.Result run = Cli.RunAs(user, ["run", Image, "--", .. command]);
        Assert.True(run.ExitCode == 0, $"{string.Join(' ', command)}: {run.ExitCode} {run.Output} {run.Error}");
        return run.Output;
    }

    /// <summary>Paths in the image, with their modes.</summary>
    Dictionary<string, string> Listing() =>
        Cli.Start(Environment.UserName, ["unsquashfs", "-lln", "-d", "", Image]).Wait().Output.Split('\n')
        .Where(l => l.Contains(" /", StringComparison.Ordinal))
            .ToDictionary(l => l[(l.IndexOf(" /", StringComparison.Ordinal) + 1)..].Split(" -> ")[0], l => l[..10]);

    [NeedsTheory(Needs.Launcher, Needs.Fuse, "mksquashfs", "unsquashfs", "squashfuse_ll", "newuidmap", "ldconfig", "bash", "iconv",
        "openssl", "getent"), MemberData(nameof(Users))]
    public void ProgramsRunWithAllThatTheyNeedAndTheManifestSaysWhyEachFileIsThere(string user)
    {
        ImageManifest manifest = Built(user, """
            programs: [bash, id, getent, iconv, openssl]
            files:
              - /usr/share/common-licenses/GPL-3
              - {from: image.yaml, to: /opt/here}
            environment: {LD_LIBRARY_PATH: /opt/none}
            runscript: id -u
            test: test -e /opt/here
            """);

        Assert.Equal("root\n", RunIn(user, "bash", "-c", "id -un 0"));
        Assert.StartsWith("root:x:0:0:", RunIn(user, "getent", "passwd", "root"));
        Assert.Equal(user + "\n", RunIn(user, "bash", "-c", "cd ~; id -un"));
        Assert.Equal("from: host", RunIn(
            user, "bash", "-c", "iconv -f UTF-8 -t UTF-16 /opt/here | iconv -f UTF-16 -t EBCDIC-AT-DE "
            + "| iconv -f EBCDIC-AT-DE -t ISO-8859-15").Split('\n')[0]);
        Assert.Contains("-connect", Cli.RunAs(user, "run", Image, "--", "openssl", "s_client", "-help") is var help
            ? help.Output + help.Error : "");
        Assert.Contains("OpenSSL Legacy Provider", RunIn(user, "openssl", "list", "-providers", "-provider", "legacy"));
        Assert.NotEmpty(Cli.RunAs(user, "run", Image).Output);

        Assert.Equal("host", manifest.From);
        Assert.Equal("debian", manifest.Distribution?.Id);
        Assert.Contains(manifest.Packages, p => p.Name == "bash" && p.Version.Length > 0);
        Assert.Contains(manifest.Packages, p => p.Name == "libc6");

        // each file is there for a reason, and each that has a reason is there
        Dictionary<string, (string Path, string Rule, string? AskedBy, string Why)> reasons =
            manifest.Dependencies.SelectMany(d => d.Files.Select(f => (Path: f, d.Rule, d.AskedBy, d.Why))).ToDictionary(d => d.Path);
        Dictionary<string, string> listing = Listing();
        Assert.Empty(reasons.Keys.Except(listing.Keys));
        string[] ours = ["/.slipway", "/.singularity.d", "/ch", "/opt"];
        Assert.DoesNotContain(listing.Where(l => l.Value[0] is '-' or 'l').Select(l => l.Key).Except(reasons.Keys),
            p => !ours.Any(o => p.StartsWith(o, StringComparison.Ordinal)));
        Assert.Equal(("definition", null), (reasons["/usr/bin/openssl"].Rule, reasons["/usr/bin/openssl"].AskedBy));
        Assert.Contains(reasons.Values, r => r.Rule == "gconv" && r.Path.EndsWith("/EBCDIC-AT-DE.so", StringComparison.Ordinal)
            && r.AskedBy is not null);
        Assert.Contains(reasons.Values, r => r.Rule == "loader" && r.Path.EndsWith("/libc.so.6", StringComparison.Ordinal)
            && r.Why.Contains(" needs libc.so.6: ", StringComparison.Ordinal));
        Assert.Contains(reasons.Values, r => r.Rule == "package" && r.Path == "/usr/share/doc/bash/copyright");

        // the people and the secrets of this host are not in it, and it says so
        Assert.Contains(manifest.Problems, p => p.Severity == DependencySeverity.Note && p.Path == "/etc/passwd"
            && p.Message == "/etc/passwd: the accounts of people (ids from 1000) are left out");
        Assert.DoesNotContain("/etc/shadow", listing.Keys);
        Assert.DoesNotContain(listing, l => l.Value.Contains('s'));
        Assert.DoesNotContain(Cli.Start(user, ["unsquashfs", "-cat", Image, "etc/passwd"]).Wait().Output.Split('\n'),
            l => l.Split(':') is [_, _, var id, ..] && int.Parse(id, null) is >= 1000 and not 65534);
    }

    [NeedsFact(Needs.Launcher, Needs.Root, "mksquashfs", "newuidmap", "ldconfig")]
    public void TwoUsersMakeTheSameBytesAndALockHoldsTheHostToThem()
    {
        if (Cli.OtherUser is not { } other)
            return;
        string script = Script("#!/bin/sh\necho one\n");
        string definition = $"programs: [\"{script}\"]\n", locked = Path.Combine(directory.Path, "image.lock");
        string[] digests = [.. new[] { Environment.UserName, other }.Select(user =>
        {
            Built(user, definition, "--lock-file", locked);
            return Digest.OfFile(Image);
        })];
        Assert.Equal(digests[0], digests[1]);
        File.WriteAllText(script, "#!/bin/sh\necho two\n");
        Cli.Result refused = Build(Environment.UserName, definition, "--lock-file", locked, "--no-step-cache");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("image.yaml:1:7: the files of this host are others than the lock wants", refused.Error);
        Assert.Equal(0, Build(Environment.UserName, definition, "--lock-file", locked, "--update-lock").ExitCode);
    }

    [NeedsTheory(Needs.Launcher, "mksquashfs", "newuidmap", "ldconfig")]
    [InlineData("programs: [no-such-program]\n", "image.yaml:2:12: no-such-program: there is no such program on the PATH")]
    [InlineData("programs: [true]\npackages: [no-such-package]\n", "image.yaml:3:12: no-such-package: ")]
    [InlineData("files: [/no/such/file]\n", "image.yaml:2:9: /no/such/file: there is no such file")]
    [InlineData("files: [etc/passwd]\n", "image.yaml:2:9: 'etc/passwd' is not an absolute path")]
    [InlineData("files: [/etc/../etc/passwd]\n", "is not an absolute path")]
    [InlineData("programs: [/tmp/tool]\n", "image.yaml:2:12: '/tmp/tool' lies where an image has nothing of its own")]
    [InlineData("programs: [true]\nexclude: ['/**']\n", "image.yaml:3:11: everything is excluded")]
    [InlineData("exclude: ['/usr/**']\n", "the image would be empty")]
    [InlineData("program: [true]\n", "unknown key 'program'")]
    [InlineData("programs: [true]\nsuite: bookworm\n", "unknown key 'suite'")]
    public void NamesTheLineOfWhatIsWrongAndLeavesNothing(string definition, string says)
    {
        Cli.Result built = Build(Environment.UserName, definition);
        Assert.Equal(1, built.ExitCode);
        Assert.Contains(says, built.Error);
        Assert.Equal(["image.yaml"], Directory.GetFileSystemEntries(directory.Path).Select(Path.GetFileName));
    }

    [NeedsFact(Needs.Launcher, Needs.Root, "mksquashfs", "unsquashfs", "newuidmap", "ldconfig")]
    public void WhatCouldNotBeFoundIsInTheManifestAndOnTheErrorStream()
    {
        string script = Script("#!/usr/bin/env no-such-interpreter\n", 0x9ed);
        Cli.Result built = Build(Environment.UserName, $"files: [\"{script}\"]\n", "--json");
        Assert.Equal(0, built.ExitCode);
        string says = $"{script}: its interpreter 'no-such-interpreter', which env looks for, is not on the PATH";
        Assert.Contains($"error: {says} [interpreter]", built.Error);
        Assert.Contains($"warning: {script}: it is set-uid", built.Error);
        ImageManifest manifest = JsonDocument.Parse(built.Output).RootElement.GetProperty("manifest")
            .Deserialize(ObjectsJson.Default.ImageManifest)!;
        Assert.Contains(manifest.Problems, p => p.Message == says && p.Severity == DependencySeverity.Error && p.Rule == "interpreter"
            && p.Path == script);
        Assert.Equal("-rwxr-xr-x", Listing()[script]);
    }

    [NeedsFact(Needs.Launcher, Needs.Fuse, "mksquashfs", "squashfuse_ll", "newuidmap", "ldconfig", "ibv_devinfo", "/etc/libibverbs.d",
        "ucx_info", "fi_info")]
    public void FabricToolsFindTheirProvidersAndModules()
    {
        string user = Cli.OtherUser ?? Environment.UserName;
        ImageManifest manifest = Built(user, "programs: [ibv_devinfo, ucx_info, fi_info, bash]\nfabric: auto\n");
        // what they say is what they say on the host
        foreach (string? command in new[] { "ibv_devinfo", "fi_info -l", "ucx_info -v" })
        {
            (Cli.Result? inside, Cli.Result? outside) =
                (Cli.RunAs(user, ["run", Image, "--", .. command.Split(' ')]), Cli.Start(user, command.Split(' ')).Wait());
            Assert.Equal((outside.ExitCode, outside.Output, outside.Error), (inside.ExitCode, inside.Output, inside.Error));
        }
        static IEnumerable<string> Components(string output) =>
            output.Split('\n').Where(l => l.Contains("Component:", StringComparison.Ordinal)).Select(l => l.Trim());
        Assert.Equal(Components(Cli.Start(user, ["ucx_info", "-d"]).Wait().Output), Components(RunIn(user, "ucx_info", "-d")));
        // without such devices nobody opens a provider: its loader has to find all that it needs
        List<string> providers = manifest.Dependencies.Where(d => d.Rule == "libibverbs").SelectMany(d => d.Files)
            .Where(f => f.Contains("-rdmav", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(providers);
        string script = string.Join("; ", providers.Select(p => $"/lib64/ld-linux-x86-64.so.2 --list {p}"));
        Assert.DoesNotContain("not found", RunIn(user, "bash", "-ec", script));
        Assert.Contains("/etc/libibverbs.d/mlx5.driver", manifest.Dependencies.SelectMany(d => d.Files));
    }

    const string Ring = """
        #include <mpi.h>
        #include <stdio.h>
        int main(int c, char **v) {
            int rank, size, sum; MPI_Init(&c, &v);
            MPI_Comm_rank(MPI_COMM_WORLD, &rank); MPI_Comm_size(MPI_COMM_WORLD, &size);
            MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
            if (rank == 0) printf("%d ranks, sum %d\n", size, sum);
            MPI_Finalize(); return 0; }
        """;

    static readonly Dictionary<string, string> AsRoot =
        new() { ["OMPI_ALLOW_RUN_AS_ROOT"] = "1", ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1" };

    [NeedsFact(Needs.Launcher, Needs.Root, Needs.Fuse, "mksquashfs", "squashfuse_ll", "newuidmap", "ldconfig", "mpicc", "mpirun")]
    public void AnMpiProgramRunsOnTwoRanks()
    {
        directory.Write("ring.c", Ring);
        string ring = Path.Combine(Directory.CreateDirectory(programs).FullName, "ring");
        Cli.Result compiled = Cli.Start(Environment.UserName, ["mpicc", "-o", ring, Path.Combine(directory.Path, "ring.c")]).Wait();
        Assert.True(compiled.ExitCode == 0, compiled.Error);
        ImageManifest manifest = Built(Environment.UserName, $"programs: [\"{ring}\"]\n");
        Assert.Contains(manifest.Dependencies, d => d.Rule == "openmpi" && d.Files.Any(f => f.Contains("/mca_", StringComparison.Ordinal)));
        File.Delete(ring);
        Cli.Result ran = Cli.Start(Environment.UserName, ["mpirun", "--oversubscribe", "-np", "2", Cli.Program, "run", Image, "--", ring],
            environment: AsRoot).Wait();
        Assert.True(ran.ExitCode == 0, ran.Error);
        Assert.Equal("2 ranks, sum 1\n", ran.Output);
    }

    const string Melt = """
        units lj
        lattice fcc 0.8442
        region box block 0 4 0 4 0 4
        create_box 1 box
        create_atoms 1 box
        mass 1 1.0
        velocity all create 3.0 87287
        pair_style lj/cut 2.5
        pair_coeff 1 1 1.0 1.0 2.5
        fix 1 all nve
        run 20
        """;

    [NeedsFact(Needs.Long, Needs.Launcher, Needs.Fuse, "mksquashfs", "unsquashfs", "squashfuse_ll", "newuidmap", "ldconfig", "lmp",
        "mpirun", "strace")]
    public void LammpsRunsOnTwoRanksFromAnImageThatIsLittleLargerThanWhatItOpens()
    {
        directory.Write("in.melt", Melt);
        string input = Path.Combine(directory.Path, "in.melt");
        ImageManifest manifest = Built(Environment.UserName, "programs: [lmp]\n");
        Assert.DoesNotContain(manifest.Problems, p => p.Severity == DependencySeverity.Error);
        Cli.Result ran = Cli.Start(Environment.UserName,
            ["mpirun", "--oversubscribe", "-np", "2", Cli.Program, "run", Image, "--", "lmp", "-in", input, "-log", "none"],
            environment: AsRoot).Wait();
        Assert.True(ran.ExitCode == 0, ran.Error);
        Assert.Contains("on 2 procs for 20 steps", ran.Output);

        string trace = Path.Combine(directory.Path, "trace");
        Cli.Result traced = Cli.Start(
            Environment.UserName, ["mpirun", "--oversubscribe", "-np", "2", "strace", "-f", "-ff", "-o", trace, "-e",
                "trace=open,openat,execve", "lmp", "-in", input, "-log", "none"], environment: AsRoot).Wait();
        Assert.True(traced.ExitCode == 0, traced.Error);
        List<string> opened = Directory.GetFiles(directory.Path, "trace*").SelectMany(File.ReadLines)
            .Where(l => l.Contains('"') && !l.Contains(" = -1 ", StringComparison.Ordinal)).Select(l => l.Split('"')[1])
            .Where(p => p.StartsWith('/') && !new[] { "/proc", "/sys", "/dev", "/tmp" }.Any(k => p.StartsWith(k, StringComparison.Ordinal))
                && File.Exists(p))
            .Select(p => HostProgram.Read("readlink", "-f", p)!).Distinct().ToList();
        HashSet<string> inImage = manifest.Dependencies.SelectMany(d => d.Files).ToHashSet();
        Assert.DoesNotContain(opened, p => !inImage.Contains(p));
        long bytes = inImage.Where(p => new FileInfo(p) is { Exists: true, LinkTarget: null }).Sum(p => new FileInfo(p).Length);
        Assert.InRange((double)bytes / opened.Sum(p => new FileInfo(p).Length), 1.0, 1.3);
    }
}
