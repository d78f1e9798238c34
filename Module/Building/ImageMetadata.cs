using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Slipway.Building;

/// <summary>What Apptainer and Charliecloud read, so that the image runs unchanged there.</summary>
internal static class ImageMetadata
{
    const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead
        | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public static void Write(RootDirectory root, Definition definition)
    {
        StringBuilder shell = new("#!/bin/sh\n"), plain = new();
        foreach ((string name, string value) in definition.Environment)
        {
            shell.Append(CultureInfo.InvariantCulture, $"export {name}='{value.Replace("'", "'\\''", StringComparison.Ordinal)}'\n");
            plain.Append(CultureInfo.InvariantCulture, $"{name}={value}\n");
        }
        root.Write(".singularity.d/env/90-environment.sh", shell.ToString(), Executable);
        root.Write(".singularity.d/runscript", "#!/bin/sh\n" + (definition.Runscript ?? "exec /bin/sh \"$@\"") + "\n", Executable);
        root.Write(".singularity.d/labels.json", JsonSerializer.Serialize(new SortedDictionary<string, string>(definition.Labels.ToDictionary(), StringComparer.Ordinal), SlipwayJson.Default.SortedDictionaryStringString) + "\n");
        root.Write("ch/environment", plain.ToString());
    }
}
