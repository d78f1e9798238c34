using System.Text.RegularExpressions;
using Slipway.Discovery;
using Slipway.Readers;

namespace Slipway.Tests.Scenarios;

/// <summary>The loader itself is the judge: what ldd(1) says about programs of this host.</summary>
public sealed partial class LddTests
{
    const int Sample = 60;

    [NeedsFact("ldd")]
    public void FindsWhatLddFindsForSomePrograms() => Compare(few: true);

    [NeedsFact(Needs.Long, "ldd")]
    public void FindsWhatLddFindsForAllPrograms() => Compare(few: false);

    static void Compare(bool few)
    {
        RootTree tree = new RootTree("/");
        Loader loader = new Loader(tree, []);
        List<string> programs = Directory.GetFiles("/usr/bin").Order(StringComparer.Ordinal).Select(p => tree.Resolve(p))
            .Where(r => r.Kind == FileKind.File).Select(r => r.Path).Distinct()
            .Where(p => loader.Read(p) is { Interpreter: not null, IsDynamic: true }).ToList();
        Assert.NotEmpty(programs);
        if (few)
            programs = [.. programs.Where((_, i) => i % (1 + programs.Count / Sample) == 0)];
        foreach (string program in programs)
        {
            ProcessImage process = loader.Process(program, loader.Read(program)!);
            List<LoaderEdge> edges = [.. loader.Load(process, process.Main)];
            // ldd does not say which variant for other processors there is: those are ours alone, by design
            HashSet<string> ours = [.. edges.Where(e => e.Library is not null && !e.Alternative).Select(e => e.Library!.Path)
                .Append(tree.Resolve(process.Main.Elf.Interpreter!).Path)];
            Cli.Result ldd = Cli.Start(Environment.UserName,
                ["env", "-u", "LD_LIBRARY_PATH", "-u", "LD_PRELOAD", "LC_ALL=C", "ldd", program]).Wait();
            Assert.True(ldd.ExitCode == 0, $"{program}: {ldd.Error}");
            // the kernel's own vdso is no file; on a processor that has variants, ldd names one of those in place of the one for all
            HashSet<string> theirs = [.. PathIn().Matches(ldd.Output).Select(m => tree.Resolve(m.Groups[1].Value).Path)
                .Select(p => Plain(p, edges))];
            Assert.True(theirs.SetEquals(ours),
                $"{program}: ldd alone: {string.Join(' ', theirs.Except(ours))}; we alone: {string.Join(' ', ours.Except(theirs))}");
            Assert.Equal(ldd.Output.Split('\n').Count(l => l.EndsWith("=> not found", StringComparison.Ordinal)) > 0,
                edges.Any(e => e.Library is null));
        }
    }

    static string Plain(string path, List<LoaderEdge> edges) =>
        edges.FirstOrDefault(e => e.Alternative && e.Library!.Path == path) is { } variant
        ? edges.First(e => e.Name == variant.Name && !e.Alternative && e.Library is not null).Library!.Path : path;

    [GeneratedRegex(@"(?:=>\s+|^\s+)(/\S+) \(0x", RegexOptions.Multiline)] private static partial Regex PathIn();
}
