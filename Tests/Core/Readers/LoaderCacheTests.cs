using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Slipway.Linux;
using Slipway.Readers;

namespace Slipway.Tests.Readers;

public sealed class LoaderCacheTests
{
    /// <summary>A cache as glibc's dl-cache.h lays it out: a header of 48 bytes, entries of 24, then the names.</summary>
    static byte[] Cache(bool big, params (string Name, string Path, ulong Hwcap)[] entries)
    {
        List<byte> names = [];
        byte[] table = new byte[48 + 24 * entries.Length];
        Encoding.ASCII.GetBytes("glibc-ld.so.cache1.1").CopyTo(table, 0);
        void Put(int at, uint value)
        {
            if (big)
                BinaryPrimitives.WriteUInt32BigEndian(table.AsSpan(at), value);
            else
                BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(at), value);
        }
        uint Name(string text)
        {
            uint at = (uint)(table.Length + names.Count);
            names.AddRange([.. Encoding.UTF8.GetBytes(text), 0]);
            return at;
        }
        Put(20, (uint)entries.Length);
        table[28] = (byte)(big ? 3 : 2);
        for (int i = 0; i < entries.Length; i++)
        {
            int at = 48 + 24 * i;
            Put(at, 0x0303);
            Put(at + 4, Name(entries[i].Name));
            Put(at + 8, Name(entries[i].Path));
            Put(at + (big ? 16 : 20), (uint)(entries[i].Hwcap >> 32));
            Put(at + (big ? 20 : 16), (uint)entries[i].Hwcap);
        }
        Put(24, (uint)names.Count);
        return [.. table, .. names];
    }

    static byte[] Sample(bool big = false) =>
        Cache(big, ("liba.so.1", "/lib/glibc-hwcaps/x86-64-v3/liba.so.1", 1ul << 62), ("liba.so.1", "/lib/liba.so.1", 0),
            ("libb.so.2", "/usr/lib/libb.so.2", 0));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EntriesAreFoundByTheirSonameInTheFilesOrder(bool big)
    {
        LoaderCache cache = LoaderCache.Parse(Sample(big));
        Assert.Equal([new("/lib/glibc-hwcaps/x86-64-v3/liba.so.1", true), new("/lib/liba.so.1", false)], cache.Find("liba.so.1"));
        Assert.Equal([new("/usr/lib/libb.so.2", false)], cache.Find("libb.so.2"));
        Assert.Empty(cache.Find("liba.so"));
        Assert.Empty(LoaderCache.Parse(Cache(big)).Find("liba.so.1"));
    }

    /// <summary>
    /// Two old entries of 12 bytes after a header of 16 are 40, which is a multiple of eight; three are 52, which is not.
    /// </summary>
    [Theory]
    [InlineData(2, 40)]
    [InlineData(3, 56)]
    public void TheTableOfLibc5sTimeIsSkipped(int entries, int length)
    {
        byte[] old = new byte[length];
        Encoding.ASCII.GetBytes("ld.so-1.7.0\0").CopyTo(old, 0);
        old[12] = (byte)entries;
        Assert.Single(LoaderCache.Parse([.. old, .. Sample()]).Find("libb.so.2"));
        Assert.Throws<InvalidDataException>(() => LoaderCache.Parse(old.AsSpan(0, length - 4)));
    }

    [Fact]
    public void ACountThatTheFileIsTooShortForIsRefused()
    {
        byte[] one = Cache(false, ("a", "/a", 0));
        one[20] = 2;
        Assert.Contains("2 entries", Assert.Throws<InvalidDataException>(() => LoaderCache.Parse(one)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => LoaderCache.Parse("glibc-ld.so.cache1.0"u8));
        Assert.Throws<InvalidDataException>(() => LoaderCache.Parse(Sample().AsSpan(0, 47)));
        Assert.Throws<InvalidDataException>(() => LoaderCache.Parse(Sample().AsSpan(0, Sample().Length - 1)));
        Assert.Throws<InvalidDataException>(() => LoaderCache.Parse(new byte[LoaderCache.SizeLimit + 1]));
    }

    [NeedsFact("ldconfig")]
    public void WhatLdconfigWritesIsRead()
    {
        using TemporaryDirectory root = new();
        bool arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        byte[] library = new ElfBuilder { Soname = "libmine.so.4", Needed = ["libc.so.6"], Machine = (ushort)(arm ? 183 : 62) }.Build();
        root.Write("mine/libmine.so.4", library);
        root.Write("etc/ld.so.conf", "/mine\n");
        Assert.Equal(0, HostProgram.Run("ldconfig", ["-X", "-r", root.Path, "-C", "/etc/ld.so.cache", "-f", "/etc/ld.so.conf"], _ => { },
            _ => { }));
        Assert.Equal([new("/mine/libmine.so.4", false)], LoaderCache.Parse(File.ReadAllBytes(Path.Combine(root.Path, "etc/ld.so.cache")))
            .Find("libmine.so.4"));
    }
}
