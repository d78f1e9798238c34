using System;
using Slipway.Running;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>
/// Starts a holder where nothing has to be decided: a user's image file that no cache of this node knows, or an unpacked directory. All else
/// (ImageMount: root's mounts, the kernel's, an image of the cache), and every error, is for the full launcher.
/// </summary>
internal static unsafe class HolderStart
{
    /// <summary>SiteConfiguration.DefaultPath: what is decided there (where the cache is) is not read here.</summary>
    static ReadOnlySpan<byte> Configuration => "/etc/slipway/config.yaml"u8;

    /// <summary>NodeCache's records of published images, below the cache of root and that of a user.</summary>
    static ReadOnlySpan<byte> RootCache => "/var/cache/slipway"u8;

    static ReadOnlySpan<byte> UserCache => "/var/tmp/slipway-"u8;

    /// <summary>Starts the holder of these files, under its lock, and waits until it is ready.</summary>
    /// <param name="runArguments">As they were given after <c>run</c>.</param>
    public static bool TryStart(byte* files, byte* key, ref RunArguments request, byte** runArguments, byte** environment, byte* workingDirectory)
    {
        byte* given = request.Image;
        byte* config = CString.Variable(environment, "SLIPWAY_CONFIG"u8);
        uint uid = geteuid();
        if (uid == 0 || CString.StartsWith(given, "sha256:"u8) || (config != null && *config != 0) || Exists(Configuration))
            return false;
        Text image = default;
        TextPath.AddFull(ref image, workingDirectory, given, given + CString.Length(given));
        statx_t found;
        if (statx(AT_FDCWD, image.Bytes, 0, STATX_BASIC_STATS, &found) != 0)
            return false;
        Text server = default, rung = default;
        if (found.IsDirectory)
            rung.Add("directory"u8);
        else if (IsPublished(ref image, uid) || !IsSquashFs(image.Bytes) || !TryFindServer(ref server, ref rung, environment))
            return false;
        Text plan = default;
        plan.Add(""u8);
        if (request.FabricIsAuto && !TryFindPlan(ref plan, ref image, ref found, uid))
            return false;

        int count = 0;
        while (runArguments[count] != null)
            count++;
        byte** arguments = (byte**)Room(null, (nuint)(count + 10) * (nuint)sizeof(byte*));
        Text words = default;
        nuint slash = CString.Length(files);
        while (files[slash - 1] != '/')
            slash--;
        // words that are always the same, and where they are
        words.Add("slipway\0holder\0-f\0/dev/fd/3\0"u8);
        const int holder = 8, option = 15, mountPoint = 18, none = 27;
        nuint directory = words.Length;
        words.Add(files, slash - 1);
        words.Add(0);
        nuint source = words.Length;
        words.Add("slipway:"u8);
        words.Add(image.Bytes);
        arguments[0] = words.Bytes;
        arguments[1] = words.Bytes + holder;
        arguments[2] = words.Bytes + directory;
        arguments[3] = files + slash;
        arguments[4] = key;
        arguments[5] = image.Bytes;
        arguments[6] = rung.Bytes;
        arguments[7] = found.IsDirectory ? image.Bytes : words.Bytes + none;
        arguments[8] = plan.Bytes;
        for (int i = 0; i <= count; i++)
            arguments[9 + i] = runArguments[i];
        byte** serverArguments = stackalloc byte*[5];
        serverArguments[0] = rung.Bytes;
        serverArguments[1] = words.Bytes + option;
        serverArguments[2] = image.Bytes;
        serverArguments[3] = words.Bytes + mountPoint;
        serverArguments[4] = null;
        Text launcher = default;
        Program.AddFullLauncher(ref launcher);

        HolderChildren.Prepared prepared = default;
        prepared.Launcher = launcher.Bytes;
        prepared.HolderArguments = arguments;
        prepared.Environment = environment;
        prepared.Server = found.IsDirectory ? null : server.Bytes;
        prepared.ServerArguments = serverArguments;
        prepared.Source = words.Bytes + source;
        prepared.User = uid;
        prepared.Group = getgid();
        prepared.Mount = -1;
        const int room = 1024;
        byte* said = stackalloc byte[room];
        int length = HolderChildren.Start(&prepared, said, room);
        close(prepared.Log);
        if (length < 2 || said[0] != 'o' || said[1] != 'k')
            return false;
        write(2, said + 2, (nuint)(length - 2));
        return true;
    }

