using System;
using Slipway.Shared;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>What the ranks of one container have in common (ContainerRunner, StepKey, ImageIdentity), and the files in the runtime directory that it names.</summary>
static unsafe class ContainerKey
{
    /// <summary>A socket's path must fit sun_path (RuntimeDirectory.LongestDirectory).</summary>
    const int LongestDirectory = 60;

    /// <summary>Adds the key.</summary>
    /// <returns>False where the full launcher has to see it: there is no such image, or a name is not UTF-8.</returns>
    public static bool TryAdd(ref Text key, ref RunArguments arguments, byte** environment, byte* workingDirectory)
    {
        byte* home = CString.Variable(environment, "HOME"u8);
        byte* temporary = stackalloc byte[] { (byte)'/', (byte)'t', (byte)'m', (byte)'p', 0 };
        key.Add(RankTables.HolderVersion);
        key.Add((byte)'\n');
        AddStep(ref key, ref arguments, environment);
        key.Add((byte)'\n');
        if (!AddImage(ref key, arguments.Image, workingDirectory))
            return false;
        key.Add((byte)'\n');
        key.Add(arguments.ContainerOptions.Bytes, arguments.ContainerOptions.Length);
        key.Add((byte)'\n');
        // below home and /tmp all ranks share a container, wherever they start
        if (!TextPath.IsBelow(workingDirectory, temporary) && !(home != null && CString.Length(home) > 1 && TextPath.IsBelow(workingDirectory, home)))
            key.Add(workingDirectory);
        return CString.IsUtf8(key.Bytes) && CString.IsUtf8(workingDirectory) && (home == null || CString.IsUtf8(home));
    }

    static void AddStep(ref Text key, ref RunArguments arguments, byte** environment)
    {
        if (arguments.Job != null)
        {
            key.Add("job="u8);
            key.Add(arguments.Job);
            return;
        }
        ReadOnlySpan<byte> rows = RankTables.Steps;
        nuint start = key.Length;
        for (int at = 0; at < rows.Length; at++)
        {
            for (; rows[at] != ' '; at++)
                key.Add(rows[at]);
            byte separator = (byte)'=';
            bool all = true;
            while (rows[at] != '\n')
            {
                int name = ++at;
                while (rows[at] is not ((byte)' ' or (byte)'\n'))
                    at++;
                byte* value = CString.Variable(environment, rows, name, at - name);
                all &= value != null && *value != 0;
                if (!all)
                    continue;
                key.Add(separator);
                key.Add(value);
                separator = (byte)'.';
            }
            if (all)
                return;
            key.Cut(start);
        }
        int parent = getppid();
        key.Add("parent="u8);
        key.AddNumber((ulong)parent);
        key.Add((byte)'.');
        key.AddNumber(Identity(parent));
    }

    /// <summary>What tells a process from a later one of the same number (StepKey.Identity).</summary>
    static ulong Identity(int pid)
    {
        if (ProcStat.StartTime(pid) is > 0 and var started)
            return (ulong)started;
        int fd = pidfd_open(pid);
        if (fd < 0)
            return 0;
        statx_t found;
        byte empty = 0;
        bool known = statx(fd, &empty, AT_EMPTY_PATH, STATX_BASIC_STATS, &found) == 0;
        close(fd);
        return known ? found.stx_ino : 0;
    }

    /// <summary>What was given, and on a line of its own what tells the file's content from another's (SourceStamp.WithDevice).</summary>
    static bool AddImage(ref Text key, byte* image, byte* workingDirectory)
    {
        if (CString.StartsWith(image, "sha256:"u8))
        {
            for (int i = 7; i < 71; i++)
                if (image[i] is not (>= (byte)'0' and <= (byte)'9' or >= (byte)'a' and <= (byte)'f'))
                    return false;
            key.Add(image);
            key.Add((byte)'\n');
            return image[71] == 0;
        }
        nuint start = key.Length;
        TextPath.AddFull(ref key, workingDirectory, image, image + CString.Length(image));
        statx_t found;
        if (statx(AT_FDCWD, key.Bytes + start, 0, STATX_BASIC_STATS, &found) != 0 || (!found.IsDirectory && !found.IsRegular))
            return false;
        key.Add((byte)'\n');
        key.AddNumber(found.stx_dev_major);
        key.Add((byte)':');
        key.AddNumber(found.stx_dev_minor);
        key.Add((byte)':');
        key.AddNumber(found.stx_ino);
        key.Add((byte)':');
        key.AddNumber(found.stx_size);
        return AddTime(ref key, found.stx_mtime) && AddTime(ref key, found.stx_ctime);
    }

