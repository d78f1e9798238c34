using System.Runtime.InteropServices;
using Slipway.Launcher;
using Slipway.Linux;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway;

/// <summary>
/// <c>slipway</c>: what each rank and each build step needs is found at once; the rest goes through the command-line library.
/// </summary>
static unsafe class Program
{
    /// <summary>
    /// The last line of defence: whatever is thrown, and wherever, one error of ours is told, and the program ends by itself.
    /// </summary>
    static int Main(string[] arguments)
    {
        SubProgram? program = Programs.Find(arguments);
        bool onTheWay = program is { IsOnTheWay: true };
        int Failed(Exception e) => Report(SlipwayException.From(e)) is var code && onTheWay ? 125 : code;
        // on another thread, the runtime would say it in its own words and end by SIGABRT
        AppDomain.CurrentDomain.UnhandledException += (_, e) => _exit(Failed((Exception)e.ExceptionObject));
        KeepPlaces();
        // a file that would grow past RLIMIT_FSIZE is an error of whoever writes it (write(2), EFBIG), not the end. Taken by a handler,
        // since what is ignored stays so in programs that are started; and not by .NET's, which comes later, on a thread of its own, when
        // nobody may listen any more
        if (!onTheWay)
            signal(SIGXFSZ, (nint)(delegate* unmanaged<int, void>)&Pass);
        try
        {
            CheckEncoding(arguments);
            return Do(program, arguments);
        }
        catch (Exception e)
        {
            return Failed(e);
        }
    }

    [UnmanagedCallersOnly]
    static void Pass(int signal)
    {
    }

    static int Do(SubProgram? program, string[] arguments)
    {
        bool isHelp = program is { IsInternal: false } && arguments is [_, "--help" or "-h", ..];
        if ((isHelp || program is null or { NeedsThreads: true }) && !HaveRoom())
            throw new OutOfMemoryException();
        return isHelp ? CommandLine.Run([program!.Verb, "--help"])
            : program is null ? CommandLine.Run(arguments)
            : program.Run(arguments[1..]) ?? throw ProgramErrors.IsInternal(program);
    }

    /// <summary>
    /// True where as many threads may be started as .NET does by itself (for signals, and its pool), and as much memory can be had as a
    /// build or a publish takes: .NET ends the program in its own words where it wants a thread and cannot have it, at whatever moment
    /// that is (PortableThreadPool.GateThread).
    /// </summary>
    static bool HaveRoom()
    {
        const int threads = 5, bytes = 32 << 20;
        void* room = mmap(null, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (room == MAP_FAILED || munmap(room, bytes) != 0)
            return false;
        using ManualResetEventSlim end = new();
        List<Thread> started = [];
        try
        {
            for (int i = 0; i < threads; i++)
            {
                Thread thread = new(end.Wait, 64 << 10);
                thread.Start();
                started.Add(thread);
            }
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
        finally
        {
            end.Set();
            started.ForEach(t => t.Join());
        }
    }

    /// <summary>
    /// Where standard input or an output is closed, the next file that is opened would take its place, and be written to; the runtime's own
    /// pipe of signals among them. What is put there (open(2), O_PATH) cannot be written to, and no program that is started has it.
    /// </summary>
    static void KeepPlaces()
    {
        for (int fd = 0; fd < 3; fd++)
            if (fcntl(fd, F_GETFD, 0) < 0)
                open("/dev/null", O_PATH | O_CLOEXEC, 0);
    }

    /// <summary>.NET puts U+FFFD in the place of bytes that are no UTF-8: a name with them would mean another file.</summary>
    static void CheckEncoding(string[] arguments)
    {
        if (Array.Find(arguments, a => a.Contains('\ufffd')) is { } odd
            && !System.Text.Unicode.Utf8.IsValid(OpenedFile.BytesNamed("/proc/self/cmdline", int.MaxValue)))
            throw ProgramErrors.NotUtf8(odd);
    }

    /// <summary>One error, for a person: what is wrong, and what to do.</summary>
    public static int Report(SlipwayException e)
    {
        try
        {
            Output.Error.WriteLine(Visible.Of($"slipway: {e.Message}"));
            if (e.Recommendation is { } recommendation)
                Output.Error.WriteLine(Visible.Of($"slipway: {recommendation}"));
        }
        catch (SlipwayException)
        {
            // nobody is to hear it: the exit code says it
        }
        return e.ExitCode;
    }
}
