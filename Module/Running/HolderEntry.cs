using System.Globalization;
using System.Text;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>
/// What a rank has to know of its holder: a flat file <c>NAME.entry</c> beside the holder's socket, fields ended by a zero byte, the first character of
/// each telling its kind. The holder prepares it once; every rank reads it.
/// </summary>
sealed class HolderEntry
{
    /// <summary>Of this file and of the socket's protocol; part of every key, so that two versions never meet.</summary>
    public static readonly string Version = Encoding.UTF8.GetString(RankTables.HolderVersion);

    /// <summary>Ends the name of an entry that is being written.</summary>
    public const string Partial = ".new";

    public required string Key { get; init; }

    /// <summary>Of the holder; what its welcome says (Holder.Welcome) must be the same.</summary>
    public required int Pid { get; init; }

    /// <summary>Directories of the host that are seen at the same path inside: a working directory below one of them is kept.</summary>
    public List<string> Visible { get; init; } = [];

    /// <summary>Variables that the image or the fabric plan sets, as NAME=VALUE.</summary>
    public List<string> Environment { get; init; } = [];

    /// <summary>What runs when no command is given; null where the image has nothing.</summary>
    public string? Runscript { get; init; }

    /// <summary>The rung by which the image is mounted (<see cref="ImageMount.Rung"/>), for <c>--explain</c>.</summary>
    public string Mount { get; init; } = "";

    /// <summary>As the file has it.</summary>
    public string Text()
    {
        StringBuilder text = new();
        void Field(char kind, string value) => text.Append(kind).Append(value).Append('\0');
        Field('v', Version);
        Field('k', Key);
        Field('p', Pid.ToString(CultureInfo.InvariantCulture));
        if (Runscript is not null)
            Field('r', Runscript);
        Field('m', Mount);
        Visible.ForEach(v => Field('d', v));
        Environment.ForEach(e => Field('e', e));
        Field('.', ""); // the end: a file without it was cut
        return text.ToString();
    }

    public void Write(string path)
    {
        if (!OpenedFile.Write(path + Partial, Text(), Mode.rw_______) || rename(path + Partial, path) != 0)
            throw new SlipwayException("NoRuntimeDirectory", ErrorKind.WriteError, $"the holder's entry cannot be written (errno {errno})", "Check that the disk of the runtime directory is not full.");
    }

    /// <summary>True where another version of Slipway wrote it, whose holders tell by other means that they live.</summary>
    public static bool IsOfAnotherVersion(string path) => OpenedFile.TryTextFound(path) is ['v', ..] text && !text.StartsWith($"v{Version}\0", StringComparison.Ordinal);

    /// <summary>Null where there is none, or it is cut, or of another version.</summary>
    public static HolderEntry? Read(string path)
    {
        string[]? fields = OpenedFile.TryTextFound(path)?.Split('\0');
        if (fields is null || fields.Length < 5 || fields[0] != "v" + Version || fields[^2] != "." || fields[^1].Length > 0)
            return null;
        string? One(char kind) => Array.Find(fields, f => f.StartsWith(kind)) is { } found ? found[1..] : null;
        List<string> Many(char kind) => [.. fields.Where(f => f.StartsWith(kind)).Select(f => f[1..])];
        return int.TryParse(One('p'), CultureInfo.InvariantCulture, out int pid) && pid > 0 && One('k') is { } key
            ? new HolderEntry { Key = key, Pid = pid, Runscript = One('r'), Mount = One('m') ?? "", Visible = Many('d'), Environment = Many('e') }
            : null;
    }
}
