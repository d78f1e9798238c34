namespace Slipway.Building.Repositories;

/// <summary>From what dnf said, the error that names the line of the definition.</summary>
sealed class DnfMessages(RpmSource source, BuildContext context)
{
    /// <param name="said">Its last lines.</param>
    public SlipwayException Explain(string program, IReadOnlyList<string> said, int exit)
    {
        string? Find(params string[] words) =>
            said.FirstOrDefault(line => words.Any(word => line.Contains(word, StringComparison.OrdinalIgnoreCase)));

        if (Find("No space left on device", "Disk Requirements", "needs at least") is { } full)
            return BuildErrors.DiskFull(context.Job.WorkDirectory, said: Short(full));

        if (Find("GPG signature verification error", "Bad GPG signature") is { } unsigned)
            return RepositoryErrors.MetadataNotTrusted(Where(unsigned), NameIn(unsigned), Short(unsigned));

        if (Find("repomd.xml.asc") is { } noSignature)
            return RepositoryErrors.MetadataNotSigned(Where(noSignature), NameIn(noSignature), Short(noSignature));

        if (Find("Failed to download metadata", "Cannot download", "All mirrors were tried", "Cannot prepare internal mirrorlist",
            "Curl error") is { } unreachable)
            return RepositoryErrors.Unreachable(Where(unreachable), $"repository '{NameIn(unreachable)}'", "is not whole",
                Short(unreachable), "the URL and the network", NameIn(unreachable));

        if (Find("Unable to find a match", "no package matched", "PackageNotFoundError", "MarkingErrors", "No match for") is { } missing)
        {
            Located? package = source.Packages.FirstOrDefault(p => missing.Split(' ', ',', ':', '\'', '\t').Contains(p.Value));
            return RepositoryErrors.PackageNotFound((package ?? source.From).Where,
                package is null ? Short(missing) : $"no repository has a package '{package.Value}'", package?.Value);
        }

        if (Find("nothing provides", "conflicting requests", "DepsolveError", "Problem:", "Problem 1:") is { } conflict)
            return RepositoryErrors.PackagesConflict(source.From, Short(conflict));

        string last = string.Join("; ", said.Where(line => line.Contains("rror", StringComparison.Ordinal)).TakeLast(3));
        return BuildErrors.ProgramFailed(source.From.Where, program, exit, last.Length > 0 ? last : said.LastOrDefault(),
            context.Definition.Path);
    }

    static string Short(string line) =>
        line.Replace("RepoError: ", "", StringComparison.Ordinal).Replace("ERROR\t", "", StringComparison.Ordinal).Trim();

    string Where(string line) => (RepositoryIn(line)?.Name ?? source.From).Where;

    string? NameIn(string line) => RepositoryIn(line)?.Name.Value;

    PackageRepository? RepositoryIn(string line) => source.Repositories.FirstOrDefault(r =>
        line.Contains($"'{r.Name.Value}'", StringComparison.Ordinal) || line.Contains($"repo: {r.Name.Value}", StringComparison.Ordinal)
        || r.Urls.Any(u => line.Contains(u.TrimEnd('/'), StringComparison.Ordinal)));
}
