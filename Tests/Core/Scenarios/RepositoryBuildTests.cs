using System.Runtime.InteropServices;
using System.Text.Json;
using Slipway.Building.Inside;
using Slipway.Linux;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Scenarios;

/// <summary>Images from several signed repositories, by the real tools.</summary>
public sealed class RepositoryBuildTests : BuildTest
{
    internal static string Deb(string more = "packages: [app]\n") => $$"""
        from: deb
        suite: mini
        repositories:
          - {name: mini, url: "{{LocalRepositories.Url("deb/mini")}}", key: {{LocalRepositories.Key("base")}}}
          - {name: site, url: "{{LocalRepositories.Url("deb/site")}}", key: {{LocalRepositories.Key("site")}}, priority: 1001}

        """ + more;

    internal static string Rpm(string more = "packages: [app]\n") => $$"""
        from: rpm
        release: "9"
        repositories:
          - {name: base, url: "{{LocalRepositories.Url("rpm/base")}}", key: {{LocalRepositories.Key("base")}}, priority: 99}
          - {name: site, url: "{{LocalRepositories.Url("rpm/site")}}", key: {{LocalRepositories.Key("site")}}, priority: 20}
          - {name: extra, url: "{{LocalRepositories.Url("rpm/extra")}}", key: {{LocalRepositories.Key("extra")}}, priority: 10}

        """ + more;

    static string[] Listed(JsonElement image) =>
        [.. image.GetProperty("manifest").GetProperty("packages").EnumerateArray()
            .Select(p => $"{p.GetProperty("name")} {p.GetProperty("version")} {p.GetProperty("architecture")}")];

    /// <summary>Every package has a URL and a hash, every repository a state.</summary>
    static void AssertSources(JsonElement image, int repositories)
    {
        JsonElement source = image.GetProperty("manifest").GetProperty("sources")[0];
        Assert.Equal(repositories, source.GetProperty("repositories").GetArrayLength());
        Assert.All(source.GetProperty("repositories").EnumerateArray(), r =>
        {
            Assert.True(Digest.IsValid(r.GetProperty("digest").GetString()!));
            Assert.Equal(40, r.GetProperty("keys")[0].GetString()!.Length);
        });
        Assert.All(source.GetProperty("packages").EnumerateArray(), p =>
        {
            string file = p.GetProperty("urls")[0].GetString()!["file://".Length..];
            Assert.Equal(Digest.OfFile(file), "sha256:" + p.GetProperty("sha256").GetString());
            Assert.Equal(new FileInfo(file).Length, p.GetProperty("size").GetInt64());
        });
    }

    [NeedsTheory(Repositories.Deb, Needs.Fuse, "squashfuse_ll"), MemberData(nameof(Users))]
    public void DebPackagesComeFromTheRepositoryWithPriority(string user)
    {
        JsonElement image = Built(user, Write("d.yaml", Deb()));
        string architecture = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "amd64";
        Assert.Equal(["app 1 all", "lib 1 all", "dpkg 1 " + architecture],
            Listed(image).OrderBy(p => p.StartsWith("dpkg", StringComparison.Ordinal)));
        AssertSources(image, 2);
        AssertNothingLeft();
        Cli.Result run = Cli.RunAs(user, "run", In("x.sqfs"), "--", "sh", "-c",
            "cat /opt/app/version; dpkg-query -W -f '${Package} ${Version} ${Architecture}\\n'");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(["1 from site", .. Listed(image).Order(StringComparer.Ordinal)], run.Output.TrimEnd().Split('\n'));
        Assert.Contains("Signed-By: /etc/apt/keyrings/site.asc", Cat("x.sqfs", "etc/apt/sources.list.d/slipway.sources"),
            StringComparison.Ordinal);
    }

    [NeedsTheory(Repositories.Rpm, Needs.Fuse, "squashfuse_ll"), MemberData(nameof(Users))]
    public void RpmPackagesComeFromTheRepositoryWithPriority(string user)
    {
        JsonElement image = Built(user, Write("r.yaml", Rpm()));
        Assert.Equal(["app 1-1", "lib 1.5-1", "rpm 4-1"], Listed(image).Select(p => p[..p.LastIndexOf(' ')]));
        AssertSources(image, 3);
        AssertNothingLeft();
        // on the read-only file system of the image, by the image's own rpm, where it looks by itself
        Cli.Result run = Cli.RunAs(user, "run", In("x.sqfs"), "--", "sh", "-c",
            "cat /opt/lib/version; /usr/bin/rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE} %{ARCH}\\n' | sort; "
            + "/usr/bin/rpm -V --nouser --nogroup app");
        Assert.True(run.ExitCode == 0, run.Error + run.Output);
        Assert.Equal(["1.5 from extra", .. Listed(image)], run.Output.TrimEnd().Split('\n'));
        Assert.Equal("", run.Error);
    }

