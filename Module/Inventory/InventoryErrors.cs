namespace Slipway.Inventory;

/// <summary>What a node or an image should have for fabrics, and has not.</summary>
static class InventoryErrors
{
    public static SlipwayException NoPackage(Located provider, string family, string? release) =>
        new("FabricPackageUnknown", ErrorKind.ObjectNotFound,
            $"{provider.Where}: Slipway knows no package of the {family} family{(release is null ? "" : $", release {release},")} "
            + $"that has provider {provider.Value}",
            "Name the package that has it under 'packages', with the repository that has the package.", provider.Value);
}
