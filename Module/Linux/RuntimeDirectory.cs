using System.Globalization;
using System.Text;
using Slipway.Shared;

namespace Slipway.Linux;

/// <summary>
/// Where the holders of a user have their sockets and entries on this node: <c>$XDG_RUNTIME_DIR/slipway</c>, else the first of <see cref="RankTables.RuntimePlaces"/> that can be had.
/// </summary>
/// <remarks>
/// Most of these places can be taken by others before the user comes. Then the next one is used, by the same rules in the front (ContainerKey.AddDirectory): one
/// that this user has already comes before one that is still to be made, so that the ranks of a step meet though somebody takes and frees places meanwhile.
/// </remarks>
static class RuntimeDirectory
{
    /// <summary>A socket's path must fit sun_path (108 bytes): this much is left for the directory.</summary>
    const int LongestDirectory = 60;

    static IEnumerable<string> Usual => Encoding.UTF8.GetString(RankTables.RuntimePlaces).Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(row => row.Replace("UID", ((uint)geteuid()).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));

    /// <summary>The directory, made if it is not there.</summary>
    /// <exception cref="SlipwayException">None can be made.</exception>
    public static string Open()
    {
        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 1 and < LongestDirectory } set && set.StartsWith('/') && OwnDirectory.IsPrivate(set))
            return set.TrimEnd('/') + "/slipway" is var given && TryMake(given) ? given : throw NotMade(given, errno);
        if ((Usual.FirstOrDefault(OwnDirectory.IsPrivate) ?? Usual.FirstOrDefault(TryMake)) is { } place)
            return place;
        string first = Usual.First();
        return OwnDirectory.Make(first, out string made) is 0 && TryMake(made) ? made : throw NotMade(first, errno);
    }

    /// <summary>True where it is there, and this user's alone.</summary>
    public static bool TryMake(string path)
    {
        // another rank may make it at the same moment: what counts is what is there afterwards
        int error = mkdir(path, Mode.rwx______) == 0 ? 0 : errno;
        if (OwnDirectory.IsPrivate(path))
            return true;
        System.Runtime.InteropServices.Marshal.SetLastPInvokeError(error);
        return false;
    }

    static SlipwayException NotMade(string path, int error) => OwnDirectory.IsTaken(path) || error == EEXIST
        ? LinuxErrors.RuntimeDirectoryNotOurs(path, others: Usual.Skip(1)) : LinuxErrors.NoRuntimeDirectory(path, error);

    /// <summary>What whoever starts a holder says for all ranks, where it is not at the usual place; else empty.</summary>
    public static string WarningOf(string directory)
    {
        string first = Usual.First();
        return directory != first && Usual.Append(first + "-").Any(p => directory.StartsWith(p, StringComparison.Ordinal))
            ? $"slipway: warning: the runtime directory is {directory}: {first} is not there, or not this user's alone\n" : "";
    }

    /// <summary>A file name for a key of any length (FNV-1a, 128 bits; the directory is private, so collisions need not be made hard, only rare).</summary>
    public static string NameOf(string key)
    {
        UInt128 hash = new(0x6c62272e07bb0142, 0x62b821756295c58d), prime = new(0x0000000001000000, 0x000000000000013b);
        foreach (byte b in Encoding.UTF8.GetBytes(key))
            hash = (hash ^ b) * prime;
        return hash.ToString("x32", CultureInfo.InvariantCulture);
    }
}
