using System.CommandLine;
using Slipway.Cache;
using Slipway.Linux;
using Slipway.Staging.Controller;
using static Slipway.Launcher.CommandLine;

namespace Slipway.Launcher;

/// <summary><c>slipway publish</c> and <c>slipway cache</c>: on this node and on others.</summary>
static class CacheCommands
{
    /// <summary>The options that say which nodes.</summary>
    sealed class NodeOptions
    {
        readonly Option<string[]> nodes = new("--node") { Description = "A node (may be given more than once, or with commas)" };
        readonly Option<string> partition = new("--partition") { Description = "The nodes of a partition of Slurm" };
        readonly Option<string> job = new("--job-id") { Description = "The nodes of a job of Slurm, reached through it" };
        readonly Option<int> limit = new("--throttle-limit") { Description = "How many nodes at a time", DefaultValueFactory = _ =>
            new NodeSelection().ThrottleLimit };

        public void AddTo(Command verb)
        {
            foreach (Option option in new Option[] { nodes, partition, job, limit })
                verb.Add(option);
        }

        public NodeSelection Of(ParseResult result) => new()
        {
            Nodes = [.. (result.GetValue(nodes) ?? []).SelectMany(n => n.Split(','))],
            Partition = result.GetValue(partition),
            JobId = result.GetValue(job),
            ThrottleLimit = result.GetValue(limit),
        };
    }

    public static Command Publish()
    {
        Argument<string> image = Image;
        Option<string> transport = new(
            "--transport") { Description = $"One of: {string.Join(", ", Publisher.Transports)} (default: the first that is there)" };
        Option<int> width = new("--width") { Description = "How many nodes each node passes the image on to" };
        Option<int> retry = new("--retry") { Description = "How often nodes that failed are tried again", DefaultValueFactory = _ =>
            new PublishRequest().Retry };
        NodeOptions nodes = new();
        Command verb = new("publish", "Put an image into the caches of nodes; without a node, into this one's") { image, transport,
            width, retry };
        nodes.AddTo(verb);
        verb.SetAction(result => Guarded(cancel =>
        {
            using ProgressLine progress = new(result.GetValue(Verbose));
            int exit = 0;
            ContainerImage published = Publisher.Publish(new PublishRequest
            {
                Path = result.GetRequiredValue(image),
                Nodes = nodes.Of(result),
                Transport = result.GetValue(transport) is { } name ? Publisher.TransportNamed(name) : null,
                Width = result.GetValue(width),
                Retry = result.GetValue(retry),
            }, failed: e => exit = Tell(progress, e), progress: progress, cancel: cancel, warn: what =>
            {
                progress.Clear();
                Warn(what);
            });
            progress.Clear();
            Print(result, published, ObjectsJson.Compact.ContainerImage, i => string.Join('\n', i.Placements.Select(p =>
                Visible.Of($"{p.Node}\t{p.Path}\t{(p.Hit ? "hit" : "copied")}\t{p.Transport}\t{p.Seconds:0.000} s"))));
            return exit;
        }));
        return verb;
    }

    static int Tell(ProgressLine? progress, SlipwayException e)
    {
        progress?.Clear();
        return Program.Report(e);
    }

    public static Command Cache()
    {
        Option<long?> size = new("--max-size") { Description = "Bytes that may stay on each node" };
        Option<TimeSpan?> age = new("--max-age") { Description = "Remove what was not used for this long ([d.]hh:mm:ss)" };
        Command clear = Verb("clear", "Remove the least recently used entries; never one that is in use or locked",
            (result, _) => new CacheVerb.Clear(result.GetValue(size), result.GetValue(age)));
        clear.Add(size);
        clear.Add(age);
        return new Command("cache", "Look after the caches of this node, or of others")
        {
            Verb("list", "List entries", (_, _) => new CacheVerb.List()),
            VerbOfImages("remove", "Remove entries that are not in use", digests => new CacheVerb.Remove(digests)),
            clear,
            VerbOfImages("lock", "Keep entries from being cleared", digests => new CacheVerb.Pin(digests, Pinned: true)),
            VerbOfImages("unlock", "Let entries be cleared again", digests => new CacheVerb.Pin(digests, Pinned: false)),
        };
    }

    static string Row(ImageCacheEntry entry)
    {
        string state = $"{(entry.Valid ? "" : "damaged")}\t{(entry.Pinned ? "locked" : "")}\t{string.Join(", ", entry.UsedBy)}";
        return Visible.Of($"{entry.Node}\t{entry.Digest}\t{entry.Size}\t{entry.LastUsed:yyyy-MM-dd HH:mm:ss}\t{state}");
    }

    static Command VerbOfImages(string name, string description, Func<IReadOnlyList<string>, CacheVerb> make)
    {
        Argument<string[]> which = new("IMAGE") { Description = "Path of an image, or sha256:DIGEST", Arity = ArgumentArity.OneOrMore };
        Command verb = Verb(name, description, (result, cancel) =>
            make([.. result.GetRequiredValue(which).Select(i => ImageCache.DigestOf(i, cancel))]));
        verb.Add(which);
        return verb;
    }

    static Command Verb(string name, string description, Func<ParseResult, CancellationToken, CacheVerb> make)
    {
        NodeOptions nodes = new();
        Command verb = new(name, description);
        nodes.AddTo(verb);
        verb.SetAction(result => Guarded(cancel =>
        {
            int exit = 0;
            foreach (ImageCacheEntry entry in ImageCache.Do(make(result, cancel), nodes.Of(result), e => exit = Tell(null, e), cancel))
                Print(result, entry, ObjectsJson.Compact.ImageCacheEntry, Row);
            return exit;
        }));
        return verb;
    }
}
