using System.Text.Json;
using Slipway.Readers;
using Slipway.Readers.Elf;

namespace Slipway.Discovery;

/// <summary>
/// What the dynamic loader loads before a program begins: interpreter and needed libraries; and what a file says it will open
/// (<c>.note.dlopen</c>).
/// </summary>
/// <param name="machine">Of this host, as <c>uname -m</c> has it; null where the tree is of another.</param>
sealed class LoaderResolver(string? machine) : Resolver
{
    public const string RuleName = "loader";

    readonly List<(LoaderEdge Edge, ProcessImage Process)> missing = [];

    public override string Name => RuleName;

    public override void Resolve(FoundFile file, Closure closure)
    {
        if (file.Elf is not { } elf)
            return;
        Interpreter(file.Path, elf, closure);
        // what was loaded with a program was walked through with it
        if (elf.IsDynamic && file.Loaded is null && elf.Type is ElfType.Executable or ElfType.SharedObject)
        {
            (ProcessImage? process, LoadedObject? first) = Enter(file, elf, closure);
            closure.Loaded[file.Path] = (process, first);
            foreach (LoaderEdge edge in closure.Loader.Load(process, first))
                Take(edge, process, closure);
            if (elf.DlopenNotes.Count > 0)
                Notes(first, process, closure);
        }
        else if (file is { Loaded: { } loaded, Process: { } process })
        {
            closure.Loaded[file.Path] = (process, loaded);
            if (elf.DlopenNotes.Count > 0)
                Notes(loaded, process, closure);
        }
    }

    static (ProcessImage, LoadedObject) Enter(FoundFile file, ElfFile elf, Closure closure)
    {
        if (file is { Process: { } process, OpenedBy: { } by } && process.Main.Elf.Machine == elf.Machine)
            return (process, process.Load(System.IO.Path.GetFileName(file.AskedAs), file.Path, elf, by, alternative: false, out _));
        process = closure.Loader.Process(file.Path, elf);
        return (process, process.Main);
    }

    void Interpreter(string path, ElfFile elf, Closure closure)
    {
        if (elf.Interpreter is not { } interpreter)
            return;
        if (machine is not null && elf.Type != ElfType.None && !Runs(machine, elf.Machine))
            closure.Tell(DependencySeverity.Warning, path, Name, $"it is for {elf.Machine}, and this host is {machine}",
                "Check that the nodes can run it.");
        if (!interpreter.StartsWith('/')
            || !closure.Add(interpreter, new Reason(Name, path, $"the kernel starts {path} through it (PT_INTERP)")))
            closure.Tell(DependencySeverity.Error, path, Name, $"its interpreter {interpreter} is not there",
                "Install the C library that the program was made for.");
    }

    static bool Runs(string host, string program) => host == program || (host == "x86_64" && program is "i686" or "x32")
        || (host == "aarch64" && program == "armv7l");

    void Take(LoaderEdge edge, ProcessImage process, Closure closure)
    {
        if (edge.Library is null)
            missing.Add((edge, process));
        else if (edge.FoundAs is { } path)
            closure.Add(path, new Reason(Name, edge.User.Path, $"{edge.User.Path} needs {edge.Name}: {edge.How}"), process, edge.Library);
    }

    /// <summary>
    /// A library by itself need not find all it needs: the program that opens it may have loaded that before. So it is told of only where
    /// no file of that name came into the image at all.
    /// </summary>
    public override void Finish(Closure closure)
    {
        HashSet<string> sonames = closure.Files.Values.Where(f => f.Kind != DependencyKind.Directory)
            .Select(f => System.IO.Path.GetFileName(f.Path)).ToHashSet(StringComparer.Ordinal);
        foreach ((LoaderEdge? edge, ProcessImage? process) in missing)
        {
            if (!process.HasProgram && sonames.Contains(edge.Name))
                continue;
            string? configured = process.Scope.HasCache ? null : process.Scope.ConfiguredDirectories()
                .FirstOrDefault(d => closure.Tree.Resolve($"{d}/{edge.Name}").Exists);
            closure.Tell(DependencySeverity.Error, edge.User.Path, Name, $"it needs {edge.Name}, which is not where the loader looks"
                + (process.HasProgram && process.Main != edge.User ? $" (in a process of {process.Main.Path})" : ""),
                configured is not null ? $"Run ldconfig: {configured}, which {LoaderConfiguration.Path} names, has it."
                    : edge.Name.Contains('/') && !edge.Name.StartsWith('/')
                    ? "The name is relative to the directory that the program is started in: set a soname when the library is linked."
                    : "Install it, or name its directory in the library path.");
        }
        missing.Clear();
        foreach ((string? path, string? why) in closure.Loader.Damaged.OrderBy(d => d.Key, StringComparer.Ordinal))
            if (closure.Files.ContainsKey(path) || path == LoaderTable.Cache)
                closure.Tell(DependencySeverity.Error, path, Name, why.StartsWith(path + ": ", StringComparison.Ordinal)
                    ? why[(path.Length + 2)..] : why, "Mend or replace the file.");
    }

    /// <summary>Lists of <c>{"soname": […], "priority": …}</c>: https://systemd.io/ELF_DLOPEN_METADATA/.</summary>
    void Notes(LoadedObject user, ProcessImage process, Closure closure)
    {
        foreach (string note in user.Elf.DlopenNotes)
        {
            try
            {
                using JsonDocument json = JsonDocument.Parse(note);
                foreach (JsonElement feature in json.RootElement.EnumerateArray())
                {
                    List<string> names = feature.GetProperty("soname").EnumerateArray().Select(n => n.GetString()!).ToList();
                    bool required = feature.TryGetProperty("priority", out JsonElement priority) && priority.GetString() == "required";
                    // the first that is there: they are versions of one library
                    if (!names.Any(
                        n => Open(n, user, process, closure,
                            new Reason(Name, user.Path, $"{user.Path} says that it opens {n} (.note.dlopen)"))))
                        closure.Tell(required ? DependencySeverity.Error : DependencySeverity.Note, user.Path, Name,
                            $"it opens {string.Join(" or ", names)}{(required ? "" : " where that is there")}, "
                            + "which is not here (.note.dlopen)",
                            "Install it if that part of the program is wanted.");
                }
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
            {
                closure.Tell(DependencySeverity.Warning, user.Path, Name, $"its .note.dlopen cannot be read: {e.Message}",
                    "Check by hand what it opens.");
            }
        }
    }

    /// <summary>What dlopen(3) of a name finds.</summary>
    public static bool Open(string soname, LoadedObject user, ProcessImage process, Closure closure, Reason reason)
    {
        bool found = false;
        foreach ((string? path, string _, ElfFile _, string _, bool _) in closure.Loader.Search(soname, user, process))
            found |= closure.Add(path, reason, process, openedBy: user);
        return found;
    }
}
