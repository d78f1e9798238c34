using System.Text.Json;
using Slipway.Cache;

namespace Slipway.Staging.Messages;

/// <summary>What a node is asked to do: one argument of <c>slipway stage</c>, as JSON in base64, so that no shell on the way sees anything to interpret.</summary>
sealed record StageRequest
{
    /// <summary>Of this message and the conversation after it; part of the launcher's own digest, since launchers are brought along.</summary>
    public string Action { get; init; } = "";

    /// <summary>What the node is called by whoever asks; null where one command goes to many nodes.</summary>
    public string? Node { get; init; }

    public string? Transport { get; init; }
    public string? Digest { get; init; }
    public long Size { get; init; }
    public string? Path { get; init; }
    public SourceStamp? Source { get; init; }
    public FabricPlan? Plan { get; init; }

    /// <summary>Part of the name of a partial file, where it is to be the same on every node.</summary>
    public string? Partial { get; init; }

    /// <summary>What our launcher is called on every node.</summary>
    public string? Launcher { get; init; }

    /// <summary>Where answers go, if not to standard output: host, port, and a number used once, with spaces between.</summary>
    public string? Report { get; init; }

    public IReadOnlyList<string>? Digests { get; init; }
    public long? MaxSize { get; init; }
    public double? MaxAge { get; init; }
}

/// <summary>An answer of a node: lines on its standard output, each with a mark, the node's name, and a part of this as JSON.</summary>
/// <remarks>
/// A batch system hands on the output of many nodes in one stream. Whole lines of up to 1024 bytes stay whole there (srun(1): MAX_MSG_LEN of
/// src/slurmd/slurmstepd/io.c); longer ones may have others in their midst, so a long answer goes in several.
/// </remarks>
sealed record StageReply
{
    public const string Mark = "slipway-stage ";

    /// <summary>Characters of JSON in one line; those outside ASCII are escaped there, and a node's name has 253 at most.</summary>
    const int LongestPart = 700;

    /// <summary>The lines of one answer: <c>+</c> before each part that another follows, <c>=</c> before the last.</summary>
    public IEnumerable<string> Lines()
    {
        string json = JsonSerializer.Serialize(this, StageJson.Default.StageReply);
        for (int at = 0; at < json.Length; at += LongestPart)
            yield return $"{Mark}{Node} {(at + LongestPart < json.Length ? '+' : '=')}{json.AsSpan(at, Math.Min(LongestPart, json.Length - at))}";
    }

    /// <summary><c>lacks</c>, <c>miss</c>, <c>ready</c>, <c>busy</c>, <c>at</c>, <c>stream</c>, <c>done</c>, <c>entries</c> or <c>error</c>.</summary>
    public string Kind { get; init; } = "";

    public string? Node { get; init; }
    public Placement? Placement { get; init; }
    public long Bytes { get; init; }

    /// <summary>Where other nodes can read from this one.</summary>
    public string? Address { get; init; }

    public int Port { get; init; }

    /// <summary>The step of the batch system that this process is part of (Slurm: JOB.STEP).</summary>
    public string? Step { get; init; }

    /// <summary>Where a file is to be put for the node to adopt it.</summary>
    public string? Partial { get; init; }

    public IReadOnlyList<ImageCacheEntry>? Entries { get; init; }
    public StageError? Error { get; init; }
}

/// <summary>An error of a node, as it is raised again where it is told.</summary>
sealed record StageError(string Id, ErrorKind Kind, string Message, string? Recommendation);

/// <summary>A line to a node that is receiving.</summary>
sealed record StageOrder
{
    /// <summary>Whoever may read the image from another node has it. It comes first, and this way, since a command line can be read by all users of a node.</summary>
    public string? Token { get; init; }

    /// <summary>Where to read from, the next one when one fails: address, a space, and port; <c>controller</c> is whoever started us, as SSH saw it.</summary>
    public IReadOnlyList<string>? Sources { get; init; }

    /// <summary>The image's bytes from <see cref="From"/> on follow.</summary>
    public bool Stream { get; init; }

    public long From { get; init; }

    /// <summary>The file lies where it was to be put.</summary>
    public bool Adopt { get; init; }
}
