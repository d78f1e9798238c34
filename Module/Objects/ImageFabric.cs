namespace Slipway;

/// <summary>What an image has for fabrics: read once by ELF when it is built, kept in the manifest.</summary>
public sealed class ImageFabric
{
    /// <summary>Of these facts; a plan reads them anew from an image where it is lower than <see cref="CurrentSchema"/>.</summary>
    public int SchemaVersion { get; set; } = CurrentSchema;

    /// <summary>What this version reads.</summary>
    public const int CurrentSchema = 3;

    /// <summary>From the image's os-release(5); null where it has none.</summary>
    public ImageDistribution? Distribution { get; set; }

    /// <summary>True where there is a dpkg database: that an image calls itself Debian does not make it one.</summary>
    public bool HasDpkg { get; set; }

    /// <summary>Of the C library, as <c>uname -m</c> names it; null where there is no C library.</summary>
    public string? Machine { get; set; }

    /// <summary>32 or 64; 0 where there is no C library.</summary>
    public int Bits { get; set; }

    /// <summary>
    /// The highest <c>GLIBC_</c> version that <c>libc.so.6</c> defines, e.g. <c>2.36</c>; null for an image without glibc.
    /// </summary>
    public string? GlibcVersion { get; set; }

    /// <summary>The highest <c>GLIBCXX_</c> version that <c>libstdc++.so.6</c> defines; null where there is none.</summary>
    public string? GlibcxxVersion { get; set; }

    /// <summary>Level of x86-64 that the C library needs, 1 to 4; 0 where it does not say.</summary>
    public int X86Level { get; set; }

    /// <summary>Null where the image has no usable <c>libibverbs.so.1</c>.</summary>
    public ImageVerbs? Verbs { get; set; }

    /// <summary>Providers of libibverbs, by name.</summary>
    public IReadOnlyList<ImageProvider> Providers { get; set; } = [];

    /// <summary>Names on the <c>driver</c> lines of <c>/etc/libibverbs.d</c>.</summary>
    public IReadOnlyList<string> Drivers { get; set; } = [];

    /// <summary>Files of <c>/etc/libibverbs.d</c>.</summary>
    public IReadOnlyList<string> DriverFiles { get; set; } = [];

    /// <summary>Paths of libfabric's loadable providers (<c>libX-fi.so</c>).</summary>
    public IReadOnlyList<string> LibfabricProviders { get; set; } = [];

    /// <summary>Names of the providers that are a part of libfabric itself.</summary>
    public IReadOnlyList<string> LibfabricBuiltIn { get; set; } = [];

    /// <summary>Paths of UCX's loadable modules (<c>libuct_ib.so.0</c>…).</summary>
    public IReadOnlyList<string> UcxModules { get; set; } = [];

    /// <summary>Symbols that the image's programs take from UCX, whose libraries have no versions.</summary>
    public IReadOnlyList<string> UcxSymbols { get; set; } = [];

    /// <summary>The MPI libraries, and what they can use.</summary>
    public IReadOnlyList<ImageMpi> Mpi { get; set; } = [];

    /// <summary>Paths of the MPI launchers that the image has itself.</summary>
    public IReadOnlyList<string> MpiLaunchers { get; set; } = [];

    /// <summary>
    /// Names of PMIx's loadable components (<c>mca_psec_munge.so</c>…), which decide what a server and its ranks have in common.
    /// </summary>
    public IReadOnlyList<string> PmixComponents { get; set; } = [];

    /// <summary>Every library that a fabric plan may ask about.</summary>
    public IReadOnlyList<ImageLibrary> Libraries { get; set; } = [];

    /// <summary>Names of all libraries in the image, so that a plan knows what a host's library would stand before.</summary>
    public IReadOnlyList<string> Sonames { get; set; } = [];

    /// <summary>Soname to version to one file of the image that imports it, for the libraries that a plan may replace.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Imports { get; set; } =
        new SortedDictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);

    /// <summary>False where <see cref="Imports"/> was read from a part of the image's programs only.</summary>
    public bool ImportsComplete { get; set; } = true;

    /// <summary>Libraries that matter here and cannot be used, each with the reason.</summary>
    public IReadOnlyList<string> Damaged { get; set; } = [];

    /// <summary>The library of that soname; null where there is none.</summary>
    public ImageLibrary? Library(string soname) => Libraries.FirstOrDefault(l => l.Soname == soname);

    /// <summary>True where libfabric has the provider, built in or as a file.</summary>
    public bool HasLibfabricProvider(string name) =>
        LibfabricBuiltIn.Contains(name) || LibfabricProviders.Any(p => p.EndsWith($"/lib{name}-fi.so", StringComparison.Ordinal));
}

