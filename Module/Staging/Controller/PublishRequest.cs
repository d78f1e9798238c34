namespace Slipway.Staging.Controller;

/// <summary>What to publish, where to, and how.</summary>
public sealed record PublishRequest
{
    /// <summary>Path of the image; ignored where <see cref="Image"/> is given.</summary>
    public string Path { get; init; } = "";

    /// <summary>An image that was described before: what is published must have its digest.</summary>
    public ContainerImage? Image { get; init; }

    public NodeSelection Nodes { get; init; } = new();

    /// <summary>Null takes the first that is there.</summary>
    public Transport? Transport { get; init; }

    /// <summary>How many nodes each passes the image on to (<c>SshTree</c>; <c>Sbcast</c>'s fan-out); 0 is the transport's own.</summary>
    public int Width { get; init; }

    /// <summary>How often nodes that failed are tried again.</summary>
    public int Retry { get; init; } = 1;
}
