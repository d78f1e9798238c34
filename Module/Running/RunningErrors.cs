using System.Globalization;
using Slipway.Cache;
using Slipway.Images;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>What goes wrong with containers, in words: an error's name, kind, sentence and advice are here and nowhere else.</summary>
static class RunningErrors
{
    // what was asked for

    public static SlipwayException Usage(string what) => new("RunUsage", ErrorKind.InvalidArgument, what,
        $"slipway run {string.Join(' ', RunOption.All.Where(o => !o.Hidden))} IMAGE|sha256:DIGEST [-- CMD…]");

    /// <param name="why">Completes "'--bind …'".</param>
    public static SlipwayException BadBind(string bind, string why, string advice) =>
        new("RunUsage", ErrorKind.InvalidArgument, $"'--bind {bind}' {why}", advice, bind);

    // which image

    public static SlipwayException DigestInvalid(string given) => new("DigestInvalid", ErrorKind.InvalidArgument,
        $"'{given}' is not a digest: sha256: and 64 hexadecimal digits are needed", null, given);

    public static SlipwayException ImageNotFound(string path, int error) => new("ImageNotFound", ErrorKind.ObjectNotFound,
        $"{path}: there is no such image (errno {Number(error)})",
        "Build it (slipway build, New-ContainerImage), or check the path.", path);

    public static SlipwayException ImageOfNoKind(string path) => new("ImageInvalid", ErrorKind.InvalidData,
        $"{path}: is neither a file nor a directory", "Give the path of a SquashFS image or of an unpacked root.", path);

    public static SlipwayException ImageNotCached(string digest) => new("ImageNotCached", ErrorKind.ObjectNotFound,
        $"{digest}: no cache of this node has this image", "Stage it: slipway publish IMAGE (Publish-ImageCache).", digest);

    /// <param name="reasons">Of each rung of the ladder.</param>
    public static SlipwayException ImageNotMountable(string path, IEnumerable<string> reasons) =>
        new("ImageNotMountable", ErrorKind.NotInstalled,
        $"{path}: nothing on this node can mount it: {string.Join("; ", reasons)}",
        "Install squashfuse (apt-get install squashfuse, dnf install squashfuse), "
        + "or have root mount the image before the job (slipway prolog).",
        path);

    // what is in it

    public static SlipwayException NoRunscript(string image) => new("NoRunscript", ErrorKind.ObjectNotFound,
        $"{image}: the image has no runscript, and no command was given", "Name a command: slipway run IMAGE -- CMD…", image);

    public static SlipwayException ImageFileTooLarge(string file, long largest) => new("ImageFileTooLarge", ErrorKind.LimitsExceeded,
        $"the image's {file} has more than {Number(largest)} bytes, which no environment can have", "Mend it in the image.");

    /// <param name="how">Completes "the scripts …".</param>
    public static SlipwayException ImageEnvironmentFailed(string scripts, string how) =>
        new("ImageEnvironmentFailed", ErrorKind.InvalidData,
        $"the image's environment scripts ({scripts}/*.sh) {how}", "Mend them in the image; an image with /ch/environment needs none.");

    public static SlipwayException PointIsTheRoot(string destination) => new("BadImagePath", ErrorKind.InvalidData,
        $"'{destination}' is the root itself in this image, so nothing can be mounted there", null, destination);

    // what the host lends

    public static SlipwayException BindSourceNotFound(string bind, string source) => new("BindSourceNotFound", ErrorKind.ObjectNotFound,
        $"--bind {bind}: '{source}' is not there", "Give a file or directory of this node.", source);

    /// <param name="why">What is wrong with the bind that the site's configuration has.</param>
    public static SlipwayException ConfiguredBindInvalid(Located bind, SlipwayException why) =>
        new("ConfigurationInvalid", ErrorKind.InvalidData,
        $"{bind.Where}: {why.Message}", why.Recommendation, SiteConfiguration.Path, why);

    public static SlipwayException PlanOfHostDirectory(string directory, string shown, string why) =>
        new("FabricPlanInvalid", ErrorKind.InvalidData,
        $"the fabric plan takes '{directory}' for a directory of the image, and the container sees the host's '{shown}' there ({why})",
        FabricPlanFile.MakeAgain, directory);

    // how the container is made

    /// <param name="what">With its errno, where the kernel gave one.</param>
    public static SlipwayException NotMade(string what, string? advice = null) =>
        new("ContainerNotMade", ErrorKind.InvalidOperation, what, advice);

    /// <param name="error">An errno.</param>
    public static SlipwayException NotMade(string what, int error, string? advice = null) =>
        NotMade($"{what} (errno {Number(error)})", advice);

    public static SlipwayException HolderStartedByHand() => new("HolderUsage", ErrorKind.InvalidOperation,
        "'slipway run' starts 'slipway holder' itself, in namespaces of its own", "Start a container with slipway run.");

    public static SlipwayException HoldersEnded(string socket, int starts) => new("HolderEnded", ErrorKind.InvalidOperation,
        $"{socket}: {Number(starts)} holders were started, and each ended before this process had joined it",
        "Something kills them: see the limits of memory and processes of this job, and the kernel's log (dmesg).", socket);

    /// <param name="pid">The holder's; null where its entry does not tell it.</param>
    public static SlipwayException HolderSilent(string socket, int? pid)
    {
        string Kill(string signal) => pid is { } known ? $"kill -{signal} {Number(known)}" : $"pkill -{signal} slipway-holder";
        return new("HolderSilent", ErrorKind.OperationTimeout,
            $"{socket}: the container's holder has not answered for {Number(HolderChildren.Patience / 1000)} s: it is stopped, or hung",
            $"Let it go on ({Kill("CONT")}), or end it ({Kill("KILL")}): the next run starts a new one.", socket);
    }

    // its files in the runtime directory

    /// <param name="what">What cannot be done, and with which file.</param>
    public static SlipwayException NotWritten(string what, int error, string? path = null) =>
        new("NoRuntimeDirectory", ErrorKind.WriteError,
        $"{what} (errno {Number(error)})", "Check that the disk of the runtime directory is not full.", path);

    public static SlipwayException SocketPathTooLong(string path) => new("NoRuntimeDirectory", ErrorKind.InvalidArgument,
        $"{path}: the path is too long for a socket", "Set XDG_RUNTIME_DIR to a shorter path.", path);

    public static SlipwayException NoLocks(string path, int error) => new("NoLocks", ErrorKind.InvalidOperation,
        $"{path}: cannot be locked (flock: errno {Number(error)})",
        "The runtime directory must be on a file system that has locks: "
        + "set XDG_RUNTIME_DIR to a directory of your own on the node's own disk or in its memory.", path);

    // the command

    public static SlipwayException NotExecuted(string program, int error) => new("ExecFailed", ErrorKind.InvalidOperation,
        $"{program}: cannot be started (errno {Number(error)})", null, program);

    /// <param name="said">What the launcher said, without its name; the first line is what is wrong, and the others are advice.</param>
    public static SlipwayException NotStarted(IReadOnlyList<string> said, string image) =>
        new("ContainerNotStarted", ErrorKind.InvalidOperation,
        said[0], said.Count > 1 ? string.Join(' ', said.Skip(1)) : null, image)
    { ExitCode = 125 };

    static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
