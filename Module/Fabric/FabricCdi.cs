using System.Text.Json;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Fabric;

/// <summary>
/// A plan as a specification of the Container Device Interface (SPEC.md of cncf-tags/container-device-interface), for other container
/// tools.
/// </summary>
public static class FabricCdi
{
    /// <summary>Devices are asked for as <c>slipway/fabric=mlx5_0</c>, or <c>slipway/fabric=all</c>.</summary>
    public const string Kind = "slipway/fabric";

    const string All = "all";

    /// <summary>
    /// The specification's lowest version that knows all that is used: a name that begins with a digit takes 0.5.0, everything else 0.3.0.
    /// </summary>
    internal static CdiSpecification Of(FabricPlan plan)
    {
        List<FabricDevicePlan> used = plan.Devices.Where(d => d.Rung is not FabricRung.Refuse).ToList();
        List<string> shared = plan.DeviceNodes.Except(used.SelectMany(d => d.Device.DeviceNodes)).ToList();
        List<CdiDevice> devices = used.ConvertAll(
            d => new CdiDevice(d.Device.Name, new CdiEdits { DeviceNodes = Nodes(d.Device.DeviceNodes) }));
        devices.Add(new CdiDevice(All, new CdiEdits { DeviceNodes = Nodes(plan.DeviceNodes.Except(shared)) }));
        return new CdiSpecification(devices.Exists(d => char.IsAsciiDigit(d.Name[0])) ? "0.5.0" : "0.3.0", Kind, devices, new CdiEdits
        {
            Env = plan.Environment.Count > 0 ? plan.Environment.Select(v => $"{v.Key}={v.Value}").ToList() : null,
            DeviceNodes = Nodes(shared),
            Mounts = plan.Binds.Count > 0 ? plan.Binds.Select(b => new CdiMount(b.Source, b.Destination, ["ro", "nosuid", "nodev", "bind"]))
                .ToList() : null,
        });
    }

    static List<CdiNode>? Nodes(IEnumerable<string> paths) => paths.Select(p => new CdiNode(p)).ToList() is { Count: > 0 } nodes
        ? nodes : null;

    /// <summary>Writes the specification, replacing an earlier one at once and whole.</summary>
    /// <exception cref="SlipwayException">The plan refuses every device, or the file cannot be written.</exception>
    public static void Write(FabricPlan plan, string path)
    {
        if (plan.Devices.All(d => d.Rung is FabricRung.Refuse))
            throw FabricErrors.NothingToSpecify(path, plan);
        try
        {
            AtomicFile.Write(path, Mode.rw_r__r__, to => JsonSerializer.Serialize(to, Of(plan), CdiJson.Default.CdiSpecification));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FabricErrors.CdiNotWritten(path, e);
        }
    }
}

sealed record CdiSpecification(string CdiVersion, string Kind, IReadOnlyList<CdiDevice> Devices, CdiEdits ContainerEdits);

sealed record CdiDevice(string Name, CdiEdits ContainerEdits);

sealed class CdiEdits
{
    public IReadOnlyList<string>? Env { get; init; }

    public IReadOnlyList<CdiNode>? DeviceNodes { get; init; }

    public IReadOnlyList<CdiMount>? Mounts { get; init; }
}

sealed record CdiNode(string Path);

sealed record CdiMount(string HostPath, string ContainerPath, IReadOnlyList<string> Options);
