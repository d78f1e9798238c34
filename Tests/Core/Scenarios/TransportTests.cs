using System.Text.Json;
using static Slipway.Tests.Cluster;
using static Slipway.Tests.PublishCluster;

namespace Slipway.Tests.Scenarios;

/// <summary>Publishing to real nodes, by each transport.</summary>
[Collection(nameof(Cluster))]
public sealed class TransportTests(OneCluster one)
{
    readonly PublishCluster cluster = one.Of<PublishCluster>().Fresh();

    // SharedFile: once by the head for its own copy, and once by each node
    [ClusterTheory]
    [InlineData("SshTree", false, 1)]
    [InlineData("Sbcast", true, 1)]
    [InlineData("SharedFile", true, 0)]
    public void EachNodeGetsOneCheckedCopyAndTheSharedFileIsOpenedOnce(string transport, bool inJob, int opens)
    {
        string image = cluster.Image("by-" + transport), digest = cluster.DigestOf(image);
        string shared = Path.Combine(cluster.Shared, Path.GetFileName(image));
        File.WriteAllText(shared + ".fabric.json", PlanSample.Plain(shared, p => p.Reason = "for the test"));
        string[] options = ["--transport", transport, .. inJob ? (string[])["--job-id", cluster.Job] : []];
        cluster.Script("fsreset");
        (Cli.Result result, JsonElement[] placements) = cluster.Publish(image, options);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(opens == 1 ? 1 : 1 + Nodes.Length, cluster.Count("image_open"));
        Assert.Equal(0, cluster.Count("flock"));
        Assert.Equal(Nodes, placements.Select(NodeOf));
        Assert.All(placements, p => Assert.Equal((transport, false, digest, Entry(digest)),
            (p.GetProperty("transport").GetString(), p.GetProperty("hit").GetBoolean(), p.GetProperty("digest").GetString(),
                p.GetProperty("path").GetString())));
        cluster.AssertHave(digest, Nodes);

        // plan and launcher came along, the launcher to the same path everywhere
        string launcher = Assert.Single(placements.Select(p => p.GetProperty("launcher").GetString()!).Distinct());
        Assert.All(Nodes, n => Assert.Equal(
            "for the test", JsonDocument.Parse(cluster.On(n, User, "cat", Entry(digest) + ".fabric.json").Output)
            .RootElement.GetProperty("reason").GetString()));
        Assert.All(Nodes.Append("head"),
            n => Assert.StartsWith("slipway ", cluster.On(n, User, launcher, "--version").Output, StringComparison.Ordinal));

        // again: nothing is copied, and neither publishing nor running opens the shared file
        cluster.Script("fsreset");
        (result, placements) = cluster.Publish(image, options);
        Assert.Equal(0, result.ExitCode);
        Assert.All(placements, p => Assert.Equal((true, 0), (p.GetProperty("hit").GetBoolean(), p.GetProperty("bytes").GetInt64())));
        Assert.All(Nodes, n => Assert.Contains(Entry(digest), cluster.On(n, User, launcher, "run", "--explain", image, "--", "true").Error,
            StringComparison.Ordinal));
        string opened = cluster.CountByMachine("image_open");
        // whose, and what that node knew of the image
        Assert.True(opened.Length == 0, opened.Length == 0
            ? "" : opened + "\n" + string.Concat(
                Nodes.Append("head").Select(n =>
                    cluster.Sh(n, $"hostname; cd {NodeCachePath}; tail -n +1 published/* checked/*; stat {image} {Entry(digest)}")
                    .Output)));
    }

    [ClusterFact]
    public void ByDefaultSlurmsBroadcastInAJobAndATreeElsewhere()
    {
        string image = cluster.Image("default");
        Assert.All(cluster.Publish(image, "--job-id", cluster.Job).Placements,
            p => Assert.Equal("Sbcast", p.GetProperty("transport").GetString()));
        Assert.All(cluster.Publish(image).Placements, p => Assert.Equal("SshTree", p.GetProperty("transport").GetString()));
        Assert.Equal(Nodes, cluster.Publish(image, "--partition", "debug", "--throttle-limit", "2", "--node", "n1")
            .Placements.Select(NodeOf));
        Assert.Contains("no nodes in a partition", cluster.On("head", User, "slipway", "publish", image, "--partition", "nope").Error,
            StringComparison.Ordinal);
        Assert.Contains("runs no job", cluster.On("head", User, "slipway", "publish", image, "--job-id", "4711").Error,
            StringComparison.Ordinal);
    }

