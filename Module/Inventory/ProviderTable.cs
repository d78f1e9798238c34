using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Readers;

namespace Slipway.Inventory;

/// <summary>What is known about fabrics, from <c>providers.json</c>: the one place for it.</summary>
sealed class ProviderTable
{
    static readonly Lazy<ProviderTable> Embedded = new(Load);

    public static ProviderTable Default => Embedded.Value;

    /// <summary>Where the rows come from.</summary>
    public required string Source { get; init; }

    /// <summary>What <c>/sys/class/infiniband_verbs/abi_version</c> may say.</summary>
    public required AbiRange UverbsAbi { get; init; }

    public required IReadOnlyList<ProviderRow> Providers { get; init; }

    public required VariableNames Variables { get; init; }

    public required IReadOnlyList<IntraNodeRow> IntraNode { get; init; }

    /// <summary>Family of distributions to the <c>ID</c>s of os-release(5) that belong to it.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Families { get; init; }

    /// <summary>Where the patterns of repositories come from.</summary>
    public required string RepositoriesSource { get; init; }

    /// <summary>Family of distributions to patterns, in lower case, of what the names and URLs of its RPM repositories are like.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Repositories { get; init; }

    /// <summary>Where the packages' names come from.</summary>
    public required string PackagesSource { get; init; }

    public required IReadOnlyList<PackageRow> Packages { get; init; }

    public required IReadOnlyList<VendorRow> Vendors { get; init; }

    public required string ReleasesSource { get; init; }

    public required IReadOnlyList<ReleaseRow> Releases { get; init; }

    public required string AllocationsSource { get; init; }

    /// <summary>Variables by which a batch system says which fabric devices a job has.</summary>
    public required IReadOnlyList<AllocationRow> Allocations { get; init; }

    /// <summary>Providers of libfabric that may be built into it, and how that shows.</summary>
    public required IReadOnlyList<LibfabricProviderRow> LibfabricProviders { get; init; }

    /// <summary>Soname to what MPI reaches the network through when it is linked with it.</summary>
    public required IReadOnlyDictionary<string, string> Transports { get; init; }

    /// <summary>Names of Open MPI's loadable components.</summary>
    public required IReadOnlyList<string> MpiPlugins { get; init; }

    /// <summary>The verbs stack: these come from one build, so they change together.</summary>
    public required IReadOnlyList<string> VerbsLibraries { get; init; }

    /// <summary>What the verbs stack needs beside the C library.</summary>
    public required IReadOnlyList<string> VerbsHelpers { get; init; }

    public required IReadOnlyList<string> LibfabricLibraries { get; init; }

    /// <summary>Parts of glibc: never taken from the host, since they fit no other build of glibc.</summary>
    public required IReadOnlyList<string> CLibrary { get; init; }

    /// <summary>Taken from the image where it has them: programs of the image may need newer ones than the host's.</summary>
    public required IReadOnlyList<string> CompilerLibraries { get; init; }

    public required IReadOnlyList<string> MpiLibraries { get; init; }

    public required string MpiSource { get; init; }

    /// <summary>By what an MPI library is told: the first row that fits.</summary>
    public required IReadOnlyList<MpiFamilyRow> MpiFamilies { get; init; }

    /// <summary>Names of programs that start ranks.</summary>
    public required IReadOnlyList<string> MpiLaunchers { get; init; }

    /// <summary>Names of PMIx's loadable components for security and storage, in Open MPI 4 too.</summary>
    public required IReadOnlyList<string> PmixComponents { get; init; }

    public required IReadOnlyList<string> UcxLibraries { get; init; }

    /// <summary>Other libraries whose versions a plan may ask for.</summary>
    public required IReadOnlyList<string> OtherLibraries { get; init; }

    /// <summary>Where libraries lie beside the directories that ld.so.conf names; <c>*</c> in a component is a wildcard.</summary>
    public required IReadOnlyList<string> LibraryDirectories { get; init; }

    /// <summary>Below a library directory: where libibverbs looks (<c>VERBS_PROVIDER_DIR</c>).</summary>
    public required IReadOnlyList<string> VerbsProviderDirectories { get; init; }

    /// <summary>Below a library directory: where libfabric looks (<c>PROVDLDIR</c>).</summary>
    public required IReadOnlyList<string> LibfabricProviderDirectories { get; init; }

    /// <summary>
    /// The row of a device, by its kernel module, the driver of its bus, its PCI ids, what it says of itself, or its name: in that order.
    /// </summary>
    public ProviderRow? Find(string? module, string? busDriver, string? vendor, string? device, string? description, string name) =>
        Providers.FirstOrDefault(p => p.KernelDriver == module)
        ?? Providers.FirstOrDefault(p => busDriver is not null && p.BusDrivers.Contains(busDriver))
        ?? Providers.FirstOrDefault(p => vendor is not null && device is not null && p.VendorIds.Contains(vendor)
            && p.DeviceIds.Contains(device))
        ?? Providers.FirstOrDefault(p => description is not null && p.NodeDescription == description)
        ?? Providers.FirstOrDefault(p => p.Names.Any(n => PathPattern.MatchesName(n, name))
            && (p.VendorIds.Count == 0 || vendor is null || p.VendorIds.Contains(vendor)));

    public ProviderRow? ForDevice(FabricDevice device) => Providers.FirstOrDefault(p => p.KernelDriver == device.KernelDriver);

    static ProviderTable Load()
    {
        using Stream stream = typeof(ProviderTable).Assembly.GetManifestResourceStream("providers.json")!;
        return JsonSerializer.Deserialize(stream, ProviderTableJson.Default.ProviderTable)!;
    }
}

sealed record AbiRange(int Min, int Max);

