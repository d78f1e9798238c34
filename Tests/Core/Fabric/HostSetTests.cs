using Slipway.Fabric;
using Slipway.Inventory;
using static Slipway.Tests.FabricSample;

namespace Slipway.Tests.Fabric;

/// <summary>Files of the node in an image: each version that is imported must be defined where it will be looked for.</summary>
public sealed class HostSetTests
{
    static NodeTree NodeWith(params (string Soname, string[] Needed, (string, string[])[] Versions)[] libraries)
    {
        NodeTree node = Node();
        foreach ((string soname, string[] needed, (string, string[])[] versions) in libraries)
            node.Library(soname, soname, [], needed, versions);
        return node;
    }

    [Fact]
    public void ALibraryThatTheNodeLacksOrCannotUseIsNamed()
    {
        using NodeTree node = Node();
        node.Write($"{SystemTree.Directory}/libjunk.so.1", "GROUP ( libc.so.6 )");
        using ImageTree image = Image();
        HostSet set = HostSet(node, image);
        Assert.Null(set.AddLibrary("libibverbs.so.1"));
        Assert.Equal("the node has no libgone.so.1 for x86_64", set.AddLibrary("libgone.so.1"));
        Assert.Equal($"the node's {SystemTree.Directory}/libjunk.so.1 cannot be used: not an ELF file", set.AddLibrary("libjunk.so.1"));
        Assert.Equal(["libibverbs.so.1"], set.Libraries.Keys);
    }

    [Fact]
    public void WhatALibraryNeedsComesTooWhereTheImageLacksIt()
    {
        using NodeTree node = NodeWith(("liba.so.1", ["libb.so.1", "libc.so.6"], []), ("libb.so.1", ["libc.so.6"], []));
        using ImageTree image = Image();
        HostSet set = HostSet(node, image);
        set.AddLibrary("liba.so.1");
        Assert.Null(set.Check());
        Assert.Equal(["liba.so.1", "libb.so.1"], set.Libraries.Keys);

        image.Library("libb.so.1", "libb.so.1", [], ["libc.so.6"], []);
        set = HostSet(node, image);
        set.AddLibrary("liba.so.1");
        Assert.Null(set.Check());
        Assert.Equal(["liba.so.1"], set.Libraries.Keys);
    }

    [Fact]
    public void WhatNobodyHasIsNamed()
    {
        using NodeTree node = NodeWith(("liba.so.1", ["libgone.so.1"], []));
        using ImageTree image = Image();
        HostSet set = HostSet(node, image);
        set.AddLibrary("liba.so.1");
        Assert.Equal("the node's liba.so.1 needs libgone.so.1, but the node has no libgone.so.1 for x86_64", set.Check());
    }

    [Theory]
    [InlineData("GLIBC_2.36", null)]
    [InlineData("GLIBC_2.37", "which the image's libc.so.6 does not define (it ends at GLIBC_2.36)")]
    [InlineData("OTHER_1.0", "which the image's libc.so.6 does not define (it defines none of that kind)")]
    [InlineData("GLIBC_PRIVATE", "it is a part of the node's C library and fits no other")]
    public void AVersionIsHeldAgainstTheImagesLibrary(string version, string? says)
    {
        using NodeTree node = NodeWith(("liba.so.1", ["libc.so.6"], [("libc.so.6", [version])]));
        using ImageTree image = Image();
        HostSet set = HostSet(node, image);
        set.AddLibrary("liba.so.1");
        if (says is null)
            Assert.Null(set.Check());
        else
            Assert.Matches($"^the node's liba.so.1 needs {version} of libc.so.6[,:] {System.Text.RegularExpressions.Regex.Escape(says)}$",
                set.Check());
    }

    [Fact]
    public void BothDirectionsAreTold()
    {
        using NodeTree node = NodeWith(("liba.so.1", ["libc.so.6"], [("libc.so.6", ["GLIBC_2.37"])]));
        using ImageTree image = Image(
            has => has.Verbs(33, "28.0", highest: 15).Program("/usr/bin/app", [("libibverbs.so.1", ["IBVERBS_1.15"])]));
        HostSet set = HostSet(node, image);
        Assert.Null(set.AddVerbs());
        const string Users = "the image's /usr/bin/app needs IBVERBS_1.15 of libibverbs.so.1, "
            + "which the node's libibverbs.so.1 does not define (it ends at IBVERBS_1.14)";
        Assert.Equal(Users, set.Check());
        set.AddLibrary("liba.so.1");
        Assert.Equal("the node's liba.so.1 needs GLIBC_2.37 of libc.so.6, which the image's libc.so.6 does not define "
            + $"(it ends at GLIBC_2.36); {Users}",
            set.Check());
    }

    [Fact]
    public void OfTheVerbsLibrariesTheNodeMustHaveThoseThatAreLinked()
    {
        using NodeTree node = NodeTree.Of("rxe");
        node.Distribution("debian", "12").CLibrary("2.36").Verbs(34, "44.0");
        using ImageTree image = Image(has => has.Verbs(33, "33.2").Rdmacm(33));
        HostSet set = HostSet(node, image);
        Assert.Null(set.AddVerbs());
        Assert.Equal(["libibverbs.so.1"], set.Libraries.Keys);
        image.Program("/usr/bin/app", [("librdmacm.so.1", ["RDMACM_1.0"])]);
        Assert.Equal("the node has no librdmacm.so.1 for x86_64", HostSet(node, image).AddVerbs());
    }

    [Fact]
    public void APlugInIsCheckedForItsCpuAndItsCLibrary()
    {
        using NodeTree node = Node();
        node.Provider("rxe", 34, x86Isa: 4);
        using ImageTree image = Image(has => has.Verbs(34, "44.0")), musl = new("alpine", "3.20");
        RootLibrary provider = Libraries(node).VerbsProviders().Single(p => p.Name == "rxe").Library;
        Assert.Equal(1, LevelOf(node, "fpu lm"));
        HostSet set = HostSet(node, image);
        set.AddProvider(provider);
        Assert.Equal("the node's librxe-rdmav34.so needs an x86-64-v3 CPU, and the node's is x86-64-v1", set.Check());
        set = HostSet(node, musl);
        set.AddProvider(provider);
        Assert.Contains("needs libc.so.6, which the image does not have", set.Check());
    }
}
