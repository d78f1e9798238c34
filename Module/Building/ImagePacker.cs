using System.Globalization;
using System.Text.RegularExpressions;
using Slipway.Linux;

namespace Slipway.Building;

/// <summary>A root filesystem to one SquashFS file, by mksquashfs(1).</summary>
static partial class ImagePacker
{
    public static void Pack(string root, string image, ImageCompression compression, long sourceDateEpoch, BuildContext context,
        CancellationToken cancel)
    {
        string[] how = compression switch
        {
            ImageCompression.Fast => ["-comp", "zstd", "-Xcompression-level", "3"],
            ImageCompression.Small => ["-comp", "zstd", "-Xcompression-level", "19"],
            _ => ["-comp", "zstd", "-noI", "-noD", "-noF", "-noX"],
        };
        List<string> said = [];
        void Line(string line)
        {
            if (Progress().Match(line) is { Success: true } at)
            {
                context.Step("packing", int.Parse(at.Groups[1].Value, CultureInfo.InvariantCulture));
                return;
            }
            context.Log(line);
            said.Add(line);
        }

        int exit = HostProgram.Run("mksquashfs",
            [root, image, "-noappend", "-quiet", "-exit-on-error", "-reproducible", "-mkfs-time",
                sourceDateEpoch.ToString(CultureInfo.InvariantCulture), .. how],
            Line, Line, new Dictionary<string, string?> { ["SOURCE_DATE_EPOCH"] = null }, cancel: cancel);
        if (exit == 0)
            return;
        string destination = context.Job.Destination;
        if (said.Any(line => line.Contains("No space left", StringComparison.Ordinal)))
            throw BuildErrors.DestinationFull(destination, doing: "the image was written");
        string why = said.LastOrDefault(line => line.Length > 0)?.Replace(image, destination, StringComparison.Ordinal) ?? "";
        throw Directory.Exists(Path.GetDirectoryName(image))
            ? BuildErrors.ProgramFailed(destination, "mksquashfs", exit, why, destination, ErrorKind.WriteError)
            : BuildErrors.DestinationGone(destination);
    }

    /// <summary>
    /// Its progress bar, which it also draws where there is no terminal: <c>[===/   ] 100/200  50%</c>, of blocks (squashfs-tools:
    /// progressbar.c).
    /// </summary>
    [GeneratedRegex(@"^\[.*\]\s+\d+/\d+\s+(\d{1,3})%\s*$")] private static partial Regex Progress();
}
