using Slipway.Linux;
namespace Slipway.Fabric;

/// <summary>Why there is no plan, or none that is of use.</summary>
static class FabricErrors
{
    public static SlipwayException DeviceNotFound(FabricInventory inventory, string device) =>
        new("FabricDeviceNotFound", ErrorKind.ObjectNotFound, $"{inventory.Node} has no fabric device {device}",
            inventory.Devices.Count == 0 ? "It has none at all."
            : $"It has {string.Join(", ", inventory.Devices.Select(d => d.Name))}.", device);

    public static SlipwayException NoDeviceWithPackage(string node) =>
        new("FabricDeviceNotFound", ErrorKind.ObjectNotFound, $"{node} has no fabric device for which Slipway knows a package",
            "Build with `fabric: auto` in the definition if the node has none.", node);

    public static SlipwayException Refused(ContainerImage image, FabricPlan plan, FabricRung asked) =>
        new("FabricRefused", ErrorKind.InvalidOperation, $"{image.Path}: {plan.Reason}",
            $"Let the ladder choose the source, or mend what keeps {asked} from holding.", image.Path);

    public static SlipwayException NeedsDefinition(string image) =>
        new("FabricNeedsDefinition", ErrorKind.InvalidArgument,
            $"{image}: Slipway needs the image's definition to build it anew. It does not build what an image says of itself, "
            + "because that could read any file of this host",
            "Name it: --definition FILE (-Definition), and its variables.", image);

    public static SlipwayException DefinitionNotEditable(string definition, string line) =>
        new("DefinitionNotEditable", ErrorKind.InvalidOperation, $"{definition}: Slipway cannot put the line `{line}` into this definition",
            "Add it by hand, and build the image from that file.", definition);

    public static SlipwayException NothingToSpecify(string cdi, FabricPlan plan) =>
        new("FabricCdiNothing", ErrorKind.InvalidOperation,
            $"{cdi}: the plan gives no device, so there is nothing to specify: {plan.Reason}", null, cdi);

    public static SlipwayException CdiNotWritten(string cdi, Exception inner) =>
        new("FabricCdiWrite", ErrorKind.WriteError, $"{cdi}: {OpenedFile.Why(inner, cdi)}",
            "Give the path of a file in a directory that you may write to, e.g. /etc/cdi/slipway.json.", cdi, inner);
}