/// <summary>The image's libibverbs.</summary>
/// <param name="Version">What follows <c>.so.</c> in the file's name, e.g. <c>1.14.44.0</c>, of which the last two are rdma-core's
/// release.</param>
/// <param name="PrivateAbi">N of <c>IBVERBS_PRIVATE_N</c>; null where it defines none (libibverbs before rdma-core, MLNX_OFED's
/// own).</param>
public sealed record ImageVerbs(string Path, string? Version, int? PrivateAbi)
{
    /// <summary>Of rdma-core, e.g. <c>44.0</c>; as <see cref="Version"/> where the file's name does not tell it.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string? Release => Version?.Split('.') is [_, _, var major, var minor] ? $"{major}.{minor}" : Version;

    /// <summary>For people: <c>libibverbs 44.0</c>.</summary>
    public override string ToString() => Release is null ? Path : $"libibverbs {Release}";
}

/// <summary>A provider of libibverbs.</summary>
/// <param name="Name">As a driver file names it, e.g. <c>mlx5</c>.</param>
/// <param name="Path">Of the file that libibverbs looks for, <c>libNAME-rdmavN.so</c>.</param>
/// <param name="Suffix">N of the file name.</param>
/// <param name="PrivateAbi">N of the <c>IBVERBS_PRIVATE_N</c> that it imports; null where it imports none.</param>
public sealed record ImageProvider(string Name, string Path, int Suffix, int? PrivateAbi)
{
    /// <summary>Soname to the versions that must be defined there.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> VersionsNeeded { get; set; } =
        new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);

    /// <summary>Sonames of the libraries that it is linked with (<c>DT_NEEDED</c>).</summary>
    public IReadOnlyList<string> Needed { get; set; } = [];

    /// <summary>As <see cref="ImageFabric.X86Level"/>.</summary>
    public int X86Level { get; set; }

    /// <summary>For people: <c>mlx5</c>.</summary>
    public override string ToString() => Name;
}

/// <summary>An MPI library of the image.</summary>
/// <param name="Family"><c>Open MPI</c> or <c>MPICH</c> (with its descendants), by what it exports; null for another.</param>
public sealed record ImageMpi(string Soname, string Path, string? Family)
{
    /// <summary>
    /// Of <c>ucx</c>, <c>libfabric</c>, <c>verbs</c> and <c>psm2</c>, those that the library or its components are linked with.
    /// </summary>
    public IReadOnlyList<string> Transports { get; set; } = [];

    /// <summary>Whose build of the family it is, e.g. <c>Intel MPI</c>; null for the family's own.</summary>
    public string? Flavour { get; set; }

    /// <summary>Of the MPI, e.g. <c>4.1.4</c>, as the library itself has it; null where it does not tell.</summary>
    public string? Version { get; set; }

    /// <summary>Of <c>pmi1</c>, <c>pmi2</c>, <c>pmix</c> and <c>cray</c>, by which its ranks can find each other.</summary>
    public IReadOnlyList<string> Speaks { get; set; } = [];

    /// <summary>For people: <c>Open MPI 4.1.4</c>.</summary>
    public override string ToString() => $"{Flavour ?? Family ?? Soname}{(Version is null ? "" : " " + Version)}";
}

/// <summary>A library of the image.</summary>
/// <param name="Version">What follows <c>.so.</c> in the file's name; null where nothing does.</param>
public sealed record ImageLibrary(string Soname, string Path, string? Version)
{
    /// <summary>Versions of symbols that it defines, e.g. <c>IBVERBS_1.14</c>; empty for a library without versions.</summary>
    public IReadOnlyList<string> VersionsDefined { get; set; } = [];

    /// <summary>Sonames of the libraries that it is linked with (<c>DT_NEEDED</c>).</summary>
    public IReadOnlyList<string> Needed { get; set; } = [];

    /// <summary>For people: its path.</summary>
    public override string ToString() => Path;
}
