using System.Net.Sockets;
using System.Text.RegularExpressions;
using Slipway.Linux;
using Tmds.Linux;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests;

/// <summary>What lies at a path, and is no file, or is another's: told in words, and never waited for.</summary>
public sealed class OpenedFileTests
{
    /// <summary>Whatever waits at all waits less than this; one that waits for ever fails here.</summary>
    static T Soon<T>(Func<T> work)
    {
        Task<T> running = Task.Run(work);
        Assert.True(running.Wait(TimeSpan.FromSeconds(30)), "it waits");
        return running.Result;
    }

    /// <summary>Everything but a file that can have a name.</summary>
    static Dictionary<string, Action<string>> Kinds => new()
    {
        ["FIFO"] = path => Assert.Equal(0, mkfifo(path, 0x1b6)),
        ["directory"] = path => Directory.CreateDirectory(path),
        ["socket"] = path =>
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            // disposing takes the name away
            rename(path, path + ".kept");
            socket.Dispose();
            rename(path + ".kept", path);
        },
        ["symbolic link"] = path => File.CreateSymbolicLink(path, "/etc/passwd"),
        ["symbolic link to a device"] = path => File.CreateSymbolicLink(path, "/dev/zero"),
        ["symbolic link to itself"] = path => File.CreateSymbolicLink(path, path),
    };

    public static TheoryData<string> KindNames => [.. Kinds.Keys];

    [Theory]
    [MemberData(nameof(KindNames))]
    public void WhatIsFoundIsAFile(string kind)
    {
        using TemporaryDirectory directory = new();
        string path = directory.Path + "/found";
        Kinds[kind](path);
        Exception e = Soon(() => Record.Exception(() => OpenedFile.BytesFound(path, 1000)))!;
        Assert.StartsWith($"'{path}' is a {kind.Split(" to ")[0]}", Assert.IsType<FileRefusedException>(e).Message,
            StringComparison.Ordinal);
        Assert.Null(Soon(() => OpenedFile.TryTextFound(path)));
        Assert.True(stat(path, out statx found, follow: false) == 0);
        Assert.StartsWith($"is a {kind.Split(" to ")[0]}", OpenedFile.Refusal(found, 1000)!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("FIFO")]
    [InlineData("directory")]
    [InlineData("socket")]
    [InlineData("symbolic link to a device")]
    [InlineData("symbolic link to itself")]
    public void WhatIsNamedIsAFileToo(string kind)
    {
        using TemporaryDirectory directory = new();
        string path = directory.Path + "/named";
        Kinds[kind](path);
        foreach (Action open in new Action[] { () => OpenedFile.Named(path).Dispose(), () => OpenedFile.BytesNamed(path),
            () => OpenedFile.CopyNamed(path, path + ".copy") })
        {
            Exception e = Soon(() => Record.Exception(open))!;
            Assert.True(e is IOException or UnauthorizedAccessException, $"{e}");
            Assert.Contains($"'{path}' ", e.Message, StringComparison.Ordinal);
        }
        Assert.Null(Soon(() => OpenedFile.TryTextNamed(path)));
        Assert.False(File.Exists(path + ".copy"));
    }

    [Fact]
    public void WhatIsNamedMayBeALink()
    {
        using TemporaryDirectory directory = new();
        directory.Write("file", "text");
        directory.Link("link", "file");
        Assert.Equal("text", OpenedFile.TextNamed(directory.Path + "/link"));
        using FileStream stream = OpenedFile.Named(directory.Path + "/link");
        Assert.Equal(4, stream.Length);
        Assert.Equal(4, stream.Read(new byte[10]));
    }

    [Fact]
    public void SizesEndWhereTheyAreSaidTo()
    {
        using TemporaryDirectory directory = new();
        string path = directory.Write("file", new byte[1000]);
        Assert.Equal(1000, OpenedFile.BytesFound(path, 1000)!.Length);
        Assert.Equal(1000, OpenedFile.BytesNamed(path, 1000).Length);
        Assert.True(Assert.Throws<FileRefusedException>(() => OpenedFile.BytesFound(path, 999))
            .Message == $"'{path}' is larger than 999 bytes");
        Assert.True(Assert.Throws<FileRefusedException>(() => OpenedFile.BytesNamed(path, 999)).IsTooLarge);
        // a sparse one costs nobody anything but a reader
        using (FileStream sparse = File.OpenWrite(path))
            sparse.SetLength(1L << 40);
        Assert.Equal("is larger than 4 MiB", Assert.Throws<FileRefusedException>(() => OpenedFile.BytesFound(path, 4 << 20)).Why);
        Assert.Null(OpenedFile.TryTextFound(path));
        Assert.Null(OpenedFile.TryTextNamed(path));
        Assert.Throws<FileRefusedException>(() => OpenedFile.BytesNamed("/dev/zero", stream: true));
        Assert.Empty(OpenedFile.BytesNamed("/dev/null", stream: true));
        Assert.Throws<FileNotFoundException>(() => OpenedFile.BytesNamed(path + "x"));
        Assert.Null(OpenedFile.BytesFound(path + "x", 1000));
        Assert.Null(OpenedFile.BytesFound(path + "/x", 1000));
        Assert.Contains("zero", Assert.Throws<IOException>(() => OpenedFile.BytesNamed("/etc\0/passwd")).Message, StringComparison.Ordinal);
        Assert.NotNull(OpenedFile.TryTextNamed("/proc/self/stat"));
    }

    [Theory]
    [InlineData(0x1b6, "0666")] // rw-rw-rw-
    [InlineData(0x1b4, "0664")]
    [InlineData(0x192, "0622")]
    [InlineData(0x1ff, "0777")]
    public void NobodyElseMayWriteWhatIsFound(int mode, string shown)
    {
        using TemporaryDirectory directory = new();
        string path = directory.Write("file", [1]);
        chmod(path, (uint)mode);
        Assert.Equal($"'{path}' can be written by others (mode {shown})",
            Assert.Throws<FileRefusedException>(() => OpenedFile.BytesFound(path, 1000)).Message);
        Assert.Null(OpenedFile.TryTextFound(path));
        chmod(path, 0x1a4);
        Assert.Single(OpenedFile.BytesFound(path, 1000)!);
    }

    [NeedsFact(Needs.Root)]
    public void WhoWroteWhatIsFound()
    {
        using TemporaryDirectory directory = new();
        string path = directory.Write("file", [1]);
        chown(path, 4711, 0);
        Assert.Equal($"'{path}' belongs to uid 4711 and not to root or you",
            Assert.Throws<FileRefusedException>(() => OpenedFile.BytesFound(path, 1000)).Message);
        Assert.Equal("belongs to uid 4711 and not to root, you or the image's owner",
            Assert.Throws<FileRefusedException>(() => OpenedFile.BytesFound(path, 1000, (4712u, "the image's owner"))).Why);
        Assert.Single(OpenedFile.BytesFound(path, 1000, (4711u, "the image's owner"))!);
    }

    [Fact]
    public void AFileThatWasLookedAtIsThatFile()
    {
        using TemporaryDirectory directory = new();
        string path = directory.Write("file", [1]);
        stat(path, out statx found, follow: false);
        Assert.Single(OpenedFile.BytesKnown(path, 1000, OpenedFile.IdentityOf(found), out _));
        Thread.Sleep(20);
        chmod(path, 0x180);
        Assert.Equal("has changed since it was looked at",
            Assert.Throws<FileRefusedException>(() => OpenedFile.BytesKnown(path, 1000, OpenedFile.IdentityOf(found), out _)).Why);
    }

    [Fact]
    public void APipeIsReadToItsEnd()
    {
        using TemporaryDirectory directory = new();
        string path = directory.Path + "/pipe";
        Assert.Equal(0, mkfifo(path, 0x180));
        Task<byte[]> reading = Task.Run(() => OpenedFile.BytesNamed(path, 1 << 20, stream: true));
        Thread.Sleep(300); // nobody writes yet: that is no end
        Assert.False(reading.IsCompleted);
        using (FileStream writing = new(path, FileMode.Open, FileAccess.Write))
            for (int i = 0; i < 100; i++)
            {
                writing.Write(new byte[3000]);
                writing.Flush();
                if (i % 25 == 0)
                    Thread.Sleep(50);
            }
        Assert.Equal(300_000, Soon(() => reading.Result).Length);
    }

    [Fact]
    public void WaitingForAPipeCanBeCancelled()
    {
        using TemporaryDirectory directory = new();
        string path = directory.Path + "/pipe";
        Assert.Equal(0, mkfifo(path, 0x180));
        using CancellationTokenSource stop = new(TimeSpan.FromMilliseconds(300));
        Assert.IsType<OperationCanceledException>(Soon(
            () => Record.Exception(() => OpenedFile.BytesNamed(path, stream: true, cancel: stop.Token))));
    }

    /// <summary>A program that builds from a pipe ends at the first signal.</summary>
    [NeedsFact(Needs.Launcher)]
    public void ABuildThatWaitsForItsDefinitionEndsAtTheFirstSignal()
    {
        using TemporaryDirectory directory = new();
        string path = directory.Path + "/pipe";
        Assert.Equal(0, mkfifo(path, 0x180));
        Cli.Running build = Cli.Start(Environment.UserName, [Cli.Program, "build", path, "-o", directory.Path + "/out.sqfs"]);
        Thread.Sleep(1000);
        Assert.False(build.Process.HasExited);
        kill(build.Process.Id, SIGTERM);
        Assert.Equal(130, build.Wait(30).ExitCode);
        Assert.Equal([path], Directory.GetFileSystemEntries(directory.Path));
    }

    /// <summary>Where a file is opened past <see cref="OpenedFile"/>, and why that may be: of the line, what makes it so.</summary>
    static readonly (string File, string Line, string Why)[] Exceptions =
    [
        ("Linux/OpenedFile.cs", "", "it is the one"),
        ("Linux/fcntl.cs", "", "the calls themselves"),
        ("", "FileMode.CreateNew", "made by us: whatever is there already is an error"),
        ("", "O_EXCL", "made by us: whatever is there already is an error"),
        ("Linux/PartialFile.cs", "LockOf(path)", "for its lock alone, and not to wait: nothing is read"),
        ("Cache/NodeCache.cs", "open(entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK", "to hold an entry, which is looked at before it is read"),
        ("Launcher/Shared/HolderLock.cs", "O_CREAT", "a lock in our runtime directory"),
        ("Launcher/Shared/ProcStat.cs", "open(path, O_RDONLY | O_CLOEXEC, 0)", "the kernel's"),
        ("", "O_DIRECTORY", "a directory is not read as a file"),
        ("", "O_PATH", "nothing is opened by it"),
        ("", "File.WriteAll", "in a directory of ours"),
        ("", "/proc/self/", "the kernel's"),
        ("Readers/Elf/ElfWindow.cs", "O_NONBLOCK", "what a tree has looked at, thousands of them: one call each, and not to wait"),
        ("Building/BuildNamespace.cs", "/proc/", "the kernel's"),
        ("Building/Inside/BuilderProgram.cs", "jobPath", "our parent's, in a directory of its own"),
        ("Building/Inside/BuilderProgram.cs", "job.LogPath", "our own log"),
        ("Building/ImageBuilder.cs", "new(partial, FileMode.Open", "what our builder has just made beside its destination"),
        ("Building/Sources/DebRoot.cs", "File.ReadAllBytes(file)", "APT's copies of indexes, in our work directory"),
        ("Building/Sources/DebRoot.cs", "key.File", "written by us, in our work directory"),
        ("Building/Sources/RpmRoot.cs", "key.File", "written by us, in our work directory"),
        ("Building/Sources/RpmRoot.cs", "File.Create(script)", "in our work directory"),
        ("Building/Sources/RpmRoot.cs", "FileMode.OpenOrCreate", "the lock of a cache of our own"),
        ("Building/Repositories/AptRepositories.cs", "MirrorFile", "written by us, in our work directory"),
        ("Building/Repositories/AptRepositories.cs", "WithLabel(File.ReadAllText(file)", "APT's, in our work directory"),
        ("Building/Repositories/AptRepositories.cs", "File.ReadLines(release)", "APT's, in our work directory"),
        ("Building/Repositories/MirrorLists.cs", "File.ReadLines(raw)", "written by us, in our work directory"),
        ("Building/Inside/FakerootRecords.cs", "int source = open(from", "by the descriptor of a file that was looked at"),
        ("Building/BuildRoot.cs", "int fd = openat2(root", "in a root, without waiting, and looked at before it is read"),
        ("Building/WorkDirectory.cs", "FileMode.Open,", "the lock of a directory of our own, looked at before"),
        ("Building/BuildRoot.cs", "new FileStream(new Microsoft", "opened by openat2(2) without waiting, and looked at before"),
        ("Building/Archives/ArchiveExtractor.cs", "FileStream file = new(to", "made by us in a root that nobody else sees"),
        ("Building/Inside/BuilderProgram.cs", "StreamWriter log", "our own log"),
        ("Cache/GrowingFile.cs", "FileMode.CreateNew", "made by us"),
        ("Linux/AtomicFile.cs", "new SafeFileHandle(fd", "made by us, beside its destination"),
        ("Cache/CacheLock.cs", "O_CREAT", "the lock of a cache that is safe"),
        ("Cache/CacheWriter.cs", "int fd = open(path, O_RDONLY | O_CLOEXEC, 0);", "what we have just made, to be synced"),
        ("Running/HolderProgram.cs", "files.Lock", "a lock in our runtime directory"),
        ("Launcher/Shared/HolderChildren.cs", "", "the kernel's: id maps and /dev/fuse; raw calls alone"),
        ("Running/HiddenDevices.cs", "O_CREAT", "in an empty tmpfs of ours"),
        ("Running/ContainerRoot.cs", "O_CREAT", "in a tmpfs of ours"),
        ("Running/ContainerRoot.cs", "openat2(image", "in the image, without waiting, and looked at before it is read"),
        ("Running/ImageMount.cs", "O_NONBLOCK", "an image whose superblock was read; the kernel's loop device looks what it is"),
        ("Running/ImageMount.cs", "/dev/loop-control", "the kernel's"),
        ("Running/ImageMount.cs", "open(device", "the kernel's"),
        ("Preflight/PreflightProgram.cs", "new(file, options)", "made by us"),
    ];

    static readonly Regex Opens = new(string.Join('|',
        @"\bFile\.(Open|Read|Append|Create\(|Copy\(|WriteAll)",
        @"new(\(| )FileStream",
        @"FileStream \w+ = new\(",
        @"StreamReader\((path|file|outside)",
        @"StreamWriter \w+ = new\((job|path|file)",
        @"(?<![\w.])(C\.)?open(at2)?\("));

    [Fact]
    public void NothingIsOpenedPastTheOnePlace()
    {
        string module = Path.Combine(Cli.Repository, "Module");
        HashSet<(string File, string Line, string Why)> used = [];
        List<string> past = [];
        foreach (string file in new[] { "Module", "Cmdlets", "Launcher" }.Select(d => Path.Combine(Cli.Repository, d))
            .SelectMany(d => Directory.EnumerateFiles(d, "*.cs", SearchOption.AllDirectories)))
        {
            // the front and the probe have no .NET; their own reader keeps the same rule, and is tested with it
            if (file.Contains("/obj/", StringComparison.Ordinal) || file.Contains("/bin/", StringComparison.Ordinal)
                || file.Contains("/Launcher/Front/", StringComparison.Ordinal)
                || file.Contains("/Launcher/Probe/", StringComparison.Ordinal))
                continue;
            foreach ((string line, int number) in File.ReadLines(file).Select((l, i) => (l, i + 1)))
            {
                string code = line.Split("//")[0];
                if (!Opens.IsMatch(code) || code.Contains("static partial", StringComparison.Ordinal)
                    || code.Contains("public static int open", StringComparison.Ordinal))
                    continue;
                List<(string File, string Line, string Why)> allowed =
                    Exceptions.Where(e => file.EndsWith(e.File, StringComparison.Ordinal)
                        && code.Contains(e.Line, StringComparison.Ordinal)).ToList();
                used.UnionWith(allowed);
                if (allowed.Count == 0)
                    past.Add($"{Path.GetRelativePath(Cli.Repository, file)}:{number}: {code.Trim()}");
            }
        }
        Assert.True(past.Count == 0, "open these by Linux/OpenedFile, or say here why not:\n" + string.Join('\n', past));
        Assert.Empty(Exceptions.Except(used).Select(e => $"{e.File}: {e.Line}: no such line any more"));
    }
}
