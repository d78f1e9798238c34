using System.Text.Json;
using Slipway.Linux;

namespace Slipway.Building.Inside;

/// <summary>
/// The builder's process: <c>slipway build-inside JOB</c>, as root of the build namespace (<see cref="BuildNamespace"/>).
/// <see cref="ImageBuilder"/> starts it, and JOB is the file of a <see cref="BuildJob"/> in the work directory, which this process removes
/// when it ends. On standard output it writes <see cref="BuildMessage"/>s, one a line, the last of which is <see cref="BuildMessage.Done"/>
/// or <see cref="BuildMessage.Failed"/>; nothing else in Building writes there. When its standard input ends, its caller is gone or has
/// changed its mind: it cleans up and ends.
/// </summary>
public static class BuilderProgram
{
    /// <summary>Runs the job to its end.</summary>
    /// <returns>The exit code: 0, or 1 after a failure that was told, or where it was cancelled.</returns>
    public static int Run(string jobPath)
    {
        BuildJob job = JsonSerializer.Deserialize(File.ReadAllText(jobPath), BuildJson.Default.BuildJob)!;
        using CancellationTokenSource stop = new();
        CancelAtEndOfInput(stop);
        using StreamWriter log = new(job.LogPath, append: false) { AutoFlush = true };
        void Log(string line)
        {
            lock (log)
                log.WriteLine(Visible.Line(line));
        }
        try
        {
            BuildMessage last = Make(job, Log, stop.Token);
            Say(last);
            return last is BuildMessage.Done ? 0 : 1;
        }
        catch (OperationCanceledException)
        {
            return 1;
        }
        finally
        {
            // what is still running would write into the tree while it is removed
            // process 1 of a namespace reaches all of it, and nothing else
            if (getpid() == 1)
                kill(-1, SIGKILL);
            WorkDirectory.Remove(job.WorkDirectory);
        }
    }

    static void CancelAtEndOfInput(CancellationTokenSource stop)
    {
        Thread watch = new(() =>
        {
            using Stream input = Console.OpenStandardInput();
            while (input.ReadByte() >= 0)
                continue;
            stop.Cancel();
        })
        { IsBackground = true };
        watch.Start();
    }

    /// <summary>The image, or what went wrong.</summary>
    static BuildMessage Make(BuildJob job, Action<string> log, CancellationToken cancel)
    {
        try
        {
            return ImageMaker.Make(job, Say, log, cancel);
        }
        catch (SlipwayException e)
        {
            log(e.Message);
            bool full = e is not DiskFullException && IsFull(job);
            return Failed(job, full ? BuildErrors.DiskFull(job.WorkDirectory, said: e.Message, inner: e) : e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string why = e.Message.Replace(job.PartialPath, job.Destination, StringComparison.Ordinal);
            // .NET tells of ENOSPC by HResult alone (System.IO: Interop.GetExceptionForIoErrno)
            bool full = e.HResult == ENOSPC || e.Message.Contains("No space left", StringComparison.Ordinal);
            return Failed(job, full ? BuildErrors.DiskFull(job.WorkDirectory, said: why, where: job.DefinitionPath, inner: e)
                : BuildErrors.NotWritten(job.DefinitionPath, job.WorkDirectory, why, e));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log(e.ToString().ReplaceLineEndings(" "));
            return Failed(job, BuildErrors.At(job.DefinitionPath, SlipwayException.From(e), job.WorkDirectory));
        }
    }

    /// <summary>Every failure of a builder tells where its log is.</summary>
    static BuildMessage.Failed Failed(BuildJob job, SlipwayException e) =>
        new(e.Id, e.Kind, e.Message, $"{e.Recommendation} The whole log: {job.LogPath}".Trim(), e.Target?.ToString());

    /// <summary>A tool that could not write does not always say why.</summary>
    static bool IsFull(BuildJob job)
    {
        try
        {
            return new DriveInfo(job.WorkDirectory).AvailableFreeSpace < 256 << 10
                || File.ReadLines(job.LogPath).Any(line => line.Contains("No space left on device", StringComparison.Ordinal)
                    || line.Contains("database or disk is full", StringComparison.Ordinal));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }

    static void Say(BuildMessage message)
    {
        try
        {
            Console.Out.WriteLine(message.ToLine());
            Console.Out.Flush();
        }
        catch (IOException)
        {
            // nobody listens any more: standard input has ended too, and that is what ends the build
        }
    }
}
