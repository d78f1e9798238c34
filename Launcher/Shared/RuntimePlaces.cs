using static Slipway.Shared.Stat;

namespace Slipway.Shared;

/// <summary>Where a user's holders have their names, the first that can be had, where the environment names no place.</summary>
static unsafe class RuntimePlaces
{
    /// <summary>One a line, with UID for the user's number.</summary>
    /// <remarks>
    /// The third may go when its user's last session does (user@.service(5)): nobody else can take it, but it is no first choice.
    /// </remarks>
    static ReadOnlySpan<byte> Rows => "/tmp/slipway-UID\n/dev/shm/slipway-UID\n/run/user/UID/slipway\n/var/tmp/slipway-run-UID\n"u8;

    /// <summary>A socket's path must fit sun_path (108 bytes): this much is left for the directory.</summary>
    public const int LongestDirectory = 60;

    /// <summary>Adds the place of a number; false where there are no more.</summary>
    public static bool TryAdd(ref Text path, uint uid, int place)
    {
        ReadOnlySpan<byte> rows = Rows;
        int at = 0;
        for (; place > 0 && at < rows.Length; at++)
            if (rows[at] == '\n')
                place--;
        for (; at < rows.Length && rows[at] != '\n'; at++)
        {
            if (rows[at] != 'U')
            {
                path.Add(rows[at]);
                continue;
            }
            path.AddNumber(uid);
            at += 2;
        }
        return path.Length > 0;
    }

    /// <summary>True for a directory, not a link, that belongs to this user and that nobody else may enter.</summary>
    public static bool IsPrivate(statx_t* found, uint uid)
    {
        return found->IsDirectory && found->stx_uid == uid && (found->stx_mode & Mode.GroupAndOthers) == 0;
    }
}
