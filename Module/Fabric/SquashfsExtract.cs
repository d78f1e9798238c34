using Slipway.Linux;

namespace Slipway.Fabric;

/// <summary>A part of a SquashFS image, unpacked into a private directory for as long as this object lives.</summary>
/// <remarks>
/// unsquashfs(1) lists first, and then unpacks only regular files and links that were asked for: a device, FIFO or socket of a foreign
/// image never reaches the disk.
/// </remarks>
sealed class SquashfsExtract : IDisposable
{
    /// <summary>Libraries of a machine-learning image come to tens of gigabytes; those that matter here are small.</summary>
    const long ByteLimit = 1L << 30;

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
            throw new SlipwayException("ImageNotFound", ErrorKind.ObjectNotFound, $"{image}: there is no such file", target: image);
        var extract = new SquashfsExtract();
        try
        {
            var list = Path.Combine(extract.temporary.FullName, "files");
            File.WriteAllLines(list, extract.Choose(Run(image, ["-lln", "-d", "", image], cancellation), wanted));
            Run(image, ["-no-progress", "-quiet", "-no-xattrs", "-no-exit-code", "-no-wildcards", "-d", extract.Directory, "-ef", list, image], cancellation);
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
        foreach (var directory in temporary.EnumerateDirectories("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }))
            directory.UnixFileMode |= UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        temporary.Delete(recursive: true);
    }

    /// <summary>Of a listing's lines <c>MODE UID/GID SIZE DATE TIME PATH</c>, the paths to unpack: the small ones first, up to the limit.</summary>
    List<string> Choose(string listing, Func<string, bool, bool> wanted)
    {
        var paths = new List<string>();
        var files = new List<(long Size, string Path)>();
        foreach (var line in listing.Split('\n'))
        {
            var at = line.IndexOf(" /", StringComparison.Ordinal);
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (at < 0 || fields.Length < 6)
                continue;
            var path = line[(at + 1)..];
            if (line[0] == 'l')
                paths.Add(path.Split(" -> ")[0]);
            else if (line[0] == '-' && long.TryParse(fields[2], out var size) && size > 0 && wanted(path, line[..10].AsSpan().ContainsAny('x', 's')))
                files.Add((size, path));
        }
        long total = 0;
        foreach (var (size, path) in files.OrderBy(f => f.Size))
        {
            total += size;
            if (total <= ByteLimit)
                paths.Add(path);
            else
                Complete = false;
        }
        return paths;
    }

    static string Run(string image, string[] arguments, CancellationToken cancellation)
    {
        List<string> lines = [], errors = [];
        int exit = HostProgram.Run("unsquashfs", arguments, lines.Add, errors.Add, cancel: cancellation);
        return exit == 0 ? string.Join('\n', lines)
            : throw new SlipwayException("ImageUnreadable", ErrorKind.InvalidData, $"{image}: {string.Join("; ", errors)}", "Check that the file is a SquashFS image.", image);
    }
}
