namespace Slipway.Building.Repositories;

/// <summary>From what apt and mmdebstrap said, the error that names the line of the definition.</summary>
sealed class AptMessages(DebSource source, BuildContext context)
{
    /// <param name="program">Which of them ended.</param>
    /// <param name="said">Its last lines.</param>
    public SlipwayException Explain(string program, IReadOnlyList<string> said, int exit)
    {
        // of several lines that say the same, the one that names a repository of the definition says most
        string? Find(params string[] words) => said.Where(line => words.Any(word => line.Contains(word, StringComparison.Ordinal)))
            .OrderBy(line => RepositoryIn(line) is null).FirstOrDefault();

        if (Find("No space left on device", "You don't have enough free space") is not null)
            return BuildErrors.DiskFull(context.Job.WorkDirectory, doing: "packages were installed");

        if (Find("E: Unable to locate package", "has no installation candidate", "was not found") is { } missing)
        {
            Located? package = source.Packages.FirstOrDefault(p => p.Value.Split('=', '/', ':')[0] is var name
                && missing.Split(' ', '\'', '"', '‘', '’').Contains(name));
            return RepositoryErrors.PackageNotFound((package ?? source.Suite).Where,
                package is null ? Short(missing) : $"no repository of suite '{source.Suite.Value}' has a package '{package.Value}'",
                package?.Value);
        }

        if (Find("is expired", "Release file for", "is not valid yet") is { } stale
            && (stale.Contains("expired", StringComparison.Ordinal) || stale.Contains("not valid yet", StringComparison.Ordinal)))
            return RepositoryErrors.Outdated(Where(stale), Short(stale), source.Suite.Value);

        if (Find("NO_PUBKEY", "EXPKEYSIG", "BADSIG", "REVKEYSIG", "is not signed", "OpenPGP signature verification failed",
            "couldn't be verified", "isn't signed", "no valid OpenPGP data") is { } unsigned)
            return RepositoryErrors.SuiteNotTrusted(Where(unsigned), Short(unsigned), source.Suite.Value);

        if (Find("Hash Sum mismatch", "File has unexpected size", "Mirror sync in progress") is { } changed)
            return RepositoryErrors.FilesDisagree(Where(changed), Short(changed), source.Suite.Value);

        if (Find("does not have a Release file", "Failed to fetch", "Could not connect", "Could not resolve", "Temporary failure resolving",
            "Cannot initiate the connection", "Connection timed out", "Error reading from server") is { } unreachable)
            return RepositoryErrors.Unreachable(Where(unreachable), "the repository", "has no such suite", Short(unreachable),
                "URL, suite and network", source.Suite.Value);

        if (Find("have unmet dependencies", "Depends:", "Unable to correct problems") is not null)
            return RepositoryErrors.PackagesConflict(source.Suite, string.Join("; ", said
                .Where(l => l.Contains("epends:", StringComparison.Ordinal) || l.Contains("onflicts:", StringComparison.Ordinal))
                .Take(3).Select(l => l.Trim())));

        string last = string.Join("; ", said.Where(line => line.StartsWith("E: ", StringComparison.Ordinal)).TakeLast(3));
        return BuildErrors.ProgramFailed(source.Suite.Where, program, exit, last.Length > 0 ? last : said.LastOrDefault(),
            context.Definition.Path);
    }

    static string Short(string line) => line.TrimStart('E', 'W', 'I', ':', ' ');

    /// <summary>The line of the repository that a message of apt speaks of, else of the suite.</summary>
    string Where(string message) => (RepositoryIn(message)?.Name ?? source.Suite).Where;

    PackageRepository? RepositoryIn(string message) => source.Repositories.FirstOrDefault(r =>
        r.Urls.Any(url => message.Contains(url[(url.IndexOf(':', StringComparison.Ordinal) + 1)..].TrimStart('/').TrimEnd('/'),
            StringComparison.Ordinal))
        || message.Contains($"/mirrors/{r.Name.Value}.list", StringComparison.Ordinal));
}
