using Slipway.Images;
using Slipway.Readers;
using Slipway.Readers.Elf;
using Slipway.Readers.SquashFs;

namespace Slipway.Discovery;

/// <summary>
/// Holds what the programs of an image need against what the image has, for images of any origin. Nothing of the image is run.
/// </summary>
/// <remarks>
/// A version is missing where the library that the loader takes defines versions, but not this one: then the program does not start. Where
/// it defines none at all the loader takes it as it is (glibc's elf/dl-version.c, <c>match_symbol</c>).
/// </remarks>
public static class ImageComparer
{
    const string Rule = "compare";

    static readonly string[] ProgramDirectories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary>Of a running system: no part of an image.</summary>
    static readonly string[] NotImage = ["/proc", "/sys", "/dev", "/run"];

    /// <summary>Compares a SquashFS image, or a directory that is laid out like a root.</summary>
    /// <exception cref="SlipwayException">It is not there, or cannot be read.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static ImageComparison Compare(string image, CancellationToken cancel = default)
    {
        if (Directory.Exists(image))
            return Compare(new RootTree(image), cancel);
        SquashFsSuperblock.Read(image);
        using SquashfsExtract part = SquashfsExtract.Extract(image, MayMatter, cancel);
        ImageComparison comparison = Compare(new RootTree(part.Directory, image), cancel);
        return part.Complete ? comparison : new ImageComparison
        {
            Missing = comparison.Missing,
            Problems =
                [new DependencyProblem(DependencySeverity.Warning, image, Rule,
                    $"{image}: its largest files were not looked at: what is said to be missing may be one of those")
                { Recommendation = "Unpack the image (unsquashfs), and compare the directory." }, .. comparison.Problems],
        };
    }

    static bool MayMatter(string path, bool executable) =>
        executable || path.Contains(".so", StringComparison.Ordinal) || path.StartsWith("/etc/ld", StringComparison.Ordinal)
        || path == "/.slipway/image.json";

    static ImageComparison Compare(RootTree tree, CancellationToken cancel)
    {
        Comparison comparison = new Comparison(tree, new Loader(tree, LibraryPath(tree)));
        foreach (string path in Files(tree))
        {
            cancel.ThrowIfCancellationRequested();
            comparison.Take(path);
        }
        return comparison.Finish(ProgramDirectories, cancel);
    }

    static IEnumerable<string> Files(RootTree tree) =>
        tree.List("/").Select(n => "/" + n).Where(p => !NotImage.Contains(p) && tree.Look(p).Kind != FileKind.Link)
        .SelectMany(p => tree.Below(p)).Where(p => tree.Look(p).Kind == FileKind.File);

