using System.Text.Json;

namespace Slipway.Tests.Objects;

public sealed class BuildLockTests
{
    const string Whole = """
        {
          "schemaVersion": 1,
          "sources": [
            {
              "stage": "tools", "from": "deb", "inputs": "0a", "digest": "sha256:1b", "sourceDateEpoch": 1700000000,
              "repositories": [
                {
                  "name": "site", "url": "https://h/deb", "suite": "bookworm", "components": ["main", "contrib"], "digest": "sha256:2c",
                  "date": 1699999999, "keys": ["ABCD"]
                }
              ],
              "packages": [
                {
                  "name": "hello", "version": "1:2.10-3", "architecture": "amd64", "repository": "site", "priority": "optional",
                  "urls": ["https://h/deb/hello.deb", "https://m/hello.deb"], "sha256": "3d", "size": 5000000000
                }
              ]
            }
          ]
        }
        """;

    [Fact]
    public void AWholeLockIsTheSameWhenItIsReadAndWritten()
    {
        BuildLock read = RoundTrip.Whole(Whole, ObjectsJson.Default.BuildLock);
        LockedSource source = Assert.Single(read.Sources);
        Assert.Equal(("tools", "deb", "0a", "sha256:1b", 1700000000L),
            (source.Stage, source.From, source.Inputs, source.Digest, source.SourceDateEpoch));
        LockedRepository repository = Assert.Single(source.Repositories);
        Assert.Equal(("site", "https://h/deb", "bookworm", "sha256:2c", 1699999999L),
            (repository.Name, repository.Url, repository.Suite, repository.Digest, repository.Date));
        Assert.Equal(["main", "contrib"], repository.Components);
        Assert.Equal(["ABCD"], repository.Keys);
        LockedPackage package = Assert.Single(source.Packages);
        Assert.Equal(("hello", "1:2.10-3", "amd64", "site", "optional", "3d", 5_000_000_000L),
            (package.Name, package.Version, package.Architecture, package.Repository, package.Priority, package.Sha256, package.Size));
        Assert.Equal(["https://h/deb/hello.deb", "https://m/hello.deb"], package.Urls);
    }

    [Fact]
    public void WhatIsNotSaidIsEmpty()
    {
        BuildLock read = JsonSerializer.Deserialize(
            """{"sources": [{"repositories": [{}], "packages": [{}]}]}""", ObjectsJson.Default.BuildLock)!;
        Assert.Equal(1, read.SchemaVersion);
        LockedSource source = Assert.Single(read.Sources);
        Assert.Equal(("", "", "", 0L), (source.Stage, source.From, source.Inputs, source.SourceDateEpoch));
        Assert.Null(source.Digest);
        Assert.Equal(("", ""), (source.Repositories[0].Name, source.Repositories[0].Url));
        Assert.Empty(source.Repositories[0].Components);
        Assert.Empty(source.Repositories[0].Keys);
        Assert.Equal(("", "", ""), (source.Packages[0].Name, source.Packages[0].Version, source.Packages[0].Sha256));
        Assert.Empty(source.Packages[0].Urls);
    }

    /// <summary>Null is left out: two builds of one definition write the same lock.</summary>
    [Fact]
    public void WhatIsNullIsNotWritten()
    {
        string[] names = [.. RoundTrip.Names(new LockedSource(), ObjectsJson.Default.LockedSource).Order(StringComparer.Ordinal)];
        Assert.Equal(["from", "inputs", "packages", "repositories", "sourceDateEpoch", "stage"], names);
    }
}
