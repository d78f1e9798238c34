using Slipway.Staging.Controller;

namespace Slipway.Tests.Staging;

public sealed class PublisherTests
{
    [Fact]
    public void ATransportGoesByItsName()
    {
        Assert.Equal(["Sbcast", "SshTree", "SharedFile", "Local"], Publisher.Transports);
        Assert.Equal(Transport.SshTree, Publisher.TransportNamed("sshtree"));
        foreach (string name in new[] { "", "1", "Pigeon", "SshTree,Local" })
            Assert.Equal("UnknownTransport", Assert.Throws<SlipwayException>(() => Publisher.TransportNamed(name)).Id);
    }

    [Fact]
    public void NumbersAreNotNegative()
    {
        foreach (PublishRequest request in new[] { new PublishRequest { Width = -1 }, new PublishRequest { Retry = -1 } })
            Assert.Equal("BadWidth", Assert.Throws<SlipwayException>(() => Publisher.Publish(request)).Id);
    }
}
