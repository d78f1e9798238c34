namespace Slipway.Tests;

/// <summary>Tests of `slipway run` on the tiny image.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class RunFactAttribute : FactAttribute
{
    public RunFactAttribute() => Skip = Needs.Missing(TinyImage.Takes);
}

[AttributeUsage(AttributeTargets.Method)]
sealed class RunTheoryAttribute : TheoryAttribute
{
    public RunTheoryAttribute() => Skip = Needs.Missing(TinyImage.Takes);
}
