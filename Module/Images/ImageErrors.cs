using Slipway.Linux;

namespace Slipway.Images;

/// <summary>What is wrong with an image's manifest, or with the plan beside it.</summary>
static class ImageErrors
{
    public static SlipwayException ManifestInvalid(string image, string why, Exception? inner = null) =>
        new("ManifestInvalid", ErrorKind.InvalidData, $"{image}: /{ManifestReader.Path}: {why}", "Build the image anew.", image, inner);

    public static SlipwayException ManifestTooNew(string image, int version) =>
        new("ManifestTooNew", ErrorKind.InvalidData,
            $"{image}: /{ManifestReader.Path} has schema version {version}, and this Slipway knows version 1",
            "Update Slipway.", image);

    public static SlipwayException PlanNotWritten(string plan, Exception inner) =>
        new("FabricPlanWrite", ErrorKind.WriteError, $"{plan}: {OpenedFile.Why(inner, plan)}", "Put the image where you may write.",
            plan, inner);

    public static SlipwayException PlanUnreadable(string plan, Exception inner) =>
        new("FabricPlanRead", ErrorKind.ReadError, $"{plan}: {OpenedFile.Why(inner, plan)}", FabricPlanFile.MakeAgain, plan, inner);

    /// <param name="place">The path, with line and column where they are known.</param>
    public static SlipwayException PlanNotJson(string plan, string place, string why, Exception? inner = null) =>
        new("FabricPlanRead", ErrorKind.InvalidData, $"{place}: {why}", FabricPlanFile.MakeAgain, plan, inner);

    /// <param name="why">To follow "it".</param>
    public static SlipwayException PlanOutdated(string plan, string why) =>
        new("FabricPlanVersion", ErrorKind.InvalidData, $"{plan}: it {why}", FabricPlanFile.MakeAgain, plan);

    /// <param name="why">To follow "it".</param>
    public static SlipwayException PlanOfAnother(string plan, string why) =>
        new("FabricPlanOfAnother", ErrorKind.InvalidArgument, $"{plan}: it {why}", FabricPlanFile.MakeAgain, plan);

    public static SlipwayException PlanInvalid(string plan, string field, string what) =>
        new("FabricPlanInvalid", ErrorKind.InvalidData, $"{plan}: {field}: {what}", FabricPlanFile.MakeAgain, plan);
}
