using System.Globalization;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>Device nodes of the host that a container is not to see: those of fabric devices that its plan leaves out.</summary>
/// <remarks>
/// Libraries look whether a node is there (libibverbs' init.c, try_access_device), so the directory that it lies in is shown with the other
/// nodes alone; of <c>/dev</c> itself, which others share, a node is covered by a file that nobody may open.
/// </remarks>
sealed class HiddenDevices
{
    readonly List<(string Directory, List<(string Name, int Tree)> Kept)> directories = [];
    readonly List<string> single = [];

    /// <summary>Opens what stays, while the host's <c>/dev</c> is still to be seen.</summary>
    /// <param name="nodes">Absolute paths; those that are not there, or not below <c>/dev</c>, need no hiding.</param>
    public HiddenDevices(IEnumerable<string> nodes)
    {
        foreach (IGrouping<string, string> group in nodes.Where(n => n.StartsWith("/dev/", StringComparison.Ordinal) && File.Exists(n))
            .GroupBy(n => Path.GetDirectoryName(n)!))
            if (group.Key == "/dev")
                single.AddRange(group);
            else
                directories.Add((group.Key, [.. Directory.EnumerateFiles(group.Key).Except(group)
                    .Order(StringComparer.Ordinal).Select(n => (Path.GetFileName(n), MountTree.Clone(n)))]));
    }

    /// <summary>What is to be mounted in the container, and where.</summary>
    /// <param name="work">An empty directory on a tmpfs of ours.</param>
    public List<(int Tree, string Target)> Make(string work)
    {
        List<(int, string)> result = [];
        foreach ((string directory, List<(string Name, int Tree)> kept) in directories)
        {
            string own = string.Create(CultureInfo.InvariantCulture, $"{work}/{result.Count}");
            mkdir(own, Mode.rwxr_xr_x);
            foreach ((string name, int tree) in kept)
            {
                int point = open($"{own}/{name}", O_WRONLY | O_CREAT | O_CLOEXEC, Mode.rw_r__r__);
                if (point < 0 || move_mount(tree, point) != 0)
                    throw RunningErrors.NotMade($"'{directory}/{name}' cannot be shown in the container", errno);
                close(point);
                close(tree);
            }
            result.Add((MountTree.Clone(own), directory));
        }
        foreach (string node in single)
        {
            string cover = string.Create(CultureInfo.InvariantCulture, $"{work}/{result.Count}");
            close(open(cover, O_WRONLY | O_CREAT | O_CLOEXEC, 0));
            result.Add((MountTree.Clone(cover), node));
        }
        return result;
    }
}
