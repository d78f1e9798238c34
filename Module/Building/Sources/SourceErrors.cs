using Slipway.Linux;

namespace Slipway.Building.Sources;

/// <summary>What can go wrong with a source: it is not there, or not what the definition or the lock says.</summary>
static class SourceErrors
{
    const string UpdateLock = "update the lock (-UpdateLock, --update-lock).";

    public static SlipwayException Unknown(Located from) =>
        new("DefinitionUnknownSource", ErrorKind.InvalidData, $"{from.Where}: Slipway cannot build from '{from.Value}'", null, from.Value);

    /// <param name="isThere">The lock has a source of that stage.</param>
    public static SlipwayException LockOfOther(string? lockPath, Stage stage, bool isThere)
    {
        string of = stage.Name.Length == 0 ? "the image" : $"stage '{stage.Name}'";
        string why = isThere ? "has changed since (packages, repositories, keys, priorities)" : "is not in it";
        return new("LockOutdated", ErrorKind.InvalidData,
            $"{lockPath}: the lock is of another definition: {stage.Source.From.Where}: the source of {of} {why}",
            "Update it (-UpdateLock, --update-lock), or give another lock file.", lockPath);
    }

    /// <param name="what">An archive, an image.</param>
    public static SlipwayException FileNotLocked(Located source, string path, string what, string has, string? wants) =>
        new("LockOutdated", ErrorKind.InvalidData, $"{source.Where}: {path} has the digest {has}, and the lock wants {wants}",
            $"Put back the {what} that was locked, or {UpdateLock}", path);

    public static SlipwayException HostNotLocked(Located from, string definition) =>
        new("LockOutdated", ErrorKind.InvalidData, $"{from.Where}: the files of this host are others than the lock wants",
            $"Build on the host as it was locked, or {UpdateLock}", definition);

    // archives and images

    public static SlipwayException ArchiveChanged(Located archive, string? has, string wants) =>
        new("ArchiveChanged", ErrorKind.SecurityError,
            $"{archive.Where}: {archive.Value} has the SHA-256 {has?[Digest.Prefix.Length..]}, and the definition wants {wants}",
            "Get the right archive, or correct 'sha256'.", archive.Value);

    public static SlipwayException ImageNotCached(Located image) =>
        new("ImageNotFound", ErrorKind.ObjectNotFound, $"{image.Where}: no image with the digest {image.Value} is in this node's cache",
            "Publish it (slipway publish, Publish-ImageCache), or give its path.", image.Value);

    public static SlipwayException ImageChanged(Located image, string path, string has) =>
        new("ImageChanged", ErrorKind.SecurityError, $"{image.Where}: {path} has the digest {has}", "Publish the image anew.", path);

    public static SlipwayException NotUnpacked(Located image, string path, int exit, string? said) =>
        new("BuildStepFailed", ErrorKind.InvalidData,
            $"{image.Where}: {path} could not be unpacked: unsquashfs ended with exit code {exit}: {said}", null, path);

    // packages

    /// <param name="index">What the repository has its hashes in.</param>
    public static SlipwayException PackageWithoutHash(Located source, LockedPackage package, string index) =>
        new("PackageWithoutHash", ErrorKind.SecurityError,
            $"{source.Where}: repository '{package.Repository}' gives no SHA-256 for package '{package.Name}'",
            $"Make the repository's {index} anew, with SHA256.", package.Name);

    public static SlipwayException NoDebianPackage(Located source, LockedPackage package, string file) =>
        new("PackageInvalid", ErrorKind.InvalidData, $"{source.Where}: package '{package.Name}' ({file}) is not a Debian package", null,
            package.Name);

    public static SlipwayException OtherPackage(Located source, LockedPackage package) =>
        new("PackageInvalid", ErrorKind.SecurityError,
            $"{source.Where}: package '{package.Name}' {package.Version} ({package.Urls.FirstOrDefault()}) "
            + "says that it is another package",
            "Ask who keeps the repository.", package.Name);

    /// <param name="installed">Each as NAME VERSION ARCHITECTURE.</param>
    public static SlipwayException LockNotMet(Located source, IReadOnlySet<string> installed, IReadOnlySet<string> wanted)
    {
        IEnumerable<string> differs = installed.Except(wanted).Select(p => "+" + p).Concat(wanted.Except(installed).Select(p => "-" + p));
        return new("LockNotMet", ErrorKind.InvalidOperation,
            $"{source.Where}: the installed packages are not those that were chosen: "
            + $"{string.Join(", ", differs.Order(StringComparer.Ordinal).Take(10))}",
            null, source.Value);
    }

    public static SlipwayException NotDnf4(Located from, string program) =>
        new("ProgramNotSuitable", ErrorKind.NotInstalled,
            $"{from.Where}: {program} is not dnf 4, which 'from: rpm' needs: dnf 5 has another library",
            "Install dnf 4 beside it: dnf install python3-dnf (RPM family), apt-get install dnf (Debian family).", "dnf");

    // this host

    public static SlipwayException ImageEmpty(Located exclude, string definition) =>
        new("ImageEmpty", ErrorKind.InvalidArgument, $"{exclude.Where}: everything is excluded, and the image would be empty",
            "Exclude less.", definition);

    public static SlipwayException PathStaysOut(Located path) =>
        new("DefinitionBadPath", ErrorKind.InvalidArgument,
            $"{path.Where}: '{path.Value}' lies where an image has nothing of its own: a container shows the node's directory there",
            "Move it to another directory, e.g. /opt, or copy it: files: [{from: …, to: …}].", path.Value);

    public static SlipwayException NotCopied(Located from, string path, Exception e) =>
        new("CopyFailed", ErrorKind.ReadError, $"{from.Where}: {path} could not be copied: {e.Message}",
            "Check that you may read the file, and build again: it may have been changed or removed meanwhile.", path, e);

    public static SlipwayException BecameLink(Located from, string path) =>
        new("CopyFailed", ErrorKind.InvalidData, $"{from.Where}: {path} became a link while Slipway looked at it", "Build again.", path);
}