    /// <summary>Debian, its security updates, and a repository of a site's own, whose older version is wanted.</summary>
    [NeedsFact(Repositories.Deb, Needs.Network, Needs.DebianSources, Needs.Fuse, "squashfuse_ll", DebianKeys)]
    public void DebianItsSecurityAndALocalRepositoryMakeOneImage()
    {
        string user = Cli.OtherUser ?? Environment.UserName;
        string security = Needs.AptUri("bookworm-security")!, site = LocalRepositories.Url("deb/older");
        JsonElement image = Built(user, Write("d.yaml", $$"""
            from: deb
            suite: bookworm
            repositories:
              - {name: debian, url: "{{Needs.AptUri("bookworm")}}", components: [main], key: {{DebianKeys}}}
              - {name: security, url: "{{security}}", suite: bookworm-security, components: [main], key: {{DebianKeys}}, priority: 990}
              - {name: site, url: "{{site}}", suite: mini, key: {{LocalRepositories.Key("site")}}, priority: 1001}
            packages: [hello, libssl3]
            """));
        AssertNothingLeft();
        JsonElement source = image.GetProperty("manifest").GetProperty("sources")[0];
        Assert.Equal(["debian", "security", "site"], source.GetProperty("repositories").EnumerateArray()
            .Select(r => r.GetProperty("name").GetString()!).Order(StringComparer.Ordinal));
        Assert.All(source.GetProperty("repositories").EnumerateArray(), r => Assert.NotEqual(0, r.GetProperty("keys").GetArrayLength()));
        Dictionary<string, string> from = source.GetProperty("packages").EnumerateArray()
            .ToDictionary(p => p.GetProperty("name").GetString()!, p => p.GetProperty("repository").GetString()!);
        Assert.Equal(("site", "security", "debian"), (from["hello"], from["libssl3"], from["base-files"]));

        Cli.Result run = Cli.RunAs(user, "run", In("x.sqfs"), "--", "sh", "-c",
            "cat /opt/hello/version; dpkg-query -W -f '${Package} ${Version} ${Architecture}\\n'");
        Assert.True(run.ExitCode == 0, run.Error);
        string[] lines = run.Output.TrimEnd().Split('\n');
        Assert.Equal("2.0 from older", lines[0]);
        Assert.Equal(Listed(image).Order(StringComparer.Ordinal), lines[1..].Order(StringComparer.Ordinal));
    }

    const string DebianKeys = "/usr/share/keyrings/debian-archive-keyring.gpg";

    [NeedsFact(Repositories.Rpm)]
    public void AnRpmThatCannotReadItsDatabaseIsToldOf()
    {
        const string Warning = "warning: the rpm of this image reads databases of Berkeley DB alone";
        string text = Rpm("packages: [rpm-libs]\n").Replace("name: extra", "name: old", StringComparison.Ordinal)
            .Replace(LocalRepositories.Url("rpm/extra"), LocalRepositories.Url("rpm/old"), StringComparison.Ordinal)
            .Replace(LocalRepositories.Key("extra"), LocalRepositories.Key("site"), StringComparison.Ordinal);
        Cli.Result old = Build(Write("old.yaml", text), "x.sqfs", "-v");
        Assert.True(old.ExitCode == 0, old.Error);
        Assert.Contains(Warning, old.Error, StringComparison.Ordinal);
        Cli.Result now = Build(Write("now.yaml", Rpm()), "x.sqfs", "-v");
        Assert.True(now.ExitCode == 0, now.Error);
        Assert.DoesNotContain(Warning, now.Error, StringComparison.Ordinal);
        // a step is told once, however far it is
        Assert.Single(now.Error.Split('\n'), line => line.Contains("installing packages", StringComparison.Ordinal));
    }

    [NeedsTheory(Repositories.Rpm, "script")]
    [InlineData(true), InlineData(false)]
    public void ATerminalIsToldOfEachStepWithPercent(bool deb)
    {
        // script(1) gives it a terminal
        string definition = Write("x.yaml", deb ? Deb() : Rpm());
        Cli.Result result = Cli.Start(
            Environment.UserName, ["script", "-qec",
                $"'{Cli.Program}' build '{definition}' -o '{In("x.sqfs")}' --package-cache '{In("cache/shown")}'", "/dev/null"],
                    directory.Path,
            new Dictionary<string, string> { ["TMPDIR"] = In("tmp"), ["SLIPWAY_STEP_CACHE_BYTES"] = "0", ["TERM"] = "xterm" }).Wait();
        Assert.True(result.ExitCode == 0, result.Output);
        Assert.Contains("x.sqfs: downloading packages 0 %", result.Output, StringComparison.Ordinal);
        Assert.Contains(deb ? "x.sqfs: installing packages 99 %" : "x.sqfs: installing packages 100 %", result.Output,
            StringComparison.Ordinal);
        Assert.Matches("installing packages [1-9][0-9]? %", result.Output);
        Assert.Contains("x.sqfs: packing 100 %", result.Output, StringComparison.Ordinal);
    }

