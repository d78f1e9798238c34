using System.Text.Json;
using Slipway.Fabric;
using Slipway.Images;
using Slipway.Inventory;
using Slipway.Linux;

namespace Slipway.Tests;

/// <summary>A fabric plan with something of everything, as planning makes it, for an image and this very node.</summary>
static class PlanSample
{
    /// <summary>A library of this node, and where a plan would show it.</summary>
    public static string Library { get; } =
        Path.GetFullPath(new[] { "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/lib64" }
        .Select(d => d + "/libc.so.6").First(File.Exists));

    static readonly Lazy<FabricPlan> Planned = new(() =>
    {
        using NodeTree node = new NodeTree().Mlx5WithVirtualFunctions();
        using ImageTree image = new ImageTree("debian", "12", "2.36");
        image.Verbs(34, "44.0").Provider("mlx5", 34);
        FabricPlan plan = FabricPlanner.Plan(image.Image(), node.Read(), new FabricRequest { Root = node.Root });
        plan.Binds = [new FabricBind(Library, FabricPaths.Libraries + "/libibverbs.so.1"),
            new FabricBind(Library, FabricPaths.VerbsProviders + "/libmlx5-rdmav34.so")];
        plan.Environment = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["LD_LIBRARY_PATH"] = FabricPaths.Libraries,
            ["RDMAV_DRIVERS"] = FabricPaths.VerbsProviders + "/libmlx5",
            ["FI_PROVIDER_PATH"] = FabricPaths.LibfabricProviders + ":/usr/lib/x86_64-linux-gnu/libfabric",
        };
        plan.Excluded = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["mlx5_9"] = "the job was not given it" };
        plan.HiddenDeviceNodes = ["/dev/infiniband/uverbs9"];
        plan.Warnings = ["RLIMIT_MEMLOCK is low"];
        return plan;
    });

    /// <summary>As a file beside <paramref name="image"/> has it, with what a test changes of it.</summary>
    /// <param name="image">A file; null for one that nobody looks at.</param>
    public static string Text(string? image, Action<FabricPlan>? change = null)
    {
        FabricPlan plan = JsonSerializer.Deserialize(JsonSerializer.Serialize(Planned.Value, ObjectsJson.Default.FabricPlan),
            ObjectsJson.Default.FabricPlan)!;
        if (image is not null)
            (plan.ImageDigest, plan.ImageMark) = (Digest.OfFile(image), ImageMark.Of(image));
        change?.Invoke(plan);
        return JsonSerializer.Serialize(plan, ObjectsJson.Default.FabricPlan);
    }

    /// <summary>The same with nothing that a container of this node would have to mount: it sets one variable.</summary>
    public static string Plain(string image, Action<FabricPlan>? change = null) => Text(image, plan =>
    {
        (plan.Devices, plan.DeviceNodes, plan.HiddenDeviceNodes, plan.Binds, plan.Verdict) = ([], [], [], [], FabricRung.None);
        const string Driver = FabricPaths.VerbsProviders + "/libmlx5";
        plan.Environment = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["RDMAV_DRIVERS"] = Driver };
        change?.Invoke(plan);
    });
}
