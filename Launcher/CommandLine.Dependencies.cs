using System.CommandLine;
using Slipway.Discovery;
using Slipway.Linux;

namespace Slipway.Launcher;

static partial class CommandLine
{
    static Command Dependencies()
    {
        Argument<string[]> names = new("NAME") { Description = "A program, the path of a file or directory, or an installed package",
            Arity = ArgumentArity.ZeroOrMore };
        Option<string[]> packages = new("--package") { Description = "All files of an installed package (may be given more than once)" };
        Option<string[]> exclude = new("--exclude") { Description = "A pattern of paths that stay out, e.g. '/usr/share/doc/**'" };
        Option<string[]> libraryPath = new("--library-path") { Description = "A directory that LD_LIBRARY_PATH will name in the image" };
        Option<string> from = new("--root") { Description = "Look below this directory", DefaultValueFactory = _ => "/" };
        Command verb = new("deps", "List the files that programs, files and packages of this host need, with the reason for each") { names,
            packages, exclude, libraryPath, from };
        verb.SetAction(result => Guarded(cancel =>
        {
            string root = result.GetValue(from)!;
            DependencySet found = DependencyFinder.Find(new DependencyRequest
            {
                // below another root, paths are of that root
                Names = [.. (result.GetValue(names) ?? []).Select(n => n.Contains('/') && root == "/" ? Path.GetFullPath(n) : n)],
                Packages = result.GetValue(packages) ?? [],
                Exclude = result.GetValue(exclude) ?? [],
                LibraryPath = result.GetValue(libraryPath) ?? [],
                Root = root,
            }, cancel);
            foreach (ImageDependency file in found.Files)
                Print(result, file, ObjectsJson.Compact.ImageDependency,
                    f => Visible.Of($"{f.Path}{(f.Target is null ? "" : $" -> {f.Target}")}\t{f.Package}\t{f.Rule}\t{f.Why}"));
            return Tell(result, found.Problems) ? 1 : 0;
        }));
        return verb;
    }

    static Command Compare()
    {
        Argument<string> image = Image;
        Command verb =
            new("compare", "Name the libraries, symbol versions and interpreters that programs of an image need and the image "
                + "lacks") { image };
        verb.SetAction(result => Guarded(cancel =>
        {
            ImageComparison comparison = ImageComparer.Compare(result.GetRequiredValue(image), cancel);
            foreach (MissingDependency missing in comparison.Missing)
                Print(result, missing, ObjectsJson.Compact.MissingDependency, m => Visible.Line(m.Message));
            Tell(result, comparison.Problems);
            return comparison.Missing.Count > 0 ? 1 : 0;
        }));
        return verb;
    }

    /// <summary>Each problem on standard error, what is only worth knowing with <c>--verbose</c>; true where one is an error.</summary>
    static bool Tell(ParseResult result, IReadOnlyList<DependencyProblem> problems)
    {
        foreach (DependencyProblem problem in problems)
            if (problem.Severity != DependencySeverity.Note || result.GetValue(Verbose))
            {
                string severity = problem.Severity.ToString().ToLowerInvariant();
                string advice = problem.Recommendation is null ? "" : $" {problem.Recommendation}";
                Output.Error.WriteLine(Visible.Of($"slipway: {severity}: {problem.Message} [{problem.Rule}]{advice}"));
            }
        return problems.Any(p => p.Severity == DependencySeverity.Error);
    }
}
