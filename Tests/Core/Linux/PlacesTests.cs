using Slipway.Linux;

namespace Slipway.Tests.Linux;

public sealed class PlacesTests
{
    [Fact]
    public void WhatLiesOnADiskIsThisUsers()
    {
        uint uid = Tmds.Linux.LibC.geteuid();
        Assert.Equal($"/var/tmp/slipway-{uid}", Places.OnDisk());
        Assert.Equal($"/scratch/slipway-{uid}", Places.OnDisk("/scratch"));
    }

    [Fact]
    public void EveryPlaceIsAbsolute() =>
        Assert.All([Places.RootCache, Places.Cache, Places.Temporary], p => Assert.StartsWith("/", p, StringComparison.Ordinal));
}
