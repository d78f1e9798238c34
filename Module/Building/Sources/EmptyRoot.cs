namespace Slipway.Building.Sources;

/// <summary><c>from: empty</c>.</summary>
sealed class EmptyRoot(Stage stage, BuildContext context) : RootSource(stage, context)
{
    public override string Inputs(CancellationToken cancel) => NewLock([]).Inputs;

    public override LockedSource Resolve(CancellationToken cancel) => NewLock([]);

    public override void Make(string root, LockedSource locked, CancellationToken cancel)
    {
    }
}
