using Slipway.Linux;

namespace Slipway.Readers;

/// <summary>What a path leads to.</summary>
enum FileKind { None, File, Directory, Link, Other }

/// <summary>One name in a directory, as lstat(2) has it.</summary>
/// <param name="Target">Of a link, as it is written there.</param>
/// <param name="ModifiedExactly">Nanoseconds since 1970.</param>
sealed record FileNode(FileKind Kind, string? Target, ushort Mode, long Size, long ModifiedExactly)
{
    public static readonly FileNode None = new(FileKind.None, null, 0, 0, 0);

    /// <summary>Seconds since 1970.</summary>
    public long Modified => ModifiedExactly / 1_000_000_000;

    public bool IsExecutable => Kind == FileKind.File && (Mode & Linux.Mode.Execute) != 0;

    /// <summary>S_ISUID or S_ISGID.</summary>
    public bool IsSetId => Kind == FileKind.File && (Mode & Linux.Mode.SetId) != 0;
}

/// <summary>Where a path leads.</summary>
/// <param name="Path">With all links followed; no component of it is a link.</param>
/// <param name="Links">The links on the way, each by a path whose directory has no link in it.</param>
/// <param name="Loop">The links go round.</param>
sealed record ResolvedPath(string Path, FileKind Kind, IReadOnlyList<string> Links, bool Loop = false)
{
    public bool Exists => Kind != FileKind.None;
}

/// <summary>A tree of files as a process sees it that has it as its root, and that does not change while it is looked at.</summary>
/// <remarks>Links are followed one component at a time (path_resolution(7)), so that none leads out of the root, and each name is looked up once.</remarks>
sealed class FileTree(string root)
{
    // As in the kernel: MAXSYMLINKS and PATH_MAX.
    const int LinkLimit = 40;
    const int PathLimit = 4096;

    readonly string root = System.IO.Path.GetFullPath(root).TrimEnd('/');
    readonly Dictionary<string, FileNode> nodes = new(StringComparer.Ordinal);
    readonly Dictionary<string, ResolvedPath> resolved = new(StringComparer.Ordinal);
    readonly Dictionary<string, IReadOnlyList<string>> lists = new(StringComparer.Ordinal);

    readonly List<string> unreadable = [];

    /// <summary>Directories whose names were asked for, and may not be read.</summary>
    public IReadOnlyList<string> Unreadable => unreadable;

    readonly SortedDictionary<string, int> tooLarge = new(StringComparer.Ordinal);

    /// <summary>Files that were not read since they are larger than any such file should be, with the limit in bytes.</summary>
    public IReadOnlyDictionary<string, int> TooLarge => tooLarge;

    /// <summary>The running system itself.</summary>
    public bool IsHost => root.Length == 0;

    /// <summary>What a path inside, whose directory has no link in it, is called outside.</summary>
    public string Outside(string canonical) => root.Length + canonical.Length > 0 ? root + canonical : "/";

    /// <summary>A name itself, links not followed; its directory must have no link in it.</summary>
    public FileNode Look(string canonical)
    {
        if (!nodes.TryGetValue(canonical, out FileNode? node))
            nodes[canonical] = node = LookNow(Outside(canonical));
        return node;
    }

    static unsafe FileNode LookNow(string outside)
    {
        if (outside.Contains('\0') || stat(outside, out statx found, follow: false) != 0)
            return FileNode.None;
        FileKind kind = found.IsRegular ? FileKind.File : found.IsDirectory ? FileKind.Directory : found.IsLink ? FileKind.Link : FileKind.Other;
        string? target = null;
        if (kind == FileKind.Link)
        {
            byte* buffer = stackalloc byte[PathLimit];
            int length = (int)readlink(outside, buffer, PathLimit);
            target = length > 0 ? System.Text.Encoding.UTF8.GetString(buffer, length) : "";
        }
        return new FileNode(kind, target, (ushort)(found.stx_mode & Linux.Mode.Bits), (long)found.stx_size,
            found.stx_mtime.tv_sec * 1_000_000_000 + found.stx_mtime.tv_nsec);
    }

    public ResolvedPath Resolve(string path) => Resolve(path, 0);

    ResolvedPath Resolve(string path, int depth)
    {
        if (resolved.TryGetValue(path, out ResolvedPath? known))
            return known;
        ResolvedPath result = ResolveNow(path, depth);
        // a loop that was entered half way may be none from its own beginning
        if (!result.Loop || depth == 0)
            resolved[path] = result;
        return result;
    }

