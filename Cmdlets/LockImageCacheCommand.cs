using System.Management.Automation;
using Slipway.Cache;

namespace Slipway.Cmdlets;

/// <summary>Lock-ImageCache: keeps images in the caches of nodes.</summary>
[Cmdlet(VerbsCommon.Lock, "ImageCache", SupportsShouldProcess = true)]
[OutputType(typeof(ImageCacheEntry))]
public sealed class LockImageCacheCommand : NodeCmdlet
{
    /// <summary>Images, their paths, or digests (<c>sha256:…</c>).</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Digest", "Path")]
    [ArgumentCompleter(typeof(DigestCompleter))]
    public ImageArgument[] Image { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (TryDigests(Image, out IReadOnlyList<string>? digests) && ShouldProcess(string.Join(", ", digests), $"Lock in {Where}"))
            WriteEntries(new CacheVerb.Pin(digests, Pinned: true));
    }
}
