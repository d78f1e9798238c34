namespace Slipway.Tests.Preflight;

/// <summary>What a check is to say.</summary>
static class Seen
{
    public static void Is(PreflightStatus status, string seen, string? advice, PreflightCheck check)
    {
        Assert.Equal(status, check.Status);
        Assert.Contains(seen, check.Seen, StringComparison.Ordinal);
        if (advice is null)
            Assert.Null(check.Advice);
        else
            Assert.Contains(advice, check.Advice!, StringComparison.Ordinal);
    }
}
