namespace Slipway.Launching;

/// <summary>A plan with the row of the launcher table that it was made by: how the launcher's messages are read, and how it is ended.</summary>
public sealed record RunnablePlan : LaunchPlan
{
    [System.Text.Json.Serialization.JsonIgnore]
    internal Launcher? Row { get; init; }
}
