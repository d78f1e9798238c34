using Slipway.Shared;

namespace Slipway.Tests.Shared;

public sealed unsafe class FileStampTests
{
    static Stat.statx_t Sample => new()
    {
        stx_dev_major = 8, stx_dev_minor = 1, stx_ino = 4711, stx_size = ulong.MaxValue,
        stx_mtime = new() { tv_sec = -1, tv_nsec = 5 }, stx_ctime = new() { tv_sec = 1700000000, tv_nsec = 999999999 },
    };

    [Fact]
    public void AStampHasDeviceInodeSizeAndTimes()
    {
        Text stamp = default;
        Stat.statx_t found = Sample;
        FileStamp.Add(ref stamp, &found);
        Assert.Equal("8:1:4711:18446744073709551615:-1.5:1700000000.999999999", stamp.Take());
    }

    [Fact]
    public void AnIdentityHasNoTimeThatCanBeSet()
    {
        Text identity = default;
        Stat.statx_t found = Sample;
        FileStamp.AddIdentity(ref identity, &found);
        Assert.Equal("8:1:4711:1700000000.999999999", identity.Take());
    }
}
