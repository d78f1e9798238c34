using System.Text;
using System.Text.Json;
using Slipway.Linux;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// Names and texts of images, nodes and users that would obey a terminal: shown as <c>\x1b</c> wherever they are told, and untouched in
/// JSON.
/// </summary>
public sealed class HostileNamesTests
{
    /// <summary>Sets a terminal's title, turns the writing round, begins a line of its own, and a control of one byte in Latin-1.</summary>
    const string Evil = "a\u001b]0;owned\u0007\u202e\u009bb";

    const string Shown = "a\\x1b]0;owned\\x07\\u202e\\x9bb";

    static void AssertShown(Cli.Result result, string what, string shown = Shown)
    {
        string said = result.Output + result.Error;
        Assert.DoesNotContain(said, c => (char.IsControl(c) && c is not ('\n' or '\t')) || c == '\u202e');
        Assert.True(said.Contains(shown, StringComparison.Ordinal), $"{what}: {said}");
    }

    public static TheoryData<string> Users => Cli.Users;

    /// <summary>An image whose texts are all hostile, and that its programs cannot be used.</summary>
    static string Image(string path) => TinyImage.Make(path, root =>
    {
        Directory.CreateDirectory(root + "/usr/lib");
        File.WriteAllText(root + "/usr/lib/os-release", $"ID=x\nPRETTY_NAME=\"{Evil}\"\n");
        string script = root + "/bin/script";
        File.WriteAllText(script, $"#!/bin/{Evil}\n");
        File.SetUnixFileMode(script, (UnixFileMode)0x1ed);
        File.WriteAllBytes(root + "/bin/elf", new ElfBuilder { Interpreter = "/lib/" + Evil, Needed = ["lib" + Evil] }.Build());
        File.SetUnixFileMode(root + "/bin/elf", (UnixFileMode)0x1ed);
        Directory.CreateDirectory(root + "/ch");
        File.WriteAllText(root + "/ch/environment", $"EVIL={Evil}\n");
    });

    [NeedsTheory(Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "unsquashfs", "squashfuse_ll"), MemberData(nameof(Users))]
    public void AreShownAndNotObeyed(string user)
    {
        using RunSite site = new(user);
        string image = Image(site.Scratch + "/image.sqfs"), named = $"{site.Scratch}/{Evil}.sqfs";
        File.Copy(image, named);
        Cli.Result Launcher(params string[] arguments) =>
            site.Start([Cli.Program, .. arguments], new Dictionary<string, string> { ["XDG_CACHE_HOME"] = site.Scratch }, site.Scratch)
            .Wait(60);

        // of the image
        AssertShown(Launcher("inspect", image), "os-release");
        AssertShown(Launcher("compare", image), "interpreter and library", "/lib/" + Shown);
        AssertShown(Launcher("run", "--explain", "--job", "x", image, "--", "true"), "a variable of the image", "EVIL=" + Shown);
        AssertShown(Launcher("deps", "--root", Unpacked(site, image), "/bin/script"), "an interpreter that is not there");
        // of the user
        AssertShown(Launcher("inspect", named), "the image's own path", Shown + ".sqfs\n");
        AssertShown(Launcher("inspect", named + ".no"), "an image that is not there");
        AssertShown(Launcher("run", named + ".no", "--", "true"), "an image that is not there");
        AssertShown(Launcher("run", "--job", "y", image, "--", Evil), "a command, by the front", Cli.HasFront
            ? "a\\x1b]0;owned\\x07\\xe2\\x80\\xae\\xc2\\x9bb" : Shown);
        AssertShown(Launcher("run", "--explain", "--job", "z", "--env", "A=" + Evil, image, "--", "true"), "--env", "A=" + Shown);
        AssertShown(Launcher("mpi", "--plan-only", "-n", "1", "--env", "A=" + Evil, image, "--", "true"), "a plan");
        AssertShown(Launcher(Evil), "a verb that is none");
        AssertShown(Launcher("inspect", image, Evil), "an argument that is none");
        AssertShown(Launcher("publish", image, "--node", Evil), "a node's name");
        AssertShown(Launcher("cache", "remove", "sha256:" + Evil), "a digest");
        AssertShown(Launcher("build", $"{Evil}.yaml"), "a definition that is not there");
        // of a definition
        File.WriteAllText(site.Scratch + "/x.yaml", "from: empty\n\"a\\e]0;owned\\a\\u202e\\x9bb\": 1\n");
        AssertShown(Launcher("build", site.Scratch + "/x.yaml"), "a key");
        File.WriteAllText(site.Scratch + "/y.yaml",
            "from: empty\nrun: \"${a\\e]0;owned\\a\\u202e\\x9bb}\"\nlabels: {a: \"${a\\e]0;owned\\a\\u202e\\x9bb}\"}\nfiles: [{from: "
            + "\"a\\e]0;owned\\a\\u202e\\x9bb\", to: /x}]\n");
        AssertShown(Launcher("build", site.Scratch + "/y.yaml"), "a file");
        // a line break is no line of ours
        AssertShown(Launcher("inspect", "x\nslipway: all is well"), "a name of two lines", "x\\nslipway: all is well");
        site.AssertNothingLeft();
    }

