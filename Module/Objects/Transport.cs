using System.Text.Json.Serialization;

namespace Slipway;

/// <summary>How an image gets to nodes.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Transport>))]
public enum Transport
{
    /// <summary>sbcast(1), in an allocation of Slurm.</summary>
    Sbcast,

    /// <summary>SSH starts a receiver on each node, and the receivers pass the image on to each other.</summary>
    SshTree,

    /// <summary>Each node reads the shared file once.</summary>
    SharedFile,

    /// <summary>This node alone.</summary>
    Local,
}
