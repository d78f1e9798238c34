using Slipway.Linux;

namespace Slipway.Readers.SquashFs;

/// <summary>
/// unsquashfs(1) on an image that nobody vouches for: one file of it as a stream, within a limit, and what it is called with.
/// </summary>
static class ImageFile
{
    /// <summary>
    /// With its own queues of 16 MB each (else 256), and without the table of extended attributes, which may be of any size.
    /// </summary>
    public static readonly string[] Options = ["-no-progress", "-no-xattrs", "-da", "16", "-fr", "16"];

    /// <summary>
    /// What a reader makes of a file; null where the image has no such file, where it is a link, and where there is no unsquashfs.
    /// </summary>
    /// <param name="path">Inside, without a slash before it.</param>
    /// <param name="read">Reads to the end, or throws where that is too far.</param>
    public static T? Read<T>(string image, string path, Func<Stream, T> read, CancellationToken cancel = default) where T : class
    {
        if (HostProgram.TryFind("unsquashfs") is not { } program)
            return null;
        T? made = null;
        (int exit, _) = HostProgram.Stream(program, [.. Options, "-cat", image, path], output =>
        {
            byte[] first = new byte[1];
            // nothing at all is mostly no file: the exit code tells
            if (output.Read(first) == 1)
                made = read(new PrefixStream(first, output));
        }, cancel);
        return exit != 0 ? null : made ?? read(Stream.Null);
    }

    /// <summary>A small text file.</summary>
    /// <param name="name">What errors call the image.</param>
    /// <exception cref="SlipwayException">The file is larger; the error names it and its image.</exception>
    public static string? Text(string image, string name, string path, CancellationToken cancel = default) =>
        Read(image, path, stream => new StreamReader(
            new BoundedStream(stream, OpenedFile.Small, () => ReaderErrors.ImageFileTooLarge(name, path, OpenedFile.Small)))
            .ReadToEnd(), cancel);
}
