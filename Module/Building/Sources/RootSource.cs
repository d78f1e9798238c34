namespace Slipway.Building.Sources;

/// <summary>
/// One kind of source, inside the build namespace. It first finds out exactly what it would install (<see cref="Resolve"/>), and then installs exactly that
/// (<see cref="Make"/>): a build from a lock leaves out the first part, and is otherwise the same.
/// </summary>
abstract class RootSource(Stage stage, BuildContext context)
{
    protected Stage Stage => stage;

    protected BuildContext Context => context;

    /// <summary>What the definition's <c>fabric</c> asks of this stage: it goes into the image itself, not into what that copies from.</summary>
    protected IReadOnlyList<Located> Fabric => stage.Name.Length > 0 ? [] : context.Definition.Fabric;

    /// <summary>The packages that bring it.</summary>
    protected IReadOnlyList<string> FabricPackages(string family, string? release, PackageSource source) =>
        Slipway.Inventory.FabricPackages.For(family, release, Fabric, source.Repositories.SelectMany(r => r.Urls));

    /// <summary>The source of a stage: one row for each class of <see cref="Source"/>.</summary>
    public static RootSource Of(Stage stage, BuildContext context) => stage.Source switch
    {
        DebSource deb => new DebRoot(deb, stage, context),
        RpmSource rpm => new RpmRoot(rpm, stage, context),
        ImageSource image => new ImageRoot(image, stage, context),
        ArchiveSource archive => new ArchiveRoot(archive, stage, context),
        HostSource host => new HostRoot(host, stage, context),
        EmptySource => new EmptyRoot(stage, context),
        { From: var from } => throw new SlipwayException("DefinitionUnknownSource", ErrorKind.InvalidData, $"{from.Where}: '{from.Value}' cannot be built from", null, from.Value),
    };

    /// <summary>The programs of the host that a source calls, so that a missing one is told of before the long work.</summary>
    public static IReadOnlyList<string> Programs(Source source) => source switch
    {
        DebSource => ["mmdebstrap", "apt-get", "dpkg-deb", "gpg", "curl"],
        RpmSource => ["dnf", "rpm", "rpmkeys", "gpg", "curl"],
        ImageSource => ["unsquashfs"],
        HostSource => ["ldconfig"],
        _ => [],
    };

    /// <summary>SHA-256 of what the definition says about the source; a lock of other inputs is out of date.</summary>
    public abstract string Inputs(CancellationToken cancel);

    /// <summary>What the source is now: exact packages and the state of its repositories, or the digest of its file.</summary>
    public abstract LockedSource Resolve(CancellationToken cancel);

    /// <summary>Makes the root filesystem: <paramref name="root"/> is an empty directory.</summary>
    public abstract void Make(string root, LockedSource locked, CancellationToken cancel);

    /// <summary>A lock that is still to be filled.</summary>
    /// <param name="inputs">What of the definition decides what the source is.</param>
    protected LockedSource NewLock(IEnumerable<string> inputs) => new() { Stage = stage.Name, From = stage.Source.From.Value, Inputs = ContentKey.Of(inputs) };
}