    [NeedsFact(Repositories.Deb)]
    public void APublishedImageIsBuiltUponByItsDigest()
    {
        string user = Environment.UserName, definition = Write("base.yaml", Deb()), digest = DigestOf(user, definition, "base.sqfs");
        string text = $"from: image\nimage: {digest}\nrun: [\"echo more >/opt/more\"]\n";
        AssertRefused(Build(Write("x.yaml", text)), $"x.yaml:2:8: no image with the digest {digest} is in this node's cache",
            "slipway publish");
        Cli.Result published = Cli.Run("publish", In("base.sqfs"), "--json");
        Assert.True(published.ExitCode == 0, published.Error);
        string entry = JsonDocument.Parse(published.Output).RootElement.GetProperty("placements")[0].GetProperty("path").GetString()!;
        try
        {
            JsonElement image = Built(user, In("x.yaml"));
            Assert.Equal(digest, image.GetProperty("manifest").GetProperty("sources")[0].GetProperty("digest").GetString());
            Assert.Equal(["app 1 all", "lib 1 all"], Listed(image).Where(p => !p.StartsWith("dpkg", StringComparison.Ordinal)));
            Assert.Equal("1 from site\nmore\n", Cat("x.sqfs", "opt/app/version") + Cat("x.sqfs", "opt/more"));

            // the name of an entry is not its content: what was changed since it was checked is no entry
            byte[] other = [.. File.ReadAllBytes(entry), 0];
            File.Delete(entry);
            File.WriteAllBytes(entry, other);
            Cli.Result changed = Build(In("x.yaml"), "2.sqfs");
            AssertRefused(changed, $"x.yaml:2:8: no image with the digest {digest} is in this node's cache");
            Assert.Single(changed.Error.Split("x.yaml:2:8")[1..]);
        }
        finally
        {
            File.Delete(entry);
        }
    }

    [NeedsTheory(Repositories.Rpm)]
    [InlineData(true), InlineData(false)]
    public void IncludeAndExcludeDecideToo(bool deb)
    {
        string without = (deb ? Deb() : Rpm()).Replace("priority: 1001", "priority: 1001, exclude: [app]", StringComparison.Ordinal)
            .Replace("priority: 20", "priority: 20, exclude: [a*]", StringComparison.Ordinal);
        Assert.Contains(deb ? "app 3 all" : "app 3-1 ", string.Join('\n', Listed(Built(Environment.UserName, Write("a.yaml", without)))),
            StringComparison.Ordinal);
        string only = (deb ? Deb() : Rpm()).Replace("priority: 1001", "priority: 1001, include: [app]", StringComparison.Ordinal)
            .Replace("priority: 10}", "priority: 10, include: [nothing]}", StringComparison.Ordinal);
        Assert.Contains(deb ? "lib 2 all" : "lib 2-1 ", string.Join('\n', Listed(Built(Environment.UserName, Write("b.yaml", only)))),
            StringComparison.Ordinal);
    }

    /// <summary>
    /// What is refused otherwise (<see cref="BadRepositoryTests"/>), where the definition says so; and a repository that is there and not
    /// meant.
    /// </summary>
    [NeedsTheory(Repositories.Rpm)]
    [InlineData("deb", "outdated", "key: KEY, check-valid-until: false", "9 from outdated")]
    [InlineData("deb", "expired", "trusted: true", "9 from expired")]
    [InlineData("deb", "site", "key: KEY, enabled: false", "3 from mini")]
    [InlineData("rpm", "unsigned", "trusted: true", "8 from unsigned")]
    [InlineData("rpm", "site", "key: KEY, enabled: false", "3 from base")]
    public void WhatADefinitionAllowsIsTaken(string kind, string repository, string with, string version)
    {
        string own = kind == "deb" ? "mini" : "base", url = LocalRepositories.Url($"{kind}/{repository}");
        string priority = kind == "deb" ? "1001" : "1", rest = with.Replace("KEY", LocalRepositories.Key("site"), StringComparison.Ordinal);
        Built(Environment.UserName, Write("w.yaml", $$"""
            from: {{kind}}
            {{(kind == "deb" ? "suite: mini" : "release: \"9\"")}}
            packages: [app]
            repositories:
              - {name: {{own}}, url: "{{LocalRepositories.Url($"{kind}/{own}")}}", key: {{LocalRepositories.Key("base")}}}
              - {name: more, url: "{{url}}", priority: {{priority}}, {{rest}}}
            """));
        Assert.Equal(version + "\n", Cat("x.sqfs", repository == "unsigned" ? "opt/lib/version" : "opt/app/version"));
    }

