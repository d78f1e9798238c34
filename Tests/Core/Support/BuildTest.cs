using System.Text.Json;
using Slipway.Linux;

namespace Slipway.Tests;

/// <summary>What tests of real builds share: a directory that any user may write to, and the launcher run in it.</summary>
public abstract class BuildTest : IDisposable
{
    internal readonly TemporaryDirectory directory = new();
    private protected readonly HashSet<string> written = ["cache", "tmp"];

    protected BuildTest()
    {
        // so that an ordinary user may write the image there
        new DirectoryInfo(directory.Path).UnixFileMode = (UnixFileMode)0x1ff;
        foreach (string name in new[] { "tmp", "cache" })
            Directory.CreateDirectory(In(name)).UnixFileMode = (UnixFileMode)0x1ff;
    }

    public void Dispose()
    {
        directory.Dispose();
        GC.SuppressFinalize(this);
    }

    public static TheoryData<string> Users => Cli.Users;

    protected string In(string name) => Path.Combine(directory.Path, name);

    /// <summary>A name that the test itself puts there.</summary>
    protected string Mine(string name)
    {
        written.Add(name);
        return In(name);
    }

    protected internal string Write(string name, string text)
    {
        directory.Write(name, text);
        written.Add(name.Split('/')[0]);
        return In(name);
    }

    /// <summary>Every package and step is this test's own: nothing comes from what an earlier one has kept.</summary>
    internal Cli.Running Start(string user, string definition, string image, params string[] more) =>
        Cli.Start(user, [Cli.Program, "build", definition, "-o", In(image), .. more.Contains("--package-cache") ? Array.Empty<string>()
            : ["--package-cache", In("cache/" + user)], .. more], directory.Path,
            new Dictionary<string, string> { ["TMPDIR"] = In("tmp"), ["SLIPWAY_STEP_CACHE_BYTES"] = "0" });

    internal Cli.Result Build(string definition, string image = "x.sqfs", params string[] more) =>
        Start(Environment.UserName, definition, image, more).Wait();

    /// <summary>Builds, and gives the image's description.</summary>
    internal JsonElement Built(string user, string definition, string image = "x.sqfs", params string[] more)
    {
        Cli.Result result = Start(user, definition, image, [.. more, "--json"]).Wait();
        Assert.True(result.ExitCode == 0, result.Error);
        written.Add(image);
        JsonElement found = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal(Digest.OfFile(In(image)), found.GetProperty("digest").GetString());
        return found;
    }

    internal string DigestOf(string user, string definition, string image = "x.sqfs", params string[] more) =>
        Built(user, definition, image, more).GetProperty("digest").GetString()!;

    internal string Cat(string image, string path) => Cli.Start(Environment.UserName, ["unsquashfs", "-cat", In(image), path])
        .Wait().Output;

    /// <summary>Refused with this, and nothing is left but what the test itself put there.</summary>
    internal void AssertRefused(Cli.Result result, params string[] says)
    {
        Assert.NotEqual(0, result.ExitCode);
        foreach (string part in says)
            Assert.Contains(part, result.Error, StringComparison.Ordinal);
        AssertNothingLeft();
    }

    internal void AssertNothingLeft(params string[] except)
    {
        Assert.Empty(Directory.GetFileSystemEntries(directory.Path).Select(p => Path.GetFileName(p)!).Except([.. written, .. except]));
        Assert.Empty(Directory.GetFileSystemEntries(In("tmp")));
    }
}
