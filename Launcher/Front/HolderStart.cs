using Slipway.Shared;
using static Slipway.Front.LibC;
using static Slipway.Shared.Stat;

namespace Slipway.Front;

/// <summary>
/// Starts a holder where nothing has to be decided: a user's image file that no cache of this node knows, or an unpacked directory. All
/// else (ImageMount: root's mounts, the kernel's, an image of the cache) is for the full launcher, and every error but what the holder
/// itself has said: it would say so again.
/// </summary>
static unsafe class HolderStart
{
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
    public static Outcome Start(
        byte* files, byte* key, ref RunArguments request, ref HolderLock claim, byte** environment, byte* workingDirectory)
    {
        byte* given = request.Image;
        byte* config = CString.Variable(environment, "SLIPWAY_CONFIG"u8);
        uint uid = geteuid();
        if (uid == 0 || CString.StartsWith(given, "sha256:"u8) || (config != null && *config != 0) || Exists(NodePlaces.Configuration))
            return Outcome.HandOver;
        Text image = default;
        TextPath.AddFull(ref image, workingDirectory, given, given + CString.Length(given));
        statx_t found;
        if (!TryPath(image.Bytes, &found))
            return Outcome.HandOver;
        Text server = default, rung = default, reasons = default;
        int file = -1;
        if (found.IsDirectory)
        {
            rung.Add("directory"u8);
            reasons.Add(MountReasons.Directory);
        }
        else if (IsPublished(ref image, uid) || (file = OpenSquashFs(image.Bytes)) < 0
            || !TryFindServer(ref server, ref rung, ref reasons, environment))
            return Outcome.HandOver;
        Text plan = default;
        plan.Add(""u8);
        if (request.FabricIsAuto && !TryFindPlan(ref plan, ref image, ref found, uid))
            return Outcome.HandOver;

        int count = request.OfContainerCount;
        const int first = 2 + (int)HolderArgument.Options;
        byte** arguments = (byte**)Room(null, (nuint)(first + count + 1) * (nuint)sizeof(byte*));
        Text words = default, directory = default, content = default;
        // words that are always the same, and where they are
        words.Add("slipway\0holder\0-f\0"u8);
        const int holder = 8, option = 15, none = 17;
        nuint served = words.Length;
        words.Add(HolderChildren.ImagePath);
        words.Add(0);
        nuint mountPoint = words.Length;
        words.Add(HolderChildren.MountPoint);
        words.Add(0);
        nuint source = words.Length;
        words.Add("slipway:"u8);
        words.Add(image.Bytes);
        Container.AddDirectoryOf(ref directory, files);
        FileStamp.Add(ref content, &found);
        arguments[0] = words.Bytes;
        arguments[1] = words.Bytes + holder;
        byte** decided = arguments + 2;
        decided[(int)HolderArgument.Directory] = directory.Bytes;
        decided[(int)HolderArgument.Name] = files + directory.Length + 1;
        decided[(int)HolderArgument.Key] = key;
        decided[(int)HolderArgument.Image] = image.Bytes;
        decided[(int)HolderArgument.Content] = content.Bytes;
        decided[(int)HolderArgument.Rung] = rung.Bytes;
        decided[(int)HolderArgument.Reasons] = reasons.Bytes;
        decided[(int)HolderArgument.Mounted] = found.IsDirectory ? image.Bytes : words.Bytes + none;
        decided[(int)HolderArgument.Plan] = plan.Bytes;
        decided[(int)HolderArgument.LeftOut] = words.Bytes + none;
        for (int i = 0; i <= count; i++)
            arguments[first + i] = request.OfContainer[i];
        byte** serverArguments = stackalloc byte*[5];
        serverArguments[0] = rung.Bytes;
        serverArguments[1] = words.Bytes + option;
        serverArguments[2] = words.Bytes + served;
        serverArguments[3] = words.Bytes + mountPoint;
        serverArguments[4] = null;
        Text launcher = default;
        FullLauncher.AddPath(ref launcher);

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
        Outcome outcome = length < 2 ? Outcome.HandOver : said[0] == 'o' && said[1] == 'k' ? Outcome.Started
            : Said(said, length, prepared.Log, image.Bytes);
        close(prepared.Log);
        if (outcome == Outcome.Started)
        {
            write(2, said + 2, (nuint)(length - 2));
            Container.WarnOfPlace(files);
        }
        return outcome;
    }

