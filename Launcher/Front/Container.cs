using Slipway.Shared;
using static Slipway.Front.LibC;
using static Slipway.Shared.Stat;

namespace Slipway.Front;

/// <summary>The container of this rank: its key (ContainerKey), and the files in the runtime directory that it names.</summary>
static unsafe class Container
{
    /// <summary>Adds the key.</summary>
    /// <returns>False where the full launcher has to see it: there is no such image, or a name is not UTF-8.</returns>
    public static bool TryAddKey(ref Text key, ref RunArguments arguments, byte** environment, byte* workingDirectory)
    {
        byte* home = CString.Variable(environment, "HOME"u8);
        Text step = default, image = default, stamp = default;
        StepKey.Add(ref step, arguments.Job, environment);
        if (!TryAddImage(ref image, ref stamp, arguments.Image, workingDirectory))
            return false;
        ContainerKey.Add(ref key, step.Bytes, image.Bytes, stamp.Bytes, arguments.ContainerOptions.Bytes, workingDirectory, home);
        return CString.IsUtf8(key.Bytes) && CString.IsUtf8(workingDirectory) && (home == null || CString.IsUtf8(home));
    }

    /// <summary>What was given, and what tells the file's content from another's (ImageIdentity).</summary>
    static bool TryAddImage(ref Text image, ref Text stamp, byte* given, byte* workingDirectory)
    {
        stamp.Add(""u8);
        if (CString.StartsWith(given, "sha256:"u8))
        {
            for (int i = 7; i < 71; i++)
                if (given[i] is not (>= (byte)'0' and <= (byte)'9' or >= (byte)'a' and <= (byte)'f'))
                    return false;
            image.Add(given);
            return given[71] == 0;
        }
        TextPath.AddFull(ref image, workingDirectory, given, given + CString.Length(given));
        statx_t found;
        if (!TryPath(image.Bytes, &found) || (!found.IsDirectory && !found.IsRegular))
            return false;
        FileStamp.Add(ref stamp, &found);
        return true;
    }

    /// <summary>
    /// Adds the runtime directory, which is made if need be, and the name for a key in it; what follows is the ending of one file.
    /// </summary>
    /// <returns>False where the directory cannot be made or is not ours, or its name is not plain.</returns>
    public static bool TryAddFiles(ref Text path, ref Text key, byte** environment)
    {
        uint uid = geteuid();
        byte* set = CString.Variable(environment, "XDG_RUNTIME_DIR"u8);
        nuint length = set == null ? 0 : CString.Length(set);
        for (nuint i = 0; i < length; i++)
            if (set[i] >= 0x80)
                return false;
        if (length is > 1 and < RuntimePlaces.LongestDirectory && *set == '/' && IsOwn(set, uid))
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
        KeyName.Add(ref path, key.Bytes, key.Length);
        return true;
    }

    /// <summary>Adds the first of the places that is our own already, or that can be made (RuntimeDirectory.Open).</summary>
    static bool TryAddPlace(ref Text path, uint uid, bool make)
    {
        for (int place = 0; RuntimePlaces.TryAdd(ref path, uid, place); place++)
        {
            if (make ? TryMake(path.Bytes, uid) : IsOwn(path.Bytes, uid))
                return true;
            path.Cut(0);
        }
        return false;
    }

    /// <summary>What is said where the holders' directory is not at the usual place (RuntimeDirectory.WarningOf).</summary>
    public static void WarnOfPlace(byte* files)
    {
        Text usual = default, directory = default, text = default;
        uint uid = geteuid();
        AddDirectoryOf(ref directory, files);
        RuntimePlaces.TryAdd(ref usual, uid, 0);
        Text place = default;
        for (int i = 1; RuntimePlaces.TryAdd(ref place, uid, i); i++, place.Cut(0))
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
        AddDirectoryOf(ref directory, files);
        return TryMake(directory.Bytes, geteuid());
    }

    /// <summary>Adds the directory of a holder's files.</summary>
    public static void AddDirectoryOf(ref Text directory, byte* files) => directory.Add(files, CString.Length(files) - KeyName.Length - 1);

    static bool TryMake(byte* path, uint uid)
    {
        if (IsOwn(path, uid))
            return true;
        // another rank may make it at the same moment: what counts is what is there afterwards
        mkdir(path, Mode.rwx______);
        return IsOwn(path, uid);
    }

    static bool IsOwn(byte* path, uint uid)
    {
        statx_t found;
        return TryLink(path, &found) && RuntimePlaces.IsPrivate(&found, uid);
    }
}
