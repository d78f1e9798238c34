using Slipway.Readers;

namespace Slipway.Tests.Readers;

public sealed class OsReleaseTests
{
    static ImageDistribution? Find(string? etc, string? usr) => OsRelease.Find(place => place switch
    {
        "/etc/os-release" => etc,
        "/usr/lib/os-release" => usr,
        _ => throw new InvalidOperationException(place),
    });

    [Theory]
    [InlineData("ID=a", "ID=b", "a")]
    [InlineData(null, "ID=b", "b")]
    [InlineData("", "ID=b", "b")]
    [InlineData("ID=a", null, "a")]
    [InlineData(null, null, null)]
    [InlineData("NAME=a", "ID=b", null)]
    public void TheAdministratorsFileComesFirst(string? etc, string? usr, string? id) => Assert.Equal(id, Find(etc, usr)?.Id);

    [Fact]
    public void QuotesAndCommentsAreNoPartOfAValue() => Assert.Equal(new ImageDistribution("rocky", "9.4", "Rocky Linux 9.4 (Blue Onyx)"),
        Find("# ID=x\nNAME='Rocky'\nID=\"rocky\"\nVERSION_ID='9.4'\nPRETTY_NAME=\"Rocky Linux 9.4 (Blue Onyx)\"\n", null));
}
