using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>
/// What a rank has to know of its holder: a flat file <c>NAME.entry</c> beside the holder's socket (<see cref="HolderFields"/>). The holder
/// prepares it once; every rank reads it.
/// </summary>
sealed unsafe class HolderEntry
{
    /// <summary>Of this file and of the socket's protocol; part of every key, so that two versions never meet.</summary>
    public static readonly string Version = Encoding.UTF8.GetString(RankTables.HolderVersion);

    public required string Key { get; init; }

    /// <summary>Of the holder; what its welcome says (<see cref="HolderSocket"/>) must be the same.</summary>
    public required int Pid { get; init; }

    /// <summary>Directories of the host that are seen at the same path inside: a working directory below one of them is kept.</summary>
    public List<string> Visible { get; init; } = [];

    /// <summary>Variables that the image or the fabric plan sets, as NAME=VALUE.</summary>
    public List<string> Environment { get; init; } = [];

    /// <summary>What runs when no command is given; null where the image has nothing.</summary>
    public string? Runscript { get; init; }

    /// <summary>As the file has it.</summary>
    public string Text()
    {
        StringBuilder text = new();
        void Field(byte kind, string value) => text.Append((char)kind).Append(value).Append('\0');
        Field(HolderFields.VersionKind, Version);
        Field(HolderFields.KeyKind, Key);
        Field(HolderFields.PidKind, Pid.ToString(CultureInfo.InvariantCulture));
        if (Runscript is not null)
            Field(HolderFields.RunscriptKind, Runscript);
        Visible.ForEach(v => Field(HolderFields.VisibleKind, v));
        Environment.ForEach(e => Field(HolderFields.VariableKind, e));
        Field(HolderFields.EndKind, ""); // a file without it was cut
        return text.ToString();
    }

    public void Write(HolderFiles files)
    {
        if (!OpenedFile.Write(files.PartialEntry, Text(), Mode.rw_______) || rename(files.PartialEntry, files.Entry) != 0)
            throw RunningErrors.NotWritten("the holder's entry cannot be written", errno);
    }

    /// <summary>True where another version of Slipway wrote it, whose holders tell by other means that they live.</summary>
    public static bool IsOfAnotherVersion(string path) => OpenedFile.TryTextFound(path) is ['v', ..] text
        && !text.StartsWith($"v{Version}\0", StringComparison.Ordinal);

    /// <summary>Null where there is none, or it is cut, or of another version.</summary>
    public static HolderEntry? Read(string path)
    {
        if (OpenedFile.TryTextFound(path) is not { } text)
            return null;
        byte[] bytes = Encoding.UTF8.GetBytes(text + '\0'); // with the room that its reader wants
        fixed (byte* start = bytes)
            return HolderFields.TryRead(start, bytes.Length - 1, out HolderFields fields) ? new HolderEntry
            {
                Key = Text(fields.Key),
                Pid = fields.Pid,
                Runscript = fields.Runscript == null ? null : Text(fields.Runscript),
                Visible = Many(fields, HolderFields.VisibleKind),
                Environment = Many(fields, HolderFields.VariableKind),
            } : null;
    }

    static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text)!;

    static List<string> Many(HolderFields fields, byte kind)
    {
        List<string> values = [];
        for (byte* value = null; (value = fields.Next(kind, value)) != null;)
            values.Add(Text(value));
        return values;
    }
}
