namespace Slipway;

/// <summary>What a parameter that takes an image takes: the object, or the path of a file.</summary>
/// <remarks>
/// PowerShell converts by these constructors. The file is looked at only by the cmdlet, not by the conversion: an error of a parameter's
/// conversion would have neither our id nor a target or a recommended action, and hashing a large image there could not be stopped.
/// </remarks>
public sealed class ImageArgument
{
    /// <summary>An image that the pipeline hands on.</summary>
    public ImageArgument(ContainerImage image)
    {
        Image = image;
        Path = image.Path;
    }

    /// <summary>A path, or <c>sha256:</c> and a digest.</summary>
    public ImageArgument(string path) => Path = path;

    /// <summary>A file, as Get-ChildItem gives it.</summary>
    public ImageArgument(FileInfo file) => Path = file.FullName;

    /// <summary>Null where a path was given.</summary>
    internal ContainerImage? Image { get; }

    /// <summary>As it was given.</summary>
    internal string Path { get; }

    /// <inheritdoc/>
    public override string ToString() => Path;
}
