namespace Slipway.Shared;

/// <summary>What the ranks of one container have in common: lines of text, by whose name its files are found.</summary>
static unsafe class ContainerKey
{
    /// <summary>Adds the key.</summary>
    /// <param name="step">By <see cref="StepKey"/>.</param>
    /// <param name="image">Its full path, or its digest.</param>
    /// <param name="stamp">By <see cref="FileStamp"/>; empty for a digest, which says it all.</param>
    /// <param name="options">What makes a container what it is (RunRequest.ContainerOptions).</param>
    /// <param name="directory">Where the rank is.</param>
    /// <param name="home">May be null.</param>
    public static void Add(ref Text key, byte* step, byte* image, byte* stamp, byte* options, byte* directory, byte* home)
    {
        key.Add(RankTables.HolderVersion);
        AddLine(ref key, step);
        AddLine(ref key, image);
        AddLine(ref key, stamp);
        AddLine(ref key, options);
        key.Add((byte)'\n');
        // below home and /tmp all ranks share a container, wherever they start
        byte* temporary = stackalloc byte[] { (byte)'/', (byte)'t', (byte)'m', (byte)'p', 0 };
        if (!TextPath.IsBelow(directory, temporary) && !(home != null && CString.Length(home) > 1 && TextPath.IsBelow(directory, home)))
            key.Add(directory);
    }

    static void AddLine(ref Text key, byte* line)
    {
        key.Add((byte)'\n');
        key.Add(line);
    }
}
