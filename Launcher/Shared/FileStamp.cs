using static Slipway.Shared.Stat;

namespace Slipway.Shared;

/// <summary>What tells one file from others by statx(2) alone, as words of a key or an argument.</summary>
static unsafe class FileStamp
{
    /// <summary>What tells a file's content from another's: device, inode, size, and times of last change.</summary>
    public static void Add(ref Text to, statx_t* found)
    {
        AddInode(ref to, found);
        to.Add((byte)':');
        to.AddNumber(found->stx_size);
        AddTime(ref to, found->stx_mtime);
        AddTime(ref to, found->stx_ctime);
    }

    /// <summary>What tells an inode, as it is now, from every other: device, number and time of change, which nobody can set.</summary>
    public static void AddIdentity(ref Text to, statx_t* found)
    {
        AddInode(ref to, found);
        AddTime(ref to, found->stx_ctime);
    }

    static void AddInode(ref Text to, statx_t* found)
    {
        to.AddNumber(found->stx_dev_major);
        to.Add((byte)':');
        to.AddNumber(found->stx_dev_minor);
        to.Add((byte)':');
        to.AddNumber(found->stx_ino);
    }

    static void AddTime(ref Text to, Stat.statx_timestamp time)
    {
        to.Add((byte)':');
        to.AddSigned(time.tv_sec);
        to.Add((byte)'.');
        to.AddNumber(time.tv_nsec);
    }
}
