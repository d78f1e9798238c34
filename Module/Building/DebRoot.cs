using System.Globalization;
using System.Text;
using Slipway.Linux;

namespace Slipway.Building;

/// <summary><c>from: deb</c>: a root filesystem made by mmdebstrap(1), inside the build namespace.</summary>
internal sealed class DebRoot(Definition definition, BuildJob job, Action<string, int> progress, Action<string> log)
{
    /// <summary>mmdebstrap's own steps, as its messages name them, and what we call them.</summary>
    static readonly (string Message, string Step)[] Steps =
    [
        ("running apt-get update", "reading the repositories"),
        ("downloading packages", "downloading packages"),
        ("extracting archives", "extracting essential packages"),
        ("installing essential", "installing essential packages"),
        ("installing remaining", "installing packages"),
        ("cleaning", "cleaning"),
    ];

    public void Make(string root, CancellationToken cancel)
    {
        DebSource source = definition.Source;
        Directory.CreateDirectory(job.PackageCache);
        string apt = Path.Combine(job.WorkDirectory, "apt");
        string? instead = WriteRepositories(apt);

        List<string> arguments =
        [
            "--mode=root", "--variant=minbase", "--format=directory",
            // a package that was downloaded for an earlier image is linked in, and new ones are linked out: apt locks its own directory, so it is not shared
            "--skip=download/empty", "--skip=essential/unlink", "--skip=cleanup/apt",
            "--setup-hook=mkdir -p \"$1\"/var/cache/apt/archives; cp -al " + Quote(job.PackageCache) + "/. \"$1\"/var/cache/apt/archives/ 2>/dev/null || cp -a " + Quote(job.PackageCache) + "/. \"$1\"/var/cache/apt/archives/",
            "--setup-hook=cp -rT " + Quote(apt) + " \"$1\"/etc/apt",
            "--customize-hook=ln -f \"$1\"/var/cache/apt/archives/*.deb " + Quote(job.PackageCache) + "/ 2>/dev/null || cp \"$1\"/var/cache/apt/archives/*.deb " + Quote(job.PackageCache) + "/",
            "--aptopt=Acquire::Retries \"2\"",
            "--aptopt=Acquire::http::Timeout \"30\"",
            "--aptopt=Acquire::https::Timeout \"30\"",
        ];
        if (LibC.geteuid() == 0 && !IsInitialUserNamespace())
            arguments.Add("--skip=chroot/mount/sys"); // sysfs belongs to the network namespace's owner, which is not us
        List<string> packages = [.. source.Packages.Select(p => p.Value)];
        if (definition.FabricAuto)
            packages.AddRange(Fabric.ProviderTable.Default.Packages["verbs"]["debian"]); // verbs core, its providers, connection manager
        if (packages.Count > 0)
            arguments.Add("--include=" + string.Join(',', packages));
        List<DebRepository> own = [.. source.Repositories.Where(r => r.Url is null)];
        if (own.Count > 0)
            arguments.Add("--components=" + string.Join(',', own.SelectMany(r => r.Components).Distinct()));
        arguments.Add(source.Suite.Value);
        arguments.Add(root);
        if (instead is not null)
            arguments.Add(instead);

        List<string> said = [];
        void Line(string line)
        {
            log(line);
            said.Add(line);
            foreach ((string message, string step) in Steps)
                if (line.StartsWith("I: " + message, StringComparison.Ordinal))
                    progress(step, -1);
        }

        // mmdebstrap runs dpkg and apt, whose messages must be the ones we know
        Dictionary<string, string?> environment = new() { ["LC_ALL"] = "C.UTF-8", ["TMPDIR"] = job.WorkDirectory, ["SOURCE_DATE_EPOCH"] = null };
        int exit = HostProgram.Run("mmdebstrap", arguments, Line, Line, environment, cancel: cancel);
        if (exit != 0)
            throw Explain(said, exit);
    }

    static bool IsInitialUserNamespace() => File.ReadAllText("/proc/self/uid_map").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is ["0", "0", "4294967295"];

    static string Quote(string path) => "'" + path.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    const string SourcesFile = "slipway.sources";

