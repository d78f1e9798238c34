using System.Globalization;
using Slipway.Readers.Elf;

namespace Slipway.Readers;

/// <summary>What is wrong with a file of the outside world. An image's errors name the image, whatever it was unpacked into.</summary>
static class ReaderErrors
{
    const string NotMeant = "No genuine image has so many: build it anew, or do not trust it.";

    public static SlipwayException ImageNotFound(string image, Exception? inner = null) =>
        new("ImageNotFound", ErrorKind.ObjectNotFound, $"{image}: there is no such image",
            "Build it (slipway build, New-ContainerImage), or check the path.", image, inner);

    public static SlipwayException ImageUnreadable(string image, string why, Exception? inner = null) =>
        new("ImageUnreadable", ErrorKind.ReadError, $"{image}: {why}", "Give the path of an image that you may read.", image, inner);

    /// <param name="said">By unsquashfs.</param>
    public static SlipwayException ImageNotUnpacked(string image, string said) =>
        new("ImageUnreadable", ErrorKind.InvalidData, $"{image}: {said.ReplaceLineEndings(";")}",
            "Check that the file is a SquashFS image.", image);

    public static SlipwayException ImageInvalid(string image, string why) =>
        new("ImageInvalid", ErrorKind.InvalidData, $"{image}: {why}", "Build or copy the image anew.", image);

    public static SlipwayException TooManyFiles(string image, int limit) =>
        ImageTooLarge(image, string.Create(CultureInfo.InvariantCulture, $"it has more than {limit} files"));

    public static SlipwayException ListTooLong(string image) => ImageTooLarge(image, "it has a list of files of more than 1 GiB");

    public static SlipwayException TooManyNames(string root, long limit) =>
        ImageTooLarge(root, string.Create(
            CultureInfo.InvariantCulture, $"the names that its programs and libraries need take more than {limit >> 20} MiB"));

    public static SlipwayException TooManyNeeds(string root, int limit) =>
        ImageTooLarge(root, string.Create(CultureInfo.InvariantCulture, $"its programs need libraries more than {limit} times"));

    static SlipwayException ImageTooLarge(string image, string why) =>
        new("ImageTooLarge", ErrorKind.LimitsExceeded, $"{image}: {why}", NotMeant, image);

    /// <param name="path">Inside, without a slash before it.</param>
    /// <param name="limit">In bytes.</param>
    public static SlipwayException ImageFileTooLarge(string image, string path, long limit) =>
        new("ImageFileTooLarge", ErrorKind.LimitsExceeded,
            string.Create(CultureInfo.InvariantCulture, $"{image}: its file /{path} has more than {limit} bytes"),
            "No such file is that large: build the image anew, or do not trust it.", image);

    public static SlipwayException PatternTooLarge(string pattern, int limit) =>
        new("PatternTooLarge", ErrorKind.LimitsExceeded,
            string.Create(CultureInfo.InvariantCulture, $"'{pattern}' stands for more than {limit} patterns"),
            "Write fewer alternatives in braces, or '*'.", pattern);

    /// <summary>
    /// For a list of what could not be used: why a file in a root could not be read, by no name but the one that it has there.
    /// </summary>
    public static string Why(Exception e, string outside) =>
        e is ElfFormatException elf ? elf.Why : e is UnauthorizedAccessException ? "permission denied" : Linux.OpenedFile.Why(e, outside);
}
