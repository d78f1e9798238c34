using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Building.Inside;

/// <summary>
/// What commands in a root that is being made find mounted: processes, <c>/sys</c> read-only, and a <c>/dev</c> of its own with the
/// harmless nodes. The host's <c>/dev</c> is not shown: a package's script runs as root here.
/// </summary>
sealed class BuildMounts(BuildRoot root, Action<string> log) : IDisposable
{
    static readonly string[] Nodes = ["null", "zero", "full", "random", "urandom", "tty"];
    readonly List<string> mounted = [];

    public void Mount(CancellationToken cancel)
    {
        if (Target("dev") is { } dev && Try("tmpfs", dev, "tmpfs", MS_NOSUID, "mode=755,size=1m"))
        {
            foreach (string node in Nodes)
            {
                File.WriteAllText(Path.Combine(dev, node), "");
                Try("/dev/" + node, Path.Combine(dev, node), null, MS_BIND, null);
            }
            foreach ((string name, string target) in new[] { ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
                ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx") })
                symlink(target, Path.Combine(dev, name));
            Directory.CreateDirectory(Path.Combine(dev, "pts"));
            Directory.CreateDirectory(Path.Combine(dev, "shm"), (UnixFileMode)Mode.rwxrwxrwt);
            Try("devpts", Path.Combine(dev, "pts"), "devpts", MS_NOSUID, "newinstance,ptmxmode=0666,mode=620");
        }
        if (Target("proc") is { } proc)
            Try("proc", proc, "proc", MS_NOSUID | MS_NODEV, null);
        if (Target("sys") is { } sys && Try("/sys", sys, null, MS_BIND | MS_REC, null))
            mount(null, sys, null, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, null);
        foreach (string library in BuildNamespace.FakeLibraries)
            root.CopyIn(library, BuildNamespace.FakeLibraryPlace, -1, cancel);
        cancel.ThrowIfCancellationRequested();
    }

    /// <summary>A directory at the top of the root, made where it is missing; a link there would lead out of it.</summary>
    string? Target(string name)
    {
        root.MakeDirectory(name);
        string target = Path.Combine(root.Path, name);
        return stat(target, out statx found, follow: false) == 0 && found.IsDirectory ? target
            : throw BuildErrors.NoDirectory(name);
    }

    bool Try(string what, string target, string? type, ulong_t flags, string? data)
    {
        if (mount(what, target, type, flags, data) != 0)
        {
            log($"{target}: {what} could not be mounted, errno {errno}");
            return false;
        }
        mounted.Add(target);
        return true;
    }

    public void Dispose()
    {
        foreach (string target in mounted.AsEnumerable().Reverse())
            umount2(target, MNT_DETACH);
        mounted.Clear();
    }
}
