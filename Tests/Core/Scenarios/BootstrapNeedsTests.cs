using System.Diagnostics;

namespace Slipway.Tests.Scenarios;

/// <summary>
/// The rows of bootstrap.sh: what is looked for is of the package that the row installs, and of no other row's. Where it is not, a machine
/// that has the other package never gets this one.
/// </summary>
public class BootstrapNeedsTests
{
    sealed record Row(string What, string Package);

    [NeedsFact("bash", "apt-get", "dpkg-query")]
    public void WhatIsLookedForIsOfThePackageThatIsInstalled()
    {
        List<Row> rows = [.. Lines("./bootstrap.sh needs | tr -s ' '").Select(l => l.Split(' ')).Select(c => new Row(c[0], c[1]))];
        HashSet<string> installed = [.. Lines("dpkg-query -W -f '${db:Status-Abbrev}${Package}\\n' | sed -n 's/^ii *//p'")];
        Dictionary<string, string[]> places = rows.ToDictionary(r => r.What, Places);
        ILookup<string, string> owners = Owners(places.Values.SelectMany(p => p));

        Assert.True(rows.Count > 40);
        Assert.NotEmpty(places.Values.SelectMany(p => p));
        Assert.Empty(rows.Select(r => Wrong(r, rows, installed, [.. places[r.What].SelectMany(p => owners[p])])).OfType<string>());
    }

    static string? Wrong(Row row, List<Row> rows, HashSet<string> installed, HashSet<string> owners)
    {
        bool isInstalled = installed.Contains(row.Package);
        string seen = $"{row.What} ({row.Package}): is of {string.Join(", ", owners)}";
        if (rows.Any(r => r.Package != row.Package && owners.Contains(r.Package)))
            return $"{seen}, which another row installs";
        if (owners.Count == 0)
            return isInstalled ? $"{seen}nothing, and the package is installed" : null;
        return owners.Contains(row.Package) || (!isInstalled && owners.Any(StandsIn)) ? null : seen;
    }

    /// <summary>Whether it is one of several for a purpose, as each mail server has <c>sendmail</c> (deb-control(5), Provides).</summary>
    static bool StandsIn(string package) => Lines($"dpkg-query -W -f '${{Provides}}\\n' {package}").Any();

    /// <summary>Where it is, and where its links lead; dpkg knows files in merged directories with or without /usr.</summary>
    static string[] Places(Row row)
    {
        string found = row.What.StartsWith('/') ? $"compgen -G '{row.What}'" : $"PATH=$PATH:/usr/sbin type -P '{row.What}'";
        List<string> places = [];
        for (string? place = Lines(found + " || :").FirstOrDefault(); place is not null && !places.Contains(place); place = LinkedTo(place))
            places.Add(place);
        return [.. places.Concat(places.Select(p => p.StartsWith("/usr/", StringComparison.Ordinal) ? p[4..] : "/usr" + p)).Distinct()];
    }

    static string? LinkedTo(string place) =>
        new FileInfo(place).LinkTarget is { } target ? Path.GetFullPath(target, Path.GetDirectoryName(place)!) : null;

    static ILookup<string, string> Owners(IEnumerable<string> places) =>
        Lines($"dpkg-query -S {string.Join(' ', places)} 2>/dev/null || :").Select(l => l.Split(": ")).Where(l => l.Length == 2)
            .SelectMany(l => l[0].Split(", ").Select(p => (Place: l[1], Package: p.Split(':')[0]))).ToLookup(o => o.Place, o => o.Package);

    static List<string> Lines(string command)
    {
        ProcessStartInfo start = new("bash", ["-c", command]) { WorkingDirectory = Cli.Repository, RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return [.. said.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }
}
