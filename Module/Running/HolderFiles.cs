using System.Text;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>The files of one holder in the runtime directory (<see cref="HolderEndings"/>).</summary>
sealed class HolderFiles(string directory, string name)
{
    static readonly string[] Endings = Encoding.UTF8.GetString(HolderEndings.All).Split('\0', StringSplitOptions.RemoveEmptyEntries);

    public string Directory { get; } = directory;
    public string Name { get; } = name;
    public string Socket => At(HolderEndings.Socket);
    public string Entry => At(HolderEndings.Entry);

    /// <summary>The entry that is being written.</summary>
    public string PartialEntry => At(HolderEndings.PartialEntry);

    /// <summary>What the holder did, for <c>--explain</c> (<see cref="RunExplanation"/>).</summary>
    public string Explanation => At(HolderEndings.Explanation);

    /// <summary>
    /// Locked (flock(2)) from the moment that somebody starts a holder of this name until that holder has gone: <see cref="HolderClaim"/>.
    /// </summary>
    public string Lock => At(HolderEndings.Lock);

    /// <summary>Their names in the directory, the lock last.</summary>
    public IEnumerable<string> Names => Endings.Select(ending => Name + ending);

    /// <summary>
    /// Takes all of them away, and the directory, if it was the last. The lock must be held, and be the file that its name means.
    /// </summary>
    public void Remove()
    {
        foreach (string name in Names)
            unlink($"{Directory}/{name}");
        rmdir(Directory);
    }

    string At(ReadOnlySpan<byte> ending) => $"{Directory}/{Name}{Encoding.UTF8.GetString(ending)}";
}
