using System.Globalization;
using System.Text.Json;
using Slipway.Inventory;
using Slipway.Linux;
using Tmds.Linux;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// A directory where everybody may write (mode 1777, as /tmp and many a /scratch), the image of one user in it, and another who means ill:
/// whatever that one puts beside the image, nothing of it reaches its owner, root, or who takes it from a cache.
/// </summary>
public sealed class PlanOriginTests : IDisposable
{
    /// <summary>Of the plan that ends up being used.</summary>
    const string Sign = "RDMAV_DRIVERS=/.slipway/fabric/libibverbs/libmlx5";

    readonly List<string> directories = [];
    readonly string shared, image, plan;

    public PlanOriginTests()
    {
        shared = Directory.CreateTempSubdirectory("slipway-shared-").FullName;
        directories.Add(shared);
        chmod(shared, 0x3ff);
        // of its own digest: what lies in root's cache is everybody's
        image = TinyImage.Make(shared + "/victim.sqfs", root => File.WriteAllText(root + "/etc/own", Guid.NewGuid().ToString()));
        plan = image + ".fabric.json";
        Give(image, RunSite.Ordinary);
    }

    public void Dispose()
    {
        string name = Digest.OfFile(image)[Digest.Prefix.Length..];
        foreach (string cache in new[] { "/var/cache/slipway", $"/var/tmp/slipway-{Id(RunSite.Ordinary)}" })
            foreach (string file in new[] { "sha256/" + name, "sha256/" + name + ".fabric.json", "checked/" + name, "used/" + name })
                unlink($"{cache}/{file}");
        directories.ForEach(d => Directory.Delete(d, recursive: true));
    }

    static uint Id(string user) => uint.Parse(HostProgram.Read("id", "-u", user)!, CultureInfo.InvariantCulture);

    static void Give(string path, string user)
    {
        if (geteuid() == 0)
            lchown(path, Id(user), Id(user));
    }

    /// <summary>A file of whoever is named, as a program of theirs would make it.</summary>
    void Put(string text, string user, uint mode = 0x1a4, string? at = null)
    {
        unlink(at ?? plan);
        File.WriteAllText(at ?? plan, text);
        chmod(at ?? plan, mode);
        Give(at ?? plan, user);
    }

    /// <summary>What an attacker would write: by the old format, and by the new one.</summary>
    IEnumerable<string> Evil()
    {
        string evil = shared + "/evil";
        Directory.CreateDirectory(evil);
        File.WriteAllText(evil + "/true", "#!/bin/sh\necho EVIL-RAN\n");
        chmod(evil + "/true", 0x1ed);
        yield return $$"""
            {
              "schemaVersion": 1, "node": "x", "verdict": "Image", "reason": "ok",
              "environment": {"LD_PRELOAD": "{{evil}}/evil.so", "PATH": "{{evil}}"},
              "binds": [{"source": "{{evil}}", "destination": "/bin"}]
            }
            """;
        yield return PlanSample.Plain(image, p => p.Environment = new Dictionary<string, string> { ["PATH"] = evil });
        yield return PlanSample.Plain(image, p => p.Binds = [new FabricBind(evil, "/bin")]);
        yield return PlanSample.Plain(image, p => p.Reason = "EVIL");
    }

    static void AssertUnharmed(Cli.Result result, int exitCode = 0)
    {
        Assert.True(result.ExitCode == exitCode, $"exit code {result.ExitCode}: {result.Output}{result.Error}");
        Assert.DoesNotContain("EVIL", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Sign, result.Output, StringComparison.Ordinal);
    }

    public static TheoryData<string> Victims => Cli.OtherUser is { } other ? ["root", other] : [Environment.UserName];

