using Slipway.Readers.SquashFs;

namespace Slipway.Tests.Readers;

public class SquashFsSuperblockTests
{
    [NeedsFact("mksquashfs", "busybox", Needs.Launcher)]
    public void ReadsARealImage()
    {
        SquashFsSuperblock block = SquashFsSuperblock.Read(TinyImage.File);
        Assert.Equal("zstd", block.CompressorName);
        Assert.InRange(block.BytesUsed, 100_000, new FileInfo(TinyImage.File).Length);
    }

    [NeedsTheory("mksquashfs", "busybox", Needs.Launcher)]
    [InlineData(0), InlineData(1), InlineData(95), InlineData(96), InlineData(4096), InlineData(-4097)]
    public void RefusesATruncatedImage(int length)
    {
        using TemporaryDirectory directory = new();
        byte[] bytes = File.ReadAllBytes(TinyImage.File);
        string path = Path.Combine(directory.Path, "cut.sqfs");
        File.WriteAllBytes(path, bytes[..(length < 0 ? bytes.Length + length : length)]);
        SlipwayException error = Assert.Throws<SlipwayException>(() => SquashFsSuperblock.Read(path));
        Assert.Equal("ImageInvalid", error.Id);
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusesWhatIsNoImage()
    {
        using TemporaryDirectory directory = new();
        string path = Path.Combine(directory.Path, "x");
        File.WriteAllText(path, new string('x', 5000));
        Assert.Contains("hsqs", Assert.Throws<SlipwayException>(() => SquashFsSuperblock.Read(path)).Message, StringComparison.Ordinal);
        Assert.Equal("ImageNotFound", Assert.Throws<SlipwayException>(() => SquashFsSuperblock.Read("/nowhere/x")).Id);
    }
}
