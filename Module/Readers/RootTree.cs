using System.Text;
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

    public bool IsExecutable => Kind == FileKind.File && (Mode & Slipway.Shared.Mode.Execute) != 0;

    /// <summary>S_ISUID or S_ISGID.</summary>
    public bool IsSetId => Kind == FileKind.File && (Mode & Slipway.Shared.Mode.SetId) != 0;
}

/// <summary>Where a path leads.</summary>
/// <param name="Path">With all links followed; no component of it is a link. What is missing keeps its name behind the directory that it
/// would be in.</param>
/// <param name="Links">The links on the way, each by a path whose directory has no link in it.</param>
/// <param name="Loop">The links go round, or there are more of them than the kernel follows.</param>
sealed record ResolvedPath(string Path, FileKind Kind, IReadOnlyList<string> Links, bool Loop = false)
{
    public bool Exists => Kind != FileKind.None;
}

/// <summary>A tree of files as a process sees it that has it as its root. Nothing is written, and nothing of it is run.</summary>
/// <remarks>
/// Links are followed one component at a time (path_resolution(7)), so that an absolute link, or one full of <c>..</c>, never leads out of
/// the root. Names, kinds and links are looked up once and kept; what a file holds is read each time. So an object is one look at a tree:
/// whoever wants to see a change, as in a node's <c>/sys</c>, <c>/dev</c> and <c>/proc</c>, makes another for each reading. What vanishes
/// meanwhile is missing, and no error. It serves one thread. A root into which something is written takes <c>Building.BuildRoot</c>, where
/// the kernel follows the links by the same rules.
/// </remarks>
/// <param name="name">What errors call it, where that is not the directory: the image that it was unpacked from.</param>
sealed class RootTree(string root, string? name = null)
{
    // As in the kernel: MAXSYMLINKS and PATH_MAX.
    const int LinkLimit = 40;
    const int PathLimit = 4096;

    /// <summary>Bytes of a small text file that are read.</summary>
    public const int SmallText = OpenedFile.Small;

    readonly string root = System.IO.Path.GetFullPath(root).TrimEnd('/');
    readonly Dictionary<string, FileNode> nodes = new(StringComparer.Ordinal);
    readonly Dictionary<string, ResolvedPath> resolved = new(StringComparer.Ordinal);
    readonly Dictionary<string, IReadOnlyList<string>> lists = new(StringComparer.Ordinal);
    readonly List<string> unreadable = [];
    readonly SortedDictionary<string, int> tooLarge = new(StringComparer.Ordinal);
    readonly SortedSet<string> cut = new(StringComparer.Ordinal);

    /// <summary>Directories whose names were asked for, and may not be read.</summary>
    public IReadOnlyList<string> Unreadable => unreadable;

    /// <summary>
    /// Files that <see cref="Bytes"/> did not read since they are larger than any such file should be, with the limit in bytes.
    /// </summary>
    public IReadOnlyDictionary<string, int> TooLarge => tooLarge;

    /// <summary>Files of which <see cref="Small"/> read the beginning alone: they are longer than any such file should be.</summary>
    public IReadOnlyCollection<string> Cut => cut;

    /// <summary>What errors call it.</summary>
    public string Name => name ?? Outside("");

    /// <summary>The running system itself.</summary>
    public bool IsHost => root.Length == 0;

    /// <summary>What a path inside, whose directory has no link in it, is called outside.</summary>
    public string Outside(string canonical) => root.Length + canonical.Length > 0 ? root + canonical : "/";

    /// <summary>What is at a path inside, all links followed, by its name outside; null where nothing is.</summary>
    public string? Find(string path) => Resolve(path) is { Exists: true } found ? Outside(found.Path) : null;

    /// <summary>True for whatever is there and is no directory: a device node too.</summary>
    public bool HasFile(string path) => Resolve(path).Kind is FileKind.File or FileKind.Other;

    public bool HasDirectory(string path) => Resolve(path).Kind == FileKind.Directory;

    /// <summary>A name itself, links not followed; its directory must have no link in it.</summary>
    public FileNode Look(string canonical)
    {
        if (!nodes.TryGetValue(canonical, out FileNode? node))
            nodes[canonical] = node = LookNow(Outside(canonical));
        return node;
    }

    /// <summary>The same of a path whose directory may have links in it.</summary>
    public FileNode LookAt(string path) =>
        Resolve(Parent(path)) is { Kind: FileKind.Directory } directory ? Look(Join(directory.Path, NameOf(path))) : FileNode.None;

    static unsafe FileNode LookNow(string outside)
    {
        if (outside.Contains('\0') || stat(outside, out statx found, follow: false) != 0)
            return FileNode.None;
        FileKind kind = found.IsRegular ? FileKind.File : found.IsDirectory ? FileKind.Directory : found.IsLink ? FileKind.Link
            : FileKind.Other;
        string? target = null;
        if (kind == FileKind.Link)
        {
            byte* buffer = stackalloc byte[PathLimit];
            int length = (int)readlink(outside, buffer, PathLimit);
            target = length > 0 ? Encoding.UTF8.GetString(buffer, length) : "";
        }
        long modified = found.stx_mtime.tv_sec * 1_000_000_000 + found.stx_mtime.tv_nsec;
        return new FileNode(kind, target, (ushort)(found.stx_mode & Slipway.Shared.Mode.Bits), (long)found.stx_size, modified);
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
        string name = trimmed[(at + 1)..];
        if (directory.Loop)
            return directory with { Path = path };
        if (name == "..")
            return directory with { Path = Parent(directory.Path) };
        if (name is not ("" or "."))
        {
            string whole = Join(directory.Path, name);
            if (directory.Kind != FileKind.Directory)
                return directory with { Path = whole, Kind = FileKind.None };
            FileNode node = Look(whole);
            return node.Kind == FileKind.Link ? Follow(directory, whole, node.Target!, depth)
                : new ResolvedPath(whole, node.Kind, directory.Links);
        }
        return directory;
    }

