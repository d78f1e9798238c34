using System.Text.Json;

namespace Slipway.Fabric;

/// <summary>A plan beside its image: <c>IMAGE.fabric.json</c>.</summary>
public static class FabricPlanFile
{
    public static string Beside(string imagePath) => imagePath + ".fabric.json";

    public static void Write(string path, FabricPlan plan)
    {
        string partial = $"{path}.{Guid.NewGuid():n}.partial";
        try
        {
            File.WriteAllText(partial, JsonSerializer.Serialize(plan, SlipwayJson.Default.FabricPlan) + "\n");
            File.Move(partial, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SlipwayException("PlanNotWritten", ErrorKind.WriteError, $"{path}: the fabric plan cannot be written: {e.Message}", "Make the directory of the image writable.", path, e);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    public static FabricPlan Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), SlipwayJson.Default.FabricPlan) ?? throw new JsonException("it is empty");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new SlipwayException("PlanInvalid", ErrorKind.InvalidData, $"{path}: the fabric plan cannot be read: {e.Message}", "Make it anew (slipway fabric IMAGE, Add-FabricDriver).", path, e) { ExitCode = 125 };
        }
    }
}
