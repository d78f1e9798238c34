using System.Text.Json;
using Slipway.Fabric;
using Slipway.Linux;

namespace Slipway;

/// <summary>A plan beside its image: <c>IMAGE.fabric.json</c>.</summary>
public static class FabricPlanFile
{
    public static string PathFor(string imagePath) => imagePath + ".fabric.json";

    /// <summary>Writes the plan, replacing an earlier one at once and whole.</summary>
    /// <returns>The path that was written.</returns>
    /// <exception cref="SlipwayException">The directory cannot be written.</exception>
    public static string Write(FabricPlan plan, string imagePath)
    {
        var path = PathFor(imagePath);
        var beside = PartialFile.NameFor(path);
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write))
            {
                JsonSerializer.Serialize(stream, plan, SlipwayJson.Default.FabricPlan);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LibC.unlink(beside); // where its directory is missing too, the first error is the one to tell
            throw new SlipwayException("FabricPlanWrite", ErrorKind.WriteError, $"{path}: {e.Message}", "Put the image where you may write.", path, e);
        }
        return path;
    }

    /// <summary>Null where the image has no plan beside it.</summary>
    /// <exception cref="SlipwayException">It is damaged, or of a later format.</exception>
    public static FabricPlan? Read(string imagePath)
    {
        var path = PathFor(imagePath);
        return File.Exists(path) ? ReadFile(path) : null;
    }

    /// <summary>The plan that <c>--fabric</c> means: <c>auto</c> is the one beside the image, if there is one; <c>none</c>, or a file's path.</summary>
    /// <remarks>A plan is often made before a job: what the batch system's variables in our environment leave out is left out of it here.</remarks>
    public static FabricPlan? Choose(string fabric, string imagePath)
    {
        var plan = fabric switch
        {
            "none" => null,
            "auto" => Read(imagePath),
            _ => ReadFile(fabric),
        };
        if (plan is not null)
            FabricAllocation.Restrict(plan, Environment.GetEnvironmentVariable);
        return plan;
    }

    /// <summary>Reads a plan from a file that must be there.</summary>
    /// <exception cref="SlipwayException">It is missing, damaged, or of a later format.</exception>
    public static FabricPlan ReadFile(string path)
    {
        FabricPlan? plan;
        try
        {
            using var stream = OpenedFile.Named(path);
            plan = JsonSerializer.Deserialize(stream, SlipwayJson.Default.FabricPlan);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new SlipwayException("FabricPlanRead", ErrorKind.InvalidData, $"{path}: {e.Message}", "Make the plan again with Add-FabricDriver.", path, e);
        }
        return plan is { SchemaVersion: 1 } ? plan
            : throw new SlipwayException("FabricPlanVersion", ErrorKind.InvalidData, $"{path}: its schemaVersion is {plan?.SchemaVersion.ToString() ?? "missing"}, not 1",
                "Make the plan again with Add-FabricDriver.", path);
    }
}
