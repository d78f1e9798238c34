using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using Slipway.Linux;

namespace Slipway.Building.Archives;

/// <summary>From a file to the entries of the archive in it: what compression and what format it has, its first bytes say.</summary>
static class ArchiveReader
{
    /// <summary>
    /// What people call it, the first bytes, and the program that decompresses from standard input to standard output; gzip is .NET's.
    /// </summary>
    static readonly (string Name, byte[] Magic, string[] Program)[] Compressions =
    [
        ("gzip", [0x1f, 0x8b], []),
        ("zstd", [0x28, 0xb5, 0x2f, 0xfd], ["zstd", "-dcq", "--long=31"]),
        ("xz", [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0], ["xz", "-dcq"]),
        ("lzma", [0x5d, 0, 0], ["xz", "-dcq", "--format=lzma"]),
        ("bzip2", [(byte)'B', (byte)'Z', (byte)'h'], ["bzip2", "-dcq"]),
        ("lz4", [0x04, 0x22, 0x4d, 0x18], ["lz4", "-dcq"]),
        ("lzop", [0x89, (byte)'L', (byte)'Z', (byte)'O'], ["lzop", "-dcq"]),
    ];

    // else .NET takes a gzip stream without its end for whole (System.IO.Compression: DeflateStream)
    static ArchiveReader() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    /// <summary>Hands on each entry, in order, and finishes.</summary>
    /// <exception cref="SlipwayException">It is no archive, is cut off, or an entry is not safe.</exception>
    public static void Read(FileStream file, ArchiveExtractor to, Action<int> percent, CancellationToken cancel)
    {
        byte[] head = new byte[6];
        int length = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        file.Position = 0;
        string[]? program = Compressions.FirstOrDefault(c => head.AsSpan(0, length).StartsWith(c.Magic)).Program;
        int told = -1;
        void Tell()
        {
            int now = (int)(100 * file.Position / Math.Max(1, file.Length));
            if (now != told)
                percent(told = now);
        }
        try
        {
            switch (program)
            {
                case null:
                    ReadEntries(file, to, Tell, cancel);
                    break;
                case []:
                    using (GZipStream plain = new(file, CompressionMode.Decompress, leaveOpen: true))
                    {
                        ReadEntries(plain, to, Tell, cancel);
                        // behind the last entry is the checksum of all (RFC 1952)
                        plain.CopyTo(Stream.Null);
                    }
                    break;
                default:
                    ReadThrough(program, file, to, Tell, cancel);
                    break;
            }
        }
        catch (Exception e) when (IsOfArchive(e))
        {
            throw ArchiveErrors.Damaged(e.Message, e);
        }
    }

    /// <summary>
    /// What .NET's readers throw at bytes that they were not made for is told by no list: all but what this machine, or we, had to say.
    /// </summary>
    static bool IsOfArchive(Exception e) => e is EndOfStreamException or InvalidDataException
        || e is not (SlipwayException or OperationCanceledException or IOException or UnauthorizedAccessException or OutOfMemoryException);

    static void ReadThrough(string[] program, FileStream file, ArchiveExtractor to, Action tell, CancellationToken cancel)
    {
        ProcessStartInfo start = new(HostProgram.Find(program[0]), program.Skip(1)) { RedirectStandardInput = true,
            RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string said = "";
        process.ErrorDataReceived += (_, e) => said = e.Data ?? said;
        process.BeginErrorReadLine();
        using CancellationTokenRegistration stop = cancel.Register(() => process.Kill());
        Task feed = Task.Run(() =>
        {
            try
            {
                file.CopyTo(process.StandardInput.BaseStream);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // it has ended, and its exit code says why
            }
        }, CancellationToken.None);
        try
        {
            ReadEntries(process.StandardOutput.BaseStream, to, tell, cancel);
            process.StandardOutput.BaseStream.CopyTo(Stream.Null);
        }
        catch (Exception e) when (IsOfArchive(e))
        {
            process.WaitForExit(1000);
            throw ArchiveErrors.Damaged(said.Length > 0 ? said : e.Message, e);
        }
        finally
        {
            if (!process.WaitForExit(2000))
                process.Kill();
            process.WaitForExit();
            feed.Wait(CancellationToken.None);
        }
        cancel.ThrowIfCancellationRequested();
        if (process.ExitCode != 0)
            throw ArchiveErrors.NotDecompressed(program[0], process.ExitCode, said);
    }

    static void ReadEntries(Stream stream, ArchiveExtractor to, Action tell, CancellationToken cancel)
    {
        BufferedStream buffered = new(stream, 1 << 16);
        byte[] head = new byte[6];
        int length = buffered.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        PrefixStream whole = new(head.AsMemory(0, length), buffered);
        int number = 0;
        foreach (ArchiveEntry entry in CpioReader.IsCpio(head.AsSpan(0, length)) ? CpioReader.Read(whole) : Tar(whole))
        {
            cancel.ThrowIfCancellationRequested();
            to.Add(entry, cancel);
            number++;
            if (number % 64 == 0)
                tell();
        }
        if (number == 0)
            throw ArchiveErrors.NoArchive(Compressions.Select(c => c.Name));
        to.Finish();
    }

    static IEnumerable<ArchiveEntry> Tar(Stream stream)
    {
        using TarReader reader = new(stream, leaveOpen: true);
        for (int number = 1; reader.GetNextEntry() is { } entry; number++)
        {
            ArchiveKind? kind = entry.EntryType switch
            {
                TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile => ArchiveKind.File,
                TarEntryType.Directory or TarEntryType.DirectoryList => ArchiveKind.Directory,
                TarEntryType.SymbolicLink => ArchiveKind.SymbolicLink,
                TarEntryType.HardLink => ArchiveKind.HardLink,
                TarEntryType.Fifo => ArchiveKind.Fifo,
                TarEntryType.BlockDevice or TarEntryType.CharacterDevice => ArchiveKind.Device,
                TarEntryType.GlobalExtendedAttributes => null,
                var other => throw ArchiveErrors.UnknownKind(number, entry.Name, other),
            };
            if (kind is not null)
                yield return new ArchiveEntry(number, entry.Name, kind.Value, entry.LinkName, (uint)entry.Mode, (uint)entry.Uid,
                    (uint)entry.Gid, entry.ModificationTime.ToUnixTimeSeconds(), entry.Length, entry.DataStream)
                {
                    Attributes = entry is PaxTarEntry pax
                        ? pax.ExtendedAttributes.Where(a => a.Key.StartsWith(ArchiveExtractor.AttributePrefix, StringComparison.Ordinal)
                            || a.Key.StartsWith("SCHILY.acl.", StringComparison.Ordinal)) : [],
                };
        }
    }
}