    ResolvedPath Follow(ResolvedPath directory, string link, string target, int depth)
    {
        ResolvedPath end = Resolve(target.StartsWith('/') ? target : Join(directory.Path, target), depth + 1);
        // all links of a path count (namei.c: total_link_count): a few that name each other twice would else come to millions
        return directory.Links.Count + 1 + end.Links.Count > LinkLimit
            ? new ResolvedPath(link, FileKind.None, [.. directory.Links, link], Loop: true)
            : end with { Links = [.. directory.Links, link, .. end.Links] };
    }

    public static string Join(string directory, string name) => directory == "/" ? "/" + name : directory + "/" + name;

    public static string Parent(string path) => path.LastIndexOf('/') is > 0 and int at ? path[..at] : "/";

    static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

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

    /// <summary>The same tree, with nothing looked at yet.</summary>
    public RootTree Another() => new(IsHost ? "/" : root, name);

    /// <summary>A regular file's content; null where there is none.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public Stream? Open(string path) => Resolve(path) is { Kind: FileKind.File } file ? OpenedFile.Named(Outside(file.Path)) : null;

    /// <summary>
    /// A file of at most <paramref name="limit"/> bytes; null where there is none that may be read. A larger one is in
    /// <see cref="TooLarge"/>.
    /// </summary>
    public byte[]? Bytes(string path, int limit)
    {
        byte[]? bytes = Beginning(path, limit, whole: true, out bool more);
        if (more)
            tooLarge[path] = limit;
        return more ? null : bytes;
    }

    /// <summary>
    /// A text file of at most <paramref name="limit"/> bytes; null where there is none that may be read. A larger one is in
    /// <see cref="TooLarge"/>.
    /// </summary>
    public string? Text(string path, int limit = 1 << 22) => Bytes(path, limit) is { } bytes ? Decode(bytes) : null;

    /// <summary>
    /// A small text file, without the blanks around it; null where it is empty, missing, or may not be read. Of a longer one, the
    /// beginning.
    /// </summary>
    /// <param name="limit">Bytes after which the rest is not wanted; a file that goes on behind <see cref="SmallText"/> is in
    /// <see cref="Cut"/>.</param>
    public string? Small(string path, int limit = SmallText)
    {
        byte[]? bytes = Beginning(path, limit, whole: false, out bool more);
        if (more && limit == SmallText)
            cut.Add(path);
        return bytes is not null && Decode(bytes).Trim() is { Length: > 0 } text ? text : null;
    }

    public int? Number(string path) =>
        int.TryParse(Small(path), System.Globalization.NumberStyles.AllowLeadingSign, null, out int number) ? number : null;

    /// <summary>Last name of what a link leads to, e.g. the driver of a device; null where it is no link.</summary>
    public string? LinkName(string path) => LookAt(path).Target is { } target ? NameOf(target.TrimEnd('/')) : null;

    static string Decode(byte[] bytes) => new StreamReader(new MemoryStream(bytes)).ReadToEnd();

    /// <param name="whole">A file that is larger is not wanted at all.</param>
    /// <param name="more">The file has more than that.</param>
    byte[]? Beginning(string path, int limit, bool whole, out bool more)
    {
        more = false;
        try
        {
            using Stream? file = Open(path);
            if (file is null)
                return null;
            long size = file.Length;
            if (more = whole && size > limit)
                return null;
            // what a file of /proc or /sys says of its size is not what it has: only its end tells, for which one byte more is asked for
            byte[] bytes = new byte[Math.Min(size > 0 ? size : 4096, limit) + 1];
            for (int have = 0; ;)
            {
                have += file.ReadAtLeast(bytes.AsSpan(have), bytes.Length - have, throwOnEndOfStream: false);
                if (have < bytes.Length)
                    return bytes[..have];
                if (more = have > limit)
                    return bytes[..limit];
                Array.Resize(ref bytes, (int)Math.Min(have * 2L, limit + 1L));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// Paths that match (see <see cref="PathPattern"/>), each in a directory that is there; links that lead nowhere are among them.
    /// </summary>
    public IEnumerable<string> Glob(PathPattern pattern)
    {
        IEnumerable<string> found = ["/"];
        foreach (string component in pattern.Components)
            found = component switch
            {
                "**" => found.SelectMany(d => Below(d)),
                _ when PathPattern.IsWild(component) => found.SelectMany(d =>
                    List(d).Where(n => PathPattern.MatchesName(component, n)).Select(n => Join(d, n))),
                _ => found.Select(d => Join(d, component)),
            };
        return found.Where(p => Resolve(p) is ResolvedPath r && (r.Exists || (r.Links.Count > 0 && LookAt(p).Kind == FileKind.Link)));
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
            foreach (string name in List(path).Reverse())
                if (skip is null || !skip(Join(path, name)))
                    pending.Push(Join(path, name));
        }
    }
}
