using System.Text.Json;
using Slipway.Linux;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Scenarios;

/// <summary>What a container has chosen stays, and what changed is seen, whatever its times say.</summary>
public sealed class HeldEntryTests
{
    static string Image(Slipway.Tests.RunSite site, string name = "app.sqfs") =>
        TinyImage.Make(Path.Combine(site.Scratch, name),
            root => File.WriteAllText(Path.Combine(root, "unique"), Guid.NewGuid().ToString()));

    /// <summary>A site whose user's cache is its own.</summary>
    static Cli.Result Do(Slipway.Tests.RunSite site, string script, params string[] arguments)
    {
        File.WriteAllText(site.Scratch + "/config.yaml", $"cache: {site.Scratch}\n");
        return site.Start(["/bin/sh", "-c", script, "sh", Cli.Program, .. arguments],
            new Dictionary<string, string> { ["SLIPWAY_CONFIG"] = site.Scratch + "/config.yaml" }).Wait(240);
    }

    public static TheoryData<int> HidePids => new(0, 1, 2);

    [NeedsTheory(Needs.Launcher, Needs.Fuse, Needs.OtherUser, "busybox", "mksquashfs", "squashfuse_ll", "flock")]
    [MemberData(nameof(HidePids))]
    public void AnEntryThatIsHeldIsNeitherClearedNorRemoved(int hidePid)
    {
        using Slipway.Tests.RunSite site = new(Cli.OtherUser!) { HidePid = hidePid };
        string image = Image(site);
        // by a container; and by one that has only just chosen it, as flock(1) stands for
        Cli.Result result = Do(site, """
            entry=$("$1" publish "$2" --json | sed -n 's/.*"path":"\([^"]*sha256[^"]*\)".*/\1/p') || exit
            [ -f "$entry" ] || { echo "no entry: $entry"; exit; }
            "$1" run "$2" -- sh -c 'echo running >"$1"; exec sleep 100' sh "$3" & rank=$!
            until [ -s "$3" ]; do sleep 0.1; done
            "$1" cache clear; [ -f "$entry" ] && echo there
            "$1" cache remove sha256:${entry##*/} 2>&1 | grep -o 'is in use: container' || "$1" cache remove sha256:${entry##*/}
            kill $rank; wait; sleep 1
            flock --shared "$entry" sh -c 'echo $$ held >"$0"; exec sleep 100' "$3" & until grep -q held "$3"; do sleep 0.1; done
            "$1" cache clear; [ -f "$entry" ] && echo there
            "$1" cache remove sha256:${entry##*/} >/dev/null 2>&1 || echo refused
            kill $(cut -d ' ' -f 1 "$3"); wait
            until flock --nonblock "$entry" true; do sleep 0.1; done
            "$1" cache clear >/dev/null; [ -f "$entry" ] || echo gone
            """, image, site.Scratch + "/running");
        Assert.Equal(("there\nis in use: container\nthere\nrefused\ngone\n", ""), (result.Output, result.Error));
        site.AssertNothingLeft();
    }

    /// <summary>
    /// Root clears while a user's container runs on an entry of root's, and the user's processes are not to be seen by others.
    /// </summary>
    [NeedsFact(Needs.Launcher, Needs.Fuse, Needs.OtherUser, "busybox", "mksquashfs", "squashfuse_ll")]
    public void AnotherUsersContainerHoldsRootsEntry()
    {
        using Slipway.Tests.RunSite site = new(Cli.OtherUser!) { HidePid = 2 };
        string image = Image(site);
        JsonElement placement = JsonDocument.Parse(Cli.Run("publish", image, "--json").Output).RootElement.GetProperty("placements")[0];
        string entry = placement.GetProperty("path").GetString()!, digest = placement.GetProperty("digest").GetString()!;
        site.StartRun("--job", "k", digest, "--", "sleep", "100");
        Slipway.Tests.RunSite.WaitUntil(() => site.Pids("sleep").Any(), "a rank sleeps");
        Cli.Result refused = Cli.Run("cache", "remove", digest);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("is in use", refused.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(entry));
        foreach (int rank in site.Pids("sleep"))
            kill(rank, SIGKILL);
        site.AssertNothingLeft();
        Assert.Equal(0, Cli.Run("cache", "remove", digest).ExitCode);
        Assert.False(File.Exists(entry));
    }