    [NeedsFact(Needs.Launcher, "mksquashfs", "unsquashfs", "newuidmap")]
    public void AnImageIsPackedSmallFastOrNotAtAll()
    {
        // what a compressor takes its time for
        string definition = Write("c.yaml", "from: empty\nfiles: [{from: text, to: /text}]\n");
        string text = string.Join('\n', Enumerable.Range(0, 200_000).Select(i => $"{i * 7919 % 1009} {i} {i * 31 % 977}"));
        Write("text", text);
        long[] sizes = [.. new[] { "small", "fast", "none" }.Select(how =>
        {
            Built(Environment.UserName, definition, how + ".sqfs", "--compression", how);
            Assert.Equal(text, Cat(how + ".sqfs", "text"));
            return new FileInfo(In(how + ".sqfs")).Length;
        })];
        Assert.Equal(sizes.Order(), sizes);
        Assert.True(sizes[0] < sizes[1] && sizes[1] < text.Length / 2 && sizes[2] > text.Length, string.Join(' ', sizes));
        AssertNothingLeft();
    }

    [NeedsTheory(Repositories.Deb)]
    [InlineData("one", "two"), InlineData("two", "one")]
    public void PriorityTellsRepositoriesOfOneHostApart(string wanted, string other)
    {
        string site = LocalRepositories.Key("site");
        Built(Environment.UserName, Write("d.yaml", $$"""
            from: deb
            suite: mini
            repositories:
              - {name: mini, url: "{{LocalRepositories.Url("deb/mini")}}", key: {{LocalRepositories.Key("base")}}}
              - {name: {{other}}, url: "{{LocalRepositories.Url("deb/" + other)}}", key: {{site}}}
              - {name: {{wanted}}, url: "{{LocalRepositories.Url("deb/" + wanted)}}", key: {{site}}, priority: 900}
            packages: [same]
            """));
        Assert.Equal($"{(wanted == "one" ? 1 : 2)} from {wanted}\n", Cat("x.sqfs", "opt/same/version"));
    }

    [NeedsTheory(Repositories.Rpm)]
    [InlineData(true), InlineData(false)]
    public void MirrorListsAndKeysInTheDefinitionDo(bool deb)
    {
        string list = Write("mirrors", $"# mirrors\nfile:///nowhere/at/all\n{LocalRepositories.Url(deb ? "deb/mini" : "rpm/base")}\n");
        string key = File.ReadAllText(LocalRepositories.Key("base")).TrimEnd().Replace("\n", "\n      ", StringComparison.Ordinal);
        Built(Environment.UserName, Write("d.yaml", $"""
            from: {(deb ? "deb\nsuite: mini" : "rpm")}
            repositories:
              - name: base
                mirrorlist: file://{list}
                key: |
                  {key.Replace("\n      ", "\n                  ", StringComparison.Ordinal)}
            packages: [app]
            """.Replace("                  ", "      ", StringComparison.Ordinal).Replace("            ", "", StringComparison.Ordinal)));
        Assert.Equal("3 from " + (deb ? "mini" : "base") + "\n", Cat("x.sqfs", "opt/app/version"));
    }

    /// <summary>A metalink (RFC 5854's predecessor, version 3.0, as dnf reads it) of one mirror.</summary>
    internal static string Metalink(BuildTest test, string url, string repomd)
    {
        byte[] content = File.ReadAllBytes(repomd);
        return test.Write("metalink.xml", $"""
            <?xml version="1.0" encoding="utf-8"?>
            <metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager">
              <files><file name="repomd.xml">
                <mm0:timestamp>{new DateTimeOffset(File.GetLastWriteTimeUtc(repomd)).ToUnixTimeSeconds()}</mm0:timestamp>
                <size>{content.Length}</size>
                <verification><hash type="sha256">{Digest.OfFile(repomd)["sha256:".Length..]}</hash></verification>
                <resources maxconnections="1">
                  <url protocol="file" type="file" location="XX" preference="100">{url}/repodata/repomd.xml</url>
                </resources>
              </file></files>
            </metalink>
            """);
    }

    [NeedsFact(Repositories.Rpm)]
    public void AMetalinkDoes()
    {
        string metalink = Metalink(this, LocalRepositories.Url("rpm/base"),
            Path.Combine(LocalRepositories.Path, "rpm/base/repodata/repomd.xml"));
        JsonElement image = Built(Environment.UserName,
            Write("m.yaml", $"from: rpm\nrepositories:\n  - {{name: base, metalink: \"file://{metalink}\", key: "
                + $"{LocalRepositories.Key("base")}}}\npackages: [app]\n"));
        Assert.Equal(["app 3-1", "lib 2-1", "rpm 4-1"], Listed(image).Select(p => p[..p.LastIndexOf(' ')]));
        Assert.StartsWith(LocalRepositories.Url("rpm/base") + "/", image.GetProperty("manifest").GetProperty("sources")[0]
            .GetProperty("packages")[0].GetProperty("urls")[0].GetString(), StringComparison.Ordinal);
    }

