namespace Slipway.Tests.Scenarios;

/// <summary>
/// Names in directories that everybody may write to, taken before the user comes: another place is found, the same by all ranks, and said.
/// </summary>
public sealed class SquatterTests
{
    /// <summary>
    /// A node whose /tmp, /dev/shm, /var/tmp and /run are its own and empty, made by root; <c>$1</c> is the launcher, <c>$2</c> the image,
    /// <c>as_user</c> runs as the user of the site.
    /// </summary>
    static Cli.Result OnNode(RunSite site, string script)
    {
        string launcher = Path.Combine(site.Scratch, "slipway"), image = Path.Combine(site.Scratch, "image.sqfs");
        if (!File.Exists(launcher))
        {
            foreach (string file in Directory.GetFiles(Path.GetDirectoryName(Cli.Program)!, "slipway*"))
                File.Copy(file, Path.Combine(site.Scratch, Path.GetFileName(file)));
            File.Copy(TinyImage.File, image);
        }
        return Cli.Start("root", ["unshare", "--mount", "sh", "-c", $$"""
            for d in /tmp /dev/shm /var/tmp; do mount -t tmpfs -o mode=1777 t $d || exit; done
            for d in /run /var/cache; do mount -t tmpfs -o mode=755 t $d || exit; done
            user={{site.User}} uid=$(id -u {{site.User}})
            as_user() { runuser -u $user -- env -u XDG_RUNTIME_DIR HOME=${HOME_OF:-/home/$user} "$@"; }
            cd /
            {{script}}
            """, "sh", launcher, image]).Wait(120);
    }

    /// <summary>A file, a link, directories: all of somebody else.</summary>
    public static TheoryData<string> Kinds => new("mkdir -m 700", ": >", "ln -s /home", "mkdir -m 777", "mkfifo");

