namespace Slipway.Tests;

/// <summary>Puts libraries into a root filesystem, of a node or of an image, laid out as Debian does.</summary>
public static class SystemTree
{
    public const string Directory = "/usr/lib/x86_64-linux-gnu";

    static readonly string[] Glibc = ["2.2.5", "2.3.2", "2.3.4", .. Enumerable.Range(3, 40).Select(i => $"2.{i}")];

    public static T Distribution<T>(this T root, string id, string version) where T : RootFixture
    {
        root.Write("etc/os-release", $"PRETTY_NAME=\"{id} {version}\"\nID={id}\nVERSION_ID=\"{version}\"\n");
        if (id is "debian" or "ubuntu")
            root.Write("var/lib/dpkg/status", "Package: base-files\n");
        root.Link("lib", "usr/lib");
        root.Link("lib64", "usr/lib64");
        return root;
    }

    /// <summary>A C library that ends at a version, and a shell that uses it.</summary>
    public static T CLibrary<T>(this T root, string highest, ushort machine = 62) where T : RootFixture
    {
        List<string> versions = Glibc.Where(v => Version.Parse(v) <= Version.Parse(highest)).Select(v => $"GLIBC_{v}")
            .Append("GLIBC_PRIVATE").ToList();
        root.Library("libc.so.6", "libc.so.6", versions, [], [], machine);
        root.Program("/usr/bin/sh", [("libc.so.6", ["GLIBC_2.2.5"])], machine);
        root.Link("bin", "usr/bin");
        return root;
    }

    public static T Verbs<T>(this T root, int privateAbi, string version, int highest = 14, string glibc = "2.14") where T : RootFixture
    {
        List<string> versions = Enumerable.Range(0, highest + 1).Select(i => $"IBVERBS_1.{i}")
            .Append($"IBVERBS_PRIVATE_{privateAbi}").ToList();
        return root.Library("libibverbs.so.1", $"libibverbs.so.1.{highest}.{version}", versions, ["libc.so.6"],
            [("libc.so.6", [$"GLIBC_{glibc}"])]);
    }

    public static T Rdmacm<T>(this T root, int privateAbi) where T : RootFixture =>
        root.Library("librdmacm.so.1", "librdmacm.so.1.3.0", ["RDMACM_1.0", "RDMACM_1.1"], ["libibverbs.so.1", "libc.so.6"],
            [("libibverbs.so.1", ["IBVERBS_1.1", $"IBVERBS_PRIVATE_{privateAbi}"])]);

    /// <summary>A provider and its driver file.</summary>
    public static T Provider<T>(this T root, string name, int privateAbi, string glibc = "2.14", int verbs = 1, bool driverFile = true,
        int? suffix = null, uint x86Isa = 0) where T : RootFixture
    {
        string path = $"{Directory}/libibverbs/lib{name}-rdmav{suffix ?? privateAbi}.so";
        root.Write(path, Elf(null, [], ["libibverbs.so.1", "libc.so.6"],
            [("libibverbs.so.1", [$"IBVERBS_1.{verbs}", $"IBVERBS_PRIVATE_{privateAbi}"]), ("libc.so.6", [$"GLIBC_{glibc}"])],
            x86Isa: x86Isa));
        if (driverFile)
            root.Write($"etc/libibverbs.d/{name}.driver", $"driver {name}\n");
        return root;
    }

    /// <summary>A provider that programs link too: the plug-in is a link to the library.</summary>
    public static T SharedProvider<T>(this T root, string name, int privateAbi, int highest = 24, string glibc = "2.14") where T
        : RootFixture
    {
        List<string> versions = Enumerable.Range(0, highest + 1).Select(i => $"{name.ToUpperInvariant()}_1.{i}").ToList();
        root.Library($"lib{name}.so.1", $"lib{name}.so.1.{highest}.0.0", versions, ["libibverbs.so.1", "libc.so.6"],
            [("libibverbs.so.1", ["IBVERBS_1.1", $"IBVERBS_PRIVATE_{privateAbi}"]), ("libc.so.6", [$"GLIBC_{glibc}"])]);
        root.Link($"{Directory}/libibverbs/lib{name}-rdmav{privateAbi}.so", $"../lib{name}.so.1.{highest}.0.0");
        root.Write($"etc/libibverbs.d/{name}.driver", $"driver {name}\n");
        return root;
    }

    public static T Library<T>(this T root, string soname, string file, IReadOnlyList<string> defined, IReadOnlyList<string> needed,
        IReadOnlyList<(string, string[])> versions, ushort machine = 62, IReadOnlyList<string>? exports = null,
        IReadOnlyList<string>? imports = null, string? text = null) where T : RootFixture
    {
        root.Write($"{Directory}/{file}", Elf(soname, defined, needed, versions, machine, exports, imports, text: text));
        if (file != soname)
            root.Link($"{Directory}/{soname}", file);
        return root;
    }

    public static T Program<T>(this T root, string path, IReadOnlyList<(string Soname, string[] Versions)> versions, ushort machine = 62)
        where T : RootFixture
    {
        root.Write(path, Elf(null, [], versions.Select(v => v.Soname).ToList(), versions, machine), executable: true);
        return root;
    }

    static byte[] Elf(string? soname, IReadOnlyList<string> defined, IReadOnlyList<string> needed,
        IReadOnlyList<(string, string[])> versions, ushort machine = 62,
        IReadOnlyList<string>? exports = null, IReadOnlyList<string>? imports = null, uint x86Isa = 0, string? text = null) =>
        new ElfBuilder
        {
            Exports = exports ?? [],
            Imports = imports ?? [],
            X86Isa = x86Isa,
            DlopenNote = text,
            Machine = machine,
            Soname = soname,
            VersionsDefined = defined,
            Needed = needed,
            VersionsNeeded = versions.ToDictionary(v => v.Item1, v => v.Item2),
        }.Build();
}