    /// <summary>A host that only the proxy knows: metadata and packages come through it or not at all.</summary>
    [NeedsTheory(Repositories.Rpm)]
    [InlineData("deb"), InlineData("rpm")]
    public void EverythingComesThroughARepositorysProxy(string kind)
    {
        using TinyServer proxy = new(Path.Combine(LocalRepositories.Path, kind));
        string name = kind == "deb" ? "mini" : "base", url = $"http://repository.invalid/{name}";
        string text = (kind == "deb" ? "from: deb\nsuite: mini\n" : "from: rpm\n")
            + $"repositories:\n  - {{name: {name}, url: \"{url}\", key: {LocalRepositories.Key("base")}PROXY}}\npackages: [app]\n";
        JsonElement image = Built(Environment.UserName,
            Write("p.yaml", text.Replace("PROXY", $", proxy: \"{proxy.Url}\"", StringComparison.Ordinal)));
        Assert.Equal($"3 from {name}\n", Cat("x.sqfs", "opt/app/version"));
        Assert.All(proxy.Asked, target => Assert.StartsWith(url, target, StringComparison.Ordinal));
        Assert.Contains(proxy.Asked, target => target.EndsWith(kind == "deb" ? "InRelease" : "repomd.xml", StringComparison.Ordinal));
        Assert.All(image.GetProperty("manifest").GetProperty("sources")[0].GetProperty("packages").EnumerateArray(),
            p => Assert.Contains(p.GetProperty("urls")[0].GetString()!, proxy.Asked));
        File.Delete(In("x.sqfs"));
        AssertRefused(Build(Write("p.yaml", text.Replace("PROXY", "", StringComparison.Ordinal))), "p.yaml:", "cannot be reached");
    }

    /// <summary>
    /// Where the definition names no repository, or one without a URL: those of this host, which has some in the test's own namespace.
    /// </summary>
    [NeedsTheory(Repositories.Rpm, Needs.Root, "mount")]
    [InlineData("", "3 from base", "2 from base")]
    [InlineData("repositories: [{name: base}]\n", "3 from base", "2 from base")]
    [InlineData("repositories: [{name: base, priority: 5, exclude: [lib]}, {name: more}]\n", "3 from base", "1.5 from extra")]
    [InlineData("repositories: [{name: nothing}]\n", null,
        "h.yaml:3:23: repository 'nothing' has no URL, and this host has none of that name", "This host has: base, more, off")]
    [InlineData("repositories: [{name: off}]\n", null, "h.yaml:3:23: this host's repository 'off' has no key in a file", "trusted: true")]
    public void TheHostsOwnRepositoriesAreTaken(string repositories, string? app, params string[] says)
    {
        string etc = Mine("etc");
        Assert.Equal(0, Cli.Start(Environment.UserName, ["cp", "-a", "/etc", etc]).Wait().ExitCode);
        Directory.CreateDirectory(Path.Combine(etc, "yum.repos.d"));
        string Section(string name, string of, string more) =>
            $"[{name}]\nname={name} of the host\nbaseurl=file://{LocalRepositories.Path}/rpm/{of}-$releasever/../{of}\n{more}\n";
        File.WriteAllText(Path.Combine(etc, "yum.repos.d/site.repo"), "# of the site\n"
            + Section("base", "base", $"enabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://{LocalRepositories.Key("base")}\n")
            + Section("more", "extra", $"enabled=0\ngpgkey=file://{LocalRepositories.Key("extra")}\n")
            + Section("off", "site", "enabled=0\n"));
        foreach (string name in new[] { "base", "extra", "site" })
            Directory.CreateDirectory(Path.Combine(LocalRepositories.Path, $"rpm/{name}-9"));
        string definition = Write("h.yaml", "from: rpm\nrelease: \"9\"\n" + repositories + "packages: [app]\n");
        Cli.Result result = Cli.Start(
            Environment.UserName, ["unshare", "--mount", "bash", "-c",
                $"mount --bind '{etc}' /etc && TMPDIR='{In("tmp")}' SLIPWAY_STEP_CACHE_BYTES=0 exec '{Cli.Program}' build '{definition}' "
                    + $"-o '{In("x.sqfs")}' --package-cache '{In("cache/host")}'"]).Wait();
        if (app is null)
        {
            AssertRefused(result, says);
            return;
        }
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal($"{app}\n{says[0]}\n", Cat("x.sqfs", "opt/app/version") + Cat("x.sqfs", "opt/lib/version"));
        AssertNothingLeft("x.sqfs");
    }

