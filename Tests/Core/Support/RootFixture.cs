namespace Slipway.Tests;

/// <summary>A root filesystem for one test, of a host, a node or an image: files, links, libraries and programs.</summary>
public class RootFixture : TemporaryDirectory
{
    public string Root => Path;

    /// <summary>Of an absolute path inside.</summary>
    public string Outside(string path) => Path + path;

    public void Elf(string path, ElfBuilder elf, bool executable = false) => Write(path, elf.Build(), executable);

    /// <summary>
    /// Takes what <c>Nodes/NAME.tree</c> lists: lines <c>file PATH CONTENT</c> and <c>link PATH TARGET</c>,
    /// each below a line <c># source: …</c> that says where its form comes from.
    /// </summary>
    public void Load(string name)
    {
        bool sourced = false;
        foreach (string line in File.ReadAllLines(System.IO.Path.Combine(AppContext.BaseDirectory, "Support/Nodes", name + ".tree")))
        {
            string[] words = line.Split(' ', 3);
            sourced |= line.StartsWith("# source: ", StringComparison.Ordinal);
            if (words[0] is not ("file" or "link"))
                continue;
            Assert.True(sourced, $"{name}.tree: {line}: no source stands above it");
            if (words[0] == "file")
                Write(words[1], words.Length > 2 ? words[2] + "\n" : "");
            else
                Link(words[1], words[2]);
        }
    }
}
