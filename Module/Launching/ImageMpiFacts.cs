using Slipway.Cache;
using Slipway.Inventory;
using Slipway.Linux;
using Slipway.Readers.Elf;
using Slipway.Readers.SquashFs;

namespace Slipway.Launching;

/// <summary>Which MPI of an image a command uses.</summary>
/// <param name="Facts">Of the image; null where it could not be read.</param>
/// <param name="Candidates">One where it is certain; several where the image has several, and the command does not tell.</param>
/// <param name="Why">Where the facts come from.</param>
sealed record ImageMpiFacts(ImageFabric? Facts, IReadOnlyList<ImageMpi> Candidates, string Why)
{
    /// <param name="command">The program of the ranks: a file of the host that the container shows, or one of the image.</param>
    /// <param name="directory">Where the ranks work.</param>
    public static ImageMpiFacts Of(ContainerImage image, string command, string directory, CancellationToken cancel)
    {
        image = Near(image);
        ImageFabric facts;
        try
        {
            facts = ImageFacts.Of(image, cancel);
        }
        catch (SlipwayException e)
        {
            // a node may have the image by its digest alone, and no unsquashfs
            return new ImageMpiFacts(null, [], $"what MPI the image has could not be read: {e.Message}");
        }
        List<ImageMpi> all = [.. facts.Mpi.GroupBy(m => (m.Family, m.Flavour, m.Version))
            .Select(g => g.OrderByDescending(m => m.Speaks.Count).First())];
        string from = image.Manifest?.Fabric is null ? "read from the image" : "from the image's manifest";
        if (all.Count < 2)
            return new ImageMpiFacts(facts, all, all.Count == 0 ? $"no MPI library ({from})" : $"{all[0].Path} ({from})");
        IReadOnlyList<string> needed = Needed(image, command, directory, cancel);
        List<ImageMpi> used =
            [.. all.Where(m => facts.Mpi.Any(other => (other.Family, other.Flavour, other.Version) == (m.Family, m.Flavour, m.Version)
                && needed.Contains(other.Soname)))];
        return used.Count > 0
            ? new ImageMpiFacts(facts, used,
                $"{command} is linked with {string.Join(", ", used.Select(m => m.Soname).Distinct())} ({from})")
            : new ImageMpiFacts(facts, all, $"the image has {string.Join(" and ", all)}, and {command} does not tell which it uses");
    }

    /// <summary>The same from this node's cache, where it was published: a shared filesystem is not asked again.</summary>
    static ContainerImage Near(ContainerImage image) => Digest.IsValid(image.Digest) && NodeCache.FindEntry(image.Digest) is { } entry
        ? new ContainerImage { Path = entry, Digest = image.Digest, Size = image.Size, Manifest = image.Manifest } : image;

    /// <summary>What the program is linked with; nothing where it is no ELF file (a script), or is not found.</summary>
    static IReadOnlyList<string> Needed(ContainerImage image, string command, string directory, CancellationToken cancel)
    {
        try
        {
            if (command.Contains('/') && Path.GetFullPath(command, directory) is var path && File.Exists(path))
                return ElfFile.ReadIfElf(path)?.Needed ?? [];
            string name = Path.GetFileName(command);
            using SquashfsExtract part = SquashfsExtract.Extract(
                image.Path, (p, executable) => executable && (command.Contains('/') ? p == command : Path.GetFileName(p) == name), cancel);
            return [.. Directory.EnumerateFiles(
                part.Directory, name, new EnumerationOptions { RecurseSubdirectories = true,
                    AttributesToSkip = FileAttributes.ReparsePoint })
                .SelectMany(f => ElfFile.ReadIfElf(f)?.Needed ?? []).Distinct()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ElfFormatException
            or SlipwayException { Kind: not ErrorKind.ObjectNotFound })
        {
            return [];
        }
    }
}
