using Slipway.Building;
using Slipway.Launcher;
using Slipway.Running;

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
                ["run", .. var rest] => ContainerRunner.Run(rest),
                ["holder", .. var rest] => Holder.Run(rest),
                ["build-inside", var job] => BuildInside.Run(job),
                _ => CommandLine.Run(arguments),
            };
        }
        catch (SlipwayException e)
        {
            return Report(e);
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
