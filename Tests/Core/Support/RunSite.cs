using System.Globalization;
using Slipway.Linux;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests;

/// <summary>
/// A runtime directory for one test and one user, so that what a test leaves behind is told from what others do beside it.
/// </summary>
sealed class RunSite : IDisposable
{
    readonly DirectoryInfo directory;

    /// <param name="below">Where; by default the system's temporary directory.</param>
    public RunSite(string? user = null, string? below = null)
    {
        User = user ?? Environment.UserName;
        directory = below is null ? Directory.CreateTempSubdirectory("slipway-run-")
            : Directory.CreateDirectory(System.IO.Path.Combine(below, "slipway-run-" + Guid.NewGuid().ToString("n")[..8]));
        Grant(directory.FullName, "755", "");
        Runtime = System.IO.Path.Combine(directory.FullName, "run");
        Directory.CreateDirectory(Runtime);
        Grant(Runtime, "700", User);
        Scratch = System.IO.Path.Combine(directory.FullName, "scratch");
        Directory.CreateDirectory(Scratch);
        Grant(Scratch, "755", User);
    }

    public string User { get; }

    /// <summary>For what is started here: proc(5), hidepid; null is /proc as it is.</summary>
    public int? HidePid { get; init; }

    /// <summary>XDG_RUNTIME_DIR.</summary>
    public string Runtime { get; }

    /// <summary>The user may write here, all may read.</summary>
    public string Scratch { get; }

    /// <summary>As a user would see it: an ordinary one where there is one.</summary>
    public static string Ordinary => Cli.OtherUser ?? Environment.UserName;

    static void Grant(string path, string mode, string user)
    {
        Assert.Equal(0, HostProgram.Run("chmod", [mode, path]));
        if (user.Length > 0 && user != Environment.UserName)
            Assert.Equal(0, HostProgram.Run("chown", [user, path]));
    }

    /// <summary>Any command with this runtime directory.</summary>
    public Cli.Running Start(IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment = null, string? cwd = null)
    {
        Dictionary<string, string> all = new(environment ?? new Dictionary<string, string>()) { ["XDG_RUNTIME_DIR"] = Runtime };
        return Cli.Start(User, command, cwd, all, HidePid);
    }

    public Cli.Running StartRun(params string[] arguments) => Start([Cli.Program, "run", .. arguments]);

    public Cli.Result Run(params string[] arguments) => StartRun(arguments).Wait(60);

    /// <summary>A script by the host's shell; <c>$1</c> is the launcher, then <paramref name="arguments"/>.</summary>
    public Cli.Result Script(string script, params string[] arguments) =>
        Start(["/bin/sh", "-c", script, "sh", Cli.Program, .. arguments]).Wait(240);

    /// <summary>
    /// Processes that belong to this runtime directory: holders by their arguments, servers and ranks by their environment. Zombies are
    /// nobody's.
    /// </summary>
    public IReadOnlyList<(int Pid, string Name)> Processes()
    {
        List<(int, string)> found = [];
        foreach (string path in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(System.IO.Path.GetFileName(path), CultureInfo.InvariantCulture, out int pid))
                try
                {
                    string stat = File.ReadAllText(path + "/stat");
                    string name = stat[(stat.IndexOf('(', StringComparison.Ordinal) + 1)..stat.LastIndexOf(')')];
                    if (stat[(stat.LastIndexOf(')') + 2)..].StartsWith('Z'))
                        continue;
                    string text = File.ReadAllText(path + "/cmdline") + "\0"
                        + (access(path + "/environ", R_OK) == 0 ? File.ReadAllText(path + "/environ") : "");
                    if (text.Contains(Runtime, StringComparison.Ordinal) && name is not ("runuser" or "env"))
                        found.Add((pid, name));
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // it has ended meanwhile, or is not ours to look at
                }
        return found;
    }

    public IEnumerable<int> Pids(string name) => Processes().Where(p => p.Name == name).Select(p => p.Pid);

    public int Holder => Assert.Single(Pids("slipway-holder"));

    /// <summary>Everything of the containers goes within a second of the last rank; a loaded machine gets ten.</summary>
    public void AssertNothingLeft()
    {
        string Left() => string.Join(", ", Processes().Select(p => $"{p.Name} {p.Pid}")
            .Concat(Directory.EnumerateFileSystemEntries(Runtime)));
        for (int i = 0; i < 100 && Left().Length > 0; i++)
            Thread.Sleep(100);
        Assert.Equal("", Left());
        Assert.DoesNotContain(directory.FullName, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    public static void WaitUntil(Func<bool> condition, string what)
    {
        for (int i = 0; i < 300; i++, Thread.Sleep(50))
            if (condition())
                return;
        Assert.Fail($"not within 15 s: {what}");
    }

    public void Dispose()
    {
        foreach ((int pid, _) in Processes())
            kill(pid, SIGKILL);
        directory.Delete(recursive: true);
    }
}
