namespace Slipway.Shared;

/// <summary>
/// The arguments of <c>slipway holder</c> in their order: whoever starts a holder writes them, the front (HolderStart) or the full launcher
/// (Running/HolderArguments).
/// </summary>
enum HolderArgument
{
    /// <summary>The runtime directory.</summary>
    Directory,

    /// <summary>Of the holder's files in it, without their endings.</summary>
    Name,

    /// <summary>What the ranks of the container have in common.</summary>
    Key,

    /// <summary>The file or directory that is mounted.</summary>
    Image,

    /// <summary>The image's digest where a cache of this node knows it; else what tells the file's content from another's.</summary>
    Content,

    /// <summary>The rung by which the image is mounted.</summary>
    Rung,

    /// <summary>A line for each rung that was looked at.</summary>
    Reasons,

    /// <summary>Where the image lies unpacked or mounted already; empty where its mount comes as a descriptor.</summary>
    Mounted,

    /// <summary>What the fabric plan beside the image is; empty where none is to be taken from there.</summary>
    Plan,

    /// <summary>A line for each plan that is not believed.</summary>
    LeftOut,

    /// <summary>The first of the arguments of <c>slipway run</c> that all ranks share.</summary>
    Options,
}
