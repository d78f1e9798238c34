using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Slipway.Fabric;
using Slipway.Images;
using Slipway.Inventory;
using Slipway.Linux;
using Slipway.Tests.Scenarios;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Images;

/// <summary>Which plan is believed, and what it may say.</summary>
public sealed class FabricPlanFileTests : IDisposable
{
    readonly TemporaryDirectory directory = new();
    readonly string image, plan;
    readonly List<string> said = [];

    public FabricPlanFileTests()
    {
        image = directory.Write("app.sqfs", [.. Enumerable.Range(0, 1_000_000).Select(i => (byte)(i * 7))]);
        plan = image + ".fabric.json";
    }

    public void Dispose() => directory.Dispose();

    FabricPlan? Find(string? digest = null) => FabricPlanFile.Find(image, digest, [], said.Add);

    void AssertLeftOut(string why)
    {
        Assert.Null(Find());
        Assert.Contains(why, Assert.Single(said), StringComparison.Ordinal);
        Assert.Contains($"'{plan}'", said[0], StringComparison.Ordinal);
        said.Clear();
    }

    static SlipwayException AssertBad(string text, string says, bool own = false)
    {
        SlipwayException e = Assert.Throws<SlipwayException>(() => Check(Encoding.UTF8.GetBytes(text), own));
        Assert.StartsWith("/x.json:", e.Message, StringComparison.Ordinal);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.NotNull(e.Recommendation);
        return e;
    }

    static FabricPlan Check(byte[] text, bool own = false, params string[] libraries)
    {
        FabricPlan plan = FabricPlanText.Parse(text, "/x.json", out string? outdated)
            ?? throw ImageErrors.PlanOutdated("/x.json", outdated!);
        new FabricPlanRules("/x.json", own, libraries).Check(plan);
        return plan;
    }

    [Fact]
    public void WhatPlanningGivesIsTaken()
    {
        File.WriteAllText(plan, PlanSample.Text(image));
        FabricPlan found = Find()!;
        Assert.Equal(2, found.Binds.Count);
        Assert.Equal(geteuid(), found.WrittenBy);
        Assert.Equal(3, found.Environment.Count);
        Assert.NotNull(Find(Digest.OfFile(image)));
        Assert.Empty(said);
        Assert.NotNull(FabricPlanFile.ReadFile(plan, image, []));
        directory.Link("link.json", plan);
        Assert.NotNull(FabricPlanFile.ReadFile(directory.Path + "/link.json", image, []));
    }

    /// <summary>What every node of our trees gives for every image is taken again: planning and reading know the same.</summary>
    [Fact]
    public void EveryPlanOfEveryTreeIsTaken()
    {
        int binds = 0, variables = 0;
        // the trees are ours
        FabricPlanRules rules = new("/x.json", own: true, []);
        foreach (FabricPlan made in VerdictTests.AllPlans())
        {
            FabricPlan back = FabricPlanText.Parse(JsonSerializer.SerializeToUtf8Bytes(made, ObjectsJson.Default.FabricPlan),
                "/x.json", out _)!;
            rules.Check(back);
            Assert.Equal(made.Environment, back.Environment);
            Assert.Equal(made.Binds, back.Binds);
            binds += back.Binds.Count;
            variables += back.Environment.Count;
        }
        Assert.True(binds > 20 && variables > 20, $"{binds} binds, {variables} variables");
    }

    [Fact]
    public void APlanOfAnotherImageIsNone()
    {
        File.WriteAllText(plan, PlanSample.Text(image));
        // built anew at the same path, of the same length
        byte[] other = File.ReadAllBytes(image);
        other[^1] ^= 1;
        File.WriteAllBytes(image, other);
        AssertLeftOut("is of another image (sha256:");
        SlipwayException e = Assert.Throws<SlipwayException>(() => FabricPlanFile.ReadFile(plan, image, []));
        Assert.Equal("FabricPlanOfAnother", e.Id);
        Assert.Null(Find(Digest.OfFile(image)));
        said.Clear();
        File.WriteAllBytes(image, other[..^1]);
        AssertLeftOut("is of another image");
        // a copy is the same image, whatever its inode is
        other[^1] ^= 1;
        File.WriteAllBytes(image + ".copy", other);
        File.Move(image + ".copy", image, overwrite: true);
        Assert.NotNull(Find());
    }

