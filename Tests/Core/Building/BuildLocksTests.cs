using Slipway.Building;

namespace Slipway.Tests.Building;

public sealed class BuildLocksTests : IDisposable
{
    static readonly string Hash = new('a', 64);

    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    string In(string name) => Path.Combine(directory.Path, name);

    static BuildLock Sample(string stage = "", string inputs = "1") => new()
    {
        Sources =
            [new LockedSource { Stage = stage, From = "empty", Inputs = inputs,
                Packages = [new LockedPackage { Name = "a", Sha256 = Hash, Urls = ["https://h/a"] }] }],
    };

    SlipwayException Refused(string text)
    {
        directory.Write("a.lock.json", text);
        SlipwayException error = Assert.Throws<SlipwayException>(() => BuildLocks.Read(In("a.lock.json")));
        Assert.StartsWith(In("a.lock.json") + ": ", error.Message, StringComparison.Ordinal);
        return error;
    }

    [Fact]
    public void WhatIsWrittenIsReadAndWhatIsNotThereIsNone()
    {
        Assert.Null(BuildLocks.Read(In("a.lock.json")));
        BuildLocks.Write(In("a.lock.json"), Sample("tools", "2"));
        BuildLocks.Write(In("a.lock.json"), Sample());
        LockedSource source = Assert.Single(BuildLocks.Read(In("a.lock.json"))!.Sources);
        Assert.Equal(("", "empty", "1", Hash), (source.Stage, source.From, source.Inputs, source.Packages[0].Sha256));
        Assert.EndsWith("}\n", File.ReadAllText(In("a.lock.json")), StringComparison.Ordinal);
        Assert.Equal(["a.lock.json"], Directory.EnumerateFileSystemEntries(directory.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("no json")]
    [InlineData("null")]
    [InlineData("""{"schemaVersion": 0, "sources": []}""")]
    [InlineData("""{"sources": null}""")]
    [InlineData("""{"sources": [null]}""")]
    [InlineData("""{"sources": [{"packages": [{"name": "a", "sha256": "12"}]}]}""")]
    [InlineData(
        """{"sources": [{"packages": [{"name": "a", "sha256": "gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg"}]}]}""")]
    public void WhatIsNoLockFileIsRefused(string text) => Assert.Equal("LockInvalid", Refused(text).Id);

    [Fact]
    public void OneOfALaterFormatIsToldFromOneThatIsWrong()
    {
        SlipwayException error = Refused("""{"schemaVersion": 2, "sources": []}""");
        Assert.Equal("LockTooNew", error.Id);
        Assert.Contains("2, and this Slipway knows version 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("is a directory", Assert.Throws<SlipwayException>(() => BuildLocks.Read(directory.Path)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void WhereItCannotBeWrittenTheErrorNamesThePlaceThatWasGiven()
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => BuildLocks.Write(In("nowhere/a.lock.json"), Sample()));
        Assert.Equal(("LockNotWritable", ErrorKind.WriteError), (error.Id, error.Kind));
        Assert.DoesNotContain("partial", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutALockTheSourceIsAsItIsNow()
    {
        using BuildSite site = new();
        LockedSource source = site.Lock();
        Assert.Equal(("", "empty", site.Inputs()), (source.Stage, source.From, source.Inputs));
    }

    [Fact]
    public void WithALockTheSourceIsWhatItSays()
    {
        using BuildSite now = new(), site = new(locked: _ => Sample("", now.Inputs()));
        Assert.Same(site.Context.Job.Lock!.Sources[0], site.Lock());
    }

    [Theory]
    [InlineData("other", "the source of the image is not in it")]
    [InlineData("", "the source of the image has changed since")]
    public void ALockOfAnotherDefinitionIsOutOfDate(string stage, string says)
    {
        using BuildSite site = new(locked: _ => Sample(stage, "of another"));
        SlipwayException error = Assert.Throws<SlipwayException>(() => site.Lock());
        Assert.Equal("LockOutdated", error.Id);
        Assert.StartsWith(site.In("a.lock.json") + ": ", error.Message, StringComparison.Ordinal);
        Assert.Contains("/site/a.yaml:1:7: " + says, error.Message, StringComparison.Ordinal);
    }
}
