using System.Globalization;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary>
/// The variables that an image sets, and the plan's: <c>/ch/environment</c> (NAME=VALUE, one a line), which our images and Charliecloud's
/// have; else what the scripts in <c>/.singularity.d/env</c> set, as Apptainer and Singularity run them.
/// </summary>
/// <remarks>Called inside the container, where no link of the image leads out.</remarks>
static unsafe class ImageEnvironment
{
    const string File = "/ch/environment", Scripts = "/.singularity.d/env";

    /// <summary>A script that takes longer waits for something that never comes. Milliseconds.</summary>
    const int Patience = 10_000;

    /// <summary>As NAME=VALUE.</summary>
    /// <exception cref="SlipwayException">The image's scripts fail, or do not end.</exception>
    public static List<string> Read(FabricPlan? plan)
    {
        Dictionary<string, string> variables = new(StringComparer.Ordinal);
        if (Text() is { } text)
            Add(text.Split('\n'));
        else if (Directory.Exists(Scripts) && System.IO.File.Exists("/bin/sh"))
            Add(Evaluate());
        // all of the plan's variables are search paths: what the plan adds comes first, what the image has stays
        foreach ((string name, string value) in plan?.Environment ?? new Dictionary<string, string>())
            variables[name] = variables.TryGetValue(name, out string? own) && own.Length > 0 ? $"{value}:{own}" : value;
        return [.. variables.Select(pair => $"{pair.Key}={pair.Value}")];

        void Add(IEnumerable<string> assignments)
        {
            foreach (string assignment in assignments)
                if (assignment.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && !assignment.Contains('\0'))
                    variables[assignment[..at]] = assignment[(at + 1)..];
        }
    }

    /// <summary>Null where there is none, or where it is no file.</summary>
    static string? Text()
    {
        if (stat(File, out statx found) != 0 || !found.IsRegular)
            return null;
        return found.stx_size <= OpenedFile.Small ? OpenedFile.TryTextNamed(File)
            : throw RunningErrors.ImageFileTooLarge(File, OpenedFile.Small);
    }

    /// <summary>Runs the image's scripts in the image's shell, as a rank would be run, and takes over what they have exported.</summary>
    /// <remarks>
    /// A shell tells nobody its variables in a form that can be read back in every case; the kernel does: the shell execs another, which
    /// waits, and whose
    /// <c>/proc/PID/environ</c> (proc(5)) is what was exported. So nothing but <c>/bin/sh</c> is needed of the image.
    /// </remarks>
    static List<string> Evaluate()
    {
        const string script =
            """for f in /.singularity.d/env/*.sh; do if [ -f "$f" ]; then . "$f"; fi; done >/dev/null; exec /bin/sh -c 'echo; read x'""";
        string[] before = ["PATH=" + ContainerEnvironment.DefaultPath, "HOME=/", "SINGULARITY_CONTAINER=slipway",
            "APPTAINER_CONTAINER=slipway"];
        byte* shell = NativeStrings.Of("/bin/sh");
        byte** arguments = NativeStrings.Vector(["sh", "-c", script]);
        byte** environment = NativeStrings.Vector(before);
        int* toShell = stackalloc int[2], fromShell = stackalloc int[2];
        if (pipe2(toShell, O_CLOEXEC) != 0 || pipe2(fromShell, O_CLOEXEC) != 0)
            throw RunningErrors.ImageEnvironmentFailed(Scripts, $"no pipe can be made (errno {errno})");
        int child = clone3(0);
        if (child == 0)
        {
            // system calls only: we are a copy of one thread
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
            setpgid(0, 0);
            // a script that stops the holder goes with it when that is killed (HolderChildren.Patience)
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            dup2(toShell[0], 0);
            dup2(fromShell[1], 1);
            execve(shell, arguments, environment);
            _exit(127);
        }
        close(toShell[0]);
        close(fromShell[1]);
        pollfd wait = new() { fd = fromShell[0], events = POLLIN };
        byte line;
        bool answered = child > 0 && poll(new Span<pollfd>(ref wait), Patience) > 0 && read(fromShell[0], &line, 1) == 1;
        string? environ = answered ? OpenedFile.TryTextNamed(string.Create(CultureInfo.InvariantCulture, $"/proc/{child}/environ")) : null;
        kill(-child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        close(toShell[1]);
        close(fromShell[0]);
        if (environ is null)
            throw RunningErrors.ImageEnvironmentFailed(Scripts, wait.revents == 0 ? $"do not end within {Patience / 1000} s" : "fail");
        HashSet<string> known = [.. before, ""];
        return [.. environ.Split('\0')
            .Where(v => !known.Contains(v) && !v.StartsWith("PWD=", StringComparison.Ordinal)
                && !v.StartsWith("SHLVL=", StringComparison.Ordinal) && !v.StartsWith("_=", StringComparison.Ordinal)
                && !v.StartsWith("OLDPWD=", StringComparison.Ordinal))];
    }
}
