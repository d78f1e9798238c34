using System.Text.Json;
using Slipway.Linux;
using static Slipway.Linux.LibC;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// What an image says of itself is a claim: whoever made it wrote it. Nothing of this host is read or run because of it, whoever looks at
/// the image, and whatever they do with it.
/// </summary>
public sealed class ManifestTests : BuildTest
{
    const string Secret = "of the host alone";

    /// <summary>A file that only its owner may read, and a FIFO: who opened that would wait, and be seen.</summary>
    (string Secret, string Trap) Host(string user)
    {
        string secret = Write("secret", Secret), trap = Mine("trap");
        chmod(secret, 0x180);
        mkfifo(trap, 0x1b6);
        if (user != Environment.UserName)
            Assert.Equal(0, HostProgram.Run("chown", [user, secret]));
        return (secret, trap);
    }

    /// <summary>Definitions that would read or run something of whoever builds them.</summary>
    static IEnumerable<string> Hostile(string secret, string trap) =>
    [
        $$"""{"from": "host", "programs": ["sh"], "files": [{"from": "{{secret}}", "to": "/stolen", "mode": "0644"}]}""",
        $$"""{"from": "host", "programs": ["sh", "{{secret}}"]}""",
        $$"""{"from": "host", "files": ["{{secret}}", "{{trap}}"]}""",
        $$"""{"from": "archive", "archive": "{{trap}}"}""",
        $$"""{"from": "image", "image": "{{trap}}"}""",
        $$"""{"from": "empty", "files": [{"from": "{{secret}}", "to": "/stolen"}], "run": ["cat {{secret}} >/stolen"]}""",
        $$"""
        {
          "from": "deb", "suite": "x", "repositories": [{"name": "r", "url": "file://{{trap}}", "key": "{{trap}}"}],
          "run": ["cat {{trap}}"]
        }
        """,
        $$"""{"from": "rpm", "release": "9", "repositories": [{"name": "r", "mirrorlist": "file://{{trap}}", "key": "{{secret}}"}]}""",
        $$"""{"from": "empty", "variables": {"x": "/etc/hostname"}, "files": [{"from": "${x}", "to": "/stolen"}]}""",
    ];

    string Image(string definition, string trap, string name = "hostile.sqfs")
    {
        string image = TinyImage.Make(Mine(name), root =>
        {
            Directory.CreateDirectory(root + "/.slipway");
            File.WriteAllText(root + "/.slipway/image.json", JsonSerializer.Serialize(new ImageManifest
            {
                Name = "../../evil", From = "host", Definition = definition, Runscript = trap,
                Variables = new Dictionary<string, string> { ["x"] = trap }, Labels = new Dictionary<string, string> { ["file"] = trap },
            }, ObjectsJson.Default.ImageManifest));
        });
        if (Cli.ThirdUser is { } third)
            Assert.Equal(0, HostProgram.Run("chown", [third, image]));
        return image;
    }

    /// <summary>A node with a device, so that there would be something to build for.</summary>
    static NodeTree Node() => NodeTree.Of("rxe");

    static void Readable(NodeTree node) => Assert.Equal(0, HostProgram.Run("chmod", ["-R", "a+rX", node.Root]));

    [NeedsTheory(Needs.Launcher, "busybox", "mksquashfs", "unsquashfs"), MemberData(nameof(Users))]
    public void NothingIsBuiltFromAManifest(string user)
    {
        (string secret, string trap) = Host(user);
        using NodeTree node = Node();
        Readable(node);
        foreach (string definition in Hostile(secret, trap))
        {
            string image = Image(definition, trap), before = Digest.OfFile(image);
            Cli.Result result = Cli.Start(user, [Cli.Program, "fabric", image, "--source", "package", "--root", node.Root], directory.Path,
                new Dictionary<string, string> { ["TMPDIR"] = In("tmp") }).Wait(60);
            Assert.Equal(1, result.ExitCode);
            Assert.StartsWith($"slipway: {image}: Slipway needs the image's definition to build it anew", result.Error,
                StringComparison.Ordinal);
            Assert.Contains("--definition FILE (-Definition)", result.Error, StringComparison.Ordinal);
            Assert.Equal(before, Digest.OfFile(image));
            AssertNothingLeft();
        }
    }

