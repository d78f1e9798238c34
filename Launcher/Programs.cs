using System.Globalization;
using Slipway.Building.Inside;
using Slipway.Preflight;
using Slipway.Running;
using Slipway.Staging.Node;

namespace Slipway.Launcher;

/// <summary>The programs that this one file is.</summary>
static class Programs
{
    static readonly SubProgram[] Table =
    [
        new("run", "people and launchers", words => RankProgram.Run(words)) { IsInternal = false, IsOnTheWay = true },
        new("shell", "people", words => RankProgram.Shell(words)) { IsInternal = false, IsOnTheWay = true },
        new("run-locked", "the front, which hands its right to start a holder on", RunLocked) { IsOnTheWay = true },
        new("holder", "the first rank of a step on a node", words => HolderProgram.Run(words)) { IsOnTheWay = true },
        new("preflight", "launchers, for slipway mpi test, on each node in a rank's place",
            words => PreflightProgram.Run(words, typeof(Programs).Assembly.GetManifestResourceStream("probe"))) { IsOnTheWay = true },
        new("stage", "slipway publish and slipway cache, on each node",
            words => words is [var request] ? NodeProgram.Run(request) : null) { NeedsThreads = true },
        new("build-inside", "slipway build, in a namespace of its own", words => words is [var job] ? BuilderProgram.Run(job) : null)
            { NeedsThreads = true },
    ];

    public static SubProgram? Find(string[] arguments) => arguments is [var verb, ..] ? Array.Find(Table, p => p.Verb == verb) : null;

    static int? RunLocked(string[] words) =>
        words is [var held, var listener, .. var rest] && IsDescriptor(held, out int fd) && IsDescriptor(listener, out int socket)
            ? RankProgram.Run(rest, HolderClaim.Inherited(fd, socket)) : null;

    static bool IsDescriptor(string word, out int fd) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out fd);
}
