using System.Globalization;
using System.Text;
using Slipway.Shared;

namespace Slipway.Running;

/// <summary>The key of this rank's container (<see cref="ContainerKey"/>).</summary>
/// <param name="Step">The part that names the job step.</param>
/// <param name="Reason">What told it, for <c>--explain</c>.</param>
sealed unsafe record RankKey(string Value, string Step, string Reason)
{
    /// <param name="environment">As environ(7) has it.</param>
    /// <param name="directory">Where the rank is.</param>
    public static RankKey Of(RunRequest request, ImageIdentity image, byte** environment, string directory)
    {
        Text key = default, step = default;
        byte[]? job = request.Job is null ? null : CString(request.Job);
        int row;
        fixed (byte* given = job)
            row = StepKey.Add(ref step, given, environment);
        fixed (byte* named = CString(image.Given), stamp = CString(image.Stamp),
            options = CString(request.ContainerOptions), at = CString(directory))
            ContainerKey.Add(ref key, step.Bytes, named, stamp, options, at, Shared.CString.Variable(environment, "HOME"u8));
        return new RankKey(key.Take(), step.Take(), ReasonOf(row));
    }

    static string ReasonOf(int row) => row switch
    {
        StepKey.Given => "--job",
        StepKey.Parent => string.Create(CultureInfo.InvariantCulture, $"the parent process {getppid()}"),
        _ => string.Join(", ", Encoding.UTF8.GetString(RankTables.Steps[row..]).Split('\n')[0].Split(' ').Skip(1)),
    };
}