    /// <summary>What our own images set; of others nobody knows.</summary>
    static IReadOnlyList<string> LibraryPath(RootTree tree)
    {
        try
        {
            using Stream? manifest = tree.Open("/" + ManifestReader.Path);
            ImageManifest? read = manifest is null ? null : ManifestReader.TryRead(manifest, tree.Name, out _);
            string? path = read?.Environment.GetValueOrDefault("LD_LIBRARY_PATH");
            return path?.Split(':', StringSplitOptions.RemoveEmptyEntries) ?? [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    sealed class Comparison(RootTree tree, Loader loader)
    {
        /// <summary>
        /// That one file needs another, in one process; a distribution with everything installed comes to a few millions.
        /// </summary>
        const int MostNeeds = 20_000_000;

        int needs;
        readonly List<(string Path, ElfFile Elf)> programs = [], libraries = [];
        readonly List<string> scripts = [];
        readonly Dictionary<(string Name, string Machine), List<(string Path, ElfFile Elf)>> byName = [];
        readonly HashSet<string> reached = new(StringComparer.Ordinal);
        readonly SortedDictionary<(MissingKind, string, string), (SortedSet<string> Users, SortedSet<string> Programs,
            string? Elsewhere)> missing = [];
        readonly List<DependencyProblem> problems = [];

        public void Take(string path)
        {
            if (loader.Read(path) is not { } elf)
            {
                if (tree.Look(path).IsExecutable)
                    scripts.Add(path);
                return;
            }
            if (!elf.IsDynamic || elf.Type is not (ElfType.Executable or ElfType.SharedObject))
                return;
            (elf.Interpreter is null ? libraries : programs).Add((path, elf));
            foreach (string? name in new[] { elf.Soname, System.IO.Path.GetFileName(path) }.OfType<string>().Distinct())
            {
                if (!byName.TryGetValue((name, elf.Machine), out List<(string Path, ElfFile Elf)>? files))
                    byName[(name, elf.Machine)] = files = [];
                files.Add((path, elf));
            }
        }

        public ImageComparison Finish(IReadOnlyList<string> directories, CancellationToken cancel)
        {
            string? machine = programs.GroupBy(p => p.Elf.Machine).MaxBy(g => g.Count())?.Key;
            foreach ((string? path, ElfFile? elf) in programs)
            {
                cancel.ThrowIfCancellationRequested();
                if (tree.Resolve(elf.Interpreter!) is { Kind: FileKind.File })
                    Check(loader.Process(path, elf), path);
                else if (elf.Machine == machine || LoaderTable.For(elf).Interpreters.Any(i => tree.Resolve(i).Exists))
                    Miss(MissingKind.Interpreter, elf.Interpreter!, null, path, path);
                else
                    problems.Add(new DependencyProblem(
                        DependencySeverity.Note, path, Rule,
                        $"{path}: not looked at: it is for {elf.Machine}, and the image for {machine}"));
            }
            foreach ((string? path, ElfFile? elf) in libraries)
                if (!reached.Contains(path) && (elf.Machine == machine || machine is null))
                    Check(loader.Process(path, elf), null);
            foreach (string? path in scripts.Where(s => directories.Any(d => tree.Resolve(d).Path == RootTree.Parent(s))))
                foreach ((string? name, string? found, bool _) in ScriptResolver.Interpreters(path, directories, tree, (_, _, _) => { }))
                    if (found is null)
                        Miss(MissingKind.Interpreter, name, null, path, path);
            problems.AddRange(tree.TooLarge.Select(
                t => new DependencyProblem(DependencySeverity.Warning, t.Key, Rule,
                    $"{t.Key}: not read: it has more than {t.Value} bytes") { Recommendation =
                    "Replace the file: no such file is that large." }));
            problems.AddRange(loader.Damaged.OrderBy(d => d.Key, StringComparer.Ordinal)
                .Select(d => new DependencyProblem(
                    DependencySeverity.Warning, d.Key, Rule, d.Value) { Recommendation = "Replace the file." }));
            return new ImageComparison
            {
                Missing = [.. missing.Select(m => new MissingDependency
                {
                    Kind = m.Key.Item1,
                    Name = m.Key.Item2,
                    Provider = m.Key.Item3.Length > 0 ? m.Key.Item3 : null,
                    NeededBy = [.. m.Value.Users],
                    Programs = [.. m.Value.Programs],
                    Elsewhere = m.Value.Elsewhere,
                })],
                Problems = problems,
            };
        }

        /// <param name="program">Null for a library that no program loads by itself: what else is loaded then is not known, so only what is
        /// nowhere counts.</param>
        void Check(ProcessImage process, string? program)
        {
            foreach (LoaderEdge edge in loader.Load(process, process.Main))
                if (++needs > MostNeeds)
                    throw ReaderErrors.TooManyNeeds(tree.Name, MostNeeds);
                else if (edge.Library is null && (program is not null || !byName.ContainsKey((edge.Name, edge.User.Elf.Machine))))
                    Miss(MissingKind.Library, edge.Name, null, edge.User.Path, program,
                        byName.GetValueOrDefault((edge.Name, edge.User.Elf.Machine))?[0].Path);
            foreach (LoadedObject user in process.Objects)
            {
                if (program is not null)
                    reached.Add(user.Path);
                foreach ((string? soname, IReadOnlyList<string>? versions) in user.Elf.VersionsNeeded)
                    if (process.Find(soname) is { Elf.VersionsDefined.Count: > 0 } provider)
                        foreach (string version in versions)
                            if (!provider.Elf.VersionsDefined.Contains(version)
                                && (program is not null || !AnyDefines(soname, version, user)))
                                Miss(MissingKind.Version, version, provider.Path, user.Path, program);
            }
        }

        bool AnyDefines(string soname, string version, LoadedObject user) =>
            byName.GetValueOrDefault((soname, user.Elf.Machine))?.Exists(f => f.Elf.VersionsDefined.Contains(version)) == true;

        void Miss(MissingKind kind, string name, string? provider, string user, string? program, string? elsewhere = null)
        {
            if (!missing.TryGetValue((kind, name, provider ?? ""),
                out (SortedSet<string> Users, SortedSet<string> Programs, string? Elsewhere) found))
                missing[(kind, name, provider ?? "")] = found =
                    (new SortedSet<string>(StringComparer.Ordinal), new SortedSet<string>(StringComparer.Ordinal), elsewhere);
            found.Users.Add(user);
            if (program is not null)
                found.Programs.Add(program);
        }
    }
}