    [NeedsTheory(Needs.Launcher, Needs.Fuse, Needs.ThirdUser, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Kinds))]
    public void AnotherRuntimeDirectoryIsFoundAndSaidOnce(string kind)
    {
        foreach ((int taken, bool full) in new[] { (1, false), (2, false), (3, false), (4, false), (1, true), (4, true) })
        {
            using RunSite site = new(Cli.ThirdUser!, "/var/lib");
            string take = kind.EndsWith('>') ? kind : kind + " ";
            Cli.Result result = OnNode(site, $$"""
                mkdir -p /run/user/$uid && chown $user /run/user/$uid && chmod 700 /run/user/$uid
                places="/tmp/slipway-$uid /dev/shm/slipway-$uid /run/user/$uid/slipway /var/tmp/slipway-run-$uid"
                for place in $(printf '%s\n' $places | head -n {{taken}}); do {{take}}$place; done
                {{(full ? $": >{site.Scratch}/config.yaml; export SLIPWAY_CONFIG={site.Scratch}/config.yaml" : "")}}
                rank() { as_user "$1" run --job k "$2" -- sh -c 'readlink /proc/self/ns/user; sleep 0.4'; }
                rank "$@" & rank "$@" & rank "$@" & wait
                for i in 1 2 3 4 5 6 7 8; do
                    sleep 0.2
                    ls /tmp /dev/shm /var/tmp /run/user/$uid/slipway /tmp/slipway-* /dev/shm/slipway-* /var/tmp/slipway-* 2>/dev/null |
                        grep -q '\.sock' || break
                done
                ls -R /tmp /dev/shm /var/tmp /run/user/$uid | grep -c '\.sock'
                """);
            string[] lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(lines.Length == 4 && lines[..3].Distinct().Count() == 1 && lines[3] == "0",
                $"{taken} taken by {kind}, {(full ? "full launcher" : "front")}: {result}");
            string warning = Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.Contains("warning: the runtime directory is ", warning, StringComparison.Ordinal);
            string next = taken switch
            {
                1 => "/dev/shm/slipway-",
                2 => "/run/user/",
                3 => "/var/tmp/slipway-run-",
                _ => "/tmp/slipway-",
            };
            Assert.Contains(next, warning, StringComparison.Ordinal);
        }
    }

    /// <summary>Who has a directory keeps to it, though a better place comes free meanwhile.</summary>
    [NeedsFact(Needs.Launcher, Needs.Fuse, Needs.ThirdUser, "busybox", "mksquashfs", "squashfuse_ll")]
    public void RanksMeetThoughPlacesAreFreedMeanwhile()
    {
        using RunSite site = new(Cli.ThirdUser!, "/var/lib");
        Cli.Result result = OnNode(site, """
            mkdir /tmp/slipway-$uid
            rank() { as_user "$1" run --job k "$2" -- sh -c 'readlink /proc/self/ns/user; sleep '$3; }
            rank "$@" 2 & sleep 1
            rmdir /tmp/slipway-$uid
            rank "$@" 0
            as_user "$1" run --explain --job k "$2" -- readlink /proc/self/ns/user 2>/dev/null
            wait
            """);
        string[] lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length == 3 && lines.Distinct().Count() == 1, result.ToString());
    }

    [NeedsTheory(Needs.Launcher, Needs.Fuse, Needs.ThirdUser, "busybox", "mksquashfs", "squashfuse_ll")]
    [MemberData(nameof(Kinds))]
    public void AnotherCacheIsFoundAndNothingIsMadeInWhatIsTaken(string kind)
    {
        using RunSite site = new(Cli.ThirdUser!, "/var/lib");
        Cli.Result result = OnNode(site, $$"""
            mkdir -m 777 /var/tmp/trap
            {{(kind == "ln -s /home" ? "ln -s /var/tmp/trap " : kind.EndsWith('>') ? kind : kind + " ")}}/var/tmp/slipway-$uid
            chown -h nobody /var/tmp/slipway-$uid
            as_user "$1" publish "$2" >/dev/null || exit
            as_user "$1" publish "$2" >/dev/null || exit
            ls -d /var/tmp/slipway-$uid-*/sha256/* | wc -l
            as_user "$1" cache list --json | grep -c "/var/tmp/slipway-$uid-"
            as_user "$1" run --explain "$2" -- true 2>&1 | grep -c "^image.*/var/tmp/slipway-$uid-"
            as_user "$1" run "$2" -- echo in
            sleep 1; as_user "$1" cache clear >/dev/null; ls /var/tmp/slipway-$uid-*/sha256 | wc -l
            ls -A /var/tmp/trap | wc -l
            """);
        Assert.Equal(("1\n1\n1\nin\n0\n0\n", ""), (result.Output, result.Error));
    }

    /// <summary>
    /// One that is the user's own, but that others may write to, is an error as before: who made it so may have had a reason.
    /// </summary>
    [NeedsTheory(Needs.Launcher, Needs.ThirdUser, "busybox", "mksquashfs")]
    [InlineData("chmod 777 /var/tmp/slipway-$uid"),
        InlineData("rm -rf /var/tmp/slipway-$uid/sha256; ln -s /var/tmp/trap /var/tmp/slipway-$uid/sha256"),
        InlineData("chown nobody /var/tmp/slipway-$uid/checked"), InlineData("chmod 777 /var/tmp")]
    public void AnUnsafeCacheIsRefusedBeforeAnythingIsMade(string how)
    {
        using RunSite site = new(Cli.ThirdUser!, "/var/lib");
        Cli.Result result = OnNode(site, $$"""
            mkdir -m 777 /var/tmp/trap
            as_user "$1" publish "$2" >/dev/null || exit
            {{how}}
            as_user "$1" publish "$2"; echo $?; ls -A /var/tmp/trap | wc -l
            """);
        Assert.Equal("1\n0\n", result.Output);
        Assert.Contains("another user could have written to this cache", result.Error, StringComparison.Ordinal);
    }
}
