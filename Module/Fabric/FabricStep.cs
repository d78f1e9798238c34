using Slipway.Building;
using Slipway.Images;
using Slipway.Inventory;

namespace Slipway.Fabric;

/// <summary>The pipeline's step: plan for this node, keep the plan beside the image, and hand the image on with it.</summary>
public static class FabricStep
{
    /// <exception cref="SlipwayException">The source that was asked for does not hold, a device is not there, or a file cannot be read or
    /// written; no plan is written then.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static ContainerImage Add(ContainerImage image, FabricRequest request, IProgress<StepProgress>? progress = null,
        CancellationToken cancel = default)
    {
        FabricInventory inventory = FabricInventoryReader.Read(request.Root);
        if (request.Source is FabricSource.Package)
            image = Rebuild(image, inventory, request, progress, cancel);
        FabricPlan plan = FabricPlanner.Plan(image, inventory, request, Environment.GetEnvironmentVariable, cancel);
        if (request.Rungs is [FabricRung only] && plan.Verdict is FabricRung.Refuse)
            throw FabricErrors.Refused(image, plan, only);
        if (request.Cdi is { } cdi)
            FabricCdi.Write(plan, cdi);
        FabricPlanFile.Write(plan, image.Path);
        image.FabricPlan = plan;
        return image;
    }

    /// <summary>
    /// The image anew, with its distribution's packages for the node's devices; it takes the old one's place when it is whole.
    /// </summary>
    /// <remarks>
    /// The definition in an image's manifest is not built: it is whoever made the image that speaks there, and <c>files</c>, <c>from:
    /// host</c> or a command of <c>run</c> would read this host's files as whoever calls us. The same goes for the values of its variables.
    /// </remarks>
    static ContainerImage Rebuild(ContainerImage image, FabricInventory inventory, FabricRequest request, IProgress<StepProgress>? progress,
        CancellationToken cancel)
    {
        ImageOrigin origin = Origin(image, request, cancel);
        ProviderTable table = ProviderTable.Default;
        List<string> names = [.. inventory.Devices.Where(d => request.Devices.Count == 0 || request.Devices.Contains(d.Name))
            .Select(table.ForDevice)
            .Select(r => r is null or { Provider: null } ? null : r.PackageSet == FabricPackages.Verbs ? FabricPackages.Auto : r.Provider)
            .OfType<string>().Distinct()];
        if (names.Count == 0)
            throw FabricErrors.NoDeviceWithPackage(inventory.Node);
        ContainerImage built = ImageBuilder.Build(new BuildRequest
        {
            DefinitionPath = origin.Path, DefinitionText = WithFabric(origin.Text, names, origin.Path, origin.Variables),
            Destination = image.Path, Variables = origin.Variables,
        }, progress, cancel);
        built.Placements = image.Placements;
        return built;
    }

    /// <summary>What the image is built from: as the caller names it, or as this process has built it.</summary>
    static ImageOrigin Origin(ContainerImage image, FabricRequest request, CancellationToken cancel) =>
        request.Definition is { } path
        ? new ImageOrigin(path, Definitions.DefinitionReader.Read(path, request.Variables, cancel).Text, request.Variables)
        : image.BuiltFrom ?? throw FabricErrors.NeedsDefinition(image.Path);

    /// <summary>A definition's text with its <c>fabric</c> line replaced, or one added.</summary>
    /// <remarks>The text itself is changed, so that the image's manifest says what it was made from; the file is not.</remarks>
    /// <exception cref="SlipwayException">The text is of a form in which a line cannot be added.</exception>
    internal static string WithFabric(
        string text, IReadOnlyList<string> names, string path, IReadOnlyDictionary<string, string>? variables = null)
    {
        string line = $"fabric: {(names is [var one] ? one : $"[{string.Join(", ", names)}]")}";
        List<string> lines = [.. text.TrimEnd().Split('\n')];
        int at = lines.FindIndex(l => l.StartsWith("fabric:", StringComparison.Ordinal));
        if (at >= 0)
            lines[at] = line;
        else
            lines.Add(line);
        string changed = string.Join('\n', lines) + "\n";
        try
        {
            if (Definitions.DefinitionReader.Parse(changed, path, variables).Fabric.Select(f => f.Value).SequenceEqual(names))
                return changed;
        }
        catch (SlipwayException)
        {
            // the advice is the same
        }
        throw FabricErrors.DefinitionNotEditable(path, line);
    }
}
