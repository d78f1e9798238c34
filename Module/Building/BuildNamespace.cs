using Slipway.Linux;

namespace Slipway.Building;

/// <summary>
/// The namespace that an image is built in: of processes and mounts for root; for a user also one of users, in which the user is root and
/// has the subordinate ids of subuid(5). Whatever is started in it ends with it.
/// </summary>
static class BuildNamespace
{
    /// <summary>unshare(1) and its options; the program to run comes after them.</summary>
    /// <exception cref="SlipwayException">A user has neither subordinate ids nor fakeroot(1).</exception>
    public static IReadOnlyList<string> Command()
    {
        string[] common = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
        if (geteuid() == 0)
            return ["unshare", .. common, "--"];
        if (MissingIds() is not { } file)
        {
            HostProgram.Find("newuidmap");
            return ["unshare", "--map-root-user", "--map-auto", .. common, "--"];
        }
        // one id alone: every file is the user's, and fakeroot remembers which owner it was given, until the image is packed. It takes a
        // real chown that fails for granted only where that says EPERM; in a namespace without the id it says EINVAL
        if (HostProgram.TryFind("fakeroot") is { } fakeroot)
        {
            IEnumerable<string?> libraries = new[] { FakeLibraryPlace, Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") }
                .Where(d => !string.IsNullOrEmpty(d));
            return ["unshare", "--map-root-user", .. common, "--", "env", "FAKEROOTDONTTRYCHOWN=1",
                "LD_LIBRARY_PATH=" + string.Join(':', libraries), fakeroot, "--"];
        }
        throw BuildErrors.NoSubordinateIds(file);
    }

    /// <summary>True in a builder that has but one id, and fakeroot to remember owners.</summary>
    public static bool IsFake => Environment.GetEnvironmentVariable("FAKEROOTKEY") is { Length: > 0 };

    /// <summary>
    /// Where programs in the new root find fakeroot's library: in the <c>/dev</c> of the build, of which nothing stays in the image.
    /// </summary>
    public const string FakeLibraryPlace = "/dev/libfakeroot";

    /// <summary>The directories of fakeroot's library on this host.</summary>
    public static IEnumerable<string> FakeLibraries => !IsFake ? [] : (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "")
        .Split(':').Where(d => d.StartsWith('/') && d.EndsWith("/libfakeroot", StringComparison.Ordinal) && Directory.Exists(d)).Distinct();

    public static bool IsInitialUserNamespace() => File.ReadAllText("/proc/self/uid_map")
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is ["0", "0", "4294967295"];

    /// <summary>The file that gives this user no subordinate ids (subuid(5)); null where both do.</summary>
    static string? MissingIds()
    {
        string user = Environment.UserName, id = geteuid().ToString();
        foreach (string file in new[] { "/etc/subuid", "/etc/subgid" })
        {
            if ((OpenedFile.TryTextNamed(file) ?? "").Split('\n')
                .All(line => !line.StartsWith(user + ":", StringComparison.Ordinal)
                    && !line.StartsWith(id + ":", StringComparison.Ordinal)))
                return file;
        }
        return null;
    }

    /// <summary>Inside: that the build's directory takes files of other owners. Network and FAT file systems do not.</summary>
    public static void CheckOwners(string directory)
    {
        string probe = Path.Combine(directory, "owner");
        File.WriteAllText(probe, "");
        int failed = lchown(probe, 1, 1) == 0 ? 0 : errno;
        File.Delete(probe);
        if (failed == 0 || IsFake)
            return;
        string type = HostProgram.Read("stat", "-f", "-c", "%T", directory) ?? "unknown";
        throw BuildErrors.NoOtherOwners(directory, type, failed);
    }
}
