namespace Slipway.Launching;

/// <summary>One row of <c>compatibility.yaml</c>; what is null or empty fits everything.</summary>
sealed record CompatibilityRow(string? Family, string? Flavour, VersionRange? Versions, string? Speaks, string? Launcher,
    VersionRange? LauncherVersions, string? Gives, MpiFit Fit, string Reason, string? Advice);
