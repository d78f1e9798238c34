using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Slipway.Building.Archives;
using Slipway.Linux;

namespace Slipway.Tests.Building;

/// <summary>Archives that nobody made so: an error of ours, never what .NET's reader happened to throw.</summary>
public sealed class ArchiveExtractorTests : IDisposable
{
    readonly TemporaryDirectory directory = new();
    int number;

    public void Dispose()
    {
        // a mutated mode may keep even its owner out
        HostProgram.Run("chmod", ["-R", "u+rwX", directory.Path]);
        directory.Dispose();
    }

    static byte[] Tar(params (string Key, string Value)[] attributes)
    {
        using MemoryStream stream = new();
        using (TarWriter writer = new(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            PaxTarEntry first = new(TarEntryType.RegularFile, "a",
                new Dictionary<string, string> { ["comment"] = "a place for what is put in" + new string('x', 60) }) { DataStream =
                new MemoryStream(new byte[700]) };
            // of whoever runs this: no user namespace is made here
            foreach (PaxTarEntry entry in new[] { first, new(TarEntryType.Directory, "d"),
                new(TarEntryType.SymbolicLink, "d/l") { LinkName = "../a" } })
            {
                (entry.Uid, entry.Gid) = ((int)(uint)Tmds.Linux.LibC.geteuid(), (int)(uint)Tmds.Linux.LibC.getegid());
                writer.WriteEntry(entry);
            }
        }
        byte[] bytes = stream.ToArray();
        foreach ((string key, string value) in attributes)
        {
            // a record says its own length (pax(1)): what is there is replaced by as many bytes
            string record = $"{key}={value}\n", comment = Encoding.ASCII.GetString(bytes);
            int at = comment.IndexOf(" comment=", StringComparison.Ordinal) + 1, end = comment.IndexOf('\n', at);
            int first = comment.LastIndexOf('\n', at) + 1, digits = comment.IndexOfAny([.. "123456789"], Math.Max(first, at - 4));
            int whole = end + 1 - digits, length = record.Length + 3;
            string put = $"{length} {record}";
            string rest = $"{whole - length} comment=";
            put += rest + new string('x', whole - length - rest.Length - 1) + "\n";
            Encoding.ASCII.GetBytes(put).CopyTo(bytes, digits);
        }
        return bytes;
    }

    SlipwayException? Unpack(byte[] bytes)
    {
        string root = Path.Combine(directory.Path, $"root{number++}"), file = directory.Write($"archive{number}", bytes);
        Directory.CreateDirectory(root);
        try
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read);
            using ArchiveExtractor extractor = new(root, 1 << 20, _ => { }, _ => { });
            ArchiveReader.Read(stream, extractor, _ => { }, CancellationToken.None);
            return null;
        }
        catch (SlipwayException e)
        {
            Assert.StartsWith("Archive", e.Id, StringComparison.Ordinal);
            return e;
        }
    }

    [Fact]
    public void TheArchiveItselfIsUnpacked() => Assert.Null(Unpack(Tar()));

    [Theory]
    [InlineData("size", "99999999999999999999")]
    [InlineData("size", "-1")]
    [InlineData("uid", "4294967296")]
    [InlineData("gid", "99999999999999999999")]
    [InlineData("uid", "x")]
    [InlineData("mtime", "1e99")]
    [InlineData("mtime", "99999999999999999999")]
    public void ANumberThatIsNoneIsRefused(string key, string value) => Assert.NotNull(Unpack(Tar((key, value))));

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    public void AMutatedArchiveIsRefusedOrUnpacked(int seed)
    {
        Mutator mutator =
            new(seed, ["0000000", "7777777", "\u0001", "ustar", "99 size=99999999999999999999\n", "20 uid=4294967296\n", "../", "/", "\0",
                "L", "x", "K", "S"]);
        byte[] whole = Tar();
        int refused = 0;
        for (int i = 0; i < 150; i++)
        {
            byte[] bytes = mutator.Change(whole);
            try
            {
                refused += Unpack(bytes) is null ? 0 : 1;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, number {i}: {e}");
            }
        }
        Assert.InRange(refused, 50, 150);
    }

    /// <summary>
    /// The last eight bytes are the checksum and the length (RFC 1952): without them nobody knows that the rest is right.
    /// </summary>
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(5, true)]
    [InlineData(8, true)]
    [InlineData(20, true)]
    [InlineData(-3, true)]
    [InlineData(-7, true)]
    public void AGzipStreamWithoutItsEndIsRefused(int cut, bool refused)
    {
        using MemoryStream stream = new();
        using (GZipStream gzip = new(stream, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(Tar());
        byte[] bytes = stream.ToArray();
        if (cut >= 0)
            bytes = bytes[..^cut];
        else
            bytes[^-cut] ^= 1;
        Assert.Equal(refused, Unpack(bytes) is { Id: "ArchiveInvalid" });
    }
}