    static string Unpacked(RunSite site, string image)
    {
        Assert.Equal(0, HostProgram.Run("unsquashfs", ["-quiet", "-no-progress", "-dest", site.Scratch + "/root", image], _ => { },
            _ => { }));
        return site.Scratch + "/root";
    }

    /// <summary>Whoever reads JSON gets what there is.</summary>
    [NeedsFact(Needs.Launcher, "busybox", "mksquashfs", "unsquashfs")]
    public void JsonIsClean()
    {
        using RunSite site = new();
        string image = Image(site.Scratch + "/image.sqfs");
        Cli.Result inspect = Cli.Run("inspect", "--json", image), compare = Cli.Run("compare", "--json", image);
        Assert.DoesNotContain(inspect.Output + compare.Output, c => char.IsControl(c) && c != '\n');
        Assert.Equal(Evil, JsonDocument.Parse(inspect.Output).RootElement.GetProperty("distribution").GetProperty("prettyName")
            .GetString());
        Assert.Contains(compare.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            l => JsonDocument.Parse(l).RootElement.GetProperty("name").GetString() == "/lib/" + Evil);
    }

    /// <summary>What a rank writes is its own.</summary>
    [NeedsFact(Needs.Launcher, Needs.Fuse, "busybox", "mksquashfs", "squashfuse_ll")]
    public void ARanksOwnOutputIsPassedAsItIs()
    {
        using RunSite site = new();
        Assert.Equal(Evil + "\n", site.Run(TinyImage.File, "--", "/bin/echo", Evil).Output);
        site.AssertNothingLeft();
    }

    /// <summary>The log of a build has what its programs wrote, for a person to read.</summary>
    [NeedsFact(Needs.Launcher, "busybox", "mksquashfs", "newuidmap")]
    public void TheLogOfABuildIsShownToo()
    {
        using RunSite site = new();
        File.Copy(HostProgram.Find("busybox"), site.Scratch + "/sh");
        File.WriteAllText(site.Scratch + "/x.yaml",
            "from: empty\nfiles: [{from: ./sh, to: /bin/sh}]\nrun: \"printf '\\\\033]0;owned\\\\007'; echo; exit 3\"\n");
        Cli.Result result = Cli.Run("build", site.Scratch + "/x.yaml", "-o", site.Scratch + "/x.sqfs", "--no-step-cache");
        Assert.Equal(1, result.ExitCode);
        string log = result.Error[(result.Error.LastIndexOf(": /", StringComparison.Ordinal) + 2)..].Trim();
        string text = File.ReadAllText(log);
        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
        Assert.Contains("\\x1b]0;owned\\x07", text, StringComparison.Ordinal);
        Assert.DoesNotContain(result.Error, c => char.IsControl(c) && c != '\n');
        Assert.Equal(Encoding.UTF8.GetByteCount(text), new FileInfo(log).Length);
    }
}