    /// <summary>
    /// Passes on what the holder said, and its FUSE server; the codes of the children before it are for the full launcher, which knows what
    /// they mean.
    /// </summary>
    static Outcome Said(byte* said, int length, int log, byte* image)
    {
        if (said[0] == HolderChildren.TimedOut && said[1] is >= (byte)'0' and <= (byte)'9')
        {
            Rank.Complain(image,
                ": the holder was not ready in time, and was killed: something stopped it (a script of the image may: "u8 +
                "/.singularity.d/env/*.sh), or the file system that the image is on does not answer"u8, 0, 125);
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

    /// <summary>Adds what the fabric plan beside the image is; nothing where there is none.</summary>
    /// <remarks>
    /// A twin of FabricPlanFile.Look and OpenedFile.Refusal that stays: those give the reason in words, which the front has no use for. It
    /// believes no more than they do, and a
    /// plan that it does not believe is handed over to them (PlanOriginTests).
    /// </remarks>
    /// <returns>False where it is not to be believed, and the full launcher has to say so.</returns>
    static bool TryFindPlan(ref Text plan, ref Text image, ref statx_t imageFound, uint uid)
    {
        const ulong largest = 4 << 20;
        const ushort groupOrOthersWrite = 0x12;
        Text path = default;
        path.Add(image.Bytes);
        path.Add(".fabric.json"u8);
        statx_t found;
        if (!TryLink(path.Bytes, &found))
            return true;
        if (imageFound.IsDirectory || !found.IsRegular
            || (found.stx_uid != 0 && found.stx_uid != uid && found.stx_uid != imageFound.stx_uid)
            || (found.stx_mode & groupOrOthersWrite) != 0 || found.stx_size > largest)
            return false;
        FileStamp.AddIdentity(ref plan, &found);
        return true;
    }

    static bool IsPublished(ref Text image, uint uid)
    {
        Text record = default;
        record.Add(NodePlaces.RootCache);
        AddRecord(ref record, ref image);
        if (access(record.Bytes, F_OK) == 0)
            return true;
        record.Cut(0);
        record.Add(NodePlaces.UserCache);
        record.AddNumber(uid);
        statx_t found;
        // where somebody else has taken the name, the cache is elsewhere (OwnDirectory)
        if (TryLink(record.Bytes, &found) && (!found.IsDirectory || found.stx_uid != uid))
            return true;
        AddRecord(ref record, ref image);
        return access(record.Bytes, F_OK) == 0;
    }

    static void AddRecord(ref Text record, ref Text image)
    {
        record.Add(NodePlaces.Published);
        KeyName.Add(ref record, image.Bytes, image.Length);
    }

    /// <summary>
    /// A SquashFS 4.0 image, and whole (SquashFsSuperblock): a descriptor, so that this is the one that is mounted; less than 0 where it is
    /// anything else.
    /// </summary>
    static int OpenSquashFs(byte* path)
    {
        byte* block = stackalloc byte[SquashFsHeader.Length];
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
        if (fd < 0)
            return fd;
        statx_t found;
        if (pread(fd, block, SquashFsHeader.Length, 0) == SquashFsHeader.Length && TryOpened(fd, &found)
            && SquashFsHeader.Check(block, found.stx_size) == SquashFsHeader.Fault.None)
            return fd;
        close(fd);
        return -1;
    }

    /// <summary>The first of the FUSE servers that is installed (<see cref="ProgramPath"/>): its path, and its name.</summary>
    static bool TryFindServer(ref Text server, ref Text name, ref Text reasons, byte** environment)
    {
        reasons.Add(MountReasons.NoDigest);
        reasons.Add((byte)'\n');
        reasons.Add(MountReasons.NotRoot);
        reasons.Add((byte)'\n');
        name.Add("squashfuse_ll"u8);
        bool found = ProgramPath.TryFind(ref server, CString.Variable(environment, "PATH"u8), name.Bytes);
        if (!found)
        {
            reasons.Add(name.Bytes);
            reasons.Add(MountReasons.NotInstalled);
            reasons.Add((byte)'\n');
            name.Cut(name.Length - 3);
            found = ProgramPath.TryFind(ref server, CString.Variable(environment, "PATH"u8), name.Bytes);
        }
        reasons.Add(name.Bytes);
        reasons.Add(": "u8);
        reasons.Add(server.Bytes);
        reasons.Add(MountReasons.Serves);
        return found;
    }
}