    /// <summary>Publishing, clearing, describing and starting of one image at the same time: none ever fails.</summary>
    [NeedsTheory(Needs.Launcher, Needs.Fuse, Needs.OtherUser, "busybox", "mksquashfs", "squashfuse_ll")]
    [InlineData(0), InlineData(2)]
    public void ACacheThatIsClearedAllTheTimeStopsNobody(int hidePid)
    {
        using Slipway.Tests.RunSite site = new(Cli.OtherUser!) { HidePid = hidePid };
        Cli.Result result = Do(site, """
            end=$(($(date +%s) + 6))
            again() { while [ $(date +%s) -lt $end ]; do "$@" >/dev/null || echo "failed: $*"; done; }
            again "$1" publish "$2" & again "$1" cache clear & again "$1" inspect "$2" & again "$1" publish "$2" &
            i=0; while [ $(date +%s) -lt $end ]; do i=$((i+1)); "$1" run --job $i "$2" -- true || echo "failed: run $i"; done
            wait
            """, Image(site));
        Assert.Equal(("", ""), (result.Output, result.Error));
        site.AssertNothingLeft();
    }

    /// <summary>Changed in place, with its size and its time of modification as they were.</summary>
    [NeedsTheory(Needs.Launcher, Needs.Fuse, Needs.OtherUser, "busybox", "mksquashfs", "squashfuse_ll")]
    [InlineData("cat \"$3\" >\"$2\"; touch -r \"$4\" \"$2\""),
        InlineData("dd if=\"$3\" of=\"$2\" conv=notrunc status=none; touch -r \"$4\" \"$2\""),
        InlineData("touch -r \"$4\" \"$3\"; cp -p \"$3\" \"$2\""),
     InlineData("touch -r \"$4\" \"$3\"; exec 3<\"$3\" 4<>\"$2\"; cat <&3 >&4; exec 3<&- 4>&-; touch -r \"$4\" \"$2\"")]
    public void AChangeInPlaceIsSeenWhateverItsTimeSays(string change)
    {
        using Slipway.Tests.RunSite site = new(Cli.OtherUser!);
        string image = Image(site), other = Path.Combine(site.Scratch, "other.sqfs");
        // another content of the same size
        byte[] bytes = File.ReadAllBytes(image);
        do
            Image(site, "other.sqfs");
        while (new FileInfo(other).Length > bytes.Length);
        byte[] changed = [.. File.ReadAllBytes(other), .. new byte[bytes.Length - new FileInfo(other).Length]];
        File.WriteAllBytes(other, changed);
        foreach (string file in new[] { image, other })
            Assert.Equal(0, HostProgram.Run("chown", [site.User, file]));
        Cli.Result result = Do(site, $$"""
            cp -p "$2" "$4"
            "$1" publish "$2" >/dev/null && "$1" run "$2" -- cat /unique && echo
            {{change}}
            [ "$(stat -c '%s %Y' "$2")" = "$(stat -c '%s %Y' "$4")" ] || echo "the change shows"
            "$1" run "$2" -- cat /unique && echo
            "$1" inspect "$2" | grep -o 'sha256:[0-9a-f]*' | head -n 1
            "$1" publish "$2" >/dev/null && "$1" run "$2" -- cat /unique && echo
            """, image, other, image + ".before");
        string[] lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length == 4 && result.Error.Length == 0, result.ToString());
        Assert.NotEqual(lines[0], lines[1]);
        Assert.Equal(Digest.OfFile(other), lines[2]);
        Assert.Equal(lines[1], lines[3]);
    }
}
