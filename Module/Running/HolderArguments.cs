using Slipway.Shared;

namespace Slipway.Running;

/// <summary>The arguments of <c>slipway holder</c>: what whoever starts a holder has decided for it.</summary>
sealed record HolderArguments
{
    public required HolderFiles Files { get; init; }

    /// <summary>What the ranks of the container have in common.</summary>
    public required string Key { get; init; }

    /// <summary>The file or directory that is mounted.</summary>
    public required string Image { get; init; }

    /// <summary>
    /// The image's digest where a cache of this node knows it; else what tells the file's content from another's (
    /// <see cref="ImageIdentity.Stamp"/>).
    /// </summary>
    public required string Content { get; init; }

    /// <summary>The rung by which the image is mounted (<see cref="ImageMount.Rung"/>).</summary>
    public required string Rung { get; init; }

    /// <summary>A line for each rung that was looked at (<see cref="ImageMount.Reasons"/>).</summary>
    public required IReadOnlyList<string> Reasons { get; init; }

    /// <summary>Where the image lies unpacked or mounted already; null where its mount comes as a descriptor.</summary>
    public string? Mounted { get; init; }

    /// <summary>
    /// What the fabric plan beside the image is (<see cref="ContainerFabric.Look"/>); empty where none is to be taken from there.
    /// </summary>
    public string Plan { get; init; } = "";

    /// <summary>A line for each plan that is not believed: the holder, which can tell users apart no more, cannot see why.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>The arguments of <c>slipway run</c> that all ranks share (<see cref="RunRequest.ContainerArguments"/>).</summary>
    public required IReadOnlyList<string> Options { get; init; }

    /// <summary>As they follow <c>slipway holder</c>.</summary>
    public IReadOnlyList<string> ToArguments()
    {
        string[] arguments = new string[(int)HolderArgument.Options];
        void Set(HolderArgument place, string value) => arguments[(int)place] = value;
        Set(HolderArgument.Directory, Files.Directory);
        Set(HolderArgument.Name, Files.Name);
        Set(HolderArgument.Key, Key);
        Set(HolderArgument.Image, Image);
        Set(HolderArgument.Content, Content);
        Set(HolderArgument.Rung, Rung);
        Set(HolderArgument.Reasons, Joined(Reasons));
        Set(HolderArgument.Mounted, Mounted ?? "");
        Set(HolderArgument.Plan, Plan);
        Set(HolderArgument.LeftOut, Joined(LeftOut));
        return [.. arguments, .. Options];
    }

    /// <exception cref="SlipwayException">There are too few.</exception>
    public static HolderArguments Parse(string[] arguments)
    {
        if (arguments.Length <= (int)HolderArgument.Options)
            throw RunningErrors.HolderStartedByHand();
        string At(HolderArgument place) => arguments[(int)place];
        return new HolderArguments
        {
            Files = new HolderFiles(At(HolderArgument.Directory), At(HolderArgument.Name)),
            Key = At(HolderArgument.Key),
            Image = At(HolderArgument.Image),
            Content = At(HolderArgument.Content),
            Rung = At(HolderArgument.Rung),
            Reasons = Lines(At(HolderArgument.Reasons)),
            Mounted = At(HolderArgument.Mounted) is { Length: > 0 } mounted ? mounted : null,
            Plan = At(HolderArgument.Plan),
            LeftOut = Lines(At(HolderArgument.LeftOut)),
            Options = arguments[(int)HolderArgument.Options..],
        };
    }

    static string Joined(IReadOnlyList<string> lines) => string.Join('\n', lines.Select(line => line.ReplaceLineEndings(" ")));

    static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
