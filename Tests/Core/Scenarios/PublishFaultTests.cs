using System.Text.Json;
using static Slipway.Tests.Cluster;
using static Slipway.Tests.PublishCluster;

namespace Slipway.Tests.Scenarios;

/// <summary>Whatever fails: every other node gets its image, none has a wrong or a partial one, and the second try does the rest.</summary>
[Collection(nameof(Cluster))]
public sealed class PublishFaultTests(OneCluster one)
{
    readonly PublishCluster cluster = one.Of<PublishCluster>().Fresh();

    /// <summary>Bytes that take four seconds to get into each node over the links of <see cref="Disturb"/>.</summary>
    const int Slow = 20_000_000;

    static readonly string[] AllButFirst = Nodes[1..], AllButSecond = [.. Nodes.Where(n => n != "n2")];

    /// <summary>
    /// For faults that stay: a node that has them fails however often it is tried, and one that only was too busy to answer SSH in time is
    /// no matter of the test.
    /// </summary>
    static readonly string[] Again = ["--retry", "2"];

    /// <summary>The second try copies to those that failed alone.</summary>
    void AssertSecondTryFinishes(string image, string[] failed, params string[] options)
    {
        (Cli.Result result, JsonElement[] placements) =
            cluster.Publish(image, options.Contains(Again[0]) ? options : [.. options, .. Again]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(failed, placements.Where(p => !p.GetProperty("hit").GetBoolean()).Select(NodeOf));
        cluster.AssertHave(cluster.DigestOf(image), Nodes);
    }

    [ClusterFact]
    public void HostileAndUnknownNamesRunNothing()
    {
        string image = cluster.Image("hostile"), digest = cluster.DigestOf(image);
        string[] names = ["-oProxyCommand=touch /tmp/pwned", "n1;touch /tmp/pwned", "$(touch /tmp/pwned)", "n1 n2", "nosuch"];
        (Cli.Result result, JsonElement[] placements) = cluster.Publish(image, [.. names.SelectMany(n => new[] { "--node", n }), .. Again]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal(Nodes, placements.Select(NodeOf));
        Assert.All(names[..^1], n => Assert.Contains($"'{n}' is not the name of a node", result.Error, StringComparison.Ordinal));
        Assert.Contains("nosuch: ", result.Error, StringComparison.Ordinal);
        Assert.All(Nodes.Append("head"), n => Assert.NotEqual(0, cluster.On(n, "root", "test", "-e", "/tmp/pwned").ExitCode));
        cluster.AssertHave(digest, Nodes);
    }

    [ClusterFact(Needs.Long)]
    public void AnUnreachableNodeIsAnErrorAndTheOthersGoOn()
    {
        string image = cluster.Image("unreachable"), digest = cluster.DigestOf(image);
        cluster.Script("link", "n2", "down");
        try
        {
            (Cli.Result result, JsonElement[] placements) = cluster.Publish(image, Again);
            Assert.Equal((1, AllButSecond.Length), (result.ExitCode, placements.Length));
            Assert.Contains("n2: ssh: ", result.Error, StringComparison.Ordinal);
            cluster.AssertHave(digest, AllButSecond);
        }
        finally
        {
            cluster.Script("link", "n2", "up");
        }
        AssertSecondTryFinishes(image, ["n2"]);
    }

    [ClusterTheory]
    [InlineData("SshTree")]
    [InlineData("Sbcast")]
    public void AFullDiskIsAnErrorOfItsNode(string transport)
    {
        string image = cluster.Image("full-" + transport, 10_000_000), digest = cluster.DigestOf(image);
        string[] options = ["--transport", transport, "--job-id", cluster.Job, .. Again];
        cluster.Publish(cluster.Image("first"), options); // brings the launcher along
        Assert.Equal(0, cluster.Sh("n2", "fallocate -l $(($(stat -f -c '%a * %S' /var/tmp | sed 's/ //g') - 5000000)) /var/tmp/filler",
            "root").ExitCode);
        try
        {
            (Cli.Result result, JsonElement[] placements) = cluster.Publish(image, options);
            Assert.Equal((1, AllButSecond.Length), (result.ExitCode, placements.Length));
            Assert.Contains($"n2: {NodeCachePath}: ", result.Error, StringComparison.Ordinal);
            cluster.AssertHave(digest, AllButSecond);
        }
        finally
        {
            cluster.Sh("n2", "rm /var/tmp/filler", "root");
        }
        AssertSecondTryFinishes(image, ["n2"], options);
    }

    /// <summary>sbcast(1) checks nothing: in its place, a program that sends another file of the same size by it.</summary>
    [ClusterFact]
    public void WhatSbcastBringsDamagedIsNoEntry()
    {
        string image = cluster.Image("brought"), digest = cluster.DigestOf(image), bin = "/shared/scratch/bin";
        string script = """
            mkdir BIN && cat >BIN/sbcast <<'X' && chmod 755 BIN/sbcast
            #!/bin/sh
            for a; do from=$to; to=$a; done
            cp "$from" /tmp/damaged && chmod 644 /tmp/damaged \
                && printf x | dd of=/tmp/damaged bs=1 seek=100000 conv=notrunc 2>/dev/null || exit 1
            exec /usr/bin/sbcast --force "$2" /tmp/damaged "$to"
            X
            """.Replace("BIN", bin, StringComparison.Ordinal);
        Assert.Equal(0, cluster.Sh("head", script).ExitCode);
        (Cli.Result result, JsonElement[] placements) = Placements(cluster.Sh("head",
            $"PATH={bin}:$PATH slipway publish {image} --json --retry 0 --transport Sbcast --job-id {cluster.Job} "
            + $"--node {string.Join(',', Nodes)}"));
        Assert.Equal((1, 0), (result.ExitCode, placements.Length));
        Assert.All(Nodes, n => Assert.Contains($"{n}: what arrived has the digest sha256:", result.Error, StringComparison.Ordinal));
        Assert.All(Nodes, n => Assert.Equal("", cluster.Sh(n, $"ls -A {NodeCachePath}/sha256").Output));
        AssertSecondTryFinishes(image, Nodes, "--transport", "Sbcast", "--job-id", cluster.Job);
    }

    [ClusterFact]
    public void ADamagedEntryIsNoneAndIsMadeAgain()
    {
        string image = cluster.Image("damaged"), digest = cluster.DigestOf(image);
        (_, JsonElement[] placements) = cluster.Publish(image);
        string launcher = placements[0].GetProperty("launcher").GetString()!;
        cluster.Sh("n2", $"printf x | dd of={Entry(digest)} bs=1 seek=1000000 conv=notrunc", "root");
        Cli.Result run = cluster.On("n2", User, launcher, "run", digest, "--", "true");
        Assert.Equal(125, run.ExitCode);
        Assert.Contains("no cache of this node has this image", run.Error, StringComparison.Ordinal);
        Assert.Contains("damaged", cluster.Sh("head", $"slipway cache list --node n2 | grep {digest}").Output, StringComparison.Ordinal);
        AssertSecondTryFinishes(image, ["n2"]);
        Assert.Equal(0, cluster.On("n2", User, launcher, "run", digest, "--", "true").ExitCode);
    }

    [ClusterFact(Needs.Long)]
    public void ACacheThatOthersCouldHaveWrittenIsRefused()
    {
        string image = cluster.Image("unsafe"), digest = cluster.DigestOf(image);
        cluster.Publish(cluster.Image("before"));
        cluster.Sh("n2", $"chmod 777 {NodeCachePath}/sha256", "root");
        (Cli.Result result, JsonElement[] placements) = cluster.Publish(image, Again);
        Assert.Equal((1, AllButSecond.Length), (result.ExitCode, placements.Length));
        Assert.Contains($"n2: {NodeCachePath}: another user could have written to this cache", result.Error, StringComparison.Ordinal);
        cluster.AssertHave(digest, AllButSecond);
        cluster.Sh("n2", $"chmod 700 {NodeCachePath}/sha256", "root");
        AssertSecondTryFinishes(image, ["n2"]);
    }

    [ClusterFact]
    public void ANodeThatIsMendedMeanwhileIsReachedByARetry()
    {
        string image = cluster.Image("retried"), digest = cluster.DigestOf(image);
        cluster.Publish(cluster.Image("before"));
        cluster.Sh("n2", $"chmod 0500 {NodeCachePath}/sha256");
        Cli.Running publish = cluster.StartPublish(image, "--retry", "100");
        Until(() => cluster.On("n1", User, "test", "-e", Entry(digest)).ExitCode == 0, () => "n1 has it");
        cluster.Sh("n2", $"chmod 0700 {NodeCachePath}/sha256");
        (Cli.Result result, JsonElement[] placements) = Placements(publish.Wait());
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(Nodes, placements.Select(NodeOf));
        cluster.AssertHave(digest, Nodes);
    }

    /// <summary>Publishes down a chain over slow links, and does something while the first node is receiving.</summary>
    (Cli.Result Result, JsonElement[] Placements) Disturb(string image, Action<Cli.Running> disturbance)
    {
        string name = cluster.DigestOf(image)["sha256:".Length..];
        cluster.Publish(cluster.Image("before")); // brings the launcher along
        cluster.Script("shape", "40mbit");
        try
        {
            Cli.Running publish = cluster.StartPublish(image, "--width", "1");
            // data have come through the first two nodes of the chain
            Until(() =>
                cluster.Sh("n2", $"test $(stat -c %b {NodeCachePath}/sha256/.{name}.*) -gt 0 && ss -Htn state established | grep -q "
                    + "10.77.0.11:").ExitCode == 0, () => "n2 reads from n1");
            disturbance(publish);
            return Placements(publish.Wait(240));
        }
        finally
        {
            cluster.Script("shape", "off");
        }
    }

    [ClusterFact("ss")]
    public void AKilledInnerNodeIsRoutedAround()
    {
        string image = cluster.Image("inner", Slow);
        (Cli.Result result, JsonElement[] placements) = Disturb(image, _ => cluster.Sh("n1", "pkill -9 -f '[s]lipway(-full)? stage'"));
        Assert.Equal((1, AllButFirst.Length), (result.ExitCode, placements.Length));
        Assert.Contains("n1: ssh", result.Error, StringComparison.Ordinal);
        cluster.AssertHave(cluster.DigestOf(image), AllButFirst);
        AssertSecondTryFinishes(image, ["n1"]);
    }

    [ClusterFact("ss", Needs.Long)]
    public void AnInnerNodeThatFallsSilentIsRoutedAround()
    {
        string image = cluster.Image("silent", Slow);
        (Cli.Result result, JsonElement[] placements) = Disturb(image, _ => cluster.Script("link", "n1", "down"));
        cluster.Script("link", "n1", "up");
        Assert.Equal((1, AllButFirst.Length), (result.ExitCode, placements.Length));
        cluster.AssertHave(cluster.DigestOf(image), AllButFirst);
        // what was there knows by its lost connection that nobody waits for it any more
        Until(() => cluster.Sh("n1", "pgrep -f '[s]lipway(-full)? stage'").ExitCode != 0, () => "n1 has given up");
        AssertSecondTryFinishes(image, ["n1"]);
    }

    [ClusterFact("ss", Needs.Long)]
    public void ASlowInnerNodeHoldsUpNobodyElse()
    {
        string image = cluster.Image("slow", Slow), digest = cluster.DigestOf(image);
        (Cli.Result result, JsonElement[] placements) = Disturb(image, publish =>
        {
            cluster.Script("shape", "2mbit", "n1");
            cluster.Script(["shape", "off", .. AllButFirst, "head"]);
            Until(() => AllButFirst.All(n => cluster.On(n, User, "test", "-e", Entry(digest)).ExitCode == 0), () => "the others have it");
            Assert.NotEqual(0, cluster.On("n1", User, "test", "-e", Entry(digest)).ExitCode);
            Assert.False(publish.Process.HasExited);
            cluster.Script("shape", "off", "n1");
        });
        Assert.Equal((0, Nodes.Length), (result.ExitCode, placements.Length));
        cluster.AssertHave(digest, Nodes);
    }

    [ClusterFact("ss")]
    public void AKilledControllerLeavesNothingThatIsNotWhole()
    {
        string image = cluster.Image("controller", Slow), digest = cluster.DigestOf(image);
        (Cli.Result result, _) = Disturb(
            image, publish => cluster.Sh("head", "pkill -9 -x -f '([^ ]*/)?slipway(-full)? publish .*'", "root"));
        Assert.NotEqual(0, result.ExitCode);
        Until(() => Nodes.All(n => cluster.Sh(n, "pgrep -f '[s]lipway(-full)? stage'").ExitCode != 0), () => "the receivers have gone");
        Assert.All(Nodes, n => Assert.Equal(
            "", cluster.Sh(n, $"ls -A {NodeCachePath}/sha256 | grep {digest["sha256:".Length..]} || :").Output));
        AssertSecondTryFinishes(image, Nodes);
    }

    [ClusterFact]
    public void AKilledWriterIsCleanedUpAfter()
    {
        // large enough to be caught at it; where it was done before that, it is tried anew
        string image = cluster.Image("writer", padding: 300_000_000), name = cluster.DigestOf(image)["sha256:".Length..];
        cluster.Publish(cluster.Image("before"));
        string launcher = cluster.Sh("n1", $"ls -d {NodeCachePath}/launcher/*/slipway").Output.Trim();
        string partials = $"ls -A {NodeCachePath}/sha256 | grep partial";
        Until(() =>
            cluster.Sh("n1", $"{launcher} publish {image} & p=$!; while kill -0 $p && ! {partials}; do :; done >/dev/null 2>&1; "
                + $"kill -9 $p; wait; {partials} || ! {launcher} cache remove sha256:{name}").ExitCode == 0,
                () => "a writer was killed at it");
        Assert.NotEqual(0, cluster.On("n1", User, "test", "-e", $"{NodeCachePath}/sha256/{name}").ExitCode);
        Cli.Result again = cluster.On("n1", User, launcher, "publish", image);
        Assert.Equal((0, ""), (again.ExitCode, again.Error));
        cluster.AssertHave("sha256:" + name, ["n1"]);
        Assert.Equal("", cluster.Sh("n1", $"{partials} || :").Output);
    }

    [ClusterFact]
    public void ManyRanksAndTwoUsersReadItOnceEach()
    {
        string image = cluster.Image("storm"), digest = cluster.DigestOf(image);
        cluster.Publish(cluster.Image("before"));
        string launcher = cluster.Sh("n3", $"ls -d {NodeCachePath}/launcher/*/slipway").Output.Trim();
        cluster.Script("fsreset");
        string storm = $"for i in $(seq 64); do {launcher} publish {image} >/tmp/storm.$(id -u).$i 2>&1 || echo failed & done; wait";
        // a reader meanwhile: what is there by that name is whole whenever it is there. Where root was first, its entry is the user's too
        string watch = $"while :; do for e in {Entry(digest)} /var/cache/slipway/sha256/{digest["sha256:".Length..]}; "
            + "do [ ! -e $e ] || sha256sum <$e; done; [ ! -e /tmp/storm.over ] || break; done | sort -u";
        Cli.Running reader = cluster.StartOn("n3", User, "/bin/sh", "-c", watch);
        Cli.Running user = cluster.StartOn("n3", User, "/bin/sh", "-c", storm),
        root = cluster.StartOn("n3", "root", "/bin/sh", "-c", storm);
        Assert.Equal(("", ""), (user.Wait().Output, root.Wait().Output));
        cluster.Sh("n3", "touch /tmp/storm.over");
        Assert.Equal(digest["sha256:".Length..] + "  -\n", reader.Wait().Output);
        Assert.InRange(cluster.Count("image_open"), 1, 2);
        Assert.Equal("128\n", cluster.Sh("n3", "cat /tmp/storm.[0-9]* | grep -cE 'copied|hit'").Output);
        Assert.Equal(digest["sha256:".Length..],
            cluster.Sh("n3", $"sha256sum /var/cache/slipway/sha256/{digest["sha256:".Length..]}", "root").Output.Split(' ')[0]);
        Assert.Equal("", cluster.Sh("n3", "ls -A /var/cache/slipway/sha256 /var/tmp/slipway-2000/sha256 | grep partial || :", "root")
            .Output);
    }

    [ClusterFact]
    public void AnImageThatChangesWhileItIsReadIsRefused()
    {
        string image = cluster.Image("changing", padding: 300_000_000);
        string before = cluster.Sh("head", $"ls -A {NodeCachePath}/sha256 | sort").Output;
        Cli.Result result = cluster.Sh(
            "head", $"(while :; do printf x | dd of={image} bs=1 seek=1000000 conv=notrunc; sleep 0.02; done) >/dev/null 2>&1 & p=$!; "
            + $"slipway publish {image} --node n1,n2; e=$?; kill $p; exit $e");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"{image}: the image changed while it was read", result.Error, StringComparison.Ordinal);
        Assert.Equal(before, cluster.Sh("head", $"ls -A {NodeCachePath}/sha256 | sort").Output);
    }
}
