using System.Diagnostics;

namespace Slipway.Linux;

/// <summary>The programs of the host that Slipway calls: where they are, which package has them, and how they are run.</summary>
public static class HostProgram
{
    /// <summary>Which package brings a program: Debian family, RPM family.</summary>
    static readonly Dictionary<string, (string Deb, string Rpm)> Packages = new()
    {
        ["mmdebstrap"] = ("mmdebstrap", "mmdebstrap"),
        ["apt-get"] = ("apt", "apt"),
        ["dpkg-deb"] = ("dpkg", "dpkg"),
        ["dnf"] = ("dnf", "dnf"),
        ["rpm"] = ("rpm", "rpm"),
        ["rpmkeys"] = ("rpm", "rpm"),
        ["gpg"] = ("gnupg", "gnupg2"),
        ["curl"] = ("curl", "curl"),
        ["fakeroot"] = ("fakeroot", "fakeroot"),
        ["zstd"] = ("zstd", "zstd"),
        ["xz"] = ("xz-utils", "xz"),
        ["bzip2"] = ("bzip2", "bzip2"),
        ["lz4"] = ("lz4", "lz4"),
        ["lzop"] = ("lzop", "lzop"),
        ["mksquashfs"] = ("squashfs-tools", "squashfs-tools"),
        ["unsquashfs"] = ("squashfs-tools", "squashfs-tools"),
        ["squashfuse_ll"] = ("squashfuse", "squashfuse"),
        ["newuidmap"] = ("uidmap", "shadow-utils"),
        ["unshare"] = ("util-linux", "util-linux"),
        ["nsenter"] = ("util-linux", "util-linux"),
        ["chroot"] = ("coreutils", "coreutils"),
        ["cp"] = ("coreutils", "coreutils"),
        ["sha256sum"] = ("coreutils", "coreutils"),
        ["ldconfig"] = ("libc-bin", "glibc"),
        ["getent"] = ("libc-bin", "glibc-common"),
        ["mpirun"] = ("openmpi-bin", "openmpi"),
        ["mpiexec"] = ("mpich", "mpich"),
        ["srun"] = ("slurm-client", "slurm"),
        ["sbcast"] = ("slurm-client", "slurm"),
        ["sinfo"] = ("slurm-client", "slurm"),
        ["squeue"] = ("slurm-client", "slurm"),
        ["scontrol"] = ("slurm-client", "slurm"),
        ["ssh"] = ("openssh-client", "openssh-clients"),
    };

    /// <summary>Absolute path of a program on PATH (then in the sbin directories, which users' PATHs often lack); null where there is none.</summary>
    public static string? TryFind(string name)
    {
        if (name.Contains('/'))
            return access(name, X_OK) == 0 ? Path.GetFullPath(name) : null;
        foreach (string directory in (Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin").Split(':').Concat(["/usr/sbin", "/sbin"]))
        {
            string path = directory + "/" + name;
            if (directory.StartsWith('/') && access(path, X_OK) == 0 && !Directory.Exists(path))
                return path;
        }
        return null;
    }

    /// <summary>Absolute path of a program.</summary>
    /// <exception cref="SlipwayException">It is not installed; the error names the package that has it.</exception>
    public static string Find(string name) => TryFind(name) ?? throw new SlipwayException("ProgramNotFound", ErrorKind.NotInstalled,
        $"{name}: this program is not on the PATH",
        Packages.TryGetValue(name, out var package) ? $"Install it: apt-get install {package.Deb} (Debian family), dnf install {package.Rpm} (RPM family)." : "Install it, or give its absolute path.",
        name)
    { ExitCode = 127 };

    /// <summary>Runs a program to its end and returns its exit code; 128 + N where signal N ended it.</summary>
    /// <param name="file">A program's name or path.</param>
    /// <param name="arguments">Passed as they are; no shell reads them.</param>
    /// <param name="output">Gets each line of standard output; null leaves it where ours goes.</param>
    /// <param name="error">Gets each line of standard error; null leaves it where ours goes.</param>
    /// <param name="environment">Changes to our environment; null removes a variable.</param>
    /// <param name="holdInput">Keeps the program's standard input open until it ends or <paramref name="cancel"/> comes; else it reads nothing,
    /// or, where neither stream is taken, what we read.</param>
    /// <param name="grace">How long the program may clean up after its input was closed (or, without <paramref name="holdInput"/>, after SIGTERM), before it is killed with all its children.</param>
    /// <param name="cancel">Ends the program.</param>
    /// <exception cref="SlipwayException">The program is not there or cannot be started.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and has ended.</exception>
    public static int Run(string file, IEnumerable<string> arguments, Action<string>? output = null, Action<string>? error = null,
        IReadOnlyDictionary<string, string?>? environment = null, string? directory = null, bool holdInput = false, TimeSpan grace = default, CancellationToken cancel = default)
    {
        cancel.ThrowIfCancellationRequested();
        ProcessStartInfo start = new(Find(file), arguments)
        {
            RedirectStandardOutput = output is not null,
            RedirectStandardError = error is not null,
            RedirectStandardInput = holdInput || output is not null || error is not null,
            UseShellExecute = false,
            WorkingDirectory = directory ?? "",
        };
        foreach ((string name, string? value) in environment ?? new Dictionary<string, string?>())
            start.Environment[name] = value;

        using Process process = new() { StartInfo = start };
        object gate = new();
        if (output is not null)
            process.OutputDataReceived += (_, e) => { if (e.Data is not null) lock (gate) output(e.Data); };
        if (error is not null)
            process.ErrorDataReceived += (_, e) => { if (e.Data is not null) lock (gate) error(e.Data); };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new SlipwayException("ProgramNotStarted", ErrorKind.InvalidOperation, $"{start.FileName}: {e.Message}", null, start.FileName, e);
        }
        if (output is not null)
            process.BeginOutputReadLine();
        if (error is not null)
            process.BeginErrorReadLine();
        if (start.RedirectStandardInput && !holdInput)
            process.StandardInput.Close();

        using (cancel.Register(() => End(process, holdInput, grace)))
            process.WaitForExit();
        cancel.ThrowIfCancellationRequested();
        return process.ExitCode;
    }

    static void End(Process process, bool closeInput, TimeSpan grace)
    {
        try
        {
            if (closeInput)
                process.StandardInput.Close();
            else if (grace != default)
                kill(process.Id, SIGTERM);
            if (grace == default || !process.WaitForExit(grace))
                process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // it has ended by itself in the meantime
        }
    }

    /// <summary>Standard output of a program that is expected to succeed, without its last line feed; null where it did not.</summary>
    public static string? Read(string file, params string[] arguments)
    {
        if (TryFind(file) is not { } path)
            return null;
        List<string> lines = [];
        return Run(path, arguments, lines.Add, _ => { }) == 0 ? string.Join('\n', lines) : null;
    }
}
