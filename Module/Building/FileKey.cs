using System.Globalization;
using System.Text;
using Slipway.Linux;

namespace Slipway.Building;

/// <summary>The content of a file or tree of the host: names, kinds, modes, targets of links and bytes; no times and no owners.</summary>
static class FileKey
{
    public static string Of(string path)
    {
        StringBuilder all = new();
        Add(path, "", all);
        return ContentKey.Of([all.ToString()]);
    }

    static void Add(string path, string name, StringBuilder all)
    {
        if (stat(path, out statx found, follow: false) != 0)
            return;
        all.Append(CultureInfo.InvariantCulture, $"{name.Length}:{name} {found.stx_mode:x} ");
        if (found.IsLink)
            all.Append(new FileInfo(path).LinkTarget).Append('\n');
        else if (found.IsRegular)
            all.Append(Digest.OfFile(path)).Append('\n');
        else if (found.IsDirectory)
            foreach (string entry in Directory.EnumerateFileSystemEntries(path).Order(StringComparer.Ordinal))
                Add(entry, name + "/" + Path.GetFileName(entry), all);
    }
}
