namespace Slipway.Staging.Messages;

/// <summary>Threads that wait on a pipe or a socket: they need little stack, and do not keep the program from ending.</summary>
static class BackgroundThread
{
    /// <exception cref="OutOfMemoryException">No thread is to be had (Thread.StartCore).</exception>
    public static Thread Start(Action work)
    {
        Thread thread = new(() => work(), 256 << 10) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
