namespace Slipway.Readers.Elf;

/// <summary>
/// What may be kept of all the ELF files of one root: each is small, and an image of a megabyte can hold a hundred thousand.
/// </summary>
/// <param name="root">What errors call it.</param>
sealed class ElfBudget(string root)
{
    /// <summary>As <see cref="ElfFile.NamesLength"/>; a distribution with everything installed takes a tenth.</summary>
    const long Most = 32 << 20;

    /// <summary>The fields of an <see cref="ElfFile"/> itself, in the same measure.</summary>
    const int FileCost = 128;

    long taken;

    /// <exception cref="SlipwayException">It is too much.</exception>
    public void Take(ElfFile file)
    {
        if ((taken += file.NamesLength + FileCost) > Most)
            throw ReaderErrors.TooManyNames(root, Most);
    }
}
