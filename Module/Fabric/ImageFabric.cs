namespace Slipway;

/// <summary>What an image has for fabrics: read once by ELF when it is built, kept in the manifest.</summary>
public sealed class ImageFabric
{
}