    static bool AddTime(ref Text key, statx_timestamp time)
    {
        if (time.tv_sec < 0)
            return false;
        key.Add((byte)':');
        key.AddNumber((ulong)time.tv_sec);
        key.Add((byte)'.');
        key.AddNumber(time.tv_nsec);
        return true;
    }

    /// <summary>Adds the runtime directory, which is made if need be, and the name for a key in it; what follows is the ending of one file.</summary>
    /// <returns>False where the directory cannot be made or is not ours, or its name is not plain.</returns>
    public static bool TryAddFiles(ref Text path, ref Text key, byte** environment)
    {
        uint uid = geteuid();
        byte* set = CString.Variable(environment, "XDG_RUNTIME_DIR"u8);
        nuint length = set == null ? 0 : CString.Length(set);
        for (nuint i = 0; i < length; i++)
            if (set[i] >= 0x80)
                return false;
        if (length is > 1 and < LongestDirectory && *set == '/' && IsOwn(set, uid))
        {
            while (length > 0 && set[length - 1] == '/')
                length--;
            path.Add(set, length);
            path.Add("/slipway"u8);
        }
        else if (!TryAddPlace(ref path, uid, make: false) && !TryAddPlace(ref path, uid, make: true))
        {
            return false;
        }
        if (!TryMake(path.Bytes, uid))
            return false;
        path.Add((byte)'/');
        AddName(ref path, ref key);
        return true;
    }

    /// <summary>Adds the first of the places that is our own already, or that can be made (RuntimeDirectory.Open).</summary>
    static bool TryAddPlace(ref Text path, uint uid, bool make)
    {
        for (int place = 0; TryAddPlace(ref path, uid, place); place++)
        {
            if (make ? TryMake(path.Bytes, uid) : IsOwn(path.Bytes, uid))
                return true;
            path.Cut(0);
        }
        return false;
    }

    /// <summary>Adds one of RankTables.RuntimePlaces; false where there are no more.</summary>
    static bool TryAddPlace(ref Text path, uint uid, int place)
    {
        ReadOnlySpan<byte> rows = RankTables.RuntimePlaces;
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

    /// <summary>What is said where the holders' directory is not at the usual place (RuntimeDirectory.WarningOf).</summary>
    public static void WarnOfPlace(byte* files)
    {
        Text usual = default, directory = default, text = default;
        uint uid = geteuid();
        directory.Add(files, CString.Length(files) - 33); // a slash and the name
        TryAddPlace(ref usual, uid, 0);
        Text place = default;
        for (int i = 1; TryAddPlace(ref place, uid, i); i++, place.Cut(0))
            if (CString.IsSame(place.Bytes, directory.Bytes))
            {
                text.Add("slipway: warning: the runtime directory is "u8);
                text.Add(directory.Bytes);
                text.Add(": "u8);
                text.Add(usual.Bytes);
                text.Add(" is not there, or not this user's alone\n"u8);
                write(2, text.Bytes, text.Length);
            }
    }

    /// <summary>Makes the directory of these files again: it goes with its last holder.</summary>
    public static bool TryMakeDirectoryOf(byte* files)
    {
        Text directory = default;
        directory.Add(files, CString.Length(files) - 33);
        return TryMake(directory.Bytes, geteuid());
    }

    static bool TryMake(byte* path, uint uid)
    {
        if (IsOwn(path, uid))
            return true;
        // another rank may make it at the same moment: what counts is what is there afterwards
        mkdir(path, 0x1c0 /* 0700 */);
        return IsOwn(path, uid);
    }

    static bool IsOwn(byte* path, uint uid)
    {
        statx_t found;
        return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &found) == 0 && found.IsDirectory && found.stx_uid == uid && (found.stx_mode & 0x3f) == 0;
    }

    /// <summary>FNV-1a of 128 bits, as RuntimeDirectory.NameOf has it. The prime is 2^88 + 0x13b.</summary>
    public static void AddName(ref Text path, ref Text key)
    {
        const ulong prime = 0x13b;
        ulong high = 0x6c62272e07bb0142, low = 0x62b821756295c58d;
        for (nuint i = 0; i < key.Length; i++)
        {
            low ^= key.Bytes[i];
            ulong first = (low & 0xffffffff) * prime, second = (low >> 32) * prime + (first >> 32);
            high = high * prime + (second >> 32) + (low << 24);
            low = (second << 32) | (first & 0xffffffff);
        }
        path.AddHexadecimal(high);
        path.AddHexadecimal(low);
    }
}
