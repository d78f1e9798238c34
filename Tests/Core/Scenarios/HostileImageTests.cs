using System.Diagnostics;
using System.Globalization;
using Slipway.Discovery;
using Slipway.Linux;
using Slipway.Readers.Elf;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// Images of some kilobytes that unpack to half a gigabyte and more: what describes them takes little memory, and says which file of which
/// image was too large.
/// </summary>
public sealed class HostileImageTests : IDisposable
{
    const int Megabytes = 256;

    readonly RunSite site = new();

    public void Dispose() => site.Dispose();

    /// <summary>An image whose one file, beside a program, is what a shell's command writes: it never lies on a disk.</summary>
    string Image(string path, string command)
    {
        string root = site.Scratch + "/root", image = site.Scratch + "/hostile.sqfs";
        Directory.CreateDirectory(root + "/bin");
        List<string> pseudo = [];
        string[] parts = path.Split('/');
        for (int i = 1; i < parts.Length; i++)
            pseudo.AddRange(["-p", $"{string.Join('/', parts[..i])} d 755 0 0"]);
        Assert.Equal(0, HostProgram.Run(
            "mksquashfs", [root, image, "-noappend", "-no-progress", "-quiet", "-all-root", "-comp", "zstd", "-Xcompression-level", "1",
                .. pseudo, "-p", $"{path} f 644 0 0 {command}"], _ => { }, _ => { }));
        Assert.InRange(new FileInfo(image).Length, 1, 2_000_000);
        return image;
    }

    /// <summary>The launcher's result, and the most memory that it, or a program that it started, had (proc(5), VmHWM), in MB.</summary>
    (Cli.Result Result, long Peak) Measured(params string[] arguments)
    {
        Cli.Running running = site.Start([Cli.Program, .. arguments], new Dictionary<string, string> { ["XDG_CACHE_HOME"] = site.Scratch });
        int id = running.Process.Id; // a Process is for one thread
        long peak = 0;
        using CancellationTokenSource ended = new();
        Thread watch = new(() =>
        {
            while (!ended.Token.WaitHandle.WaitOne(2))
                foreach (int pid in Tree(id))
                    peak = Math.Max(peak, Peak(pid));
        });
        watch.Start();
        Cli.Result result = running.Wait(120);
        ended.Cancel();
        watch.Join();
        Assert.InRange(peak, 1, long.MaxValue);
        return (result, peak);
    }

    static IEnumerable<int> Tree(int pid)
    {
        string children = Read($"/proc/{pid}/task/{pid}/children");
        return children.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(c => int.Parse(c, CultureInfo.InvariantCulture))
            .SelectMany(Tree).Prepend(pid);
    }

