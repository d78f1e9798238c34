using System.Text;
using Slipway.Discovery;
using Slipway.Readers;

namespace Slipway.Tests;

/// <summary>A small tree laid out like a host's root: a merged /usr, a C library, and what a test adds.</summary>
sealed class HostFixture : RootFixture
{
    public const string Interpreter = "/lib64/ld-linux-x86-64.so.2", Lib = "/usr/lib/x86_64-linux-gnu";

    public HostFixture()
    {
        Link("/lib", "usr/lib");
        Link("/lib64", "usr/lib64");
        Link("/bin", "usr/bin");
        Link("/usr/lib64/ld-linux-x86-64.so.2", "../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
        Elf(Lib + "/ld-linux-x86-64.so.2", new ElfBuilder { Soname = "ld-linux-x86-64.so.2" });
        Elf(Lib + "/libc.so.6", new ElfBuilder { Soname = "libc.so.6", Interpreter = Interpreter,
            VersionsDefined = ["GLIBC_2.2.5", "GLIBC_2.34"] });
    }

    /// <summary>As discovery sees it, from now on.</summary>
    public RootTree Tree => new(Root);

    public Closure Closure(params string[] exclude)
    {
        RootTree tree = Tree;
        return new Closure(tree, new Loader(tree, []), [.. exclude.SelectMany(PathPattern.Parse)]);
    }

    public void Program(string path, params string[] needed) =>
        Elf(path, new ElfBuilder { Interpreter = Interpreter, Needed = [.. needed, "libc.so.6"] }, executable: true);

    public void Library(string path, params string[] needed) =>
        Elf(path, new ElfBuilder { Soname = System.IO.Path.GetFileName(path), Needed = [.. needed, "libc.so.6"] });

    /// <summary>Writes an ld.so.cache as ldconfig(8) does: the new format alone.</summary>
    public void Cache(params (string Name, string Path, ulong Hwcap)[] entries) => Write("/etc/ld.so.cache", CacheFile(entries));

    public static byte[] CacheFile(params (string Name, string Path, ulong Hwcap)[] entries)
    {
        int strings = 48 + 24 * entries.Length;
        List<byte> text = [];
        MemoryStream table = new MemoryStream();
        using BinaryWriter writer = new(table);
        writer.Write("glibc-ld.so.cache1.1"u8);
        writer.Write(entries.Length);
        writer.Write(0);
        writer.Write((byte)2);
        writer.Write(new byte[19]);
        foreach ((string? name, string? path, ulong hwcap) in entries)
        {
            writer.Write(0x0303);
            writer.Write(strings + text.Count);
            text.AddRange(Encoding.UTF8.GetBytes(name + "\0"));
            writer.Write(strings + text.Count);
            text.AddRange(Encoding.UTF8.GetBytes(path + "\0"));
            writer.Write(0);
            writer.Write(hwcap);
        }
        writer.Write(text.ToArray());
        return table.ToArray();
    }

    public DependencySet Find(params string[] names) => Find(new DependencyRequest { Names = names, Root = Root });

    public DependencySet Find(DependencyRequest request) => DependencyFinder.Find(new DependencyRequest
    {
        Names = request.Names,
        Programs = request.Programs,
        Packages = request.Packages,
        Files = request.Files,
        Exclude = request.Exclude,
        LibraryPath = request.LibraryPath,
        SiteRules = request.SiteRules ?? Root + "/no-rules",
        Root = Root,
    });
}

static class DependencySetExtensions
{
    public static IEnumerable<string> Paths(this DependencySet set) => set.Files.Select(f => f.Path);

    public static ImageDependency File(this DependencySet set, string path) => set.Files.Single(f => f.Path == path);

    public static IEnumerable<string> Errors(this DependencySet set) => set.Problems.Where(p => p.Severity == DependencySeverity.Error)
        .Select(p => p.Message);
}
