using System.Text.RegularExpressions;
using Slipway.Linux;

namespace Slipway.Tests.Scenarios;

/// <summary>A machine that lacks something: one message says what, and what to do, and the same command works once it is mended.</summary>
public sealed class BootstrapBadInputTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public BootstrapBadInputTests()
    {
        File.SetUnixFileMode(directory.Path, (UnixFileMode)0b111_101_101);
        string tar = $"tar -C '{Cli.Repository}' --exclude=./out --exclude=./.git --exclude=bin --exclude=obj -cf - .";
        Assert.Equal(0, HostProgram.Run("bash", ["-c", $"cd '{directory.Path}' && mkdir checkout && {tar} | tar -C checkout -xf -"]));
    }

    string In(string name) => Path.Combine(directory.Path, name);

    Cli.Result Build(Dictionary<string, string> environment, string? user = null) =>
        Cli.Start(user ?? Environment.UserName, ["./bootstrap.sh", "build"], In("checkout"), environment).Wait();

    /// <summary>The last line is the one message; nothing is taken for done.</summary>
    void AssertRefused(Cli.Result result, params string[] parts)
    {
        string[] lines = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(result.ExitCode != 0, result.Error);
        Assert.True(lines.Single(l => l.StartsWith("bootstrap: ", StringComparison.Ordinal)) == lines[^1], result.Error);
        Assert.All(parts, p => Assert.Contains(p, lines[^1], StringComparison.Ordinal));
        Assert.EndsWith("run this again.", lines[^1], StringComparison.Ordinal);
        Assert.False(File.Exists(In("checkout/out/sources")));
    }

    /// <summary>A PATH with all that this machine has, but for some programs.</summary>
    string PathWithout(params string[] programs)
    {
        Directory.CreateDirectory(In("bin"));
        string[] places = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
        foreach (string program in places.SelectMany(Directory.GetFiles).Append(HostProgram.Find("dotnet")))
        {
            string link = In("bin/" + Path.GetFileName(program));
            if (!programs.Contains(Path.GetFileName(program)) && !Path.Exists(link))
                File.CreateSymbolicLink(link, program);
        }
        return In("bin");
    }

    [NeedsFact("dotnet")]
    public void AnotherMajorOfTheSdk()
    {
        PathWithout("dotnet");
        File.WriteAllText(In("bin/dotnet"),
            "#!/bin/sh\n[ \"$1\" = --list-sdks ] && printf '%s [/usr/share/dotnet/sdk]\\n' 9.0.305 11.0.100\n");
        File.SetUnixFileMode(In("bin/dotnet"), (UnixFileMode)0b111_101_101);
        AssertRefused(Build(new() { ["PATH"] = In("bin") }), ".NET SDK 10 is needed", "here is 9.0.305 11.0.100");
    }

    [NeedsFact("dotnet")]
    public void NoSdk() => AssertRefused(Build(new() { ["PATH"] = PathWithout("dotnet") }), ".NET SDK 10 is needed", "here is none");

    [NeedsFact(Needs.OtherUser, Needs.Launcher, "dotnet")]
    public void APackageIsMissingAndThereIsNoSudo() =>
        AssertRefused(Build(new() { ["PATH"] = PathWithout("sudo", "mksquashfs", "curl") }, Cli.OtherUser),
            "curl squashfs-tools", "as root, or install sudo");

    /// <summary>The real APT, with nothing of this machine: no package is installed for it, and it has these sources.</summary>
    Dictionary<string, string> OwnApt(string sources)
    {
        foreach (string name in new[] { "lib/apt/lists/partial", "cache/apt/archives/partial", "log/apt" })
            Directory.CreateDirectory(In("apt/var/" + name));
        directory.Write("apt/var/lib/dpkg/status", "");
        directory.Write("apt/etc/apt/sources.list", sources);
        string status = In("apt/var/lib/dpkg/status");
        directory.Write("apt.conf", $"Dir \"{In("apt")}\"; Dir::State::status \"{status}\"; Acquire::Retries \"0\";");
        return new() { ["PATH"] = PathWithout("mksquashfs"), ["APT_CONFIG"] = In("apt.conf") };
    }

    [NeedsFact(Needs.Launcher, Needs.Root, "dotnet", "apt-get")]
    public void APackageThatAptCannotFind() =>
        AssertRefused(Build(OwnApt("")), "installing squashfs-tools: Unable to locate package squashfs-tools", "Name a source");

    [NeedsFact(Needs.Launcher, Needs.Root, "dotnet", "apt-get")]
    public void AptCannotReachItsSource() =>
        AssertRefused(Build(OwnApt("deb http://me:secret@127.0.0.1:9/debian stable main\n")),
            "a source of APT cannot be reached", "//127.0.0.1:9/debian", "Mend the network");

    Dictionary<string, string> OwnNuGet(string sources)
    {
        string configuration = $"<configuration><packageSources><clear />{sources}</packageSources></configuration>";
        directory.Write("home/.nuget/NuGet/NuGet.Config", configuration);
        return new()
        {
            ["HOME"] = In("home"), ["NUGET_ENABLE_ENHANCED_HTTP_RETRY"] = "true", ["NUGET_ENHANCED_MAX_NETWORK_TRY_COUNT"] = "1",
            ["NUGET_ENHANCED_NETWORK_RETRY_DELAY_MILLISECONDS"] = "10",
        };
    }

    [NeedsFact(Needs.Launcher, "dotnet")]
    public void NuGetHasNoSource() => AssertRefused(Build(OwnNuGet("")), "building: NuGet has no source", "dotnet nuget add source URL");

    [NeedsFact(Needs.Launcher, "dotnet")]
    public void NuGetHasNoPackageInItsSource()
    {
        Directory.CreateDirectory(In("feed"));
        AssertRefused(Build(OwnNuGet($"<add key=\"near\" value=\"{In("feed")}\" />")),
            "building: NU1101: Unable to find package", "dotnet nuget add source URL");
    }

    [NeedsFact(Needs.Launcher, "dotnet")]
    public void TheProxyRefuses()
    {
        Dictionary<string, string> environment = OwnNuGet("<add key=\"far\" value=\"https://packages.example/v3/index.json\" />");
        environment["https_proxy"] = "http://me:secret@127.0.0.1:9";
        Cli.Result result = Build(environment);
        AssertRefused(result, "a source of NuGet cannot be reached", "https://packages.example/", "(https_proxy=http://127.0.0.1:9)");
        Assert.DoesNotContain("secret", result.Error, StringComparison.Ordinal);
    }

    /// <summary>
    /// In a namespace with a small filesystem for the checkout, and with its own /tmp, where the compiler's server is found.
    /// </summary>
    /// <param name="free">KiB that the checkout leaves.</param>
    Cli.Result OnDisk(int free, string then)
    {
        string script = $"size=$(($(du -sk checkout | cut -f 1) + {free}))k && mount -t tmpfs -o size=$size disk /mnt"
            + $" && cp -a checkout/. /mnt && mount -t tmpfs tmp /tmp && cd /mnt && {then}";
        string[] command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", script];
        return Cli.Start(Environment.UserName, command, directory.Path).Wait(600);
    }

    [NeedsFact(Needs.Launcher, Needs.Root, "dotnet")]
    public void TheDiskIsFull() => AssertRefused(OnDisk(500, "./bootstrap.sh build"), "the disk is full", "MiB left. Make room there");

    /// <summary>At different places of the build: what is half-written is not taken for whole afterwards.</summary>
    [NeedsTheory(Needs.Launcher, Needs.Root, Needs.Long, "dotnet")]
    [InlineData(5000)]
    [InlineData(11000)]
    [InlineData(27000)]
    [InlineData(47000)]
    public void AfterAFullDiskTheSameCommandBuilds(int free)
    {
        Cli.Result result = OnDisk(free, "./bootstrap.sh build 2>/tmp/first; echo $?; tail -n 1 /tmp/first;"
            + " mount -o remount,size=3g . && ./bootstrap.sh build && out/bin/slipway --version");
        Assert.True(Regex.IsMatch(result.Output, @"^1\nbootstrap: building: the disk is full: .*\n.*\d\.\d"), result.Output + result.Error);
    }

    [NeedsFact(Needs.Launcher, Needs.Long, "dotnet")]
    public void OnceASourceIsThereTheSameCommandBuilds()
    {
        AssertRefused(Build(OwnNuGet("")), "NuGet has no source");
        Cli.Result second = Build([]);
        Assert.True(second.ExitCode == 0, second.Error);
        Assert.True(File.Exists(In("checkout/out/sources")));
    }

    public void Dispose() => directory.Dispose();
}