    static long Peak(int pid) => Read($"/proc/{pid}/status").Split('\n')
        .FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal)) is { } line
        ? long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024 : 0;

    static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return "";
        }
    }

    const string Half = "head -c 500000000 /dev/zero";

    [NeedsTheory(Needs.Launcher, "mksquashfs", "unsquashfs")]
    [InlineData("zeros", ".slipway/image.json", Half, "/.slipway/image.json: '0x00'")]
    [InlineData("label", ".slipway/image.json", """printf '{"labels":{"a":"'; """ + Half + """ | tr '\0' a; printf '"}}'""",
        "/.slipway/image.json: a text in it has more than 4194304 bytes")]
    [InlineData("blanks", ".slipway/image.json", Half + " | tr '\\0' ' '", "its file /.slipway/image.json has more than 33554432 bytes")]
    [InlineData("objects", ".slipway/image.json", """printf '{"packages":['; yes '{},' | head -c 100000000""",
        "/.slipway/image.json: it has more than 100000 objects")]
    [InlineData("escapes", ".slipway/image.json", """printf '{"runscript":"'; yes '\u0001' | tr -d '\n' | head -c 100000000""",
        "/.slipway/image.json: a text in it has more than 4194304 bytes")]
    [InlineData("release", "usr/lib/os-release", Half + " | tr '\\0' '\\n'", "its file /usr/lib/os-release has more than 1048576 bytes")]
    [InlineData("other release", "etc/os-release", Half + " | tr '\\0' x", "its file /etc/os-release has more than 1048576 bytes")]
    public void AnImageOfAMegabyteTakesLittleMemory(string kind, string path, string command, string says)
    {
        string image = Image(path, command);
        foreach (string[] arguments in (string[][])[["inspect", image], ["inspect", "--json", image], ["fabric", image], ["publish", image],
            ["mpi", "--plan-only", "-n", "1", image, "--", "true"], ["compare", image]])
        {
            (Cli.Result result, long peak) = Measured(arguments);
            Assert.InRange(peak, 1, Megabytes);
            // compare looks at programs and libraries alone
            Assert.True(result.ExitCode == (arguments[0] == "compare" && kind != "blanks" ? 0 : 1), $"{kind}: {arguments[0]}: {result}");
            if (result.ExitCode != 0)
                Assert.Contains($"slipway: {image}: {says}", result.Error, StringComparison.Ordinal);
        }
        Cli.Run("cache", "remove", image);
    }

    /// <summary>
    /// As much as a manifest may be, and nothing is wrong with it: 90,000 labels, each character of which JSON writes as six.
    /// </summary>
    [NeedsFact(Needs.Launcher, "mksquashfs", "unsquashfs")]
    public void AManifestAtItsLimitsIsDescribedInLittleMemory()
    {
        string escaped = new('<', 237);
        string image = Image(".slipway/image.json",
            $$$"""printf '{"labels":{'; seq 90000 | sed 's/.*/"&":"{{{escaped}}}",/'; printf '"x":"y"}}'""");
        foreach (string[] arguments in (string[][])[["inspect", image], ["inspect", "--json", image],
            ["mpi", "--plan-only", "-n", "1", image, "--", "true"]])
        {
            (Cli.Result result, long peak) = Measured(arguments);
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.InRange(peak, 1, Megabytes);
            Assert.Equal(arguments[0] == "inspect", result.Output.Length > 100_000_000);
        }
    }

    /// <summary>More links than are unpacked: an image of them is small, and each costs memory in whoever looks at it.</summary>
    [NeedsFact(Needs.Launcher, Needs.Long, "mksquashfs", "unsquashfs")]
    public void AnImageOfManyNamesTakesLittleMemory()
    {
        string root = site.Scratch + "/many", image = root + ".sqfs";
        for (int i = 0; i < 160; i++)
        {
            Directory.CreateDirectory($"{root}/{i}");
            for (int j = 0; j < 1000; j++)
                File.CreateSymbolicLink($"{root}/{i}/name{j}", $"/usr/lib/target{j}");
        }
        Assert.Equal(0, HostProgram.Run("mksquashfs", [root, image, "-noappend", "-no-progress", "-quiet", "-comp", "zstd"], _ => { },
            _ => { }));
        (Cli.Result result, long peak) = Measured("compare", image);
        Assert.InRange(peak, 1, Megabytes);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains($"slipway: warning: {image}: its largest files were not looked at", result.Error, StringComparison.Ordinal);
    }

    public static TheoryData<string> Users => Cli.Users;

    /// <summary>It was dropped, and the image's variables with it.</summary>
    [NeedsTheory(Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll"), MemberData(nameof(Users))]
    public void AnEnvironmentThatIsTooLargeIsAnError(string user)
    {
        using RunSite own = new(user);
        foreach (int size in new[] { 1000, 2_000_000 })
        {
            string image = $"{own.Scratch}/e{size}.sqfs";
            TinyImage.Make(image, root =>
            {
                Directory.CreateDirectory(root + "/ch");
                File.WriteAllText(root + "/ch/environment", $"A=b\n{new string('#', size)}\n");
            });
            Cli.Result result = own.Run(image, "--", "/bin/sh", "-c", "echo $A");
            if (size < 1_000_000)
                Assert.Equal((0, "b\n", ""), (result.ExitCode, result.Output, result.Error));
            else
                Assert.Equal((125, "", "slipway: the image's /ch/environment has more than 1048576 bytes, which no environment can have"),
                    (result.ExitCode, result.Output, result.Error.Split('\n')[0]));
        }
        own.AssertNothingLeft();
    }

    /// <summary>A file of 64 KB can name a library of four thousand characters four thousand times.</summary>
    [Theory]
    [InlineData("needed")]
    [InlineData("versions")]
    [InlineData("defined")]
    [InlineData("exports")]
    public void NamesOfOneFileAreBounded(string kind)
    {
        string[] names = [.. Enumerable.Range(0, 5000).Select(i => new string('n', kind == "exports" ? 4000 : 1000) + i)];
        byte[] file = (kind switch
        {
            "needed" => new ElfBuilder { Needed = names[..4000] },
            "versions" => new ElfBuilder { Needed = ["libx.so"],
                VersionsNeeded = new Dictionary<string, string[]> { ["libx.so"] = names } },
            "defined" => new ElfBuilder { VersionsDefined = names },
            _ => new ElfBuilder { Exports = names },
        }).Build();
        ElfFormatException e = Assert.Throws<ElfFormatException>(() => kind == "exports" ? (object)ElfFile.ParseExports(file, "x.so")
            : ElfFile.Parse(file, "x.so"));
        Assert.Contains("its names are longer than any file has them", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesOfAllFilesAreBounded()
    {
        using TemporaryDirectory root = new();
        byte[] file = new ElfBuilder { Needed = [.. Enumerable.Range(0, 900).Select(i => new string('n', 1000) + i)] }.Build();
        for (int i = 0; i < 60; i++)
            root.Write($"usr/lib/lib{i}.so", file);
        SlipwayException e = Assert.Throws<SlipwayException>(() => ImageComparer.Compare(root.Path));
        Assert.Equal(("ImageTooLarge", root.Path), (e.Id, e.Message.Split(':')[0]));
    }

    /// <summary>Sixteen includes deep, each file three times: three to the sixteenth.</summary>
    [Fact]
    public void ALoaderConfigurationThatIncludesItselfIsReadOnce()
    {
        using TemporaryDirectory root = new();
        root.Write("etc/ld.so.conf", string.Concat(Enumerable.Repeat("include ld.so.conf.d/*.conf\ninclude ld.so.conf\n/opt/lib\n", 3)));
        for (int i = 0; i < 3; i++)
            root.Write($"etc/ld.so.conf.d/{i}.conf", "include *.conf\ninclude /etc/ld.so.conf\n");
        root.Write("opt/lib/libx.so", new ElfBuilder { Soname = "libx.so" }.Build());
        root.Write("bin/x", new ElfBuilder { Interpreter = "/lib64/ld-linux-x86-64.so.2", Needed = ["libx.so", "liby.so"] }.Build());
        Stopwatch time = Stopwatch.StartNew();
        Assert.NotNull(ImageComparer.Compare(root.Path));
        Assert.NotNull(Slipway.Inventory.ImageFabricReader.FromRoot(root.Path));
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 20);
    }

    [Fact]
    public void AFileThatIsTooLargeIsTold()
    {
        using TemporaryDirectory root = new();
        root.Write("etc/ld.so.conf", new string('#', 5 << 20));
        root.Write("etc/os-release", "ID=x\n" + new string('#', 2 << 20));
        root.Write("lib64/ld-linux-x86-64.so.2", new ElfBuilder { Soname = "ld-linux-x86-64.so.2" }.Build());
        root.Write("bin/x", new ElfBuilder { Interpreter = "/lib64/ld-linux-x86-64.so.2", Needed = ["liby.so"] }.Build());
        root.Write("etc/ld.so.cache", new byte[9 << 20]);
        Assert.Contains(ImageComparer.Compare(root.Path).Problems,
            p => p.Message == "/etc/ld.so.cache: not read: it has more than 8388608 bytes");
        Assert.Contains("/etc/os-release: more than 1048576 bytes, and only so many were read",
            Slipway.Inventory.ImageFabricReader.FromRoot(root.Path).Damaged);
    }
}
