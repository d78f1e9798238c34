using Slipway.Linux;

namespace Slipway.Building;

/// <summary>
/// The namespace that an image is built in: of processes and mounts for root; for a user also one of users, in which the user is root and has
/// the subordinate ids of subuid(5). Whatever is started in it ends with it.
/// </summary>
internal static class BuildNamespace
{
    /// <summary>unshare(1) and its options; the program to run comes after them.</summary>
    public static IReadOnlyList<string> Command()
    {
        string[] common = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
        if (LibC.geteuid() == 0)
            return ["unshare", .. common, "--"];
        HostProgram.Find("newuidmap");
        CheckSubordinateIds();
        return ["unshare", "--map-root-user", "--map-auto", .. common, "--"];
    }

    public static bool IsInitialUserNamespace() => File.ReadAllText("/proc/self/uid_map").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is ["0", "0", "4294967295"];

    static void CheckSubordinateIds()
    {
        string user = Environment.UserName, id = LibC.geteuid().ToString(System.Globalization.CultureInfo.InvariantCulture);
        foreach (string file in new[] { "/etc/subuid", "/etc/subgid" })
        {
            string[] lines;
            try
            {
                lines = File.ReadAllLines(file);
            }
            catch (IOException)
            {
                lines = [];
            }
            if (!lines.Any(line => line.StartsWith(user + ":", StringComparison.Ordinal) || line.StartsWith(id + ":", StringComparison.Ordinal)))
                throw new SlipwayException("NoSubordinateIds", ErrorKind.PermissionDenied, $"{file}: there are no subordinate ids for user {user}, which building an image without root takes",
                    $"As root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}", file);
        }
    }
}
