using Slipway.Linux;

namespace Slipway.Building;

/// <summary>
/// What can go wrong with a build as such; of sources, repositories and archives there is a file in each of their folders. Where the log
/// lies is added to all errors of the builder in one place (<see cref="Inside.BuilderProgram"/>).
/// </summary>
static class BuildErrors
{
    const string OtherDestination = "Choose a directory that exists and that you may write to.";

    /// <summary>An error of a part that does not know what it works for, with the place in the definition in front.</summary>
    public static SlipwayException At(string where, SlipwayException e, object? target = null) =>
        new(e.Id, e.Kind, $"{where}: {e.Message}", e.Recommendation, target ?? e.Target, e);

    /// <summary>Of several builds: the first error with what the others said.</summary>
    public static SlipwayException Several(IReadOnlyList<SlipwayException> errors) => errors.Count == 1 ? errors[0]
        : new(errors[0].Id, errors[0].Kind, string.Join("; ", errors.Select(e => e.Message)), errors[0].Recommendation, errors[0].Target);

    // the disk

    /// <param name="directory">In which a build works.</param>
    /// <param name="doing">What was done meanwhile, to follow "while".</param>
    /// <param name="said">What a program said of it.</param>
    /// <param name="where">The place in the definition that it was done for.</param>
    public static DiskFullException DiskFull(string directory, string? doing = null, string? said = null, string? where = null,
        Exception? inner = null)
    {
        string place = where is null ? "" : $"{where}: ", meanwhile = doing is null ? "" : $" while {doing}";
        string words = said is null ? "" : $": {said}";
        return new($"{place}{directory}: no space left on the device{meanwhile}{words}",
            "Free some space, or set TMPDIR to a roomier local disk.", directory, inner);
    }

    public static DiskFullException DestinationFull(string destination, string? doing = null, Exception? inner = null) =>
        new($"{destination}: no space left on the device{(doing is null ? "" : $" while {doing}")}",
            "Free some space, or choose another destination.", destination, inner);

    public static SlipwayException NoWorkDirectory(string parent, Exception e) =>
        new("NoWorkDirectory", ErrorKind.WriteError, $"{parent}: no directory to build in can be made: {e.Message}",
            "Set TMPDIR to a local disk that you may write to.", parent, e);

    public static SlipwayException NoCacheDirectory(string directory, string advice, Exception e) =>
        new("NoCacheDirectory", ErrorKind.WriteError, $"{directory}: the package cache cannot be made: {e.Message}", advice, directory, e);

    // the destination

    public static SlipwayException DestinationIsDirectory(string destination) =>
        new("DestinationIsDirectory", ErrorKind.InvalidArgument, $"{destination}: the destination is a directory",
            "Give the path of a file, e.g. ./lammps.sqfs.", destination);

    public static SlipwayException DestinationInUse(string destination, string other) =>
        new("DestinationInUse", ErrorKind.ResourceExists, $"{destination}: another build is writing this image ({other})",
            "Wait for it, or choose another destination.", destination);

    public static SlipwayException OneDestination(string destination, IEnumerable<string> definitions) =>
        new("DestinationInUse", ErrorKind.ResourceExists, $"{destination}: {string.Join(" and ", definitions)} would both be built there",
            "Give a directory as the destination, and each definition a name of its own.", destination);

    /// <param name="partial">The file that is to become the image: what .NET says names it, which tells a reader nothing.</param>
    public static SlipwayException NotWritable(string destination, string partial, Exception e) => e.HResult == ENOSPC
        ? DestinationFull(destination, inner: e)
        : new SlipwayException("DestinationNotWritable", ErrorKind.PermissionDenied,
            $"{destination}: the image cannot be written there: {e.Message.Replace(partial, destination, StringComparison.Ordinal)}",
            OtherDestination, destination, e);

    public static SlipwayException DestinationGone(string destination) =>
        new("DestinationNotWritable", ErrorKind.WriteError,
            $"{destination}: the image cannot be written there: its directory no longer exists",
            "Choose a directory that stays.", destination);

    // lock files

    public static SlipwayException NoLockFile(string definition) =>
        new("NoLockFile", ErrorKind.InvalidArgument, "there is no lock file to update", "Name it: -LockFile FILE, --lock-file FILE.",
            definition);

    public static SlipwayException OneLockFile(string path, int definitions) =>
        new("LockFileInUse", ErrorKind.InvalidArgument, $"{path}: is given as the lock file of {definitions} definitions",
            "Give an existing directory: each definition then has its lock file in it.", path);

    public static SlipwayException LockInvalid(string path, string why, Exception? inner = null) =>
        new("LockInvalid", ErrorKind.InvalidData, $"{path}: {why}",
            "Give a lock file that Slipway wrote, or a path that has no file yet. -UpdateLock (--update-lock) writes it anew.",
            path, inner);

    public static SlipwayException LockTooNew(string path, int version) =>
        new("LockTooNew", ErrorKind.InvalidData, $"{path}: has schema version {version}, and this Slipway knows version 1",
            "Update Slipway.", path);