    static bool Exists(ReadOnlySpan<byte> path)
    {
        fixed (byte* start = path)
            return access(start, F_OK) == 0;
    }

    /// <summary>Adds what the fabric plan beside the image is (FabricPlanFile.Look, OpenedFile.Refusal and IdentityOf); nothing where there is none.</summary>
    /// <returns>False where it is not to be believed, and the full launcher has to say so.</returns>
    static bool TryFindPlan(ref Text plan, ref Text image, ref statx_t imageFound, uint uid)
    {
        const ulong largest = 4 << 20;
        const ushort groupOrOthersWrite = 0x12;
        Text path = default;
        path.Add(image.Bytes);
        path.Add(".fabric.json"u8);
        statx_t found;
        if (statx(AT_FDCWD, path.Bytes, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &found) != 0)
            return true;
        if (imageFound.IsDirectory || !found.IsRegular || (found.stx_uid != 0 && found.stx_uid != uid && found.stx_uid != imageFound.stx_uid)
            || (found.stx_mode & groupOrOthersWrite) != 0 || found.stx_size > largest || found.stx_ctime.tv_sec < 0)
            return false;
        plan.AddNumber(found.stx_dev_major);
        plan.Add((byte)':');
        plan.AddNumber(found.stx_dev_minor);
        plan.Add((byte)':');
        plan.AddNumber(found.stx_ino);
        plan.Add((byte)':');
        plan.AddNumber((ulong)found.stx_ctime.tv_sec);
        plan.Add((byte)'.');
        plan.AddNumber(found.stx_ctime.tv_nsec);
        return true;
    }

    static bool IsPublished(ref Text image, uint uid)
    {
        Text record = default;
        record.Add(RootCache);
        AddRecord(ref record, ref image);
        if (access(record.Bytes, F_OK) == 0)
            return true;
        record.Cut(0);
        record.Add(UserCache);
        record.AddNumber(uid);
        AddRecord(ref record, ref image);
        return access(record.Bytes, F_OK) == 0;
    }

    static void AddRecord(ref Text record, ref Text image)
    {
        record.Add("/published/"u8);
        ContainerKey.AddName(ref record, ref image);
    }

    /// <summary>A SquashFS 4.0 image, and whole (SquashFsSuperblock).</summary>
    static bool IsSquashFs(byte* path)
    {
        const int length = 96;
        byte* block = stackalloc byte[length];
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
        if (fd < 0)
            return false;
        statx_t found = default;
        byte empty = 0;
        bool read = pread(fd, block, length, 0) == length && statx(fd, &empty, AT_EMPTY_PATH, STATX_BASIC_STATS, &found) == 0;
        close(fd);
        ulong used = *(ulong*)(block + 40);
        return read && *(uint*)block == 0x73717368 && *(ushort*)(block + 28) == 4 && *(ushort*)(block + 30) == 0 && *(ushort*)(block + 20) is >= 1 and <= 6
            && used >= length && used <= found.stx_size;
    }

    /// <summary>The first of the FUSE servers that is installed (HostProgram.TryFind): its path, and its name.</summary>
    static bool TryFindServer(ref Text server, ref Text name, byte** environment)
    {
        name.Add("squashfuse_ll"u8);
        if (TryFind(ref server, name.Bytes, environment))
            return true;
        name.Cut(name.Length - 3);
        return TryFind(ref server, name.Bytes, environment);
    }

    static bool TryFind(ref Text file, byte* name, byte** environment)
    {
        Text path = default;
        byte* set = CString.Variable(environment, "PATH"u8);
        if (set != null)
            path.Add(set);
        else
            path.Add("/usr/bin:/bin"u8);
        path.Add(":/usr/sbin:/sbin"u8);
        for (byte* start = path.Bytes, end; ; start = end + 1)
        {
            end = start;
            while (*end is not (0 or (byte)':'))
                end++;
            file.Cut(0);
            file.Add(start, (nuint)(end - start));
            file.Add((byte)'/');
            file.Add(name);
            statx_t found;
            if (*start == '/' && access(file.Bytes, X_OK) == 0 && statx(AT_FDCWD, file.Bytes, 0, STATX_BASIC_STATS, &found) == 0 && !found.IsDirectory)
                return true;
            if (*end == 0)
                return false;
        }
    }
}
