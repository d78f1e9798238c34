using Slipway.Launching;

namespace Slipway.Tests.Launching;

public sealed class VersionRangeTests
{
    [Theory]
    [InlineData(">=2 <3", "2.0", true)]
    [InlineData(">=2 <3", "2.1.1", true)]
    [InlineData(">=2 <3", "3.0.0", false)]
    [InlineData(">=2 <3", "1.10.7", false)]
    [InlineData("<4.1", "4.0.9", true)]
    [InlineData(">=5.0.7", "5.0.7rc1", true)]
    [InlineData(">=1", null, false)]
    [InlineData(">=1", "unknown", false)]
    public void AllComparisonsHold(string range, string? version, bool has) => Assert.Equal(has, VersionRange.Parse(range).Has(version));

    [Theory]
    [InlineData("2")]
    [InlineData(">=")]
    [InlineData("<x")]
    public void WhatIsNoRangeIsRefused(string range) => Assert.Throws<FormatException>(() => VersionRange.Parse(range));
}