    ResolvedPath ResolveNow(string path, int depth)
    {
        if (depth > LinkLimit || path.Length > PathLimit)
            return new ResolvedPath(path, FileKind.None, [], Loop: depth > LinkLimit);
        string trimmed = path.TrimEnd('/');
        int at = trimmed.LastIndexOf('/');
        if (at < 0)
            return new ResolvedPath("/", FileKind.Directory, []);
        ResolvedPath directory = Resolve(at == 0 ? "/" : trimmed[..at], depth);
        if (directory.Kind != FileKind.Directory)
            return directory with { Path = path, Kind = FileKind.None };
        string name = trimmed[(at + 1)..];
        if (name is "" or ".")
            return directory;
        if (name == "..")
            return directory with { Path = Parent(directory.Path) };
        string whole = Join(directory.Path, name);
        FileNode node = Look(whole);
        if (node.Kind != FileKind.Link)
            return new ResolvedPath(whole, node.Kind, directory.Links);
        ResolvedPath target = Resolve(node.Target!.StartsWith('/') ? node.Target : Join(directory.Path, node.Target), depth + 1);
        return target with { Links = [.. directory.Links, whole, .. target.Links] };
    }

    public static string Join(string directory, string name) => directory == "/" ? "/" + name : directory + "/" + name;

    public static string Parent(string path) => path.LastIndexOf('/') is > 0 and var at ? path[..at] : "/";

    /// <summary>Names in a directory, sorted; none where it is none, or may not be read.</summary>
    public IReadOnlyList<string> List(string path)
    {
        ResolvedPath directory = Resolve(path);
        if (directory.Kind != FileKind.Directory)
            return [];
        if (!lists.TryGetValue(directory.Path, out IReadOnlyList<string>? names))
        {
            List<string>? found = DirectoryNames.Read(Outside(directory.Path));
            if (found is null)
            {
                unreadable.Add(directory.Path);
                found = [];
            }
            found.Sort(StringComparer.Ordinal);
            lists[directory.Path] = names = found;
        }
        return names;
    }

    /// <summary>The same tree, with nothing looked at yet: each of them serves one thread.</summary>
    public FileTree Another() => new(IsHost ? "/" : root);

    /// <summary>A regular file's content; null where there is none.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public Stream? Open(string path) => Resolve(path) is { Kind: FileKind.File } file ? OpenedFile.Named(Outside(file.Path)) : null;

    /// <summary>A file of at most <paramref name="limit"/> bytes; null where there is none that may be read. A larger one is in <see cref="TooLarge"/>.</summary>
    public byte[]? Bytes(string path, int limit)
    {
        try
        {
            using Stream? file = Open(path);
            if (file is null)
                return null;
            if (file.Length > limit)
            {
                tooLarge[path] = limit;
                return null;
            }
            byte[] bytes = new byte[file.Length];
            return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A text file of at most <paramref name="limit"/> bytes; null where there is none that may be read. A larger one is in <see cref="TooLarge"/>.</summary>
    public string? Text(string path, int limit = 1 << 22) => Bytes(path, limit) is { } bytes ? new StreamReader(new MemoryStream(bytes)).ReadToEnd() : null;

    /// <summary>Paths that match (see <see cref="PathPattern"/>), each in a directory that is there; links that lead nowhere are among them.</summary>
    public IEnumerable<string> Glob(PathPattern pattern)
    {
        IEnumerable<string> found = ["/"];
        foreach (string component in pattern.Components)
            found = component switch
            {
                "**" => found.SelectMany(d => Below(d)),
                _ when PathPattern.IsWild(component) => found.SelectMany(d => List(d).Where(n => PathPattern.MatchesName(component, n)).Select(n => Join(d, n))),
                _ => found.Select(d => Join(d, component)),
            };
        return found.Where(p => Resolve(p) is var r && (r.Exists || r.Links.Count > 0 && Look(Join(Resolve(Parent(p)).Path, p[(p.LastIndexOf('/') + 1)..])).Kind == FileKind.Link));
    }

    /// <summary>A directory and everything below it; a link to a directory is not entered, nor what <paramref name="skip"/> says.</summary>
    public IEnumerable<string> Below(string directory, Func<string, bool>? skip = null)
    {
        Stack<string> pending = new([directory]);
        while (pending.TryPop(out string? path))
        {
            yield return path;
            ResolvedPath at = Resolve(path);
            if (at.Kind != FileKind.Directory || (path != directory && at.Links.Count > Resolve(directory).Links.Count))
                continue;
            foreach (string? name in List(path).Reverse())
                if (skip is null || !skip(Join(path, name)))
                    pending.Push(Join(path, name));
        }
    }
}
