namespace Slipway.Readers;

/// <summary><c>/etc/ld.so.conf</c> and what it includes: the directories that ldconfig(8) looks into beside the loader's own.</summary>
static class LoaderConfiguration
{
    public const string Path = "/etc/ld.so.conf";

    // far more than any host has
    const int MostFiles = 1000, MostDirectories = 1000;

    /// <summary>
    /// In their order, each once, whether or not they are there. A file that is too large is in the tree's <see cref="RootTree.TooLarge"/>.
    /// </summary>
    public static IEnumerable<string> Directories(RootTree tree) =>
        Directories(tree, Path, new(StringComparer.Ordinal)).Distinct().Take(MostDirectories);

    /// <param name="read">Files that were included before: again, they add nothing; and one may include itself.</param>
    static IEnumerable<string> Directories(RootTree tree, string file, HashSet<string> read)
    {
        if (read.Count >= MostFiles || !read.Add(file) || tree.Text(file) is not { } text)
            yield break;
        foreach (string line in text.Split('\n').Select(l => l.Split('#')[0].Trim()).Where(l => l.Length > 0))
        {
            if (!line.StartsWith("include", StringComparison.Ordinal))
            {
                yield return line;
                continue;
            }
            // A relative name is relative to the directory of the file that includes it.
            string pattern = line["include".Length..].Trim();
            string absolute = pattern.StartsWith('/') ? pattern : RootTree.Join(RootTree.Parent(file), pattern);
            foreach (string included in tree.Glob(PathPattern.OfGlob(absolute)))
                foreach (string directory in Directories(tree, included, read))
                    yield return directory;
        }
    }
}
