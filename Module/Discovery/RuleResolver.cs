using System.Text.RegularExpressions;
using Slipway.Readers;

namespace Slipway.Discovery;

/// <summary>Applies the rules of one resolver: plug-ins and data that programs open by a name that no ELF file has.</summary>
sealed class RuleResolver(string name, IReadOnlyList<Rule> rules) : Resolver
{
    // by rule, what it has added; "" for its note
    readonly Dictionary<object, HashSet<string>> applied =
        rules.ToDictionary(r => (object)r, _ => new HashSet<string>(StringComparer.Ordinal), ReferenceEqualityComparer.Instance);

    // those that are not about libraries and programs
    readonly IReadOnlyList<Rule> forAnyFile = [.. rules.Where(r => r.Sonames.Count + r.Imports.Count == 0)];

    public override string Name => name;

    public override void Resolve(FoundFile file, Closure closure)
    {
        foreach (Rule rule in file.Elf is null ? forAnyFile : rules)
            if (Applies(rule, file, closure))
                Apply(rule, file, closure);
    }

    bool Applies(Rule rule, FoundFile file, Closure closure)
    {
        if (rule.Sonames.Count > 0 && !(file.Elf is { IsDynamic: true } elf
            && IsOf(rule.Sonames, elf.Soname ?? System.IO.Path.GetFileName(file.Path))))
            return false;
        if (rule.Except.Count > 0 && file.Elf is { IsDynamic: true } other
            && IsOf(rule.Except, other.Soname ?? System.IO.Path.GetFileName(file.Path)))
            return false;
        if (rule.Paths.Count > 0 && !rule.Paths.Any(p => p.Matches(file.Path) || p.Matches(file.AskedAs)))
            return false;
        if (rule.Imports.Count == 0)
            return true;
        if (file.Elf is not { IsDynamic: true } importer)
            return false;
        if (importer.ImportsFault is { } fault)
            closure.Tell(DependencySeverity.Warning, file.Path, LoaderResolver.RuleName, $"its symbols cannot be read: {fault}",
                "Replace the file: it is damaged.");
        return importer.Imports.Count > 0 && rule.Imports.Any(importer.Imports.Contains);
    }

    static bool IsOf(IReadOnlyList<string> patterns, string name)
    {
        foreach (string pattern in patterns)
            if (PathPattern.MatchesName(pattern, name))
                return true;
        return false;
    }

    void Apply(Rule rule, FoundFile file, Closure closure)
    {
        List<string> origins = Origins(rule, file, closure);
        Reason reason = new Reason(name, file.Path, rule.Why);
        if (rule.Note is { } note && applied[rule].Add(""))
            closure.Tell(DependencySeverity.Note, file.Path, name, note);
        foreach (IReadOnlyDictionary<string, string> values in Variables(rule, origins, closure, reason))
            foreach (string add in rule.Add)
                if (values.Count == 0 || values.Keys.Any(k => add.Contains("$" + k, StringComparison.Ordinal)) || !add.Contains('$'))
                    foreach (string expanded in Expand(add, origins, values))
                        Add(rule, expanded, file, reason, closure);
    }

    void Add(Rule rule, string what, FoundFile file, Reason reason, Closure closure)
    {
        if (!applied[rule].Add(what))
            return;
        if (!what.StartsWith('/'))
        {
            if (closure.Loaded.TryGetValue(file.Path, out (ProcessImage Process, LoadedObject Object) at))
                LoaderResolver.Open(what, at.Object, at.Process, closure, reason);
            return;
        }
        (ProcessImage Process, LoadedObject Object) opener = closure.Loaded.GetValueOrDefault(file.Path);
        long total = 0;
        foreach (string? path in PathPattern.Parse(what).SelectMany(closure.Tree.Glob))
        {
            if (IsOf(rule.Without, System.IO.Path.GetFileName(path)))
                continue;
            ResolvedPath leads = closure.Tree.Resolve(path);
            total += leads.Kind == FileKind.File ? closure.Tree.Look(leads.Path).Size : 0;
            if (total > rule.Largest)
            {
                closure.Tell(DependencySeverity.Warning, path, name,
                    $"left out, with what follows it in {what}: all would be more than {rule.Largest >> 20} MiB",
                    "Name what you need of it under 'files'.");
                return;
            }
            if (!closure.Add(path, reason, opener.Process, openedBy: opener.Object, data: true))
                closure.Tell(DependencySeverity.Note, path, name, "a link that leads nowhere");
        }
    }

