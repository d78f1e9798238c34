using System.Text.Json.Serialization;
using Slipway.Running;

namespace Slipway.Launching;

/// <summary>
/// A plan with what it was made from: the row of the launcher table, which tells how the launcher's messages are read and how it is ended,
/// and what each rank asks for.
/// </summary>
public sealed record RunnablePlan : LaunchPlan
{
    [JsonIgnore]
    internal Launcher? Row { get; init; }

    /// <summary>
    /// The arguments up to the verb of <c>slipway</c>; those of the launcher, and the program, or nothing where
    /// <see cref="LaunchPlan.Program"/> is <c>slipway</c>.
    /// </summary>
    [JsonIgnore]
    internal IReadOnlyList<string> BeforeVerb { get; init; } = [];

    /// <summary>What each <c>slipway run</c> is asked for.</summary>
    [JsonIgnore]
    internal RunRequest Run { get; init; } = null!;
}
