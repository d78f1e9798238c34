using System.Globalization;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary>The files in /etc that make a user known and hosts found inside: made of the image's and the host's.</summary>
static unsafe class EtcFiles
{
    /// <summary>File name and content.</summary>
    /// <param name="image">Reads a file of the image's /etc; null where it has none.</param>
    public static IEnumerable<(string Name, string Content)> Make(Func<string, string?> image)
    {
        uint uid = getuid();
        string user = HostLine("passwd", uid) ?? string.Create(CultureInfo.InvariantCulture, $"user{uid}:x:{uid}:{getgid()}::/:/bin/sh");
        string[] own = user.Split(':');
        // a shell of the host need not be in the image
        if (own.Length == 7)
            own[6] = "/bin/sh";
        yield return ("passwd", Merge(image("passwd"), [string.Join(':', own)]));
        yield return ("group", Merge(image("group"),
            [.. Groups().Select(gid => HostLine("group", gid) ?? string.Create(CultureInfo.InvariantCulture, $"group{gid}:x:{gid}:"))]));
        yield return ("nsswitch.conf", LocalFirst(image("nsswitch.conf")));
        foreach (string name in new[] { "hosts", "resolv.conf" })
            if (OpenedFile.TryTextNamed("/etc/" + name) is { } text)
                yield return (name, text);
    }

    static HashSet<uint> Groups()
    {
        gid_t* list = stackalloc gid_t[4096];
        int n = getgroups(4096, list);
        HashSet<uint> groups = [getgid()];
        for (int i = 0; i < n; i++)
            groups.Add(list[i]);
        return groups;
    }

    /// <summary>A line of the host's user or group database by number: the file first, then whatever the site has (getent(1)).</summary>
    static string? HostLine(string database, uint id)
    {
        string number = id.ToString(CultureInfo.InvariantCulture);
        string? line = OpenedFile.TryTextNamed("/etc/" + database)?.Split('\n').FirstOrDefault(l => Field(l, 2) == number);
        return line ?? HostProgram.Read("getent", database, number)?.Split('\n').FirstOrDefault(l => Field(l, 2) == number);
    }

    static string? Field(string line, int n) => line.Split(':') is { } fields && fields.Length > n ? fields[n] : null;

    /// <summary>Our lines first, then those of the image that neither name nor number one of ours.</summary>
    static string Merge(string? image, string[] own)
    {
        HashSet<string?> taken = [.. own.Select(l => Field(l, 0)), .. own.Select(l => Field(l, 2))];
        IEnumerable<string> rest = (image ?? "").Split('\n')
            .Where(l => Field(l, 2) is { } number && !taken.Contains(number) && !taken.Contains(Field(l, 0)) && !l.Contains('\0'));
        return string.Join('\n', [.. own, .. rest]) + "\n";
    }

    /// <summary>Users, groups and hosts are looked up in the files that we wrote before anything else.</summary>
    static string LocalFirst(string? image)
    {
        string[] databases = ["passwd", "group", "hosts"];
        List<string> lines = [.. (image ?? "").Split('\n').Where(l => l.Length > 0)];
        foreach (string database in databases)
        {
            int at = lines.FindIndex(l => l.StartsWith(database + ":", StringComparison.Ordinal));
            string services = at < 0 ? (database == "hosts" ? "dns" : "") : lines[at][(database.Length + 1)..];
            IEnumerable<string> others = services.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)
                .Where(s => s != "files");
            string line = $"{database}: {string.Join(' ', others.Prepend("files"))}";
            if (at < 0)
                lines.Add(line);
            else
                lines[at] = line;
        }
        return string.Join('\n', lines) + "\n";
    }
}
