using System;
using Slipway.Shared;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>
/// Starts a holder where nothing has to be decided: a user's image file that no cache of this node knows, or an unpacked directory. All else
/// (ImageMount: root's mounts, the kernel's, an image of the cache) is for the full launcher, and every error but what the holder itself has said: it would say so again.
/// </summary>
internal static unsafe class HolderStart
{
    /// <summary>SiteConfiguration.DefaultPath: what is decided there (where the cache is) is not read here.</summary>
    static ReadOnlySpan<byte> Configuration => "/etc/slipway/config.yaml"u8;

    /// <summary>NodeCache's records of published images, below the cache of root and that of a user.</summary>
    static ReadOnlySpan<byte> RootCache => "/var/cache/slipway"u8;

    static ReadOnlySpan<byte> UserCache => "/var/tmp/slipway-"u8;

    public enum Outcome
    {
        Started,

        /// <summary>Nothing was, and it is for the full launcher to do so, or to tell why not.</summary>
        HandOver,

        /// <summary>Why not was said.</summary>
        Failed,
    }

    /// <summary>Starts the holder of these files and waits until it is ready.</summary>
    /// <param name="claim">The right to do so.</param>
    public static Outcome Start(byte* files, byte* key, ref RunArguments request, ref Rank.Claim claim, byte** environment, byte* workingDirectory)
    {
        byte* given = request.Image;
        byte* config = CString.Variable(environment, "SLIPWAY_CONFIG"u8);
        uint uid = geteuid();
        if (uid == 0 || CString.StartsWith(given, "sha256:"u8) || (config != null && *config != 0) || Exists(Configuration))
            return Outcome.HandOver;
        Text image = default;
        TextPath.AddFull(ref image, workingDirectory, given, given + CString.Length(given));
        statx_t found;
        if (statx(AT_FDCWD, image.Bytes, 0, STATX_BASIC_STATS, &found) != 0)
            return Outcome.HandOver;
        Text server = default, rung = default;
        int file = -1;
        if (found.IsDirectory)
            rung.Add("directory"u8);
        else if (IsPublished(ref image, uid) || (file = OpenSquashFs(image.Bytes)) < 0 || !TryFindServer(ref server, ref rung, environment))
            return Outcome.HandOver;
        Text plan = default;
        plan.Add(""u8);
        if (request.FabricIsAuto && !TryFindPlan(ref plan, ref image, ref found, uid))
            return Outcome.HandOver;

        int count = request.OfContainerCount;
        byte** arguments = (byte**)Room(null, (nuint)(count + 10) * (nuint)sizeof(byte*));
        Text words = default;
        nuint slash = CString.Length(files);
        while (files[slash - 1] != '/')
            slash--;
        // words that are always the same, and where they are
        words.Add("slipway\0holder\0-f\0"u8);
        const int holder = 8, option = 15, none = 17;
        nuint served = words.Length;
        words.Add(HolderChildren.ImagePath);
        words.Add(0);
        nuint mountPoint = words.Length;
        words.Add(HolderChildren.MountPoint);
        words.Add(0);
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
            arguments[9 + i] = request.OfContainer[i];
        byte** serverArguments = stackalloc byte*[5];
        serverArguments[0] = rung.Bytes;
        serverArguments[1] = words.Bytes + option;
        serverArguments[2] = words.Bytes + served;
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
        prepared.Image = file;
        prepared.Lock = claim.Held;
        prepared.Listener = claim.Listener;
        const int room = 4096;
        byte* said = stackalloc byte[room];
        int length = HolderChildren.Start(&prepared, said, room);
        close(file);
        Outcome outcome = length < 2 ? Outcome.HandOver : said[0] == 'o' && said[1] == 'k' ? Outcome.Started : Said(said, length, prepared.Log, image.Bytes);
        close(prepared.Log);
        if (outcome == Outcome.Started)
        {
            write(2, said + 2, (nuint)(length - 2));
            ContainerKey.WarnOfPlace(files);
        }
        return outcome;
    }

    /// <summary>Passes on what the holder said, and its FUSE server; the codes of the children before it are for the full launcher, which knows what they mean.</summary>
    static Outcome Said(byte* said, int length, int log, byte* image)
    {
        if (said[0] == HolderChildren.TimedOut && said[1] is >= (byte)'0' and <= (byte)'9')
        {
            Rank.Complain(image, ": the holder was not ready in time, and was killed: something stopped it (a script of the image may: /.singularity.d/env/*.sh), or the file system that the image is on does not answer"u8, 0, 125);
            return Outcome.Failed;
        }
        bool code = true;
        for (int i = 1; i < length; i++)
            code &= said[i] is >= (byte)'0' and <= (byte)'9';
        if (code)
            return Outcome.HandOver;
        const int room = 2048;
        byte* ofServer = stackalloc byte[room];
        nint more = pread(log, ofServer, room, 0);
        int at = 0;
        Text text = default;
        AddLine(ref text, said, length, ref at);
        if (more > 0)
        {
            text.Add(": "u8);
            for (int i = 0; i < more; i++)
                text.Add(ofServer[i] < ' ' ? (byte)' ' : ofServer[i]);
        }
        text.Add((byte)'\n');
        while (at < length)
        {
            AddLine(ref text, said, length, ref at);
            text.Add((byte)'\n');
        }
        write(2, text.Bytes, text.Length);
        return Outcome.Failed;
    }

    static void AddLine(ref Text text, byte* said, int length, ref int at)
    {
        text.Add("slipway: "u8);
        for (; at < length && said[at] != '\n'; at++)
            text.Add(said[at]);
        at++;
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
        statx_t found;
        // where somebody else has taken the name, the cache is elsewhere (OwnDirectory)
        if (statx(AT_FDCWD, record.Bytes, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &found) == 0 && (!found.IsDirectory || found.stx_uid != uid))
            return true;
        AddRecord(ref record, ref image);
        return access(record.Bytes, F_OK) == 0;
    }

    static void AddRecord(ref Text record, ref Text image)
    {
        record.Add("/published/"u8);
        ContainerKey.AddName(ref record, ref image);
    }

    /// <summary>A SquashFS 4.0 image, and whole (SquashFsSuperblock): a descriptor, so that this is the one that is mounted; less than 0 where it is anything else.</summary>
    static int OpenSquashFs(byte* path)
    {
        const int length = 96;
        byte* block = stackalloc byte[length];
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
        if (fd < 0)
            return fd;
        statx_t found = default;
        byte empty = 0;
        bool read = pread(fd, block, length, 0) == length && statx(fd, &empty, AT_EMPTY_PATH, STATX_BASIC_STATS, &found) == 0;
        ulong used = *(ulong*)(block + 40);
        if (read && *(uint*)block == 0x73717368 && *(ushort*)(block + 28) == 4 && *(ushort*)(block + 30) == 0 && *(ushort*)(block + 20) is >= 1 and <= 6
            && used >= length && used <= found.stx_size)
            return fd;
        close(fd);
        return -1;
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
