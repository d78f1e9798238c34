using Slipway.Readers;
using Slipway.Readers.Elf;

namespace Slipway.Discovery;

/// <summary>Why a file is wanted.</summary>
/// <param name="Rule">The resolver that says so.</param>
/// <param name="AskedBy">The file that it looked at; null where the request named this one.</param>
sealed record Reason(string Rule, string? AskedBy, string Why);

/// <summary>A regular file that was found, for the resolvers to look at.</summary>
/// <param name="Path">All links followed.</param>
/// <param name="AskedAs">The path that led to it.</param>
sealed record FoundFile(string Path, string AskedAs, FileNode Node, Reason Reason)
{
    /// <summary>Null where it is no ELF file.</summary>
    public ElfFile? Elf { get; init; }

    /// <summary>The process that it is loaded into; null where none is known.</summary>
    public ProcessImage? Process { get; init; }

    /// <summary>Itself in that process, where the loader put it there; null where it must still be loaded.</summary>
    public LoadedObject? Loaded { get; init; }

    /// <summary>The object that opens it by dlopen(3).</summary>
    public LoadedObject? OpenedBy { get; init; }
}

/// <summary>Finds what one kind of file needs.</summary>
abstract class Resolver
{
    /// <summary>What reasons and problems call it.</summary>
    public abstract string Name { get; }

    /// <summary>Looks at one file, once, and adds to the closure what it asks for.</summary>
    public abstract void Resolve(FoundFile file, Closure closure);

    /// <summary>When nothing new is found any more; what is added now is resolved too.</summary>
    public virtual void Finish(Closure closure)
    {
    }
}

/// <summary>The files that were found so far, and those that nobody has looked at yet.</summary>
sealed class Closure(RootTree tree, Loader loader, IReadOnlyList<PathPattern> exclude)
{
    /// <summary>What no image needs and nobody else should have: taken only where a request names the very file.</summary>
    static readonly IReadOnlyList<PathPattern> Secrets =
    [
        .. new[]
        {
            "/etc/{shadow,shadow-,gshadow,gshadow-}", "/etc/ssh/ssh_host_*_key", "/etc/munge/**", "/etc/ssl/private/**",
            "/etc/pki/tls/private/**",
            "/etc/krb5.keytab", "/etc/sssd/**", "/etc/security/opasswd", "/etc/slurm*/{jwt,slurm.key}*", "/{root,home/*}/.{ssh,gnupg}/**",
        }.SelectMany(PathPattern.Parse),
    ];

    readonly Dictionary<string, ImageDependency> files = new(StringComparer.Ordinal);
    readonly Queue<FoundFile> pending = new();
    readonly List<DependencyProblem> problems = [];
    readonly HashSet<string> told = new(StringComparer.Ordinal);

    public RootTree Tree => tree;

    public Loader Loader => loader;

    public IReadOnlyDictionary<string, ImageDependency> Files => files;

