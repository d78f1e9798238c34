namespace Slipway.Readers.Elf;

/// <summary>A file that calls itself ELF and contradicts itself: the message names the file and what is off.</summary>
public sealed class ElfFormatException(string path, string what)
    : SlipwayException("ElfFormat", ErrorKind.InvalidData, $"{path}: not a sound ELF file: {what}",
        "Replace the file: it is damaged or cut short.", path)
{
    /// <summary>The same without the path, for who knows the file by another name: in a root, or in an image.</summary>
    public string Why { get; } = $"not a sound ELF file: {what}";
}
