using Slipway.Inventory;

namespace Slipway.Tests;

/// <summary>Puts libraries into a root filesystem, of a node or of an image, laid out as Debian does.</summary>
public sealed class SystemTree(TemporaryDirectory files)
{
    public const string Directory = "/usr/lib/x86_64-linux-gnu";

    static readonly string[] Glibc = ["2.2.5", "2.3.2", "2.3.4", .. Enumerable.Range(3, 40).Select(i => $"2.{i}")];

    public SystemTree Distribution(string id, string version)
    {
        files.Write("etc/os-release", $"PRETTY_NAME=\"{id} {version}\"\nID={id}\nVERSION_ID=\"{version}\"\n");
        if (id is "debian" or "ubuntu")
            files.Write("var/lib/dpkg/status", "Package: base-files\n");
        files.Link("lib", "usr/lib");
        files.Link("lib64", "usr/lib64");
        return this;
    }

    /// <summary>A C library that ends at a version, and a shell that uses it.</summary>
    public SystemTree CLibrary(string highest, ushort machine = 62)
    {
        List<string> versions = Glibc.Where(v => Version.Parse(v) <= Version.Parse(highest)).Select(v => $"GLIBC_{v}").Append("GLIBC_PRIVATE").ToList();
        Library("libc.so.6", "libc.so.6", versions, [], [], machine);
        Program("/usr/bin/sh", [("libc.so.6", ["GLIBC_2.2.5"])], machine);
        files.Link("bin", "usr/bin");
        return this;
    }

    public SystemTree Verbs(int privateAbi, string version, int highest = 14, string glibc = "2.14")
    {
        List<string> versions = Enumerable.Range(0, highest + 1).Select(i => $"IBVERBS_1.{i}").Append($"IBVERBS_PRIVATE_{privateAbi}").ToList();
        return Library("libibverbs.so.1", $"libibverbs.so.1.{highest}.{version}", versions, ["libc.so.6"], [("libc.so.6", [$"GLIBC_{glibc}"])]);
    }

    public SystemTree Rdmacm(int privateAbi) =>
        Library("librdmacm.so.1", "librdmacm.so.1.3.0", ["RDMACM_1.0", "RDMACM_1.1"], ["libibverbs.so.1", "libc.so.6"],
            [("libibverbs.so.1", ["IBVERBS_1.1", $"IBVERBS_PRIVATE_{privateAbi}"])]);

    /// <summary>A provider and its driver file.</summary>
    public SystemTree Provider(string name, int privateAbi, string glibc = "2.14", int verbs = 1, bool driverFile = true, int? suffix = null, uint x86Isa = 0)
    {
        string path = $"{Directory}/libibverbs/lib{name}-rdmav{suffix ?? privateAbi}.so";
        files.Write(path, Elf(null, [], ["libibverbs.so.1", "libc.so.6"],
            [("libibverbs.so.1", [$"IBVERBS_1.{verbs}", $"IBVERBS_PRIVATE_{privateAbi}"]), ("libc.so.6", [$"GLIBC_{glibc}"])], x86Isa: x86Isa));
        if (driverFile)
            files.Write($"etc/libibverbs.d/{name}.driver", $"driver {name}\n");
        return this;
    }

    /// <summary>A provider that programs link too: the plug-in is a link to the library.</summary>
    public SystemTree SharedProvider(string name, int privateAbi, int highest = 24, string glibc = "2.14")
    {
        List<string> versions = Enumerable.Range(0, highest + 1).Select(i => $"{name.ToUpperInvariant()}_1.{i}").ToList();
        Library($"lib{name}.so.1", $"lib{name}.so.1.{highest}.0.0", versions, ["libibverbs.so.1", "libc.so.6"],
            [("libibverbs.so.1", ["IBVERBS_1.1", $"IBVERBS_PRIVATE_{privateAbi}"]), ("libc.so.6", [$"GLIBC_{glibc}"])]);
        files.Link($"{Directory}/libibverbs/lib{name}-rdmav{privateAbi}.so", $"../lib{name}.so.1.{highest}.0.0");
        files.Write($"etc/libibverbs.d/{name}.driver", $"driver {name}\n");
        return this;
    }

    public SystemTree Library(string soname, string file, IReadOnlyList<string> defined, IReadOnlyList<string> needed,
        IReadOnlyList<(string, string[])> versions, ushort machine = 62, IReadOnlyList<string>? exports = null, IReadOnlyList<string>? imports = null, string? text = null)
    {
        files.Write($"{Directory}/{file}", Elf(soname, defined, needed, versions, machine, exports, imports, text: text));
        if (file != soname)
            files.Link($"{Directory}/{soname}", file);
        return this;
    }

    public SystemTree Program(string path, IReadOnlyList<(string Soname, string[] Versions)> versions, ushort machine = 62)
    {
        string whole = files.Write(path, Elf(null, [], versions.Select(v => v.Soname).ToList(), versions, machine));
        File.SetUnixFileMode(whole, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return this;
    }

    static byte[] Elf(string? soname, IReadOnlyList<string> defined, IReadOnlyList<string> needed, IReadOnlyList<(string, string[])> versions, ushort machine = 62,
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

/// <summary>An image's root filesystem.</summary>
public sealed class ImageTree : IDisposable
{
    public ImageTree(string id, string version, string glibc, ushort machine = 62)
    {
        Has = new SystemTree(Files).Distribution(id, version).CLibrary(glibc, machine);
    }

    /// <summary>An image without glibc.</summary>
    public ImageTree(string id, string version)
    {
        Has = new SystemTree(Files).Distribution(id, version);
    }

    public TemporaryDirectory Files { get; } = new();

    public SystemTree Has { get; }

    public ImageFabric Read() => ImageFabricReader.FromRoot(Files.Path);

    public ContainerImage Image() => new()
    {
        Path = "/images/app.sqfs",
        Digest = "sha256:" + new string('0', 64),
        Size = 1,
        Manifest = new ImageManifest { Fabric = Read() },
    };

    public void Dispose() => Files.Dispose();
}