    /// <summary>Writes sources and pins; returns the sources' file where it takes the place of the distribution's own.</summary>
    string? WriteRepositories(string apt)
    {
        DebSource source = definition.Source;
        StringBuilder sources = new(), pins = new();
        foreach (DebRepository repository in source.Repositories)
        {
            if (repository.Url is not { } url)
                continue;
            // apt reads file: in place, where the chroot cannot see it later; copy: brings the packages in
            url = url.StartsWith("file:", StringComparison.Ordinal) ? "copy:" + url["file:".Length..] : url;
            string suite = repository.Suite ?? source.Suite.Value;
            sources.Append(CultureInfo.InvariantCulture, $"Types: deb\nURIs: {url}\nSuites: {suite}\n");
            if (!suite.EndsWith('/'))
                sources.Append(CultureInfo.InvariantCulture, $"Components: {string.Join(' ', repository.Components)}\n");
            if (repository.Key is { } key)
                sources.Append(CultureInfo.InvariantCulture, $"Signed-By: {key}\n");
            if (repository.Trusted)
                sources.Append("Trusted: yes\n");
            sources.Append('\n');
            if (repository.Priority is { } priority)
                pins.Append(CultureInfo.InvariantCulture, $"Package: *\nPin: origin \"{new Uri(url).Host}\"\nPin-Priority: {priority}\n\n");
        }
        Directory.CreateDirectory(Path.Combine(apt, "sources.list.d"));
        Directory.CreateDirectory(Path.Combine(apt, "preferences.d"));
        if (pins.Length > 0)
            File.WriteAllText(Path.Combine(apt, "preferences.d", "slipway"), pins.ToString());
        // beside the distribution's own repositories, or, where the definition names none of those, instead of them
        bool instead = source.Repositories.All(r => r.Url is not null);
        string file = instead ? Path.Combine(job.WorkDirectory, SourcesFile) : Path.Combine(apt, "sources.list.d", SourcesFile);
        if (sources.Length > 0)
            File.WriteAllText(file, sources.ToString());
        return instead && sources.Length > 0 ? file : null;
    }

    /// <summary>From what apt and mmdebstrap said, the error that names the line of the definition.</summary>
    SlipwayException Explain(IReadOnlyList<string> said, int exit)
    {
        string log = $"The whole log: {job.LogPath}";
        // of several lines that say the same, the one that names a repository of the definition says most
        string? Find(params string[] words) => said.Where(line => words.Any(word => line.Contains(word, StringComparison.Ordinal)))
            .OrderBy(line => RepositoryIn(line) is null).FirstOrDefault();

        if (Find("No space left on device") is not null)
            return new("DiskFull", ErrorKind.WriteError, $"{job.WorkDirectory}: no space left on the device while packages were installed", $"Free some space, or set TMPDIR to a roomier local disk. {log}", job.WorkDirectory);

        if (Find("E: Unable to locate package", "has no installation candidate", "was not found") is { } missing)
        {
            Located? package = definition.Source.Packages.FirstOrDefault(p => p.Value.Split('=', '/', ':')[0] is var name
                && missing.Split(' ', '\'', '"', '‘', '’').Contains(name));
            return new("PackageNotFound", ErrorKind.ObjectNotFound,
                $"{package?.Where ?? definition.Source.Suite.Where}: {(package is null ? missing["E: ".Length..] : $"no repository of suite '{definition.Source.Suite.Value}' has a package '{package.Value}'")}",
                $"Check the name, or add the repository that has it. {log}", package?.Value);
        }

        if (Find("NO_PUBKEY", "EXPKEYSIG", "BADSIG", "REVKEYSIG", "is not signed", "OpenPGP signature verification failed") is { } unsigned)
            return new("RepositoryNotTrusted", ErrorKind.SecurityError, $"{Where(unsigned)}: the repository's signature is not by the key that was given: {Short(unsigned)}", $"Give the right key. {log}", definition.Source.Suite.Value);

        if (Find("does not have a Release file", "Failed to fetch", "Could not connect", "Could not resolve", "Temporary failure resolving", "Cannot initiate the connection") is { } unreachable)
            return new("RepositoryUnreachable", ErrorKind.ConnectionError, $"{Where(unreachable)}: the repository cannot be reached, or has no such suite: {Short(unreachable)}", $"Check URL, suite and network. {log}", definition.Source.Suite.Value);

        string last = string.Join("; ", said.Where(line => line.StartsWith("E: ", StringComparison.Ordinal)).TakeLast(3));
        return new("BuildStepFailed", ErrorKind.InvalidOperation, $"{definition.Source.Suite.Where}: mmdebstrap ended with exit code {exit}: {(last.Length > 0 ? last : said.LastOrDefault())}", log, definition.Path);
    }

    static string Short(string line) => line.TrimStart('E', 'W', 'I', ':', ' ');

    /// <summary>The line of the repository that a message of apt speaks of, else of the suite.</summary>
    string Where(string message) => (RepositoryIn(message)?.Name ?? definition.Source.Suite).Where;

    DebRepository? RepositoryIn(string message) => definition.Source.Repositories.FirstOrDefault(r =>
        r.Url is { } url && message.Contains(url[(url.IndexOf(':', StringComparison.Ordinal) + 1)..].TrimEnd('/'), StringComparison.Ordinal));
}
