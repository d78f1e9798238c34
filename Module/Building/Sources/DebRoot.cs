using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Slipway.Building.Repositories;
using Slipway.Linux;
using Slipway.Readers.Packages;
using Slipway.Shared;

namespace Slipway.Building.Sources;

/// <summary>
/// <c>from: deb</c>. APT, in a root that mmdebstrap(1) sets up, reads the repositories and chooses the packages; mmdebstrap then installs
/// exactly those, from a repository of them alone that is made on the spot.
/// </summary>
sealed partial class DebRoot(DebSource source, Stage stage, BuildContext context) : RootSource(stage, context)
{
    /// <summary>mmdebstrap's own steps, as its messages name them, and what we call them.</summary>
    static readonly (string Message, string Step)[] Steps =
    [
        ("running apt-get update", "reading the repositories"),
        ("extracting archives", "extracting essential packages"),
        ("installing essential", Installing),
        ("installing remaining", Installing),
        ("cleaning", "cleaning"),
    ];

    const string Installing = "installing packages";

    /// <summary>
    /// What dpkg says of each package once when it unpacks it, and once when it configures it (dpkg: src/main/unpack.c, configure.c).
    /// </summary>
    static readonly string[] PackageMessages = ["Unpacking ", "Setting up "];

    // mmdebstrap runs dpkg and apt, whose messages must be the ones we know
    Dictionary<string, string?> Environment =>
        new() { ["LC_ALL"] = "C.UTF-8", ["TMPDIR"] = Context.Job.WorkDirectory, ["SOURCE_DATE_EPOCH"] = null };

    static string Architecture => RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64
        ? "arm64" : "amd64";

    readonly AptMessages messages = new(source, context);

    string[] Packages => [.. source.Packages.Select(p => p.Value), .. FabricPackages("debian", null, source)];

    /// <summary>What stands in the definition, keys by their fingerprints.</summary>
    LockedSource Empty(AptRepositories repositories) =>
        NewLock([source.Suite.Value, .. Packages, "repositories", .. source.Repositories.SelectMany(r => new[]
    {
        r.Name.Value, string.Join(' ', r.Urls), r.MirrorList ?? "", r.Suite ?? "", string.Join(' ', r.Components),
        string.Join(' ', repositories.KeyOf(r)?.Fingerprints ?? []), r.Trusted.ToString(),
        r.Priority?.ToString(CultureInfo.InvariantCulture) ?? "", string.Join(' ', r.Include), string.Join(' ', r.Exclude),
        string.Join(' ', r.Architectures),
    })]);

    AptRepositories? repositories;

    /// <summary>The repositories, whose keys are looked at once.</summary>
    AptRepositories Repositories(CancellationToken cancel) => repositories ??= new(source, Context, cancel);

    protected override string Inputs(CancellationToken cancel) => Empty(Repositories(cancel)).Inputs;

