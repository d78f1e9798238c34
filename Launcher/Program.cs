using Slipway.Building;
using Slipway.Launcher;
using Slipway.Running;
using Slipway.Staging;

namespace Slipway;

/// <summary><c>slipway</c>: what each rank and each build step needs is found at once; the rest goes through the command-line library.</summary>
static class Program
{
    static int Main(string[] arguments)
    {
        try
        {
            return arguments switch
            {
                ["run", "--help" or "-h", ..] => CommandLine.Run(["run", "--help"]),
                ["shell", "--help" or "-h", ..] => CommandLine.Run(["shell", "--help"]),
                // the front (Launcher/Front) has the right to start a holder
                ["run-locked", var held, var listener, .. var rest] when int.TryParse(held, out int fd) && int.TryParse(listener, out int socket) =>
                    OnTheWay(() => ContainerRunner.Run(rest, HolderClaim.Inherited(fd, socket))),
                ["run", .. var rest] => OnTheWay(() => ContainerRunner.Run(rest)),
                ["shell", .. var rest] => OnTheWay(() => ContainerRunner.Shell(rest)),
                ["holder", .. var rest] => Holder.Run(rest),
                ["stage", var request] => StageNode.Run(request),
                ["preflight", .. var rest] => OnTheWay(() => PreflightNode.Run(rest, typeof(Program).Assembly.GetManifestResourceStream("probe"))),
                ["build-inside", var job] => BuildInside.Run(job),
                _ => CommandLine.Run(arguments),
            };
        }
        catch (SlipwayException e)
        {
            return Report(e);
        }
    }

    /// <summary>Whatever fails before the command is there ends with 125, so that it is told from the command's own exit code (as podman has it).</summary>
    static int OnTheWay(Func<int> run)
    {
        try
        {
            return run();
        }
        catch (SlipwayException e)
        {
            Report(e);
            return 125;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"slipway: {e.Message}");
            return 125;
        }
    }

    /// <summary>One error, for a person: what is wrong, and what to do.</summary>
    public static int Report(SlipwayException e)
    {
        Console.Error.WriteLine($"slipway: {e.Message}");
        if (e.Recommendation is { } recommendation)
            Console.Error.WriteLine($"slipway: {recommendation}");
        return e.ExitCode;
    }
}
