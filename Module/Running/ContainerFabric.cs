using Slipway.Cache;
using Slipway.Fabric;
using Slipway.Images;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary>
/// Which fabric plan a container gets, in two steps: whoever starts it looks whose the plan beside the image is, and the holder, which can
/// tell users apart no more, reads it.
/// </summary>
static class ContainerFabric
{
    /// <summary>Of the command line: the plan beside the image, if there is one; and none. Else it is a plan's path.</summary>
    const string Auto = "auto", None = "none";

    /// <returns>What the plan beside the image is, for <see cref="Read"/>; empty where none is to be taken from there.</returns>
    /// <param name="image">The file or directory that is mounted.</param>
    /// <param name="warn">Gets a sentence where there is a plan that is not believed.</param>
    public static string Look(RunRequest request, string image, Action<string> warn)
    {
        if (request.Fabric != Auto || FabricPlanFile.Look(image) is not { } beside)
            return "";
        if (beside.Refusal is null)
            return beside.Identity;
        FabricPlanFile.Find(image, beside, null, [], warn);
        return "";
    }

    /// <summary>The plan, less what the batch system's variables in our environment leave out: it is often made before a job.</summary>
    /// <param name="known">What <see cref="Look"/> gave.</param>
    /// <exception cref="SlipwayException">It is damaged, or says what no plan may say; or a plan that was named is not there, or of another
    /// image.</exception>
    public static FabricPlan? Read(RunRequest request, string image, string known, SiteConfiguration site, Action<string> warn)
    {
        FabricPlan? plan = request.Fabric switch
        {
            None => null,
            Auto => known.Length == 0 ? null
                : FabricPlanFile.Find(image, new FabricPlanFile.Beside(known, null), null, site.Libraries, warn),
            _ => FabricPlanFile.ReadFile(request.Fabric, image, site.Libraries),
        };
        if (plan is not null)
            FabricAllocation.Restrict(plan, Environment.GetEnvironmentVariable);
        return plan;
    }

    /// <summary>A line for standard error.</summary>
    public static string Warning(string what) => $"slipway: warning: {Visible.Line(what)}\n";
}
