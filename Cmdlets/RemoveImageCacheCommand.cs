using System.Management.Automation;
using Slipway.Cache;

namespace Slipway.Cmdlets;

/// <summary>Remove-ImageCache: removes images from the caches of nodes.</summary>
[Cmdlet(VerbsCommon.Remove, "ImageCache", SupportsShouldProcess = true)]
[OutputType(typeof(ImageCacheEntry))]
public sealed class RemoveImageCacheCommand : NodeCmdlet
{
    /// <summary>Images, their paths, or digests (<c>sha256:…</c>).</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Digest", "Path")]
    [ArgumentCompleter(typeof(DigestCompleter))]
    public ImageArgument[] Image { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (TryDigests(Image, out IReadOnlyList<string>? digests) && ShouldProcess(string.Join(", ", digests), $"Remove from {Where}"))
            WriteEntries(new CacheVerb.Remove(digests));
    }
}
