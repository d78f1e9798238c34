using System.Globalization;
using Slipway.Cache;
using Slipway.Linux;
using Slipway.Staging.Node;

namespace Slipway.Staging.Controller;

/// <summary>
/// Finds <c>slipway</c> on a node, or brings it there: the same file at the same path (by size, time and owner), or the copy of before,
/// under its digest in a directory of the user's own. Either way it is at one path on every node then, which a launch can name.
/// </summary>
sealed class ProgramBundle
{
    readonly string path;
    readonly List<(string Name, string Path, long Size, string Digest)> files = [];

    ProgramBundle(string path) => this.path = path;

    /// <summary>This host's own, with what belongs to it and lies beside it.</summary>
    public static ProgramBundle Own { get; } = Describe();

    /// <summary>What the copy is called on every node.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Makes it be found on this node where it is on every other (<see cref="ProgramPlace"/>).</summary>
    /// <exception cref="SlipwayException">It cannot be.</exception>
    public string LinkHere()
    {
        string at = ProgramPlace.Of(Name);
        if (File.Exists(at))
            return at;
        // the script's own way: what it finds right for a node is right for us. What it starts then is asked nothing, and says so
        HostProgram.Run("sh", ["-c", Script, "slipway", .. Arguments("", bring: false)], _ => { }, _ => { });
        return File.Exists(at) ? at : path;
    }

    static ProgramBundle Describe()
    {
        ProgramBundle bundle = new(SlipwayProgram.Path);
        foreach ((string name, string file) in new[] { ("slipway", bundle.path), ("slipway-full", bundle.path + "-full") })
            if (File.Exists(file))
                bundle.files.Add((name, file, new FileInfo(file).Length, DigestOf(file)[Digest.Prefix.Length..]));
        bundle.Name = string.Join('-', bundle.files.Select(f => f.Digest[..16]));
        return bundle;
    }

    /// <summary>Hashed once: after that the record of it tells, as with images. Nodes check what they get by themselves.</summary>
    static string DigestOf(string file)
    {
        if (stat(file, out statx found) == 0 && NodeCache.FindPublished(file, found) is { } known)
            return known;
        string digest = Digest.OfFile(file);
        if (NodeCache.IsSafe(NodeCache.Own))
            NodeCache.WriteRecord(NodeCache.Own, file, SourceStamp.Of(found), digest);
        return digest;
    }

    // One line, and no single quote: it goes through the login shells of nodes, whatever those are. $1 name, $2 our path or -, $3 its size
    // and time, $4 the request, then for each file name, size and digest, where they are to be read from standard input.
    const string Script =
        "LC_ALL=C; export LC_ALL; n=$1; p=$2; s=$3; r=$4; shift 4; umask 022; u=$(id -u); if [ \"$u\" = 0 ]; then c=/var/cache/slipway; "
        + "m=755; else c=/var/tmp/slipway-$u; m=700; fi; " +
        "say() { echo \"slipway-stage ${SLURMD_NODENAME:--} ={\\\"kind\\\":\\\"$1\\\"$2}\"; }; " +
        "die() { say failed \",\\\"error\\\":" +
        "{\\\"id\\\":\\\"LauncherNotBrought\\\",\\\"kind\\\":\\\"WriteError\\\",\\\"message\\\":\\\"$1\\\"}\"; exit 1; }; " +
        // where somebody else has taken the name, the one that OwnDirectory.Find finds, or another
        "own() { [ \"$(stat -c \"%u %a %F\" \"$1\" 2>/dev/null)\" = \"$u $m directory\" ]; }; mkdir -m $m \"$c\" 2>/dev/null; " +
        "if [ \"$u\" != 0 ] && [ \"$(stat -c \"%u %F\" \"$c\" 2>/dev/null)\" != \"$u directory\" ]; then d=$c; for c in \"$d\"-*; "
        + "do own \"$c\" && break; done; own \"$c\" || c=$(mktemp -d \"$d-XXXXXXXX\") || c=$d; fi; " +
        "if ! own \"$c\"; then die \"$c: others could have written to this directory: have it removed, "
        + "or its owner and mode mended\"; fi; " +
        "l=$c/launcher/$n; if [ -d \"$l\" ] && [ -L \"$l\" ]; then :; elif [ -x \"$l/slipway\" ]; "
        + "then exec \"$l/slipway\" stage \"$r\"; fi; " +
        "if [ \"$p\" != - ] && [ -x \"$p\" ]; then case \"$(stat -L -c \"%u %s.%Y\" \"$p\")\" in \"0 $s\"|\"$u $s\") "
        + "mkdir -p \"$c/launcher\"; ln -sfn \"${p%/*}\" \"$l\"; exec \"$p\" stage \"$r\";; esac; fi; " +
        "if [ $# = 0 ]; then say lacks-program; exit 97; fi; " +
        "mkdir -p \"$c/launcher\" && t=$(mktemp -d \"$c/launcher/.XXXXXXXX\") || die \"$c/launcher: slipway cannot be written there\"; "
        + "trap \"rm -rf \\\"$t\\\"\" EXIT; " +
        "while [ $# -gt 0 ]; do head -c \"$2\" >\"$t/$1\" || die \"$c/launcher: slipway cannot be written there: the disk is full\"; " +
        "[ \"$(sha256sum <\"$t/$1\")\" = \"$3  -\" ] || die \"slipway did not arrive whole\"; chmod 755 \"$t/$1\"; shift 3; done; " +
        "chmod 755 \"$t\"; [ -L \"$l\" ] && rm -f \"$l\"; mv -T \"$t\" \"$l\" 2>/dev/null || [ -x \"$l/slipway\" ] || die \"$l: "
        + "cannot be put into place\"; rm -rf \"$t\"; exec \"$l/slipway\" stage \"$r\"";

    public static string ScriptText => Script;

    /// <summary>The script ends with this where the node has no <c>slipway</c> and none was sent.</summary>
    public const int LacksExitCode = 97;

    /// <param name="bring">The files follow on the standard input of the script.</param>
    public List<string> Arguments(string request, bool bring)
    {
        List<string> arguments = [Name];
        // a path that a shell could take for more is not tried
        bool plain = !path.AsSpan().ContainsAnyExcept("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-");
        FileInfo own = new(path);
        arguments.Add(plain ? path : "-");
        arguments.Add(
            string.Create(CultureInfo.InvariantCulture, $"{own.Length}.{new DateTimeOffset(own.LastWriteTimeUtc).ToUnixTimeSeconds()}"));
        arguments.Add(request);
        if (bring)
            foreach ((string name, _, long size, string digest) in files)
                arguments.AddRange([name, size.ToString(CultureInfo.InvariantCulture), digest]);
        return arguments;
    }

    /// <summary>What <see cref="Arguments"/> with bring says will follow.</summary>
    public void WriteTo(Stream stream)
    {
        foreach ((_, string file, _, _) in files)
            using (FileStream from = OpenedFile.Named(file))
                from.CopyTo(stream);
        stream.Flush();
    }
}
