using System.Text;
using Slipway.Linux;

namespace Slipway.Readers;

/// <summary>A root filesystem that is read from outside: symbolic links in it mean what they would mean to a process that has it as its root.</summary>
/// <remarks>
/// Links are followed one component at a time (path_resolution(7)), so that an absolute link or one full of <c>..</c> never leads out
/// of the directory. All methods answer null or nothing for what is missing, unreadable, or vanishes while it is read.
/// </remarks>
sealed class RootDirectory
{
    // As in the kernel: MAXSYMLINKS.
    const int LinkLimit = 40;

    /// <summary>Characters of a text file that are read.</summary>
    public const int TextLimit = 1 << 20;


    readonly string root;

    public RootDirectory(string root)
    {
        this.root = Path.GetFullPath(root).TrimEnd('/');
    }

    /// <summary>What a path inside is called outside, all links followed; null where there is nothing, or the links go round.</summary>
    public string? Resolve(string path) => Canonical(path) is { } inside && Exists(Outside(inside)) ? Outside(inside) : null;

    /// <summary>The path inside with all links followed, whether or not there is something; null where the links go round.</summary>
    public string? Canonical(string path)
    {
        Stack<string> pending = new Stack<string>(Components(path));
        List<string> done = new List<string>();
        int links = 0;
        while (pending.TryPop(out string? name))
        {
            if (name == ".")
                continue;
            if (name == "..")
            {
                if (done.Count > 0)
                    done.RemoveAt(done.Count - 1);
                continue;
            }
            done.Add(name);
            if (LinkTarget(Outside("/" + string.Join('/', done))) is not { } target)
                continue;
            if (++links > LinkLimit)
                return null;
            done.RemoveAt(done.Count - 1);
            if (target.StartsWith('/'))
                done.Clear();
            foreach (string component in Components(target))
                pending.Push(component);
        }
        return "/" + string.Join('/', done);
    }

    public string Outside(string canonical) => root.Length + canonical.Length > 0 ? root + canonical : "/";

    public bool HasFile(string path) => Resolve(path) is { } outside && !Directory.Exists(outside);

    public bool HasDirectory(string path) => Resolve(path) is { } outside && Directory.Exists(outside);

    /// <summary>Names in a directory, sorted.</summary>
    public IReadOnlyList<string> List(string path)
    {
        if (Resolve(path) is not { } outside)
            return [];
        try
        {
            List<string> names = Directory.EnumerateFileSystemEntries(outside).Select(e => Path.GetFileName(e)!).ToList();
            names.Sort(StringComparer.Ordinal);
            return names;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Text files that are longer than any such file should be: of these only the beginning was read.</summary>
    public SortedSet<string> Cut { get; } = new(StringComparer.Ordinal);

    /// <summary>A small text file, without the blanks around it; null where it is empty.</summary>
    /// <param name="limit">Characters after which the rest is not wanted.</param>
    public string? Text(string path, int limit = TextLimit)
    {
        if (Resolve(path) is not { } outside)
            return null;
        try
        {
            using StreamReader reader = new StreamReader(OpenedFile.Named(outside), bufferSize: 16384);
            char[] buffer = new char[4096];
            StringBuilder text = new System.Text.StringBuilder();
            int got;
            while (text.Length < limit && (got = reader.Read(buffer, 0, buffer.Length)) > 0)
                text.Append(buffer, 0, got);
            if (text.Length >= TextLimit)
                Cut.Add(path);
            string result = text.ToString().Trim();
            return result.Length > 0 ? result : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public int? Number(string path) =>
        int.TryParse(Text(path), System.Globalization.NumberStyles.AllowLeadingSign, null, out int number) ? number : null;

    /// <summary>Last name of what a link leads to, e.g. the driver of a device; null where it is no link.</summary>
    public string? LinkName(string path) =>
        Canonical(Path.GetDirectoryName(path)!) is { } directory && LinkTarget(Outside(directory.TrimEnd('/') + "/" + Path.GetFileName(path))) is { } target
            ? Path.GetFileName(target.TrimEnd('/'))
            : null;

    /// <summary>Paths inside that match, with <c>*</c> in any component.</summary>
    public IEnumerable<string> Glob(string pattern)
    {
        IEnumerable<string> found = [""];
        foreach (string component in pattern.Split('/', StringSplitOptions.RemoveEmptyEntries))
            found = component.Contains('*')
                ? found.SelectMany(d => List(d.Length == 0 ? "/" : d).Where(n => Wildcard(component, n)).Select(n => $"{d}/{n}"))
                : found.Select(d => $"{d}/{component}");
        return found.Where(p => Resolve(p) is not null);
    }

    public static bool Wildcard(string pattern, string name) =>
        System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);

    /// <summary>The last first, as a stack wants them.</summary>
    static IEnumerable<string> Components(string path) => Enumerable.Reverse(path.Split('/', StringSplitOptions.RemoveEmptyEntries));

    static bool Exists(string outside) => File.Exists(outside) || Directory.Exists(outside);

    // null also where the path is no link, or nothing at all
    static string? LinkTarget(string outside)
    {
        try
        {
            return new FileInfo(outside).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
