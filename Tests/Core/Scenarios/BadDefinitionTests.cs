using System.Text;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// Definitions that are meant to hurt, given to the real program: an error that names file and place, soon, and nothing is left.
/// </summary>
public sealed class BadDefinitionTests : BuildTest
{
    [NeedsTheory(Needs.Launcher, "mksquashfs", "newuidmap")]
    [InlineData("large", "x.yaml: the file has more than 1048576 bytes, the most that a definition may have")]
    [InlineData("explosion", "x.yaml:", "100000")]
    [InlineData("cycle", "x.yaml:5:36: ", "a from b from a")]
    [InlineData("deep", "x.yaml:")]
    [InlineData("binary", "x.yaml:")]
    public void ADefinitionThatIsNotMeantToBeBuiltIsRefused(string kind, params string[] says)
    {
        string text = kind switch
        {
            "large" => "from: empty\nlabels:\n" + string.Concat(Enumerable.Range(0, 400_000).Select(i => $"  label{i}: some text of it\n")),
            "explosion" => "from: empty\nlabels:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n"
                + string.Concat(Enumerable.Range(1, 12)
                    .Select(i => $"  {(char)('a' + i)}: "
                        + $"&{(char)('a' + i)} [{string.Join(", ", Enumerable.Repeat("*" + (char)('a' + i - 1), 10))}]\n")),
            "cycle" => "from: empty\nfiles: [{stage: a, from: /x, to: /x}]\nstages:\n  a: {from: empty, files: [{stage: b, from: /x, to: "
                + "/x}]}\n  b: {from: empty, files: [{stage: a, from: /x, to: /x}]}\n",
            "deep" => "from: empty\nlabels: " + new string('[', 50_000),
            _ => "from: empty\0\u0001\u0002\n",
        };
        Assert.True(kind != "large" || text.Length > 10_000_000);
        AssertRefused(Build(Write("x.yaml", text)), says);
    }

    [NeedsFact(Needs.Launcher, "mksquashfs", "newuidmap")]
    public void ADeviceWithoutAnEndIsNoDefinition() =>
        AssertRefused(Build("/dev/zero"), "/dev/zero: the file has more than 1048576 bytes, the most that a definition may have");

    /// <summary>As tar archives have it in <see cref="ArchiveImageTests"/>; these are by cpio(1).</summary>
    [NeedsTheory(Needs.Launcher, "mksquashfs", "newuidmap", "cpio")]
    [InlineData("a/../../outside", "has '..' in its path")]
    [InlineData("/absolute", "has an absolute path")]
    [InlineData("link/inside", "goes through the link 'link'")]
    [InlineData("a\na", "is there twice")]
    public void ACpioArchiveThatIsNotSafeIsRefused(string names, string says)
    {
        Write("tree/a", "x");
        Write("tree/absolute", "x");
        Directory.CreateDirectory(In("tree/dir"));
        Write("tree/dir/inside", "x");
        // the names are longer in the archive than on disk: what cpio writes is changed in place, byte for byte
        (string made, string wanted) = names.Split('\n')[0] switch
        {
            "a/../../outside" => ("aaaaaaaaaaaaaaa", "a/../../outside"),
            "/absolute" => ("aaaaaaaaa", "/absolute"),
            "link/inside" => ("linkaaaaaaa", "link/inside"),
            _ => ("b", "a"),
        };
        Write("tree/" + made, "x");
        if (wanted.StartsWith("link", StringComparison.Ordinal))
            File.CreateSymbolicLink(In("tree/link"), directory.Path);
        string archive = Mine("bad.cpio");
        Cli.Result cpio = Cli.Start(Environment.UserName,
            ["bash", "-c", $"printf '%s\\n' {(wanted.StartsWith("link", StringComparison.Ordinal) ? "link" : "a")} {made} | cpio -o -H "
                + $"newc --quiet >'{archive}'"], In("tree")).Wait();
        Assert.True(cpio.ExitCode == 0, cpio.Error);
        byte[] bytes = File.ReadAllBytes(archive), name = Encoding.ASCII.GetBytes(made + "\0");
        int at = bytes.AsSpan().LastIndexOf(name);
        Encoding.ASCII.GetBytes(wanted).CopyTo(bytes, at);
        File.WriteAllBytes(archive, bytes);
        AssertRefused(Build(Write("x.yaml", $"from: archive\narchive: {archive}\n")),
            $"x.yaml:2:10: {archive}: entry 2, '{wanted}', {says}");
        Assert.False(Path.Exists(In("outside")) || Path.Exists(In("inside")));
    }

    /// <summary>dnf 5 is a program, not a script of Python, and its library has another interface.</summary>
    [NeedsFact(Repositories.Rpm)]
    public void AHostWithDnfFiveAloneIsToldSo()
    {
        string bin = Directory.CreateDirectory(Mine("bin")).FullName;
        foreach (string path in new[] { "/usr/bin", "/usr/sbin", "/bin", "/sbin" }.SelectMany(Directory.GetFiles)
            .Where(f => !Path.GetFileName(f).StartsWith("dnf", StringComparison.Ordinal)).DistinctBy(Path.GetFileName))
            File.CreateSymbolicLink(Path.Combine(bin, Path.GetFileName(path)), path);
        File.Copy("/bin/true", Path.Combine(bin, "dnf"));
        Cli.Result result = Cli.Start(
            Environment.UserName, ["env", "PATH=" + bin, Cli.Program, "build", Write("x.yaml", RepositoryBuildTests.Rpm()), "-o",
                In("x.sqfs"), "--package-cache", In("cache/five")], directory.Path,
            new Dictionary<string, string> { ["TMPDIR"] = In("tmp"), ["SLIPWAY_STEP_CACHE_BYTES"] = "0" }).Wait();
        AssertRefused(result, $"x.yaml:1:7: {bin}/dnf is not dnf 4, which 'from: rpm' needs", "Install dnf 4 beside it");
    }

    /// <summary>The directory is made read-only, or goes, while the image is made.</summary>
    [NeedsTheory(Needs.Launcher, Needs.Root, "busybox", "mksquashfs", "newuidmap"), InlineData(true), InlineData(false)]
    public void ADestinationThatGoesDuringTheBuildIsNamed(bool gone)
    {
        // root may write anywhere: the ordinary user is who it goes from
        string to = Directory.CreateDirectory(Mine("to")).FullName, user = Cli.OtherUser ?? "nobody";
        new DirectoryInfo(to).UnixFileMode = (UnixFileMode)0x1ff;
        TinyImage.Make(Mine("base.sqfs"));
        Cli.Running build = Start(user,
            Write("x.yaml", "from: image\nimage: base.sqfs\nrun: [\"while ! [ -e /tmp/go ]; do sleep 0.1; done\"]\n"), "to/x.sqfs");
        string? tmp = null;
        while (!build.Process.HasExited
            && (tmp = Directory.GetDirectories(In("tmp"), "slipway-build-*").Select(d => d + "/root/image/tmp")
                .FirstOrDefault(Directory.Exists)) is null)
            Thread.Sleep(50);
        if (gone)
            Directory.Move(to, In("elsewhere"));
        else
            new DirectoryInfo(to).UnixFileMode = (UnixFileMode)0x16d;
        File.WriteAllText(tmp + "/go", "");
        Cli.Result result = build.Wait();
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"{to}/x.sqfs: the image cannot be written there: ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(".partial", result.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(In("tmp")));
    }
}
