using System.Text.Json;
using Slipway.Cache;
using Slipway.Linux;

namespace Slipway.Tests.Cache;

/// <summary>
/// The real cache of the user who runs the tests, by the real launcher; every test's image is its own, so entries never meet.
/// </summary>
public sealed class NodeCacheTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    string Image(string name = "app.sqfs") =>
        TinyImage.Make(Path.Combine(directory.Path, name),
            root => File.WriteAllText(Path.Combine(root, "unique"), Guid.NewGuid().ToString()));

    static JsonElement Publish(string image)
    {
        Cli.Result result = Cli.Run("publish", image, "--json");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return JsonDocument.Parse(result.Output).RootElement.GetProperty("placements")[0];
    }

    [NeedsFact(Needs.Launcher, "mksquashfs", "busybox")]
    public void CopiesOnceAndChecksTheDigest()
    {
        string image = Image();
        JsonElement first = Publish(image), second = Publish(image);
        string entry = first.GetProperty("path").GetString()!, digest = first.GetProperty("digest").GetString()!;
        try
        {
            Assert.False(first.GetProperty("hit").GetBoolean());
            Assert.True(second.GetProperty("hit").GetBoolean());
            Assert.Equal(digest, Digest.OfFile(entry));
            Assert.Equal(File.ReadAllBytes(image), File.ReadAllBytes(entry));
            Assert.EndsWith("/sha256/" + digest["sha256:".Length..], entry, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(entry)!, "*.partial"));
        }
        finally
        {
            File.Delete(entry);
        }
    }

    [NeedsFact(Needs.Launcher, Needs.Fuse, "mksquashfs", "busybox", "squashfuse_ll")]
    public void RunsByDigestAndByThePathThatWasPublished()
    {
        string image = Image();
        JsonElement placement = Publish(image);
        string entry = placement.GetProperty("path").GetString()!;
        try
        {
            Assert.Equal(0, Cli.Run("run", placement.GetProperty("digest").GetString()!, "--", "true").ExitCode);
            Assert.Contains(entry, Cli.Run("run", "--explain", image, "--", "true").Error, StringComparison.Ordinal);
            // changed since: the record no longer speaks for the file
            File.SetLastWriteTimeUtc(image, DateTime.UtcNow.AddHours(-1));
            Assert.DoesNotContain(entry, Cli.Run("run", "--explain", image, "--", "true").Error, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(entry);
        }
    }

    [NeedsFact(Needs.Launcher, "mksquashfs", "busybox")]
    public void RemovesPartialFilesOfDeadWritersOnly()
    {
        JsonElement placement = Publish(Image());
        string entries = Path.GetDirectoryName(placement.GetProperty("path").GetString()!)!, cache = Path.GetDirectoryName(entries)!;
        // who writes has the lock of its name
        string living = PartialFile.NameFor(entries + "/" + new string('0', 64));
        string dead = PartialFile.NameFor(entries + "/" + new string('1', 64));
        using CacheLock held = CacheLock.Take(cache, new string('0', 64));
        File.WriteAllText(living, "");
        File.WriteAllText(dead, "");
        try
        {
            File.Delete(Publish(Image("other.sqfs")).GetProperty("path").GetString()!);
            Assert.True(File.Exists(living));
            Assert.False(File.Exists(dead));
        }
        finally
        {
            File.Delete(living);
            File.Delete(dead);
            File.Delete(placement.GetProperty("path").GetString()!);
        }
    }

    [NeedsFact(Needs.Launcher)]
    public void RefusesWhatIsNoDigestOrNotThere()
    {
        Cli.Result bad = Cli.Run("run", "sha256:../../etc/passwd", "--", "true"),
        absent = Cli.Run("run", "sha256:" + new string('f', 64), "--", "true");
        Assert.Equal((125, 125), (bad.ExitCode, absent.ExitCode));
        Assert.Contains("is not a digest", bad.Error, StringComparison.Ordinal);
        Assert.Contains("slipway publish", absent.Error, StringComparison.Ordinal);
    }
}
