using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Slipway.Building.Inside;
using Slipway.Building.Repositories;
using Slipway.Linux;

namespace Slipway.Building.Sources;

/// <summary>
/// <c>from: rpm</c>. dnf reads the repositories and chooses the packages; <c>dnf --installroot</c> then installs exactly those files.
/// </summary>
sealed partial class RpmRoot(RpmSource source, Stage stage, BuildContext context) : RootSource(stage, context)
{
    readonly DnfMessages messages = new(source, context);

    /// <summary>With those for the definition's <c>fabric</c>, by the names that the repositories have for them.</summary>
    string[] Packages(DnfRepositories repositories)
    {
        string[] named = [.. source.Packages.Select(p => p.Value)];
        IEnumerable<string?> origins =
            repositories.All.SelectMany(r => new[] { r.Name.Value, r.MirrorList, r.Metalink }.Concat(repositories.UrlsOf(r)));
        return [.. named, .. FabricPackages(Inventory.FabricPackages.RpmFamily(origins.OfType<string>().Concat(named)),
            source.Release?.Value, source)];
    }

    LockedSource Empty(DnfRepositories repositories) =>
        NewLock([repositories.Release, .. Packages(repositories), "repositories", .. repositories.All.SelectMany(r => new[]
    {
        r.Name.Value, string.Join(' ', repositories.UrlsOf(r)), r.MirrorList ?? "", r.Metalink
            ?? "", string.Join(' ', repositories.KeyOf(r)?.Fingerprints ?? []), r.Trusted.ToString(),
        r.Priority?.ToString(CultureInfo.InvariantCulture) ?? "", string.Join(' ', r.Include), string.Join(' ', r.Exclude),
        string.Join(' ', r.Architectures),
    })]);

    DnfRepositories? repositories;

    /// <summary>The repositories, whose keys are looked at once.</summary>
    DnfRepositories Repositories(CancellationToken cancel) => repositories ??= new(source, Context, cancel);

    protected override string Inputs(CancellationToken cancel) => Empty(Repositories(cancel)).Inputs;

    protected override LockedSource Resolve(CancellationToken cancel)
    {
        DnfRepositories repositories = Repositories(cancel);
        string work = Context.Directory("dnf", Stage.Name);
        Prepare(work);
        string sections = repositories.Sections(inImage: false), reposdir = Directory.CreateDirectory(Path.Combine(work, "repos")).FullName;
        File.WriteAllText(Path.Combine(reposdir, "slipway.repo"), sections);
        // what dnf keeps of a repository it does not check again: other keys or options, another cache
        string cache = Path.Combine(Context.Job.MetadataCache,
            ContentKey.Of(repositories.All.SelectMany(r => repositories.KeyOf(r)?.Fingerprints ?? [])
                .Append(Regex.Replace(sections, "gpgkey=.*\n", "")))[..16]);
        Directory.CreateDirectory(cache);
        string conf = Path.Combine(work, "resolve.conf");
        File.WriteAllText(conf, DnfRepositories.Main(work)
            .Replace($"reposdir={work}/none", $"reposdir={reposdir}", StringComparison.Ordinal) + $"cachedir={cache}\nkeepcache=1\n");
        string script = Path.Combine(work, "dnf-resolve.py");
        using (Stream resource = Assembly.GetExecutingAssembly().GetManifestResourceStream("dnf-resolve.py")!)
        using (FileStream file = File.Create(script))
            resource.CopyTo(file);

        Context.Step("reading the repositories");
        using FileStream held = Hold(cache + ".lock", cancel);
        List<LockedPackage> packages = [];
        LockedSource locked = Empty(repositories);
        List<LockedRepository> states = [];
        Dictionary<string, IReadOnlyList<string>> mirrors = [];
        (string Kind, string Message)? error = null;
        (int exit, IReadOnlyList<string> said) =
            Context.Run(Dnf().Python, ["-s", "-E", script, conf, Path.Combine(work, "root"), repositories.Release,
                .. Packages(repositories)], Environment(work, null), line =>
        {
            switch (line.Split('\t'))
            {
                case ["PACKAGE", var repository, var name, var version, var architecture, var kind, var digest, var size, var location]:
                    packages.Add(new LockedPackage
                    {
                        Name = name, Version = version, Architecture = architecture, Repository = repository, Sha256 = kind == "sha256"
                            ? digest : "",
                        Size = long.Parse(size, CultureInfo.InvariantCulture),
                        Urls = [.. mirrors[repository].Select(u => u.TrimEnd('/') + "/" + location)],
                    });
                    break;
                case ["REPOSITORY", var id, var date, var file, var from]:
                    PackageRepository of = repositories.All.First(r => r.Name.Value == id);
                    // the lock is the same whichever mirror is nearest today
                    mirrors[id] = of.Urls.Count > 0 ? repositories.UrlsOf(of)
                        : [.. from.Split(' ', StringSplitOptions.RemoveEmptyEntries).Take(8)];
                    states.Add(new LockedRepository
                    {
                        Name = id, Url = repositories.UrlsOf(of).FirstOrDefault() ?? of.Metalink ?? of.MirrorList
                            ?? "", Digest = Digest.OfFile(file),
                        Date = long.Parse(date, CultureInfo.InvariantCulture), Keys = repositories.KeyOf(of)?.Fingerprints ?? [],
                    });
                    break;
                case ["PROGRESS", _, var percent]:
                    Context.Step("reading the repositories", int.Parse(percent, CultureInfo.InvariantCulture));
                    break;
                case ["ERROR", var kind, var message]:
                    error = (kind, message);
                    break;
            }
        }, cancel);
        if (exit != 0)
            throw messages.Explain("dnf", error is { } e ? [$"{e.Kind}: {e.Message}", .. said] : said, exit);
        if (packages.FirstOrDefault(p => p.Sha256.Length != 64) is { } weak)
            throw SourceErrors.PackageWithoutHash(source.From, weak, "metadata");
        locked.Repositories = [.. states.OrderBy(s => s.Name, StringComparer.Ordinal)];
        locked.SourceDateEpoch = states.Select(s => s.Date).DefaultIfEmpty().Max();
        locked.Packages = [.. packages.OrderBy(p => p.Name, StringComparer.Ordinal).ThenBy(p => p.Version, StringComparer.Ordinal)
            .ThenBy(p => p.Architecture, StringComparer.Ordinal)];
        return locked;
    }