    /// <summary>By path: what an ELF file is in the process that it came in with.</summary>
    public Dictionary<string, (ProcessImage Process, LoadedObject Object)> Loaded { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<DependencyProblem> Problems => problems;

    /// <summary>Tells something once.</summary>
    public void Tell(DependencySeverity severity, string path, string rule, string message, string? recommendation = null)
    {
        if (told.Add($"{path}\0{rule}\0{message}"))
            problems.Add(new DependencyProblem(severity, path, rule, $"{path}: {message}") { Recommendation = recommendation });
    }

    /// <summary>Takes a path, with the links that lead on from it.</summary>
    /// <returns>False where nothing is there.</returns>
    /// <param name="named">The request names it: then a secret is no secret.</param>
    /// <param name="data">It may well be no program.</param>
    public bool Add(string path, Reason reason, ProcessImage? process = null, LoadedObject? loaded = null, LoadedObject? openedBy = null,
        bool named = false, bool data = false)
    {
        ResolvedPath found = tree.Resolve(path);
        if (found.Loop)
        {
            Tell(DependencySeverity.Error, path, reason.Rule, $"its symbolic links go round{By(reason)}", "Mend the links.");
            return true;
        }
        if (!found.Exists)
            return false;
        if (!named && IsAny(Secrets, path, found.Path))
        {
            Tell(DependencySeverity.Warning, path, reason.Rule, $"left out: it is a secret of this host{By(reason)}",
                "Name the file under 'files' if the image is for you alone.");
            return true;
        }
        if (IsAny(exclude, path, found.Path))
        {
            if (reason.Rule is LoaderResolver.RuleName or ScriptResolver.RuleName)
                Tell(DependencySeverity.Warning, path, reason.Rule, $"excluded, but {reason.AskedBy} needs it",
                    "Take it out of 'exclude', or take care of it otherwise.");
            return true;
        }
        if (found.Kind == FileKind.Other)
        {
            Tell(DependencySeverity.Warning, path, reason.Rule, $"left out: it is a device, socket or FIFO{By(reason)}",
                "Bind it in when the image runs.");
            return true;
        }
        foreach (string link in found.Links)
            Record(link, tree.Look(link), reason);
        FileNode node = tree.Look(found.Path);
        if (!Record(found.Path, node, reason) || found.Kind != FileKind.File)
            return true;
        if (node.IsSetId)
            Tell(DependencySeverity.Warning, found.Path, reason.Rule, "it is set-uid or set-gid; in the image it is not",
                "Programs that become root do not work in a container of an ordinary user.");
        // time zones, certificates and the like come by the hundred: what is neither executable nor called a library is not opened
        bool look = !data || node.IsExecutable || found.Path.Contains(".so", StringComparison.Ordinal);
        // what everybody may read need not be tried
        if (!look && (node.Mode & S_IROTH) == 0 && access(tree.Outside(found.Path), R_OK) != 0)
            Tell(DependencySeverity.Error, found.Path, reason.Rule, "cannot be read: permission denied",
                "Make the file readable, or exclude it.");
        ElfFile? elf = look ? loader.Read(found.Path) : null;
        pending.Enqueue(new FoundFile(found.Path, path, node, reason) { Elf = elf, Process = process, Loaded = loaded,
            OpenedBy = openedBy });
        return true;
    }

    static string By(Reason reason) => reason.AskedBy is null ? "" : $" ({reason.AskedBy} asks for it)";

    /// <summary>A secret, or excluded.</summary>
    public bool StaysOut(string canonical) => IsAny(Secrets, canonical, canonical) || IsAny(exclude, canonical, canonical);

    static bool IsAny(IReadOnlyList<PathPattern> patterns, string path, string canonical)
    {
        foreach (PathPattern pattern in patterns)
            if (pattern.Matches(canonical) || (path != canonical && pattern.Matches(path)))
                return true;
        return false;
    }

    bool Record(string path, FileNode node, Reason reason) => files.TryAdd(path, new ImageDependency
    {
        Path = path,
        Kind = node.Kind switch
        {
            FileKind.Link => DependencyKind.Link,
            FileKind.Directory => DependencyKind.Directory,
            _ => DependencyKind.File,
        },
        Target = node.Target,
        Size = node.Kind == FileKind.File ? node.Size : 0,
        Rule = reason.Rule,
        AskedBy = reason.AskedBy,
        Why = reason.Why,
        Mode = (ushort)(node.Mode & Slipway.Shared.Mode.rwxrwxrwt),
        Modified = node.Modified,
    });

    /// <summary>Applies all resolvers to all files until none finds anything new.</summary>
    public void Run(IReadOnlyList<Resolver> resolvers, CancellationToken cancel)
    {
        for (int finished = 0; pending.Count > 0 || finished < resolvers.Count;)
        {
            while (pending.TryDequeue(out FoundFile? file))
            {
                cancel.ThrowIfCancellationRequested();
                foreach (Resolver resolver in resolvers)
                    resolver.Resolve(file, this);
                finished = 0;
            }
            resolvers[finished++].Finish(this);
        }
    }
}