    protected override LockedSource Resolve(CancellationToken cancel)
    {
        AptRepositories repositories = Repositories(cancel);
        string work = Context.Directory("apt", Stage.Name), root = Path.Combine(work, "root"), etc = Path.Combine(work, "etc");
        Directory.CreateDirectory(Path.Combine(etc, "sources.list.d"));
        string sources = Path.Combine(repositories.Replaces ? work : Path.Combine(etc, "sources.list.d"), "slipway.sources");
        string text = repositories.Sources(cancel);
        if (text.Length > 0)
            File.WriteAllText(sources, text);

        List<string> arguments =
        [
            "--mode=root", "--variant=custom", "--format=directory", "--skip=cleanup,check/empty",
            "--setup-hook=cp -rT " + Quote(etc) + " \"$1\"/etc/apt",
            .. Options(repositories.ProxyOptions()),
        ];
        List<PackageRepository> own = [.. source.Repositories.Where(r => r.IsOwn)];
        if (own.Count > 0)
            arguments.Add("--components=" + string.Join(',', own.SelectMany(r => r.Components).Distinct()));
        arguments.AddRange([source.Suite.Value, root]);
        if (repositories.Replaces)
            arguments.Add(sources);
        Context.Step("reading the repositories");
        (int exit, IReadOnlyList<string> said) = Context.Run("mmdebstrap", arguments, Environment, cancel: cancel);
        // apt goes on with the other repositories where one does not answer: that is not what the definition says
        if (exit != 0 || said.Any(line => line.StartsWith("W: Failed to fetch", StringComparison.Ordinal)
            || line.StartsWith("W: Some index files failed", StringComparison.Ordinal)))
            throw messages.Explain("mmdebstrap", said, exit);

        string config = Path.Combine(work, "apt.conf");
        File.WriteAllText(config, $"""
            Dir "{root}/";
            Dir::Etc "etc/apt";
            Dir::Bin::methods "/usr/lib/apt/methods";
            APT::Architecture "{Architecture}";
            APT::Architectures "{Architecture}";
            APT::Install-Recommends "false";
            APT::Sandbox::User "root";
            Acquire::ForceHash "SHA256";

            """);
        List<AptRepositories.Index> indexes = [];
        Run("apt-get", ["indextargets", "--format", "$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(FILENAME)"], line =>
        {
            if (line.Split('|') is ["Packages", var uri, var release, var component, var file])
                indexes.Add(new AptRepositories.Index(uri, release, component.StartsWith('$') ? "" : component, file));
        });
        LockedSource locked = Empty(repositories);
        locked.Repositories = repositories.States(indexes);
        locked.SourceDateEpoch = locked.Repositories.Select(r => r.Date).DefaultIfEmpty().Max();
        if (repositories.Relabel(indexes) is { Length: > 0 } pins)
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(root, "etc/apt/preferences.d")).FullName, "slipway"),
                pins);

        Context.Step("choosing packages");
        string name = Regex.Escape(source.Suite.Value);
        string suite = $"?narrow(?or(?archive(^{name}$),?codename(^{name}$)),?architecture({Architecture}),";
        List<LockedPackage> packages = [];
        // as mmdebstrap's variant minbase has it: what is essential, and what is required
        Run("apt-get", ["-y", "-q", "--print-uris", "install", suite + "?essential)", suite + "?and(?priority(required),?not(?essential)))",
            .. Packages], line =>
        {
            if (PrintedUri().Match(line) is { Success: true } found)
                packages.Add(Package(found, indexes, repositories));
        });
        locked.Packages = [.. packages.OrderBy(p => p.Name, StringComparer.Ordinal).ThenBy(p => p.Architecture, StringComparer.Ordinal)];
        if (locked.Packages.FirstOrDefault(p => p.Sha256.Length != 64) is { } weak)
            throw SourceErrors.PackageWithoutHash(source.Suite, weak, "index");
        SetPriorities(locked.Packages, indexes.Select(i => i.File));
        Directory.Delete(work, recursive: true);
        return locked;

        void Run(string program, IReadOnlyList<string> options, Action<string> line)
        {
            (int code, IReadOnlyList<string> lines) =
                Context.Run(program, options, new Dictionary<string, string?> { ["LC_ALL"] = "C.UTF-8", ["APT_CONFIG"] = config },
                    line, cancel);
            if (code != 0)
                throw messages.Explain(program, lines, code);
        }
    }

    /// <summary>From APT's copies of the indexes (deb822), where a file is not compressed.</summary>
    /// <remarks>By bytes: Debian's index has 50 MB, and as strings that is half a second of every build.</remarks>
    static void SetPriorities(IReadOnlyList<LockedPackage> packages, IEnumerable<string> indexes)
    {
        Dictionary<string, LockedPackage> wanted = [];
        foreach (LockedPackage package in packages)
            wanted[package.Sha256] = package;
        foreach (string file in indexes.Where(File.Exists))
        {
            byte[] all = File.ReadAllBytes(file);
            int start = 0;
            for (int at; start < all.Length && (at = all.AsSpan(start).IndexOf("\nSHA256: "u8)) >= 0;)
            {
                at += start + "\nSHA256: ".Length;
                int end = all.AsSpan(at).IndexOf((byte)'\n') is >= 0 and var length ? at + length : all.Length;
                if (wanted.TryGetValue(Encoding.ASCII.GetString(all.AsSpan(at, end - at)), out LockedPackage? package))
                    package.Priority ??= PriorityAround(all, at);
                start = end;
            }
        }
    }

    /// <summary>The priority in the stanza that a place of an index is in.</summary>
    static string? PriorityAround(ReadOnlySpan<byte> index, int at)
    {
        int begin = index[..at].LastIndexOf("\n\n"u8) is >= 0 and var before ? before + 1 : 0;
        int end = index[at..].IndexOf("\n\n"u8) is >= 0 and var after ? at + after : index.Length;
        foreach (string line in Encoding.UTF8.GetString(index[begin..end]).Split('\n'))
            if (line.StartsWith("Priority: ", StringComparison.Ordinal))
                return line["Priority: ".Length..];
        return null;
    }

    static IEnumerable<string> Options(IEnumerable<string> more) =>
        new[] { "APT::Sandbox::User \"root\"", "Acquire::Retries \"2\"", "Acquire::http::Timeout \"30\"", "Acquire::https::Timeout \"30\"",
            "Acquire::Languages \"none\"" }.Concat(more).Select(o => "--aptopt=" + o);

    /// <summary>
    /// A line of <c>apt-get --print-uris</c>: <c>'URI' NAME_VERSION_ARCH.deb SIZE SHA256:…</c>, the epoch's colon as %3a.
    /// </summary>
    LockedPackage Package(Match found, IReadOnlyList<AptRepositories.Index> indexes, AptRepositories repositories)
    {
        string uri = found.Groups[1].Value;
        AptRepositories.Index? index = indexes.Where(i => uri.StartsWith(i.Uri, StringComparison.Ordinal)).MaxBy(i => i.Uri.Length);
        PackageRepository? repository = index is null ? null : repositories.RepositoryOf(index);
        IReadOnlyList<string> urls = repository is null || repository.IsOwn ? [uri]
            : [.. repositories.MirrorsOf(repository)
                .Select(mirror => mirror.TrimEnd('/') + "/" + uri[index!.Uri.Length..].TrimStart('/', ' '))];
        return new LockedPackage
        {
            Name = found.Groups[2].Value,
            Version = Uri.UnescapeDataString(found.Groups[3].Value),
            Architecture = found.Groups[4].Value,
            Repository = repository?.Name.Value ?? AptRepositories.Distribution,
            Urls = urls,
            Size = long.Parse(found.Groups[5].Value, CultureInfo.InvariantCulture),
            Sha256 = found.Groups[6].Value.ToLowerInvariant(),
        };
    }

    [GeneratedRegex(@"^'([^']+)' ([^_ ]+)_([^_ ]+)_([^_ ]+)\.deb (\d+) (?:SHA256:([0-9a-fA-F]{64}))?")]
    private static partial Regex PrintedUri();

    public override void Make(string root, LockedSource locked, CancellationToken cancel)
    {
        IReadOnlyList<PackageCache.Held> held = new PackageCache(Context).Fetch(source, locked, cancel);
        Context.Step("preparing packages");
        string pool = Context.Directory("pool", Stage.Name), archives = Path.Combine(pool, "archives");
        WritePool(pool, archives, held, locked.SourceDateEpoch, cancel);
        List<string> arguments =
        [
            "--mode=root", "--variant=minbase", "--format=directory", "--skip=download/empty,essential/unlink,cleanup,check/empty",
            // for dpkg's messages, which tell how far it is
            "--verbose",
            // apt takes a package that lies in its archives and has the right hash as downloaded
            "--setup-hook=mkdir -p \"$1\"/var/cache/apt && mv " + Quote(archives)
                + " \"$1\"/var/cache/apt/archives && mkdir -p \"$1\"/var/cache/apt/archives/partial",
            .. Options([]),
        ];
        if (!BuildNamespace.IsFake && !BuildNamespace.IsInitialUserNamespace())
            arguments.Add("--skip=chroot/mount/sys"); // sysfs belongs to the network namespace's owner, which is not us
        if (BuildNamespace.IsFake)
        {
            // a pts file system takes a group that a namespace of one id does not have
            arguments.AddRange(["--skip=chroot/mount/dev,chroot/mount/sys",
                "--setup-hook=mkdir -p \"$1\"/dev && mount -t tmpfs -o mode=755 tmpfs \"$1\"/dev && for n in null zero full random "
                    + "urandom tty; do : >\"$1\"/dev/$n && mount --bind /dev/$n \"$1\"/dev/$n; done",
                .. BuildNamespace.FakeLibraries.Select(l => $"--setup-hook=cp -rT {Quote(l)} \"$1\"{BuildNamespace.FakeLibraryPlace}"),
                "--customize-hook=umount -R -l \"$1\"/dev"]);
        }
        // NAME/SUITE chose a version; here there is but one
        if (Packages.Length > 0)
            arguments.Add("--include=" + string.Join(',', Packages.Select(p => p.Split('/')[0])));
        arguments.AddRange([source.Suite.Value, root, $"deb [trusted=yes] copy:{pool} {source.Suite.Value} main"]);
        int done = 0;
        (int exit, IReadOnlyList<string> said) = Context.Run("mmdebstrap", arguments, Environment, line =>
        {
            if (PackageMessages.Any(m => line.StartsWith(m, StringComparison.Ordinal)))
                Context.Step(Installing, Math.Min(99, 100 * ++done / (PackageMessages.Length * held.Count)));
            foreach ((string message, string step) in Steps)
                if (line.StartsWith("I: " + message, StringComparison.Ordinal) && !(step == Installing && done > 0))
                    Context.Step(step);
        }, cancel);
        if (exit != 0)
            throw messages.Explain("mmdebstrap", said, exit);

        Context.Mend(root);
        BuildRoot made = new(root);
        made.Delete("var/cache/apt/archives");
        CheckInstalled(made, locked);
        WriteSources(made, locked, cancel);
        Directory.Delete(pool, recursive: true);
    }

    /// <summary>A repository of the locked packages alone: <c>dists/SUITE</c>, as apt-ftparchive(1) would make it.</summary>
    void WritePool(string pool, string archives, IReadOnlyList<PackageCache.Held> held, long date, CancellationToken cancel)
    {
        Directory.CreateDirectory(archives);
        string[] stanzas = new string[held.Count];
        BuildContext.Each(held.Count, cancel, i =>
        {
            (LockedPackage package, string file) = held[i];
            // the name that apt gives to a file in its archives (apt-pkg/acquire-item.cc, QuoteString)
            string name = $"{package.Name}_{package.Version.Replace(":", "%3a", StringComparison.Ordinal)}_{package.Architecture}.deb";
            string pooled = Path.Combine(archives, name);
            if (link(file, pooled) != 0)
                OpenedFile.CopyNamed(file, pooled);
            string control = ControlOf(package, file);
            if (package.Priority is { } priority && priority.All(char.IsAsciiLetter))
                control = string.Join('\n', control.Split('\n')
                    .Where(line => line.Length > 0 && !line.StartsWith("Priority:", StringComparison.Ordinal))
                    .Append("Priority: " + priority));
            stanzas[i] = $"{control.TrimEnd()}\nFilename: pool/{name}\nSize: "
                + $"{new FileInfo(file).Length.ToString(CultureInfo.InvariantCulture)}\nSHA256: {package.Sha256}\n";
        });
        string suite = source.Suite.Value.TrimEnd('/'), packages = string.Join('\n', stanzas) + "\n";
        string directory = Path.Combine(pool, "dists", suite), index = Path.Combine(directory, "main", "binary-" + Architecture);
        Directory.CreateDirectory(index);
        File.WriteAllText(Path.Combine(index, "Packages"), packages);
        File.WriteAllText(Path.Combine(directory, "Release"), string.Create(CultureInfo.InvariantCulture,
            $"Origin: slipway\nLabel: slipway\nSuite: {suite}\nCodename: {suite}\nDate: "
            + $"{DateTimeOffset.FromUnixTimeSeconds(date):ddd, dd MMM yyyy HH:mm:ss} UTC\nArchitectures: {Architecture}\n"
            + $"Components: main\nSHA256:\n {Digest.OfText(packages)[Digest.Prefix.Length..]} {Encoding.UTF8.GetByteCount(packages)} "
            + $"main/binary-{Architecture}/Packages\n"));
    }

    /// <summary>The control fields of a package, and that it is the one that the lock names.</summary>
    string ControlOf(LockedPackage package, string file)
    {
        bool IsOf(string text) => new[] { $"Package: {package.Name}", $"Version: {package.Version}" }.All(text.Split('\n').Contains)
            && !text.Contains("\n\n", StringComparison.Ordinal);
        // the file has that hash, so what it says of itself is what it said before
        string kept = Path.Combine(Context.Job.ControlCache, package.Sha256);
        if (OpenedFile.TryTextFound(kept) is { } before && IsOf(before))
            return before;
        string control = HostProgram.Read("dpkg-deb", "--field", file) ?? throw SourceErrors.NoDebianPackage(source.Suite, package, file);
        if (!IsOf(control))
            throw SourceErrors.OtherPackage(source.Suite, package);
        KeepControl(kept, control);
        return control;
    }

    void KeepControl(string kept, string control)
    {
        try
        {
            Directory.CreateDirectory(Context.Job.ControlCache, (UnixFileMode)Mode.rwx______);
            AtomicFile.Write(kept, Mode.rw_r__r__, control);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // a convenience: without it the package is asked again
            Context.Log($"{kept}: not kept: {e.Message}");
        }
    }

    void CheckInstalled(BuildRoot root, LockedSource locked)
    {
        HashSet<string> installed = [.. DpkgDatabase.InstalledIn(root.AsTree()).Select(p => $"{p.Name} {p.Version} {p.Architecture}")];
        HashSet<string> wanted = [.. locked.Packages.Select(p => $"{p.Name} {p.Version} {p.Architecture}")];
        if (!installed.SetEquals(wanted))
            throw SourceErrors.LockNotMet(source.Suite, installed, wanted);
    }

    /// <summary>The image's own apt knows the repositories that the image was made from.</summary>
    void WriteSources(BuildRoot root, LockedSource locked, CancellationToken cancel)
    {
        AptRepositories repositories = Repositories(cancel);
        StringBuilder text = new();
        foreach (LockedRepository state in locked.Repositories)
        {
            PackageRepository? repository = source.Repositories.FirstOrDefault(r => r.Name.Value == state.Name && !r.IsOwn);
            text.Append(CultureInfo.InvariantCulture, $"Types: deb\nURIs: {state.Url}\nSuites: {state.Suite}\n");
            if (state.Components.Count > 0)
                text.Append(CultureInfo.InvariantCulture, $"Components: {string.Join(' ', state.Components)}\n");
            if (repository is not null && repositories.KeyOf(repository) is { } key)
            {
                root.Write($"etc/apt/keyrings/{state.Name}.asc", File.ReadAllText(key.File));
                text.Append(CultureInfo.InvariantCulture, $"Signed-By: /etc/apt/keyrings/{state.Name}.asc\n");
            }
            if (repository is { Trusted: true })
                text.Append("Trusted: yes\n");
            if (repository is { CheckValidUntil: false })
                text.Append("Check-Valid-Until: no\n");
            text.Append('\n');
        }
        root.Delete("etc/apt/sources.list");
        root.Empty("etc/apt/sources.list.d");
        root.Write("etc/apt/sources.list.d/slipway.sources", text.ToString());
    }

    static string Quote(string path) => "'" + path.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
