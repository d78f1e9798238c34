namespace Slipway.Fabric;

/// <summary>The pipeline's step: plan for this node, keep the plan beside the image, and hand the image on with it.</summary>
public static class FabricStep
{
    /// <param name="root">Whose sysfs is read: <c>/</c> is this node.</param>
    public static ContainerImage Add(ContainerImage image, string root, FabricPlanOptions options, CancellationToken cancel = default)
    {
        FabricPlan plan = FabricPlanner.Plan(image, FabricInventory.Read(root), options, cancel);
        FabricPlanFile.Write(plan, image.Path);
        image.FabricPlan = plan;
        return image;
    }
}
