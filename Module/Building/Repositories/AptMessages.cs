namespace Slipway.Building.Repositories;

/// <summary>From what apt and mmdebstrap said, the error that names the line of the definition.</summary>
sealed class AptMessages(DebSource source, BuildContext context)
{
    /// <param name="program">Which of them ended.</param>
    /// <param name="said">Its last lines.</param>
    public SlipwayException Explain(string program, IReadOnlyList<string> said, int exit)
    {
        string log = context.LogHint;
        // of several lines that say the same, the one that names a repository of the definition says most
        string? Find(params string[] words) => said.Where(line => words.Any(word => line.Contains(word, StringComparison.Ordinal)))
            .OrderBy(line => RepositoryIn(line) is null).FirstOrDefault();

        if (Find("No space left on device", "You don't have enough free space") is not null)
            return new("DiskFull", ErrorKind.WriteError, $"{context.Job.WorkDirectory}: no space left on the device while packages were installed", $"Free some space, or set TMPDIR to a roomier local disk. {log}", context.Job.WorkDirectory);

        if (Find("E: Unable to locate package", "has no installation candidate", "was not found") is { } missing)
        {
            Located? package = source.Packages.FirstOrDefault(p => p.Value.Split('=', '/', ':')[0] is var name
                && missing.Split(' ', '\'', '"', '‘', '’').Contains(name));
            return new("PackageNotFound", ErrorKind.ObjectNotFound,
                $"{(package ?? source.Suite).Where}: {(package is null ? Short(missing) : $"no repository of suite '{source.Suite.Value}' has a package '{package.Value}'")}",
                $"Check the name, or add the repository that has it. {log}", package?.Value);
        }

        if (Find("is expired", "Release file for", "is not valid yet") is { } stale && (stale.Contains("expired", StringComparison.Ordinal) || stale.Contains("not valid yet", StringComparison.Ordinal)))
            return new("RepositoryOutdated", ErrorKind.SecurityError, $"{Where(stale)}: {Short(stale)}", $"Use a mirror that is kept up to date, or 'check-valid-until: false' if you mean the old state. {log}", source.Suite.Value);

        if (Find("NO_PUBKEY", "EXPKEYSIG", "BADSIG", "REVKEYSIG", "is not signed", "OpenPGP signature verification failed", "couldn't be verified", "isn't signed", "no valid OpenPGP data") is { } unsigned)
            return new("RepositoryNotTrusted", ErrorKind.SecurityError, $"{Where(unsigned)}: the repository's signature is not by the key that was given: {Short(unsigned)}", $"Give the right key. {log}", source.Suite.Value);

        if (Find("Hash Sum mismatch", "File has unexpected size", "Mirror sync in progress") is { } changed)
            return new("PackageTampered", ErrorKind.SecurityError, $"{Where(changed)}: the repository's files do not agree with each other: {Short(changed)}", $"Ask who keeps the mirror, or use another. {log}", source.Suite.Value);

        if (Find("does not have a Release file", "Failed to fetch", "Could not connect", "Could not resolve", "Temporary failure resolving", "Cannot initiate the connection", "Connection timed out", "Error reading from server") is { } unreachable)
            return new("RepositoryUnreachable", ErrorKind.ConnectionError, $"{Where(unreachable)}: the repository cannot be reached, or has no such suite: {Short(unreachable)}", $"Check URL, suite and network. {log}", source.Suite.Value);

        if (Find("have unmet dependencies", "Depends:", "Unable to correct problems") is not null)
            return new("PackagesConflict", ErrorKind.InvalidOperation, $"{source.Suite.Where}: the packages cannot be installed together: {string.Join("; ", said.Where(l => l.Contains("epends:", StringComparison.Ordinal) || l.Contains("onflicts:", StringComparison.Ordinal)).Take(3).Select(l => l.Trim()))}",
                $"Look at priorities, and at which repository each package comes from. {log}", source.Suite.Value);

        string last = string.Join("; ", said.Where(line => line.StartsWith("E: ", StringComparison.Ordinal)).TakeLast(3));
        return new("BuildStepFailed", ErrorKind.InvalidOperation, $"{source.Suite.Where}: {program} ended with exit code {exit}: {(last.Length > 0 ? last : said.LastOrDefault())}", log, context.Definition.Path);
    }

    static string Short(string line) => line.TrimStart('E', 'W', 'I', ':', ' ');

    /// <summary>The line of the repository that a message of apt speaks of, else of the suite.</summary>
    string Where(string message) => (RepositoryIn(message)?.Name ?? source.Suite).Where;

    PackageRepository? RepositoryIn(string message) => source.Repositories.FirstOrDefault(r =>
        r.Urls.Any(url => message.Contains(url[(url.IndexOf(':', StringComparison.Ordinal) + 1)..].TrimStart('/').TrimEnd('/'), StringComparison.Ordinal))
        || message.Contains($"/mirrors/{r.Name.Value}.list", StringComparison.Ordinal));
}