/// <summary>
/// Variables by which an image's libraries find what is bound: ld.so(8), rdma-core's libibverbs/dynamic_driver.c, fabric(7).
/// </summary>
sealed record VariableNames(string Libraries, string VerbsDrivers, string LibfabricProviders);

sealed record IntraNodeRow(string Name, string DeviceNode);

/// <summary>How one MPI is told from another: sonames collide (Open MPI 1.10 and MPICH both have libmpi.so.12).</summary>
sealed class MpiFamilyRow
{
    public required string Family { get; init; }

    /// <summary>Whose build; null for the family's own.</summary>
    public string? Flavour { get; init; }

    /// <summary>One of these is the library's soname; none: any.</summary>
    public IReadOnlyList<string> Sonames { get; set; } = [];

    /// <summary>It exports one of these, <c>*</c> being a wildcard; none: whatever.</summary>
    public IReadOnlyList<string> Exports { get; set; } = [];

    /// <summary>Or it is linked with one of these.</summary>
    public IReadOnlyList<string> Needs { get; set; } = [];

    /// <summary>A text that is in the file; null: whatever.</summary>
    public string? Text { get; init; }

    /// <summary>Symbols whose value is the version.</summary>
    public IReadOnlyList<string> Version { get; set; } = [];

    /// <summary>What it always speaks.</summary>
    public IReadOnlyList<string> Speaks { get; set; } = [];

    /// <summary>What it speaks where a text is in the file.</summary>
    public IReadOnlyDictionary<string, string> SpeaksByText { get; set; } = new Dictionary<string, string>();

    /// <summary>What it speaks where it is linked with a library.</summary>
    public IReadOnlyDictionary<string, string> SpeaksByLibrary { get; set; } = new Dictionary<string, string>();
}

/// <summary>Packages that bring a set of libraries.</summary>
sealed class PackageRow
{
    public required string Set { get; init; }

    public required string Family { get; init; }

    /// <summary>Only for this provider; null for all that have no row of their own.</summary>
    public string? Provider { get; init; }

    /// <summary>Only where the repositories are this vendor's.</summary>
    public string? Vendor { get; init; }

    /// <summary>First and last major release; without them, all.</summary>
    public int? From { get; init; }

    public int? To { get; init; }

    public required IReadOnlyList<string> Names { get; init; }
}

/// <summary>A vendor's repository that has other package names, told by its URL.</summary>
sealed record VendorRow(string Name, IReadOnlyList<string> Urls);

/// <summary>Which rdma-core a distribution's release has; it belongs to one <c>ID</c> of os-release(5), or to a whole family.</summary>
sealed record ReleaseRow(string? Id, string? Family, string Release, int RdmaCore);

/// <param name="Form"><c>number</c>: that of the device node's name; <c>name</c>: the device's.</param>
/// <param name="Fabric">The fabric whose devices it lists; null for all.</param>
sealed record AllocationRow(string Variable, string Form, string? Fabric);

/// <param name="Library">What a libfabric with this provider built in is linked with.</param>
/// <param name="Text">Where it is linked with nothing special: a text that only such a libfabric has in it.</param>
sealed record LibfabricProviderRow(string Name, string? Library, string? Text);

/// <summary>One kernel driver and what it takes in user space.</summary>
sealed class ProviderRow
{
    public required string KernelDriver { get; init; }

    /// <summary>Drivers that the PCI function itself is bound to, where the RDMA part is a module of its own.</summary>
    public IReadOnlyList<string> BusDrivers { get; set; } = [];

    /// <summary>What <c>node_desc</c> says, for a device without a bus.</summary>
    public string? NodeDescription { get; set; }

    public IReadOnlyList<string> Names { get; set; } = [];

    /// <summary>The fabric, where the port's link layer does not tell it.</summary>
    public string? Fabric { get; set; }

    /// <summary>The library that loads the provider: <c>libibverbs</c> or <c>libfabric</c>.</summary>
    public string Carrier { get; set; } = "libibverbs";

    /// <summary>As a driver file names it (<c>mlx5</c>), or as libfabric does; null where no provider exists that we could pass.</summary>
    public string? Provider { get; set; }

    /// <summary>Public library of a shared provider, or the library that a libfabric provider drives the device with.</summary>
    public string? Library { get; set; }

    /// <summary>
    /// True where programs link the provider too (rdma-core's shared providers): <c>libX-rdmavN.so</c> is then a link to
    /// <see cref="Library"/>.
    /// </summary>
    public bool Shared { get; set; }

    /// <summary>Another provider of the same carrier that drives the device, by itself.</summary>
    public string? Alternative { get; set; }

    /// <summary>The provider of libfabric that uses the device's verbs; MPI reaches the device through nothing else.</summary>
    public string? ThroughLibfabric { get; set; }

    public IReadOnlyList<string> VendorIds { get; set; } = [];

    /// <summary>PCI device ids that the provider lists.</summary>
    public IReadOnlyList<string> DeviceIds { get; set; } = [];

    /// <summary>The first release of rdma-core that has the provider; 0: all.</summary>
    public int Since { get; set; }

    /// <summary><c>RDMA_DRIVER_*</c>; null for what is not verbs.</summary>
    public int? DriverId { get; set; }

    public int AbiMin { get; set; }

    public int AbiMax { get; set; } = int.MaxValue;

    /// <summary>
    /// Nodes beside uverbs; <c>{name}</c> is the device's kernel name. Those that do not exist are left out, save the first.
    /// </summary>
    public IReadOnlyList<string> DeviceNodes { get; set; } = [];

    public string PackageSet { get; set; } = "verbs";
}

/// <summary>Apart from <see cref="ObjectsJson"/>, since a key that the table does not have is a slip of ours.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ProviderTable))]
sealed partial class ProviderTableJson : JsonSerializerContext;
