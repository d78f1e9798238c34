using System.Globalization;
using Slipway.Building.Archives;
using Slipway.Linux;

namespace Slipway.Building.Sources;

/// <summary><c>from: archive</c>: what a tar or cpio archive holds.</summary>
sealed class ArchiveRoot(ArchiveSource source, Stage stage, BuildContext context) : RootSource(stage, context)
{
    /// <summary>
    /// An archive's date is that of its newest file, which shows only when it has been read; it stays with the root until the image is
    /// packed.
    /// </summary>
    public const string DateFile = ".slipway/source-date";

    string Path => source.Archive.Value;

    LockedSource Empty => NewLock([source.Sha256 ?? ""]);

    protected override string Inputs(CancellationToken cancel) => Empty.Inputs;

    protected override LockedSource Resolve(CancellationToken cancel)
    {
        LockedSource locked = Empty;
        Context.Step("hashing the archive");
        locked.Digest = Digest.OfFile(Path, cancel: cancel);
        if (source.Sha256 is { } wanted && locked.Digest != Digest.Prefix + wanted)
            throw SourceErrors.ArchiveChanged(source.Archive, locked.Digest, wanted);
        return locked;
    }

    public override void Make(string root, LockedSource locked, CancellationToken cancel)
    {
        Context.Step("unpacking the archive");
        using FileStream file = OpenedFile.Named(Path, buffer: 1 << 20);
        try
        {
            using ArchiveExtractor extractor =
                new(root, source.SizeLimit ?? Math.Max(1L << 30, 100 * file.Length), Context.Log, Context.Warn);
            ArchiveReader.Read(file, extractor, percent => Context.Step("unpacking the archive", percent), cancel);
            new BuildRoot(root).Write(DateFile, extractor.Newest.ToString(CultureInfo.InvariantCulture));
        }
        catch (SlipwayException e)
        {
            throw BuildErrors.At($"{source.Archive.Where}: {Path}", e, Path);
        }
        string digest = Digest.OfFile(Path, cancel: cancel);
        if (digest != locked.Digest)
            throw SourceErrors.FileNotLocked(source.Archive, Path, "archive", digest, locked.Digest);
    }
}
