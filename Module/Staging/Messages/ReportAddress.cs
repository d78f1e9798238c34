using Slipway.Linux;

namespace Slipway.Staging.Messages;

/// <summary>Where a node reports to over TCP, where the program that starts it does not give its output back.</summary>
/// <remarks>
/// A node says first what only a process of the job can know: all users of a node can read a command line, so there is but a number used
/// once on it. The secret is made of that and of the job's cookie, which PBS puts into the environment of each of its tasks (tm_init(),
/// src/lib/Libifl/tm.c of OpenPBS and of Torque, takes it from there, and without it nothing can be started).
/// </remarks>
/// <param name="Once">A number that is used once.</param>
sealed record ReportAddress(string Host, int Port, string Once)
{
    /// <exception cref="SlipwayException">This is no process of a job.</exception>
    public static string Secret(string once) => Environment.GetEnvironmentVariable("PBS_JOBCOOKIE") is { Length: > 0 } cookie
        ? Digest.OfText($"{cookie} {once}") : throw StagingErrors.NotInJob();
}
