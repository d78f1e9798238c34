using Slipway.Images;
using Slipway.Linux;
using Slipway.Readers.SquashFs;

namespace Slipway.Building.Sources;

/// <summary><c>from: image</c>: everything that another image holds, by unsquashfs(1).</summary>
sealed class ImageRoot(ImageSource source, Stage stage, BuildContext context) : RootSource(stage, context)
{
    /// <summary>The file: as the definition names it, or as the node cache holds it.</summary>
    string Path => IsDigest(source) ? Context.Job.CachedImages[source.Image.Value] : source.Image.Value;

    static bool IsDigest(ImageSource source) => source.Image.Value.StartsWith(Digest.Prefix, StringComparison.Ordinal);

    /// <summary>
    /// The files that hold the images which a definition names by digest. For the caller's own process: the builder's namespace has another
    /// user.
    /// </summary>
    /// <exception cref="SlipwayException">One is not in this node's cache.</exception>
    public static IReadOnlyDictionary<string, string> FindCached(Definition definition) => definition.Stages.Append(definition)
        .Select(s => s.Source).OfType<ImageSource>().Where(IsDigest).DistinctBy(s => s.Image.Value)
        .ToDictionary(s => s.Image.Value, s => Slipway.Cache.NodeCache.FindEntry(s.Image.Value)
            ?? throw SourceErrors.ImageNotCached(s.Image));

    LockedSource Empty => NewLock([IsDigest(source) ? source.Image.Value : ""]);

    protected override string Inputs(CancellationToken cancel) => Empty.Inputs;

    protected override LockedSource Resolve(CancellationToken cancel)
    {
        ContainerImage image;
        try
        {
            // a file in the cache may have been changed since: what is unpacked is what was hashed
            image = ImageReader.Read(Path, cancel: cancel);
        }
        catch (SlipwayException e)
        {
            throw BuildErrors.At(source.Image.Where, e);
        }
        if (IsDigest(source) && image.Digest != source.Image.Value)
            throw SourceErrors.ImageChanged(source.Image, image.Path, image.Digest);
        LockedSource locked = Empty;
        locked.Digest = image.Digest;
        locked.SourceDateEpoch = image.Manifest?.SourceDateEpoch ?? SquashFsSuperblock.Read(image.Path).Made.ToUnixTimeSeconds();
        return locked;
    }

    public override void Make(string root, LockedSource locked, CancellationToken cancel)
    {
        Context.Step("unpacking the image");
        string digest = Digest.OfFile(Path, cancel: cancel);
        if (digest != locked.Digest)
            throw SourceErrors.FileNotLocked(source.Image, Path, "image", digest, locked.Digest);
        (int exit, IReadOnlyList<string> said) =
            Context.Run("unsquashfs", ["-no-progress", "-quiet", "-force", "-dest", root, Path], cancel: cancel);
        // 2: everything but some extended attributes or device nodes was written (unsquashfs(1)); a user namespace may make neither
        if (exit is not (0 or 2))
            throw SourceErrors.NotUnpacked(source.Image, Path, exit, said.LastOrDefault());
    }
}
