using System.Runtime.CompilerServices;
using Slipway.Building;
using Slipway.Building.Sources;

namespace Slipway.Tests;

/// <summary>What the parts of a builder take, in a directory of one test: no namespace, and nothing of this user's caches.</summary>
sealed class BuildSite : IDisposable
{
    public BuildSite(Source? source = null, Func<BuildSite, BuildLock?>? locked = null, params Located[] fabric)
    {
        Definition = new Definition { Path = "/site/a.yaml", Text = "from: empty\n", Source = source
            ?? new EmptySource { From = new Located("empty", "/site/a.yaml:1:7") }, Fabric = fabric };
        Context = new BuildContext(Definition, Job(locked?.Invoke(this)), (step, _) => Steps.Add(step), line =>
        {
            lock (Log)
                Log.Add(line);
        });
    }

    public TemporaryDirectory Files { get; } = new();

    public Definition Definition { get; }

    public BuildContext Context { get; }

    public List<string> Log { get; } = [];

    public List<string> Steps { get; } = [];

    public string In(string name) => Path.Combine(Files.Path, name);

    public BuildJob Job(BuildLock? locked = null, string name = "a", ImageCompression compression = default, long? epoch = null) => new()
    {
        DefinitionPath = "/site/a.yaml", DefinitionText = "from: empty\n", Name = name,
        WorkDirectory = Directory.CreateDirectory(In("work")).FullName,
        PartialPath = In("a.sqfs.partial"), Destination = In("a.sqfs"), PackageCache = In("packages"), MetadataCache = In("metadata"),
        ControlCache = In("control"), StepCache = In("steps"), LogPath = In("a.log"), Lock = locked, LockPath = locked is null
            ? null : In("a.lock.json"),
        Compression = compression, SourceDateEpoch = epoch,
    };

    /// <summary>The definition's source, inside the builder.</summary>
    public RootSource Root => RootSources.Of(Definition, Context);

    /// <summary>What the source is: from the lock of the build, where it has one; else as it is now.</summary>
    public LockedSource Lock() => Root.Lock(CancellationToken.None);

    public string Inputs() => InputsOf(Root, CancellationToken.None);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "Inputs")]
    public static extern string InputsOf(RootSource root, CancellationToken cancel);

    public void Dispose() => Files.Dispose();
}
