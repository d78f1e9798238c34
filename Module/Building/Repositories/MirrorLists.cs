using Slipway.Linux;

namespace Slipway.Building.Repositories;

/// <summary>
/// A text with the URL of one mirror a line; lines that begin with <c>#</c> and what follows a tab or blank are left out
/// (apt-transport-mirror(1)).
/// </summary>
static class MirrorLists
{
    const int Largest = 1 << 20;

    /// <summary>Fetches a list and writes its URLs, one a line.</summary>
    public static void Fetch(string url, PackageRepository repository, string to, BuildContext context, CancellationToken cancel)
    {
        string raw = to + ".raw";
        string local = url.StartsWith("file:", StringComparison.Ordinal) ? Uri.UnescapeDataString("/" + url[5..].TrimStart('/')) : "";
        if (local.Length > 0)
        {
            if (File.Exists(local))
                File.WriteAllBytes(raw, OpenedFile.BytesNamed(local, Largest));
        }
        else
        {
            context.Run("curl", ["--disable", "--fail", "--location", "--silent", "--show-error", "--retry", "2", "--connect-timeout", "30",
                "--max-time", "120", "--max-filesize", Largest.ToString(System.Globalization.CultureInfo.InvariantCulture),
                "--proto", "=http,https,ftp", "--proto-redir", "=http,https", .. repository.Proxy is { } proxy ? new[] { "--proxy", proxy }
                    : [], "--output", raw, "--", url], cancel: cancel);
        }
        string[] mirrors = !File.Exists(raw)
            ? [] : [.. File.ReadLines(raw).Take(10_000)
                .Select(line => line.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries) is [var first, ..] ? first : "")
            .Where(line => Uri.TryCreate(line, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" or "ftp" or "file")];
        if (mirrors.Length == 0)
            throw RepositoryErrors.NoMirrors(repository.Name, url);
        File.WriteAllLines(to, mirrors);
    }
}