    /// <summary>
    /// One build at a time reads repositories into one cache. dnf's own lock is of no use here: it names a process, and each build has
    /// processes of its own.
    /// </summary>
    static FileStream Hold(string path, CancellationToken cancel)
    {
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                // .NET takes flock(2) on what it opens with FileShare.None
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException) && e.HResult != ENOSPC)
            {
                Thread.Sleep(100);
            }
        }
    }

    /// <summary>
    /// dnf 4 and the interpreter that it runs under. Where <c>dnf</c> is dnf 5, dnf 4 may be beside it under the name that says so
    /// (Fedora's python3-dnf).
    /// </summary>
    (string Program, string Python) Dnf()
    {
        foreach (string name in new[] { "dnf", "dnf-3", "dnf4" })
            if (HostProgram.TryFind(name) is { } path && Interpreter(path) is { } python)
                return (path, python);
        throw SourceErrors.NotDnf4(source.From, HostProgram.Find("dnf"));
    }

    static string? Interpreter(string program)
    {
        using StreamReader reader = new(program);
        char[] head = new char[256];
        string first = new string(head, 0, reader.Read(head)).Split('\n')[0];
        return first.StartsWith("#!/", StringComparison.Ordinal) && first.Contains("python", StringComparison.Ordinal)
            ? first[2..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0] : null;
    }

    /// <summary>
    /// What dnf and rpm read in the builder's home: where the image's own rpm looks for its database, and what stays out of the image.
    /// </summary>
    static void Prepare(string work, string database = "/var/lib/rpm")
    {
        foreach (string name in new[] { "home", "log", "persist", "none", "root" })
            Directory.CreateDirectory(Path.Combine(work, name));
        // device nodes, and the mounts of the build: packages own some
        File.WriteAllText(Path.Combine(work, "home", ".rpmmacros"),
            $"%_dbpath {database}\n%_netsharedpath /dev:/proc:/sys\n%_install_script_path /usr/sbin:/usr/bin:/sbin:/bin\n");
    }

    static Dictionary<string, string?> Environment(string work, long? epoch) => new()
    {
        ["LC_ALL"] = "C.UTF-8", ["HOME"] = Path.Combine(work, "home"), ["XDG_CONFIG_HOME"] = null, ["RPM_CONFIGDIR"] = null,
        ["PYTHONPATH"] = null, ["GNUPGHOME"] = null,
        // rpm takes it as the time of installation (rpm: lib/rpmts.c)
        ["SOURCE_DATE_EPOCH"] = epoch?.ToString(CultureInfo.InvariantCulture),
    };

    public override void Make(string root, LockedSource locked, CancellationToken cancel)
    {
        DnfRepositories repositories = Repositories(cancel);
        IReadOnlyList<PackageCache.Held> held = new PackageCache(Context).Fetch(source, locked, cancel);
        Context.Step("checking signatures");
        repositories.CheckSignatures(held, cancel);
        string work = Context.Directory("dnf", Stage.Name), files = Context.Directory("rpms", Stage.Name);
        string database = ImageRpmDatabase.PlaceFor(held, Context, cancel);
        Prepare(work, database);
        if (ImageRpmDatabase.WarnOfOld(held, Context, cancel) is { } warning)
            Context.Warn(warning);
        // under names that say what they are, and that no option can be
        List<string> links = [];
        foreach ((LockedPackage package, string file) in held)
        {
            string named = Path.Combine(files, $"{package.Name}-{package.Version.Replace(':', '_')}.{package.Architecture}.rpm");
            if (link(file, named) != 0)
                OpenedFile.CopyNamed(file, named);
            links.Add(named);
        }
        string conf = Path.Combine(work, "install.conf");
        // each file has been checked against its hash and its repository's key
        File.WriteAllText(conf, DnfRepositories.Main(work) + "localpkg_gpgcheck=0\n");

        Context.Step("installing packages", 0);
        BuildRoot made = new(root);
        BuildMounts mounts = new(made, Context.Log);
        IReadOnlyList<string> said;
        int exit;
        try
        {
            mounts.Mount(cancel);
            (exit, said) = Context.Run(Dnf().Program,
                ["-c", conf, "--installroot=" + root, .. repositories.Release.Length > 0 ? new[] { "--releasever=" + repositories.Release }
                    : [], "-y", "install", .. links], Environment(work, locked.SourceDateEpoch), line =>
            {
                if (Installing().Match(line) is not { Success: true } at)
                    return;
                int done = int.Parse(at.Groups[1].Value, CultureInfo.InvariantCulture);
                int all = int.Parse(at.Groups[2].Value, CultureInfo.InvariantCulture);
                Context.Step("installing packages", 100 * done / Math.Max(1, all));
            }, cancel);
        }
        finally
        {
            mounts.Dispose();
        }
        Context.Mend(root);
        // a scriptlet that fails leaves its package installed, and dnf ends with 0
        if (exit != 0 || said.Any(line => line.StartsWith("Error", StringComparison.Ordinal)
            || line.Contains("cpio:", StringComparison.Ordinal)))
            throw messages.Explain("dnf", said, exit);
        ImageRpmDatabase.Settle(made, database);
        CheckInstalled(made, locked);
        WriteRepositories(made, repositories);
        foreach (string left in new[] { "var/cache/dnf", "var/lib/dnf", "var/log/hawkey.log" })
            made.Delete(left);
        Directory.Delete(files, recursive: true);
    }

    [GeneratedRegex(@"^\s+(?:Installing|Preparing)\s*:.*\s(\d+)/(\d+)\s*$")] private static partial Regex Installing();

    void CheckInstalled(BuildRoot root, LockedSource locked)
    {
        HashSet<string> installed = [.. ImageRpmDatabase.Installed(root, root.AsTree(), Context)
            .Select(p => $"{p.Name} {p.Version} {p.Architecture}")];
        HashSet<string> wanted = [.. locked.Packages.Select(p => $"{p.Name} {p.Version} {p.Architecture}")];
        if (!installed.SetEquals(wanted))
            throw SourceErrors.LockNotMet(source.From, installed, wanted);
    }

    /// <summary>The image's own dnf knows the repositories that the image was made from.</summary>
    static void WriteRepositories(BuildRoot root, DnfRepositories repositories)
    {
        root.Write("etc/yum.repos.d/slipway.repo", repositories.Sections(inImage: true));
        foreach (PackageRepository repository in repositories.All)
            if (repositories.KeyOf(repository) is { } key)
                root.Write(DnfRepositories.ImageKey(repository), File.ReadAllText(key.File));
    }
}
