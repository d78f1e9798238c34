using System.Reflection;
using System.Text.Json.Serialization;
using Slipway.Building;

namespace Slipway.Tests.Building;

/// <summary>What a builder says arrives as it was said, on one line each.</summary>
public sealed class BuildMessageTests
{
    static BuildMessage Again(BuildMessage message)
    {
        string line = message.ToLine();
        Assert.DoesNotContain('\n', line);
        return BuildMessage.FromLine(line)!;
    }

    [Theory]
    [InlineData("packing", 50), InlineData("warning: \"é\"\n", -1)]
    public void AStepArrives(string name, int percent)
    {
        BuildMessage.Step step = new(name, percent);
        Assert.Equal(step, Again(step));
    }

    [Theory]
    [InlineData("Look.", "/a"), InlineData(null, null)]
    public void AFailureArrivesAsTheException(string? recommendation, string? target)
    {
        BuildMessage.Failed failed = new("DiskFull", ErrorKind.WriteError, "/a: no space left", recommendation, target);
        Assert.Equal(failed, Again(failed));
        SlipwayException e = failed.ToException();
        Assert.Equal(("DiskFull", ErrorKind.WriteError, "/a: no space left"), (e.Id, e.Kind, e.Message));
        Assert.Equal((recommendation, target), (e.Recommendation, e.Target));
    }

    [Theory]
    [InlineData(true, null), InlineData(false, "{\n  \"name\": \"é\"\n}\n")]
    public void TheEndArrivesWithLockAndManifest(bool isThere, string? manifest)
    {
        BuildLock made = new() { Sources = [new LockedSource { Stage = "", From = "empty", Inputs = "ab" }] };
        BuildMessage.Done done = Assert.IsType<BuildMessage.Done>(Again(new BuildMessage.Done("sha256:00", isThere, made, manifest)));
        Assert.Equal(("sha256:00", isThere, manifest), (done.Digest, done.IsThere, done.Manifest));
        Assert.Equal(["empty"], done.Lock.Sources.Select(s => s.From));
    }

    /// <summary>unshare(1) and the loader speak on the same stream when something is wrong.</summary>
    [Theory]
    [InlineData(""), InlineData("unshare: failed"), InlineData("null"), InlineData("17"), InlineData("[]"), InlineData("{}")]
    [InlineData("""{"$type":"other"}"""), InlineData("""{"$type":"step"}"""), InlineData("""{"$type":"done","digest":"x"}""")]
    [InlineData("""{"$type":"step","name":null,"percent":1}""")]
    public void WhatIsNoMessageIsNone(string line) => Assert.Null(BuildMessage.FromLine(line));

    /// <summary>Each arm is one of the hierarchy's own, and has a name on the wire: who reads them knows them all.</summary>
    [Fact]
    public void EveryArmHasItsName()
    {
        Type[] arms = [.. typeof(BuildMessage).Assembly.GetTypes().Where(t => t.BaseType == typeof(BuildMessage))];
        Assert.All(arms, t => Assert.True(t.IsSealed && t.DeclaringType == typeof(BuildMessage)));
        IEnumerable<Type> named = typeof(BuildMessage).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(a => a.DerivedType);
        Assert.Equal(arms.Select(t => t.Name).Order(StringComparer.Ordinal), named.Select(t => t.Name).Order(StringComparer.Ordinal));
    }
}
