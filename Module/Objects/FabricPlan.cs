namespace Slipway;

/// <summary>The rungs of the fabric ladder (the first that holds wins), and <c>None</c> where the node has no fabric.</summary>
public enum FabricRung
{
    /// <summary>There is no fabric: ranks use TCP and shared memory.</summary>
    None,

    /// <summary>The image's own provider covers the device and the kernel's ABI: only device nodes are passed.</summary>
    Image,

    /// <summary>The node's provider alone is bound: host and image have the same private ABI.</summary>
    Provider,

    /// <summary>The node's whole verbs (or libfabric, or UCX) set is bound, with all that it needs.</summary>
    Stack,

    /// <summary>None holds; the reason names what fails, and what would mend it.</summary>
    Refuse,
}

/// <summary>Which files, devices and variables an image gets on a node, the verdict, and the reason for it.</summary>
public sealed class FabricPlan
{
    /// <summary>Of this file's format; another's plan is not taken.</summary>
    public const int CurrentSchema = 2;

    /// <summary><see cref="CurrentSchema"/> in a plan that this version makes or takes.</summary>
    public int SchemaVersion { get; set; } = CurrentSchema;

    /// <summary>The image that the plan was made for.</summary>
    public string? ImageDigest { get; set; }

    /// <summary>The same by few of its bytes, for a container's start, which does not read an image whole (ImageMark).</summary>
    public string? ImageMark { get; set; }

    /// <summary>Who wrote the file that it was read from; null where this process has made it, or was handed it by one of ours.</summary>
    internal uint? WrittenBy { get; set; }

    /// <summary>Host name of the node that the plan is for.</summary>
    public string Node { get; set; } = "";

    /// <summary>The worst rung of all devices; <c>None</c> where there are no devices.</summary>
    public FabricRung Verdict { get; set; }

    /// <summary>One sentence an admin can act on.</summary>
    public string Reason { get; set; } = "";

    /// <summary>The verdict for each device that is not excluded; empty where there is none.</summary>
    public IReadOnlyList<FabricDevicePlan> Devices { get; set; } = [];

    /// <summary>Absolute paths of device nodes that the image needs on this node.</summary>
    public IReadOnlyList<string> DeviceNodes { get; set; } = [];

    /// <summary>Host files that are bound into the image, under their own directory (never over a directory of the image).</summary>
    public IReadOnlyList<FabricBind> Binds { get; set; } = [];

    /// <summary>
    /// Variables by which the image's libraries find the bound files (RDMAV_DRIVERS…). Where the environment has a value already
    /// for one that is a list (LD_LIBRARY_PATH, RDMAV_DRIVERS, FI_PROVIDER_PATH), the plan's comes first, then a colon and the other.
    /// </summary>
    public IReadOnlyDictionary<string, string> Environment { get; set; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Devices of the node that the plan leaves out, each with the reason; a container does not see their nodes.</summary>
    public IReadOnlyDictionary<string, string> Excluded { get; set; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Device nodes of the devices that are left out.</summary>
    public IReadOnlyList<string> HiddenDeviceNodes { get; set; } = [];

    /// <summary>What works but not well, or otherwise than one would think, e.g. a low limit for locked memory.</summary>
    public IReadOnlyList<string> Warnings { get; set; } = [];

    /// <summary>The verdict and its reason.</summary>
    public override string ToString() => $"{Verdict}: {Reason}";

    /// <summary>
    /// For a person: each device with every rung that was tried, and why it held or failed; then what is left out, and what works but not
    /// well.
    /// </summary>
    public IEnumerable<string> Explain() =>
        Devices.SelectMany(d => d.Tried.Select(t => $"  {(t.Holds ? "holds" : "fails")}  {t.Rung}: {t.Reason}")
            .Prepend($"{d.Device}: {d.Rung}"))
            .Concat(Excluded.Select(e => $"{e.Key}: left out: {e.Value}"))
            .Concat(Warnings.Select(w => $"warning: {w}"))
            .Prepend(ToString());
}

/// <summary>A host file and where the image sees it.</summary>
/// <param name="Source">Absolute path on the node.</param>
/// <param name="Destination">Absolute path in the container.</param>
public sealed record FabricBind(string Source, string Destination)
{
    /// <summary>For people: <c>SOURCE at DESTINATION</c>.</summary>
    public override string ToString() => $"{Source} at {Destination}";
}

/// <summary>The verdict for one device.</summary>
public sealed class FabricDevicePlan
{
    /// <summary>As the node's kernel showed it when the plan was made.</summary>
    public required FabricDevice Device { get; init; }

    /// <summary>The rung that holds, or <c>Refuse</c>.</summary>
    public required FabricRung Rung { get; init; }

    /// <summary>Why this rung.</summary>
    public required string Reason { get; init; }

    /// <summary>Every rung that was tried, with why it held or failed.</summary>
    public IReadOnlyList<FabricRungResult> Tried { get; set; } = [];

    /// <summary>For people: <c>mlx5_0: Provider: REASON</c>.</summary>
    public override string ToString() => $"{Device.Name}: {Rung}: {Reason}";
}

/// <summary>One rung that was tried for a device.</summary>
/// <param name="Rung">Which.</param>
/// <param name="Holds">The image can use the device by it.</param>
/// <param name="Reason">Why it holds or fails, in one sentence.</param>
public sealed record FabricRungResult(FabricRung Rung, bool Holds, string Reason)
{
    /// <summary>For people: <c>Image fails: REASON</c>.</summary>
    public override string ToString() => $"{Rung} {(Holds ? "holds" : "fails")}: {Reason}";
}