    /// <summary>An image that knows nothing of Slipway: dnf and mksquashfs by hand.</summary>
    [NeedsTheory(Repositories.Rpm, Needs.Fuse, "squashfuse_ll", "unshare"), MemberData(nameof(Users))]
    public void AnImageOfRpmsThatWasMadeByHandRuns(string user)
    {
        string main = $"""
            [main]
            reposdir={In("none")}
            varsdir={In("none")}
            plugins=0
            cachedir={In("tmp/dnf")}
            logdir={In("tmp/dnf")}
            persistdir={In("tmp/dnf")}

            """;
        static string Section(string name, int i) => $"""
            [{name}]
            name={name}
            baseurl={LocalRepositories.Url("rpm/" + name)}
            gpgcheck=1
            gpgkey=file://{LocalRepositories.Key(name)}
            priority={99 - i}

            """;
        string conf = Write("dnf.conf", main + string.Concat(new[] { "base", "site", "extra" }.Select(Section)));
        Write("home/.rpmmacros", "%_dbpath /var/lib/rpm\n%_netsharedpath /dev:/proc:/sys\n");
        string[] within = user == "root" ? ["unshare", "--mount"] : ["unshare", "--map-root-user", "--map-auto", "--mount"];
        Cli.Result made = Cli.Start(user, [.. within, "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-ec", $"""
            export HOME='{In("home")}'
            dnf -q -y -c '{conf}' --installroot='{In("tmp/root")}' install app
            mksquashfs '{In("tmp/root")}' '{In("x.sqfs")}' -noappend -no-progress -quiet
            rm -rf '{In("tmp")}'/*
            """]).Wait();
        Assert.True(made.ExitCode == 0, made.Error + made.Output);
        AssertNothingLeft("x.sqfs");
        Cli.Result run = Cli.RunAs(user, "run", In("x.sqfs"), "--", "sh", "-c",
            "cat /opt/app/version /opt/lib/version; . /etc/os-release; echo $ID; id -u");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Matches("^1 from site\n1.5 from extra\nmini\n[0-9]+\n$", run.Output);
        Assert.Equal("", run.Error);
        // and is described and built upon as any other
        Assert.Equal("mini", JsonDocument.Parse(Cli.RunAs(user, "inspect", In("x.sqfs"), "--json").Output)
            .RootElement.GetProperty("distribution").GetProperty("id").GetString());
    }

    [NeedsTheory(Repositories.Rpm, Needs.Root)]
    [InlineData(true), InlineData(false)]
    public void OneLockGivesTheSameBytesToTwoUsersInTwoFoldersAtTwoTimes(bool deb)
    {
        string text = (deb ? Deb() : Rpm())
            + "files: [{from: note.txt, to: /opt/note.txt}]\nrun: [\"touch /opt/now; mkdir /opt/made\"]\nenvironment: {A: b}\n";
        Write("one/x.yaml", text);
        Write("one/note.txt", "note\n");
        string first = DigestOf("root", In("one/x.yaml"), "1.sqfs", "--lock-file", In("one/x.lock"));
        Thread.Sleep(2100);
        foreach (string user in new[] { "root", Cli.OtherUser }.OfType<string>())
        {
            Write($"{user}/x.yaml", text);
            Write($"{user}/note.txt", "note\n");
            File.Copy(In("one/x.lock"), In($"{user}/x.lock"));
            Assert.Equal(first, DigestOf(user, In($"{user}/x.yaml"), user + ".sqfs", "--lock-file", In($"{user}/x.lock")));
            Assert.Equal(File.ReadAllText(In("one/x.lock")), File.ReadAllText(In($"{user}/x.lock")));
        }
    }

    [NeedsTheory(Repositories.Rpm)]
    [InlineData(true), InlineData(false)]
    public void ALockIsObeyedNamesWhatIsGoneAndServesItFromACache(bool deb)
    {
        // a mirror of the test's own, from which a package goes
        string kind = deb ? "deb/mini" : "rpm/base", mirror = In("mirror");
        Cli.Start(Environment.UserName, ["cp", "-r", Path.Combine(LocalRepositories.Path, kind), mirror]).Wait();
        string text = (deb ? Deb("packages: [lib]\n") : Rpm("packages: [lib]\n"))
            .Replace(LocalRepositories.Url(kind), "file://" + mirror, StringComparison.Ordinal)
            .Replace("priority: 1001", "exclude: ['*']", StringComparison.Ordinal)
            .Replace("priority: 20", "exclude: ['*']", StringComparison.Ordinal)
            .Replace("priority: 10}", "exclude: ['*']}", StringComparison.Ordinal);
        string definition = Write("x.yaml", text), locked = In("x.lock"), user = Environment.UserName;
        Write("x.lock", "");
        File.Delete(locked);
        Write("mirror/note", "");
        string digest = DigestOf(user, definition, "1.sqfs", "--lock-file", locked), content = File.ReadAllText(locked);

        string package = Directory.GetFiles(mirror, "lib*2*", SearchOption.AllDirectories)[0];
        string cache = Directory.CreateDirectory(In("cache/kept")).FullName;
        File.Copy(package, Path.Combine(cache, Path.GetFileName(package)));
        File.Delete(package);
        Directory.Delete(In("cache/" + user), recursive: true);
        AssertRefused(Build(definition, "2.sqfs", "--lock-file", locked), "package 'lib' 2", "there is no such file", "-PackageCache");
        Assert.Equal(digest, DigestOf(user, definition, "2.sqfs", "--lock-file", locked, "--package-cache", cache));
        Assert.Equal(content, File.ReadAllText(locked));

        // another file under the package's name is not the package
        File.WriteAllText(Path.Combine(cache, Path.GetFileName(package)), "x");
        File.WriteAllText(package, "another");
        AssertRefused(Build(definition, "3.sqfs", "--lock-file", locked, "--package-cache", cache), "package 'lib' 2");

        Write("x.yaml", text.Replace("[lib]", "[lib, app]", StringComparison.Ordinal));
        AssertRefused(Build(definition, "3.sqfs", "--lock-file", locked), locked + ": the lock is of another definition", "--update-lock");
    }

