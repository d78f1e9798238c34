using System;
using Slipway.Running;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>What the ranks of one container have in common (ContainerRunner, StepKey, ImageIdentity), and the files in the runtime directory that it names.</summary>
internal static unsafe class ContainerKey
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
        key.AddNumber((ulong)ProcStat.StartTime(parent));
    }

    /// <summary>What was given, and on a line of its own what tells the file's content from another's.</summary>
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
        key.Add((byte)':');
        if (found.stx_mtime.tv_sec < 0)
            return false;
        key.AddNumber((ulong)found.stx_mtime.tv_sec);
        key.Add((byte)'.');
        key.AddNumber(found.stx_mtime.tv_nsec);
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
        else
        {
            path.Add("/tmp/slipway-"u8);
            path.AddNumber(uid);
        }
        if (!IsOwn(path.Bytes, uid))
        {
            // another rank may make it at the same moment: what counts is what is there afterwards
            mkdir(path.Bytes, 0x1c0 /* 0700 */);
            if (!IsOwn(path.Bytes, uid))
                return false;
        }
        path.Add((byte)'/');
        AddName(ref path, ref key);
        return true;
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
