using System.Text;
using System.Text.Json;
using Slipway.Fabric;
using Slipway.Images;
using Slipway.Launching;

namespace Slipway.Tests.Images;

/// <summary>
/// 3,500 manifests that nobody wrote so: an error of ours that names the image, or a manifest that everything that reads one can use.
/// </summary>
public sealed class ManifestReaderTests
{
    static readonly string[] Pieces =
    [
        "null", "[]", "{}", "[null]", "\"\"", "0", "-1", "1e999", "99999999999999999999", "true", ",", ":", "{", "}", "[", "]", "\"", "\\",
        "\\ud800", "\\u0000", "\0", "\u001b[31m", "\u202e", "NaN",
        "\"schemaVersion\":2,", "\"packages\":null,", "\"environment\":{\"A\":null},", "\"labels\":[],", "\"fabric\":{},",
        "\"fabric\":{\"schemaVersion\":3,\"mpi\":[{}]},", "\"sources\":[{}],", "\"dependencies\":[{\"rule\":\"x\"}],",
        "\"distribution\":{},",
    ];

    static string Whole()
    {
        using ImageTree tree = new("debian", "12", "2.36");
        tree.Verbs(34, "44.0").Provider("rxe", 34);
        return JsonSerializer.Serialize(new ImageManifest
        {
            Name = "app", Architecture = "x86_64", Distribution = new ImageDistribution("debian", "12", "Debian"), From = "deb",
            Definition = "from: deb\nsuite: bookworm\n", SourceDateEpoch = 1,
            Packages = [new ImagePackage("a", "1", "amd64"), new ImagePackage("b", "2", "amd64")],
            Sources =
                [new LockedSource { From = "deb", Repositories = [new LockedRepository { Name = "main", Keys = ["k"] }],
                    Packages = [new LockedPackage { Name = "a", Urls = ["https://h/a"] }] }],
            Variables = new Dictionary<string, string> { ["v"] = "1" },
            Environment = new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = "/opt/lib:/x" },
            Labels = new Dictionary<string, string> { ["l"] = "x" },
            Dependencies = [new DependencyReason("loader", null, "why", ["/a"])],
            Problems = [new DependencyProblem(DependencySeverity.Note, "/a", "rule", "message")], Runscript = "exec a",
            Fabric = tree.Read(),
        }, ObjectsJson.Default.ImageManifest);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void AnErrorOfOursOrAManifestThatCanBeUsed(int seed)
    {
        byte[] whole = Encoding.UTF8.GetBytes(Whole());
        Mutator mutator = new(seed, Pieces);
        int refused = 0;
        for (int i = 0; i < 700; i++)
        {
            byte[] bytes = mutator.Change(whole);
            try
            {
                Use(ManifestReader.Read(new MemoryStream(bytes), "x.sqfs"));
            }
            catch (SlipwayException e)
            {
                Assert.Contains(e.Id, (string[])["ManifestInvalid", "ManifestTooNew"]);
                Assert.StartsWith("x.sqfs: /.slipway/image.json", e.Message, StringComparison.Ordinal);
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, number {i}: {e}\n{Encoding.UTF8.GetString(bytes)}");
            }
        }
        // most are refused; some are still manifests
        Assert.InRange(refused, 350, 690);
    }

    /// <summary>What inspect, fabric, publish and mpi do with one.</summary>
    static void Use(ImageManifest manifest)
    {
        ContainerImage image = new() { Path = "/x.sqfs", Digest = "sha256:" + new string('0', 64), Size = 1, Manifest = manifest,
            Distribution = manifest.Distribution };
        Assert.NotNull(JsonSerializer.Serialize(image, ObjectsJson.Compact.ContainerImage) + image.Name);
        if (manifest.Fabric is { SchemaVersion: ImageFabric.CurrentSchema } fabric)
        {
            Assert.NotNull(Compatibility.Judge(new ImageMpiFacts(fabric, fabric.Mpi, ""), LauncherTable.BuiltIn.Launchers[0], "1.0"));
            Assert.NotNull(FabricPlanner.Plan(image, Inventory.Value, new FabricRequest { Root = Node.Value.Root }));
        }
        _ = manifest.Environment.TryGetValue("LD_LIBRARY_PATH", out string? path) ? path.Split(':') : [];
        Assert.All(manifest.Packages, p => Assert.NotNull(p.Name + p.Version + p.Architecture));
        Assert.All(manifest.Sources, s => Assert.All(s.Packages, p => Assert.NotNull(p.Urls)));
    }

    static readonly Lazy<NodeTree> Node = new(() => new NodeTree().Rxe());
    static readonly Lazy<FabricInventory> Inventory = new(() => Node.Value.Read());

    [Theory]
    [InlineData("""{"packages":[null]}""", "a list in it holds null")]
    [InlineData("""{"packages":[{}]}""", "a package lacks a name")]
    [InlineData("""{"labels":{"a":null}}""", "a variable or label lacks a name")]
    [InlineData("""{"packages":null}""", "packages")]
    [InlineData("""{"fabric":{"providers":[{"name":"x"}]}}""", "a provider lacks")]
    [InlineData("null", "'null' is no manifest")]
    [InlineData("", "JSON")]
    [InlineData("[[[[", "JSON")]
    public void WhatAManifestMayNotLackIsNamed(string json, string says)
    {
        SlipwayException e = Assert.Throws<SlipwayException>(() =>
            ManifestReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(json)), "x.sqfs"));
        Assert.Equal("ManifestInvalid", e.Id);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    /// <summary>A compressed kilobyte is enough for each of these.</summary>
    [Theory]
    [InlineData("""{"packages":[""", "{},", "it has more than 100000 objects")]
    [InlineData("""{"drivers":[""", "[],", "it has more than 200000 lists")]
    [InlineData("""{"labels":{"a":"","b":[""", "1,", "it has more than 1000000 values")]
    [InlineData("{\"runscript\":\"", "aaaaaaaaaaaaaaaa", "a text in it has more than 4194304 bytes")]
    [InlineData("", "[", "it is nested more than 64 deep")]
    [InlineData("", "                                ", "has more than 33554432 bytes")]
    [InlineData("\0", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "'0x00'")]
    public void NoManifestTakesMoreThanALimitedAmountOfMemory(string begin, string again, string says)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        SlipwayException e = Assert.Throws<SlipwayException>(() => ManifestReader.Read(new Repeated(begin, again, 500_000_000), "x.sqfs"));
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000_000);
    }

    /// <summary>A text, and then another over and over.</summary>
    sealed class Repeated(string begin, string again, long length) : MemoryStream
    {
        readonly byte[] begins = Encoding.UTF8.GetBytes(begin), repeats = Encoding.UTF8.GetBytes(again);
        long at;

        public override int Read(Span<byte> buffer)
        {
            int n = (int)Math.Min(buffer.Length, length - at);
            for (int i = 0; i < n; i++, at++)
                buffer[i] = at < begins.Length ? begins[at] : repeats[(at - begins.Length) % repeats.Length];
            return n;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    }
}