    [ClusterFact]
    public void RootsCacheIsEverybodys()
    {
        string image = cluster.Image("by-root"), digest = cluster.DigestOf(image);
        Cli.Result result = cluster.On("head", "root", "slipway", "publish", image, "--node", string.Join(',', Nodes), "--width", "1");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        JsonElement[] placements = cluster.Publish(image).Placements;
        Assert.All(placements, p => Assert.Equal(
            ($"/var/cache/slipway/sha256/{digest["sha256:".Length..]}", true),
            (p.GetProperty("path").GetString(), p.GetProperty("hit").GetBoolean())));
    }

    [ClusterFact]
    public void CachesOfNodesAreLookedAfterFromElsewhere()
    {
        string image = cluster.Image("kept"), other = cluster.Image("other"), digest = cluster.DigestOf(image);
        string second = cluster.DigestOf(other);
        (_, JsonElement[] placements) = cluster.Publish(image);
        cluster.Publish(other);
        string launcher = placements[0].GetProperty("launcher").GetString()!;
        string[] on = ["--node", "n1,n2"];
        Cli.Running running = cluster.StartOn("n1", User, launcher, "run", digest, "--", "sleep", "120");
        try
        {
            Until(() => List("n1").First(e => e.GetProperty("digest").GetString() == digest).GetProperty("usedBy").GetArrayLength() > 0,
                () => "the container is seen");
            Cli.Result remove = cluster.On("head", User, ["slipway", "cache", "remove", digest, .. on]);
            Assert.Equal(1, remove.ExitCode);
            Assert.Contains("n1: ", remove.Error, StringComparison.Ordinal);
            Assert.Contains("is in use: container (holder", remove.Error, StringComparison.Ordinal);
            Assert.DoesNotContain(List("n2"), e => e.GetProperty("digest").GetString() == digest);

            // locked on n2, in use on n1: neither is cleared
            AssertDone(cluster.On("head", User, ["slipway", "cache", "lock", second, "--node", "n2"]));
            AssertDone(cluster.On("head", User, ["slipway", "cache", "clear", "--max-size", "0", .. on]));
            Assert.Equal([digest], List("n1").Select(e => e.GetProperty("digest").GetString()));
            Assert.Equal([second], List("n2").Select(e => e.GetProperty("digest").GetString()));
            AssertDone(cluster.On("head", User, ["slipway", "cache", "unlock", other, "--node", "n2"]));
            AssertDone(cluster.On("head", User, ["slipway", "cache", "clear", "--max-age", "00:00:00", "--job-id", cluster.Job]));
            Assert.Empty(List("n2"));
            Assert.Equal([digest], List("n1").Select(e => e.GetProperty("digest").GetString()));
        }
        finally
        {
            cluster.Sh("n1", "kill $(pidof sleep)");
            running.Wait(60);
        }

        JsonElement[] List(string node) => [.. cluster.On("head", User, "slipway", "cache", "list", "--json", "--node", node).Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)
            .Where(e => e.GetProperty("path").GetString()!.StartsWith(NodeCachePath, StringComparison.Ordinal))];
    }

    [ClusterFact]
    public void AnImageThatRootHasMountedIsInUse()
    {
        string image = cluster.Image("mounted"), mount = $"/run/slipway/mounts/{cluster.DigestOf(image)["sha256:".Length..]}";
        AssertDone(cluster.On("head", "root", "slipway", "publish", image));
        AssertDone(cluster.Sh("head", $"mkdir -p {mount} && mount -t tmpfs none {mount} && slipway cache clear --max-size 0", "root"));
        Assert.Contains($"mounted at {mount}", cluster.On("head", "root", "slipway", "cache", "list").Output, StringComparison.Ordinal);
        AssertDone(cluster.Sh("head", $"umount {mount} && slipway cache clear --max-size 0", "root"));
        Assert.Equal("", cluster.On("head", "root", "slipway", "cache", "list").Output);
    }

    static void AssertDone(Cli.Result result) => Assert.Equal((0, ""), (result.ExitCode, result.Error));
}
