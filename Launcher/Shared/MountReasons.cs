namespace Slipway.Shared;

/// <summary>Why an image is mounted as it is (ImageMount), as far as the front decides it too.</summary>
static class MountReasons
{
    public static ReadOnlySpan<byte> Directory => "directory: the image is an unpacked directory"u8;

    public static ReadOnlySpan<byte> NoDigest => "prolog: no, the image is not in this node's cache, so its digest is not known"u8;

    public static ReadOnlySpan<byte> NotRoot => "kernel: no, only root may mount a SquashFS"u8;

    /// <summary>Follows the name of a FUSE server.</summary>
    public static ReadOnlySpan<byte> NotInstalled => ": no, it is not installed"u8;

    /// <summary>Follows the path of one, which follows its name and a colon.</summary>
    public static ReadOnlySpan<byte> Serves => " serves the image over FUSE"u8;
}
