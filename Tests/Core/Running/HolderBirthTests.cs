using System.Globalization;
using Slipway.Running;
using Slipway.Shared;

namespace Slipway.Tests.Running;

public sealed class HolderBirthTests
{
    static SlipwayException Explain(string said, string log = "") => HolderBirth.Explain(said, log, "/x.sqfs");

    [Fact]
    public void EachLetterHasASentenceAndItsErrno()
    {
        byte[] letters = [HolderChildren.NoNamespace, HolderChildren.NoIdMaps, HolderChildren.NoFuseDevice, HolderChildren.NoFuseMount,
            HolderChildren.NoProgram];
        string[] messages = [.. letters.Select(l => Explain(string.Create(CultureInfo.InvariantCulture, $"{(char)l}13")).Message)];
        Assert.All(messages, m => Assert.Contains("(errno 13)", m, StringComparison.Ordinal));
        Assert.Equal(messages, messages.Distinct());
    }

    [Fact]
    public void AHolderThatIsNotReadyInTimeIsSaid() =>
        Assert.StartsWith("/x.sqfs: the holder was not ready within 30 s", Explain($"{(char)HolderChildren.TimedOut}110").Message,
            StringComparison.Ordinal);

    [Fact]
    public void WhatTheHolderSaysIsPassedOnWithItsAdviceAndItsServersWords()
    {
        SlipwayException error = Explain("it cannot be\nDo this.", "fuse: no\ndevice\n");
        Assert.Equal(("ContainerNotMade", "it cannot be: fuse: no device", "Do this."), (error.Id, error.Message, error.Recommendation));
        Assert.Null(Explain("it cannot be\n").Recommendation);
    }

    [Fact]
    public void AHolderThatSaidNothingIsSaid() =>
        Assert.Equal("/x.sqfs: the holder ended before the container was ready: no", Explain("", "no").Message);

    /// <summary>A sentence may begin as a letter does.</summary>
    [Fact]
    public void ASentenceIsNoLetter() => Assert.Equal("U", Explain("U").Message);
}
