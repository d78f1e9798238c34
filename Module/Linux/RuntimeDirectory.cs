using Slipway.Shared;

namespace Slipway.Linux;

/// <summary>
/// Where the holders of a user have their sockets and entries on this node: <c>$XDG_RUNTIME_DIR/slipway</c>, else the first of
/// <see cref="RuntimePlaces"/> that can be had.
/// </summary>
/// <remarks>
/// Most of these places can be taken by others before the user comes. Then the next one is used, by the same rules in the front
/// (Container.TryAddFiles): one
/// that this user has already comes before one that is still to be made, so that the ranks of a step meet though somebody takes and frees
/// places meanwhile.
/// </remarks>
static class RuntimeDirectory
{
    static IEnumerable<string> Usual
    {
        get
        {
            for (int i = 0; Place(i) is { } place; i++)
                yield return place;
        }
    }

    static string? Place(int number)
    {
        Text path = default;
        return RuntimePlaces.TryAdd(ref path, geteuid(), number) ? path.Take() : null;
    }

    /// <summary>The directory, made if it is not there.</summary>
    /// <exception cref="SlipwayException">None can be made.</exception>
    public static string Open()
    {
        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 1 and < RuntimePlaces.LongestDirectory } set
            && set.StartsWith('/')
            && OwnDirectory.IsPrivate(set))
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
}
