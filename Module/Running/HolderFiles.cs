using Slipway.Linux;

namespace Slipway.Running;

/// <summary>The files of one holder in the runtime directory.</summary>
internal sealed class HolderFiles(string directory, string name)
{
    public string Directory { get; } = directory;
    public string Name { get; } = name;
    public string Socket { get; } = $"{directory}/{name}.sock";
    public string Entry { get; } = $"{directory}/{name}.entry";

    /// <summary>Held by whoever starts or ends the holder.</summary>
    public string Lock { get; } = $"{directory}/{name}.lock";

    /// <summary>Takes all of them away, and the directory, if it was the last. The lock must be held.</summary>
    public void Remove()
    {
        foreach (string path in new[] { Socket, Entry, Entry + HolderEntry.Partial, Lock })
            unlink(path);
        rmdir(Directory);
    }
}
