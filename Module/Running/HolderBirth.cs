using System.Globalization;
using System.Text;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>
/// Starts a holder. A process with a second thread, as a .NET one has, can make no user namespace for itself but for a child: so the holder
/// comes of raw clones (<see cref="HolderChildren"/>).
/// </summary>
static unsafe class HolderBirth
{
    /// <summary>Starts one and waits until it is ready.</summary>
    /// <returns>A warning to pass on, in whole lines; often empty.</returns>
    /// <exception cref="SlipwayException">What the holder said why it could not be made.</exception>
    public static string Start(HolderArguments arguments, ImageMount image, HolderClaim claim)
    {
        HolderChildren.Prepared p = new()
        {
            Launcher = NativeStrings.Of("/proc/self/exe"),
            HolderArguments = NativeStrings.Vector(["slipway", "holder", .. arguments.ToArguments()]),
            Environment = NativeStrings.Vector(NativeStrings.Environment()), Source = NativeStrings.Of("slipway:" + image.Image),
            User = geteuid(), Group = getgid(), Mount = image.Fd,
            Image = image.File, Lock = claim.Lock, Listener = claim.Listener,
        };
        if (p.User == 0)
        {
            p.RootMap = NativeStrings.Of(Same("/proc/self/uid_map"));
            p.RootGroupMap = NativeStrings.Of(Same("/proc/self/gid_map"));
        }
        if (image.Server is { } server)
        {
            p.Server = NativeStrings.Of(server);
            p.ServerArguments = NativeStrings.Vector(
                [image.Rung, "-f", Encoding.UTF8.GetString(HolderChildren.ImagePath), Encoding.UTF8.GetString(HolderChildren.MountPoint)]);
        }
        byte* said = stackalloc byte[4096];
        int length = HolderChildren.Start(&p, said, 4096);
        if (length < 0)
            throw RunningErrors.NotMade("no process can be made", -length);
        string serverLog = ReadLog(p.Log);
        close(p.Log);
        string text = Encoding.UTF8.GetString(said, length);
        if (!text.StartsWith("ok", StringComparison.Ordinal))
            throw Explain(text, serverLog, image.Image);
        return text[2..];
    }

    /// <summary>The children before their exec can say a letter and an errno; the holder says a sentence.</summary>
    public static SlipwayException Explain(string said, string serverLog, string imagePath)
    {
        serverLog = serverLog.ReplaceLineEndings(" ").Trim();
        bool isCode = said.Length > 1 && said.Skip(1).All(char.IsAsciiDigit);
        int error = isCode && int.TryParse(said.AsSpan(1), CultureInfo.InvariantCulture, out int number) ? number : 0;
        return (isCode ? (byte)said[0] : 0) switch
        {
            HolderChildren.NoNamespace => RunningErrors.NotMade("no user namespace can be made", error,
                "Allow user namespaces: /proc/sys/user/max_user_namespaces must not be 0, "
                + "nor (Debian, Ubuntu) unprivileged ones switched off by sysctl."),
            HolderChildren.NoIdMaps => RunningErrors.NotMade("the ids of the user namespace cannot be set", error,
                "Check that a security policy (AppArmor, SELinux) allows user namespaces for slipway."),
            HolderChildren.NoFuseDevice => RunningErrors.NotMade(
                $"/dev/fuse cannot be opened (errno {error}), so the image cannot be mounted by a user",
                "Load the kernel's fuse module (modprobe fuse) and give /dev/fuse the mode 0666, "
                + "or have root mount the image (slipway prolog)."),
            HolderChildren.NoFuseMount => RunningErrors.NotMade("the FUSE mount cannot be made", error,
                "Unprivileged FUSE takes kernel 4.18 or later; the mount calls kernel 5.11."),
            HolderChildren.TimedOut => RunningErrors.NotMade(
                $"{imagePath}: the holder was not ready within {HolderChildren.Patience / 1000} s, and was killed",
                "Something stopped it (a script of the image may: /.singularity.d/env/*.sh), "
                + "or the file system that the image is on does not answer."),
            HolderChildren.NoProgram => RunningErrors.NotMade("the holder cannot be started", error),
            _ when said.Length == 0 => RunningErrors.NotMade(
                $"{imagePath}: the holder ended before the container was ready{(serverLog.Length > 0 ? ": " + serverLog : "")}"),
            _ => RunningErrors.NotMade(
                said.Split('\n')[0] + (serverLog.Length > 0 ? $": {serverLog}" : ""),
                said.Split('\n', 2) is [_, { Length: > 0 } advice] ? advice : null),
        };
    }

    static string ReadLog(int fd)
    {
        byte* buffer = stackalloc byte[2048];
        long n = fd < 0 ? 0 : pread(fd, buffer, 2048, 0);
        return Encoding.UTF8.GetString(buffer, (int)Math.Max(n, 0));
    }

    /// <summary>Every id that our own namespace has, as itself (user_namespaces(7)): root may be root of a namespace only.</summary>
    static string Same(string file) =>
        string.Join('\n', (OpenedFile.TryTextNamed(file) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(f => $"{f[0]} {f[0]} {f[2]}"));
}
