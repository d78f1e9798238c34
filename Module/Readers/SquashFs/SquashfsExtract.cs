using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Readers.SquashFs;

/// <summary>A part of a SquashFS image, unpacked into a private directory for as long as this object lives.</summary>
/// <remarks>
/// unsquashfs(1) lists first, and then unpacks only regular files and links that were asked for: a device, FIFO or socket of a foreign
/// image never reaches the disk.
/// </remarks>
sealed class SquashfsExtract : IDisposable
{
    /// <summary>Libraries of a machine-learning image come to tens of gigabytes; those that matter here are small.</summary>
    const long ByteLimit = 1L << 30;

    /// <summary>
    /// More than the largest distributions have; and of these, those that matter here. Each costs memory, here and in who looks at it.
    /// </summary>
    const int MostEntries = 5_000_000, MostFiles = 150_000;

    /// <summary>
    /// Bytes: of a listing, whose directories may be nested so deep that it has no end; and of a line of it, which has a path and a link's
    /// target (PATH_MAX each).
    /// </summary>
    const long LongestListing = 1L << 30;
    const int LongestLine = 2 * 4096 + 128;

    // 0700, as mkdtemp(3) makes it
    readonly DirectoryInfo temporary = System.IO.Directory.CreateTempSubdirectory("slipway-");

    public string Directory => Path.Combine(temporary.FullName, "root");

    /// <summary>False where the largest files were left out for their size.</summary>
    public bool Complete { get; private set; } = true;

    /// <param name="wanted">Of a regular file's path, and whether anybody may execute it.</param>
    /// <exception cref="SlipwayException">There is no <c>unsquashfs</c>, or it cannot read the image.</exception>
    public static SquashfsExtract Extract(string image, Func<string, bool, bool> wanted, CancellationToken cancellation)
    {
        if (!File.Exists(image))
            throw ReaderErrors.ImageNotFound(image);
        SquashfsExtract extract = new SquashfsExtract();
        try
        {
            string list = Path.Combine(extract.temporary.FullName, "files");
            File.WriteAllLines(list, extract.Choose(image, wanted, cancellation));
            Run(image, [.. ImageFile.Options, "-quiet", "-no-exit-code", "-no-wildcards", "-d", extract.Directory, "-ef", list, image],
                output => output.CopyTo(Stream.Null), cancellation);
            System.IO.Directory.CreateDirectory(extract.Directory);
            return extract;
        }
        catch
        {
            extract.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        // Directories of the image keep their modes, and one that may not be written cannot be emptied.
        foreach (DirectoryInfo directory in temporary.EnumerateDirectories(
            "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }))
            directory.UnixFileMode |= (UnixFileMode)Mode.rwx______;
        temporary.Delete(recursive: true);
    }

    /// <summary>The paths to unpack: links, and of the files the small ones first, up to the limits.</summary>
    IEnumerable<string> Choose(string image, Func<string, bool, bool> wanted, CancellationToken cancellation)
    {
        List<string> links = [];
        // the largest of those that are kept is the first to go
        PriorityQueue<(long Size, string Path), long> files = new();
        long total = 0;
        int entries = 0;
        void Take(string line)
        {
            if (++entries > MostEntries)
                throw ReaderErrors.TooManyFiles(image, MostEntries);
            if (LinkOf(line) is { } link && (Complete &= links.Count < MostFiles))
                links.Add(link);
            if (FileOf(line, wanted) is not { } file)
                return;
            files.Enqueue(file, -file.Size);
            total += file.Size;
            while (total > ByteLimit || files.Count > MostFiles)
            {
                total -= files.Dequeue().Size;
                Complete = false;
            }
        }
        Run(image, [.. ImageFile.Options, "-lln", "-d", "", image], output =>
            Lines(new BoundedStream(output, LongestListing, () => ReaderErrors.ListTooLong(image)), Take), cancellation);
        return links.Concat(files.UnorderedItems.Select(f => f.Element.Path));
    }

    /// <summary>Of a listing's line <c>MODE UID/GID SIZE DATE TIME PATH -> TARGET</c>, the path of a link.</summary>
    static string? LinkOf(string line) => line.StartsWith('l') && PathOf(line) is { } path ? path.Split(" -> ")[0] : null;

    static string? PathOf(string line) => line.IndexOf(" /", StringComparison.Ordinal) is >= 0 and var at ? line[(at + 1)..] : null;

    static (long Size, string Path)? FileOf(string line, Func<string, bool, bool> wanted) =>
        line.StartsWith('-') && PathOf(line) is { } path
        && line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries) is [var mode, _, var length, _, _, _]
            && long.TryParse(length, out long size) && size > 0 && wanted(path, mode.AsSpan().ContainsAny('x', 's')) ? (size, path) : null;

    /// <summary>Each line but those that are too long for any path, of which nothing is kept.</summary>
    static void Lines(Stream stream, Action<string> take)
    {
        byte[] buffer = new byte[1 << 16];
        int have = 0, got;
        bool skipping = false;
        while ((got = stream.Read(buffer, have, buffer.Length - have)) > 0)
        {
            have += got;
            Span<byte> rest = buffer.AsSpan(0, have);
            for (int end; (end = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(end + 1)..], skipping = false)
                if (!skipping && end <= LongestLine)
                    take(System.Text.Encoding.UTF8.GetString(rest[..end]));
            skipping |= rest.Length > LongestLine;
            have = skipping ? 0 : rest.Length;
            rest[..have].CopyTo(buffer);
        }
    }

    static void Run(string image, string[] arguments, Action<Stream> take, CancellationToken cancellation)
    {
        (int exit, string? said) = HostProgram.Stream("unsquashfs", arguments, take, cancellation);
        if (exit != 0)
            throw ReaderErrors.ImageNotUnpacked(image, said);
    }
}
