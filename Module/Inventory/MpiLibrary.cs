using System.Text;
using Slipway.Linux;
using Slipway.Readers;
using Slipway.Readers.Elf;

namespace Slipway.Inventory;

/// <summary>Tells which MPI a library is: by what it exports and has in it, never by its name alone.</summary>
static class MpiLibrary
{
    public const string OpenMpi = "Open MPI";

    /// <param name="path">Inside the root.</param>
    /// <param name="outside">The file itself.</param>
    public static ImageMpi Read(string soname, string path, string outside, ElfFile elf, ProviderTable table)
    {
        try
        {
            IReadOnlyList<string> exports = ElfFile.ReadExports(outside);
            HashSet<string> texts = Contained(
                outside, table.MpiFamilies.Select(f => f.Text).OfType<string>()
                .Concat(table.MpiFamilies.SelectMany(f => f.SpeaksByText.Keys)));
            if (table.MpiFamilies.FirstOrDefault(f => Fits(f, soname, elf, exports, texts)) is { } row)
                return new ImageMpi(soname, path, row.Family)
                {
                    Flavour = row.Flavour,
                    Version = row.Version.Count > 0 && ElfFile.ReadText(outside, row.Version) is { Length: > 0 } version ? version : null,
                    Speaks = row.Speaks.Concat(row.SpeaksByText.Where(s => texts.Contains(s.Key)).Select(s => s.Value))
                        .Concat(row.SpeaksByLibrary.Where(s => elf.Needed.Any(n => PathPattern.MatchesName(s.Key, n))).Select(s => s.Value))
                        .Distinct().ToList(),
                };
        }
        catch (Exception e) when (e is ElfFormatException or IOException or UnauthorizedAccessException)
        {
            // then it is an MPI library of no known family
        }
        return new ImageMpi(soname, path, null);
    }

    static bool Fits(MpiFamilyRow row, string soname, ElfFile elf, IReadOnlyList<string> exports, HashSet<string> texts) =>
        (row.Sonames.Count == 0 || row.Sonames.Any(s => PathPattern.MatchesName(s, soname)))
        && (row.Exports.Any(e => exports.Any(x => PathPattern.MatchesName(e, x)))
            || row.Needs.Any(n => elf.Needed.Any(x => PathPattern.MatchesName(n, x))))
        && (row.Text is null || texts.Contains(row.Text));

    /// <summary>Those of the texts that a file has in it.</summary>
    static HashSet<string> Contained(string path, IEnumerable<string> texts)
    {
        Dictionary<string, byte[]> sought = texts.Distinct().ToDictionary(t => t, Encoding.ASCII.GetBytes);
        HashSet<string> found = new HashSet<string>(StringComparer.Ordinal);
        int longest = sought.Values.Max(b => b.Length);
        using FileStream stream = OpenedFile.Named(path);
        byte[] buffer = new byte[1 << 18];
        int kept = 0, got;
        while (found.Count < sought.Count && (got = stream.Read(buffer, kept, buffer.Length - kept)) > 0)
        {
            Span<byte> have = buffer.AsSpan(0, kept + got);
            foreach ((string? text, byte[]? bytes) in sought)
                if (!found.Contains(text) && have.IndexOf(bytes) >= 0)
                    found.Add(text);
            // a text may lie across two reads
            kept = Math.Min(longest - 1, have.Length);
            have[^kept..].CopyTo(buffer);
        }
        return found;
    }
}
