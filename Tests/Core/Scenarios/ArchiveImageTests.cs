using System.Formats.Tar;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Slipway.Linux;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Scenarios;

/// <summary><c>from: archive</c>, <c>image</c> and <c>empty</c>; and archives that would like to write elsewhere.</summary>
public sealed class ArchiveImageTests : BuildTest
{
    string Definition(string archive, string more = "") => Write("x.yaml", $"from: archive\narchive: {archive}\n{more}");

    string Tar(string name, params TarEntry[] entries)
    {
        using MemoryStream stream = new();
        using (TarWriter writer = new(stream, TarEntryFormat.Pax, leaveOpen: true))
            foreach (TarEntry entry in entries)
                writer.WriteEntry(entry);
        directory.Write(name, stream.ToArray());
        return Mine(name);
    }

    static PaxTarEntry File_(string name, string text = "x") =>
        new(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)) };

    static PaxTarEntry Link(string name, string target, TarEntryType type = TarEntryType.SymbolicLink) =>
        new(type, name) { LinkName = target };

    public static TheoryData<string, string> Bad => new()
    {
        { "dots", "entry 2, 'a/../../../outside', has '..' in its path" },
        { "absolute", "entry 1, '/tmp/outside', has an absolute path" },
        { "through", "entry 2, 'link/outside', goes through the link 'link'" },
        { "inner", "entry 3, 'b/f', goes through the link 'b'" },
        { "device", "entry 1, 'etc/disk', is a device node" },
        { "hard", "entry 1, 'h', has '..' in its link's target" },
        { "hardabsolute", "entry 1, 'h', has an absolute link's target" },
        { "hardlink", "entry 2, 'h', is a hard link to 'link'" },
        { "hardtwice", "entry 3, 'h', is there twice" },
        { "twice", "entry 2, 'a/./f', is there twice" },
        { "replaced", "entry 2, 'a', is there twice" },
        { "root", "entry 1, './', takes the place of the root itself" },
    };

    [NeedsTheory(Needs.Launcher, "mksquashfs", "newuidmap"), MemberData(nameof(Bad))]
    public void AnArchiveThatIsNotSafeIsRefused(string kind, string says)
    {
        string outside = In("outside");
        string tar = Tar("bad.tar", kind switch
        {
            "dots" => [File_("ok"), File_("a/../../../outside")],
            "absolute" => [File_("/tmp/outside")],
            "through" => [Link("link", directory.Path), File_("link/outside")],
            "inner" => [new PaxTarEntry(TarEntryType.Directory, "a"), Link("b", "a"), File_("b/f")],
            "device" => [new PaxTarEntry(TarEntryType.BlockDevice, "etc/disk") { DeviceMajor = 8, DeviceMinor = 0 }],
            "hard" => [Link("h", "../../etc/passwd", TarEntryType.HardLink)],
            "hardabsolute" => [Link("h", "/etc/passwd", TarEntryType.HardLink)],
            "hardlink" => [Link("link", "/etc/passwd"), Link("h", "link", TarEntryType.HardLink)],
            "hardtwice" => [File_("f"), Link("h", "f", TarEntryType.HardLink), Link("h", "f", TarEntryType.HardLink)],
            "twice" => [File_("a/f"), File_("a/./f")],
            "replaced" => [Link("a", "/etc"), File_("a")],
            _ => [File_("./")],
        });
        Cli.Result result = Build(Definition(tar));
        AssertRefused(result, "x.yaml:2:10: " + tar + ": " + says);
        Assert.False(Path.Exists(outside));
    }

    [NeedsFact(Needs.Launcher, "mksquashfs", "newuidmap", "zstd")]
    public void TenGigabytesOfZerosInOneMegabyteAreRefusedBeforeTheyFillTheDisk()
    {
        string archive = Mine("zeros.tar.zst");
        // frames of one file may follow each other (RFC 8878, 3.1): 1024 times the same 10 MiB need not be compressed 1024 times
        Cli.Result made = Cli.Start(Environment.UserName, ["bash", "-c", $$"""
            cd '{{directory.Path}}/tmp'; truncate -s 10G sparse; head -c 10M /dev/zero | zstd -q >zeros
            for i in {1..32}; do cat zeros; done >more
            { tar --format=pax -cf - sparse 2>&1 | head -c 1536 | zstd -q; for i in {1..32}; do cat more; done; } >'{{archive}}'
            rm sparse zeros more
            """]).Wait();
        Assert.True(made.ExitCode == 0, made.Error);
        Assert.True(new FileInfo(archive).Length < 2_000_000);
        AssertRefused(Build(Definition(archive)), "x.yaml:2:10: ",
            "entry 1, 'sparse', brings what is unpacked to 10737418240 bytes, and the limit is 1073741824", "size-limit");
    }

    [NeedsTheory(Needs.Launcher, "mksquashfs", "newuidmap", "zstd")]
    [InlineData("bash", "-c", "head -c 2000 ok.tar >bad"), InlineData("bash", "-c", "zstd -q ok.tar -o t && head -c 100 t >bad"),
        InlineData("bash", "-c", "gzip -c ok.tar | head -c 100 >bad"), InlineData("bash", "-c", "echo nothing >bad")]
    public void ADamagedArchiveIsRefused(params string[] make)
    {
        Mine("t");
        Mine("bad");
        Tar("ok.tar", File_("a", new string('x', 5000)), File_("b"));
        Assert.Equal(0, Cli.Start(Environment.UserName, make, directory.Path).Wait().ExitCode);
        AssertRefused(Build(Definition(In("bad"))), "x.yaml:2:10: " + In("bad") + ": ");
    }

    [NeedsTheory(Needs.Launcher, "mksquashfs", "unsquashfs", "newuidmap", "zstd", "xz", "bzip2", "cpio")]
    [InlineData("tar -cf -", "cat"), InlineData("tar -cf -", "gzip"), InlineData("tar -cf -", "zstd"),
        InlineData("tar --format=gnu -cf -", "xz"), InlineData("tar --format=ustar -cf -", "bzip2"), InlineData("cpio", "gzip")]
    public void AnyFormatAndCompressionGivesTheSameTree(string format, string compression)
    {
        Write("tree/bin/prog", "#!/bin/sh\n");
        Write("tree/etc/deep/er/conf", "conf\n");
        string tree = In("tree"), archive = Mine("root.archive");
        Cli.Result made = Cli.Start(Environment.UserName, ["bash", "-ec", $"""
            cd '{tree}'
            chmod 4755 bin/prog
            ln bin/prog bin/second
            ln -s ../etc bin/link
            mkdir -m 1777 tmp
            mkdir -m 555 ro
            mkfifo pipe
            mkdir dev
            touch -d @1700000000 bin/prog etc/deep/er/conf
            {(format == "cpio" ? "find . | cpio -o -H newc --quiet" : format + " .")} | {compression} >'{archive}'
            """]).Wait();
        Assert.True(made.ExitCode == 0, made.Error);
        Built(Cli.OtherUser ?? Environment.UserName, Definition(archive));
        string[] lines = Cli.Start(Environment.UserName, ["unsquashfs", "-lln", In("x.sqfs")]).Wait().Output.Split('\n');
        foreach ((string mode, string path) in new[] { ("-rwsr-xr-x", "/bin/prog"), ("-rwsr-xr-x", "/bin/second"),
            ("lrwxrwxrwx", "/bin/link -> ../etc"), ("drwxrwxrwt", "/tmp"), ("dr-xr-xr-x", "/ro"), ("prw", "/pipe"),
            ("-rw", "/etc/deep/er/conf") })
            Assert.Contains(lines, l => l.StartsWith(mode, StringComparison.Ordinal) && l.EndsWith(path, StringComparison.Ordinal));
        Assert.Equal("conf\n", Cat("x.sqfs", "etc/deep/er/conf"));
        AssertNothingLeft();
    }

    /// <summary>
    /// A user's attributes, and the capabilities of a file; what is of the archive's own system is left, and that is said.
    /// </summary>
    [NeedsFact(Needs.Launcher, "mksquashfs", "unsquashfs", "newuidmap")]
    public void ExtendedAttributesAreKeptOrToldOf()
    {
        const string Sets = "SCHILY.xattr.";
        // capabilities(7), VFS_CAP_REVISION_2: cap_net_bind_service, effective and permitted
        string capability = "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        PaxTarEntry Entry(string name, params (string, string)[] attributes) =>
            new(TarEntryType.RegularFile, name, attributes.ToDictionary(a => Sets + a.Item1, a => a.Item2)) { DataStream =
                new MemoryStream([1]) };
        string archive = Tar("root.tar", Entry("note", ("user.origin", "site ü"), ("security.selinux", "system_u:object_r:etc_t:s0")),
            Entry("server", ("security.capability", capability)), Entry("other", ("security.selinux", "x")));
        string user = Cli.OtherUser ?? Environment.UserName;
        Cli.Result built = Start(user, Definition(archive), "x.sqfs", "-v").Wait();
        Assert.True(built.ExitCode == 0, built.Error);
        Assert.Contains("warning: extended attributes of the archive are not kept: xattr.security.selinux of 2 entries", built.Error,
            StringComparison.Ordinal);
        Assert.Equal(
            0, Cli.Start(Environment.UserName,
                ["unsquashfs", "-no-progress", "-quiet", "-user-xattrs", "-dest", Mine("unpacked"), In("x.sqfs")]).Wait().ExitCode);
        Assert.Equal("site ü"u8.ToArray(), Attribute(In("unpacked/note"), "user.origin"));
        Assert.Null(Attribute(In("unpacked/note"), "security.selinux"));
        if (geteuid() != 0)
            return;
        Assert.Equal(0, Cli.Start("root", ["unsquashfs", "-no-progress", "-quiet", "-dest", Mine("all"), In("x.sqfs")]).Wait().ExitCode);
        Assert.Equal(Encoding.Latin1.GetBytes(capability), Attribute(In("all/server"), "security.capability"));
        // whoever builds
        Assert.Equal(DigestOf("root", In("x.yaml"), "root.sqfs"), Digest.OfFile(In("x.sqfs")));
    }

    static byte[]? Attribute(string path, string name)
    {
        byte[] value = new byte[1000];
        nint size = getxattr(path, name, value, (nuint)value.Length);
        return size < 0 ? null : value[..(int)size];
    }

    [DllImport("libc", SetLastError = true)]
    static extern nint getxattr([MarshalAs(UnmanagedType.LPUTF8Str)] string path, [MarshalAs(UnmanagedType.LPUTF8Str)] string name,
        byte[] value, nuint size);

    [NeedsFact(Needs.Launcher, Needs.Fuse, "squashfuse_ll", "busybox", "mksquashfs", "unsquashfs", "newuidmap")]
    public void WhatIsBuiltUponAnImageInheritsFromIt()
    {
        string user = Environment.UserName;
        TinyImage.Make(Mine("tiny.sqfs"));
        Built(user, Write("base.yaml", """
            from: image
            image: tiny.sqfs
            environment: {KEPT: "it's of the base", CHANGED: base}
            runscript: echo "base $KEPT $CHANGED"
            labels: {maintainer: base, title: base}
            """), "base.sqfs");
        JsonElement above = Built(user,
            Write("x.yaml", "from: image\nimage: base.sqfs\nenvironment: {CHANGED: above, NEW: more}\nlabels: {title: above}\nrun: "
                + "['echo \"$KEPT $CHANGED $NEW\" >/said']\ntest: test \"$CHANGED\" = above\n")).GetProperty("manifest");
        Assert.Equal("""{"CHANGED":"above","KEPT":"it's of the base","NEW":"more"}""", Compact(above.GetProperty("environment")));
        Assert.Equal("""{"maintainer":"base","title":"above"}""", Compact(above.GetProperty("labels")));
        Assert.Equal("it's of the base above more\n", Cat("x.sqfs", "said"));
        Assert.Equal("base it's of the base above\n", Cli.RunAs(user, "run", In("x.sqfs")).Output);
        Built(user, Write("y.yaml", "from: image\nimage: x.sqfs\nrunscript: echo own $NEW\n"), "y.sqfs");
        Assert.Equal("own more\n", Cli.RunAs(user, "run", In("y.sqfs")).Output);
        // a stage that copies from it takes no more than files
        JsonElement copy = Built(user,
            Write("z.yaml", "from: image\nimage: tiny.sqfs\nstages: {base: {from: image, image: base.sqfs, run: "
                + "['echo $KEPT >/said']}}\nfiles: [{stage: base, from: /said, to: /said}]\n"), "z.sqfs").GetProperty("manifest");
        Assert.Equal("it's of the base\n", Cat("z.sqfs", "said"));
        Assert.Equal("{}", Compact(copy.GetProperty("environment")));
    }

    static string Compact(JsonElement element) => JsonSerializer.Serialize(element).Replace("\\u0027", "'", StringComparison.Ordinal);

    /// <summary>As Apptainer makes them: variables and runscript are a shell's.</summary>
    [NeedsFact(Needs.Launcher, Needs.Fuse, "squashfuse_ll", "busybox", "mksquashfs", "unsquashfs", "newuidmap")]
    public void AnImageOfOthersKeepsItsScriptsWhenItIsBuiltUpon()
    {
        TinyImage.Make(Mine("other.sqfs"), root =>
        {
            Directory.CreateDirectory(Path.Combine(root, ".singularity.d/env"));
            File.WriteAllText(Path.Combine(root, ".singularity.d/env/10-docker.sh"), "export FIRST=docker\n");
            File.WriteAllText(Path.Combine(root, ".singularity.d/env/90-environment.sh"),
                "#!/bin/sh\nexport SECOND=\"$FIRST and more\" CHANGED=other");
            File.WriteAllText(Path.Combine(root, ".singularity.d/runscript"), "#!/bin/sh\necho \"other $SECOND $CHANGED\"\n");
            File.WriteAllText(Path.Combine(root, ".singularity.d/labels.json"), "{\"title\": \"other\", \"vendor\": \"other\"}");
            File.SetUnixFileMode(Path.Combine(root, ".singularity.d/runscript"), (UnixFileMode)0x1ed);
        });
        Built(Environment.UserName, Write(
            "x.yaml", "from: image\nimage: other.sqfs\nenvironment: {CHANGED: above}\nlabels: {title: above}\n"));
        Assert.Equal("other docker and more above\n", Cli.RunAs(Environment.UserName, "run", In("x.sqfs")).Output);
        Assert.Equal("""{"title":"above","vendor":"other"}""",
            Compact(JsonDocument.Parse(Cat("x.sqfs", ".singularity.d/labels.json")).RootElement));
    }

    [NeedsFact(Needs.Launcher, Needs.Fuse, "squashfuse_ll", "busybox", "mksquashfs", "unsquashfs", "newuidmap")]
    public void ImagesAndStagesAreBuiltUpon()
    {
        string user = Environment.UserName;
        TinyImage.Make(Mine("base.sqfs"));
        Write("note.txt", "host\n");
        string text = """
            variables: {greeting: hello, base: }
            from: empty
            stages:
              made:
                from: image
                image: ${base}
                run: ["mkdir /out; echo ${greeting} ${HOME} >/out/said; ln -s /etc /out/link"]
                test: grep -q hello /out/said
              more:
                from: empty
                files: [{stage: made, from: /out/said, to: /said}]
            files:
              - {stage: made, from: /bin, to: /bin}
              - {stage: made, from: /out, to: /out}
              - {stage: more, from: /said, to: /more}
              - {from: note.txt, to: /note}
            runscript: cat /out/said /more /note
            """;
        string definition = Write("s.yaml", text);
        Cli.Result missing = Build(definition);
        Assert.Contains("the variable 'base' has no default and is not set", missing.Error, StringComparison.Ordinal);
        string digest = DigestOf(user, definition, "x.sqfs", "--variable", "base=base.sqfs");
        Assert.Equal("hello /root\nhello /root\nhost\n", Cli.RunAs(user, "run", In("x.sqfs")).Output);
        Assert.NotEqual(digest, DigestOf(user, definition, "y.sqfs", "--variable", "base=base.sqfs", "--variable", "greeting=hello you"));
        Assert.Contains("declares no variable 'bas'", Build(definition, "z.sqfs", "--variable", "bas=x").Error, StringComparison.Ordinal);
    }
}
