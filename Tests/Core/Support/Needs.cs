using Slipway.Linux;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests;

/// <summary>What a test takes of the machine. A test that does not find it is skipped with the reason, never passed.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class NeedsFactAttribute : FactAttribute
{
    public NeedsFactAttribute(Repositories kind, params string[] needs)
        : this([.. kind == Repositories.Rpm ? LocalRepositories.RpmTakes : LocalRepositories.DebTakes, .. needs])
    {
    }

    public NeedsFactAttribute(params string[] needs) => Skip = Needs.Missing(needs);
}

/// <summary>A theory with needs, likewise.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class NeedsTheoryAttribute : TheoryAttribute
{
    public NeedsTheoryAttribute(Repositories kind, params string[] needs)
        : this([.. kind == Repositories.Rpm ? LocalRepositories.RpmTakes : LocalRepositories.DebTakes, .. needs])
    {
    }

    public NeedsTheoryAttribute(params string[] needs) => Skip = Needs.Missing(needs);
}

/// <summary>The local repositories that a test builds from.</summary>
enum Repositories { Deb, Rpm }

static class Needs
{
    public const string Launcher = "the launcher (./bootstrap.sh build)",
    Front = "the front (built by default on x86-64, and not with SLIPWAY_TEST_FRONT=0)", Fuse = "/dev/fuse that every user can open",
    Root = "root", OtherUser = "root, and the user that Tests/run.sh makes", ThirdUser = "root, and the two users that Tests/run.sh makes",
    Long = "--long", Network = "a Debian mirror", DebianSources = "bookworm and bookworm-security among this host's APT sources";

    /// <summary>What Tests/Rdma/guest.sh takes, and what makes the images that are tried there.</summary>
    public const string Guest = "qemu-system-x86_64, mkfs.ext4, mmdebstrap, dpkg-deb, cpio, busybox, xz, mksquashfs, mpicc";

    public static string? Missing(IEnumerable<string> needs)
    {
        List<string> missing = [.. needs.Where(n => !IsThere(n))];
        return missing.Count == 0 ? null : "needs " + string.Join(", ", missing);
    }

    /// <summary>Where this host's own APT has a suite from; null where it has it not.</summary>
    public static string? AptUri(string suite)
    {
        List<string> lines = [];
        return HostProgram.TryFind("apt-get") is { } apt
            && HostProgram.Run(apt, ["indextargets", "--format", "$(RELEASE) $(REPO_URI)"], lines.Add, _ => { }) == 0
            ? lines.Select(l => l.Split(' ')).FirstOrDefault(l => l[0] == suite)?[1].TrimEnd('/') : null;
    }

    const UnixFileMode OtherReadWrite = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    static bool IsThere(string need) => need switch
    {
        Launcher => File.Exists(Cli.Program),
        Front => Cli.HasFront,
        Fuse => access("/dev/fuse", R_OK | W_OK) == 0
            && (geteuid() != 0 || (File.GetUnixFileMode("/dev/fuse") & OtherReadWrite) == OtherReadWrite),
        OtherUser => Cli.OtherUser is not null,
        ThirdUser => Cli.OtherUser is not null && Cli.ThirdUser is not null,
        Root => geteuid() == 0,
        Long => Environment.GetEnvironmentVariable("SLIPWAY_TEST_LONG") == "1",
        Guest => Guest.Split(", ").All(IsThere),
        Network => Environment.GetEnvironmentVariable("SLIPWAY_TEST_OFFLINE") is null,
        DebianSources => AptUri("bookworm") is not null && AptUri("bookworm-security") is not null,
        ['/', ..] => access(need, F_OK) == 0,
        _ => HostProgram.TryFind(need) is not null,
    };
}