    /// <summary>The user nobody has no subordinate ids.</summary>
    [NeedsTheory(Repositories.Rpm, Needs.Root, "fakeroot")]
    [InlineData(true), InlineData(false)]
    public void AUserWithoutSubordinateIdsBuildsWhatRootDoes(bool deb)
    {
        string definition = Write("x.yaml", (deb ? Deb() : Rpm()) + "run: [\"echo 1 >/opt/1; test $(id -u) = 0\"]\n");
        string locked = Mine("x.lock");
        string digest = DigestOf("root", definition, "root.sqfs", "--lock-file", locked);
        Assert.Equal(digest, DigestOfNobody(definition, locked));
        Assert.Contains("no subordinate ids", File.ReadAllText(Directory.GetFiles(In("cache/slipway/logs"))[0]), StringComparison.Ordinal);
    }

    /// <summary>
    /// busybox is linked statically where it is Debian's busybox-static: fakeroot does not see what it removes, and inodes' numbers come
    /// again.
    /// </summary>
    [NeedsFact(Repositories.Deb, Needs.Root, "fakeroot")]
    public void WhatFakerootDoesNotSeeRemovedIsNotInTheImage()
    {
        // of root's: taken away where they were made. Of others: in a later step, by what is made in the place of them
        const string Many = "for i in 1 2 3 4 5 6 7 8 9; do for j in 1 2 3 4 5 6; do",
            Directories = $"{Many} /usr/bin/mkdir -m 700 /opt/root/$i$j /opt/other/$i$j; /usr/bin/chown 12:13 /opt/other/$i$j; done; done",
            Files = $"{Many} echo >/opt/file$i$j; done; done",
            InTheirPlace = $"{Many} /usr/bin/mkdir -m 700 /opt/new$i$j; done; done",
            FilesInTheirPlace = $"{Many} echo >/opt/second$i$j; ln -s file /opt/link$i$j; done; done";
        string definition = Write("x.yaml", Deb() + $$"""
            run:
              - "/usr/bin/mkdir -p /opt/root /opt/other; {{Directories}}; rm -r /opt/root; {{Files}}; ln /opt/file11 /opt/again"
              - "rm -r /opt/other; {{InTheirPlace}}; {{FilesInTheirPlace}}"

            """), locked = Mine("x.lock");
        string digest = DigestOf("root", definition, "root.sqfs", "--lock-file", locked);
        Assert.Equal(digest, DigestOfNobody(definition, locked));
    }

    string DigestOfNobody(string definition, string locked)
    {
        Cli.Result result = Cli.Start(
            "nobody", ["env", "XDG_CACHE_HOME=" + In("cache"), "HOME=" + In("cache"), Cli.Program, "build", definition, "-o",
                In("nobody.sqfs"), "--lock-file", locked], directory.Path, new Dictionary<string, string> { ["TMPDIR"] = In("tmp") })
                    .Wait();
        Assert.True(result.ExitCode == 0, result.Error);
        AssertNothingLeft("nobody.sqfs");
        return Digest.OfFile(In("nobody.sqfs"));
    }

    [NeedsFact(Repositories.Rpm)]
    public void TheStepsBeforeAChangeAreNotTakenAgain()
    {
        Dictionary<string, string> environment = new() { ["TMPDIR"] = In("tmp"), ["XDG_CACHE_HOME"] = In("cache") };
        string user = Cli.OtherUser ?? Environment.UserName;
        (string Digest, string Error) Run(string text, string image)
        {
            Cli.Result result = Cli.Start(
                user, ["env", "XDG_CACHE_HOME=" + In("cache"), Cli.Program, "build", Write("x.yaml", text), "-o", In(image), "-v"],
                environment: environment).Wait();
            Assert.True(result.ExitCode == 0, result.Error);
            return (Digest.OfFile(In(image)), result.Error);
        }
        if (geteuid() == 0 && user == "root")
            return;
        string one = Rpm() + "run: [\"echo 1 >/opt/1\", \"echo 2 >/opt/2\"]\n";
        string two = one.Replace("echo 2", "echo 3", StringComparison.Ordinal);
        (string first, string said) = Run(one, "1.sqfs");
        Assert.Contains("installing packages", said, StringComparison.Ordinal);
        (string again, said) = Run(one, "2.sqfs");
        Assert.Equal(first, again);
        Assert.DoesNotContain("installing packages", said, StringComparison.Ordinal);
        Assert.DoesNotContain("packing", said, StringComparison.Ordinal);
        (string changed, said) = Run(two, "3.sqfs");
        Assert.NotEqual(first, changed);
        Assert.DoesNotContain("installing packages", said, StringComparison.Ordinal);
        Assert.Contains("running command 2 of 2", said, StringComparison.Ordinal);
        // what is made from kept steps is what is made without
        Directory.Delete(In("cache/slipway/steps"), recursive: true);
        Assert.Equal(changed, Run(two, "4.sqfs").Digest);
    }

