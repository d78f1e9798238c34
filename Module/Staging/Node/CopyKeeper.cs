using Slipway.Cache;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Node;

/// <summary>Holds the place of a copy that something else makes here, and makes an entry of the copy when that is done.</summary>
/// <param name="name">Part of the copy's name.</param>
/// <param name="input">Orders.</param>
sealed class CopyKeeper(SentImage image, string name, NodeVoice voice, Stream input)
{
    readonly CancellationTokenSource gone = new();
    readonly SemaphoreSlim copied = new(0);

    /// <exception cref="OperationCanceledException">The controller has gone before.</exception>
    /// <exception cref="SlipwayException">The cache or its disk, or what was copied.</exception>
    public Placement Run()
    {
        BackgroundThread.Start(ReadOrders);
        ImageHere here = new(image, voice);
        using CacheLock one = here.Claim(gone.Token);
        if (here.Find() is { } there)
            return there;
        if (new DriveInfo(here.Cache).AvailableFreeSpace < image.Size)
            throw CacheErrors.NoSpace(here.Cache, image.Size);
        // the same name on every node
        string partial = $"{here.Cache}/sha256/.{here.Name}.{name}.partial";
        try
        {
            string? step = Environment.GetEnvironmentVariable("SLURM_STEP_ID") is { } id
                ? $"{Environment.GetEnvironmentVariable("SLURM_JOB_ID")}.{id}" : null;
            voice.Say(new NodeReply.Holds(partial, step));
            copied.Wait(gone.Token);
            return here.Finish(CacheWriter.Adopt(here.Cache, partial, image.Digest, image.Size, gone.Token), image.Size);
        }
        finally
        {
            unlink(partial);
        }
    }

    void ReadOrders()
    {
        OrderReader.Read(input, order =>
        {
            if (order is NodeOrder.CopyIsThere)
                copied.Release();
        });
        gone.Cancel();
    }
}