    /// <summary>The directories of the file: where it lies, and where the links to it lie, which is where programs think it is.</summary>
    List<string> Origins(Rule rule, FoundFile file, Closure closure)
    {
        if (rule.Near is null)
            return [.. new[] { RootTree.Parent(file.Path), closure.Tree.Resolve(RootTree.Parent(file.AskedAs)).Path }.Distinct()];
        if (!closure.Loaded.TryGetValue(file.Path, out (ProcessImage Process, LoadedObject Object) at))
            return [];
        if (at.Process.Find(rule.Near) is { } near)
            return [RootTree.Parent(near.Path)];
        return [.. closure.Loader.Search(rule.Near, at.Object, at.Process).Where(f => !f.Alternative)
            .Select(f => RootTree.Parent(f.Canonical))];
    }

    /// <summary>
    /// One set of values for each place in the configuration that the rule's expression matches; an empty one where the rule reads none.
    /// </summary>
    IEnumerable<IReadOnlyDictionary<string, string>> Variables(Rule rule, IReadOnlyList<string> origins, Closure closure, Reason reason)
    {
        if (rule.Line is not { } expression)
        {
            yield return new Dictionary<string, string>();
            yield break;
        }
        Dictionary<string, string> none = new Dictionary<string, string>();
        foreach (string? path in rule.Read.SelectMany(r => Expand(r, origins, none)).SelectMany(PathPattern.Parse)
            .SelectMany(closure.Tree.Glob).Distinct())
        {
            if (closure.Tree.Text(path) is not { } text)
                continue;
            closure.Add(path, reason);
            foreach (string line in text.Split('\n'))
                foreach (Dictionary<string, string> values in Captures(expression, line, path, closure))
                    yield return values;
        }
    }

    List<Dictionary<string, string>> Captures(Regex expression, string line, string path, Closure closure)
    {
        List<Dictionary<string, string>> found = [];
        try
        {
            if (expression.Match(line) is { Success: true } match)
                foreach (string? group in expression.GetGroupNames().Where(n => !char.IsAsciiDigit(n[0])))
                    foreach (Capture capture in match.Groups[group].Captures)
                        found.Add(new Dictionary<string, string> { [group] = capture.Value });
        }
        catch (RegexMatchTimeoutException)
        {
            closure.Tell(DependencySeverity.Warning, path, name,
                $"the rule's expression takes too long for the line '{line[..Math.Min(80, line.Length)]}'", "Mend the rule or the line.");
        }
        return found;
    }

    /// <summary>$ORIGIN is a directory; $PREFIX is what it has before its lib directory; the rest are values.</summary>
    static IEnumerable<string> Expand(string pattern, IReadOnlyList<string> origins, IReadOnlyDictionary<string, string> values)
    {
        foreach ((string? variable, string? value) in values)
            pattern = pattern.Replace("$" + variable, value, StringComparison.Ordinal);
        if (!pattern.Contains("$ORIGIN", StringComparison.Ordinal) && !pattern.Contains("$PREFIX", StringComparison.Ordinal))
            return pattern.Contains('$') ? [] : [pattern];
        return origins.Select(o => pattern.Replace("$ORIGIN", o, StringComparison.Ordinal)
            .Replace("$PREFIX", PrefixOf(o), StringComparison.Ordinal)).Distinct();
    }

    static string PrefixOf(string origin)
    {
        string[] parts = origin.Split('/');
        int lib = Array.FindIndex(parts, p => p is "lib" or "lib64" or "lib32");
        return lib > 0 ? string.Join('/', parts[..lib]) : RootTree.Parent(origin);
    }
}