    /// <summary>Of images that are kept, the one that was not asked for longest goes when there is more than the limit.</summary>
    [NeedsFact(Needs.Launcher, "mksquashfs", "newuidmap", "unshare")]
    public void TheStepCacheKeepsToItsLimit()
    {
        byte[] random = new byte[1 << 20];
        foreach (string name in new[] { "a", "b", "c" })
        {
            Random.Shared.NextBytes(random);
            directory.Write(name, random);
            Write($"{name}.yaml", $"from: empty\nfiles: [{{from: {name}, to: /file}}]\n");
        }
        // root's cache has its fixed place: this test's own lies there, in its own namespace
        string[] within = geteuid() != 0
            ? [] : ["unshare", "--mount", "bash", "-ec",
                "mkdir -p /var/cache/slipway/build \"$0\"; mount --bind \"$0\" /var/cache/slipway/build; exec \"$@\"", In("cache/slipway")];
        string log = "";
        bool Kept(string name, string limit = "2500000")
        {
            if (Directory.Exists(In("cache/slipway/logs")))
                Directory.Delete(In("cache/slipway/logs"), recursive: true);
            Cli.Result result = Cli.Start(
                Environment.UserName, ["env", "XDG_CACHE_HOME=" + In("cache"), .. within, Cli.Program, "build", In(name + ".yaml"), "-o",
                    In("x.sqfs")], directory.Path,
                new Dictionary<string, string> { ["TMPDIR"] = In("tmp"), [StepCache.LimitVariable] = limit }).Wait();
            Assert.True(result.ExitCode == 0, result.Error);
            File.Delete(In("x.sqfs"));
            Assert.InRange(Directory.GetFiles(In("cache/slipway/steps")).Sum(f => new FileInfo(f).Length), 1 << 20, 2_500_000);
            Assert.DoesNotContain(Directory.GetFiles(In("cache/slipway/steps")), f => f.EndsWith(".partial", StringComparison.Ordinal));
            log = string.Concat(Directory.GetFiles(In("cache/slipway/logs")).Select(File.ReadAllText));
            return log.Contains("the image was built before", StringComparison.Ordinal);
        }
        Assert.Equal([false, false, true, false, true, false], new[] { "a", "b", "a", "c", "a", "b" }.Select(name => Kept(name)));
        // one that was damaged is not taken
        string image = Directory.GetFiles(In("cache/slipway/steps"), "*.image").OrderBy(File.GetLastWriteTimeUtc).Last();
        byte[] bytes = File.ReadAllBytes(image);
        bytes[^5000] ^= 1;
        File.WriteAllBytes(image, bytes);
        Assert.False(Kept("b"));
        Assert.Contains("has changed since it was kept", log, StringComparison.Ordinal);
        Assert.True(Kept("b"));
        AssertNothingLeft("a", "b", "c");
    }

    [NeedsFact(Needs.Launcher, "mksquashfs", "newuidmap")]
    public void ADestinationThatHasTheImageAlreadyIsLeftAsItIs()
    {
        Write("note", "note\n");
        string definition = Write("x.yaml", $"from: empty\nfiles: [{{from: note, to: /{Guid.NewGuid():n}}}]\n");
        Cli.Result Again() => Cli.Start(
            Environment.UserName, ["env", "XDG_CACHE_HOME=" + In("cache"), Cli.Program, "build", definition, "-o", In("x.sqfs")],
            directory.Path, new Dictionary<string, string> { ["TMPDIR"] = In("tmp") }).Wait();
        Assert.Equal(0, Again().ExitCode);
        Assert.True(stat(In("x.sqfs"), out Tmds.Linux.statx first) == 0);
        Assert.Equal(0, Again().ExitCode);
        Assert.True(stat(In("x.sqfs"), out Tmds.Linux.statx second) == 0);
        Assert.Equal(first.stx_ino, second.stx_ino);
        string digest = Digest.OfFile(In("x.sqfs"));
        // of the same size, and not the same
        using (FileStream file = new(In("x.sqfs"), FileMode.Open))
        {
            file.Position = 100;
            file.WriteByte(77);
        }
        Assert.Equal(0, Again().ExitCode);
        Assert.Equal(digest, Digest.OfFile(In("x.sqfs")));
        AssertNothingLeft("x.sqfs");
    }
}
