using System.Text.RegularExpressions;

namespace Slipway.Staging.Controller;

/// <summary>Names of nodes, before they get near a command line.</summary>
static partial class NodeName
{
    /// <summary>RFC 1123: no option, no shell, no white space gets through.</summary>
    public static bool IsValid(string name) => HostName().IsMatch(name);

    /// <summary>This node, by its own name or the first part of it.</summary>
    public static bool IsThis(string name) => name == "localhost" || Short(name) == Short(Environment.MachineName);

    public static string Short(string name) => name.Split('.')[0].ToLowerInvariant();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,252}\z")] private static partial Regex HostName();
}
