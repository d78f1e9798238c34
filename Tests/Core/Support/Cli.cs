using System.Diagnostics;
using static Tmds.Linux.LibC;

namespace Slipway.Tests;

/// <summary>
/// The real launcher, run as a user would run it: as the user who runs the tests, or, for root, also as an ordinary user.
/// </summary>
static class Cli
{
    /// <summary>True where the program is the small one, with the full launcher beside it.</summary>
    public static bool HasFront => File.Exists(Program + "-full");

    /// <summary>An ordinary user that `Tests/run.sh` has made; null where the tests themselves run as one.</summary>
    public static string? OtherUser => geteuid() == 0 ? Environment.GetEnvironmentVariable("SLIPWAY_TEST_USER") : null;

    /// <summary>Another ordinary user, who means ill; null likewise.</summary>
    public static string? ThirdUser => geteuid() == 0 ? Environment.GetEnvironmentVariable("SLIPWAY_TEST_USER2") : null;

    /// <summary>For theories: every user that a command can be tried as.</summary>
    public static TheoryData<string> Users => OtherUser is { } other ? ["root", other] : [Environment.UserName];

    /// <summary>This checkout.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>The launcher of this checkout, in a place that every user can read.</summary>
    public static string Program { get; } = Publish();

    static string FindRepository()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Module.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? "/";
    }

    static string Publish()
    {
        string built = Path.Combine(Repository, "out/bin/slipway");
        if (!File.Exists(built))
            return built;
        DirectoryInfo place = Directory.CreateTempSubdirectory("slipway-launcher-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => place.Delete(recursive: true);
        place.UnixFileMode |= UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(built)!, "slipway*"))
            File.Copy(file, Path.Combine(place.FullName, Path.GetFileName(file)));
        // the full launcher alone, as it is where the front cannot be built
        if (Environment.GetEnvironmentVariable("SLIPWAY_TEST_FRONT") == "0" && File.Exists(Path.Combine(place.FullName, "slipway-full")))
            File.Move(Path.Combine(place.FullName, "slipway-full"), Path.Combine(place.FullName, "slipway"), overwrite: true);
        return Path.Combine(place.FullName, "slipway");
    }

    public static Result Run(params string[] arguments) => RunAs(Environment.UserName, arguments);

    public static Result RunAs(string user, params string[] arguments) => Start(user, [Program, .. arguments]).Wait();

    /// <summary>Any command as a user, in that user's home or in <paramref name="directory"/>.</summary>
    /// <param name="hidePid">What /proc hides there of other users' processes (proc(5), hidepid): 1 or 2. Takes root; null is /proc as it
    /// is.</param>
    public static Running Start(string user, IReadOnlyList<string> command, string? directory = null,
        IReadOnlyDictionary<string, string>? environment = null, int? hidePid = null)
    {
        bool other = user != Environment.UserName;
        List<string> all = hidePid is null
            ? [] : ["unshare", "--mount", "sh", "-c", $"mount -t proc -o hidepid={hidePid} proc /proc && exec \"$@\"", "sh"];
        if (other)
            all.AddRange(["runuser", "-u", user, "--"]);
        // where the tests run in the background, SIGINT is ignored, and would stay so in what they start
        all.AddRange(["env", "--default-signal", "-u", "XDG_RUNTIME_DIR", "-u", "XDG_CACHE_HOME"]);
        if (other)
            all.Add("HOME=/home/" + user);
        all.Add("USER=" + user);
        all.AddRange((environment ?? new Dictionary<string, string>()).Select(pair => $"{pair.Key}={pair.Value}"));
        all.AddRange(command);
        ProcessStartInfo start = new(all[0], all.Skip(1))
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
            WorkingDirectory = directory ?? (other ? "/home/" + user : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)),
        };
        return new Running(Process.Start(start)!);
    }

    public sealed record Result(int ExitCode, string Output, string Error);

    public sealed class Running
    {
        readonly Task<string> output, error;

        public Running(Process process)
        {
            Process = process;
            process.StandardInput.Close();
            output = process.StandardOutput.ReadToEndAsync();
            error = process.StandardError.ReadToEndAsync();
        }

        public Process Process { get; }

        public Result Wait(int seconds = 240)
        {
            // second by second: a machine that sleeps meanwhile is no reason
            bool ended = false;
            for (int i = 0; i < seconds && !ended; i++)
                ended = Process.WaitForExit(1000);
            if (!ended)
            {
                Process.Kill(entireProcessTree: true);
                // who has inherited its output may live on
                string said = Task.WaitAll([output, error], 5000) ? output.Result + error.Result : "";
                throw new TimeoutException($"{Process.StartInfo.FileName} {string.Join(' ', Process.StartInfo.ArgumentList)} "
                    + $"took more than {seconds} s; it said: {said}");
            }
            return new Result(Process.ExitCode, output.Result, error.Result);
        }
    }
}
