using Slipway.Cache;
using Slipway.Linux;
using Slipway.Staging.Controller;
using Slipway.Staging.Messages;

namespace Slipway.Tests.Cache;

/// <summary>Each verb, done with this user's real cache: here, and by the program of a node that is this machine too.</summary>
public sealed class CacheVerbTests : IDisposable
{
    readonly TemporaryDirectory directory = new();
    readonly List<Placement> placed = [];

    public CacheVerbTests() => SlipwayProgram.Path = Cli.Program;

    public void Dispose()
    {
        foreach (Placement one in placed)
            File.Delete(one.Path);
        directory.Dispose();
    }

    Placement Publish()
    {
        string image = TinyImage.Make(Path.Combine(directory.Path, $"{placed.Count}.sqfs"),
            root => File.WriteAllText(Path.Combine(root, "unique"), Guid.NewGuid().ToString()));
        placed.Add(CacheWriter.Publish(image, null, _ => null, "here", Transport.Local));
        return placed[^1];
    }

    /// <summary>The program of a node, started by <c>env</c> on this machine in the place of <c>ssh</c>.</summary>
    static NodeStarter Starter { get; } = new("env", "env", false, false, false, []);

    static IReadOnlyList<ImageCacheEntry> Do(CacheVerb verb, bool remote)
    {
        if (!remote)
            return verb.Do("there");
        ProgramBundle.Own.LinkHere();
        return NodeCall.Ask(Starter, ["there"], new NodeRequest.Keep(verb), 1)["there"] switch
        {
            NodeReply.Entries entries => entries.All,
            NodeReply.Failed failed => throw StagingErrors.OfNode("there", failed.Error),
            NodeReply.Answer other => throw new InvalidOperationException(other.ToString()),
        };
    }

    static ImageCacheEntry[] Of(IEnumerable<ImageCacheEntry> entries, Placement placement) =>
        [.. entries.Where(e => e.Digest == placement.Digest)];

    [NeedsTheory(Needs.Launcher, "mksquashfs", "busybox"), InlineData(false), InlineData(true)]
    public void ListTellsAllOfAnEntry(bool remote)
    {
        Placement placement = Publish();
        ImageCacheEntry entry = Assert.Single(Of(Do(new CacheVerb.List(), remote), placement));
        Assert.Equal(("there", placement.Path, new FileInfo(placement.Path).Length, false, true),
            (entry.Node, entry.Path, entry.Size, entry.Pinned, entry.Valid));
        Assert.Equal([Path.Combine(directory.Path, "0.sqfs")], entry.Sources);
        Assert.Empty(entry.UsedBy);
        Assert.InRange(entry.Published, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(5));
    }

    [NeedsTheory(Needs.Launcher, "mksquashfs", "busybox"), InlineData(false), InlineData(true)]
    public void PinAndUnpin(bool remote)
    {
        Placement placement = Publish();
        Assert.True(Assert.Single(Do(new CacheVerb.Pin([placement.Digest], true), remote)).Pinned);
        Assert.True(Of(new CacheVerb.List().Do("x"), placement)[0].Pinned);
        // what is pinned is not cleared, however old
        Assert.Empty(Of(Do(new CacheVerb.Clear(null, TimeSpan.FromDays(30_000)), remote), placement));
        Assert.False(Assert.Single(Do(new CacheVerb.Pin([placement.Digest], false), remote)).Pinned);
        Assert.False(Of(new CacheVerb.List().Do("x"), placement)[0].Pinned);
    }

    [NeedsTheory(Needs.Launcher, "mksquashfs", "busybox"), InlineData(false), InlineData(true)]
    public void RemoveTakesAwayWhatItCan(bool remote)
    {
        Placement first = Publish(), second = Publish(), used = Publish();
        string absent = "sha256:" + new string('0', 64);
        Assert.Equal(first.Digest, Assert.Single(Do(new CacheVerb.Remove([first.Digest]), remote)).Digest);
        Assert.False(File.Exists(first.Path));
        using FileStream open = File.OpenRead(used.Path);
        SlipwayException error =
            Assert.Throws<SlipwayException>(() => Do(new CacheVerb.Remove([absent, used.Digest, second.Digest]), remote));
        Assert.Equal((remote ? "there: " : "", "ImageNotCached"), (error.Message.Split(absent)[0], error.Id));
        Assert.False(File.Exists(second.Path));
        Assert.True(File.Exists(used.Path));
    }

    [NeedsTheory(Needs.Launcher, Needs.Root, "mksquashfs", "busybox"), InlineData(false), InlineData(true)]
    public void WhatIsOpenIsInUse(bool remote)
    {
        Placement placement = Publish();
        using System.Diagnostics.Process holder = System.Diagnostics.Process.Start("sh", ["-c", $"exec 9<'{placement.Path}'; sleep 60"]);
        try
        {
            for (int i = 0; i < 200 && Of(new CacheVerb.List().Do("x"), placement)[0].UsedBy.Count == 0; i++)
                Thread.Sleep(20);
            SlipwayException error = Assert.Throws<SlipwayException>(() => Do(new CacheVerb.Remove([placement.Digest]), remote));
            Assert.Equal("EntryInUse", error.Id);
            Assert.Contains($"{placement.Path}: is in use: open in process ", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            holder.Kill(entireProcessTree: true);
        }
    }

    [Theory]
    [InlineData("sha256:../../etc/passwd")]
    [InlineData("")]
    [InlineData("x")]
    public void WhatIsNoDigestGetsNowhere(string digest)
    {
        foreach (CacheVerb verb in new CacheVerb[] { new CacheVerb.Remove([digest]), new CacheVerb.Pin([digest], true),
            new CacheVerb.Pin([digest], false) })
        {
            Assert.Equal("DigestInvalid", Assert.Throws<SlipwayException>(() => verb.Do("n")).Id);
            // before any node is asked
            Assert.Equal("DigestInvalid",
                Assert.Throws<SlipwayException>(() => ImageCache.Do(verb, new NodeSelection { Nodes = ["bad name"] }, _ => { })).Id);
        }
    }

    [Fact]
    public void NeitherSizeNorAgeCanBeNegative()
    {
        foreach (CacheVerb verb in new CacheVerb[] { new CacheVerb.Clear(-1, null), new CacheVerb.Clear(null, TimeSpan.FromSeconds(-1)) })
            Assert.Equal("BadLimit", Assert.Throws<SlipwayException>(() => ImageCache.Do(verb, new NodeSelection(), _ => { })).Id);
    }
}