    [Fact]
    public void APlanWithoutAMarkOrOfAnotherDigestIsNone()
    {
        File.WriteAllText(plan, PlanSample.Text(image, p => p.ImageMark = null));
        AssertLeftOut("is of another image");
        File.WriteAllText(plan, PlanSample.Text(image, p => p.ImageDigest = "sha256:" + new string('1', 64)));
        Assert.Null(Find(Digest.OfFile(image)));
        Assert.Contains("is of another image (sha256:1111", Assert.Single(said), StringComparison.Ordinal);
    }

    const string FirstFormat = """
        {
          "schemaVersion": 1, "node": "x", "verdict": "Image", "reason": "ok",
          "environment": {"LD_PRELOAD": "/tmp/evil.so"},
          "binds": [{"source": "/tmp/evilbin", "destination": "/bin"}]
        }
        """;

    [Theory]
    [InlineData(FirstFormat, "schemaVersion 1")]
    [InlineData("""{"node":"x"}""", "no schemaVersion")]
    [InlineData("""{"schemaVersion":3,"new":{"schemaVersion":2}}""", "schemaVersion 3")]
    [InlineData("""{"schemaVersion":"2"}""", "no schemaVersion")]
    [InlineData("""{"schemaVersion":null}""", "no schemaVersion")]
    public void PlansOfAnotherFormatAreNone(string text, string why)
    {
        File.WriteAllText(plan, text);
        AssertLeftOut(why);
        Assert.Contains(why, Assert.Throws<SlipwayException>(() => FabricPlanFile.ReadFile(plan, image, [])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void APlanThatOthersCouldHaveWrittenIsNone()
    {
        File.WriteAllText(plan, PlanSample.Text(image));
        foreach (uint mode in new uint[] { 0x1b6, 0x1b4, 0x192, 0x1fd })
        {
            chmod(plan, mode);
            AssertLeftOut("can be written by others");
        }
        chmod(plan, 0x1a4);
        Assert.NotNull(Find());
    }

    [Fact]
    public void WhatIsNoFileIsNone()
    {
        foreach ((string kind, Action<string> make) in new Dictionary<string, Action<string>>
        {
            ["FIFO"] = p => mkfifo(p, 0x1a4),
            ["directory"] = p => Directory.CreateDirectory(p),
            ["symbolic link"] = p => File.CreateSymbolicLink(p, directory.Path + "/real.json"),
            ["socket"] = p =>
            {
                using System.Net.Sockets.Socket socket =
                    new(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0);
                socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(p));
                rename(p, p + ".kept");
                socket.Dispose();
                rename(p + ".kept", p);
            },
        })
        {
            directory.Write("real.json", PlanSample.Text(image));
            make(plan);
            AssertLeftOut($"is a {kind}, not a file");
            if (Directory.Exists(plan))
                Directory.Delete(plan);
            unlink(plan);
        }
        using (FileStream sparse = File.Create(plan))
            sparse.SetLength(120 << 20);
        AssertLeftOut("is larger than 4 MiB");
    }

    [NeedsFact(Needs.Root)]
    public void WhosePlanItIs()
    {
        File.WriteAllText(plan, PlanSample.Text(image));
        chown(plan, 4711, 4711);
        AssertLeftOut("belongs to uid 4711 and not to root, you or the image's owner");
        chown(image, 4711, 4711);
        Assert.Equal(4711u, Find()!.WrittenBy);
        // a plan of a user's does not get into root's cache
        Assert.Contains("uid 4711", Slipway.Cache.NodeCache.WhyNotPublished(Find()!)!, StringComparison.Ordinal);
        chown(plan, 0, 0);
        Assert.Null(Slipway.Cache.NodeCache.WhyNotPublished(Find()!));
    }

    [Fact]
    public void APlanBesideADirectoryIsNone()
    {
        Directory.CreateDirectory(directory.Path + "/root");
        File.WriteAllText(directory.Path + "/root.fabric.json", PlanSample.Text(image));
        Assert.Null(FabricPlanFile.Find(directory.Path + "/root", null, [], said.Add));
        Assert.Contains("beside a directory", Assert.Single(said), StringComparison.Ordinal);
        // one that is named for it is taken
        Assert.NotNull(FabricPlanFile.ReadFile(directory.Path + "/root.fabric.json", directory.Path + "/root", []));
    }

    /// <summary>What cannot be said by an object of ours.</summary>
    static string Json(Action<JsonNode> change)
    {
        JsonNode plan = JsonNode.Parse(Sample(_ => { }))!;
        change(plan);
        return plan.ToJsonString();
    }

    static string Sample(Action<FabricPlan> change) => PlanSample.Text(null, change);

    /// <summary>The 19 of the attack, and more: each names its place.</summary>
    public static TheoryData<string, string> Malformed => new()
    {
        { "", "x.json:1:1" },
        { "{", "x.json:1:" },
        { "null", "schemaVersion" },
        { "[]", "schemaVersion" },
        { "7", "schemaVersion" },
        { "\"text\"", "schemaVersion" },
        { """{"schemaVersion":2}""", "imageDigest" },
        { """{"schemaVersion":2,"binds":7}""", "x.json:1:" },
        { """{"schemaVersion":2,"verdict":"Best"}""", "x.json:1:" },
        { """{"schemaVersion":2,"unknown":1}""", "unknown" },
        { """{"schemaVersion":2,"schemaVersion":2}""", "'schemaVersion' stands twice" },
        { "{\"schemaVersion\":2,\n\"node\":\"a\",\n\"node\":\"b\"}", "x.json:3" },
        { """{"schemaVersion":2} {"schemaVersion":2}""", "x.json:1:" },
        { """{"schemaVersion":2,"node":"\ud800"}""", "x.json" },
        { new string('[', 10_000), "x.json:1:" },
        { """{"schemaVersion":2,"environment":{"a":{"b":{"c":[[[[[[[[[[[[]]]]]]]]]]]]}}}}""", "x.json:1:" },
        { Json(n => n["binds"] = null), "binds" },
        { Sample(p => p.Binds = [null!]), "binds[0]" },
        { Json(n => n["devices"] = null), "devices" },
        { Sample(p => p.Devices = [null!]), "devices[0]" },
        { Json(n => n["deviceNodes"] = null), "deviceNodes" },
        { Sample(p => p.DeviceNodes = [null!]), "deviceNodes[0]" },
        { Sample(p => p.HiddenDeviceNodes = [null!]), "hiddenDeviceNodes[0]" },
        { Json(n => n["environment"] = null), "environment" },
        { Sample(p => p.Environment = new Dictionary<string, string> { ["RDMAV_DRIVERS"] = null! }), "environment.RDMAV_DRIVERS" },
        { Json(n => n["excluded"] = null), "excluded" },
        { Sample(p => p.Excluded = new Dictionary<string, string> { ["x"] = null! }), "excluded.x" },
        { Sample(p => p.Warnings = [null!]), "warnings[0]" },
        { Json(n => (n["verdict"], n["reason"]) = ("Refuse", null)), "reason" },
        { Json(n => n["node"] = null), "node" },
        { Sample(p => p.ImageDigest = "sha256:../../etc"), "imageDigest" },
        { Sample(p => p.Verdict = (FabricRung)77), "verdict" },
        { Json(n => n["devices"]![0]!["tried"] = null), "devices[0].tried" },
        { Sample(p => p.Devices[0].Tried = [null!]), "devices[0].tried[0]" },
        { Json(n => n["devices"]![0]!["device"]!["deviceNodes"] = null), "devices[0].device.deviceNodes" },
        { Json(n => n["devices"]![0]!["device"]!["ports"]![0] = null), "devices[0].device.ports[0]" },
        { Json(n => n["devices"]![0]!["device"]!["netDevices"] = null), "devices[0].device.netDevices" },
        { Json(n => n["devices"]![0]!["device"] = null), "devices[0].device" },
        { Json(n => n["devices"]![0]!["reason"] = null), "devices[0].reason" },
        { Json(n => n["devices"]![0]!.AsObject().Remove("rung")), "x.json:" },
        { Json(n => n["devices"]![0]!["device"]!["name"] = null), "devices[0].device.name" },
        { Json(n => n["binds"]![0]!["source"] = null), "binds[0].source" },
        { Json(n => n["binds"]![0]!.AsObject().Remove("destination")), "binds[0].destination" },
        { Sample(p => p.Warnings = [.. Enumerable.Repeat("x", 10_000)]), "more than 4096" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void MalformedPlans(string text, string place) => AssertBad(text, place);

    [Fact]
    public void PlansThatAreNoText()
    {
        foreach (byte[] text in new byte[][] { [0xff, 0xfe, .. "{}"u8], [0xef, 0xbb, 0xbf, .. "{}"u8],
            [.. "{\"schemaVersion\":2,\"node\":\""u8, 0xff, .. "\"}"u8], [0] })
            Assert.StartsWith("/x.json", Assert.Throws<SlipwayException>(() => Check(text)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("LD_PRELOAD", "/tmp/evil.so")]
    [InlineData("PATH", "/tmp/evilbin")]
    [InlineData("LD_AUDIT", "/.slipway/fabric/lib")]
    [InlineData("UCX_MODULE_DIR", "/.slipway/fabric/lib/ucx")]
    [InlineData("ld_library_path", "/.slipway/fabric/lib")]
    [InlineData("", "x")]
    [InlineData("LD_LIBRARY_PATH", "/tmp/evil")]
    [InlineData("LD_LIBRARY_PATH", "/.slipway/fabric/lib:/tmp/evil")]
    [InlineData("LD_LIBRARY_PATH", "/.slipway/fabric/lib/../../../tmp/evil")]
    [InlineData("LD_LIBRARY_PATH", "")]
    [InlineData("LD_LIBRARY_PATH", "/.slipway/fabric/lib\0")]
    [InlineData("RDMAV_DRIVERS", "/tmp/evil")]
    [InlineData("RDMAV_DRIVERS", "mlx5")]
    [InlineData("RDMAV_DRIVERS", "/.slipway/fabric/libibverbs/libmlx5:/tmp/libevil")]
    [InlineData("RDMAV_DRIVERS", "/.slipway/fabric/libibverbs/lib/../../../../tmp/libevil")]
    [InlineData("FI_PROVIDER_PATH", "/tmp/evil")]
    [InlineData("FI_PROVIDER_PATH", "/.slipway/fabric/libfabric:")]
    [InlineData("FI_PROVIDER_PATH", "/usr/lib/../../tmp/libfabric")]
    [InlineData("FI_PROVIDER_PATH", "+/tmp/libfabric")]
    [InlineData("FI_PROVIDER_PATH", "libfabric")]
    public void OnlyVariablesThatPlanningGives(string name, string value) =>
        AssertBad(Sample(p => p.Environment = new Dictionary<string, string> { [name] = value }), "environment.", own: true);

    [Theory]
    [InlineData("/etc")]
    [InlineData("/bin")]
    [InlineData("/")]
    [InlineData("/.slipway/fabric")]
    [InlineData("/.slipway/fabric/lib")]
    [InlineData("/.slipway/fabric/lib/")]
    [InlineData("/.slipway/fabric/lib/../../../etc/passwd")]
    [InlineData("/.slipway/fabric/library/x")]
    [InlineData("/.slipway/image.json")]
    [InlineData("/.slipway/fabric/lib//x")]
    [InlineData("/.slipway/fabric/lib/./x")]
    [InlineData("/.slipway/fabric/lib/a\0b")]
    [InlineData(".slipway/fabric/lib/x")]
    [InlineData("")]
    [InlineData("/.slipway/fabric/lib/a\nb")]
    public void OnlyPlacesOfOurOwn(string destination) =>
        AssertBad(Sample(p => p.Binds = [new FabricBind(PlanSample.Library, destination)]), "binds[0].destination", own: true);

    [Theory]
    [InlineData("/etc/shadow")]
    [InlineData("/tmp/evilbin")]
    [InlineData("/root/.ssh/id_rsa")]
    [InlineData("/usr/lib")]
    [InlineData("/dev/zero")]
    [InlineData("/proc/self/mem")]
    [InlineData("/usr/lib/../../etc/shadow")]
    [InlineData("/usr/library/x")]
    [InlineData("usr/lib/x")]
    [InlineData("")]
    [InlineData("/usr/lib/x\0y")]
    public void OnlyLibrariesOfTheNode(string source) =>
        AssertBad(Sample(p => p.Binds = [new FabricBind(source, FabricPaths.Libraries + "/x")]), "binds[0].source");

    [Fact]
    public void NoPlaceTwice() => AssertBad(Sample(p => p.Binds = [p.Binds[0], p.Binds[0]]), "binds[1].destination");

    [Fact]
    public void WhatTheCallerOwnsOrTheSiteAllows()
    {
        directory.Write("lib/mine.so", "mine");
        string mine = directory.Path + "/lib/mine.so";
        string text = Sample(p => p.Binds = [new FabricBind(mine, FabricPaths.Libraries + "/mine.so")]);
        AssertBad(text, "in none of the node's library directories");
        Assert.Single(Check(Encoding.UTF8.GetBytes(text), own: true).Binds);
        Assert.Single(Check(Encoding.UTF8.GetBytes(text), false, directory.Path + "/lib").Binds);
        AssertBad(text.Replace("mine.so\",", "gone.so\",", StringComparison.Ordinal), "in none of the node's library directories",
            own: true);
        // a link out of an allowed directory leads out of it
        directory.Link("lib/out.so", "/etc/hostname");
        string link = Sample(p => p.Binds = [new FabricBind(directory.Path + "/lib/out.so", FabricPaths.Libraries + "/other.so")]);
        Assert.Throws<SlipwayException>(() => Check(Encoding.UTF8.GetBytes(link), false, directory.Path + "/lib"));
    }

    [Theory]
    [InlineData("/dev/null")]
    [InlineData("/dev/sda")]
    [InlineData("/etc/passwd")]
    [InlineData("/dev/infiniband/../null")]
    [InlineData("/dev/infiniband/uverbs0/../../null")]
    [InlineData("/dev/infiniband/uverbs\0")]
    [InlineData("/dev/infiniband")]
    [InlineData("uverbs0")]
    [InlineData("")]
    public void OnlyDeviceNodesThatPlanningGives(string node)
    {
        AssertBad(Sample(p => p.DeviceNodes = [node]), "deviceNodes[0]", own: true);
        AssertBad(Sample(p => p.HiddenDeviceNodes = ["/dev/infiniband/uverbs1", node]), "hiddenDeviceNodes[1]", own: true);
        AssertBad(Sample(p => p.Devices[0].Device.DeviceNodes = [node]), "devices[0].device.deviceNodes[0]", own: true);
    }

    static readonly string[] Words =
    [
        "null", "[]", "{}", "[null]", "{\"\":null}", "true", "-1", "1e400", "2", "99999999999999999999", "\"\"", "\"\\u0000\"",
        "\"\\ud800\"", "\"/etc/shadow\"", "\"/bin\"", "\"../..\"", "\"LD_PRELOAD\"", "\"PATH\"",
        "\"/dev/null\"", "\"/tmp/x/libfabric\"", "\"Refuse\"", "\"None\"", "77", "\"schemaVersion\"", "\"binds\"", "/..", "[[[[[[[[", ",",
        ":", "\"/.slipway/fabric/lib/../../../etc/passwd\"",
    ];

    /// <summary>An error of ours, or a plan that says what planning gives, and that all who use it can use.</summary>
    [Fact]
    public void MutatedPlans()
    {
        byte[] sample = Encoding.UTF8.GetBytes(PlanSample.Text(null));
        Mutator mutator = new(15, Words);
        FabricPlanRules rules = new("/x.json", own: false, []);
        int taken = 0, refused = 0;
        for (int i = 0; i < 3500; i++)
        {
            byte[] text = mutator.Change(sample);
            try
            {
                if (FabricPlanText.Parse(text, "/x.json", out _) is not { } plan)
                {
                    refused++;
                    continue;
                }
                rules.Check(plan);
                AssertHarmless(plan);
                taken++;
            }
            catch (SlipwayException e)
            {
                Assert.StartsWith("/x.json:", e.Message, StringComparison.Ordinal);
                refused++;
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"change {i}: {e}\n{Encoding.UTF8.GetString(text)}");
            }
        }
        Assert.True(taken > 100 && refused > 1000, $"{taken} taken, {refused} refused");
    }

    static void AssertHarmless(FabricPlan plan)
    {
        Assert.All(plan.Environment.Keys, name => Assert.Contains(name, new[] { "LD_LIBRARY_PATH", "RDMAV_DRIVERS", "FI_PROVIDER_PATH" }));
        Assert.All(plan.Binds, bind =>
        {
            Assert.StartsWith("/.slipway/fabric/lib", bind.Destination, StringComparison.Ordinal);
            Assert.StartsWith("/", bind.Source, StringComparison.Ordinal);
            Assert.Contains("/lib", bind.Source, StringComparison.Ordinal);
            Assert.DoesNotContain("..", bind.Source + bind.Destination, StringComparison.Ordinal);
        });
        Assert.All(plan.DeviceNodes.Concat(plan.HiddenDeviceNodes),
            node => Assert.StartsWith("/dev/infiniband/", node, StringComparison.Ordinal));
        // who uses it does so without a look whether something is there
        FabricAllocation.Restrict(plan, name => name == "SLURM_STEP_NICS" ? "1" : null);
        Assert.NotEmpty(plan.Explain());
        FabricCdi.Of(plan);
        Slipway.Running.HostBinds.Make(Slipway.Running.RunRequest.Parse(["x"]), plan, Slipway.Cache.SiteConfiguration.Read());
        Assert.NotEmpty(FabricPlanRules.ImageDirectories(plan).Append(""));
    }
}
