using System.IO.Enumeration;

namespace Slipway.Building.Inside;

/// <summary>Everything below a directory; a link is an entry, and never followed: it would lead to the host.</summary>
static class FilesBelow
{
    public static FileSystemEnumerable<string> Of(string directory) =>
        new(directory, (ref FileSystemEntry entry) => entry.ToFullPath(),
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
        {
            ShouldRecursePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        };
}