    public static SlipwayException LockNotWritable(string path, Exception e) =>
        new("LockNotWritable", ErrorKind.WriteError, $"{path}: the lock file {OpenedFile.Why(e, path)}",
            OtherDestination, path, e);

    // the builder's namespace, and what it lacks

    public static SlipwayException NoSubordinateIds(string file) =>
        new("NoSubordinateIds", ErrorKind.PermissionDenied,
            $"{file}: user {Environment.UserName} has no subordinate ids, and fakeroot, which needs none, is not installed",
            $"As root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {Environment.UserName}; "
                + "or apt-get install fakeroot (Debian family), dnf install fakeroot (RPM family).", file);

    public static SlipwayException NoOtherOwners(string directory, string fileSystem, int error) =>
        new("NoSubordinateIds", ErrorKind.PermissionDenied,
            $"{directory}: this file system ({fileSystem}) keeps no files of other owners, "
            + $"which the files of an image have (chown: errno {error})",
            "Set TMPDIR to a local disk (ext4, xfs, btrfs, tmpfs).", directory);

    /// <param name="said">What it said that was no message.</param>
    public static SlipwayException BuilderEnded(string definition, string log, int exit, IReadOnlyList<string> said)
    {
        string how = exit > 128 ? $"was ended by signal {exit - 128}" : $"ended with exit code {exit}";
        string last = said.Count > 0 ? string.Join("; ", said.TakeLast(3)) : "it said nothing";
        return new("BuilderEnded", ErrorKind.InvalidOperation, $"{definition}: the builder {how}: {last}",
            $"{WhyEnded(exit, said)} The log: {log}", definition);
    }

    /// <summary>Of a builder that could not say it itself.</summary>
    static string WhyEnded(int exit, IReadOnlyList<string> said) => (exit - 128) switch
    {
        var signal when signal == SIGKILL =>
            "Somebody killed it, or the kernel did because memory ran out: see dmesg, and memory.max of the control group.",
        > 0 => "This is a fault of Slipway, or of what it runs on: report it, with the definition.",
        _ when said.Any(line => OfNamespaces.Any(program => line.StartsWith(program, StringComparison.Ordinal))) =>
            "Check that user namespaces are allowed (/proc/sys/user/max_user_namespaces).",
        _ => "Look at what it said last.",
    };

    static readonly string[] OfNamespaces = ["unshare:", "newuidmap:", "newgidmap:"];

    // steps

    /// <summary>What .NET said while the builder itself wrote.</summary>
    public static SlipwayException NotWritten(string definition, string directory, string why, Exception e) =>
        new("BuildStepFailed", ErrorKind.WriteError, $"{definition}: {why}", null, directory, e);

    public static SlipwayException ProgramFailed(string where, string program, int exit, string? said, object target,
        ErrorKind kind = ErrorKind.InvalidOperation) =>
        new("BuildStepFailed", kind, $"{where}: {program} ended with exit code {exit}: {said}", null, target);

    public static SlipwayException CommandFailed(Located line, int exit, IReadOnlyList<string> said) =>
        new("BuildStepFailed", ErrorKind.InvalidOperation,
            $"{line.Where}: the command of 'run' ended with exit code {exit}: {LastWords(line, said)}", null, line.Value);

    public static SlipwayException TestFailed(Located line, int exit, IReadOnlyList<string> said) =>
        new("ImageTestFailed", ErrorKind.InvalidOperation, $"{line.Where}: the 'test' ended with exit code {exit}: {LastWords(line, said)}",
            null, line.Value);

    static string LastWords(Located line, IReadOnlyList<string> said) => said.Count > 0 ? string.Join(" | ", said) : line.Value;

    public static SlipwayException FileNotInStage(DefinitionFile file) =>
        new("DefinitionFileNotFound", ErrorKind.ObjectNotFound, $"{file.Where}: stage '{file.Stage}' has no '{file.From}'",
            "Look at what its commands make.", file.From);

    public static SlipwayException NoDirectory(string name) =>
        new("BadImagePath", ErrorKind.InvalidData, $"'/{name}' in the image is not a directory", null, name);

    /// <param name="inside">The path in the image whose directory cannot be opened or made.</param>
    /// <param name="error">An errno.</param>
    public static SlipwayException NoDirectory(string name, string inside, int error) =>
        new("BadImagePath", ErrorKind.InvalidData, $"'/{name}' in the image is not a directory (errno {error})", null, inside);

    public static SlipwayException NoPathOfFile(string inside) =>
        new("BadImagePath", ErrorKind.InvalidArgument, $"'{inside}' is not the path of a file in an image", null, inside);

    /// <param name="said">What cp(1) said.</param>
    public static SlipwayException NotCopied(string source, string inside, IEnumerable<string> said) =>
        new("CopyFailed", ErrorKind.WriteError, $"'{source}' could not be copied to '{inside}' in the image: {string.Join("; ", said)}",
            null, source);

    public static SlipwayException VariableInvalid(Located source, string manifest, string variable) =>
        new("ManifestInvalid", ErrorKind.InvalidData,
            $"{source.Where}: /{manifest} of the base image sets a variable that no environment can have: '{variable}'",
            "Build that image anew.", source.Value);
}