    [NeedsTheory(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Victims))]
    public void APlanOfAnotherUserIsNotUsed(string victim)
    {
        using RunSite site = new(victim);
        foreach (string text in Evil())
        {
            Put(text, Cli.ThirdUser!);
            Cli.Result run = site.Run("--job", Guid.NewGuid().ToString(), image, "--", "env");
            AssertUnharmed(run);
            Assert.Contains($"slipway: warning: the fabric plan '{plan}' is left out: "
                + $"it belongs to uid {Id(Cli.ThirdUser!)} and not to root, you or the image's owner",
                run.Error, StringComparison.Ordinal);
            AssertUnharmed(site.Run("--job", Guid.NewGuid().ToString(), image, "--", "true"));

            Cli.Result inspect = Cli.RunAs(victim, "inspect", "--json", image);
            AssertUnharmed(inspect);
            Assert.Contains("is left out", inspect.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("fabricPlan", inspect.Output, StringComparison.Ordinal);
            Cli.Result mpi = Cli.RunAs(victim, "mpi", "--plan-only", "-n", "1", image, "--", "true");
            Assert.DoesNotContain(shared + "/evil", mpi.Output, StringComparison.Ordinal);
        }
        // who names it means it: it is data all the same
        foreach (string text in Evil().Take(3))
        {
            Put(text, Cli.ThirdUser!);
            Cli.Result named = site.Run("--fabric", plan, image, "--", "env");
            Assert.Equal(125, named.ExitCode);
            Assert.StartsWith($"slipway: {plan}: ", named.Error, StringComparison.Ordinal);
        }
        Put(PlanSample.Plain(image), Cli.ThirdUser!);
        Assert.Contains(Sign, site.Run("--fabric", plan, image, "--", "env").Output, StringComparison.Ordinal);
        site.AssertNothingLeft();
    }

    [NeedsTheory(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Victims))]
    public void APlanOfRootsOrOfTheOwnersOrOfOnesOwnIsUsed(string victim)
    {
        using RunSite site = new(victim);
        foreach (string owner in new[] { "root", RunSite.Ordinary, victim }.Distinct())
        {
            Put(PlanSample.Plain(image), owner);
            Cli.Result run = site.Run("--job", Guid.NewGuid().ToString(), image, "--", "env");
            Assert.True(run.Output.Contains(Sign, StringComparison.Ordinal) && run.Error.Length == 0,
                $"{owner}'s plan, {victim}: {run.Output}{run.Error}");
            // the full launcher tells the same
            Assert.Contains("fabric     None: ", site.Run("--explain", image, "--", "true").Error, StringComparison.Ordinal);
        }
        // others could have written it
        Put(PlanSample.Plain(image), "root", 0x1b6);
        Cli.Result writable = site.Run("--job", "w", image, "--", "env");
        AssertUnharmed(writable);
        Assert.Contains("can be written by others (mode 0666)", writable.Error, StringComparison.Ordinal);
        site.AssertNothingLeft();
    }

    [NeedsTheory(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Victims))]
    public void TheWarningIsSaidOnceAStep(string victim)
    {
        using RunSite site = new(victim);
        Put(PlanSample.Plain(image), Cli.ThirdUser!);
        Cli.Result result = site.Script("""for i in 1 2 3; do "$1" run --job once "$2" -- true || exit; done""", image);
        Assert.Equal(0, result.ExitCode);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        // nor with --fabric none
        Assert.Equal("", site.Run("--fabric", "none", image, "--", "true").Error);
        site.AssertNothingLeft();
    }

    /// <summary>Whatever of that name is no file: nobody waits for it, and nobody reads it.</summary>
    [NeedsTheory(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Victims))]
    public void WhatIsNoFileStopsNobody(string victim)
    {
        using RunSite site = new(victim);
        string own = Directory.CreateTempSubdirectory("slipway-own-").FullName;
        directories.Add(own);
        File.WriteAllText(own + "/real.json", PlanSample.Plain(image));
        Dictionary<string, Action> kinds = new()
        {
            ["FIFO"] = () => mkfifo(plan, 0x1b6),
            ["directory"] = () => Directory.CreateDirectory(plan),
            ["symbolic link"] = () => File.CreateSymbolicLink(plan, "/dev/zero"),
            ["symbolic link, not a file"] = () => File.CreateSymbolicLink(plan, own + "/real.json"),
            ["symbolic link, not"] = () => File.CreateSymbolicLink(plan, "/proc/self/fd/0"),
            ["is larger than 4 MiB"] = () =>
            {
                using FileStream sparse = File.Create(plan);
                sparse.SetLength(120 << 20);
            },
        };
        foreach ((string kind, Action make) in kinds)
        {
            make();
            Give(plan, kind.StartsWith("is larger", StringComparison.Ordinal) ? RunSite.Ordinary : Cli.ThirdUser!);
            Cli.Result run = site.Run("--job", Guid.NewGuid().ToString(), image, "--", "env");
            AssertUnharmed(run);
            Assert.Contains(kind, run.Error, StringComparison.Ordinal);
            foreach (string[] verb in new string[][] { ["inspect", image], ["publish", image],
                ["mpi", "--plan-only", "-n", "1", image, "--", "true"] })
            {
                Cli.Result result = Cli.Start(victim, [Cli.Program, .. verb]).Wait(30);
                Assert.True(verb[0] == "mpi" || result.Error.Contains(kind, StringComparison.Ordinal), $"{verb[0]}: {result.Error}");
                Assert.DoesNotContain("EVIL", result.Output, StringComparison.Ordinal);
            }
            Assert.Equal(0, Cli.RunAs(victim, "cache", "remove", Digest.OfFile(image)).ExitCode);
            if (Directory.Exists(plan) && (File.GetAttributes(plan) & FileAttributes.ReparsePoint) == 0)
                Directory.Delete(plan);
            unlink(plan);
        }
        site.AssertNothingLeft();
    }

    /// <summary>A rank that is killed while somebody's FIFO lies there leaves nothing behind: nothing waited.</summary>
    [NeedsTheory(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Victims))]
    public void AKilledRankLeavesNothing(string victim)
    {
        using RunSite site = new(victim);
        Assert.Equal(0, mkfifo(plan, 0x1b6));
        Give(plan, Cli.ThirdUser!);
        Cli.Running run = site.StartRun(image, "--", "sleep", "60");
        RunSite.WaitUntil(() => site.Pids("sleep").Any(), "the command runs");
        kill(site.Pids("sleep").First(), SIGKILL);
        run.Wait(30);
        site.AssertNothingLeft();
    }

    public static TheoryData<string> Malformed =>
    [
        """{"binds":null}""", """{"binds":[null]}""", """{"devices":[null]}""", """{"devices":null}""", """{"hiddenDeviceNodes":[null]}""",
        """{"verdict":"Refuse","reason":null}""",
        """{"deviceNodes":7}""", """{"environment":{"LD_PRELOAD":"x"}}""", """{"environment":null}""", """{"warnings":[null]}""",
        """{"excluded":{"a":null}}""", """{"extra":1}""",
        """{"binds":[{"source":"/etc/shadow","destination":"/.slipway/fabric/lib/x"}]}""", """{"hiddenDeviceNodes":["/dev/null"]}""",
        """{"imageDigest":"x"}""",
    ];

    /// <summary>The holder says what is wrong, and the rank tells it; even where root or the owner wrote it.</summary>
    [NeedsTheory(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Malformed))]
    public void AMalformedPlanIsAnErrorWithItsPlace(string change)
    {
        System.Text.Json.Nodes.JsonObject text = System.Text.Json.Nodes.JsonNode.Parse(PlanSample.Plain(image))!.AsObject();
        foreach (JsonProperty property in JsonDocument.Parse(change).RootElement.EnumerateObject())
            text[property.Name] = System.Text.Json.Nodes.JsonNode.Parse(property.Value.GetRawText());
        Put(text.ToJsonString(), "root");
        string user = RunSite.Ordinary;
        using RunSite site = new(user);
        foreach (string[] fabric in new string[][] { [], ["--fabric", plan] })
        {
            Cli.Result run = site.Run([.. fabric, image, "--", "true"]);
            Assert.Equal(125, run.ExitCode);
            Assert.StartsWith($"slipway: {plan}:", run.Error, StringComparison.Ordinal);
            Assert.Contains("Make the plan again", run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        }
        foreach (string verb in new[] { "inspect", "publish" })
            Assert.StartsWith($"slipway: {plan}:", Cli.RunAs(user, verb, image).Error, StringComparison.Ordinal);
        site.AssertNothingLeft();
    }

    /// <summary>What gets into a cache was planned by who publishes, and goes when it is published without.</summary>
    [NeedsTheory(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Victims))]
    public void WhatIsPublishedIsWhatThePublisherPlanned(string publisher)
    {
        string digest = Digest.OfFile(image);
        string cache = publisher == "root" ? "/var/cache/slipway" : $"/var/tmp/slipway-{Id(publisher)}";
        string kept = $"{cache}/sha256/{digest[Digest.Prefix.Length..]}.fabric.json";
        using RunSite site = new(RunSite.Ordinary);
        Cli.Result Publish() => Cli.RunAs(publisher, "publish", image);

        // another's: neither kept nor used, by path or by digest
        Put(PlanSample.Plain(image, p => p.Reason = "EVIL"), Cli.ThirdUser!);
        Cli.Result published = Publish();
        Assert.Equal(0, published.ExitCode);
        Assert.Contains("is left out: it belongs to uid", published.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(kept));
        AssertUnharmed(site.Run("--job", "1", digest, "--", "env"));

        // the image's owner's: used beside the image, but root publishes none that a user made
        Put(PlanSample.Plain(image), RunSite.Ordinary);
        published = Publish();
        Assert.Equal(publisher != "root", File.Exists(kept));
        if (publisher == "root")
            Assert.Contains($"was made by uid {Id(RunSite.Ordinary)}", published.Error, StringComparison.Ordinal);

        // one's own
        Put(PlanSample.Plain(image), publisher);
        Assert.Equal("", Publish().Error);
        Assert.True(stat(kept, out statx found, follow: false) == 0 && found.stx_uid == Id(publisher) && (found.stx_mode & 0x1ff) is 0x1a4);
        Assert.Contains(Sign, site.Run("--job", "2", digest, "--", "env").Output, StringComparison.Ordinal);
        Assert.Contains(Sign, site.Run("--job", "3", image, "--", "env").Output, StringComparison.Ordinal);

        // a plan of another image does not go along, and the one of before goes: a hit too
        Put(PlanSample.Plain(TinyImage.File), publisher);
        published = Publish();
        Assert.Contains("\thit\t", published.Output, StringComparison.Ordinal);
        Assert.Contains("is of another image", published.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(kept));
        AssertUnharmed(site.Run("--job", "4", digest, "--", "env"));

        // and without any
        Put(PlanSample.Plain(image), publisher);
        Publish();
        Assert.True(File.Exists(kept));
        unlink(plan);
        Assert.Equal("", Publish().Error);
        Assert.False(File.Exists(kept));
        site.AssertNothingLeft();
    }

    /// <summary>
    /// A user publishes, with a plan of their own, what root has published already: root's entry serves, with root's plan, and that is said
    /// where it matters.
    /// </summary>
    [NeedsTheory(Needs.OtherUser, Needs.Launcher, "busybox", "mksquashfs")]
    [InlineData(FabricRung.None, false), InlineData(FabricRung.Image, true), InlineData(FabricRung.Refuse, true),
        InlineData(FabricRung.Stack, true)]
    public void WhatRootHasPublishedKeepsRootsPlan(FabricRung verdict, bool said)
    {
        string user = RunSite.Ordinary, name = Digest.OfFile(image)[Digest.Prefix.Length..];
        Assert.Equal(0, Cli.RunAs("root", "publish", image).ExitCode);
        Put(PlanSample.Plain(image, p => p.Verdict = verdict), user);
        Cli.Result published = Cli.RunAs(user, "publish", image);
        Assert.Equal(0, published.ExitCode);
        Assert.Contains($"/var/cache/slipway/sha256/{name}\thit\t", published.Output, StringComparison.Ordinal);
        Assert.Equal(said, published.Error.Contains("root has put this image into /var/cache/slipway", StringComparison.Ordinal));
        Assert.False(File.Exists($"/var/tmp/slipway-{Id(user)}/sha256/{name}.fabric.json"));
    }

    /// <summary>
    /// Root publishes a user's copy of an image of the site's, with the user's plan beside it, from the user's own directory.
    /// </summary>
    [NeedsFact(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    public void AUsersCopyDoesNotBringItsPlanToTheSitesImage()
    {
        Give(image, "root");
        Assert.Equal(0, Cli.RunAs("root", "publish", image).ExitCode);
        string copy = $"/home/{Cli.ThirdUser}/copy-{Guid.NewGuid():n}.sqfs";
        File.Copy(image, copy);
        try
        {
            Give(copy, Cli.ThirdUser!);
            Put(PlanSample.Plain(image), Cli.ThirdUser!, at: copy + ".fabric.json");
            Cli.Result published = Cli.RunAs("root", "publish", copy);
            Assert.Equal(0, published.ExitCode);
            Assert.Contains("was made by uid", published.Error, StringComparison.Ordinal);
            foreach (string user in new[] { "root", RunSite.Ordinary })
            {
                using RunSite site = new(user);
                AssertUnharmed(site.Run(image, "--", "env"));
                AssertUnharmed(site.Run(Digest.OfFile(image), "--", "env"));
                site.AssertNothingLeft();
            }
        }
        finally
        {
            File.Delete(copy);
            File.Delete(copy + ".fabric.json");
        }
    }

    /// <summary>The image is built anew at the same path: the plan of the old one is not the new one's.</summary>
    [NeedsTheory(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Victims))]
    public void AnImageThatIsBuiltAnewHasNoPlan(string user)
    {
        using RunSite site = new(user);
        Put(PlanSample.Plain(image), "root");
        Assert.Contains(Sign, site.Run("--job", "1", image, "--", "env").Output, StringComparison.Ordinal);
        TinyImage.Make(image + ".new", root => File.WriteAllText(root + "/etc/own", Guid.NewGuid().ToString()));
        File.Move(image + ".new", image, overwrite: true);
        Cli.Result run = site.Run("--job", "2", image, "--", "env");
        AssertUnharmed(run);
        Assert.Contains($"'{plan}' is left out: it is of another image", run.Error, StringComparison.Ordinal);
        // a hard link to another plan of the victim's own, where links are not protected: it is of another image, too
        Put(PlanSample.Plain(TinyImage.File), user, at: shared + "/other.json");
        unlink(plan);
        Assert.Equal(0, link(shared + "/other.json", plan));
        AssertUnharmed(site.Run("--job", "3", image, "--", "env"));
        site.AssertNothingLeft();
    }

    /// <summary>What a plan takes for a directory of the image must not be one of the host that the container shows.</summary>
    [NeedsTheory(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Victims))]
    public void AProviderOfTheHostsIsNotTheImages(string user)
    {
        using RunSite site = new(user);
        Put(PlanSample.Plain(image, p => p.Environment = new Dictionary<string, string> { ["FI_PROVIDER_PATH"] = "/tmp/evil/libfabric" }),
            "root");
        Cli.Result run = site.Run(image, "--", "env");
        Assert.Equal(125, run.ExitCode);
        Assert.Contains("the container sees the host's '/tmp' there", run.Error, StringComparison.Ordinal);
        Put(PlanSample.Plain(image, p => p.Environment = new Dictionary<string, string> { ["FI_PROVIDER_PATH"] = "/usr/lib/libfabric" }),
            "root");
        Assert.Contains("FI_PROVIDER_PATH=/usr/lib/libfabric", site.Run(image, "--", "env").Output, StringComparison.Ordinal);
        site.AssertNothingLeft();
    }

    /// <summary>Files of the node are seen, by a plan of root's, for a user whose namespace knows root no more.</summary>
    [NeedsTheory(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Victims))]
    public void ALibraryOfTheNodeIsSeen(string user)
    {
        using RunSite site = new(user);
        Put(PlanSample.Plain(image, p => p.Binds = [new FabricBind(PlanSample.Library, FabricPaths.Libraries + "/libc.so.6")]), "root");
        Cli.Result run = site.Run(image, "--", "sh", "-c", "cat /.slipway/fabric/lib/libc.so.6 | cat >/dev/null && echo seen");
        Assert.Equal("seen\n", run.Output);
        // root's plan shows no user more than libraries; and a user's own shows what is the user's
        Put(PlanSample.Plain(image, p => p.Binds = [new FabricBind(site.Scratch + "/mine.so", FabricPaths.Libraries + "/mine.so")]), user);
        Put("mine", user, at: site.Scratch + "/mine.so");
        Assert.Equal("mine", site.Run("--job", "2", image, "--", "cat", "/.slipway/fabric/lib/mine.so").Output);
        Put("theirs", Cli.ThirdUser!, at: site.Scratch + "/mine.so");
        run = site.Run("--job", "3", image, "--", "true");
        Assert.Equal(125, run.ExitCode);
        Assert.Contains("binds[0].source", run.Error, StringComparison.Ordinal);
        // unless the site allows it
        File.WriteAllText(site.Scratch + "/config.yaml", $"libraries: [{site.Scratch}]\n");
        run = site.Start([Cli.Program, "run", "--job", "4", image, "--", "cat", "/.slipway/fabric/lib/mine.so"],
            new Dictionary<string, string> { ["SLIPWAY_CONFIG"] = site.Scratch + "/config.yaml" }).Wait(60);
        Assert.Equal("theirs", run.Output);
        site.AssertNothingLeft();
    }

    /// <summary>Nobody else can write a plan of ours, whatever the umask is; and all can read what root publishes.</summary>
    [NeedsFact(Needs.ThirdUser, Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    public void ThePlanThatIsWritten()
    {
        foreach (string umask in new[] { "000", "002", "022", "077" })
        {
            unlink(plan);
            Give(shared, RunSite.Ordinary);
            Cli.Result made = Cli.Start(RunSite.Ordinary,
                ["/bin/sh", "-c", $"umask {umask}; exec \"$@\"", "sh", Cli.Program, "fabric", image]).Wait();
            Assert.True(made.ExitCode == 0, made.Error);
            Assert.True(stat(plan, out statx found, follow: false) == 0 && (found.stx_mode & 0x12) == 0
                && found.stx_uid == Id(RunSite.Ordinary));
            Assert.Equal("", Cli.RunAs(RunSite.Ordinary, "inspect", image).Error);
        }
    }
}
