namespace Slipway.Building.Sources;

/// <summary>
/// One kind of source, inside the build namespace. It first finds out exactly what it would install (<see cref="Resolve"/>), and then
/// installs exactly that (<see cref="Make"/>): a build from a lock leaves out the first part, and is otherwise the same.
/// </summary>
abstract class RootSource(Stage stage, BuildContext context)
{
    public Stage Stage => stage;

    protected BuildContext Context => context;

    /// <summary>
    /// What the definition's <c>fabric</c> asks of this stage: it goes into the image itself, not into what that copies from.
    /// </summary>
    protected IReadOnlyList<Located> Fabric => stage.Name.Length > 0 ? [] : context.Definition.Fabric;

    /// <summary>The packages that bring it.</summary>
    protected IReadOnlyList<string> FabricPackages(string family, string? release, PackageSource source) =>
        Slipway.Inventory.FabricPackages.For(family, release, Fabric, source.Repositories.SelectMany(r => r.Urls));

    /// <summary>What the source is: from the lock of the build, where it has one; else as it is now.</summary>
    /// <exception cref="SlipwayException">The lock is of another definition.</exception>
    public LockedSource Lock(CancellationToken cancel)
    {
        if (context.Job.Lock is not { } all)
            return Resolve(cancel);
        LockedSource? locked = all.Sources.FirstOrDefault(s => s.Stage == stage.Name);
        return locked?.From == stage.Source.From.Value && locked.Inputs == Inputs(cancel) ? locked
            : throw SourceErrors.LockOfOther(context.Job.LockPath, stage, isThere: locked is not null);
    }

    /// <summary>SHA-256 of what the definition says about the source; a lock of other inputs is out of date.</summary>
    protected abstract string Inputs(CancellationToken cancel);

    /// <summary>What the source is now: exact packages and the state of its repositories, or the digest of its file.</summary>
    protected abstract LockedSource Resolve(CancellationToken cancel);

    /// <summary>Makes the root filesystem: <paramref name="root"/> is an empty directory.</summary>
    public abstract void Make(string root, LockedSource locked, CancellationToken cancel);

    /// <summary>A lock that is still to be filled.</summary>
    /// <param name="inputs">What of the definition decides what the source is.</param>
    protected LockedSource NewLock(IEnumerable<string> inputs) =>
        new() { Stage = stage.Name, From = stage.Source.From.Value, Inputs = ContentKey.Of(inputs) };
}
