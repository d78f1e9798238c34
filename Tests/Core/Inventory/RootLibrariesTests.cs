using Slipway.Inventory;
using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Inventory;

/// <summary>Libraries are found where the root's own loader would find them.</summary>
public sealed class RootLibrariesTests
{
    [Fact]
    public void AProviderThatIsAPartOfLibfabricIsSeen()
    {
        using ImageTree image = new ImageTree("rocky", "9.4", "2.34");
        image.Library("libfabric.so.1", "libfabric.so.1.23.0", ["FABRIC_1.7"], ["libefa.so.1", "libpsm2.so.2"], [], text: "FI_OPX_UUID");
        Assert.Equal(["efa", "opx", "psm2"], image.Read().LibfabricBuiltIn.Order());
    }

    [Fact]
    public void DirectoriesOfTheConfigurationComeFirstAndEachComesOnce()
    {
        using NodeTree node = Node();
        node.Write(
            "etc/ld.so.conf", "include ld.so.conf.d/*.conf\n# /opt/comment\n/opt/last # ours\n/opt/gone\n/usr/lib/x86_64-linux-gnu\n");
        node.Write("etc/ld.so.conf.d/a.conf", "/opt/a\ninclude /etc/ld.so.conf\n");
        node.Write("etc/ld.so.conf.d/b.other", "/opt/b\n");
        foreach (string name in (string[])["a", "b", "comment", "last"])
            node.Write($"opt/{name}/file", "");
        // /lib is a link to /usr/lib
        Assert.Equal(["/opt/a", "/opt/last", "/usr/lib/x86_64-linux-gnu", "/usr/lib"], Libraries(node).Directories);
    }

    [Fact]
    public void TheFirstUsableLibraryIsTaken()
    {
        using NodeTree node = Node();
        node.Write("etc/ld.so.conf", "/opt/arm\n/opt/x\n");
        node.Write("opt/arm/libx.so.1", new ElfBuilder { Soname = "libx.so.1", Machine = 183 }.Build());
        node.Write("opt/x/libx.so.1.5", new ElfBuilder { Soname = "libx.so.1" }.Build());
        node.Link("opt/x/libx.so.1", "libx.so.1.5");
        node.Library("libx.so.1", "libx.so.1.9", [], [], []);
        Assert.Equal(("/opt/x/libx.so.1.5", "1.5"), (Libraries(node).Find("libx.so.1")?.Path, Libraries(node).Find("libx.so.1")?.Version));
        Assert.Equal("/opt/arm/libx.so.1", Libraries(node, null).Find("libx.so.1")?.Path);
        Assert.Null(Libraries(node).Find("libgone.so.1"));
    }

    [Fact]
    public void WhatCannotBeUsedIsToldWithTheReason()
    {
        using NodeTree node = Node();
        node.Write("opt/liba.so.1", "x");
        node.Link("usr/lib/liba.so.1", "../../opt/liba.so.1");
        node.Link("usr/lib/libb.so.1", "nowhere");
        node.Write("usr/lib/libc.so.1", new ElfBuilder { Type = 2 }.Build());
        RootLibraries libraries = Libraries(node);
        foreach (string soname in (string[])["liba.so.1", "libb.so.1", "libc.so.1", "libd.so.1"])
            Assert.Null(libraries.Find(soname));
        Assert.Equal([("/usr/lib/liba.so.1", "not an ELF file"), ("/usr/lib/libb.so.1", "a link that leads nowhere"),
            ("/usr/lib/libc.so.1", "not a shared library")],
            libraries.Damaged.Select(d => (d.Key, d.Value)));
    }

    [Fact]
    public void ProvidersAreKnownByTheirNames()
    {
        using NodeTree node = Node();
        node.Provider("rxe", 33).Library("libcxi-fi.so", "libfabric/libcxi-fi.so", [], [], [])
            .Library("libother.so", "libfabric/libother.so", [], [], []);
        foreach (string name in (string[])["librxe-rdmavX.so", "librxe-rdmav35.so.1", "rxe-rdmav35.so"])
            node.Write($"{SystemTree.Directory}/libibverbs/{name}", new ElfBuilder().Build());
        Assert.Equal(
            [("mlx5", 34, $"{SystemTree.Directory}/libmlx5.so.1.24.0.0"),
                ("rxe", 33, $"{SystemTree.Directory}/libibverbs/librxe-rdmav33.so"),
                ("rxe", 34, $"{SystemTree.Directory}/libibverbs/librxe-rdmav34.so")],
            Libraries(node).VerbsProviders().Select(p => (p.Name, p.Suffix, p.Library.Path)));
        Assert.Equal([$"{SystemTree.Directory}/libfabric/libcxi-fi.so"], Libraries(node).LibfabricProviders().Select(p => p.Path));
    }

    [Fact]
    public void ATextThatLiesAcrossTwoReadsIsFound()
    {
        using NodeTree node = Node();
        // 64 KiB are read at once
        foreach (int at in (int[])[65530, 65536, 131070, 200000])
        {
            byte[] file = new byte[at + 20];
            new ElfBuilder { Soname = "libfabric.so.1" }.Build().CopyTo(file, 0);
            "FI_OPX_UUID"u8.CopyTo(file.AsSpan(at));
            node.Write($"{SystemTree.Directory}/libfabric.so.1", file);
            Assert.Equal(["opx"], Libraries(node).LibfabricBuiltIn());
        }
    }

    [Fact]
    public void ExportsAreThoseOfAllLibrariesThatAreThere()
    {
        using NodeTree node = Node();
        node.Library("liba.so.1", "liba.so.1", [], [], [], exports: ["a1", "both"])
            .Library("libb.so.1", "libb.so.1", [], [], [], exports: ["b1", "both"]);
        Assert.Equal(["a1", "b1", "both"], Libraries(node).Exports(["liba.so.1", "libgone.so.1", "libb.so.1"])
            .Order(StringComparer.Ordinal));
    }
}