    /// <summary>Neighbours: whatever else looks at an image.</summary>
    [NeedsTheory(Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "unsquashfs", "squashfuse_ll"), MemberData(nameof(Users))]
    public void NobodyWhoLooksAtAnImageFollowsIt(string user)
    {
        (string secret, string trap) = Host(user);
        using NodeTree node = Node();
        Readable(node);
        string image = Image(Hostile(secret, trap).First(), trap);
        foreach (string[] verb in new string[][]
        {
            ["inspect", image], ["fabric", image, "--root", node.Root], ["compare", image],
            ["mpi", "--plan-only", "-n", "1", image, "--", "sh"], ["publish", image], ["run", image, "--", "true"],
        })
        {
            Cli.Result result = Cli.Start(user, [Cli.Program, .. verb], directory.Path).Wait(60);
            Assert.DoesNotContain(Secret, result.Output + result.Error, StringComparison.Ordinal);
        }
        Cli.RunAs(user, "cache", "remove", Digest.OfFile(image));
    }

    /// <summary>An image that is built upon another: what the other says it was made from is not made again.</summary>
    [NeedsTheory(Needs.Launcher, "busybox", "mksquashfs", "unsquashfs", "newuidmap"), MemberData(nameof(Users))]
    public void AnImageThatIsBuiltUponIsNotBuilt(string user)
    {
        (string secret, string trap) = Host(user);
        foreach (string definition in Hostile(secret, trap).Take(3))
        {
            string image = Image(definition, trap);
            Built(user,
                Write("d.yaml", $"from: image\nimage: {image}\nfiles: [{{from: ./plain, to: /plain}}]\n".Replace(
                    "./plain", Write("plain", "plain"), StringComparison.Ordinal)));
            Assert.Equal("plain", Cat("x.sqfs", "plain"));
            Assert.Equal("", Cat("x.sqfs", "stolen"));
            File.Delete(In("x.sqfs"));
        }
    }

    /// <summary>The definition that the caller names is built, and its own paths are meant; the manifest's variables are not.</summary>
    [NeedsTheory(Needs.Launcher, "busybox", "mksquashfs", "unsquashfs", "newuidmap", "ibv_devinfo", "/etc/libibverbs.d"),
        MemberData(nameof(Users))]
    public void TheDefinitionThatIsNamedIsBuilt(string user)
    {
        (string secret, string trap) = Host(user);
        using NodeTree node = Node();
        Readable(node);
        string image = Image(Hostile(secret, trap).First(), trap);
        if (user != Environment.UserName)
            Assert.Equal(0, HostProgram.Run("chown", [user, image]));
        Write("plain", "plain");
        string definition = Write("app.yaml",
            "from: host\nprograms: [sh, ibv_devinfo]\nvariables: {x: nothing}\nfiles: [{from: ./plain, to: /plain}]\nlabels: {x: "
            + "\"${x}\"}\n"), text = File.ReadAllText(definition);
        Cli.Result result = Cli.Start(
            user, [Cli.Program, "fabric", "--json", image, "--source", "package", "--definition", definition, "--variable", "x=mine",
                "--root", node.Root], directory.Path,
            new Dictionary<string, string> { ["TMPDIR"] = In("tmp") }).Wait();
        Assert.True(result.ExitCode == 0, result.Error);
        written.Add("hostile.sqfs.fabric.json");
        JsonElement made = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal("Image", made.GetProperty("fabricPlan").GetProperty("verdict").GetString());
        Assert.Equal("mine", made.GetProperty("manifest").GetProperty("labels").GetProperty("x").GetString());
        Assert.Contains("fabric: auto", made.GetProperty("manifest").GetProperty("definition").GetString(), StringComparison.Ordinal);
        Assert.Equal("plain", Cat("hostile.sqfs", "plain"));
        Assert.Equal("", Cat("hostile.sqfs", "stolen"));
        Assert.Equal(text, File.ReadAllText(definition));
        AssertNothingLeft();
    }

    [NeedsFact(Needs.Launcher, "busybox", "mksquashfs", "unsquashfs")]
    public void ADefinitionThatIsNotThereIsNamed()
    {
        using NodeTree node = Node();
        string image = Image("{}", "/trap");
        Cli.Result result = Cli.Run("fabric", image, "--source", "package", "--definition", In("gone.yaml"), "--root", node.Root);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"{In("gone.yaml")}: there is no such definition", result.Error, StringComparison.Ordinal);
    }
}
