using System.Globalization;
using System.Text;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Building.Repositories;

/// <summary>
/// Packages on disk, each under its own file name, shared by all builds. What is taken from here has the hash that is wanted, whoever put
/// it here; what is missing is fetched with curl(1), from each mirror in turn.
/// </summary>
sealed class PackageCache(BuildContext context)
{
    /// <summary>A package and the file that holds it.</summary>
    public sealed record Held(LockedPackage Package, string File);

    string Directory => context.Job.PackageCache;

    /// <summary>The files of all packages of a source, in the order of the lock.</summary>
    /// <exception cref="SlipwayException">A package is not to be had, or is not what it should be; it is named.</exception>
    public IReadOnlyList<Held> Fetch(PackageSource source, LockedSource locked, CancellationToken cancel)
    {
        try
        {
            System.IO.Directory.CreateDirectory(Directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BuildErrors.NoCacheDirectory(Directory, "Give another directory (-PackageCache, --package-cache).", e);
        }
        string?[] found = new string?[locked.Packages.Count];
        BuildContext.Each(found.Length, cancel, i => found[i] = Find(locked.Packages[i]));
        Dictionary<LockedPackage, string> held = [];
        for (int i = 0; i < found.Length; i++)
            if (found[i] is { } file)
                held[locked.Packages[i]] = file;
        List<LockedPackage> missing = [.. locked.Packages.Where(p => !held.ContainsKey(p))];
        if (missing.Count > 0)
        {
            Progress progress = new(context, "downloading packages", missing.Sum(p => p.Size));
            progress.Tell();
            string into = context.Directory("download");
            Dictionary<LockedPackage, Failure> failures = [];
            for (int mirror = 0; missing.Count > 0; mirror++)
            {
                List<LockedPackage> now = [.. missing.Where(p => mirror < p.Urls.Count)];
                if (now.Count == 0)
                    break;
                foreach ((LockedPackage package, string? file, Failure? failure) in Download(source, now, mirror, into, progress, cancel))
                    if (file is not null)
                        held.Add(package, file);
                    else if (failure is not null)
                        failures[package] = failure;
                missing.RemoveAll(held.ContainsKey);
            }
            if (missing.Count > 0)
                throw Gone(source, missing, failures);
        }
        return [.. locked.Packages.Select(p => new Held(p, held[p]))];
    }

    /// <summary>Bytes done of bytes wanted.</summary>
    sealed class Progress(BuildContext context, string step, long total)
    {
        long done;

        public void Add(long bytes)
        {
            done += bytes;
            Tell();
        }

        public void Tell() => context.Step(step, total > 0 ? (int)Math.Min(100, 100 * done / total) : -1);
    }

    static string NameOf(LockedPackage package)
    {
        string url = package.Urls.Count > 0 ? package.Urls[0] : "";
        string name = Uri.UnescapeDataString(url[(url.LastIndexOf('/') + 1)..]);
        return name.Length is > 0 and < 240 && name[0] != '.' && !name.Contains('/', StringComparison.Ordinal) && !name.Any(char.IsControl)
            ? name : package.Sha256;
    }

    /// <summary>Two packages of one file name, from two repositories: the second has its hash before its name.</summary>
    IEnumerable<string> Places(LockedPackage package) =>
        [Path.Combine(Directory, NameOf(package)), Path.Combine(Directory, package.Sha256[..12] + "-" + NameOf(package))];

    string? Find(LockedPackage package) => Places(package).FirstOrDefault(path => IsWanted(path, package));

    static bool IsWanted(string path, LockedPackage package) =>
        stat(path, out statx found) == 0 && found.IsRegular && (package.Size == 0 || found.stx_size == (ulong)package.Size)
        && access(path, R_OK) == 0
        && Digest.OfFile(path) == Digest.Prefix + package.Sha256;

    /// <summary>Puts a file that was checked into the cache.</summary>
    public string Keep(LockedPackage package, string file)
    {
        string place = Places(package)
            .First(path => !File.Exists(path) || IsWanted(path, package)
                || path.Contains(package.Sha256[..12] + "-", StringComparison.Ordinal));
        try
        {
            if (rename(file, place) == 0)
                return place;
            using (FileStream from = OpenedFile.Named(file))
                AtomicFile.Write(place, Mode.rw_rw_rw_, to => from.CopyTo(to));
            File.Delete(file);
            return place;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // a cache that may only be read serves all the same
            return file;
        }
    }

    IEnumerable<(LockedPackage Package, string? File, Failure? Why)> Download(PackageSource source, List<LockedPackage> packages,
        int mirror, string into, Progress progress, CancellationToken cancel)
    {
        StringBuilder config = new();
        List<(LockedPackage Package, string File)> wanted = [];
        foreach (LockedPackage package in packages)
        {
            string file = Path.Combine(into, wanted.Count.ToString(CultureInfo.InvariantCulture));
            File.Delete(file);
            wanted.Add((package, file));
            string url = package.Urls[mirror];
            if (LocalPath(url) is { } local)
            {
                if (File.Exists(local))
                    OpenedFile.CopyNamed(local, file);
                continue;
            }
            string? proxy = source.Repositories.FirstOrDefault(r => r.Name.Value == package.Repository)?.Proxy;
            config.Append(config.Length > 0 ? "next\n" : "")
                .Append(CultureInfo.InvariantCulture, $"url = \"{Quote(url)}\"\noutput = \"{Quote(file)}\"\n")
                .Append("fail\nlocation\nsilent\nshow-error\nretry = 2\nconnect-timeout = 30\nspeed-limit = 1000\nspeed-time = "
                    + "30\nnetrc-optional\nproto = \"=http,https,ftp\"\nproto-redir = \"=http,https\"\n")
                .Append("write-out = \"%{exitcode} %{http_code} %{size_download} %{filename_effective} %{errormsg}\\n\"\n");
            if (proxy is not null)
                config.Append(CultureInfo.InvariantCulture, $"proxy = \"{Quote(proxy)}\"\n");
        }
        Dictionary<string, string> said = [];
        if (config.Length > 0)
        {
            string file = Path.Combine(into, "curl.conf");
            File.WriteAllText(file, config.ToString());
            HostProgram.Run("curl", ["--disable", "--parallel", "--parallel-max", "8", "--config", file], line =>
            {
                string[] field = line.Split(' ', 5);
                if (field.Length < 5)
                    return;
                said[field[3]] = field[1] is "000" or "200" ? $"{field[4]} (curl {field[0]})" : $"HTTP {field[1]}";
                if (long.TryParse(field[2], out long bytes) && field[0] == "0")
                    progress.Add(bytes);
            }, context.Log, cancel: cancel);
        }
        foreach ((LockedPackage package, string file) in wanted)
        {
            cancel.ThrowIfCancellationRequested();
            if (!File.Exists(file))
            {
                yield return (package, null, new Failure(said.GetValueOrDefault(file) ?? "there is no such file"));
                continue;
            }
            string digest = Digest.OfFile(file, cancel: cancel);
            if (digest == Digest.Prefix + package.Sha256)
            {
                yield return (package, Keep(package, file), null);
                continue;
            }
            long size = new FileInfo(file).Length;
            yield return (package, null, size < package.Size ? new Failure($"it ended after {size} of {package.Size} bytes")
                : new Failure($"what is there has the SHA-256 {digest[Digest.Prefix.Length..]}, and {package.Sha256} is expected",
                    IsTampered: true));
        }
    }

    /// <summary>Why a mirror did not give a package.</summary>
    /// <param name="IsTampered">It gave another file in full.</param>
    sealed record Failure(string Why, bool IsTampered = false);

    static string? LocalPath(string url) => url.StartsWith("file:", StringComparison.Ordinal)
        || url.StartsWith("copy:", StringComparison.Ordinal)
        ? Uri.UnescapeDataString("/" + url[5..].TrimStart('/')) : null;

    static string Quote(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal);

    static SlipwayException Gone(PackageSource source, List<LockedPackage> missing, Dictionary<LockedPackage, Failure> failures)
    {
        LockedPackage first = missing[0];
        string where = (source.Repositories.FirstOrDefault(r => r.Name.Value == first.Repository)?.Name ?? source.From).Where;
        Failure failure = failures.GetValueOrDefault(first) ?? new("it has no URL");
        return failure.IsTampered ? RepositoryErrors.PackageTampered(where, first, failure.Why, missing[1..])
            : RepositoryErrors.PackageUnavailable(where, first, failure.Why, missing[1..]);
    }
}
