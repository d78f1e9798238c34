namespace Slipway.Building.Sources;

/// <summary><c>from: empty</c>.</summary>
sealed class EmptyRoot(Stage stage, BuildContext context) : RootSource(stage, context)
{
    protected override string Inputs(CancellationToken cancel) => NewLock([]).Inputs;

    protected override LockedSource Resolve(CancellationToken cancel) => NewLock([]);

    public override void Make(string root, LockedSource locked, CancellationToken cancel)
    {
    }
}
