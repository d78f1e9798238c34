using System.Diagnostics;
using Slipway.Shared;

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

    /// <summary>
    /// Absolute path of a program on PATH (then in the sbin directories, which users' PATHs often lack); null where there is none.
    /// </summary>
    public static unsafe string? TryFind(string name)
    {
        if (name.Contains('/'))
            return access(name, X_OK) == 0 ? Path.GetFullPath(name) : null;
        Text file = default;
        bool found;
        byte[]? path = Environment.GetEnvironmentVariable("PATH") is { } set ? CString(set) : null;
        fixed (byte* directories = path, wanted = CString(name))
            found = ProgramPath.TryFind(ref file, directories, wanted);
        string at = file.Take();
        return found ? at : null;
    }

    /// <summary>Absolute path of a program.</summary>
    /// <exception cref="SlipwayException">It is not installed; the error names the package that has it.</exception>
    public static string Find(string name) => TryFind(name)
        ?? throw LinuxErrors.ProgramNotFound(name, Packages.TryGetValue(name, out (string Deb, string Rpm) package) ? package : null);

    /// <summary>Runs a program to its end and returns its exit code; 128 + N where signal N ended it.</summary>
    /// <param name="file">A program's name or path.</param>
    /// <param name="arguments">Passed as they are; no shell reads them.</param>
    /// <param name="output">Gets each line of standard output; null leaves it where ours goes.</param>
    /// <param name="error">Gets each line of standard error; null leaves it where ours goes.</param>
    /// <param name="environment">Changes to our environment; null removes a variable.</param>
    /// <param name="holdInput">Keeps the program's standard input open until it ends or <paramref name="cancel"/> comes; else it reads
    /// nothing, or, where neither stream is taken, what we read.</param>
    /// <param name="grace">How long the program may clean up after its input was closed (or, without <paramref name="holdInput"/>, after
    /// SIGTERM), before it is killed with all its children.</param>
    /// <param name="cancel">Ends the program.</param>
    /// <exception cref="SlipwayException">The program is not there or cannot be started.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and has ended.</exception>
    public static int Run(string file, IEnumerable<string> arguments, Action<string>? output = null, Action<string>? error = null,
        IReadOnlyDictionary<string, string?>? environment = null, string? directory = null, bool holdInput = false,
        TimeSpan grace = default, CancellationToken cancel = default)
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

        using Process process = Started(start);
        object gate = new();
        List<Thread> readers = [];
        Exception? thrown = null;
        // threads of our own: .NET's asynchronous way starts several, and ends the program by itself where one of them is not to be had
        void Read(StreamReader from, Action<string> to)
        {
            Thread reader = new(() =>
            {
                try
                {
                    while (from.ReadLine() is { } line)
                        lock (gate)
                            to(line);
                }
                catch (Exception e)
                {
                    thrown ??= e;
                    End(process, false, default);
                }
            }, 256 << 10)
            { IsBackground = true };
            reader.Start();
            readers.Add(reader);
        }
        try
        {
            if (output is not null)
                Read(process.StandardOutput, output);
            if (error is not null)
                Read(process.StandardError, error);
            if (start.RedirectStandardInput && !holdInput)
                process.StandardInput.Close();
            using (cancel.Register(() => End(process, holdInput, grace)))
            {
                process.WaitForExit();
                readers.ForEach(r => r.Join());
            }
        }
        catch
        {
            End(process, false, default);
            throw;
        }
        cancel.ThrowIfCancellationRequested();
        if (thrown is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(thrown);
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
    /// <remarks>For short answers: more than <see cref="OpenedFile.Small"/> bytes are an error.</remarks>
    /// <exception cref="SlipwayException">The answer is longer, or the program cannot be started.</exception>
    public static string? Read(string file, params string[] arguments)
    {
        if (TryFind(file) is not { } path)
            return null;
        string text = "";
        (int exit, _) = Stream(path, arguments, output =>
        {
            using StreamReader reader = new(new BoundedStream(output, OpenedFile.Small,
                () => LinuxErrors.OutputTooLarge(path, arguments, OpenedFile.Small)));
            text = reader.ReadToEnd();
        });
        return exit == 0 ? text.TrimEnd('\n') : null;
    }

    /// <summary>Bytes of a program's standard error that are kept for an error message.</summary>
    const int MostSaid = 4096;

    /// <summary>Runs a program, and hands its standard output on as it comes.</summary>
    /// <param name="take">Reads to the end. What it throws ends the program, and is thrown on.</param>
    /// <returns>Its exit code, 128 + N where signal N ended it; and the beginning of what it said on standard error.</returns>
    /// <exception cref="SlipwayException">The program is not there or cannot be started.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and has ended.</exception>
    public static (int ExitCode, string Said) Stream(
        string file, IEnumerable<string> arguments, Action<Stream> take, CancellationToken cancel = default)
    {
        cancel.ThrowIfCancellationRequested();
        using Process process = Started(
            new ProcessStartInfo(Find(file), arguments) { RedirectStandardOutput = true, RedirectStandardError = true,
                RedirectStandardInput = true });
        try
        {
            process.StandardInput.Close();
            // made here: where memory has run out, nobody catches what a thread of its own throws
            byte[] first = new byte[MostSaid], rest = new byte[MostSaid];
            Stream errors = process.StandardError.BaseStream;
            int length = 0;
            Thread listener = new(() => length = FirstOf(errors, first, rest), 256 << 10) { IsBackground = true };
            listener.Start();
            using (cancel.Register(() => End(process, false, default)))
            {
                take(process.StandardOutput.BaseStream);
                process.WaitForExit();
            }
            listener.Join();
            cancel.ThrowIfCancellationRequested();
            return (process.ExitCode, System.Text.Encoding.UTF8.GetString(first, 0, length).TrimEnd('\n'));
        }
        catch
        {
            End(process, false, default);
            cancel.ThrowIfCancellationRequested();
            throw;
        }
    }

    /// <summary>The beginning of a stream that is read to its end, so that who writes it does not wait.</summary>
    /// <returns>How many bytes of it are in <paramref name="first"/>.</returns>
    static int FirstOf(Stream stream, byte[] first, byte[] rest)
    {
        int length = 0;
        try
        {
            length = stream.ReadAtLeast(first, first.Length, throwOnEndOfStream: false);
            while (stream.Read(rest) > 0)
                continue;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // it was ended
        }
        return length;
    }

    static Process Started(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw LinuxErrors.ProgramNotStarted(start.FileName, e);
        }
    }
}
